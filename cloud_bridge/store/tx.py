"""One transaction of the books, as the function that decides in it sees them."""

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    Executable,
    Row,
    Select,
    Table,
    and_,
    bindparam,
    delete,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, SQLAlchemyError

from cloud_bridge.core.case import Case, Said
from cloud_bridge.core.delivery import Delivery, follow
from cloud_bridge.core.ledger import Post
from cloud_bridge.core.model import State
from cloud_bridge.core.sale import Sale
from cloud_bridge.core.timings import Counts
from cloud_bridge.core.trail import Change
from cloud_bridge.ports import Fact, JournalRow, StandingAlarm, StoreFailed
from cloud_bridge.store import tables, tables_desk
from cloud_bridge.store.chain import chained, chained_change, last_line, row_hash

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


class StoreBroken(StoreFailed):
    """Not this piece of work is at fault but the database: nothing more may be written."""


class SqlTx:
    """Implements `ports.Tx`. Rows read to be written are locked, where a database knows such locks."""

    def __init__(self, db: Connection) -> None:
        self.db: Final = db

    # ------------------------------------------------------------ sales

    def sale(self, sale_id: str) -> Sale | None:
        """The row, as this transaction sees it."""
        row = self._first(_SALE, {"asked": sale_id})
        return None if row is None else to_sale(row)

    def put(self, sale: Sale) -> None:
        """Insert or replace the row."""
        self._put(tables.sale, fields(sale))

    def unfinished(self, machine: str = "") -> tuple[Sale, ...]:
        """Rows of a machine (or of all) that still wait for something, each machine's oldest first."""
        sale = tables.sale.c
        found = select(tables.sale).where(tables.UNFINISHED)
        found = found.order_by(sale.machine, sale.opened_wall_ms, sale.sale_id)
        if machine:
            found = found.where(sale.machine == machine)
        return tuple(to_sale(row) for row in self._all(found))

    def open_rows(self, machine: str) -> int:
        """How many rows of a machine are QUOTED or OFFERED."""
        sale = tables.sale.c
        waiting = sale.state.in_((State.QUOTED, State.OFFERED))
        return self._count(select(func.count()).where(tables.UNFINISHED, sale.machine == machine, waiting))

    def owner_of(self, transaction_id: str) -> str:
        """The sale that this payment belongs to, or empty."""
        row = self._first(_OWNER, {"asked": transaction_id})
        return "" if row is None else str(row.sale_id)

    def counts(self, *, machine: str, lane: int, since_wall_ms: int, but: str) -> Counts:
        """Automatic refunds on machine evidence since then, sale `but` not among them."""
        sale = tables.sale.c
        here = sale.machine == machine
        row = self._first(
            select(
                func.count().filter(here, sale.lane == lane).label("lane"),
                func.count().filter(here).label("machine"),
                func.count().label("fleet"),
            ).where(tables.HAS_EVIDENCE, sale.evidence_wall_ms > since_wall_ms, sale.sale_id != but)
        )
        assert row is not None  # a count has a row
        return Counts(lane=row.lane, machine=row.machine, fleet=row.fleet)

    # ------------------------------------------------------------ what only grows

    def post(self, sale_id: str, entry: Post, wall_ms: int) -> None:
        """Append one entry to the ledger, chained to the one before."""
        digest = chained(self._end_of(tables.ledger), sale_id, entry, wall_ms)
        line = fields(entry) | {"sale_id": sale_id, "wall_ms": wall_ms, "hash": digest}
        self._do(_added(tables.ledger), line)

    def record(self, sale: Sale, change: Change) -> None:
        """Append one line to the trail of decisions, chained to the one before and to the row."""
        row = row_hash(sale)
        digest = chained_change(self._end_of(tables.trail), change, row)
        self._do(_added(tables.trail), fields(change) | {"row": row, "hash": digest})
        if (followed := follow(self.delivery(sale.sale_id), sale, change.wall_ms)) is not None:
            self._put(tables_desk.delivery, fields(followed))

    def delivery(self, sale_id: str) -> Delivery | None:
        """The delivery of a paid sale; it follows each line of the trail."""
        row = self._first(_DELIVERY, {"asked": sale_id})
        return None if row is None else Delivery(**row._asdict())

    def _end_of(self, table: Table) -> str:
        last = self._first(last_line(table))
        return "" if last is None else str(last.hash)

    def note(self, fact: Fact) -> None:
        """Append one line to the timeline."""
        self._do(_added(tables.fact), fields(fact))

    # ------------------------------------------------------------ cases

    def open_case(self, case: Case) -> None:
        """A row for a reason that opened; nothing happens while the sale has an open one of this reason."""
        if not self._count(select(func.count()).where(_open(case.sale_id, case.reason))):
            self._do(insert(tables.case), fields(case))

    def end_case(self, sale_id: str, reason: str, said: Said, wall_ms: int) -> None:
        """The open case of this reason is over; nothing happens when there is none."""
        over = update(tables.case).where(_open(sale_id, reason))
        self._do(
            over.values(
                resolution=said.resolution,
                resolved_by=said.by,
                resolved_why=said.why,
                resolved_wall_ms=wall_ms,
            )
        )

    def own_cases(self, sale_id: str, owner: str) -> int:
        """Put a sale's open cases into somebody's hands; how many there are."""
        mine = and_(tables.case.c.sale_id == sale_id, tables.IS_OPEN)
        self._do(update(tables.case).where(mine).values(owner=owner))
        return self._count(select(func.count()).select_from(tables.case).where(mine))

    def open_cases(self, machine: str, reason: str) -> int:
        """How many cases of this reason are open on a machine."""
        case = tables.case.c
        here = and_(case.machine == machine, case.reason == reason, tables.IS_OPEN)
        return self._count(select(func.count()).select_from(tables.case).where(here))

    # ------------------------------------------------------------ journals of machines

    def journal(self, jid: str) -> JournalRow | None:
        """What is remembered of a journal."""
        row = self._first(select(tables.journal).where(tables.journal.c.jid == jid).with_for_update())
        return None if row is None else JournalRow(**row._asdict())

    def journals(self, machine: str) -> tuple[JournalRow, ...]:
        """Every journal ever seen of a machine, the current one first."""
        journal = tables.journal.c
        found = select(tables.journal).where(journal.machine == machine)
        rows = self._all(found.order_by(journal.current.desc(), journal.jid))
        return tuple(JournalRow(**row._asdict()) for row in rows)

    def put_journal(self, row: JournalRow) -> None:
        """Insert or replace; a `current` one takes the mark from the machine's other journals."""
        journal = tables.journal.c
        if row.current:
            others = update(tables.journal).where(journal.machine == row.machine, tables.IS_CURRENT)
            self._do(others.where(journal.jid != row.jid).values(current=False))
        self._put(tables.journal, fields(row))
        first = {"jid": row.jid, "boot": row.boot, "bits": row.bits}
        self._put_once(tables.session, first)

    def bits_of(self, jid: str, boot: int) -> str:
        """The bits with which this boot of a journal was first put, or empty."""
        session = tables.session.c
        row = self._first(select(session.bits).where(session.jid == jid, session.boot == boot))
        return "" if row is None else str(row.bits)

    def reported(self, jid: str, n: int) -> int:
        """Remember that report `n` is taken; the journal's new `upto`."""
        report, row = tables.report.c, self.journal(jid)
        assert row is not None, f"a report of journal {jid}, which nobody put"
        if n != row.upto + 1:
            if n > row.upto:
                self._put_once(tables.report, {"jid": jid, "n": n})
            return row.upto
        above = select(report.n).where(report.jid == jid, report.n > n).order_by(report.n)
        upto = _without_a_gap(n, (taken.n for taken in self._all(above)))
        if upto > n:
            self._do(delete(tables.report).where(report.jid == jid, report.n <= upto))
        self._do(update(tables.journal).where(tables.journal.c.jid == jid).values(upto=upto))
        return upto

    # ------------------------------------------------------------ alarms

    def set_alarm(self, alarm: StandingAlarm) -> None:
        """Raise, or renew the words of, an alarm: it stands since it was first raised."""
        self._put(tables.alarm, fields(alarm), keep="since_wall_ms")

    def clear_alarm(self, *, machine: str, name: str, lane: int) -> None:
        """Clear an alarm; nothing happens when it does not stand."""
        alarm = tables.alarm.c
        self._do(delete(tables.alarm).where(alarm.machine == machine, alarm.name == name, alarm.lane == lane))

    # ------------------------------------------------------------ statements

    def _first(
        self, found: "Select[*tuple[Any, ...]]", values: Mapping[str, Any] | None = None
    ) -> "Row[*tuple[Any, ...]] | None":
        rows = self._all(found, values)
        return rows[0] if rows else None

    def _count(self, found: "Select[int]") -> int:
        return int(self._all(found)[0][0])

    def _all(
        self, found: "Select[*tuple[Any, ...]]", values: Mapping[str, Any] | None = None
    ) -> "Sequence[Row[*tuple[Any, ...]]]":
        with _told():
            return self.db.execute(found, values).all()

    def _do(self, statement: Executable, values: Mapping[str, Any] | None = None) -> None:
        with _told():
            self.db.execute(statement, values)

    def _put(self, table: Table, values: Mapping[str, Any], *, keep: str = "") -> None:
        self._do(_upsert(self.db.dialect.name, table, keep), values)

    def _put_once(self, table: Table, values: Mapping[str, Any]) -> None:
        self._do(_insert(self.db.dialect.name, table).on_conflict_do_nothing(), values)


