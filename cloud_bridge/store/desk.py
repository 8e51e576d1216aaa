"""Rows of deliveries, complaints and alarms that were told on: a transaction that sees them, and reading."""

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import Connection, Row, Select, and_, delete, func, select

from cloud_bridge.core.alert import Key
from cloud_bridge.core.complaint import Complaint, Doing, Standing
from cloud_bridge.core.delivery import Delivery
from cloud_bridge.core.sale import Sale
from cloud_bridge.ports import StandingAlarm, Tx
from cloud_bridge.store import tables, tables_desk
from cloud_bridge.store.tx import SqlTx, fields, to_sale

_MOST: Final = 500


class SqlDeskTx(SqlTx):
    """Implements `ports_desk.DeskTx`."""

    @classmethod
    def of(cls, tx: Tx) -> "SqlDeskTx":
        """The same transaction, seeing more."""
        assert isinstance(tx, SqlTx)
        return cls(tx.db)

    # ------------------------------------------------------------ deliveries

    def put_delivery(self, delivery: Delivery) -> None:
        """Insert or replace the row."""
        self._put(tables_desk.delivery, fields(delivery))

    def overdue(self, wall_ms: int) -> tuple[Delivery, ...]:
        """Deliveries whose outcome should be known by now, the longest waiting first."""
        row = tables_desk.delivery.c
        late = select(tables_desk.delivery).where(tables_desk.IS_WAITING, row.due_wall_ms <= wall_ms)
        return self._deliveries(late.order_by(row.due_wall_ms, row.sale_id).limit(_MOST))

    def failed_since(self, wall_ms: int) -> tuple[Delivery, ...]:
        """Deliveries that failed since then, the oldest first."""
        row = tables_desk.delivery.c
        failed = select(tables_desk.delivery).where(tables_desk.HAS_FAILED, row.ended_wall_ms > wall_ms)
        newest = self._deliveries(failed.order_by(row.ended_wall_ms.desc(), row.sale_id).limit(_MOST))
        return newest[::-1]

    def last_delivered(self, machine: str, lane: int) -> int:
        """When goods came out of this lane last, or 0."""
        row = tables_desk.delivery.c
        here = and_(row.machine == machine, row.lane == lane, tables_desk.IS_DELIVERED)
        found = self._first(select(func.max(row.ended_wall_ms).label("at")).where(here))
        return int(found.at or 0) if found is not None else 0

    def unreported(self, since_wall_ms: int, limit: int) -> tuple[Delivery, ...]:
        """Goods that came out since then and that nobody thought of reporting, the oldest first."""
        row = tables_desk.delivery.c
        fresh = select(tables_desk.delivery).where(
            tables_desk.IS_UNREPORTED, row.ended_wall_ms > since_wall_ms
        )
        return self._deliveries(fresh.order_by(row.ended_wall_ms, row.sale_id).limit(limit))

    def to_report(self, wall_ms: int, limit: int) -> tuple[Delivery, ...]:
        """Deliveries that the mini-program platform is to be told of now."""
        row = tables_desk.delivery.c
        due = select(tables_desk.delivery).where(tables_desk.REPORT_IS_DUE, row.report_wall_ms <= wall_ms)
        return self._deliveries(due.order_by(row.report_wall_ms, row.sale_id).limit(limit))

    def _deliveries(self, found: "Select[Any]") -> tuple[Delivery, ...]:
        return tuple(Delivery(**row._asdict()) for row in self._all(found))

    # ------------------------------------------------------------ complaints

    def complaint(self, complaint_id: str) -> Complaint | None:
        """The row."""
        row = self._first(_complaints().where(tables_desk.complaint.c.complaint_id == complaint_id))
        return None if row is None else Complaint(**row._asdict())

    def put_complaint(self, complaint: Complaint) -> None:
        """Insert or replace the row."""
        self._put(tables_desk.complaint, fields(complaint))

    def open_complaints(self) -> tuple[Complaint, ...]:
        """Those that are not settled, the oldest first."""
        row = tables_desk.complaint.c
        found = _complaints().where(tables_desk.IS_OPEN).order_by(row.made_wall_ms, row.complaint_id)
        return tuple(Complaint(**each._asdict()) for each in self._all(found.limit(_MOST)))

    def acts(self, complaint_id: str) -> tuple[Doing, ...]:
        """What was done and is to be done about a complaint, the oldest first."""
        row = tables_desk.act.c
        found = select(tables_desk.act).where(row.complaint_id == complaint_id)
        return tuple(to_act(each) for each in self._all(found.order_by(row.asked_wall_ms, row.key)))

    def put_act(self, act: Doing) -> None:
        """Insert or replace one act, by complaint and key."""
        self._put(tables_desk.act, fields(act))

    def due_acts(self) -> tuple[Doing, ...]:
        """Acts without an outcome, the oldest first."""
        row = tables_desk.act.c
        found = select(tables_desk.act).where(tables_desk.IS_DUE).order_by(row.asked_wall_ms, row.key)
        return tuple(to_act(each) for each in self._all(found.limit(_MOST)))

    # ------------------------------------------------------------ alarms that were told on

    def standing(self) -> tuple[StandingAlarm, ...]:
        """Every alarm that stands, the oldest first."""
        alarm = tables.alarm.c
        found = select(tables.alarm).order_by(alarm.since_wall_ms, alarm.machine, alarm.name, alarm.lane)
        return tuple(StandingAlarm(**row._asdict()) for row in self._all(found))

    def told(self, sink: str) -> Mapping[Key, int]:
        """What a sink was told of and not told the end of: since when each has stood."""
        row = tables_desk.told.c
        found = self._all(select(tables_desk.told).where(row.sink == sink))
        return {(each.machine, each.name, each.lane): each.since_wall_ms for each in found}

    def put_told(self, sink: str, key: Key, since_wall_ms: int) -> None:
        """A sink was told that this alarm stands."""
        self._put(tables_desk.told, _named(sink, key) | {"since_wall_ms": since_wall_ms})

    def drop_told(self, sink: str, key: Key) -> None:
        """A sink was told that this alarm is over."""
        row, named = tables_desk.told.c, _named(sink, key)
        self._do(delete(tables_desk.told).where(*(row[name] == value for name, value in named.items())))


