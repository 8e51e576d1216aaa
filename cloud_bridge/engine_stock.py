"""What lies in the lanes: people's counts taken in once each, and shown beside what boards say themselves."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from cloud_bridge.core.catalogue import Book, Kind, Lane, Plan, Product, places
from cloud_bridge.core.pace import WINDOW_MS, Level, Sold, empty_wall_ms, level, per_hour
from cloud_bridge.core.stock import Hand, Moved, Stock, correction, wrong
from cloud_bridge.engine_catalogue_views import Kept
from cloud_bridge.ports import Clock, Log, MachineView
from cloud_bridge.ports_catalogue import CatalogueBooks, CatalogueTx, Count, LaneStock, LaneSums
from cloud_bridge.ports_people import Deed

_FIRST: Final = (Level.EMPTY, Level.LOW, Level.UNKNOWN, Level.FINE)


class _Refused(Exception):
    """Undoes what was written of a few counts of which one cannot be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Looked:
    """The rows of one moment that say what lies where."""

    book: Book
    sums: Mapping[tuple[str, int], LaneSums]
    first_sold: Mapping[str, int]


class Stocks:
    """Implements `ports_catalogue.StockService`. `machines` gives what machines show of themselves."""

    def __init__(
        self,
        *,
        books: CatalogueBooks,
        known: Iterable[str],
        machines: Callable[[], Sequence[MachineView]],
        clock: Clock,
        log: Log,
    ) -> None:
        self._books: Final = books
        self._known: Final = tuple(sorted(known))
        self._machines: Final = machines
        self._clock: Final = clock
        self._log: Final = log
        self._kept: Final = Kept()

    async def lanes(self, *, machines: Sequence[str] = (), route: str = "") -> tuple[LaneStock, ...]:
        """The lanes of these machines (none named: of all), those that need somebody first."""
        wall_ms = self._clock.wall_ms()
        asked = [each for each in self._known if not machines or each in machines]
        told = {view.machine: view for view in self._machines()}

        def read(tx: CatalogueTx) -> tuple[LaneStock, ...]:
            looked = _look(tx, self._kept.book(tx)[1], asked, wall_ms)
            return _lanes(looked, asked, route, told, wall_ms)

        return await self._books.read_catalogue(read)

    async def routes(self, machines: Sequence[str]) -> Mapping[str, str]:
        """Whose tour each of these machines is on; empty for nobody's."""
        _, book = await self._books.read_catalogue(self._kept.book)
        plans = {key: each for (_, key), each in book.items() if isinstance(each, Plan)}
        return {each: plans[each].route if each in plans else "" for each in machines}

    async def note(self, counts: Sequence[Count]) -> str:
        """Take all of these or none; why not, or empty. One that is known already changes nothing."""
        wall_ms = self._clock.wall_ms()
        if strange := next((each.machine for each in counts if each.machine not in self._known), ""):
            return f"machine: found {strange[:40]!r}, allowed a machine of the settings"
        try:
            taken = await self._books.on_catalogue(lambda tx: _note(tx, counts, wall_ms))
        except _Refused as refused:
            return str(refused)
        for each in taken:
            self._log.info(
                f"stock.{each.hand}", machine=each.machine, lane=each.lane, pieces=each.pieces, by=each.by
            )
        return ""

    async def moves(
        self, *, machine: str = "", before: int = 0, limit: int = 50
    ) -> tuple[tuple[int, Moved], ...]:
        """What people put in and corrected, the newest first."""
        return await self._books.read_catalogue(
            lambda tx: tx.moves(machine=machine, before=before, limit=limit)
        )


def stock_of(
    tx: CatalogueTx, machines: Sequence[str], route: str, told: Mapping[str, MachineView], wall_ms: int
) -> tuple[LaneStock, ...]:
    """The lanes of these machines that are on `route` (empty: on any), those that need somebody first."""
    return _lanes(_look(tx, tx.book(), machines, wall_ms), machines, route, told, wall_ms)


# ---------------------------------------------------------------- in a transaction


