"""A report as CSV, as XLSX and as JSON: the cells of the table, nothing more and nothing less.

The only file that imports `xlsxwriter`. It writes row by row and keeps none.
"""

import csv
import io
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, Final, Protocol

import xlsxwriter

from cloud_bridge.core.report_tables import Cell, Column, Kind, Table

_CHINA: Final = timezone(timedelta(hours=8))
_FORMATS: Final[Mapping[Kind, str]] = {
    Kind.FEN: "#,##0.00",
    Kind.RATE: "0.0%",
    Kind.COUNT: "0",
    Kind.TIME: "yyyy-mm-dd hh:mm:ss",
}
_WIDTHS: Final[Mapping[Kind, int]] = {Kind.TEXT: 24, Kind.TIME: 20}
_NARROW: Final = 14


class TableWords(Protocol):
    """Names in the reader's language."""

    def title(self, table: Table) -> str:
        """Of the report."""

    def head(self, column: Column) -> str:
        """Of a column."""

    def cell(self, column: Column, words: str) -> str:
        """What a cell says."""

    @property
    def sum(self) -> str:
        """Of the last row."""


def as_csv(table: Table, words: TableWords) -> str:
    """A row a line, the sum last; a BOM lets spreadsheets read the Chinese, and no cell is a formula."""
    out = io.StringIO()
    out.write("\N{BYTE ORDER MARK}")
    rows = csv.writer(out, lineterminator="\r\n")
    rows.writerow([words.head(column) for column in table.columns])
    for row in (*table.rows, *((_summed(table, words),) if table.total else ())):
        rows.writerow([_plain(*each) for each in _cells(table, row, words)])
    return out.getvalue()


def as_rows(table: Table) -> dict[str, Any]:
    """For JSON: amounts in fen, instants in Unix milliseconds, a rate from 0 to 1."""
    names = [column.name for column in table.columns]
    return {
        "report": table.report.value,
        "rows": [dict(zip(names, row, strict=True)) for row in table.rows],
        "total": dict(zip(names, table.total, strict=True)) if table.total else None,
    }


def as_xlsx(table: Table, words: TableWords) -> bytes:
    """One sheet: amounts in yuan, instants on the platform's clock."""
    out = io.BytesIO()
    options = {"constant_memory": True, "in_memory": False, "strings_to_formulas": False}
    with xlsxwriter.Workbook(out, options) as book:
        sheet = book.add_worksheet(words.title(table)[:31])
        sheet.freeze_panes(1, 0)
        bold = book.add_format({"bold": True})
        formats = {kind: book.add_format({"num_format": form}) for kind, form in _FORMATS.items()}
        sums = {kind: book.add_format({"num_format": form, "bold": True}) for kind, form in _FORMATS.items()}
        for place, column in enumerate(table.columns):
            sheet.set_column(place, place, _WIDTHS.get(column.kind, _NARROW))
            sheet.write_string(0, place, words.head(column), bold)
        for line, row in enumerate(table.rows, start=1):
            _write(sheet, line, _cells(table, row, words), formats)
        if table.total:
            last = _cells(table, _summed(table, words), words)
            _write(sheet, len(table.rows) + 1, last, sums | {Kind.TEXT: bold})
    return out.getvalue()


def _write(sheet: Any, line: int, cells: Iterable[tuple[Column, Cell]], formats: Mapping[Kind, Any]) -> None:
    for place, (column, cell) in enumerate(cells):
        form = formats.get(column.kind)
        if isinstance(cell, str):
            sheet.write_string(line, place, cell, form)
        elif column.kind is Kind.TIME:
            sheet.write_datetime(line, place, _moment(int(cell)).replace(tzinfo=None), form)
        else:
            sheet.write_number(line, place, cell / 100 if column.kind is Kind.FEN else cell, form)


def _summed(table: Table, words: TableWords) -> tuple[Cell, ...]:
    """The sum's row, with its name in its first cell."""
    return (words.sum, *table.total[1:])


def _cells(table: Table, row: tuple[Cell, ...], words: TableWords) -> list[tuple[Column, Cell]]:
    """Each cell of a row beside its column, words in the reader's language."""
    return [
        (column, words.cell(column, cell) if isinstance(cell, str) else cell)
        for column, cell in zip(table.columns, row, strict=True)
    ]


def _plain(column: Column, cell: Cell) -> str:
    if isinstance(cell, str):
        return f"'{cell}" if cell[:1] in ("=", "+", "-", "@", "\t", "\r") else cell
    match column.kind:
        case Kind.FEN:
            return f"{'-' if cell < 0 else ''}{abs(int(cell)) // 100}.{abs(int(cell)) % 100:02d}"
        case Kind.RATE:
            return f"{cell:.4f}"
        case Kind.TIME:
            return f"{_moment(int(cell)):%Y-%m-%d %H:%M:%S}"
        case _:
            return str(cell)


def _moment(wall_ms: int) -> datetime:
    return datetime.fromtimestamp(wall_ms // 1000, UTC).astimezone(_CHINA)
