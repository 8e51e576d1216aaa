"""What the pages ask: pages of sales, one by the end of its number, days in figures, how a machine has been.

Reading only. Lists are pages by key, never by count: the next begins behind the last row of this one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from cloud_bridge.core.case import Case
from cloud_bridge.core.ledger import Post
from cloud_bridge.core.model import State
from cloud_bridge.core.sale import Sale
from cloud_bridge.ports import CaseView, Fact, SaleView

SHORTEST_TAIL: Final = 4
# What may be asked of sales by their end. `refunded` is any whose money went back, in part or whole; `lost`
# any whose goods came out although the money went back.
KINDS: Final[Mapping[str, frozenset[State]]] = {
    "vended": frozenset({State.VENDED}),
    "refunded": frozenset(),
    "lost": frozenset(),
    "unpaid": frozenset({State.CLOSED}),
    "open": frozenset({State.QUOTED, State.OFFERED, State.CLOSING, State.PAID, State.CASE}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Which sales. Empty: of all. `machines` None: of every machine. `since_ms` <= opened < `until_ms`.

    `kind` is one of `KINDS`; `before` the last row that was shown already: when it was opened, and its id.
    """

    machines: frozenset[str] | None = None
    kind: str = ""
    since_ms: int = 0
    until_ms: int = 0
    before: tuple[int, str] | None = None
    limit: int = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class DayFigures:
    """What came of the sales that were opened between two instants, in fen and in sales.

    `lost_fen` are goods that came out although their money went back. `by_machine` is paid less refunded of
    each machine that took money.
    """

    sales: int = 0
    paid: int = 0
    paid_fen: int = 0
    vended: int = 0
    vended_fen: int = 0
    refunded: int = 0
    refunded_fen: int = 0
    lost: int = 0
    lost_fen: int = 0
    by_machine: Mapping[str, int]

    @property
    def net_fen(self) -> int:
        """What stayed."""
        return self.paid_fen - self.refunded_fen


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the ledger about a sale."""

    wall_ms: int
    post: Post


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """One line of the trail: what a row was before, what it is after, and what caused that."""

    wall_ms: int
    cause: str
    by: str
    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Everything that the books hold about one sale, each part with its oldest line first."""

    sale: Sale
    facts: tuple[Fact, ...]
    cases: tuple[Case, ...]
    entries: tuple[Entry, ...]
    decisions: tuple[Decision, ...]


Machines = frozenset[str] | None


class LookingStore(Protocol):
    """The books as they are read for pages. Raises StoreFailed. Machines None: all of them."""

    async def page(self, asked: Asked) -> tuple[Sale, ...]:
        """The newest sales first."""

    async def by_tail(self, words: str, machines: Machines, limit: int) -> tuple[Sale, ...]:
        """Sales whose id, or whose payment's number, ends so: at least `SHORTEST_TAIL` letters and digits."""

    async def evidence(self, sale_id: str) -> Evidence | None:
        """One sale with all that is known of it."""

    async def figures(self, since_ms: int, until_ms: int, machines: Machines) -> DayFigures:
        """What came of the sales that were opened in this time."""

    async def days(self, since_ms: int, until_ms: int, machines: Machines) -> Mapping[str, DayFigures]:
        """As `figures`, for each of the platform's days on which a sale was opened; not by machine."""

    async def machine_lines(self, machine: str, limit: int) -> tuple[Fact, ...]:
        """The newest lines about a machine and no sale: sessions, alarms, what people did."""

    async def sale_lines(self, machine: str, limit: int) -> tuple[Fact, ...]:
        """The newest lines of a machine's newest sales, the newest first."""

    async def newest_lines(self, machines: Machines, limit: int) -> tuple[Fact, ...]:
        """The newest of all lines, the newest first; of a few machines fewer of them."""


# ---------------------------------------------------------------- what pages see


@dataclass(frozen=True, slots=True, kw_only=True)
class SaleFile:
    """One sale with its evidence. Numbers are those that platform and shopper know it by."""

    sale: SaleView
    transaction_id: str
    refund_no: str
    merchant: str
    catalogue_version: int
    facts: tuple[Fact, ...]
    cases: tuple[CaseView, ...]
    entries: tuple[Entry, ...]
    decisions: tuple[Decision, ...]


class Looking(Protocol):
    """What pages ask of the engine. Raises StoreFailed. Machines None: all of them."""

    async def page(self, asked: Asked) -> tuple[SaleView, ...]:
        """The newest sales first."""

    async def by_tail(self, words: str, machines: Machines, limit: int) -> tuple[SaleView, ...]:
        """As `LookingStore.by_tail`."""

    async def file(self, sale_id: str) -> SaleFile | None:
        """One sale with all that is known of it."""

    async def figures(self, since_ms: int, until_ms: int, machines: Machines) -> DayFigures:
        """As `LookingStore.figures`."""

    async def days(self, since_ms: int, until_ms: int, machines: Machines) -> Mapping[str, DayFigures]:
        """As `LookingStore.days`."""

    async def machine_lines(self, machine: str, limit: int) -> tuple[Fact, ...]:
        """As `LookingStore.machine_lines`."""

    async def sale_lines(self, machine: str, limit: int) -> tuple[Fact, ...]:
        """As `LookingStore.sale_lines`."""

    async def newest_lines(self, machines: Machines, limit: int) -> tuple[Fact, ...]:
        """As `LookingStore.newest_lines`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """How a machine was in one step of time, as it showed itself; None where it did not say."""

    since_wall_ms: int
    online: bool
    temperature_c: int | None


class Trends(Protocol):
    """How machines have been lately, in memory: lost with a restart."""

    def health(self, machine: str) -> tuple[Health, ...]:
        """The oldest step first; empty for a machine that is not known."""
