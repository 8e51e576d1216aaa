"""Rows around alarms: a transaction that sees spells, who looks after them, and who had which digest."""

from collections.abc import Mapping
from typing import Final

from sqlalchemy import ColumnElement, and_, delete, or_, select

from cloud_bridge.core.alarm import Care, Spell
from cloud_bridge.core.alert import Key
from cloud_bridge.ports import Tx
from cloud_bridge.ports_people import Deed
from cloud_bridge.store import tables
from cloud_bridge.store.desk import SqlDeskTx
from cloud_bridge.store.people import SqlPeopleTx
from cloud_bridge.store.tables_alarms import STILL_STANDS, care, digest, spell
from cloud_bridge.store.tables_desk import told
from cloud_bridge.store.tx import SqlTx, fields

_MOST: Final = 5_000


class SqlAlarmTx(SqlDeskTx):
    """Implements `ports_alarms.AlarmTx`."""

    @classmethod
    def of(cls, tx: Tx) -> "SqlAlarmTx":
        """The same transaction, seeing more."""
        assert isinstance(tx, SqlTx)
        return cls(tx.db)

    def spells(self, over_since_wall_ms: int) -> tuple[Spell, ...]:
        """Those that stand, and those that were over since then; each alarm's oldest first."""
        row = spell.c
        wanted = or_(STILL_STANDS, row.over_wall_ms >= max(1, over_since_wall_ms))
        found = select(spell).where(wanted).order_by(row.since_wall_ms.desc()).limit(_MOST)
        spells = (Spell(**each._asdict()) for each in self._all(found))
        return tuple(sorted(spells, key=lambda each: (each.key, each.since_wall_ms)))

    def put_spell(self, each: Spell) -> None:
        """Insert or replace, by alarm and beginning."""
        self._put(spell, fields(each))

    def drop_spells(self, over_before_wall_ms: int) -> None:
        """Forget those that were over before then."""
        old = and_(spell.c.over_wall_ms > 0, spell.c.over_wall_ms < over_before_wall_ms)
        self._do(delete(spell).where(old))

    def cares(self) -> Mapping[Key, Care]:
        """What people said about alarms."""
        found = (Care(**each._asdict()) for each in self._all(select(care)))
        return {each.key: each for each in found}

    def put_care(self, each: Care) -> None:
        """Insert or replace, by alarm."""
        self._put(care, fields(each))

    def drop_care(self, key: Key) -> None:
        """The alarm is over: what was said about it is, too."""
        self._do(delete(care).where(_is(key)))

    def had_digest(self, sink: str, day: str) -> bool:
        """Whether somebody has had the digest of this day."""
        had = and_(digest.c.sink == sink, digest.c.day == day)
        return self._first(select(digest).where(had)) is not None

    def put_digest(self, sink: str, day: str) -> None:
        """He has it now."""
        self._put_once(digest, {"sink": sink, "day": day})

    def last_sold(self, machine: str) -> int:
        """When the newest paid sale of a machine was opened, or 0."""
        sold = self.sold_since(machine, 0, 1)
        return sold[0] if sold else 0

    def sold_since(self, machine: str, wall_ms: int, limit: int) -> tuple[int, ...]:
        """When paid sales of a machine were opened since then, the newest `limit` of them, oldest first."""
        row = tables.sale.c
        sold = and_(row.machine == machine, row.opened_wall_ms >= wall_ms, row.paid_fen > 0)
        found = select(row.opened_wall_ms).where(sold).order_by(row.opened_wall_ms.desc()).limit(limit)
        return tuple(int(each[0]) for each in self._all(found))[::-1]

    def deed(self, deed: Deed) -> None:
        """Append one line to the audit."""
        SqlPeopleTx.of(self).deed(deed)

    def told_by(self) -> Mapping[Key, tuple[str, ...]]:
        """Who knows of which alarm."""
        found: dict[Key, tuple[str, ...]] = {}
        row = told.c
        for each in self._all(select(told).order_by(row.sink)):
            key = (each.machine, each.name, each.lane)
            found[key] = (*found.get(key, ()), each.sink)
        return found


def _is(key: Key) -> "ColumnElement[bool]":
    machine, name, lane = key
    return and_(care.c.machine == machine, care.c.name == name, care.c.lane == lane)
