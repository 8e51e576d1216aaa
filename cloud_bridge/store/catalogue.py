"""Rows of the catalogue and the stock: a transaction that sees them, and what is read beside the writer."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from itertools import groupby
from operator import attrgetter
from typing import Any, Final

from sqlalchemy import Connection, Row, and_, func, insert, select

from cloud_bridge.core.catalogue import TYPES, Book, Change, Entry, Kind, Owner, Plan, Slot, in_order
from cloud_bridge.core.rollout import Rollout, Standing, Stop
from cloud_bridge.core.stock import Hand, Moved, Stock
from cloud_bridge.ports import Tx
from cloud_bridge.ports_catalogue import Bundle, Edition, LaneSums, Pending, Picture
from cloud_bridge.ports_people import Deed
from cloud_bridge.store import tables_catalogue as rows
from cloud_bridge.store.people import SqlPeopleTx
from cloud_bridge.store.tables_desk import IS_DELIVERED, delivery
from cloud_bridge.store.tx import SqlTx, fields

_NEVER: Final = 1 << 53
_TOGETHER: Final = 400  # machines of one question: a statement takes only so many values


class SqlCatalogueTx(SqlTx):
    """Implements `ports_catalogue.CatalogueTx`."""

    @classmethod
    def of(cls, tx: Tx) -> "SqlCatalogueTx":
        """The same transaction, seeing more."""
        assert isinstance(tx, SqlTx)
        return cls(tx.db)

    def deed(self, deed: Deed) -> None:
        """Append one line to the audit."""
        SqlPeopleTx(self.db).deed(deed)

    # ------------------------------------------------------------ entries and editions

    def book(self) -> Book:
        """Every entry."""
        return {(row.kind, row.key): _entry(row.kind, row.value) for row in self._all(select(rows.entry))}

    def newest_edition(self) -> int:
        """The number of the newest edition, or 0."""
        return self._count(select(func.coalesce(func.max(rows.edition.c.edition), 0)))

    def editions_after(self, edition: int) -> tuple[Edition, ...]:
        """Those that came later, the newest first, with their changes."""
        return _editions(self.db, rows.edition.c.edition > edition, None)

    def put_edition(self, edition: Edition) -> None:
        """Append an edition, and change the entries as it says."""
        self._do(insert(rows.edition), _but(edition, "changes"))
        for each in edition.changes:
            place: dict[str, Any] = {"kind": each.kind, "key": each.key}
            said = {"before": _text(each.before), "after": _text(each.after)}
            self._do(insert(rows.change), place | said | {"edition": edition.edition})
            if each.after is None:
                own = and_(rows.entry.c.kind == each.kind, rows.entry.c.key == each.key)
                self._do(rows.entry.delete().where(own))
            else:
                self._put(rows.entry, place | {"value": said["after"]})

    # ------------------------------------------------------------ what machines are offered

    def bundles(self) -> Mapping[str, Bundle]:
        """The newest of each machine."""
        bundle = rows.bundle.c
        newest = select(bundle.machine, func.max(bundle.version).label("version")).group_by(bundle.machine)
        last = newest.subquery()
        found = select(rows.bundle).join(
            last, and_(bundle.machine == last.c.machine, bundle.version == last.c.version)
        )
        return {row.machine: _bundle(row) for row in self._all(found)}

    def bundle(self, machine: str, version: int) -> Bundle | None:
        """What a machine was offered under a version."""
        own = and_(rows.bundle.c.machine == machine, rows.bundle.c.version == version)
        row = self._first(select(rows.bundle).where(own))
        return None if row is None else _bundle(row)

    def bundle_versions(self) -> Mapping[str, int]:
        """The version of the newest of each machine."""
        bundle = rows.bundle.c
        newest = select(bundle.machine, func.max(bundle.version).label("version")).group_by(bundle.machine)
        return {row.machine: int(row.version) for row in self._all(newest)}

    def newest_bundle(self, machine: str) -> Bundle | None:
        """The newest of one machine."""
        own = select(rows.bundle).where(rows.bundle.c.machine == machine)
        row = self._first(own.order_by(rows.bundle.c.version.desc()).limit(1))
        return None if row is None else _bundle(row)

    def put_bundle(self, bundle: Bundle) -> None:
        """Append one."""
        slots = json.dumps([asdict(slot) for slot in bundle.slots], ensure_ascii=False)
        self._do(insert(rows.bundle), _but(bundle, "slots") | {"slots": slots})

    def standings(self) -> Mapping[str, Standing]:
        """What each machine said last."""
        return {row.machine: Standing(**row._asdict()) for row in self._all(select(rows.standing))}

    def standing(self, machine: str) -> Standing | None:
        """What this one said last."""
        row = self._first(select(rows.standing).where(rows.standing.c.machine == machine))
        return None if row is None else Standing(**row._asdict())

    def put_standing(self, standing: Standing) -> None:
        """Insert or replace."""
        self._put(rows.standing, fields(standing))

    # ------------------------------------------------------------ roll-outs, and what waits

    def rollout(self) -> tuple[Rollout, tuple[Stop, ...]] | None:
        """The newest roll-out."""
        row = self._first(select(rows.rollout).order_by(rows.rollout.c.edition.desc()).limit(1))
        if row is None:
            return None
        own = select(rows.stop).where(rows.stop.c.edition == row.edition)
        stops = self._all(own.order_by(rows.stop.c.wave, rows.stop.c.machine))
        return Rollout(**row._asdict()), tuple(Stop(**each._asdict()) for each in stops)

    def put_rollout(self, rollout: Rollout, stops: Iterable[Stop]) -> None:
        """Insert or replace it and these of its machines."""
        self._put(rows.rollout, fields(rollout))
        for stop in stops:
            self._put(rows.stop, fields(stop))

    def pending(self) -> tuple[Pending, ...]:
        """What waits, the oldest first."""
        found = select(rows.pending).where(rows.IS_WAITING).order_by(rows.pending.c.id)
        return tuple(map(_pending, self._all(found)))

    def put_pending(self, pending: Pending) -> int:
        """Insert or replace; an id of 0 gets a new one, which is handed back."""
        if pending.id == 0:
            pending = replace(pending, id=1 + self._count(select(_newest(rows.pending.c.id))))
        changes = json.dumps([_spelled(each) for each in pending.changes], ensure_ascii=False)
        daring = json.dumps(pending.daring, ensure_ascii=False)
        self._put(rows.pending, fields(pending) | {"changes": changes, "daring": daring})
        return pending.id

    def put_picture(self, picture: Picture) -> None:
        """Keep it, once."""
        self._put_once(rows.picture, fields(picture))

    def has_picture(self, sha256: str) -> bool:
        """Whether it was uploaded."""
        own = rows.picture.c.sha256 == sha256
        return self._count(select(func.count()).select_from(rows.picture).where(own)) > 0

    # ------------------------------------------------------------ the stock

    def put_moved(self, moved: Moved) -> bool:
        """Append an event of the stock; False when its key is known already."""
        known = select(func.count()).select_from(rows.moved).where(rows.moved.c.key == moved.key)
        if self._count(known):
            return False
        self._do(insert(rows.moved), fields(moved))
        return True

    def lane_sums(self, machines: Sequence[str], since_wall_ms: int) -> tuple[LaneSums, ...]:
        """What these machines' lanes hold: goods that came out are those of the deliveries."""
        parts = _parts(machines)
        return tuple(each for part in parts for each in _lane_sums(self.db, part, since_wall_ms))

    def first_sold(self, machines: Sequence[str], since_wall_ms: int) -> Mapping[str, int]:
        """When each of these machines sold something first since then."""
        out, first = delivery.c, func.min(delivery.c.ended_wall_ms).label("first")
        found = select(out.machine, first).where(IS_DELIVERED, out.ended_wall_ms > since_wall_ms)
        asked = (found.where(out.machine.in_(part)).group_by(out.machine) for part in _parts(machines))
        return {row.machine: int(row.first) for each in asked for row in self._all(each)}

    def moves(self, *, machine: str, before: int, limit: int) -> tuple[tuple[int, Moved], ...]:
        """Events of the stock with their numbers, the newest below `before` first."""
        moved = rows.moved.c
        found = select(rows.moved).where(moved.id < (before or _NEVER)).order_by(moved.id.desc())
        if machine:
            found = found.where(moved.machine == machine)
        return tuple((row.id, Moved(**_without(row, "id"))) for row in self._all(found.limit(limit)))

    # ------------------------------------------------------------ looking

    def editions(self, *, before: int, limit: int) -> tuple[Edition, ...]:
        """The newest below `before` first, with their changes."""
        return _editions(self.db, rows.edition.c.edition < (before or _NEVER), limit)

    def picture(self, sha256: str) -> Picture | None:
        """One, with its bytes."""
        row = self._first(select(rows.picture).where(rows.picture.c.sha256 == sha256))
        return None if row is None else Picture(**row._asdict())

    def pictures(self) -> tuple[Picture, ...]:
        """Every picture without its bytes, the newest first."""
        picture = rows.picture.c
        found = select(picture.sha256, picture.name, picture.by, picture.wall_ms)
        order = (picture.wall_ms.desc(), picture.sha256)
        return tuple(Picture(**row._asdict(), png=b"") for row in self._all(found.order_by(*order)))


