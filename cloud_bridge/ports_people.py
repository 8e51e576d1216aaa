"""What is asked of the world around people: who they are, what they did, and where both are kept.

The same rule as in `ports`: rooms meet in the engine.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from cloud_bridge.core.logins import Session, Token, User, Wish
from cloud_bridge.core.people import Person
from cloud_bridge.ports import Tx

T = TypeVar("T")


# ---------------------------------------------------------------- what people did


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """One line of the audit: who did what to which object, why, and what it was before and after.

    `action` is an `Action` or a word of its own, such as login; `about` names the object (`sale abc`, `user
    ann`); `machine` is empty for what belongs to none. No secrets, no payer.
    """

    wall_ms: int
    by: str
    action: str
    about: str
    machine: str = ""
    why: str = ""
    before: str = ""
    after: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line(Deed):
    """A deed as it is kept: its number, and the hash that binds it to all before it."""

    id: int
    hash: str


class AuditTx(Tx, Protocol):
    """A transaction that can also say who did it: the deed and its effect are durable together."""

    def deed(self, deed: Deed) -> None:
        """Append one line to the audit."""


class Audit(Protocol):
    """Where deeds are kept that need no transaction of their own. Raises StoreFailed."""

    async def record(self, deed: Deed) -> None:
        """Append one line to the audit; durable when this returns."""

    async def deeds(self, *, before: int = 0, limit: int = 100) -> tuple[Line, ...]:
        """The newest first; with `before` those of a lower number."""


# ---------------------------------------------------------------- the books


class PeopleTx(AuditTx, Protocol):
    """A transaction that sees people."""

    def users(self) -> tuple[User, ...]:
        """Every user, by name."""

    def user(self, name: str) -> User | None:
        """One of them."""

    def put_user(self, user: User) -> None:
        """Insert or replace."""

    def sessions(self) -> tuple[Session, ...]:
        """Every session, also those that are over and that nobody took away."""

    def put_session(self, session: Session) -> None:
        """Insert or replace."""

    def touch_session(self, session_id: str, seen_wall_ms: int) -> None:
        """Somebody was seen; nothing happens to one that was taken away."""

    def drop_session(self, session_id: str) -> None:
        """Take one away."""

    def drop_sessions(self, name: str) -> None:
        """Take all of a user's away."""

    def tokens(self) -> tuple[Token, ...]:
        """Every token, by name."""

    def put_token(self, token: Token) -> None:
        """Insert; its name is new."""

    def drop_token(self, name: str) -> None:
        """Take one away."""

    def wishes(self) -> tuple[Wish, ...]:
        """What waits for a second admin, the oldest first; one of a user."""

    def put_wish(self, wish: Wish) -> None:
        """Insert or replace, by the user's name."""

    def drop_wish(self, name: str) -> None:
        """Take one away."""


class PeopleStore(Audit, Protocol):
    """The books as people's room sees them."""

    async def on_people(self, work: Callable[[PeopleTx], T]) -> T:
        """As `Store.run`, in a transaction that also sees people."""


# ---------------------------------------------------------------- passwords


class Passwords(Protocol):
    """How passwords are kept: slow to try, each with its own salt. Away from the loop, a few at a time."""

    async def kept(self, password: str) -> str:
        """What is kept of it. Raises Busy."""

    async def fits(self, kept: str, password: str) -> bool:
        """Whether it is this one; for an empty `kept` as much work, and no. Raises Busy."""

    def dated(self, kept: str) -> bool:
        """Whether it was made with less work than is asked for now."""


class Busy(Exception):
    """Too many passwords are being looked at already."""


# ---------------------------------------------------------------- the door


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What somebody gives to be let in, and from where."""

    name: str
    password: str = field(repr=False)
    code: str = field(default="", repr=False)
    address: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entered:
    """Why not, or empty, and then the session's number for the cookie; `wait_s`: when to try again."""

    why: str = ""
    session: str = field(default="", repr=False)
    wait_s: int = 0


class PeopleService(Protocol):
    """People as the door and the pages see them. After `ready` only what is async waits."""

    async def ready(self) -> None:
        """Wait until the books were read. Raises StoreFailed."""

    @property
    def asks(self) -> bool:
        """Whether a login is asked for."""

    @property
    def users(self) -> tuple[User, ...]:
        """Everybody who has a login."""

    @property
    def wishes(self) -> tuple[Wish, ...]:
        """What waits for a second admin."""

    def by_session(self, session: str, *, watching: bool = False) -> Person | None:
        """Whose session this is; it lives on from now, unless a page is `watching` by itself."""

    def lives(self, session: str) -> bool:
        """Whether this session has not ended."""

    def by_token(self, token: str) -> Person | None:
        """Which program's token this is."""

    def by_name(self, name: str) -> Person | None:
        """A user whom somebody else let in."""

    async def log_in(self, tried: Tried) -> Entered:
        """Let somebody in."""

    async def log_out(self, session: str) -> None:
        """End a session."""

    async def change_password(self, session: str, old: str, new: str) -> Entered:
        """A new password, a new session's number, and the end of his other sessions."""

    async def offer_totp(self, session: str, password: str) -> tuple[str, str]:
        """Why not, or a new second factor's address (otpauth://...), which counts once `take_totp` did."""

    async def take_totp(self, session: str, code: str) -> Entered:
        """The code that the new factor shows: from now on it is asked for."""

    async def ask_rights(self, wish: Wish) -> str:
        """An admin asks rights for a user: why not, or empty; another admin has to agree."""

    async def agree(self, name: str, by: Person, *, yes: bool) -> str:
        """Another admin says yes or no to what waits: why not, or empty."""

    async def disable(self, name: str, by: str, why: str) -> str:
        """Nobody of this name is let in from now on: why not, or empty."""
