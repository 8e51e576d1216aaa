"""What is asked of the world around people: who they are, what they did, and where both are kept.

The same rule as in `ports`: rooms meet in the engine.
"""

from typing import Protocol

from cloud_bridge.core.people import Person


class PeopleService(Protocol):
    """Who may be there, as the door sees it. After `ready` nothing here waits."""

    async def ready(self) -> None:
        """Wait until the books were read. Raises StoreFailed."""

    @property
    def asks(self) -> bool:
        """Whether a login is asked for."""

    @property
    def users(self) -> int:
        """How many there are."""

    def by_session(self, session: str) -> Person | None:
        """Whose session this is; it lives on from now."""

    def lives(self, session: str) -> bool:
        """Whether this session has not ended."""

    def by_token(self, token: str) -> Person | None:
        """Which program's token this is."""

    def by_name(self, name: str) -> Person | None:
        """A user whom somebody else let in."""
