"""The bridge's engine: take a fact, decide, commit, act. In this order and no other.

Every decision is one transaction of the store. What it wishes for happens after the commit and can be read
off the rows again after a restart. The authorisation to vend is published before anything else is done.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from cloud_bridge.core.case import Wish
from cloud_bridge.core.ledger import Post
from cloud_bridge.core.model import (
    FromMachine,
    OrderDraft,
    Payment,
    RefundHinted,
    RefundStatus,
    ToMachine,
)
from cloud_bridge.core.monitor import Watch
from cloud_bridge.core.sale import (
    Again,
    At,
    BillDiffers,
    Call,
    ClearAlarm,
    Effect,
    Event,
    Note,
    QueryOrder,
    RaiseAlarm,
    Rang,
    RefundOrdered,
    Sale,
    Stop,
    Tell,
    Timer,
)
from cloud_bridge.core.scan import AnswerScan
from cloud_bridge.core.timings import Limits, Timings
from cloud_bridge.core.waits import wait_s
from cloud_bridge.engine_books import Books, Decided, Terms
from cloud_bridge.engine_calls import LASTING, Calls
from cloud_bridge.engine_facts import Facts
from cloud_bridge.engine_hints import confirmed
from cloud_bridge.engine_lookup import product_of
from cloud_bridge.engine_pace import Pace
from cloud_bridge.engine_scans import Hands, Scans
from cloud_bridge.engine_sessions import Challenges
from cloud_bridge.engine_timers import Timers
from cloud_bridge.engine_views import case_view as case_view
from cloud_bridge.engine_views import view
from cloud_bridge.ports import (
    BridgePorts,
    CaseView,
    Fact,
    NoticeRejected,
    OtherNotice,
    Platform,
    SaleView,
    Shelf,
    StandingAlarm,
    StoreFailed,
    Tx,
)

MOST_RESOLVED: Final = 500
PLATFORM: Final = "platform_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What an operator may set."""

    timings: Timings = field(default_factory=Timings)
    limits: Limits = field(default_factory=Limits)
    pace: Pace = field(default_factory=Pace)


