"""What is asked of the world around what people do: machines that obey, and acts by hand."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from cloud_bridge.core.approval import HandAct, Spent
from cloud_bridge.core.command import CommandAnswered, CommandWish, Outcome
from cloud_bridge.core.people import Person
from cloud_bridge.core.sale import Sale
from cloud_bridge.ports import Store, Tx

T = TypeVar("T")


class CommandHearer(Protocol):
    """Who waits for machines' words on commands."""

    async def command_told(self, answer: CommandAnswered) -> None:
        """Take it; durable when this returns, so that it may be acknowledged. Raises StoreFailed."""


class DoingTx(Tx, Protocol):
    """A transaction that also sees what people did by hand."""

    def put_act(self, act: HandAct) -> int:
        """Insert one without an id, or replace; its id."""

    def act(self, number: int) -> HandAct | None:
        """One of them."""

    def waiting_for(self, sale_id: str) -> HandAct | None:
        """The act of a sale that waits for a second person, if any."""

    def spent(self, *, by: str, machine: str, since_wall_ms: int) -> Spent:
        """What was given by hand since then: by a person, and on a machine."""

    def opened_for(self, request_id: str) -> Sale | None:
        """The sale that a machine opened for this request, if any."""

    def acts(self, *, limit: int, machines: Iterable[str] | None) -> tuple[HandAct, ...]:
        """Those that wait and then the newest others, of these machines (None: of all)."""


class DoingBooks(Store, Protocol):
    """The books, as acts by hand need them."""

    async def on_doing(self, work: Callable[[DoingTx], T]) -> T:
        """As `run`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Handled:
    """What became of a wish: `done`, or it `waits` for a second person under that number, or `why` not."""

    done: bool = False
    why: str = ""
    waits: int = 0
    waits_why: str = ""


class DoingService(Protocol):
    """What people may do, as page, programs and commands see it. Raises StoreFailed."""

    async def command(self, wish: CommandWish) -> Outcome:
        """Have a machine do something within seconds, or say why not."""

    async def refund(self, person: Person, sale_id: str, why: str) -> Handled:
        """Give a sale's money back."""

    async def vended(self, person: Person, sale_id: str, why: str) -> Handled:
        """Say that a doubted sale's goods are out; a second person always looks at it."""

    async def close(self, person: Person, sale_id: str, why: str, reason: str) -> Handled:
        """Say that a case is settled outside of these books."""

    async def free_vend(self, person: Person, machine: str, lane: int, why: str) -> Handled:
        """Ask a second person to let a product go out for nothing."""

    async def give(self, person: Person, number: int) -> Handled:
        """What two people agreed to goes out now, to whoever stands there; once, unless it failed."""

    async def acts(self, person: Person, *, limit: int = 50) -> tuple[HandAct, ...]:
        """What waits for a second person on machines that he sees, then what was done, the newest first."""

    async def agree(self, person: Person, number: int, why: str) -> Handled:
        """The second person says yes: it is done at once."""

    async def decline(self, person: Person, number: int, why: str) -> str:
        """Somebody says no; why he cannot, or empty."""