# ---------------------------------------------------------------- reading


def _editions(db: Connection, which: Any, limit: int | None) -> tuple[Edition, ...]:
    """Editions with their changes, the newest first."""
    heads = db.execute(
        select(rows.edition).where(which).order_by(rows.edition.c.edition.desc()).limit(limit)
    ).all()
    numbers = [row.edition for row in heads]
    order = (rows.change.c.edition,)
    found = db.execute(select(rows.change).where(rows.change.c.edition.in_(numbers)).order_by(*order))
    of = {number: in_order(map(_change, lines)) for number, lines in groupby(found, attrgetter("edition"))}
    return tuple(Edition(**row._asdict(), changes=of.get(row.edition, ())) for row in heads)


def _lane_sums(db: Connection, machines: Sequence[str], since_wall_ms: int) -> list[LaneSums]:
    moved, out = rows.moved.c, delivery.c
    hands = select(moved.machine, moved.lane, moved.hand, func.sum(moved.pieces).label("pieces"))
    hands = hands.where(moved.machine.in_(machines)).group_by(moved.machine, moved.lane, moved.hand)
    sums: dict[tuple[str, int], dict[Hand, int]] = {}
    for row in db.execute(hands):
        sums.setdefault((row.machine, row.lane), {})[row.hand] = int(row.pieces)
    here = and_(IS_DELIVERED, out.machine.in_(machines))
    vended = _counted(db, here)
    sold = _counted(db, and_(here, out.ended_wall_ms > since_wall_ms)) if since_wall_ms else vended
    return [
        LaneSums(
            machine=machine,
            lane=lane,
            stock=Stock(
                refilled=sums.get((machine, lane), {}).get(Hand.REFILLED, 0),
                corrected=sums.get((machine, lane), {}).get(Hand.CORRECTED, 0),
                vended=vended.get((machine, lane), 0),
                known=(machine, lane) in sums,
            ),
            sold=sold.get((machine, lane), 0),
        )
        for machine, lane in sorted({*sums, *vended})
    ]


