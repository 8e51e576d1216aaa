"""A vending machine in the world: its board, its computer with the real daemon, its journal's disk."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any, Final

from edge.config import presence
from edge.core.model import Baseline, Outcome, Uncertain, VendOrder
from edge.core.screen import Screen
from edge.drivers.keypad import Keypad
from edge.drivers.registry import make_dispenser
from edge.drivers.xy.driver import XyDispenser
from edge.drivers.xy.settings import XySettings
from edge.engine import Engine
from edge.ids import new_id
from edge.journal import SqliteJournal
from edge.payment.bridge import BridgeLink, Identity
from edge.ports import BusEvent, BusHealth, Capabilities, Dispenser, Ports, Terms
from hw_sim.boards.lock8a import Lock8aBoard
from hw_sim.boards.shelf import Wanted
from hw_sim.world.broker import Broker
from hw_sim.world.bus import Bus, Speech
from hw_sim.world.buses import CERTAIN, KINDS, USUAL, abilities, board_of, settings_of
from hw_sim.world.clocks import WorldClock
from hw_sim.world.disks import JournalDisk, open_world_journal
from hw_sim.world.keypad import Keys
from hw_sim.world.link import WorldLink
from hw_sim.world.loop import Host, WorldLoop
from hw_sim.world.story import Entry, Story
from wire.broker import BrokerSettings, Letter
from wire.envelope import Keyring, Signer
from wire.gate import Gate
from wire.topics import Branch, Topic, everything

RESTART_S: Final = 2.0
MESSAGES_PER_S: Final = 20
TAKES_S: Final = (5.0, 40.0)  # until a customer has shut a locker's door
TICK_S: Final = 2.0  # where no byte comes; with each that comes the driver looks at the time as well


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a machine of a world is like. `prices` are fen by lane, `stock` pieces in each.

    `odd`: how its board differs from others of its kind, as names of faults.
    """

    name: str
    prices: Mapping[int, int]
    stock: int
    terms: Terms
    board: Wanted
    bus: str = USUAL
    odd: tuple[str, ...] = ()
    clock_rate: float = 1.0

    @property
    def lanes(self) -> tuple[int, ...]:
        """The numbers on its front."""
        return tuple(self.prices)


