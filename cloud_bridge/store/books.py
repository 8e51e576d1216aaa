"""The bridge's books in a database: `open_store(url)` is SQLite by default, PostgreSQL by its address."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Final, TypeVar

from sqlalchemy import Connection, func, insert, select

from cloud_bridge.core.case import Case
from cloud_bridge.core.complaint import Complaint, Doing
from cloud_bridge.core.ledger import Account
from cloud_bridge.core.model import State
from cloud_bridge.core.sale import Sale
from cloud_bridge.ports import Fact, StandingAlarm, StoreFailed, Tx
from cloud_bridge.ports_alarms import AlarmTx
from cloud_bridge.ports_bills import BillTx, BookStreams, Kept
from cloud_bridge.ports_catalogue import CatalogueTx
from cloud_bridge.ports_desk import DeskTx
from cloud_bridge.ports_doing import DoingTx
from cloud_bridge.ports_looking import Asked, DayFigures, Evidence, Machines
from cloud_bridge.ports_people import Deed, Line, PeopleTx
from cloud_bridge.store import tables
from cloud_bridge.store.alarms import SqlAlarmTx
from cloud_bridge.store.bills import SqlBillTx, SqlStreams, newest_days, read_days
from cloud_bridge.store.catalogue import SqlCatalogueTx
from cloud_bridge.store.database import (
    DATABASE_ERRORS,
    READERS,
    Database,
    begin_log,
    check_pages,
    connect,
    empty_log,
    shown,
)
from cloud_bridge.store.desk import SqlDeskTx, read_complaints
from cloud_bridge.store.doing import SqlDoingTx
from cloud_bridge.store.pages import (
    read_day_figures,
    read_evidence,
    read_figures,
    read_machine_lines,
    read_newest_lines,
    read_page,
    read_sale_lines,
    read_tail,
)
from cloud_bridge.store.people import SqlPeopleTx, read_deeds
from cloud_bridge.store.reports import SqlReports
from cloud_bridge.store.schema import StoreUnusable, migrate, refuse_strangers
from cloud_bridge.store.tx import reason, to_sale
from cloud_bridge.store.verify import Checked, check
from cloud_bridge.store.writer import Writer

T = TypeVar("T")


def open_store(url: str, *, incarnation: Callable[[], str], idle_s: float = 1.0) -> "SqlStore":
    """Open the books for this process alone and bring them to this program's schema.

    `incarnation` makes the 128 random bits of new books; `idle_s` is how long nobody must have written
    before the log is moved into the file. Raises StoreUnusable.
    """
    try:
        database = connect(url)
        try:
            made = _prepared(database.writer, incarnation)
        except BaseException:
            database.close()
            raise
    except StoreUnusable as error:
        raise StoreUnusable(f"books {shown(url)}: {error}") from error
    except DATABASE_ERRORS as error:
        raise StoreUnusable(f"books {shown(url)}: cannot be opened: {reason(error)}") from error
    return SqlStore(database, incarnation=made, idle_s=idle_s)


class SqlStore:
    """Implements `ports.Store`. One thread writes, a few read; neither runs on the loop."""

    def __init__(self, database: Database, *, incarnation: str, idle_s: float) -> None:
        self.incarnation: Final = incarnation
        self._database: Final = database
        self._readers: Final = ThreadPoolExecutor(READERS, thread_name_prefix="store-read")
        self._writer: Final = Writer(database.writer, rest=lambda: empty_log(database.writer), idle_s=idle_s)

    def close(self) -> None:
        """Finish what was asked for and let go of the database. Doing it twice is harmless."""
        self._writer.close()
        self._readers.shutdown()
        self._database.close()

    async def run(self, work: Callable[[Tx], T]) -> T:
        """Run `work` in a transaction that it shares with whoever asks at the same time.

        Durable when this returns. An exception of `work` undoes its own writes and nobody else's. A database
        that fails raises StoreFailed to all of them and to every later caller.
        """
        return await self._writer.run(work)

    # ------------------------------------------------------------ reading

    async def sales(self, *, machine: str, limit: int) -> tuple[Sale, ...]:
        """The newest sales first; `machine` empty: of all."""
        sale = tables.sale.c
        found = select(tables.sale).order_by(sale.opened_wall_ms.desc(), sale.sale_id.desc()).limit(limit)
        if machine:
            found = found.where(sale.machine == machine)
        return await self._read(lambda db: tuple(to_sale(row) for row in db.execute(found)))

    async def sale(self, sale_id: str) -> tuple[Sale, tuple[Fact, ...]] | None:
        """One sale with its timeline, oldest fact first."""
        return await self._read(lambda db: _sale(db, sale_id))

    async def alarms(self) -> tuple[StandingAlarm, ...]:
        """Every alarm that stands, the oldest first."""
        return await self._read(read_alarms)

    async def totals(self) -> Mapping[str, int]:
        """Over all sales, `sales` being how many there are; money in fen.

        `paid_fen` came in, `vended_fen` of it for goods that came out, `refunded_fen` went back.
        `cases` are open for a person to see; `waiting_for_a_person` of them go on only when he decides.
        `{account}_balance_fen` is debit less credit of each account of the ledger; they add up to 0.
        """
        return await self._read(_totals)

    async def cases(self, *, resolved: int = 0) -> tuple[tuple[Case, Sale], ...]:
        """Open cases with their sales, oldest first; then `resolved` of those that are over, newest first."""
        return await self._read(lambda db: read_cases(db, resolved))

    async def page(self, asked: Asked) -> tuple[Sale, ...]:
        """As `LookingStore.page`."""
        return await self._read(lambda db: read_page(db, asked))

    async def by_tail(self, words: str, machines: Machines, limit: int) -> tuple[Sale, ...]:
        """As `LookingStore.by_tail`."""
        return await self._read(lambda db: read_tail(db, words, machines, limit))

    async def evidence(self, sale_id: str) -> Evidence | None:
        """One sale with all that is known of it."""
        return await self._read(lambda db: read_evidence(db, sale_id))

    async def figures(self, since_ms: int, until_ms: int, machines: Machines) -> DayFigures:
        """What came of the sales that were opened in this time."""
        return await self._read(lambda db: read_figures(db, since_ms, until_ms, machines))

    async def days(self, since_ms: int, until_ms: int, machines: Machines) -> Mapping[str, DayFigures]:
        """The same for each of the platform's days."""
        return await self._read(lambda db: read_day_figures(db, since_ms, until_ms, machines))

    async def machine_lines(self, machine: str, limit: int) -> tuple[Fact, ...]:
        """The newest lines about a machine and no sale."""
        return await self._read(lambda db: read_machine_lines(db, machine, limit))

    async def sale_lines(self, machine: str, limit: int) -> tuple[Fact, ...]:
        """The newest lines of a machine's newest sales."""
        return await self._read(lambda db: read_sale_lines(db, machine, limit))

    async def newest_lines(self, machines: Machines, limit: int) -> tuple[Fact, ...]:
        """The newest of all lines."""
        return await self._read(lambda db: read_newest_lines(db, machines, limit))

    async def on_desk(self, work: Callable[[DeskTx], T]) -> T:
        """As `run`, in a transaction that also sees what people work with."""
        return await self._writer.run(lambda tx: work(SqlDeskTx.of(tx)))

    async def on_alarms(self, work: Callable[[AlarmTx], T]) -> T:
        """As `run`, in a transaction that also sees how long alarms stood and who looks after them."""
        return await self._writer.run(lambda tx: work(SqlAlarmTx.of(tx)))

    async def look_at_alarms(self, work: Callable[[AlarmTx], T]) -> T:
        """Run `work`, which only reads, in one snapshot, keeping no writer waiting. Raises StoreFailed."""
        return await self._read(lambda db: work(SqlAlarmTx(db)))

    @property
    def reports(self) -> SqlReports:
        """What moved between two instants, for reports."""
        return SqlReports(self._read)

    async def complaints(
        self, *, settled: int = 0
    ) -> tuple[tuple[Complaint, tuple[Doing, ...], Sale | None], ...]:
        """Open ones with their acts and sales, the longest waiting first; then so many settled ones."""
        return await self._read(lambda db: read_complaints(db, settled))

    async def on_bills(self, work: Callable[[BillTx], T]) -> T:
        """As `run`, in a transaction that also sees the daily match's rows."""
        return await self._writer.run(lambda tx: work(SqlBillTx.of(tx)))

    async def on_catalogue(self, work: Callable[[CatalogueTx], T]) -> T:
        """As `run`, in a transaction that also sees the catalogue and the stock."""
        return await self._writer.run(lambda tx: work(SqlCatalogueTx.of(tx)))

    async def on_doing(self, work: Callable[[DoingTx], T]) -> T:
        """As `run`, in a transaction that also sees what people did by hand."""
        return await self._writer.run(lambda tx: work(SqlDoingTx.of(tx)))

    async def read_catalogue(self, work: Callable[[CatalogueTx], T]) -> T:
        """Look only, at one moment, beside whoever writes."""
        return await self._read(lambda db: work(SqlCatalogueTx(db)))

    async def on_people(self, work: Callable[[PeopleTx], T]) -> T:
        """As `run`, in a transaction that also sees people."""
        return await self._writer.run(lambda tx: work(SqlPeopleTx.of(tx)))

    async def record(self, deed: Deed) -> None:
        """Append one line to the audit; durable when this returns."""
        await self.on_people(lambda tx: tx.deed(deed))

    async def deeds(self, *, before: int = 0, limit: int = 100) -> tuple[Line, ...]:
        """The audit's newest lines first; with `before` those of a lower number."""
        return await self._read(lambda db: read_deeds(db, before, limit))

    async def bill_days(self, limit: int) -> tuple[Kept, ...]:
        """The newest matched days first, with their differences."""
        return await self._read(lambda db: read_days(db, newest_days(limit)))

    @contextmanager
    def look(self) -> Iterator[BookStreams]:
        """The books as streams by sale id, in one snapshot. Blocking. Raises StoreFailed."""
        try:
            with self._database.snapshot() as db:
                yield SqlStreams(db)
        except DATABASE_ERRORS as error:
            raise StoreFailed(f"the books cannot be read: {reason(error)}") from error

    async def check(self) -> Checked:
        """Whether the books are as they were written, and fit together."""
        return await self._read(check)

    async def _read(self, work: Callable[[Connection], T]) -> T:
        def in_one_snapshot() -> T:
            try:
                with self._database.snapshot() as db:
                    return work(db)
            except DATABASE_ERRORS as error:
                raise StoreFailed(f"the books cannot be read: {reason(error)}") from error

        return await asyncio.get_running_loop().run_in_executor(self._readers, in_one_snapshot)


