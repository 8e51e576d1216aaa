"""Reports read from the books: one query each, along the time of the ledger's entries."""

from collections.abc import Callable, Iterable
from typing import Any, Final, Protocol, TypeVar

from sqlalchemy import Connection, Text, and_, case, func, literal, or_, select, type_coerce

from cloud_bridge.core.ledger import Account
from cloud_bridge.core.report import Asked, BillSide, By, Entry, Move, Report, Vends
from cloud_bridge.ports_bills import Kept, bounds_ms, day_of, days_from
from cloud_bridge.store import tables, tables_desk
from cloud_bridge.store.bills import read_days
from cloud_bridge.store.tables_bills import bill_day

T = TypeVar("T")
MOST_ENTRIES: Final = 1_000
_HOUR_MS: Final = 3_600_000
_CHINA_MS: Final = 8 * _HOUR_MS
_ACCOUNTS: Final = {account.value: account for account in Account}


class SqlReports:
    """Implements `ports_reports.ReportReads`. `read` runs work on a snapshot, away from the loop."""

    def __init__(self, read: "Reader") -> None:
        self._read: Final = read

    async def moves(self, asked: Asked) -> tuple[Move, ...]:
        """What moved in the time, by what was asked for."""
        return await self._read(lambda db: read_moves(db, asked))

    async def vends(self, asked: Asked) -> tuple[Vends, ...]:
        """What became of the vends that ended in the time, by lane."""
        return await self._read(lambda db: read_vends(db, asked))

    async def entries(self, asked: Asked) -> tuple[Entry, ...]:
        """The ledger's rows of the time, the newest first, so many at most."""
        return await self._read(lambda db: read_entries(db, asked))

    async def bill_side(self, first: str, last: str) -> BillSide:
        """What the bills of these days say."""
        return await self._read(lambda db: read_bill_side(db, first, last))


class Reader(Protocol):
    """Runs work on a snapshot of the books."""

    async def __call__(self, work: Callable[[Connection], T]) -> T:
        """What it gives. Raises StoreFailed."""


def read_moves(db: Connection, asked: Asked) -> tuple[Move, ...]:
    """What moved in the time, by what was asked for; TAKINGS: by nothing. One query."""
    entry = tables.ledger.c
    keys = [] if asked.report is Report.TAKINGS else _keys(asked.by)
    debit, credit = _word(entry.debit), _word(entry.credit)
    sums = func.count().label("count"), func.sum(entry.fen).label("fen")
    found = select(*keys, debit, credit, *sums).select_from(_source(asked, keys)).where(*_when(asked))
    moves = db.execute(found.group_by(*keys, debit, credit))
    return tuple(_move(row, len(keys), asked.by) for row in moves)


def read_vends(db: Connection, asked: Asked) -> tuple[Vends, ...]:
    """What became of the vends that ended in the time, by lane. One query, and of its index alone."""
    row = tables_desk.delivery.c
    ended = and_(row.ended_wall_ms >= max(1, asked.begin_ms), row.ended_wall_ms < asked.end_ms)
    outcome = _word(row.outcome)
    found = select(row.machine, row.lane, outcome, func.count()).where(ended)
    if asked.machines is not None:
        found = found.where(row.machine.in_(sorted(asked.machines)))
    lanes: dict[tuple[str, int], dict[str, int]] = {}
    for machine, lane, name, count in db.execute(found.group_by(row.machine, row.lane, outcome)):
        lanes.setdefault((machine, lane), {})[name] = int(count)
    return tuple(Vends(machine=key[0], lane=key[1], outcomes=each) for key, each in sorted(lanes.items()))


def read_entries(db: Connection, asked: Asked) -> tuple[Entry, ...]:
    """The rows themselves, the newest first, so many at most. One query."""
    entry, sale = tables.ledger.c, tables.sale.c
    columns = [entry.wall_ms, entry.sale_id, sale.machine, sale.lane, sale.product_zh, sale.product_en]
    more = [_word(entry.debit).label("debit"), _word(entry.credit).label("credit"), entry.fen, entry.why]
    found = select(*columns, *more, _reason().label("reason")).select_from(_with_sale()).where(*_when(asked))
    if asked.account is not None:
        named = asked.account.value
        found = found.where(or_(_word(entry.debit) == named, _word(entry.credit) == named))
    if asked.key:
        ours = zip(_keys(asked.by), asked.key, strict=True)
        found = found.where(*(column == _kept(asked.by, named) for column, named in ours))
    newest = found.order_by(entry.wall_ms.desc(), entry.id.desc()).limit(MOST_ENTRIES)
    return tuple(_entry(row._asdict()) for row in db.execute(newest))


