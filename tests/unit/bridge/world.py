"""A small world around the real engine: books, platform, a machine that keeps its promises, and a wire."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Self

from cloud_bridge.core.ledger import Account, Post, balances
from cloud_bridge.core.model import (
    Born,
    ClosedByMachine,
    FromMachine,
    LeaseDenied,
    OutcomeReported,
    Payment,
    RefundStatus,
    Requested,
    Session,
    State,
    StatusAnswered,
    TellAck,
    TellChallenge,
    TellCode,
    TellPaid,
    TellQuery,
    TellRefused,
    ToMachine,
)
from cloud_bridge.core.sale import Sale
from cloud_bridge.core.scan import TellLease, TellOffered
from cloud_bridge.core.timings import Limits, Timings
from cloud_bridge.engine import Engine, Settings
from cloud_bridge.ports import BridgePorts, Shelf, ShelfProduct, Store
from hw_sim.world.books import MemoryStore, PluggedBooks, Tables
from tests.unit.bridge.wechat import Notices, Wechat

COLA = ShelfProduct(lane=12, name_zh="可乐", name_en="Cola", price_fen=350)
TEA = ShelfProduct(lane=13, name_zh="茶", name_en="Tea", price_fen=400)
SHELF = Shelf(machine="vm-0001", version=7, phone="400", products=(COLA, TEA))
SIGNED = {"signature": "good"}
FINAL = (State.VENDED, State.REFUNDED, State.CLOSED, State.CASE)


class LoopClock:
    """The virtual loop's time, and a wall clock that runs with it; also for the thread of a store."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()

    def now_ms(self) -> int:
        return round(self._loop.time() * 1000)

    def wall_ms(self) -> int:
        return 1_700_000_000_000 + self.now_ms()


class Quiet:
    """A log that nobody reads."""

    def info(self, event: str, /, **fields: object) -> object:
        return None

    def warning(self, event: str, /, **fields: object) -> object:
        return None


@dataclass(slots=True)
class Row:
    """A sale in the machine's journal. `state` as in its answers: open, busy, closed, delivered ..."""

    boot: int
    lane: int
    price_fen: int
    until_s: float
    state: str = "open"
    why: str = ""
    code: bool = False