# ---------------------------------------------------------------- helpers


def _prepared(db: Connection, incarnation: Callable[[], str]) -> str:
    """The incarnation of these books, new ones being made, their log fresh for the first sale."""
    with db.begin():  # nothing is written to what is not ours
        check_pages(db)
        refuse_strangers(db)
    begin_log(db)
    with db.begin():
        migrate(db)
        made = db.scalar(select(tables.books.c.incarnation))
        if made is None:
            made = incarnation()
            db.execute(insert(tables.books).values(id=1, incarnation=made, rests=0))
    empty_log(db)
    return made


def _sale(db: Connection, sale_id: str) -> tuple[Sale, tuple[Fact, ...]] | None:
    row = db.execute(select(tables.sale).where(tables.sale.c.sale_id == sale_id)).one_or_none()
    fact = tables.fact.c
    lines = select(fact.wall_ms, fact.machine, fact.sale_id, fact.who, fact.what)
    facts = db.execute(lines.where(fact.sale_id == sale_id).order_by(fact.id))
    return None if row is None else (to_sale(row), tuple(Fact(**line._asdict()) for line in facts))


def read_alarms(db: Connection) -> tuple[StandingAlarm, ...]:
    """As `SqlStore.alarms`."""
    alarm = tables.alarm.c
    found = select(tables.alarm).order_by(alarm.since_wall_ms, alarm.machine, alarm.name, alarm.lane)
    return tuple(StandingAlarm(**row._asdict()) for row in db.execute(found))


