"""Reports as tables: what page, CSV, XLSX and JSON all show, so that none of them says anything else."""

import enum
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from cloud_bridge.core.report import By, Entry, Line, Report, Takings, Vends, failed_rate, total, worst_first


class Kind(enum.StrEnum):
    """How a column is written: words, a number, an amount in fen, a part of a hundred, an instant."""

    TEXT = "text"
    COUNT = "count"
    FEN = "fen"
    RATE = "rate"
    TIME = "time"


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """`name` is the key of its words, and its name in JSON."""

    name: str
    kind: Kind


Cell = str | int | float


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A report as page, CSV, XLSX and JSON show it. `total` has as many cells as a row, or none."""

    report: Report
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    total: tuple[Cell, ...] = ()


_FIGURES: Final = (
    Column(name="paid", kind=Kind.COUNT),
    Column(name="paid_fen", kind=Kind.FEN),
    Column(name="back", kind=Kind.COUNT),
    Column(name="back_fen", kind=Kind.FEN),
    Column(name="left_fen", kind=Kind.FEN),
    Column(name="sold", kind=Kind.COUNT),
    Column(name="sold_fen", kind=Kind.FEN),
    Column(name="lost_fen", kind=Kind.FEN),
)
_SHOWN: Final[Mapping[Report, tuple[Column, ...]]] = MappingProxyType(
    {
        Report.REFUNDS: tuple(each for each in _FIGURES if each.name in ("back", "back_fen")),
        Report.SHRINKAGE: (Column(name="lost", kind=Kind.COUNT), Column(name="lost_fen", kind=Kind.FEN)),
    }
)
OUTCOMES: Final = ("delivered", "failed", "unknown", "settled", "waiting")


def line_table(report: Report, by: By, found: Sequence[Line]) -> Table:
    """Lines with their sum below."""
    names = ("product_zh", "product_en") if by is By.PRODUCT else (by.value,)
    heads = tuple(Column(name=name, kind=Kind.TEXT) for name in names)
    figures = _SHOWN.get(report, _FIGURES)
    rows = tuple((*line.key, *_figures(line, figures)) for line in found)
    sums = _figures(total(found), figures)
    return Table(report=report, columns=(*heads, *figures), rows=rows, total=(*("" for _ in names), *sums))


def _figures(line: Line, figures: Iterable[Column]) -> tuple[Cell, ...]:
    return tuple(getattr(line, each.name) for each in figures)


def lane_table(found: Iterable[Vends]) -> Table:
    """Lanes with what became of their vends."""
    ordered = worst_first(found)
    columns = (
        Column(name="machine", kind=Kind.TEXT),
        Column(name="lane", kind=Kind.COUNT),
        Column(name="vends", kind=Kind.COUNT),
        *(Column(name=name, kind=Kind.COUNT) for name in OUTCOMES),
        Column(name="failed_rate", kind=Kind.RATE),
    )
    rows = tuple((each.machine, each.lane, *_outcomes(each)) for each in ordered)
    whole = {name: sum(each.outcomes.get(name, 0) for each in ordered) for name in OUTCOMES}
    sums = _outcomes(Vends(machine="", lane=0, outcomes=whole))
    return Table(report=Report.LANES, columns=columns, rows=rows, total=("", "", *sums))


def _outcomes(vends: Vends) -> tuple[Cell, ...]:
    counts = tuple(vends.outcomes.get(name, 0) for name in OUTCOMES)
    return (sum(vends.outcomes.values()), *counts, failed_rate(vends))


def takings_table(found: Takings) -> Table:
    """Where the money is, a place a line; the sum is what came in less what went back."""
    columns = (Column(name="place", kind=Kind.TEXT), Column(name="fen", kind=Kind.FEN))
    rows = tuple((account.value, fen) for account, fen in found.places)
    return Table(report=Report.TAKINGS, columns=columns, rows=rows, total=("left", found.left_fen))


def entry_table(found: Iterable[Entry]) -> Table:
    """The rows of the ledger themselves."""
    columns = (
        Column(name="wall_ms", kind=Kind.TIME),
        *(Column(name=name, kind=Kind.TEXT) for name in ("sale_id", "machine")),
        Column(name="lane", kind=Kind.COUNT),
        *(Column(name=name, kind=Kind.TEXT) for name in ("product_zh", "product_en", "debit", "credit")),
        Column(name="fen", kind=Kind.FEN),
        *(Column(name=name, kind=Kind.TEXT) for name in ("why", "reason")),
    )
    rows = tuple(tuple(getattr(each, column.name) for column in columns) for each in found)
    return Table(report=Report.ENTRIES, columns=columns, rows=rows)