class Engine:
    """Implements `ports.Service`. Run `run` as a task; the other calls wait until it has taken up its rows.

    `random` draws from 0..1 to spread queries, `nonce` 32 hexadecimal digits to challenge a machine with.
    """

    def __init__(
        self,
        *,
        ports: BridgePorts,
        shelves: Sequence[Shelf],
        settings: Settings,
        random: Callable[[], float],
        nonce: Callable[[], str],
    ) -> None:
        self._ports: Final = ports
        self.shelf_of: Final = {shelf.machine: shelf for shelf in shelves}
        self._timings: Final = settings.timings
        self._random: Final = random
        self._terms: Final = Terms(
            timings=settings.timings,
            limits=settings.limits,
            shelves=self.shelf_of,
            store=ports.store.incarnation,
            compose=self._compose,
            wall_ms=ports.clock.wall_ms,
            live=ports.fleet.live,
            past=self._past,
            challenges=Challenges(nonce),
        )
        self.watch: Final = Watch()
        self._timers: Final = Timers()
        self._calls: Final = Calls(
            platform=self._platform,
            clock=ports.clock,
            pace=settings.pace,
            spawn=self._spawn,
            answered=self._decide,
            persists=self._platform_persists,
            ordered=lambda why: self.watch.ordered(why, ports.clock.now_ms()),
            log=ports.log,
        )
        self._facts: Final = Facts()
        self._counts: Final[Counter[str]] = Counter()
        self._sooner: Final = asyncio.Event()
        self._ready: Final = asyncio.Event()
        self._tasks: asyncio.TaskGroup | None = None
        self._halted = ""
        self.others: Callable[[OtherNotice], Awaitable[None]] = _passed_over
        self.scans: Scans | None = None
        self.claimed: Callable[[FromMachine], FromMachine] = lambda event: event

    # ------------------------------------------------------------ the task

    async def run(self) -> None:
        """Take up what was unfinished, then ring timers until cancelled. Raises StoreFailed (in a group)."""
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            await self._transact(Books.resume)
            self._calls.stands = any(_platform(alarm) for alarm in await self._ports.store.alarms())
            self._ready.set()
            await self._ring()

    async def ready(self) -> None:
        """Wait until the books are taken up."""
        await self._ready.wait()

    @property
    def counts(self) -> Mapping[str, int]:
        """Facts taken, calls made, messages sent, by name, since the start."""
        return self._counts + self._calls.counts

    async def _ring(self) -> None:
        while True:
            now_ms = self._ports.clock.now_ms()
            for sale_id, timer in self._timers.ring(now_ms):
                rang = Rang(sale_id=sale_id, timer=timer)
                self._spawn(self._decide(sale_id, rang), f"{timer} {sale_id}")
            next_ms = self._timers.next_ms()
            delay_s = None if next_ms is None else max(0, next_ms - now_ms) / 1000
            self._sooner.clear()
            try:
                async with asyncio.timeout(delay_s):
                    await self._sooner.wait()
            except TimeoutError:
                continue

    # ------------------------------------------------------------ facts come in

    async def heard(self, event: FromMachine) -> None:
        """Take one verified message of a machine; durable when this returns. Raises StoreFailed."""
        await self._ready.wait()
        self._counts[f"heard.{type(event).__name__}"] += 1
        said = self.claimed(event if self.scans is None else self.scans.claimed(event))
        await self._surely(self._transact(lambda books: books.hear(said)), "heard")
        if self.scans is not None:
            self.scans.heard(said)

    def hands(self, entropy: Callable[[int], bytes]) -> Hands:
        """What the order interface does through this engine; `entropy` gives random bytes."""
        return Hands(
            ready=self.ready,
            ask=lambda machine, lease: self._answered(lambda books: books.ask(machine, lease), "ask"),
            lost=lambda sale_id, event: self._surely(self._decide(sale_id, event), "scan lost"),
            tell=self._tell,
            spawn=self._spawn,
            entropy=entropy,
        )

    async def notice(self, headers: Mapping[str, str], body: bytes) -> None:
        """Take one notification; durable when this returns. Raises NoticeRejected, StoreFailed."""
        await self._ready.wait()
        try:
            told = self._ports.notices.open(headers, body, self._ports.clock.wall_ms() / 1000)
            if isinstance(told, RefundHinted) or (isinstance(told, Payment) and told.to_confirm):
                told = await confirmed(told, self._platform(told.merchant))
        except NoticeRejected as rejected:
            self._counts[f"notice_rejected.{rejected.why}"] += 1
            self.watch.disbelieved(rejected.why, self._ports.clock.now_ms())
            raise
        self._counts[f"notice.{type(told).__name__}"] += 1
        if isinstance(told, OtherNotice):
            await self.others(told)
            return
        if isinstance(told, Payment):
            self.watch.announced(told.sale_id)
        await self._surely(self._decide(told.sale_id, told), "notice")

    async def order_refund(self, sale_id: str, by: str) -> None:
        """A person says that this money goes back. `by` is who. Raises StoreFailed."""
        await self._ready.wait()
        await self._surely(self._decide(sale_id, RefundOrdered(sale_id=sale_id, by=by)), "refund")

    async def learnt(self, fact: Payment | RefundStatus | BillDiffers) -> None:
        """Take a verified fact that no notification brought. Raises StoreFailed."""
        await self._ready.wait()
        self._counts[f"learnt.{type(fact).__name__}"] += 1
        await self._surely(self._decide(fact.sale_id, fact), "learnt")

    async def look_up(self, sale_id: str, merchant: str) -> None:
        """Ask the platform what it knows of an order; the sale's table takes the answer."""
        await self._ready.wait()
        self._calls.want(sale_id, QueryOrder(), merchant=merchant)

    def tell_facts(self, facts: Sequence[Fact]) -> None:
        """Show lines that were noted beside the sales' table to whoever looks on."""
        self._facts.publish(facts)

    async def resolve(self, wish: Wish) -> str:
        """A person decides a sale: why it cannot be, or empty once it is durable. Raises StoreFailed."""
        return await self._answered(lambda books: books.resolve(wish), "resolve")

    async def take_case(self, sale_id: str, owner: str) -> str:
        """A person looks after a sale's open cases: why not, or empty. Raises StoreFailed."""
        return await self._answered(lambda books: books.own(sale_id, owner), "take case")

    async def _answered(self, work: Callable[[Books], str], name: str) -> str:
        await self._ready.wait()
        said: list[str] = []
        await self._surely(self._transact(lambda books: said.append(work(books))), name)
        return said[-1]

    async def _surely(self, work: Coroutine[None, None, None], name: str) -> None:
        """A caller who leaves between commit and act takes nothing with him; a failure ends the engine."""
        assert self._tasks is not None, "the engine does not run"
        try:
            task = self._tasks.create_task(work, name=name)
        except RuntimeError as error:  # the group lets nobody in any more
            work.close()
            raise StoreFailed("the engine has ended; nothing is taken") from error
        await asyncio.shield(task)

    # ------------------------------------------------------------ decide, commit, act

    async def _decide(self, sale_id: str, event: Event) -> None:
        if isinstance(event, Payment) and event.source == "query":
            self.watch.queried(sale_id, self._ports.clock.now_ms())
        await self._transact(lambda books: books.take(sale_id, event))

    async def _transact(self, work: Callable[[Books], None]) -> None:
        def in_books(tx: Tx) -> Decided:
            books = Books(tx, self._terms, halted=self._halted)
            work(books)
            return books.decided

        decided = await self._ports.store.run(in_books)
        for machine, message in decided.tells:  # the authorisation goes before anything else is done
            self._spawn(self._tell(machine, message), f"tell {machine}")
        if decided.tells:
            await asyncio.sleep(0)  # ... and leaves before the caller goes on
        for sale_id, sale, effect in decided.wishes:
            self._act(sale_id, sale, effect)
        self._facts.publish(decided.facts)
        if decided.broken:
            self._halted = "bridge"
            self._ports.log.warning("sale.impossible", why=decided.broken)

    def _act(self, sale_id: str, sale: Sale | None, effect: Effect) -> None:
        match effect:
            case At(timer=timer, delay_s=delay_s):
                self._set(sale_id, timer, delay_s)
            case Again(timer=timer, anew=anew):
                assert sale is not None, f"{timer} without a row"
                nth = self._timers.nth((sale_id, timer), anew=anew)
                self._set(sale_id, timer, wait_s(timer, nth, sale, self._timings, self._random()))
            case Stop(timers=timers):
                self._timers.stop(sale_id, timers)
            case AnswerScan():
                if self.scans is not None:
                    self.scans.decided(effect)
            case Tell() | Note() | Post() | RaiseAlarm() | ClearAlarm():
                raise AssertionError(f"{type(effect).__name__} is written, not wished")
            case _:
                self._calls.want(sale_id, effect, merchant=_merchant(sale, effect))

    def _set(self, sale_id: str, timer: Timer, delay_s: float) -> None:
        before_ms = self._timers.next_ms()
        due_ms = self._ports.clock.now_ms() + round(delay_s * 1000)
        self._timers.at((sale_id, timer), due_ms)
        if before_ms is None or due_ms < before_ms:
            self._sooner.set()

    async def _platform_persists(self, why: str) -> None:
        """A cause that no repeat mends is an alarm of the bridge's own until an answer is clear again."""
        wall_ms = self._ports.clock.wall_ms()
        text = f"the platform's answers are of no use: {why}. Try: wxvend bridge check-config"

        def note(tx: Tx) -> None:
            if why:
                name = f"{PLATFORM}{why}"
                tx.set_alarm(
                    StandingAlarm(machine="", name=name, lane=0, code="", text=text, since_wall_ms=wall_ms)
                )
                return
            for each in sorted(LASTING):
                tx.clear_alarm(machine="", name=f"{PLATFORM}{each}", lane=0)

        await self._ports.store.run(note)

    async def _tell(self, machine: str, message: ToMachine) -> None:
        reached = await self._ports.fleet.tell(machine, message)
        self._counts[f"told.{type(message).__name__}.{'taken' if reached else 'nobody'}"] += 1

    def _platform(self, merchant: str) -> Platform | None:
        return self._ports.merchants.get(merchant) if merchant else self._ports.platform

    def _compose(self, order: OrderDraft) -> bytes:
        platform = self._platform(order.merchant)
        assert platform is not None, "a machine's merchant is held against the settings"
        return platform.compose(order)

    def _past(self, sale_id: str) -> bool:
        due_ms = self._timers.due_ms((sale_id, Timer.BOUND))
        return due_ms is not None and due_ms <= self._ports.clock.now_ms()

    def _spawn(self, work: Coroutine[None, None, None], name: str) -> object:
        assert self._tasks is not None, "the engine does not run"
        return self._tasks.create_task(work, name=name)

    # ------------------------------------------------------------ what others see

    def price_of(self, machine: str, lane: int) -> int:
        """What a lane's product costs in fen; 0 for a lane that there is not."""
        product = product_of(self.shelf_of.get(machine), lane)
        return product.price_fen if product is not None else 0

    def shelves(self) -> tuple[Shelf, ...]:
        """Every machine's catalogue."""
        return tuple(self.shelf_of.values())

    async def sales(self, *, machine: str = "", limit: int = 50) -> tuple[SaleView, ...]:
        """The newest sales first."""
        return tuple(view(sale) for sale in await self._ports.store.sales(machine=machine, limit=limit))

    async def sale(self, sale_id: str) -> tuple[SaleView, tuple[Fact, ...]] | None:
        """One sale with its timeline, oldest fact first."""
        found = await self._ports.store.sale(sale_id)
        return None if found is None else (view(found[0]), found[1])

    async def totals(self) -> Mapping[str, int]:
        """Money and counts over all sales."""
        return await self._ports.store.totals()

    async def alarms(self) -> tuple[StandingAlarm, ...]:
        """Every alarm that stands."""
        return await self._ports.store.alarms()

    async def cases(self, *, everything: bool = False) -> tuple[CaseView, ...]:
        """Open cases, the oldest first; `everything`: then those that are over, the newest first."""
        found = await self._ports.store.cases(resolved=MOST_RESOLVED if everything else 0)
        return tuple(case_view(case, sale) for case, sale in found)

    def facts(self) -> AsyncIterator[Fact]:
        """Facts as they happen, from now on; a slow reader loses the oldest."""
        return self._facts.read()


def _merchant(sale: Sale | None, call: Call) -> str:
    if sale is not None:
        return sale.merchant
    return call.merchant if isinstance(call, QueryOrder) else ""


async def _passed_over(_notice: OtherNotice) -> None:
    """Nobody is interested: it is counted, and answered with success."""


def _platform(alarm: StandingAlarm) -> bool:
    return alarm.machine == "" and alarm.name.removeprefix(PLATFORM) in LASTING
