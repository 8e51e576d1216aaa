"""What is asked of the books for reports, and what reports are asked for."""

from dataclasses import dataclass
from typing import Final, Protocol

from cloud_bridge.core.ledger import Account
from cloud_bridge.core.report import Asked, BillSide, By, Entry, Line, Move, Report, Takings, Vends
from cloud_bridge.core.report_tables import Table
from cloud_bridge.ports_bills import bounds_ms

MOST_DAYS: Final = 366
HOURS: Final = tuple(f"{hour:02}:00" for hour in range(24))


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A report of whole days of the platform's, the last within. `machines` None: all of them."""

    report: Report
    first: str
    last: str
    by: By | None = None
    machines: frozenset[str] | None = None
    key: tuple[str, ...] = ()
    account: Account | None = None

    def __post_init__(self) -> None:
        """Raises ValueError for days that are none, in the wrong order, or too many, and for a wrong key."""
        begin_ms, end_ms = bounds_ms(self.first)[0], bounds_ms(self.last)[1]
        days = (end_ms - begin_ms) // 86_400_000
        if not 1 <= days <= MOST_DAYS:
            raise ValueError(f"from {self.first} to {self.last}: found {days} days, allowed 1 to {MOST_DAYS}")
        if self.key and len(self.key) != (2 if self.line is By.PRODUCT else 1):
            raise ValueError(f"key: found {len(self.key)} words, allowed those of one {self.line}")
        if self.key and self.line is By.HOUR and self.key[0] not in HOURS:
            raise ValueError(f"key: found {self.key[0][:20]!r}, allowed an hour such as 08:00")
        if self.key and self.line is By.DAY:
            bounds_ms(self.key[0])

    @property
    def line(self) -> By:
        """What a line stands for."""
        return self.by or (By.REASON if self.report is Report.REFUNDS else By.MACHINE)

    @property
    def asked(self) -> Asked:
        """As the books are asked."""
        return Asked(
            report=self.report,
            begin_ms=bounds_ms(self.first)[0],
            end_ms=bounds_ms(self.last)[1],
            by=self.line,
            machines=self.machines,
            key=self.key,
            account=self.account,
        )


class ReportReads(Protocol):
    """The books as reports read them: one moment, one query each. Raises StoreFailed."""

    async def moves(self, asked: Asked) -> tuple[Move, ...]:
        """What moved in the time, by what was asked for."""

    async def vends(self, asked: Asked) -> tuple[Vends, ...]:
        """What became of the vends that ended in the time, by lane."""

    async def entries(self, asked: Asked) -> tuple[Entry, ...]:
        """The ledger's rows of the time, the newest first, so many at most."""

    async def bill_side(self, first: str, last: str) -> BillSide:
        """What the bills of these days say."""


class ReportDesk(Protocol):
    """Reports as page and command see them. Raises StoreFailed."""

    async def table(self, wish: Wish) -> Table:
        """One report as a table."""

    async def takings(self, wish: Wish) -> Takings:
        """Where the money of the time is; with the bills, for who sees all machines."""

    async def lines(self, wish: Wish) -> tuple[Line, ...]:
        """The lines of a report."""