def read_bill_side(db: Connection, first: str, last: str) -> BillSide:
    """What the bills from the first to the last day say, all merchants in one."""
    within = and_(bill_day.c.day >= first, bill_day.c.day <= last)
    kept = [each for each in read_days(db, select(bill_day).where(within)) if each[0].figures is not None]
    days = {result.day for result, _ in kept}
    missing, day = [], first
    while day <= last:
        missing += [] if day in days else [day]
        day = days_from(day, 1)
    return BillSide(
        days=tuple(sorted(days)),
        missing=tuple(missing),
        paid_fen=_sum(kept, "paid", "bill"),
        back_fen=_sum(kept, "refunds", "bill"),
        booked_paid_fen=_sum(kept, "paid", "books"),
        booked_back_fen=_sum(kept, "refunds", "books"),
        open=sum(each.cause is None for _, found in kept for each in found),
    )


# ---------------------------------------------------------------- helpers


def _sum(kept: Iterable[Kept], side: str, place: str) -> int:
    return sum(getattr(result.figures, side).get(place, 0) for result, _ in kept)


def _when(asked: Asked) -> "list[Any]":
    entry = tables.ledger.c
    when = [entry.wall_ms >= asked.begin_ms, entry.wall_ms < asked.end_ms]
    if asked.machines is not None:
        when.append(tables.sale.c.machine.in_(sorted(asked.machines)))
    if asked.report is Report.REFUNDS:
        when.append(_word(entry.credit) == Account.PLATFORM_CLEARING.value)
    elif asked.report is Report.SHRINKAGE:
        when.append(_word(entry.debit) == Account.SHRINKAGE.value)
    return when


def _source(asked: Asked, keys: "list[Any]") -> "Any":
    """Where the sale itself says nothing, its row need not be read."""
    of_entry = {By.HOUR, By.DAY}
    if asked.machines is None and (not keys or asked.by in of_entry):
        return tables.ledger
    return _with_sale()


def _with_sale() -> "Any":
    return tables.ledger.join(tables.sale, tables.sale.c.sale_id == tables.ledger.c.sale_id)


def _keys(by: By) -> "list[Any]":
    sale, entry = tables.sale.c, tables.ledger.c
    match by:
        case By.MACHINE:
            return [sale.machine]
        case By.PRODUCT:
            return [sale.product_zh, sale.product_en]
        case By.HOUR:
            return [((entry.wall_ms + _CHINA_MS) // _HOUR_MS % 24).label("hour")]
        case By.DAY:
            return [((entry.wall_ms + _CHINA_MS) // (24 * _HOUR_MS)).label("day")]
        case By.WAY:
            return [case((sale.request_id != "", literal("scan")), else_=literal("code")).label("way")]
        case By.REASON:
            return [_reason()]


def _reason() -> "Any":
    """Why the sale went so; where it says nothing, what the entry is for."""
    return func.coalesce(func.nullif(tables.sale.c.why, ""), tables.ledger.c.why)


def _move(row: "Any", keys: int, by: By) -> Move:
    debit, credit, count, fen = row[keys:]
    key = tuple(_named(by, value) for value in row[:keys])
    return Move(key=key, debit=_ACCOUNTS[debit], credit=_ACCOUNTS[credit], count=int(count), fen=int(fen))


def _named(by: By, value: object) -> str:
    if by is By.HOUR:
        return f"{int(str(value)):02}:00"
    return day_of(int(str(value)) * 24 * _HOUR_MS) if by is By.DAY else str(value)


def _kept(by: By, named: str) -> str | int:
    """As `_named`, the other way. Raises ValueError for what names nothing."""
    if by is By.HOUR:
        return int(named.partition(":")[0])
    return (bounds_ms(named)[0] + _CHINA_MS) // (24 * _HOUR_MS) if by is By.DAY else named


def _entry(values: "dict[str, Any]") -> Entry:
    accounts = {name: _ACCOUNTS[values[name]] for name in ("debit", "credit")}
    return Entry(**values | accounts)


def _word(column: "Any") -> "Any":
    """A word of an enumeration as it is kept."""
    return type_coerce(column, Text)
