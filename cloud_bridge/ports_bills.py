"""What the daily match asks of the world around it: bills, books, and the journals of machines."""

import enum
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from pathlib import Path
from typing import Final, Protocol, TypeVar

from cloud_bridge.core.bill import BillLine, BookRow, Difference, MachineRow, Summary
from cloud_bridge.core.model import Session
from cloud_bridge.ports import Tx

T = TypeVar("T")
CHINA: Final = timezone(timedelta(hours=8))


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


# ---------------------------------------------------------------- results, as they are kept


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """Why a difference is none any more. `by` is the person who said it, empty when nobody had to.

    `name`: neighbour (it stands in the bill of another day) | platform (its own word settles it) | books
    (they have it by now) | case (a person settled the sale's case) | person (somebody explained it).
    """

    name: str
    why: str = ""
    by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A difference as it is kept, with its cause once it has one."""

    difference: Difference
    since_wall_ms: int
    cause: Cause | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What a matched day came to: fen by place as `core.bill.Side` names them, fees in thousandths of a fen.

    `funds` is the flow of funds by kind of movement; `pieces` what the machines say fell.
    """

    paid: Mapping[str, int]
    refunds: Mapping[str, int]
    lines: int
    fee_fen_5: int
    pieces: int
    funds: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class DayResult:
    """One merchant's day. `closed` once it was matched and every difference has a cause.

    `fault` says why it could not be matched; then `figures` are those of the last time it could. `sha1` and
    `file` are the bill's, empty for a day without trades. `rounds` are the days on which it was matched.
    """

    merchant: str
    day: str
    sha1: str = ""
    file: str = ""
    closed: bool = False
    fault: str = ""
    rounds: str = ""
    matched_wall_ms: int = 0
    figures: Figures | None = None


Kept = tuple[DayResult, tuple[Found, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalAnswer:
    """A machine's signed answer to one question about its journal. `ask` names the question."""

    machine: str
    session: Session
    ask: str
    rows: tuple[MachineRow, ...]
    more: bool


class JournalHearer(Protocol):
    """Who asked machines for their journals."""

    async def journal_told(self, answer: JournalAnswer) -> None:
        """Take an answer; one that nobody waits for is harmless."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalPage:
    """Some of a machine's own rows of a day. `first` of them begins anew; `more`: others come after these."""

    machine: str
    jid: str
    boot: int
    bits: str
    day: str
    rows: tuple[MachineRow, ...]
    first: bool
    more: bool


# ---------------------------------------------------------------- the books


class BookStreams(Protocol):
    """The books as the match reads them, all in one snapshot; each stream sorted by sale id."""

    def books(self, merchant: str, day: str) -> Iterator[BookRow]:
        """Paid sales of a merchant that were opened on the day or just before, or gave money back on it."""

    def book(self, merchant: str, sale_id: str, day: str) -> BookRow | None:
        """One sale of a merchant, of any day, paid or not."""

    def machines(self, merchant: str, day: str, own: frozenset[str]) -> Iterator[MachineRow]:
        """What machines' journals say of the day: of a merchant's sales, and of unknown ones of `own`."""

    def journals(self, day: str) -> frozenset[str]:
        """Machines whose journal of the day was heard in full."""

    def settled(self, sale_id: str, reason: str) -> str:
        """Who settled the sale's last case, of this reason if one is named, and why; empty: nobody yet."""


class BillTx(Tx, Protocol):
    """A transaction that also sees the match's own rows."""

    def bill_day(self, merchant: str, day: str) -> Kept | None:
        """What is kept of a day."""

    def put_bill_day(self, result: DayResult, found: Sequence[Found]) -> None:
        """Insert or replace a day, and each of these differences of it."""

    def put_page(self, page: JournalPage) -> bool:
        """Keep what a machine said; False, and nothing is kept, for a journal that is not believed."""


class BillBooks(Protocol):
    """Where results are kept, and the books are read."""

    async def on_bills(self, work: Callable[[BillTx], T]) -> T:
        """As `Store.run`, in a transaction that also sees the match's own rows."""

    async def bill_days(self, limit: int) -> tuple[Kept, ...]:
        """The newest days first, with their differences."""

    def look(self) -> AbstractContextManager[BookStreams]:
        """One moment of the books. Blocking: for a thread."""


class Sorter(Protocol):
    """Puts lines in order with little memory."""

    def __call__(self, lines: Iterable[BillLine]) -> AbstractContextManager[Iterator[BillLine]]:
        """The same lines by sale id; they wait on the disk meanwhile. Blocking: for a thread."""


# ---------------------------------------------------------------- the platform's days


def day_of(wall_ms: int) -> str:
    """The platform's day at this instant: `2026-01-31`."""
    return datetime.fromtimestamp(wall_ms / 1000, CHINA).date().isoformat()


def bounds_ms(day: str) -> tuple[int, int]:
    """When a day of the platform's begins and ends, in Unix milliseconds. Raises ValueError."""
    begin = datetime.combine(date.fromisoformat(day), time(), CHINA)
    return round(begin.timestamp() * 1000), round((begin + timedelta(days=1)).timestamp() * 1000)


def days_from(day: str, count: int) -> str:
    """The day so many days after this one. Raises ValueError."""
    return (date.fromisoformat(day) + timedelta(days=count)).isoformat()


def moment(wall_ms: int) -> str:
    """An instant as the platform's clocks show it: `2026-01-31 10:05:00 +08:00`."""
    return datetime.fromtimestamp(wall_ms / 1000, CHINA).isoformat(" ", "seconds").replace("+", " +")
