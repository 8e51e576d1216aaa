"""The rows of the daily match: a transaction that sees them, the books as streams by sale id, and sorting.

A day may have a million sales: streams are read as they are used, and lines are sorted on the disk.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict
from itertools import groupby
from operator import itemgetter
from typing import Any, Final

from sqlalchemy import Connection, Row, Select, Text, and_, delete, or_, select, type_coerce, union

from cloud_bridge.core.bill import BillLine, BookRow, Difference, Kind, LineState, MachineRow
from cloud_bridge.core.ledger import Account
from cloud_bridge.core.model import State
from cloud_bridge.ports import Tx
from cloud_bridge.ports_bills import Cause, DayResult, Figures, Found, JournalPage, Kept, bounds_ms, day_of
from cloud_bridge.store import tables
from cloud_bridge.store.tables_bills import bill_day, bill_difference, machine_day, machine_row
from cloud_bridge.store.tx import SqlTx, fields

_TOGETHER: Final = 5_000
_EARLIER_MS: Final = 3 * 3_600_000  # opened before midnight and paid after it: a code lives for two hours
_CHINA_OFFSET: Final = "+08:00"
_CLEARING: Final = Account.PLATFORM_CLEARING.value


class SqlBillTx(SqlTx):
    """Implements `ports_bills.BillTx`."""

    @classmethod
    def of(cls, tx: Tx) -> "SqlBillTx":
        """The same transaction, seeing more."""
        assert isinstance(tx, SqlTx)
        return cls(tx.db)

    def bill_day(self, merchant: str, day: str) -> Kept | None:
        """What is kept of a day."""
        return read_day(self.db, merchant, day)

    def put_bill_day(self, result: DayResult, found: Sequence[Found]) -> None:
        """Insert or replace a day, and each of these differences of it."""
        figures = json.dumps(asdict(result.figures), ensure_ascii=False) if result.figures else ""
        self._put(bill_day, fields(result) | {"figures": figures})
        for each in found:
            cause = each.cause or Cause(name="")
            values = fields(each.difference) | {"kind": each.difference.kind.value}
            values |= {"merchant": result.merchant, "day": result.day, "key": each.difference.key}
            values |= {"since_wall_ms": each.since_wall_ms, "cause": cause.name}
            self._put(bill_difference, values | {"why": cause.why, "by": cause.by})

    def put_page(self, page: JournalPage) -> bool:
        """Keep what a machine said; False, and nothing is kept, for a journal that is not believed."""
        known = self.journal(page.jid)
        said = (page.machine, page.boot, page.bits, "", True)
        if known is None or (known.machine, known.boot, known.bits, known.doubt, known.current) != said:
            return False
        if page.first:
            old = and_(machine_row.c.machine == page.machine, machine_row.c.day == page.day)
            self._do(delete(machine_row).where(old))
        for row in page.rows:
            self._put(machine_row, row._asdict() | {"machine": page.machine, "day": page.day})
        heard = {"machine": page.machine, "day": page.day, "jid": page.jid, "whole": not page.more}
        self._put(machine_day, heard)
        return True


def read_days(db: Connection, found: "Select[Any]") -> tuple[Kept, ...]:
    """These rows of `bill_day` with their differences, as values again."""
    return tuple(_kept(db, row) for row in db.execute(found).all())


def read_day(db: Connection, merchant: str, day: str) -> Kept | None:
    """What is kept of a day."""
    own = and_(bill_day.c.merchant == merchant, bill_day.c.day == day)
    kept = read_days(db, select(bill_day).where(own))
    return kept[0] if kept else None


def newest_days(limit: int) -> "Select[Any]":
    """The newest days first."""
    return select(bill_day).order_by(bill_day.c.day.desc(), bill_day.c.merchant).limit(limit)


def _kept(db: Connection, row: "Row[Any]") -> Kept:
    values = row._asdict()
    figures = Figures(**json.loads(values["figures"])) if values["figures"] else None
    own = and_(bill_difference.c.merchant == row.merchant, bill_difference.c.day == row.day)
    lines = db.execute(select(bill_difference).where(own).order_by(bill_difference.c.key))
    return DayResult(**values | {"figures": figures}), tuple(map(_found, lines))


def _found(row: "Row[Any]") -> Found:
    difference = Difference(
        kind=Kind(row.kind),
        sale_id=row.sale_id,
        machine=row.machine,
        number=row.number,
        bill_fen=row.bill_fen,
        books_fen=row.books_fen,
        at=row.at,
    )
    cause = Cause(name=row.cause, why=row.why, by=row.by) if row.cause else None
    return Found(difference=difference, since_wall_ms=row.since_wall_ms, cause=cause)


# ---------------------------------------------------------------- the books as streams


class SqlStreams:
    """Implements `ports_bills.BookStreams` on one snapshot."""

    def __init__(self, db: Connection) -> None:
        self._db: Final = db

    def books(self, merchant: str, day: str) -> Iterator[BookRow]:
        """Paid sales that were opened on the day or just before, or gave money back on it, by sale id."""
        sale, entry, (begin_ms, end_ms) = tables.sale.c, tables.ledger.c, bounds_ms(day)
        back = and_(entry.wall_ms >= begin_ms, entry.wall_ms < end_ms, _column(entry.credit) == _CLEARING)
        opened = and_(sale.opened_wall_ms >= begin_ms - _EARLIER_MS, sale.opened_wall_ms < end_ms)
        wanted = union(select(sale.sale_id).where(opened), select(entry.sale_id).where(back)).subquery()
        found = _with_ledger().join(wanted, wanted.c.sale_id == sale.sale_id)
        lines = select(*_columns()).select_from(found).where(sale.transaction_id != "")
        return self._folded(lines.where(sale.merchant == merchant).order_by(self._plain(sale.sale_id)), day)

    def book(self, merchant: str, sale_id: str, day: str) -> BookRow | None:
        """One sale, paid or not."""
        sale = tables.sale.c
        lines = select(*_columns()).select_from(_with_ledger())
        own = and_(sale.sale_id == sale_id, sale.merchant == merchant)
        return next(self._folded(lines.where(own), day), None)

    def machines(self, merchant: str, day: str, own: frozenset[str]) -> Iterator[MachineRow]:
        """What machines' journals say of the day, by sale id."""
        row, sale = machine_row.c, tables.sale.c
        here = or_(sale.merchant == merchant, and_(sale.sale_id.is_(None), row.machine.in_(sorted(own))))
        both = machine_row.outerjoin(tables.sale, sale.sale_id == row.sale_id)
        found = select(row.sale_id, row.machine, row.state, row.price_fen, row.day).select_from(both)
        found = found.where(row.day == day, here).order_by(self._plain(row.sale_id))
        for line in self._stream(found):
            yield MachineRow(*line)

    def journals(self, day: str) -> frozenset[str]:
        """Machines whose journal of the day was heard in full."""
        whole = select(machine_day.c.machine).where(machine_day.c.day == day, machine_day.c.whole)
        return frozenset(self._db.scalars(whole))

    def settled(self, sale_id: str, reason: str) -> str:
        """Who settled the sale's last case, of this reason if there is one, and why."""
        case = tables.case.c
        last = select(case.resolved_by, case.resolved_why, case.resolution).where(case.sale_id == sale_id)
        last = (last.where(case.reason == reason) if reason else last).order_by(case.id.desc()).limit(1)
        row = self._db.execute(last).one_or_none()
        return f"{row.resolved_by}: {row.resolved_why}" if row is not None and row.resolution else ""

    # ------------------------------------------------------------ helpers

    def _folded(self, found: "Select[Any]", day: str) -> Iterator[BookRow]:
        bounds = bounds_ms(day)
        for _, entries in groupby(self._stream(found), itemgetter(0)):
            yield _book(list(entries), day, bounds)

    def _stream(self, found: "Select[Any]") -> Iterator[Any]:
        with self._db.execution_options(yield_per=_TOGETHER).execute(found) as lines:
            yield from lines

    def _plain(self, column: "Any") -> "Any":
        """By its bytes, as the match compares, whatever language a database speaks."""
        return column if self._db.dialect.name == "sqlite" else column.collate("C")


