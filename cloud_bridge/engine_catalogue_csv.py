"""The catalogue as two tables for a spreadsheet, and back: all of it, or every mistake by row and column.

The products table changes the products it names. The lanes table speaks for every machine and template that
it names: a lane of theirs that it does not have is gone. A row without a lane says a machine's template and
route.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from cloud_bridge.core.catalogue import (
    TEMPLATE,
    Book,
    Entry,
    Fault,
    Key,
    Kind,
    Lane,
    Plan,
    Product,
    lane_key,
    planograms,
    where_and_lane,
)

ROWS_MOST: Final = 120_000
PRODUCTS: Final = ("product", "name_zh", "name_en", "price_fen", "cost_fen", "picture")
LANES: Final = (
    "machine",
    "lane",
    "product",
    "price_fen",
    "sold_out_at",
    "par",
    "capacity",
    "template",
    "route",
)
_BOM: Final = "\ufeff"
_FORMULA: Final = ("=", "+", "-", "@", "\t")  # a spreadsheet would run what begins so
_NUMBER: Final = "a whole number, or nothing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """One cell to put right. `table`: which of the files, from 1; `row` as a spreadsheet counts, from 1."""

    table: int
    row: int
    column: str
    found: str
    allowed: str

    def __str__(self) -> str:
        where = f"file {self.table}, row {self.row}, column {self.column}" if self.row else self.column
        return f"{where}: found {self.found}, allowed {self.allowed}"


@dataclass(slots=True)
class Read:
    """What tables want. `rows` is where each entry stands; with `mistakes`, nothing of it is to be taken."""

    wanted: dict[Key, Entry | None] = field(default_factory=dict)
    rows: dict[Key, tuple[int, int]] = field(default_factory=dict)
    mistakes: list[Mistake] = field(default_factory=list)


# ---------------------------------------------------------------- out


def products_csv(book: Book) -> str:
    """Every product."""
    rows = [
        (key, each.name_zh, each.name_en, each.price_fen, each.cost_fen or "", each.picture)
        for (_, key), each in sorted(book.items())
        if isinstance(each, Product)
    ]
    return _table(PRODUCTS, rows)


def lanes_csv(book: Book, only: Iterable[str] = ()) -> str:
    """Every machine and template with its lanes; `only`: those."""
    written, asked = planograms(book), frozenset(only)
    plans = {key: each for (_, key), each in book.items() if isinstance(each, Plan)}
    rows: list[tuple[object, ...]] = []
    for where in sorted({*written, *plans}):
        if asked and where not in asked:
            continue
        if (plan := plans.get(where)) is not None:
            rows.append((where, "", "", "", "", "", "", plan.template, plan.route))
        for number, lane in sorted(written.get(where, {}).items()):
            counts = (lane.price_fen, lane.sold_out_at, lane.par, lane.capacity)
            rows.append((where, number, lane.product, *(count or "" for count in counts), "", ""))
    return _table(LANES, rows)


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(head)
    writer.writerows([_safe(cell) for cell in row] for row in rows)
    return _BOM + out.getvalue()


def _safe(cell: object) -> object:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell


def _plain(cell: str) -> str:
    cell = cell.strip()
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(_FORMULA) else cell


# ---------------------------------------------------------------- in


def read(texts: Sequence[str], book: Book) -> Read:
    """What these tables want of a book. Whether the book can be so is judged where it is edited."""
    made = Read()
    named: set[str] = set()
    for number, text in enumerate(texts, 1):
        for row, cells in _rows(made, number, text):
            if "name_zh" in cells:
                _product(made, (number, row), cells)
            else:
                _lane(made, (number, row), cells)
                named.add(cells["machine"])
    for kind, key in book:
        if kind is Kind.LANE and where_and_lane(key)[0] in named and (kind, key) not in made.rows:
            made.wanted[kind, key] = None
    return made


def placed(made: Read, faults: Iterable[Fault]) -> list[Mistake]:
    """Faults of the book by the row that caused them; row 0: a row that is not there."""
    columns = {"code": "product", "lanes": "lane"}
    found = []
    for fault in faults:
        table, row = made.rows.get((fault.kind, fault.key), (0, 0))
        column = columns.get(fault.field, fault.field)
        about = "" if row else f" of {fault.kind} {fault.key}"
        found.append(
            Mistake(table=table, row=row, column=column + about, found=fault.found, allowed=fault.allowed)
        )
    return found


def _rows(made: Read, number: int, text: str) -> Iterator[tuple[int, dict[str, str]]]:
    """Rows as cells by column. A table whose head is not one of ours has none."""
    reader = csv.reader(io.StringIO(text.removeprefix(_BOM)), strict=True)
    try:
        head = tuple(cell.strip() for cell in next(reader, []))
        wrong = _head(head)
        if wrong:
            column, allowed = wrong
            made.mistakes.append(
                Mistake(table=number, row=1, column=column, found=repr(",".join(head))[:80], allowed=allowed)
            )
            return
        for cells in reader:
            row = reader.line_num
            if not any(cell.strip() for cell in cells):
                continue
            if row > ROWS_MOST or len(cells) != len(head):
                allowed = f"{len(head)} cells" if row <= ROWS_MOST else f"at most {ROWS_MOST} rows"
                made.mistakes.append(
                    Mistake(table=number, row=row, column="all", found=f"{len(cells)} cells", allowed=allowed)
                )
                continue
            yield row, dict(zip(head, map(_plain, cells), strict=True))
    except csv.Error as error:
        made.mistakes.append(
            Mistake(table=number, row=reader.line_num, column="all", found=str(error), allowed="CSV")
        )


def _head(head: Sequence[str]) -> tuple[str, str] | None:
    for columns in (PRODUCTS, LANES):
        if head and head[0] == columns[0]:
            missing = [name for name in columns if name not in head]
            extra = [name for name in head if name not in columns]
            twice = [name for name in columns if head.count(name) > 1]
            wrong = next(iter([*extra, *missing, *twice]), "")
            return (wrong, f"each of the columns {', '.join(columns)}") if wrong else None
    return "all", f"a head of {', '.join(PRODUCTS)}, or of {', '.join(LANES)}"


def _product(made: Read, at: tuple[int, int], cells: Mapping[str, str]) -> None:
    numbers = _numbers(made, at, cells, ("price_fen", "cost_fen"))
    product = Product(name_zh=cells["name_zh"], name_en=cells["name_en"], picture=cells["picture"], **numbers)
    _want(made, at, (Kind.PRODUCT, cells["product"]), product, "product")


def _lane(made: Read, at: tuple[int, int], cells: Mapping[str, str]) -> None:
    where = cells["machine"]
    if not cells["lane"]:
        if where.startswith(TEMPLATE):
            _wrong(made, at, "lane", "''", "a lane of the template")
            return
        filled = next((name for name in LANES[2:7] if cells[name]), "")
        if filled:
            _wrong(made, at, filled, repr(cells[filled])[:40], "nothing in a row without a lane")
        plan = Plan(template=cells["template"], route=cells["route"])
        _want(made, at, (Kind.MACHINE, where), plan, "machine")
        return
    for name in ("template", "route"):
        if cells[name]:
            _wrong(made, at, name, repr(cells[name])[:40], "nothing in a row with a lane")
    numbers = _numbers(made, at, cells, ("lane", "price_fen", "sold_out_at", "par", "capacity"))
    key = lane_key(where, numbers.pop("lane"))
    _want(made, at, key, Lane(product=cells["product"], **numbers), "lane")


def _numbers(
    made: Read, at: tuple[int, int], cells: Mapping[str, str], names: Sequence[str]
) -> dict[str, int]:
    found: dict[str, int] = {}
    for name in names:
        cell = cells[name]
        good = cell == "" or (cell.isascii() and cell.isdigit() and len(cell) <= 9)
        if not good:
            _wrong(made, at, name, repr(cell)[:40], _NUMBER)
        found[name] = int(cell) if cell and good else 0
    return found


def _want(made: Read, at: tuple[int, int], key: Key, entry: Entry, column: str) -> None:
    if key in made.rows:
        table, row = made.rows[key]
        _wrong(made, at, column, repr(key[1])[:60], f"once; it is in row {row} of file {table}, too")
        return
    made.rows[key], made.wanted[key] = at, entry


def _wrong(made: Read, at: tuple[int, int], column: str, found: str, allowed: str) -> None:
    made.mistakes.append(Mistake(table=at[0], row=at[1], column=column, found=found, allowed=allowed))