@dataclass(slots=True)
class Machine:
    """The other side: rows are durable, reports repeat until acknowledged, one motor run for a sale."""

    say: Callable[[FromMachine], None]
    name: str = "vm-0001"
    jid: str = "j" * 26
    boot: int = 1
    outcome: str = "delivered"
    motor_s: float = 3.0
    lease_s: int = 240
    deaf: bool = False
    denies: str = ""  # why no scan gets a lease
    lease_after_s: float = 0.02
    leases: dict[str, str] = field(default_factory=dict)  # a scan's sale
    rows: dict[str, Row] = field(default_factory=dict)
    reports: dict[int, FromMachine] = field(default_factory=dict)
    acked: set[int] = field(default_factory=set)
    told: list[ToMachine] = field(default_factory=list)
    motors: list[str] = field(default_factory=list)
    pieces: int = 0
    ids: "count[int]" = field(default_factory=lambda: count(1))

    @property
    def session(self) -> Session:
        return Session(jid=self.jid, boot=self.boot, bits=f"{self.boot:016x}")

    def born(self, challenge: str | None = "") -> None:
        self.say(
            Born(
                machine=self.name,
                session=self.session,
                n=max(self.reports, default=0),
                catalogue_version=SHELF.version,
                software="test",
                challenge=challenge,
            )
        )

    def reboot(self) -> None:
        """Power comes back: open rows are closed, a running motor is judged uncertain."""
        self.boot += 1
        self.born()
        for sale_id, row in self.rows.items():
            if row.state == "open":
                self.close(sale_id, "restart")
            elif row.state == "busy":
                self.end(sale_id, "uncertain", "power")

    def lose_journal(self) -> None:
        self.jid = "k" * 26
        self.boot = 1
        self.rows, self.reports, self.acked = {}, {}, set()
        self.born()

    def select(self, product: ShelfProduct = COLA, **changes: Any) -> str:
        sale_id = f"{next(self.ids):026d}".translate(str.maketrans("0189", "abcd"))
        now = asyncio.get_running_loop().time()
        self.rows[sale_id] = Row(self.boot, product.lane, product.price_fen, now + self.lease_s)
        values: dict[str, Any] = {
            "lane": product.lane,
            "price_fen": product.price_fen,
            "catalogue_version": SHELF.version,
            "lease_s": self.lease_s,
            "start_s": 5,
        }
        self.report(
            lambda n: Requested(
                machine=self.name, session=self.session, n=n, sale_id=sale_id, **{**values, **changes}
            )
        )
        return sale_id

    def close(self, sale_id: str, why: str) -> None:
        row = self.rows[sale_id]
        if row.state != "open":
            return
        row.state, row.why = "closed", why
        self.report(
            lambda n: ClosedByMachine(machine=self.name, session=self.session, n=n, sale_id=sale_id, why=why)
        )

    def end(self, sale_id: str, outcome: str, why: str) -> None:
        row = self.rows[sale_id]
        if row.state != "busy":
            return
        row.state, row.why = outcome, why
        self.report(
            lambda n: OutcomeReported(
                machine=self.name,
                session=self.session,
                n=n,
                sale_id=sale_id,
                outcome=outcome,
                why=why,
                evidence="",
            )
        )

    def report(self, make: Callable[[int], FromMachine]) -> None:
        n = max(self.reports, default=0) + 1
        self.reports[n] = make(n)
        self.say(self.reports[n])

    def repeat(self) -> None:
        for n, report in self.reports.items():
            if n not in self.acked:
                self.say(report)
        now = asyncio.get_running_loop().time()
        for sale_id, row in self.rows.items():
            if row.until_s <= now:
                self.close(sale_id, "lease")

    def take(self, message: ToMachine) -> None:
        """What the bridge says arrives."""
        self.told.append(message)
        match message:
            case TellCode(sale_id=sale_id) if sale_id in self.rows:
                self.rows[sale_id].code = True
            case TellOffered(sale_id=sale_id) if sale_id in self.rows:
                self.rows[sale_id].code = True
            case TellLease():
                asyncio.get_running_loop().call_later(self.lease_after_s, self._lease, message)
            case TellRefused(sale_id=sale_id, why=why) if sale_id in self.rows:
                self.close(sale_id, why)
            case TellPaid():
                self._paid(message)
            case TellQuery(sale_id=sale_id):
                self.answer(sale_id)
            case TellChallenge(challenge=challenge):
                self.born(challenge)
            case TellAck(jid=jid, n=n, upto=upto) if jid == self.jid:
                self.acked |= {n, *range(1, upto + 1)} - {0}

    def _lease(self, asked: TellLease) -> None:
        """One scan gets one sale; one shopper at a time, unless he comes again."""
        if asked.request_id in self.leases:
            return
        busy = [sale_id for sale_id, row in self.rows.items() if row.state in ("open", "busy")]
        others = [sale_id for sale_id in busy if sale_id != asked.replaces]
        why = self.denies or ("busy" if others else "")
        if why:
            denied = LeaseDenied(
                machine=self.name, session=self.session, request_id=asked.request_id, why=why
            )
            self.say(denied)
            return
        for sale_id in busy:
            self.close(sale_id, "replaced")
        product = next(each for each in SHELF.products if each.lane == asked.lane)
        self.leases[asked.request_id] = self.select(product, request_id=asked.request_id)

    def answer(self, sale_id: str) -> None:
        row = self.rows.get(sale_id)
        state, why = (row.state, row.why) if row else ("unknown", "")
        self.say(
            StatusAnswered(
                machine=self.name, session=self.session, sale_id=sale_id, state=state, why=why, evidence=""
            )
        )

    def _paid(self, message: TellPaid) -> None:
        loop, row = asyncio.get_running_loop(), self.rows.get(message.sale_id)
        mine = (message.jid, message.boot) == (self.jid, self.boot)
        if row is None or row.state != "open" or not mine:
            self.answer(message.sale_id)
        elif loop.time() >= row.until_s:
            self.close(message.sale_id, "lease")
        else:
            assert (message.paid_fen, message.lane) == (row.price_fen, row.lane)
            row.state = "busy"
            self.motors.append(message.sale_id)
            loop.call_later(self.motor_s, self._stopped, message.sale_id, self.outcome)

    def _stopped(self, sale_id: str, outcome: str) -> None:
        self.pieces += outcome in ("delivered", "dropped_unseen")
        if outcome != "dropped_unseen":
            self.end(sale_id, outcome, "jam" if outcome == "not_delivered" else "")