def _column(column: "Any") -> "Any":
    """A word of an enumeration as it is kept: a million rows need no values made of it."""
    return type_coerce(column, Text)


def _with_ledger() -> "Any":
    entry = tables.ledger.c
    moved = or_(_column(entry.debit) == _CLEARING, _column(entry.credit) == _CLEARING)
    return tables.sale.outerjoin(tables.ledger, and_(entry.sale_id == tables.sale.c.sale_id, moved))


def _columns() -> "list[Any]":
    sale, entry = tables.sale.c, tables.ledger.c
    return [
        *(sale.sale_id, sale.machine, sale.price_fen, sale.transaction_id, sale.paid_at, sale.opened_wall_ms),
        *(_column(sale.state).label("state"), sale.refund_no, sale.hand_refunds, sale.goods, sale.doubt),
        *(_column(entry.debit).label("debit"), entry.fen, entry.wall_ms),
    ]


def _book(entries: "list[Any]", today: str, bounds: tuple[int, int]) -> BookRow:
    """A sale from its row, repeated beside each entry of the ledger that moved the platform's money.

    By position, as `_columns` has them: there may be a million of them.
    """
    sale_id, machine, price_fen, payment, paid_at, opened_ms, state, *rest = entries[0]
    refund_no, hand_refunds, goods, doubt, *_ = rest
    (begin_ms, end_ms), paid_fen, back_fen, heard_ms = bounds, 0, 0, 0
    for *_, debit, fen, wall_ms in entries:
        if fen is None:  # no entry at all
            continue
        if debit == _CLEARING:
            paid_fen, heard_ms = paid_fen + fen, wall_ms
        elif begin_ms <= wall_ms < end_ms:
            back_fen += fen
    paid_day = paid_at[:10] if paid_at.endswith(_CHINA_OFFSET) else day_of(heard_ms)
    return BookRow(
        sale_id,
        machine,
        price_fen,
        paid_fen,
        payment,
        paid_day if paid_fen else "",
        today if begin_ms <= opened_ms < end_ms else day_of(opened_ms),
        back_fen,
        refund_no,
        hand_refunds,
        done=state == State.REFUNDED.value,
        vended=state == State.VENDED.value,
        goods=bool(goods),
        doubt=doubt != "" or state == State.SETTLED.value,
    )


# ---------------------------------------------------------------- sorting


@contextmanager
def sorted_by_sale(lines: Iterable[BillLine]) -> Iterator[Iterator[BillLine]]:
    """Implements `ports_bills.Sorter`: a private file of SQLite's holds the lines meanwhile."""
    with closing(sqlite3.connect("", isolation_level=None)) as db:
        for pragma in ("journal_mode = OFF", "synchronous = OFF", "temp_store = FILE", "cache_size = -16384"):
            db.execute(f"PRAGMA {pragma}")
        db.execute("CREATE TABLE line (sale_id, refund_no, fen, transaction_id, state, at)")
        db.execute("BEGIN")
        db.executemany("INSERT INTO line VALUES (?, ?, ?, ?, ?, ?)", lines)
        db.execute("COMMIT")
        states = {state.value: state for state in LineState}
        found = db.execute("SELECT * FROM line ORDER BY sale_id, refund_no, rowid")
        yield (
            BillLine(sale_id, refund_no, fen, transaction_id, states[state], at)
            for sale_id, refund_no, fen, transaction_id, state, at in found
        )
