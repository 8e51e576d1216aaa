"""Reports as page and command ask for them, and the digest of a day; all of it read from the books."""

from collections import Counter
from dataclasses import dataclass
from typing import Final

from cloud_bridge.core.alarm import Spell, rule
from cloud_bridge.core.digest import Digest
from cloud_bridge.core.report import (
    BillSide,
    Line,
    Report,
    Takings,
    Vends,
    lines,
    losses,
    refunds,
    takings,
    total,
)
from cloud_bridge.core.report_tables import Table, entry_table, lane_table, line_table, takings_table
from cloud_bridge.ports_bills import day_of, days_from
from cloud_bridge.ports_reports import ReportReads, Wish


class Reports:
    """Implements `ports_reports.ReportDesk`."""

    def __init__(self, reads: ReportReads) -> None:
        self._reads: Final = reads

    async def table(self, wish: Wish) -> Table:
        """One report as a table. Raises StoreFailed."""
        asked = wish.asked
        match wish.report:
            case Report.LANES:
                return lane_table(await self._reads.vends(asked))
            case Report.ENTRIES:
                return entry_table(await self._reads.entries(asked))
            case Report.TAKINGS:
                return takings_table(await self.takings(wish))
        found = lines(await self._reads.moves(asked))
        if wish.report is Report.REFUNDS:
            found = refunds(found)
        elif wish.report is Report.SHRINKAGE:
            found = losses(found)
        return line_table(wish.report, asked.by, found)

    async def takings(self, wish: Wish) -> Takings:
        """Where the money of the time is; with the bills, for who sees all machines. Raises StoreFailed."""
        moves = await self._reads.moves(wish.asked)
        if wish.machines is not None:
            return takings(moves)
        return takings(moves, await self._reads.bill_side(wish.first, wish.last))

    async def lines(self, wish: Wish) -> tuple[Line, ...]:
        """The lines of a report. Raises StoreFailed."""
        return lines(await self._reads.moves(wish.asked))

    async def vends(self, wish: Wish) -> tuple[Vends, ...]:
        """What became of the vends of each lane. Raises StoreFailed."""
        return await self._reads.vends(wish.asked)


async def digest_of(reports: Reports, day: str, machines: frozenset[str], about: "Waiting") -> Digest:
    """One day in short. Raises StoreFailed."""
    found = await reports.lines(Wish(report=Report.SALES, first=day, last=day))
    vends = await reports.vends(Wish(report=Report.LANES, first=day, last=day))
    money = await reports.takings(Wish(report=Report.TAKINGS, first=day, last=day))
    whole = total(found)
    sold = {line.key[0]: line.paid_fen for line in found if line.paid}
    return Digest(
        day=day,
        paid=whole.paid,
        paid_fen=whole.paid_fen,
        refunded=whole.back,
        refunded_fen=whole.back_fen,
        failed=sum(each.outcomes.get("failed", 0) for each in vends),
        raised=about.raised,
        cases=about.cases,
        complaints=about.complaints,
        machines=len(machines),
        silent=tuple(sorted(machines - sold.keys())),
        standing=about.standing,
        bill=_bill(money.bill),
        best=tuple(sorted(sold.items(), key=lambda each: (-each[1], each[0]))),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """What waits for a person as a digest is written, and how many alarms began on its day."""

    raised: int
    cases: int
    complaints: int
    standing: tuple[tuple[str, int], ...]


def by_weight(standing: tuple[Spell, ...]) -> tuple[tuple[str, int], ...]:
    """Alarms that stand by name, with how many of each: the gravest first."""
    counts = Counter(each.name for each in standing)
    return tuple(sorted(counts.items(), key=lambda each: (-rule(each[0]).weight, -each[1], each[0])))


def _bill(bill: BillSide) -> str:
    if bill.missing or not bill.days:
        return ""
    return "differs" if bill.open else "fits"


def yesterday(wall_ms: int) -> str:
    """The platform's day that is over."""
    return days_from(day_of(wall_ms), -1)