# ---------------------------------------------------------------- helpers

# What every decision asks: put together once, for that costs more than running it.
_SALE: Final = select(tables.sale).where(tables.sale.c.sale_id == bindparam("asked")).with_for_update()
_OWNER: Final = select(tables.sale.c.sale_id).where(
    tables.HAS_PAYMENT, tables.sale.c.transaction_id == bindparam("asked")
)
_DELIVERY: Final = select(tables_desk.delivery).where(tables_desk.delivery.c.sale_id == bindparam("asked"))


@cache
def _added(table: Table) -> Executable:
    return insert(table)


def fields(value: "DataclassInstance") -> dict[str, Any]:
    """Every field by its name, which is its column's."""
    return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}


def to_sale(row: "Row[*tuple[Any, ...]]") -> Sale:
    """The row as a value again."""
    return Sale(**row._asdict())


def _insert(dialect: str, table: Table) -> "sqlite.Insert | postgresql.Insert":
    return sqlite.insert(table) if dialect == "sqlite" else postgresql.insert(table)


@cache  # wide tables: putting this statement together costs more than running it
def _upsert(dialect: str, table: Table, keep: str) -> Executable:
    statement, keys = _insert(dialect, table), list(table.primary_key)
    renewed = [column.name for column in table.columns if column not in keys and column.name != keep]
    return statement.on_conflict_do_update(
        index_elements=keys, set_={name: statement.excluded[name] for name in renewed}
    )


def _open(sale_id: str, reason: str) -> "ColumnElement[bool]":
    return and_(tables.case.c.sale_id == sale_id, tables.case.c.reason == reason, tables.IS_OPEN)


def _without_a_gap(n: int, following: Iterable[int]) -> int:
    for taken in following:
        if taken != n + 1:
            break
        n = taken
    return n


@contextmanager
def _told() -> Iterator[None]:
    """Tell a value that the tables refuse from a database that failed."""
    try:
        yield
    except (IntegrityError, DataError) as error:
        raise StoreFailed(f"the books refuse this: {error.orig}") from error
    except (OverflowError, UnicodeError) as error:
        raise StoreFailed(f"the books cannot hold this: {error}") from error
    except SQLAlchemyError as error:
        raise StoreBroken(reason(error)) from error


def reason(error: Exception) -> str:
    """What the database said, without our statement and its values."""
    said = error.orig if isinstance(error, DBAPIError) else error
    return " ".join(str(said).split())
