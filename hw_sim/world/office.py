"""The bridge in the world: its computer with the real daemon's parts, and its books' disk."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Final

from cloud_bridge.core.case import Resolution, Wish
from cloud_bridge.core.command import CommandWish, Outcome
from cloud_bridge.core.model import (
    ClosedByMachine,
    FromMachine,
    OutcomeReported,
    Requested,
    StatusAnswered,
)
from cloud_bridge.core.timings import Limits, Timings
from cloud_bridge.engine import Engine, Settings
from cloud_bridge.engine_commands import Commands, Hands
from cloud_bridge.engine_scans import Scans
from cloud_bridge.fleet.fleet import Fleet
from cloud_bridge.fleet.hearing import Hearing
from cloud_bridge.fleet.roster import Roster
from cloud_bridge.ports import BridgePorts, NoticeRejected, Shelf, StoreFailed
from cloud_bridge.ports_catalogue import Count
from cloud_bridge.ports_people import Deed, Line
from cloud_bridge.wechat.exchange import Exchange
from cloud_bridge.wechat.notices import WechatNotices
from cloud_bridge.wechat.settings import PlatformPublicKey, WechatSettings
from edge.ids import new_id
from hw_sim.platform.courier import Letter
from hw_sim.world.books import Tables
from hw_sim.world.broker import Broker
from hw_sim.world.clocks import WorldClock
from hw_sim.world.disks import BooksDisk, WorldStore
from hw_sim.world.link import WorldLink
from hw_sim.world.loop import Host, WorldLoop
from hw_sim.world.payments import APPID, MCHID, NOTIFY_URL, Payments, WorldCaller, merchant_keys
from hw_sim.world.scans import TicketedPlatform, WorldDesk, tokens
from hw_sim.world.story import Story
from wire.broker import BrokerSettings
from wire.envelope import Keyring, Signer
from wire.gate import Gate
from wire.topics import Branch, everything

RESTART_S: Final = 2.0
PATIENCE: Final = 80  # looks at the page, ten a second: longer than a command may take


@dataclass(frozen=True, slots=True, kw_only=True)
class OfficePlan:
    """What the bridge of a world is like."""

    shelves: Sequence[Shelf]
    timings: Timings = field(default_factory=Timings)
    limits: Limits = field(default_factory=Limits)


class Office:
    """`start`, `crash` and `restore` switch the bridge."""

    def __init__(
        self,
        plan: OfficePlan,
        *,
        loop: WorldLoop,
        broker: Broker,
        payments: Payments,
        signer: Signer,
        machines: Mapping[str, Signer],
        story: Story,
        chance: Callable[[str], Random],
    ) -> None:
        self.plan: Final = plan
        self.host: Final = Host("bridge")
        self.clock: Final = WorldClock(loop)
        self.disk: Final = BooksDisk(incarnation=chance("store").randbytes(16).hex())
        self.engine: Engine | None = None
        self.commands: Commands | None = None
        self._shelves: Final = list(plan.shelves)
        self.running = False
        self._loop: Final = loop
        self._broker: Final = broker
        self._payments: Final = payments
        self._signer: Final = signer
        self._machines: Final = {
            name: (machine.key_id, machine.private_key.public_key()) for name, machine in machines.items()
        }
        self._story: Final = story
        self._disk_chance: Final = chance("books disk")
        self._waits: Final = chance("bridge waits")
        self._nonces: Final = chance("nonces")
        self._tokens: Final = chance("tokens")
        self._names: Final = chance("commands")
        payments.deliver = self.notify
        self.disk.changed = self._tell_rows

    # ------------------------------------------------------------ what may happen to it

    def start(self) -> None:
        """The daemon starts, unless it runs."""
        if not self.running:
            self.running = True
            self._story.add("bridge", "starts")
            self._loop.spawn(self.host, self._live(), "bridge daemon")

    def crash(self) -> None:
        """Process or power is gone."""
        self._story.add("bridge", "killed")
        self._stop()
        self.disk.cut(self._disk_chance)

    def restore_books(self, backup: Tables, incarnation: str) -> None:
        """A backup is put back, as `wxvend bridge restore` does. The daemon must not run."""
        self._story.add("bridge", "books restored")
        self.disk.tables, self.disk.incarnation = backup, incarnation

    def change_catalogue(self, *, drop: int) -> None:
        """The next start uses a new version of each catalogue, without its `drop`-th product."""
        self._story.add("bridge", "catalogue changed", drop=drop)
        for at, shelf in enumerate(self.plan.shelves):
            products = tuple(product for number, product in enumerate(shelf.products) if number != drop)
            self._shelves[at] = replace(shelf, version=self._shelves[at].version + 1, products=products)

    def order_refund(self, sale_id: str) -> None:
        """An operator wants this money to go back."""
        if self.engine is not None:
            self._story.add("operator", "orders a refund", sale_id=sale_id)
            self._loop.spawn(self.host, self.engine.order_refund(sale_id, "operator"), "operator")

    def settle(self, sale_id: str) -> None:
        """An operator says that he looked after the money of a case himself."""
        if self.engine is not None:
            self._story.add("operator", "settles a case", sale_id=sale_id)
            wish = Wish(sale_id=sale_id, resolution=Resolution.CLOSED, by="operator", why="paid back in cash")
            self._loop.spawn(self.host, self._settle(self.engine, wish), "operator")

    async def _settle(self, engine: Engine, wish: Wish) -> None:
        refused = await engine.resolve(wish)
        if refused:
            self._story.add("operator", "is refused", sale_id=wish.sale_id, why=refused)

    async def command(self, wish: CommandWish) -> Outcome:
        """A person at the page has a machine do something; the page may be gone before it answers."""
        if self.commands is None:
            return Outcome(done=False, why="no bridge")
        told: list[Outcome] = []
        self._loop.spawn(self.host, self._have(self.commands, wish, told), "command")
        for _ in range(PATIENCE):
            await asyncio.sleep(0.1)
            if told:
                return told[0]
        return Outcome(done=False, why="no page", certain=False)

    async def _have(self, commands: Commands, wish: CommandWish, told: list[Outcome]) -> None:
        told.append(await commands.command(wish))

    def _commands(self, engine: Engine, fleet: Fleet, store: WorldStore) -> Commands:
        return Commands(
            store=store,
            fleet=fleet,
            audit=_Deeds(),
            clock=self.clock,
            log=self._story.log("bridge"),
            hands=Hands(
                heard=engine.heard, filled=_counted, new_id=lambda: new_id(self._names.randbytes(16))
            ),
        )

    def _stop(self) -> None:
        self.running = False
        self.engine, self.commands = None, None
        self._broker.cut_name("bridge", "host gone")
        self._loop.cut(self.host)

    def notify(self, letter: Letter, answer: Callable[[int | str], None]) -> None:
        """A notification reaches the bridge's door."""
        if self.engine is None:
            answer("connection refused")
            return
        self._loop.spawn(self.host, self._take(self.engine, letter, answer), "notice")

    async def _take(self, engine: Engine, letter: Letter, answer: Callable[[int | str], None]) -> None:
        try:
            await engine.notice({name.lower(): value for name, value in letter.headers.items()}, letter.body)
        except NoticeRejected:
            answer(401)
        else:
            self._story.step("bridge", "notice.answered")
            answer(204)

    # ------------------------------------------------------------ the daemon

    async def _live(self) -> None:
        """As `cloud_bridge.app` wires it. Whatever ends it, the service manager starts it again."""
        try:
            await self._serve()
        except Exception as error:
            self._story.add("bridge", "daemon failed", why=repr(error))
            self._stop()
            self._loop.on(self.host, RESTART_S, self.start)

    async def _serve(self) -> None:
        log, wechat, keys = self._story.log("bridge"), _wechat(), merchant_keys()
        roster = Roster(self._machines, self.clock)
        fleet = Fleet(signer=self._signer, roster=roster, timings=self.plan.timings, log=log)
        link = self._link(fleet)
        exchange = Exchange(keys, clock=self.clock, nonce=lambda: self._nonces.randbytes(16).hex())
        store = WorldStore(self.disk, self._disk_chance, self._step)
        engine = _Overheard(
            ports=BridgePorts(
                store=store,
                platform=TicketedPlatform(wechat, WorldCaller(self._payments, self.host, exchange)),
                notices=WechatNotices(wechat, keys),
                fleet=fleet,
                clock=self.clock,
                log=log,
            ),
            shelves=self._shelves,
            settings=Settings(timings=self.plan.timings, limits=self.plan.limits),
            random=self._waits.random,
            nonce=lambda: self._nonces.randbytes(16).hex(),
        )
        gate = Gate(Keyring.of_bridge(self._machines), log=log, clock=self._loop.time)
        fleet.attach(link)
        self.commands = self._commands(engine, fleet, store)
        hearing = Hearing(
            transport=link,
            service=engine,
            gate=gate,
            roster=roster,
            clock=self.clock,
            commands=self.commands,
        )
        engine.told = self._hears
        engine.scans = self._scans(engine)
        self.engine = engine
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(engine.run(), name="engine")
            tasks.create_task(hearing.run(), name="hearing")
            tasks.create_task(fleet.show_catalogues(self._shelves), name="catalogues")
            tasks.create_task(link.run(), name="link")

    def _link(self, fleet: Fleet) -> WorldLink:
        return WorldLink(
            BrokerSettings(
                host="broker",
                port=8883,
                client_id="bridge",
                filters=(everything("+", Branch.UP), everything("+", Branch.STATE)),
                inflight=64,
            ),
            self._broker,
            self.host,
            on_state=fleet.connected,
            random=self._waits.random,
        )

    def _scans(self, engine: Engine) -> Scans:
        return Scans(
            desk=WorldDesk(),
            tokens=tokens(list(self._machines)),
            shelves={shelf.machine: shelf for shelf in self._shelves},
            timings=self.plan.timings,
            clock=self.clock,
            log=self._story.log("bridge"),
            hands=engine.hands(self._tokens.randbytes),
        )

    def ask_order(self, body: bytes, answer: Callable[[bytes], None]) -> None:
        """An order request reaches the bridge's door."""
        if self.engine is not None and self.engine.scans is not None:
            self._loop.spawn(self.host, self._order(self.engine.scans, body, answer), "order request")

    async def _order(self, scans: Scans, body: bytes, answer: Callable[[bytes], None]) -> None:
        try:
            answer(await scans.answer(body))
        except StoreFailed:
            answer(b"")

    def _step(self, name: str) -> None:
        self._story.step("bridge", name)

    def _hears(self, event: FromMachine) -> None:
        if isinstance(event, Requested):
            self._story.add(
                "bridge", "hears of the sale", sale_id=event.sale_id, machine=event.machine, lane=event.lane
            )
        elif isinstance(event, ClosedByMachine | OutcomeReported | StatusAnswered):
            session = event.session
            self._story.add(
                "bridge",
                "hears",
                sale_id=event.sale_id,
                machine=event.machine,
                says=type(event).__name__,
                # of a start that the books never heard of nothing is taken
                believed=(session.jid, session.boot) in self.disk.tables.bits,
            )

    def _tell_rows(self, before: Tables, after: Tables) -> None:
        for sale_id, sale in after.sales.items():
            old = before.sales.get(sale_id)
            if sale is not old:
                self._story.add(
                    "bridge",
                    "row",
                    sale_id=sale_id,
                    machine=sale.machine,
                    state=sale.state.value,
                    was=old.state.value if old is not None else "",
                    before=old.decision.value if old is not None else "",
                    after=sale.decision.value,
                    doubt=sale.doubt,
                    case=sale.case,
                    why=sale.why,
                    past=sale.past and sale.state.value == "paid" and not sale.foreign,
                )


class _Deeds:
    """An audit that nobody reads: a world's own story has it all."""

    async def record(self, deed: Deed) -> None:
        """Written down elsewhere."""

    async def deeds(self, *, before: int = 0, limit: int = 100) -> tuple[Line, ...]:
        """None."""
        return ()


async def _counted(counts: tuple[Count, ...]) -> str:
    """The world's stock is its pieces."""
    return ""


class _Overheard(Engine):
    """The real engine, and the world hears what it is told."""

    told: Callable[[FromMachine], None]

    async def heard(self, event: FromMachine) -> None:
        self.told(event)
        await super().heard(event)


def _wechat() -> WechatSettings:
    nowhere = Path("world")
    return WechatSettings(
        mchid=MCHID,
        appid=APPID,
        merchant_serial="5" * 40,
        merchant_private_key_file=nowhere,
        api_v3_key_file=nowhere,
        notify_url=NOTIFY_URL,
        platform_public_keys=(PlatformPublicKey(id="PUB_KEY_ID_0119000000010001", file=nowhere),),
        base_url="http://127.0.0.1:1",
    )
