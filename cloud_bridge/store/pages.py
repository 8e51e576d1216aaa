"""The books as pages read them: by key and along an index, however many sales there are."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, TextClause, func, select, tuple_

from cloud_bridge.core.case import Case
from cloud_bridge.core.ledger import Post
from cloud_bridge.core.model import State
from cloud_bridge.core.sale import Sale
from cloud_bridge.ports import Fact
from cloud_bridge.ports_bills import day_of
from cloud_bridge.ports_looking import (
    KINDS,
    SHORTEST_TAIL,
    Asked,
    DayFigures,
    Decision,
    Entry,
    Evidence,
    Machines,
)
from cloud_bridge.store import tables
from cloud_bridge.store.tables_looking import GIVEN_BACK, LOST, OF_NO_SALE, tail
from cloud_bridge.store.tx import to_sale

_SALE = tables.sale.c
_FACT = tables.fact.c
_LEDGER = tables.ledger.c
_LINE = (_FACT.wall_ms, _FACT.machine, _FACT.sale_id, _FACT.who, _FACT.what)
_VENDED = _SALE.state == State.VENDED
_NAMES = ("sales", "paid", "paid_fen", "vended", "vended_fen", "refunded", "refunded_fen")
_SUMS = (
    func.count(),
    func.count().filter(_SALE.paid_fen > 0),
    func.sum(_SALE.paid_fen),
    func.count().filter(_VENDED),
    func.coalesce(func.sum(_SALE.paid_fen).filter(_VENDED), 0),
    func.count().filter(_SALE.refunded_fen > 0),
    func.sum(_SALE.refunded_fen),
)
_DAY_MS, _ZONE_MS = 86_400_000, 8 * 3_600_000
# So many of a machine's sales are looked into for its newest lines.
_SALES_BACK = 8
# A loss comes to light this long after the sale at most, as far as a list of a day's losses is concerned.
_LATE_MS = 7 * 86_400_000


def read_page(db: Connection, asked: Asked) -> tuple[Sale, ...]:
    """As `LookingStore.page`."""
    found = select(tables.sale).where(*_of(asked.machines))
    if asked.since_ms:
        found = found.where(_SALE.opened_wall_ms >= asked.since_ms)
    if asked.until_ms:
        found = found.where(_SALE.opened_wall_ms < asked.until_ms)
    if asked.kind == "refunded":
        found = found.where(GIVEN_BACK)
    elif asked.kind == "lost":
        found = found.where(_SALE.sale_id.in_(select(_LEDGER.sale_id).where(*_lost(asked))))
    elif asked.kind:
        found = found.where(_SALE.state.in_(sorted(KINDS[asked.kind])))
    if asked.before:
        found = found.where(tuple_(_SALE.opened_wall_ms, _SALE.sale_id) < asked.before)
    return _newest(db, found, asked.limit)


def read_tail(db: Connection, words: str, machines: Machines, limit: int) -> tuple[Sale, ...]:
    """As `LookingStore.by_tail`."""
    assert words.isalnum(), f"{words!r} could mean more than it says"
    assert len(words) >= SHORTEST_TAIL, f"{words!r} is too short"
    end, like = words[-SHORTEST_TAIL:], f"%{words}"
    by_id = select(_SALE.sale_id).where(tail(_SALE.sale_id) == end, _SALE.sale_id.like(like))
    by_payment = select(_SALE.sale_id).where(
        tables.HAS_PAYMENT, tail(_SALE.transaction_id) == end, _SALE.transaction_id.like(like)
    )
    ids = {*db.scalars(by_id.limit(limit)), *db.scalars(by_payment.limit(limit))}
    return _newest(db, select(tables.sale).where(_SALE.sale_id.in_(ids), *_of(machines)), limit)


def read_evidence(db: Connection, sale_id: str) -> Evidence | None:
    """As `LookingStore.evidence`."""
    row = db.execute(select(tables.sale).where(_SALE.sale_id == sale_id)).one_or_none()
    if row is None:
        return None
    case, ledger, trail = tables.case.c, tables.ledger.c, tables.trail.c
    columns = [column for column in tables.case.columns if column.name != "id"]
    cases = select(*columns).where(case.sale_id == sale_id).order_by(case.id)
    posts = select(ledger.wall_ms, ledger.debit, ledger.credit, ledger.fen, ledger.why)
    changes = select(trail.wall_ms, trail.cause, trail.by, trail.before, trail.after)
    return Evidence(
        sale=to_sale(row),
        facts=_facts(db, select(*_LINE).where(_FACT.sale_id == sale_id).order_by(_FACT.id)),
        cases=tuple(Case(**each._asdict()) for each in db.execute(cases)),
        entries=tuple(
            Entry(wall_ms=wall_ms, post=Post(debit=debit, credit=credit, fen=fen, why=why))
            for wall_ms, debit, credit, fen, why in db.execute(
                posts.where(ledger.sale_id == sale_id).order_by(ledger.id)
            )
        ),
        decisions=tuple(
            Decision(**each._asdict())
            for each in db.execute(changes.where(trail.sale_id == sale_id).order_by(trail.id))
        ),
    )


def read_figures(db: Connection, since_ms: int, until_ms: int, machines: Machines) -> DayFigures:
    """As `LookingStore.figures`."""
    found = select(_SALE.machine, *_SUMS).where(*_opened(since_ms, until_ms, machines))
    rows = [(row[0], *map(int, row[1:])) for row in db.execute(found.group_by(_SALE.machine))]
    sums = {name: sum(row[at] for row in rows) for at, name in enumerate(_NAMES, 1)}
    lost = _losses(db, since_ms, until_ms, machines)
    sums |= {"lost": len(lost), "lost_fen": sum(fen for _, fen in lost)}
    return DayFigures(by_machine={row[0]: row[3] - row[7] for row in rows if row[3]}, **sums)


def read_day_figures(
    db: Connection, since_ms: int, until_ms: int, machines: Machines
) -> dict[str, DayFigures]:
    """As `LookingStore.days`."""
    day = ((_SALE.opened_wall_ms + _ZONE_MS) // _DAY_MS).label("day")
    found = select(day, *_SUMS).where(*_opened(since_ms, until_ms, machines)).group_by(day)
    lost = [(day_of(at_ms), fen) for at_ms, fen in _losses(db, since_ms, until_ms, machines)]
    figures = {}
    for row in db.execute(found):
        name = day_of(int(row[0]) * _DAY_MS - _ZONE_MS)
        of_day = [fen for each, fen in lost if each == name]
        sums = {key: int(value) for key, value in zip(_NAMES, row[1:], strict=True)}
        figures[name] = DayFigures(by_machine={}, lost=len(of_day), lost_fen=sum(of_day), **sums)
    return figures


def read_machine_lines(db: Connection, machine: str, limit: int) -> tuple[Fact, ...]:
    """As `LookingStore.machine_lines`."""
    found = select(*_LINE).where(OF_NO_SALE, _FACT.machine == machine)
    return _facts(db, found.order_by(_FACT.id.desc()).limit(limit))


def read_sale_lines(db: Connection, machine: str, limit: int) -> tuple[Fact, ...]:
    """As `LookingStore.sale_lines`."""
    newest = select(_SALE.sale_id).where(_SALE.machine == machine)
    newest = newest.order_by(_SALE.opened_wall_ms.desc(), _SALE.sale_id.desc()).limit(_SALES_BACK)
    found = select(*_LINE).where(_FACT.sale_id.in_(db.scalars(newest).all()))
    return _facts(db, found.order_by(_FACT.id.desc()).limit(limit))


def read_newest_lines(db: Connection, machines: Machines, limit: int) -> tuple[Fact, ...]:
    """As `LookingStore.newest_lines`: nothing older is searched for who sees a few machines only."""
    newest = _facts(
        db, select(*_LINE).order_by(_FACT.id.desc()).limit(limit if machines is None else 20 * limit)
    )
    return tuple(fact for fact in newest if machines is None or fact.machine in machines)[:limit]


# ---------------------------------------------------------------- helpers


def _opened(since_ms: int, until_ms: int, machines: Machines) -> tuple["ColumnElement[bool]", ...]:
    return _SALE.opened_wall_ms >= since_ms, _SALE.opened_wall_ms < until_ms, *_of(machines)


def _losses(db: Connection, since_ms: int, until_ms: int, machines: Machines) -> list[tuple[int, int]]:
    """When each sale was opened whose goods and money are gone, and how much that is."""
    asked = Asked(since_ms=since_ms, until_ms=until_ms)
    found = select(_SALE.opened_wall_ms, func.sum(_LEDGER.fen)).join_from(
        tables.ledger, tables.sale, _LEDGER.sale_id == _SALE.sale_id
    )
    found = found.where(*_lost(asked), *_opened(since_ms, until_ms, machines))
    return [(int(at_ms), int(fen)) for at_ms, fen in db.execute(found.group_by(_SALE.sale_id))]


def _lost(asked: Asked) -> Iterator["ColumnElement[bool] | TextClause"]:
    """Entries that a loss is posted with; they are made when or after the sale was opened."""
    yield LOST
    if asked.since_ms:
        yield _LEDGER.wall_ms >= asked.since_ms
    if asked.until_ms:
        yield _LEDGER.wall_ms < asked.until_ms + _LATE_MS


def _of(machines: Machines) -> tuple["ColumnElement[bool]", ...]:
    """Only sales of these. Several are told from all others row by row: the list's own order is kept."""
    if machines is None:
        return ()
    if len(machines) == 1:
        return (_SALE.machine == next(iter(machines)),)
    return (_SALE.machine.concat("").in_(sorted(machines)),)


def _newest(db: Connection, found: "Select[Any]", limit: int) -> tuple[Sale, ...]:
    ordered = found.order_by(_SALE.opened_wall_ms.desc(), _SALE.sale_id.desc()).limit(limit)
    return tuple(to_sale(row) for row in db.execute(ordered))


def _facts(db: Connection, found: "Select[Any]") -> tuple[Fact, ...]:
    return tuple(Fact(**row._asdict()) for row in db.execute(found))