def _named(sink: str, key: Key) -> dict[str, Any]:
    machine, name, lane = key
    return {"sink": sink, "machine": machine, "name": name, "lane": lane}


def _complaints() -> "Select[Any]":
    return select(tables_desk.complaint)


# ---------------------------------------------------------------- reading


def read_complaints(
    db: Connection, settled: int
) -> tuple[tuple[Complaint, tuple[Doing, ...], Sale | None], ...]:
    """As `SqlStore.complaints`."""
    row = tables_desk.complaint.c
    waits = func.coalesce(func.nullif(row.waits_since_wall_ms, 0), row.made_wall_ms + (1 << 50))
    still = _complaints().where(tables_desk.IS_OPEN).order_by(waits, row.complaint_id).limit(_MOST)
    over = _complaints().where(row.standing == Standing.PROCESSED).order_by(row.made_wall_ms.desc())
    found = [Complaint(**each._asdict()) for each in (*db.execute(still), *db.execute(over.limit(settled)))]
    sales = _sales(db, found)
    return tuple((each, _acts(db, each), sales.get(each.sale_id)) for each in found)


def _sales(db: Connection, found: list[Complaint]) -> dict[str, Sale]:
    about = select(tables.sale).where(tables.sale.c.sale_id.in_({each.sale_id for each in found}))
    return {sale.sale_id: sale for sale in map(to_sale, db.execute(about))}


def _acts(db: Connection, complaint: Complaint) -> tuple[Doing, ...]:
    row = tables_desk.act.c
    found = select(tables_desk.act).where(row.complaint_id == complaint.complaint_id)
    return tuple(to_act(each) for each in db.execute(found.order_by(row.asked_wall_ms, row.key)))


def to_act(row: "Row[*tuple[Any, ...]]") -> Doing:
    """The row as a value again."""
    return Doing(**row._asdict())