class Wire:
    """The fleet's port: delivers after a moment, unless the link is down or the message is to be lost."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self.up = True
        self.lose: Callable[[ToMachine], bool] = lambda message: False

    def live(self, machine: str) -> bool:
        return self.up

    async def tell(self, machine: str, message: ToMachine) -> bool:
        self._world.check_counted(message)
        if not self.up:
            return False
        if not self.lose(message):
            asyncio.get_running_loop().call_later(0.02, self._arrive, message)
        return True

    def _arrive(self, message: ToMachine) -> None:
        if self.up and not self._world.machine.deaf:
            self._world.machine.take(message)


class World:
    """`async with World() as world:` the real engine runs until the block ends."""

    def __init__(
        self,
        store: PluggedBooks | None = None,
        *,
        timings: Timings | None = None,
        limits: Limits | None = None,
    ) -> None:
        self.store: PluggedBooks = store or MemoryStore()
        self.settings = Settings(timings=timings or Timings(), limits=limits or Limits())
        self.wechat, self.wire = Wechat(), Wire(self)
        self.machine = Machine(say=self.say)
        self.starts = 0
        self._nonces = count(1)
        self._background: set[asyncio.Task[None]] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    # ------------------------------------------------------------ running

    def start(self) -> None:
        ports = BridgePorts(
            store=self._port(),
            platform=self.wechat,
            notices=Notices(),
            fleet=self.wire,
            clock=LoopClock(),
            log=Quiet(),
        )
        self.engine = Engine(
            ports=ports,
            shelves=(SHELF,),
            settings=self.settings,
            random=lambda: 0.5,
            nonce=lambda: f"{next(self._nonces):032x}",
        )
        self.starts += 1
        self._spawn(self.engine.run(), "engine")

    def _port(self) -> Store:
        return self.store

    async def __aenter__(self) -> Self:
        self.start()
        self._background.add(asyncio.ensure_future(self._machine()))
        if self.store.cut_at:
            self._background.add(asyncio.ensure_future(self._powercut()))
        self.machine.born()
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._background:
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)
        await self.kill()

    async def kill(self) -> None:
        """The bridge is gone at once; what it had committed stays."""
        tasks, self._tasks = self._tasks, set()
        failed = [t.exception() for t in tasks if t.done() and not t.cancelled() and t.exception()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self.wechat.in_flight.clear()
        assert failed == [], failed

    async def restart(self) -> None:
        await self.kill()
        self.start()

    async def _powercut(self) -> None:
        await self.store.cut.wait()
        await self.restart()

    async def _machine(self) -> None:
        while True:
            await asyncio.sleep(3)
            if self.wire.up:
                self.machine.repeat()

    def _spawn(self, work: "asyncio._CoroutineLike[None]", name: str) -> None:
        self._tasks.add(asyncio.get_running_loop().create_task(work, name=name))

    # ------------------------------------------------------------ what reaches the engine

    def say(self, event: FromMachine) -> None:
        if self.wire.up:
            self._spawn(self.engine.heard(event), "heard")

    def notify(self, told: Payment | RefundStatus) -> None:
        """The platform notifies, and again after 15 s when it got no answer."""
        self._background.add(asyncio.ensure_future(self._notify(self.wechat.notice(told))))

    async def _notify(self, body: bytes) -> None:
        for _ in range(15):
            try:
                async with asyncio.timeout(5):
                    await self.engine.notice(SIGNED, body)
                    return
            except TimeoutError:
                await asyncio.sleep(15)

    # ------------------------------------------------------------ looking

    @property
    def tables(self) -> Tables:
        return self.store.tables

    def row(self, sale_id: str) -> Sale:
        return self.tables.sales[sale_id]

    def check_counted(self, message: ToMachine) -> None:
        """I12: what leaves is counted in a durable row."""
        if isinstance(message, TellPaid):
            assert self.row(message.sale_id).sent_count >= 1
        if isinstance(message, TellCode):
            assert self.row(message.sale_id).code_url == message.code_url

    async def until(self, true: Callable[[], bool], within_s: float = 7_200) -> None:
        """Wait in virtual time for what must come about."""
        loop = asyncio.get_running_loop()
        end, step_s = loop.time() + within_s, 0.01
        while not true():
            assert loop.time() < end, "it did not come about"
            await asyncio.sleep(step_s)
            step_s = min(1.0, step_s * 1.1)

    async def passed(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def offered(self, product: ShelfProduct = COLA) -> str:
        """A selection whose code is on the screen."""
        sale_id = self.machine.select(product)
        await self.until(lambda: self.machine.rows[sale_id].code)
        return sale_id

    async def paid(self) -> str:
        """A sale whose payment has been notified."""
        sale_id = await self.offered()
        self.notify(self.wechat.pay(sale_id))
        return sale_id

    async def ended(self, sale_id: str, state: State) -> Sale:
        await self.until(lambda: sale_id in self.tables.sales and self.row(sale_id).state is state)
        self.check_books()
        return self.row(sale_id)

    def check_books(self) -> None:
        """I9: the ledger balances, per sale and in total, and nothing is owed for what is over."""
        assert sum(balances(entry for _, entry in self.tables.ledger).values()) == 0
        for sale in self.tables.sales.values():
            books = self.books(sale.sale_id)
            assert sum(books.values()) == 0
            if sale.state in (State.VENDED, State.REFUNDED):
                assert books[Account.CUSTOMER_LIABILITY] == 0
                assert books[Account.REFUNDS_PENDING] == 0

    def books(self, sale_id: str) -> dict[Account, int]:
        return balances(entry for owner, entry in self.tables.ledger if owner == sale_id)

    def posts(self, sale_id: str) -> list[Post]:
        return [entry for owner, entry in self.tables.ledger if owner == sale_id]

    def said(self, kind: type[ToMachine]) -> int:
        return sum(isinstance(message, kind) for message in self.machine.told)
