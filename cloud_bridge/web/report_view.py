"""Reports as templates draw them: every cell in words, every number a way to the rows behind it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from cloud_bridge.core.ledger import Account
from cloud_bridge.core.report import By, Line, Report, Takings
from cloud_bridge.core.report_tables import Cell, Column, Kind, Table
from cloud_bridge.ports_bills import days_from
from cloud_bridge.ports_reports import HOURS
from cloud_bridge.web.bars import Bar, bars
from cloud_bridge.web.report_query import Wanted
from cloud_bridge.web.report_words import ReportWords
from cloud_bridge.web.speaker import yuan

_ACCOUNTS: Final[Mapping[str, Account]] = {
    "paid": Account.PLATFORM_CLEARING,
    "paid_fen": Account.PLATFORM_CLEARING,
    "back": Account.PLATFORM_CLEARING,
    "back_fen": Account.PLATFORM_CLEARING,
    "left_fen": Account.PLATFORM_CLEARING,
    "sold": Account.SALES,
    "sold_fen": Account.SALES,
    "lost": Account.SHRINKAGE,
    "lost_fen": Account.SHRINKAGE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A cell: what it says and where it leads. A number stands to the right; an instant is a time."""

    words: str
    link: str = ""
    number: bool = False
    wall_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """A table in words. `id` is the element's."""

    id: str
    heads: tuple[Shown, ...]
    rows: tuple[tuple[Shown, ...], ...]
    total: tuple[Shown, ...]


def drawn(table: Table, query: Wanted, words: ReportWords, id: str = "table") -> Drawn:
    """Every row of it, with links to entries, sales and machines."""
    heads = tuple(
        Shown(words=words.head(each), number=each.kind not in (Kind.TEXT, Kind.TIME))
        for each in table.columns
    )
    rows = tuple(tuple(_row(table, row, query, words)) for row in table.rows)
    total = tuple(
        _cell(column, cell, words) for column, cell in zip(table.columns, table.total, strict=False)
    )
    named = (Shown(words=words.sum), *total[1:]) if total else ()
    return Drawn(id=id, heads=heads, rows=rows, total=named)


def _row(table: Table, row: Sequence[Cell], query: Wanted, words: ReportWords) -> Iterator[Shown]:
    texts = [str(cell) for column, cell in zip(table.columns, row, strict=True) if column.kind is Kind.TEXT]
    for column, cell in zip(table.columns, row, strict=True):
        link = _link(table.report, column, cell, query, tuple(texts))
        shown = _cell(column, cell, words)
        shorter = f"…{shown.words[-8:]}" if column.name == "sale_id" else shown.words
        yield Shown(words=shorter, link=link, number=shown.number, wall_ms=shown.wall_ms)


def _link(report: Report, column: Column, cell: Cell, query: Wanted, key: tuple[str, ...]) -> str:
    if not cell:
        return ""
    if column.name == "machine":
        return f"/machines/{cell}"
    if column.name == "sale_id":
        return f"/sales/{cell}"
    if report is Report.LANES:
        return f"/sales?machine={key[0]}" if column.name == "vends" else ""
    if column.name not in _ACCOUNTS or report is Report.ENTRIES:
        return ""
    by = query.by or (By.REASON if report is Report.REFUNDS else By.MACHINE)
    rows = {"report": Report.ENTRIES, "by": by, "key": key, "account": _ACCOUNTS[column.name]}
    return f"/reports?{query.link(**rows)}"


def _cell(column: Column, cell: Cell, words: ReportWords) -> Shown:
    if isinstance(cell, str):
        return Shown(words=words.cell(column, cell))
    match column.kind:
        case Kind.FEN:
            return Shown(words=yuan(int(cell)), number=True)
        case Kind.RATE:
            return Shown(words=f"{cell * 100:.1f} %", number=True)
        case Kind.TIME:
            return Shown(words="", wall_ms=int(cell))
        case _:
            return Shown(words=str(cell), number=True)


# ---------------------------------------------------------------- where the takings are


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A line of a statement: its words, its amount, where it leads; `sum` closes what stands above."""

    key: str
    fen: int
    link: str = ""
    sum: bool = False


def statement(found: Takings, query: Wanted) -> tuple[Step, ...]:
    """From what came in to what is left."""
    rows = f"/reports?{query.link(report=Report.ENTRIES, account=Account.PLATFORM_CLEARING)}"
    return (
        Step(key="money_in", fen=found.whole.paid_fen, link=rows),
        Step(key="money_back", fen=-found.whole.back_fen, link=f"/reports?{query.on(Report.REFUNDS).link()}"),
        Step(key="money_left", fen=found.left_fen, sum=True),
    )


def places(found: Takings, query: Wanted) -> tuple[Step, ...]:
    """Where what is left is: they add up to it."""
    steps = [
        Step(
            key=f"place.{account}",
            fen=fen,
            link=f"/reports?{query.link(report=Report.ENTRIES, account=account)}",
        )
        for account, fen in found.places
        if fen or account is Account.SALES
    ]
    return (*steps, Step(key="money_left", fen=found.left_fen, sum=True))


def chart(lines: Iterable[Line], query: Wanted) -> tuple[Bar, ...]:
    """What was paid in each hour of a day, or on each day of a longer time, also where it was nothing."""
    paid = {line.key[0]: line.paid_fen for line in lines}
    if query.first == query.last:
        return bars([(hour, paid.get(hour, 0)) for hour in HOURS])
    days, day = [], query.first
    while day <= query.last:
        days.append(day)
        day = days_from(day, 1)
    return bars([(each[5:], paid.get(each, 0)) for each in days])


def bill_steps(found: Takings) -> tuple[Mapping[str, Any], ...]:
    """The bill beside the ledger, and what the difference is made of."""
    return tuple(
        {
            "key": key,
            "bill_fen": getattr(found.bill, f"{side}_fen"),
            "ledger_fen": getattr(found.whole, f"{side}_fen"),
            "other_day_fen": found.apart(side)[0],
            "apart_fen": found.apart(side)[1],
        }
        for key, side in (("money_in", "paid"), ("column.back_fen", "back"))
    )