def read_cases(db: Connection, resolved: int) -> tuple[tuple[Case, Sale], ...]:
    """As `SqlStore.cases`."""
    case = tables.case.c
    columns = [column for column in tables.case.columns if column.name != "id"]
    still = select(*columns).where(tables.IS_OPEN).order_by(case.opened_wall_ms, case.id)
    over = (
        select(*columns).where(case.resolution != "").order_by(case.resolved_wall_ms.desc(), case.id.desc())
    )
    rows = [*db.execute(still), *db.execute(over.limit(resolved))]
    cases = [Case(**row._asdict()) for row in rows]
    about = select(tables.sale).where(tables.sale.c.sale_id.in_({each.sale_id for each in cases}))
    sales = {sale.sale_id: sale for sale in map(to_sale, db.execute(about))}
    return tuple((each, sales[each.sale_id]) for each in cases)


def _totals(db: Connection) -> dict[str, int]:
    sale, ledger = tables.sale.c, tables.ledger.c
    sums = db.execute(
        select(
            func.count().label("sales"),
            func.sum(sale.paid_fen).label("paid_fen"),
            func.sum(sale.paid_fen).filter(sale.state == State.VENDED).label("vended_fen"),
            func.sum(sale.refunded_fen).label("refunded_fen"),
            func.count().filter(sale.case != "").label("cases"),
            func.count().filter(sale.state == State.CASE).label("waiting_for_a_person"),
        )
    ).one()
    totals = {name: int(value or 0) for name, value in sums._asdict().items()}
    balances = dict.fromkeys(Account, 0)
    for side, sign in ((ledger.debit, 1), (ledger.credit, -1)):
        for account, fen in db.execute(select(side, func.sum(ledger.fen)).group_by(side)):
            balances[account] += sign * int(fen)
    return totals | {f"{account}_balance_fen": fen for account, fen in balances.items()}