class Machine:
    """The board runs from the beginning; `start` and `cut` switch the daemon, `power` the whole machine."""

    def __init__(
        self,
        plan: Plan,
        *,
        loop: WorldLoop,
        broker: Broker,
        signer: Signer,
        bridge: Signer,
        story: Story,
        chance: Callable[[str], Random],
    ) -> None:
        self.plan: Final = plan
        self.name: Final = plan.name
        self.host: Final = Host(plan.name, rate=plan.clock_rate)
        self.disk: Final = JournalDisk(became=self._rows_became)
        self.clock: Final = WorldClock(loop, rate=plan.clock_rate)
        self.kind: Final = KINDS[plan.bus]
        self.settings: Final = settings_of(plan.bus, plan.lanes)
        self.can: Final = abilities(self.settings, self.clock)
        self.board: Final = board_of(plan.bus, plan.prices, stock=plan.stock, wanted=plan.board)
        for name in plan.odd:
            self.board.faults.set(name)
        self.keys: Final = None if self.can.keypad else Keys(loop)
        self.bus: Final = Bus(
            loop,
            self.board,
            chance("bus"),
            speech=Speech(kind=self.kind, baud=self.settings.baud, poll_ms=plan.board.poll_ms),
            told=self._saw,
            step=self._step,
        )
        self.screen: Screen | None = None
        self.link: WorldLink | None = None
        self.engine: Engine | None = None
        self.running = False
        self.opened = 0  # sales, in all
        self._loop: Final = loop
        self._broker: Final = broker
        self._signer: Final = signer
        self._bridge_keys: Final = {bridge.key_id: bridge.private_key.public_key()}
        self._story: Final = story
        self._disk_chance: Final = chance("disk")
        self._ids: Final = chance("ids")
        self._waits: Final = chance("waits")
        self._customers: Final = chance("customers")
        self._lease_until_s = 0.0
        self.shown: Callable[[Screen], None] = lambda screen: None
        self.drives: Callable[[int], Dispenser] = self._driver
        story.watch(self._heard)

    # ------------------------------------------------------------ what may happen to it

    def start(self) -> None:
        """The daemon starts, unless it runs."""
        if self.running or not self.board.powered:
            return
        self.running = True
        self._tell("starts")
        self._loop.spawn(self.host, self._live(), f"{self.name} daemon")

    def crash(self, *, power: bool) -> None:
        """The process dies, with `power` the whole machine; what was not flushed may be gone."""
        self._tell("power cut" if power else "killed")
        self._stop()
        if power:
            self.board.power(False, self.bus.now_ms())
            self.clock.boot()
        self.disk.cut(self._disk_chance)

    def restore(self) -> None:
        """Power comes back, and the daemon with it."""
        if not self.board.powered:
            self.board.power(True, self.bus.now_ms())
            self.bus.awake()
        self.start()

    def blink(self) -> None:
        """The board loses power for a moment, the computer does not.

        Not in a pulse that counts as delivered once it is acknowledged: the owner has accepted that.
        """
        if self.bus.listening and not self.can.proves_delivery:
            return
        self._tell("board blinks")
        self.board.restart(self.bus.now_ms())
        self.bus.awake()

    def stumble(self, fault: str, *, times: int) -> None:
        """The board will do something wrong, so many times."""
        self._tell("the board breaks" if fault in CERTAIN else "the board stumbles", fault=fault)
        self.board.faults.set(fault, times=-1 if fault in self.kind.stand else times)
        self.bus.awake()

    def mend(self, fault: str) -> None:
        """Somebody has come and mended what would have stood."""
        self._tell("the board is mended", fault=fault)
        self.board.faults.set(fault, times=0)
        self.bus.awake()

    def lose_journal(self) -> None:
        """Its disk is new and empty. The daemon must not run."""
        self._tell("journal lost")
        self.disk.lose()

    def swap_journal(self, image: bytes, how: str) -> None:
        """Another disk is put in. The daemon must not run."""
        self._tell(f"journal {how}")
        self.disk.swap(image)

    def confirm_journal(self) -> None:
        """A person confirms the journal. The daemon must not run."""
        self._tell("journal confirmed")
        self.disk.confirm()

    def new_journal(self) -> None:
        """Its journal is moved aside, and the next one may sell at once. The daemon must not run."""
        self.lose_journal()
        self.disk.made = False

    def lease_left_s(self) -> float:
        """True seconds until the lease of the newest sale ends."""
        return self._lease_until_s - self._loop.time()

    def press(self, lane: int) -> None:
        """A shopper presses a number; 0 cancels. Where the board has no keypad there is one beside it."""
        if self.board.powered:
            self.board.key(lane)
            self.bus.awake()
            if self.keys is not None:
                self.keys.press(lane)

    def _stop(self) -> None:
        self.running = False
        self.screen = self.link = self.engine = None
        self._broker.cut_name(self.name, "host gone")
        self._loop.cut(self.host)

    # ------------------------------------------------------------ the daemon

    async def _live(self) -> None:
        """As `edge.app` wires it. Whatever ends it, the service manager starts it again."""
        try:
            await self._serve()
        except Exception as error:
            self._story.add(self.name, "daemon failed", why=_reason(error))
            self._stop()
            self._loop.on(self.host, RESTART_S, self.start)

    async def _serve(self) -> None:
        journal = open_world_journal(
            self.disk,
            self._disk_chance,
            jid=new_id(self._ids.randbytes(16)),
            bits=self._ids.randbytes(8).hex(),
            told=self._step,
        )
        dispenser = _Watched(self.drives(journal.session.boot), self)
        bridge = self._bridge_link(journal, dispenser.capabilities.start_s)
        link = self.link = WorldLink(
            self._link_settings(journal),
            self._broker,
            self.host,
            on_state=bridge.connected,
            random=self._waits.random,
        )
        ports = Ports(
            journal=journal,
            dispenser=dispenser,
            display=self,
            bridge=bridge,
            clock=self.clock,
            notes=self._story.log(self.name),
        )
        async with asyncio.TaskGroup() as group:

            def spawn(work: Coroutine[Any, Any, None], name: str) -> object:
                return group.create_task(work, name=name)

            engine = self.engine = Engine(
                ports=ports, terms=self.plan.terms, spawn=spawn, entropy=self._ids.randbytes
            )
            bridge.attach(link, engine.post)
            for name, work in (
                ("engine", engine.run()),
                ("bus", dispenser.run(engine.post)),
                ("link", link.run()),
                ("bridge in", bridge.receive()),
                ("bridge out", bridge.pump()),
            ):
                spawn(work, name)
            if self.keys is not None:
                spawn(Keypad(self.clock, self.keys.plug(self.host)).run(engine.post), "keypad")

    def _driver(self, run: int) -> Dispenser:
        port = self.bus.plug(self.host)
        if isinstance(self.settings, XySettings):
            return XyDispenser(self.settings, self.clock, port=port, tick_s=TICK_S, run=run)
        return make_dispenser(self.settings, self.clock, port=port, run=run)

    def _bridge_link(self, journal: SqliteJournal, start_s: int) -> BridgeLink:
        return BridgeLink(
            Identity(
                machine=self.name,
                lease_s=self.plan.terms.lease_s,
                start_s=start_s,
                software="world",
            ),
            journal=journal,
            signer=self._signer,
            gate=Gate(
                Keyring.of_edge(self.name, self._bridge_keys),
                log=self._story.log(self.name),
                clock=self._loop.time,
                per_s=MESSAGES_PER_S,
            ),
            clock=self.clock,
        )

    def _link_settings(self, journal: SqliteJournal) -> BrokerSettings:
        topic = Topic(self.name, Branch.STATE, "presence")
        return BrokerSettings(
            host="broker",
            port=8883,
            client_id=self.name,
            filters=(everything(self.name, Branch.DOWN), everything(self.name, Branch.SET)),
            will=Letter(topic, presence(journal.session, online=False)),
            birth=Letter(topic, presence(journal.session, online=True)),
        )

    # ------------------------------------------------------------ what is seen of it

    def show(self, screen: Screen) -> None:
        """The shopper sees this now. Implements `edge.ports.Display`."""
        self.screen = screen
        self._tell("shows", view=type(screen.view).__name__)
        self.shown(screen)

    def _saw(self, what: str, lane: int) -> None:
        """Something moved, or the line was hurt; whoever has opened a locker shuts it again."""
        self._tell(what, lane=lane)
        if what.startswith("piece falls") and isinstance(self.board, Lock8aBoard):
            after_s = self._customers.uniform(*TAKES_S)
            self._loop.on(self._loop.nature, after_s, self.board.shut, lane)

    def _heard(self, entry: Entry) -> None:
        if entry.what == "sale.open" and entry.who == self.name:
            self.opened += 1
            self._lease_until_s = entry.at_s + self.plan.terms.lease_s / self.plan.clock_rate

    def vends(self, order: VendOrder) -> None:
        """The daemon hands an order to the bus."""
        self.bus.lane = order.lane
        self._tell("orders", sale_id=order.sale_id, lane=order.lane)

    def _rows_became(self, before: dict[str, str], after: dict[str, str]) -> None:
        for sale_id, state in after.items():
            if before.get(sale_id) != state:
                self._tell("durable", sale_id=sale_id, was=before.get(sale_id, ""), state=state)

    def tells_of_recovery(self, order: VendOrder) -> None:
        """The daemon asks the board what became of an order."""
        self._tell("asks the board", sale_id=order.sale_id, lane=order.lane)

    def tells_of_the_answer(self, order: VendOrder, outcome: Outcome) -> None:
        """What it learnt, by the way in which this board remembers."""
        proven = not isinstance(outcome, Uncertain)
        self._tell("learns", sale_id=order.sale_id, proven=proven)
        self._story.mark(f"recovery: {self.can.witness.recovery}, {'proven' if proven else 'doubt'}")

    def _step(self, name: str) -> None:
        self._story.step(self.name, name)

    def _tell(self, what: str, **fields: object) -> None:
        self._story.add(self.name, what, **fields)


