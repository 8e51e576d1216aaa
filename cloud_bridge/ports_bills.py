"""What the daily match asks of the world around it: bills, books, and the journals of machines."""

import enum
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from cloud_bridge.core.bill import BillLine, BookRow, Difference, MachineRow, Summary


class BillKind(enum.StrEnum):
    """The two bills of a day."""

    TRADE = "trade"
    FUNDS = "funds"


# ---------------------------------------------------------------- the platform's bills


@dataclass(frozen=True, slots=True, kw_only=True)
class BillFile:
    """A bill on the disk. `sha1` is over its plain bytes, as the platform said and as they are."""

    merchant: str
    day: str
    kind: BillKind
    sha1: str
    file: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class NoBill:
    """The platform says that nothing was traded on that day."""

    day: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NotYet:
    """No bill now; ask again. `why` is a name for counters, `detail` a line for a person."""

    why: str
    detail: str = ""


class BillBroken(Exception):
    """A file that cannot be read as a bill: line, column, what was found, what is allowed."""


class BillReading(Protocol):
    """One reading of a trade bill, from its first line to its last."""

    @property
    def summary(self) -> Summary | None:
        """What the bill says of itself; None before the last line was read."""

    def lines(self) -> Iterator[BillLine]:
        """Each payment and refund in the bill's order. Raises BillBroken."""


class Bills(Protocol):
    """One merchant's bills."""

    @property
    def merchant(self) -> str:
        """Whose, by the name in the settings."""

    async def fetch(
        self, day: str, kind: BillKind, folder: Path, *, told: Callable[[int, int], None]
    ) -> BillFile | NoBill | NotYet:
        """Have a day's bill in `folder`; one that lies there already with this hash is not fetched again.

        `told` hears how many bytes are here, and of how many (0: not known), from any thread. Never raises
        for what network or platform do.
        """

    def reading(self, bill: BillFile) -> AbstractContextManager[BillReading]:
        """Read a trade bill. Raises BillBroken, also when the file is not what was fetched."""

    def funds(self, bill: BillFile) -> Mapping[str, int]:
        """Fen of each kind of movement in a fund-flow bill, income less expense. Raises BillBroken."""


# ---------------------------------------------------------------- the books' side


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """Why a difference is none, or what was done about it. `by` is empty when nobody had to say it."""

    cause: str
    why: str = ""
    by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundDifference:
    """A difference as it is kept, with its cause once it has one. `case` is the case of a sale it opened."""

    difference: Difference
    since_wall_ms: int
    cause: Cause | None = None
    case: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DayFigures:
    """What a matched day came to, in fen where it is money; the names are those of `bill.Side`."""

    paid: Mapping[str, int]
    refunds: Mapping[str, int]
    fee_fen_5: int
    lines: int
    pieces: int
    funds: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class DayResult:
    """One merchant's day. `closed` once every difference has a cause. `sha1` of the bill, empty without one.

    `fault` says why the day could not be matched; then the figures are those of the last time it could.
    """

    merchant: str
    day: str
    sha1: str
    file: str
    closed: bool
    fault: str
    rounds: str
    matched_wall_ms: int
    figures: DayFigures | None


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalPage:
    """A machine's own rows of a day, some at a time. `more`: there are others after these."""

    machine: str
    jid: str
    boot: int
    bits: str
    day: str
    rows: tuple[MachineRow, ...]
    more: bool


class BookStreams(Protocol):
    """The books as the match reads them, in one snapshot; each stream sorted by sale id."""

    def books(self, merchant: str, day: str) -> Iterator[BookRow]:
        """The sales of a merchant that were opened on the day, or gave money back on it."""

    def book(self, sale_id: str, day: str) -> BookRow | None:
        """One sale, of any day."""

    def machines(self, merchant: str, day: str) -> Iterator[MachineRow]:
        """What the machines' journals say of the day; of a merchant's own sales, and of unknown ones."""

    def journals(self, day: str) -> frozenset[str]:
        """Machines whose journal of the day was heard in full."""


class BillBooks(Protocol):
    """Where results are kept, and where the books are read. Blocking: call it away from the loop."""

    def look(self) -> AbstractContextManager[BookStreams]:
        """One moment of the books."""

    def sorted(self, lines: Iterable[BillLine]) -> AbstractContextManager[Iterator[BillLine]]:
        """The same lines by sale id, with little memory: they wait on the disk meanwhile."""

    def day(self, merchant: str, day: str) -> tuple[DayResult, tuple[FoundDifference, ...]] | None:
        """What is kept of a day."""

    def days(self, limit: int) -> tuple[DayResult, ...]:
        """The newest days first."""

    def closed_case(self, sale_id: str, reason: str) -> str:
        """Who settled the sale's last case of this reason and why; empty while it is open or never was."""
