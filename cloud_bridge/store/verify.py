"""Whether the books are as they were written, and whether they fit together: every fault by its place."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields

from sqlalchemy import Connection, Row, Table, func, select

from cloud_bridge.core.ledger import Account, Post, balances
from cloud_bridge.core.reckoning import faults
from cloud_bridge.core.sale import Sale
from cloud_bridge.core.trail import Change
from cloud_bridge.store import tables
from cloud_bridge.store.chain import chained, chained_change, row_hash
from cloud_bridge.store.tx import to_sale


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What was looked at and what does not fit; money as debit less credit of each account."""

    entries: int
    changes: int
    sales: int
    balances_fen: dict[str, int]
    faults: tuple[str, ...]


def check(db: Connection) -> Checked:
    """Look at everything. Call it in a snapshot."""
    found: list[str] = []
    entries, changes, sales, totals = 0, 0, 0, dict.fromkeys(Account, 0)
    try:
        entries, changes = _ledger(db, found), _trail(db, found)
        books, last = _by_sale(db), _last_rows(db)
        for row in _rows(db, tables.sale):
            sale, sales = to_sale(row), sales + 1
            own = books.get(sale.sale_id, dict.fromkeys(Account, 0))
            found += [f"sale {sale.sale_id}: {words}" for words in (*faults(sale, own), *_edited(sale, last))]
            for account, fen in own.items():
                totals[account] += fen
    except ValueError as error:  # a word of an enumeration that nobody of ours wrote
        found.append(f"the books hold what this program never writes: {error}")
    if sum(totals.values()):
        found.append(f"all accounts together differ from nothing by {sum(totals.values())} fen")
    return Checked(
        entries=entries,
        changes=changes,
        sales=sales,
        balances_fen={account.value: fen for account, fen in totals.items()},
        faults=tuple(found),
    )


# ---------------------------------------------------------------- the chains


def _ledger(db: Connection, found: list[str]) -> int:
    before, count = "", 0
    for row in _rows(db, tables.ledger):
        count += 1
        if chained(before, row.sale_id, _entry(row), row.wall_ms) != row.hash:
            found.append(f"ledger entry {row.id} of sale {row.sale_id} is not what was written")
        before = row.hash
    return count


def _trail(db: Connection, found: list[str]) -> int:
    before, count = "", 0
    for row in _rows(db, tables.trail):
        count += 1
        line = Change(**{field.name: getattr(row, field.name) for field in fields(Change)})
        if chained_change(before, line, row.row) != row.hash:
            found.append(f"trail line {row.id} of sale {row.sale_id} is not what was written")
        before = row.hash
    return count


def _edited(sale: Sale, last: Mapping[str, str]) -> Iterator[str]:
    """A row is as its last line in the trail left it. One from before there was a trail has no line."""
    if sale.sale_id in last and last[sale.sale_id] != row_hash(sale):
        yield "its row is not what the last line of its trail left"


# ---------------------------------------------------------------- reading


def _rows(db: Connection, table: Table) -> "Iterator[Row[*tuple[object, ...]]]":
    key = next(iter(table.primary_key))
    yield from db.execution_options(yield_per=1000).execute(select(table).order_by(key))


def _entry(row: "Row[*tuple[object, ...]]") -> Post:
    return Post(debit=row.debit, credit=row.credit, fen=row.fen, why=row.why)


def _by_sale(db: Connection) -> dict[str, dict[Account, int]]:
    entries: dict[str, list[Post]] = {}
    for row in _rows(db, tables.ledger):
        entries.setdefault(row.sale_id, []).append(_entry(row))
    return {sale_id: balances(posts) for sale_id, posts in entries.items()}


def _last_rows(db: Connection) -> dict[str, str]:
    """The hash of each sale's row as the trail has it last."""
    trail = tables.trail.c
    newest = select(func.max(trail.id)).group_by(trail.sale_id)
    lines = db.execute(select(trail.sale_id, trail.row).where(trail.id.in_(newest)))
    return {line.sale_id: line.row for line in lines}