class _Watched:
    """The real driver, and the world hears which sale an order is for."""

    def __init__(self, dispenser: Dispenser, machine: Machine) -> None:
        self._dispenser: Final = dispenser
        self._machine: Final = machine

    @property
    def capabilities(self) -> Capabilities:
        return self._dispenser.capabilities

    async def run(self, post: Callable[[BusEvent], None]) -> None:
        await self._dispenser.run(post)

    async def check(self, lane: int) -> str:
        with self._machine.bus.wanted():
            return await self._dispenser.check(lane)

    async def baseline(self, lane: int) -> Baseline:
        with self._machine.bus.wanted():
            return await self._dispenser.baseline(lane)

    async def vend(self, order: VendOrder) -> Outcome:
        self._machine.vends(order)
        with self._machine.bus.wanted(listening=True):
            return await self._dispenser.vend(order)

    async def recover(self, order: VendOrder) -> Outcome:
        self._machine.tells_of_recovery(order)
        with self._machine.bus.wanted(listening=True):
            outcome = await self._dispenser.recover(order)
        if self.capabilities == self._machine.can:
            self._machine.tells_of_the_answer(order, outcome)
        return outcome

    def dismiss(self, lane: int) -> None:
        self._dispenser.dismiss(lane)

    async def resync(self) -> None:
        self._machine.bus.awake()
        await self._dispenser.resync()

    def health(self) -> BusHealth:
        return self._dispenser.health()


def _reason(error: Exception) -> str:
    inner = error
    while isinstance(inner, ExceptionGroup):
        inner = inner.exceptions[0]
    return f"{type(inner).__name__}: {inner}"