def _counted(db: Connection, which: Any) -> dict[tuple[str, int], int]:
    out = delivery.c
    found = select(out.machine, out.lane, func.count().label("pieces")).where(which)
    return {
        (row.machine, row.lane): int(row.pieces) for row in db.execute(found.group_by(out.machine, out.lane))
    }


# ---------------------------------------------------------------- rows and values


def _parts(machines: Sequence[str]) -> list[Sequence[str]]:
    return [machines[at : at + _TOGETHER] for at in range(0, len(machines), _TOGETHER)]


def _newest(column: Any) -> Any:
    return func.coalesce(func.max(column), 0)


def _but(value: Any, name: str) -> dict[str, Any]:
    return {key: each for key, each in fields(value).items() if key != name}


def _without(row: "Row[Any]", name: str) -> dict[str, Any]:
    return {key: each for key, each in row._asdict().items() if key != name}


def _text(entry: Entry | None) -> str:
    return "" if entry is None else json.dumps(asdict(entry), ensure_ascii=False, separators=(",", ":"))


def _entry(kind: Kind, text: str) -> Entry:
    values = json.loads(text)
    return (
        Plan(**values | {"owner": Owner(values["owner"])}) if kind is Kind.MACHINE else TYPES[kind](**values)
    )


def _change(row: "Row[Any]") -> Change:
    return _read_change(row.kind, row.key, row.before, row.after)


def _read_change(kind: Kind, key: str, before: str, after: str) -> Change:
    return Change(
        kind=kind,
        key=key,
        before=_entry(kind, before) if before else None,
        after=_entry(kind, after) if after else None,
    )


def _spelled(change: Change) -> list[str]:
    return [change.kind.value, change.key, _text(change.before), _text(change.after)]


def _pending(row: "Row[Any]") -> Pending:
    changes = tuple(_read_change(Kind(kind), *more) for kind, *more in json.loads(row.changes))
    return Pending(**row._asdict() | {"changes": changes, "daring": tuple(json.loads(row.daring))})


def _bundle(row: "Row[Any]") -> Bundle:
    slots = tuple(Slot(**each) for each in json.loads(row.slots))
    return Bundle(**row._asdict() | {"slots": slots})