def _look(tx: CatalogueTx, book: Book, machines: Sequence[str], wall_ms: int) -> _Looked:
    since_ms = max(1, wall_ms - WINDOW_MS)
    sums = {(each.machine, each.lane): each for each in tx.lane_sums(machines, since_ms)}
    return _Looked(book=book, sums=sums, first_sold=tx.first_sold(machines, since_ms))


def _note(tx: CatalogueTx, counts: Sequence[Count], wall_ms: int) -> list[Moved]:
    """Raises _Refused."""
    held, taken = places(tx.book()), []
    for each in counts:
        lane = held.get(each.machine, {}).get(each.lane)
        sums = tx.lane_sums((each.machine,), 0)
        stock = next((one.stock for one in sums if one.lane == each.lane), Stock())
        if lane is None and not stock.known:
            raise _Refused(f"lane: found {each.lane}, allowed a lane of {each.machine}'s catalogue")
        pieces = each.count if each.hand is Hand.REFILLED else correction(stock, each.count)
        moved = Moved(
            key=each.key,
            machine=each.machine,
            lane=each.lane,
            hand=each.hand,
            pieces=pieces,
            by=each.by,
            why=each.why,
            wall_ms=wall_ms,
        )
        if each.hand is Hand.CORRECTED and each.count < 0:
            raise _Refused(f"count: found {each.count}, allowed 0 or more")
        if not tx.put_moved(moved):
            continue  # this act was taken before: its count was judged then
        tx.deed(_deed(moved, stock))
        if why_not := wrong(moved, lane.capacity if lane is not None else 0, stock):
            raise _Refused(f"{each.machine} lane {each.lane}: {why_not}")
        taken.append(moved)
    return taken


def _deed(moved: Moved, stock: Stock) -> Deed:
    there = stock.pieces
    return Deed(
        wall_ms=moved.wall_ms,
        by=moved.by,
        action=f"stock_{moved.hand}",
        about=f"lane {moved.lane}",
        machine=moved.machine,
        why=moved.why,
        before="unknown" if there is None else str(there),
        after=f"{moved.pieces:+d}",
    )


# ---------------------------------------------------------------- what people see


def _lanes(
    looked: _Looked, machines: Sequence[str], route: str, told: Mapping[str, MachineView], wall_ms: int
) -> tuple[LaneStock, ...]:
    held = places(looked.book, machines)
    found: list[LaneStock] = []
    for machine in machines:
        plan = looked.book.get((Kind.MACHINE, machine))
        on = plan.route if isinstance(plan, Plan) else ""
        if route and on != route:
            continue
        boards = {lane.lane: lane.stock for lane in told[machine].lanes} if machine in told else {}
        for number, lane in held.get(machine, {}).items():
            found.append(_lane(looked, (machine, number), on, (lane, boards.get(number)), wall_ms))
    return tuple(sorted(found, key=lambda each: (_FIRST.index(each.level), each.machine, each.lane)))


def _lane(
    looked: _Looked, where: tuple[str, int], route: str, seen: tuple[Lane, int | None], wall_ms: int
) -> LaneStock:
    (machine, number), (lane, board) = where, seen
    sums = looked.sums.get(where)
    stock = sums.stock if sums is not None else Stock()
    first_ms = looked.first_sold.get(machine, wall_ms)
    pace = per_hour(Sold(pieces=sums.sold if sums is not None else 0, since_wall_ms=first_ms), wall_ms)
    # What a board sees is there; where it sees nothing, the books say what should be.
    there = board if board is not None else stock.pieces
    empty_ms = empty_wall_ms(there, lane.sold_out_at, pace, wall_ms)
    product = looked.book.get((Kind.PRODUCT, lane.product))
    return LaneStock(
        machine=machine,
        route=route,
        lane=number,
        product=lane.product,
        product_zh=product.name_zh if isinstance(product, Product) else "",
        product_en=product.name_en if isinstance(product, Product) else "",
        pieces=stock.pieces,
        told=board,
        refilled=stock.refilled,
        corrected=stock.corrected,
        vended=stock.vended,
        par=lane.par,
        capacity=lane.capacity,
        sold_out_at=lane.sold_out_at,
        per_day=pace * 24,
        empty_wall_ms=empty_ms,
        level=level(there, lane.sold_out_at, empty_ms, wall_ms),
    )
