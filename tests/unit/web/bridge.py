"""A bridge to look at: engine and roster as the ports have them, in memory, told what to say by the test."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from cloud_bridge.core.model import FromMachine
from cloud_bridge.ports import (
    CaseView,
    Fact,
    LaneView,
    MachineView,
    SaleView,
    Shelf,
    StandingAlarm,
)
from cloud_bridge.ports_bills import day_of
from cloud_bridge.ports_looking import Asked, DayFigures, Entry, Health, Machines, SaleFile

START_WALL_MS = 1_795_000_000_000

LANE = LaneView(lane=12, product_zh="可乐", product_en="Cola", price_fen=350, stock=5, capacity=8, reason="")
MACHINE = MachineView(
    machine="vm-0001",
    online=True,
    boot=7,
    seen_wall_ms=START_WALL_MS,
    selling=True,
    reason="",
    software="0.1.0",
    catalogue_version=3,
    temperature_c=4,
    door_open=False,
    lanes=(
        LANE,
        replace(LANE, lane=13, product_zh="绿茶", product_en="Green tea", stock=0, reason="sold_out"),
        replace(
            LANE, lane=14, product_zh="矿泉水", product_en="Water", stock=None, capacity=None, reason="fault"
        ),
    ),
)
UNHEARD = replace(
    MACHINE,
    temperature_c=None,
    door_open=None,
    machine="vm-0002",
    online=False,
    boot=0,
    seen_wall_ms=0,
    selling=False,
    software="",
    lanes=(),
)
SALE = SaleView(
    sale_id="abcdefghijklmnopqrstuvwx27",
    machine="vm-0001",
    lane=12,
    product_zh="可乐",
    product_en="Cola",
    price_fen=350,
    paid_fen=0,
    refunded_fen=0,
    state="offered",
    decision="",
    why="",
    opened_wall_ms=START_WALL_MS,
    changed_wall_ms=START_WALL_MS,
)
ALARM = StandingAlarm(
    machine="vm-0001", name="lane_jam", lane=14, code="E21", text="ran, no drop", since_wall_ms=START_WALL_MS
)
CASE = CaseView(
    sale_id=SALE.sale_id,
    machine="vm-0001",
    lane=12,
    product_zh="可乐",
    product_en="Cola",
    paid_fen=350,
    state="case",
    reason="brakes",
    evidence="too many refunds in the fleet: a person decides",
    advice="test the lane's drop sensor",
    opened_wall_ms=START_WALL_MS,
)


class WallClock:
    """Stands still."""

    def now_ms(self) -> int:
        return 0

    def wall_ms(self) -> int:
        return START_WALL_MS


@dataclass(slots=True)
class Lines:
    """A log that remembers."""

    lines: list[tuple[str, dict[str, object]]] = field(default_factory=list)

    def info(self, event: str, /, **fields: object) -> object:
        self.lines.append((event, fields))
        return None

    def warning(self, event: str, /, **fields: object) -> object:
        self.lines.append((event, fields))
        return None


class Reader(AsyncIterator[Any]):
    """What one onlooker has not read yet, the newest 256."""

    def __init__(self) -> None:
        self._news: asyncio.Queue[Any] = asyncio.Queue(256)
        self.left = False

    def give(self, news: object) -> None:
        if self._news.full():
            self._news.get_nowait()
        self._news.put_nowait(news)

    def rest(self) -> tuple[Any, ...]:
        return tuple(self._news.get_nowait() for _ in range(self._news.qsize()))

    async def __anext__(self) -> Any:
        try:
            return await self._news.get()
        except asyncio.CancelledError:
            self.left = True
            raise


@dataclass(slots=True)
class Bridge:
    """Service and roster in one. `broken` is raised by every reading; `gate` holds notifications back.

    `open_cases` are cases of sales that are not in `books`.
    """

    views: dict[str, MachineView] = field(default_factory=dict)
    books: dict[str, SaleView] = field(default_factory=dict)
    timelines: dict[str, list[Fact]] = field(default_factory=dict)
    standing: list[StandingAlarm] = field(default_factory=list)
    notices: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    taken: int = 0
    answer: Exception | None = None
    broken: Exception | None = None
    open_cases: list[CaseView] = field(default_factory=list)
    entries: tuple[Entry, ...] = ()
    steps: dict[str, tuple[Health, ...]] = field(default_factory=dict)
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    fact_readers: list[Reader] = field(default_factory=list)
    change_readers: list[Reader] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.gate.set()

    # ------------------------------------------------------------ what a test tells it

    def show(self, machine: MachineView) -> None:
        self.views[machine.machine] = machine
        for reader in self.change_readers:
            reader.give(machine.machine)

    def put(self, sale: SaleView, who: str = "", what: str = "", after_ms: int = 0) -> None:
        self.books[sale.sale_id] = sale
        if what:
            wall_ms = sale.opened_wall_ms + after_ms
            self.say(Fact(wall_ms=wall_ms, machine=sale.machine, sale_id=sale.sale_id, who=who, what=what))

    @property
    def left(self) -> int:
        """How many onlookers are gone."""
        return sum(reader.left for reader in self.fact_readers)

    def say(self, fact: Fact) -> None:
        self.timelines.setdefault(fact.sale_id, []).append(fact)
        for reader in self.fact_readers:
            reader.give(fact)

    # ------------------------------------------------------------ ports.Service

    async def heard(self, event: FromMachine) -> None:
        raise AssertionError("a page says nothing for a machine")

    async def notice(self, headers: Mapping[str, str], body: bytes) -> None:
        self.notices.append((dict(headers), body))
        await self.gate.wait()
        if self.answer:
            raise self.answer
        self.taken += 1

    def shelves(self) -> tuple[Shelf, ...]:
        return ()

    async def sales(self, *, machine: str = "", limit: int = 50) -> tuple[SaleView, ...]:
        self._read()
        newest = sorted(self.books.values(), key=lambda sale: sale.opened_wall_ms, reverse=True)
        return tuple(sale for sale in newest if not machine or sale.machine == machine)[:limit]

    async def sale(self, sale_id: str) -> tuple[SaleView, tuple[Fact, ...]] | None:
        self._read()
        found = self.books.get(sale_id)
        return None if found is None else (found, tuple(self.timelines.get(sale_id, ())))

    async def totals(self) -> Mapping[str, int]:
        self._read()
        sales = self.books.values()
        return {
            "sales": len(sales),
            "paid_fen": sum(sale.paid_fen for sale in sales),
            "vended_fen": sum(sale.paid_fen for sale in sales if sale.state == "vended"),
            "refunded_fen": sum(sale.refunded_fen for sale in sales),
            "cases": sum(sale.state == "case" for sale in sales),
        }

    async def cases(self, *, everything: bool = False) -> tuple[CaseView, ...]:
        self._read()
        held = [
            replace(
                CASE,
                sale_id=sale.sale_id,
                machine=sale.machine,
                product_zh=sale.product_zh,
                product_en=sale.product_en,
                reason=sale.why,
                opened_wall_ms=sale.opened_wall_ms,
            )
            for sale in self.books.values()
            if sale.state == "case"
        ]
        return tuple(case for case in (*held, *self.open_cases) if everything or not case.resolution)

    async def alarms(self) -> tuple[StandingAlarm, ...]:
        self._read()
        return tuple(self.standing)

    def facts(self) -> AsyncIterator[Fact]:
        self.fact_readers.append(Reader())
        return self.fact_readers[-1]

    def _read(self) -> None:
        if self.broken:
            raise self.broken

    # ------------------------------------------------------------ ports_looking

    def health(self, machine: str) -> tuple[Health, ...]:
        return self.steps.get(machine, ())

    async def page(self, asked: Asked) -> tuple[SaleView, ...]:
        self._read()
        newest = sorted(self.books.values(), key=_key, reverse=True)
        return tuple(sale for sale in newest if _fits(sale, asked))[: asked.limit]

    async def by_tail(self, words: str, machines: Machines, limit: int) -> tuple[SaleView, ...]:
        newest = sorted(self.books.values(), key=_key, reverse=True)
        found = (sale for sale in newest if sale.sale_id.endswith(words))
        return tuple(sale for sale in found if machines is None or sale.machine in machines)[:limit]

    async def file(self, sale_id: str) -> SaleFile | None:
        self._read()
        found = self.books.get(sale_id)
        if found is None:
            return None
        return SaleFile(
            sale=found,
            transaction_id="",
            refund_no="",
            merchant="",
            catalogue_version=3,
            facts=tuple(self.timelines.get(sale_id, ())),
            cases=tuple(case for case in self.open_cases if case.sale_id == sale_id),
            entries=self.entries,
            decisions=(),
        )

    async def figures(self, since_ms: int, until_ms: int, machines: Machines) -> DayFigures:
        self._read()
        asked = Asked(since_ms=since_ms, until_ms=until_ms, machines=machines)
        return figures_of([sale for sale in self.books.values() if _fits(sale, asked)])

    async def days(self, since_ms: int, until_ms: int, machines: Machines) -> Mapping[str, DayFigures]:
        asked = Asked(since_ms=since_ms, until_ms=until_ms, machines=machines)
        found = [sale for sale in self.books.values() if _fits(sale, asked)]
        days = {day_of(sale.opened_wall_ms) for sale in found}
        return {
            day: figures_of([sale for sale in found if day_of(sale.opened_wall_ms) == day]) for day in days
        }

    async def machine_lines(self, machine: str, limit: int) -> tuple[Fact, ...]:
        found = [fact for fact in self.timelines.get("", ()) if fact.machine == machine]
        return tuple(reversed(found))[:limit]

    async def sale_lines(self, machine: str, limit: int) -> tuple[Fact, ...]:
        return await self.newest_lines(frozenset({machine}), limit)

    async def newest_lines(self, machines: Machines, limit: int) -> tuple[Fact, ...]:
        self._read()
        found = [fact for lines in self.timelines.values() for fact in lines]
        mine = [fact for fact in found if machines is None or fact.machine in machines]
        return tuple(sorted(mine, key=lambda fact: fact.wall_ms, reverse=True))[:limit]

    # ------------------------------------------------------------ ports.Roster

    def machines(self) -> tuple[MachineView, ...]:
        return tuple(self.views[machine] for machine in sorted(self.views))

    def machine(self, machine: str) -> MachineView | None:
        return self.views.get(machine)

    def changes(self) -> Reader:
        self.change_readers.append(Reader())
        return self.change_readers[-1]


def _key(sale: SaleView) -> tuple[int, str]:
    return sale.opened_wall_ms, sale.sale_id


def _fits(sale: SaleView, asked: Asked) -> bool:
    """As the books judge it, said once more in plain words."""
    kinds = {
        "vended": sale.state == "vended",
        "refunded": sale.refunded_fen > 0,
        "unpaid": sale.state == "closed",
        "open": sale.state in ("quoted", "offered", "closing", "paid", "case"),
        "lost": False,
    }
    return (
        (asked.machines is None or sale.machine in asked.machines)
        and sale.opened_wall_ms >= asked.since_ms
        and (not asked.until_ms or sale.opened_wall_ms < asked.until_ms)
        and (not asked.kind or kinds[asked.kind])
        and (asked.before is None or _key(sale) < asked.before)
    )


def figures_of(sales: list[SaleView]) -> DayFigures:
    """What came of these."""
    by_machine: Counter[str] = Counter()
    for sale in sales:
        by_machine[sale.machine] += sale.paid_fen - sale.refunded_fen
    vended = [sale for sale in sales if sale.state == "vended"]
    return DayFigures(
        sales=len(sales),
        paid=sum(sale.paid_fen > 0 for sale in sales),
        paid_fen=sum(sale.paid_fen for sale in sales),
        vended=len(vended),
        vended_fen=sum(sale.paid_fen for sale in vended),
        refunded=sum(sale.refunded_fen > 0 for sale in sales),
        refunded_fen=sum(sale.refunded_fen for sale in sales),
        by_machine={machine: fen for machine, fen in by_machine.items() if fen},
    )
