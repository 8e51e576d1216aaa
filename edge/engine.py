"""The machine's engine: take a fact, decide, make it durable, act. In this order and no other.

One task, the only one that changes state. Everything else posts facts to its mailbox: the bus, the bridge,
timers, and the small tasks that ask the board something. Time, ids and ports come from outside.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Final

from edge.core import lease
from edge.core import machine as surroundings
from edge.core.alarms import alarms
from edge.core.command import CommandAsked, LaneProven, may_leave
from edge.core.model import (
    Abandoned,
    Answer,
    AnswerOverdue,
    AskBoard,
    ClearAlarm,
    CodeOffered,
    Context,
    GrantLease,
    LeaseEnded,
    PaymentConfirmed,
    Progressed,
    Queried,
    RaiseAlarm,
    ReadBaseline,
    Rebooted,
    ReportClosed,
    ReportOutcome,
    RequestCode,
    RunMotor,
    Sale,
    SaleEffect,
    SaleEvent,
    State,
    Step,
    StopSelling,
    WatchBus,
)
from edge.core.pocket import CodesHeld, LeaseAsked
from edge.core.sale import ENDED, opened, step
from edge.core.service import ServiceBegun, ServiceEvent, may_begin
from edge.core.status import states
from edge.engine_commands import Commands, Means
from edge.engine_errands import Errands
from edge.engine_lanes import SelfTests
from edge.engine_mailbox import Event as Event
from edge.engine_mailbox import Front, Mailbox, Redraw
from edge.engine_mailbox import Leaving as Leaving
from edge.engine_reports import Reports
from edge.engine_rest import Rest
from edge.ids import new_id
from edge.ports import (
    BridgeEvent,
    BusEvent,
    CancelPressed,
    CatalogueReceived,
    Change,
    KeyPressed,
    Ports,
    SaleMessage,
    Terms,
    VendProgress,
)
from edge.senses import seen

_KEPT: Final = 16


class Engine:
    """`post` takes facts from anywhere on the loop; `run` is the one task that changes state."""

    def __init__(
        self,
        *,
        ports: Ports,
        terms: Terms,
        spawn: Callable[[Coroutine[None, None, None], str], object],
        entropy: Callable[[int], bytes],
    ) -> None:
        self._journal: Final = ports.journal
        self._bridge: Final = ports.bridge
        self._clock: Final = ports.clock
        self._notes: Final = ports.notes
        self._terms: Final = terms
        self._spawn: Final = spawn
        self._entropy: Final = entropy
        self._errands: Final = Errands(ports.dispenser, ports.journal, self.post)
        self._tests: Final = SelfTests(self._errands.test, spawn, self._quiet)
        self._mailbox: Final = Mailbox()
        self._front: Final = Front(ports.display, ports.clock, self._mailbox, self._ring)
        self._writing: Change | None = None
        self._sales: Final[dict[str, Sale]] = {}
        self._counts: Final[Counter[str]] = Counter(delivered=0, not_delivered=0, uncertain=0, closed=0)
        self._told: Final[dict[str, dict[str, object]]] = {}
        self._rest: Final = Rest(ports.journal, spawn, self._quiet)
        self._reports: Final = Reports(ports.journal, ports.bridge)
        means = Means(entropy=entropy, test=self._errands.test, spawn=spawn, post=self.post)
        self._commands: Final = Commands(ports, self._reports, means)
        self._recovered: Final = asyncio.Event()
        self._still: Final = asyncio.Event()
        caps = terms.vends_a_minute, terms.vends_a_day
        new = surroundings.at_start(terms.machine, caps, confirmed=ports.journal.confirmed)
        self.machine = self._commands.remembered(new)

    # ------------------------------------------------------------ the mailbox

    def post(self, event: Event, done: Callable[[], None] | None = None) -> None:
        """Hand over a fact; `done` is called once all it caused is durable. Raises asyncio.QueueFull."""
        self._mailbox.put(event, done)
        if self._writing is not None:
            self._draw()  # nobody reads it before the disk is done, and it may be news for whoever is paying

    async def run(self) -> None:
        """Recover, then serve. Raises JournalFailed, after which only a restart helps."""
        await self._recover()
        self._draw()
        self._recovered.set()
        while True:
            event, done = await self._mailbox.get()
            await self._take(event)
            if may_begin(self.machine, self._sales.values()):
                await self._see(ServiceBegun())
            if may_leave(self.machine, self._sales.values()):
                await self._take(Leaving())
            if done is not None:
                done()
            self._draw()
            self._tell()
            self._tests.look(self.machine)
            if "leaving" in self.machine.stops and not self._moving():
                self._still.set()

    async def recovered(self) -> None:
        """Wait until the journal's unfinished rows are taken up and the mailbox is served."""
        await self._recovered.wait()

    async def still(self) -> None:
        """After `Leaving`: wait until no motor can be running any more."""
        await self._still.wait()

    async def _recover(self) -> None:
        """Before anything else: open leases die, interrupted operations are judged, never acted on."""
        if not self._journal.confirmed:
            await self._alarm(RaiseAlarm(name="journal_new", text="the journal was made anew; confirm it"))
        if self._journal.catalogue is not None:
            self._use(self._bridge.catalogue(self._journal.catalogue))
        for sale in self._journal.unfinished():
            self._sales[sale.sale_id] = sale
            await self._decide(sale.sale_id, Rebooted())

    async def _take(self, event: Event) -> None:
        match event:
            case SaleMessage(sale_id=sale_id, event=told):
                await self._decide(sale_id, told)
            case KeyPressed(lane=lane, price_fen=asked):
                await self._select(lane, asked)
            case CancelPressed():
                self.machine = lease.put_away(self.machine)
                await self._abandon("cancel")
            case VendProgress(sale_id=sale_id, step=progress):
                await self._decide(sale_id, Progressed(step=progress))
            case LeaseAsked():
                await self._lease(event)
            case CodesHeld() if lease.is_for(event, self._journal.session):
                self.machine = lease.hold(self.machine, event)
            case CatalogueReceived():
                await self._catalogue(event)
            case CommandAsked() | LaneProven():
                await self._command(event)
            case Redraw():
                pass
            case Leaving():
                self.machine = surroundings.with_stop(self.machine, "leaving", True)
                await self._abandon("restart")
            case _:
                await self._see(event)

    async def _see(self, event: BusEvent | BridgeEvent | ServiceEvent) -> None:
        """A fact about the surroundings, and the alarms that begin or end with it."""
        before, self.machine = self.machine, seen(self.machine, event)
        if before.stops != self.machine.stops:
            self._notes.info("machine.stops", reasons=" ".join(sorted(self.machine.stops)) or "none")
        await self._alarm(*alarms(before, self.machine))

    async def _command(self, event: CommandAsked | LaneProven) -> None:
        """A person wants something of the machine."""
        doing = self._commands.take(event, self.machine, self._sales.values())
        if doing is None:
            return
        await self._commit(doing.change)
        before, self.machine = self.machine, doing.machine
        if doing.ends_sale:
            await self._abandon("stopped")
        self._bridge.kick()
        await self._alarm(*alarms(before, self.machine))

    # ------------------------------------------------------------ selling

    async def _select(self, lane: int, asked_fen: int | None) -> None:
        now = self._clock.now_ms()
        reason = surroundings.closed(self.machine) or surroundings.lane_reason(self.machine, lane)
        if self._moving() or lease.locked(self._sales.get(self.machine.current)):
            reason = "busy"
        elif not reason and surroundings.over_velocity(self.machine, now):
            reason = "velocity"
        elif not reason and asked_fen not in (None, self.machine.products[lane].price_fen):
            reason = "price"  # what a machine asks that knows prices itself has to be what we show and charge
        if reason:
            self._errands.dismiss(lane)
            self._notes.info("sale.not_offered", lane=lane, why=reason)
            self.machine = surroundings.with_notice(self.machine, reason, lane, now)
            return
        await self._abandon("reselect")
        ahead = lease.show(self.machine, lane, now)
        self.machine = ahead or lease.put_away(self.machine)
        if ahead is None:
            await self._settle(None, opened(self._open(lane, now)))

    async def _lease(self, asked: LeaseAsked) -> None:
        """Somebody scanned a code: open a sale for him, or say why not. One scan never opens two."""
        known = self._journal.requested(asked.request_id)
        if known:
            await self._decide(known, Queried())
            return
        now, sale = self._clock.now_ms(), self._sales.get(self.machine.current)
        why = "busy" if self._moving() else lease.obstacle(self.machine, asked, sale, now)
        if not lease.is_for(asked, self._journal.session):
            why = "session"
        if why:
            self._notes.info("lease.refused", lane=asked.lane, why=why)
            self._bridge.refuse(asked.request_id, why)
            return
        await self._abandon("replaced")
        self.machine = lease.granted(self.machine, asked, now)
        await self._settle(None, opened(self._open(asked.lane, now, request_id=asked.request_id)))

    def _open(self, lane: int, now: int, request_id: str = "") -> Sale:
        lease_until = now + self._terms.lease_s * 1000
        return Sale(
            sale_id=new_id(self._entropy(16)),
            lane=lane,
            price_fen=self.machine.products[lane].price_fen,
            catalogue_version=self.machine.catalogue_version,
            session=self._journal.session,
            opened_wall_ms=self._clock.wall_ms(),
            request_id=request_id,
            lease_until_ms=lease_until,
            pay_until_ms=lease_until - self._terms.grace_s * 1000,
        )

    async def _abandon(self, why: str) -> None:
        if self.machine.current:
            await self._decide(self.machine.current, Abandoned(why=why))

    def _moving(self) -> bool:
        return any(sale.state is State.INTENT for sale in self._sales.values())

    async def _catalogue(self, event: CatalogueReceived) -> None:
        """Desired state converges: a newer version is used and kept, an older one never comes back."""
        if event.version <= self.machine.catalogue_version:
            return
        await self._commit(Change(catalogue=event.raw))
        before = self.machine
        self._use(event)
        await self._alarm(*alarms(before, self.machine))

    def _use(self, event: CatalogueReceived) -> None:
        self.machine = surroundings.with_catalogue(self.machine, event.version, event.phone, event.products)

    # ------------------------------------------------------------ decide, commit, act

    async def _decide(self, sale_id: str, event: SaleEvent) -> None:
        sale = self._sales.get(sale_id) or self._journal.sale(sale_id)
        if sale is None:
            if isinstance(event, PaymentConfirmed | Queried | CodeOffered):
                self._bridge.answer(sale_id, Answer(state="unknown", why=""))  # G-ROW
            return
        now = self._clock.now_ms()
        if isinstance(event, PaymentConfirmed) and sale.state is State.OPEN and not sale.paying:
            blocked = "busy" if self._moving() else surroundings.obstacle(self.machine, sale.lane, now)
            event = replace(event, obstacle=blocked)
        decided = step(sale, event, Context(now_ms=now, session=self._journal.session))
        await self._settle(sale, decided)

    async def _settle(self, before: Sale | None, decided: Step) -> None:
        """Durable first; from the line after the commit on, the world may change."""
        sale = decided.sale
        moved = before is None or before.state is not sale.state
        rows = self._reports.of(decided)
        if moved or rows:
            seq = sale.seq if moved and sale.state is State.INTENT else None
            await self._commit(Change(sale=sale if moved else None, rows=rows, seq=seq))
        machine = self.machine
        self._remember(before, sale, moved)
        for effect in decided.effects:
            self._act(sale, effect)
        if rows:
            self._bridge.kick()
        await self._alarm(*alarms(machine, self.machine))

    async def _commit(self, change: Change) -> None:
        """However long the disk takes, the screen follows what comes meanwhile."""
        self._writing = change
        try:
            await self._journal.commit(change)
        finally:
            self._writing = None

    async def _alarm(self, *told: RaiseAlarm | ClearAlarm) -> None:
        """Faults of no sale."""
        for alarm in told:
            await self._commit(Change(rows=(self._reports.row(None, alarm),)))
            self._bridge.kick()

    def _remember(self, before: Sale | None, sale: Sale, moved: bool) -> None:
        self._sales[sale.sale_id] = sale
        if moved:
            self._notes.info(
                f"sale.{sale.state}", sale_id=sale.sale_id, lane=sale.lane, why=sale.why, seq=sale.seq
            )
        if before is None:
            self.machine = replace(self.machine, current=sale.sale_id, notice_until_ms=0)
        if moved and sale.state is State.CLOSED:
            self._errands.dismiss(sale.lane)
        if moved and sale.state in ENDED:
            self._counts[sale.state.value] += 1
            self.machine = surroundings.with_outcome(self.machine, sale)
            if sale.sale_id == self.machine.current:
                self.machine = surroundings.with_end(self.machine, sale, self._clock.now_ms())
            self._rest.later()
        self._forget()

    def _forget(self) -> None:
        """Ended rows stay at hand for a while; the one on the screen until the next."""
        current = self.machine.current
        ended = [key for key, sale in self._sales.items() if sale.state in ENDED and key != current]
        for key in ended[:-_KEPT]:
            del self._sales[key]

    def _act(self, sale: Sale, effect: SaleEffect) -> None:
        match effect:
            case RequestCode() | GrantLease():
                self._start(sale)
            case ReadBaseline():
                self._spawn(self._errands.baseline(sale), f"baseline {sale.sale_id}")
            case RunMotor(order=order):
                self.machine = surroundings.with_vend(self.machine, self._clock.now_ms())
                self._spawn(self._errands.vend(order), f"vend {sale.sale_id}")
            case AskBoard(order=order):
                self._spawn(self._errands.judge(order), f"recover {sale.sale_id}")
            case Answer():
                self._bridge.answer(sale.sale_id, effect)
            case WatchBus():
                self.machine = surroundings.with_doubt(self.machine, sale.lane)
                self._spawn(self._errands.resync(), "resync")
            case StopSelling(why=why):
                self._notes.warning("sale.impossible", sale_id=sale.sale_id, why=why)
                self.machine = surroundings.with_stop(self.machine, "impossible", True)
            case ReportClosed() | ReportOutcome() | RaiseAlarm():
                pass  # written with the row; the pump sends it

    def _start(self, sale: Sale) -> None:
        self._later(self._terms.answer_s, SaleMessage(sale_id=sale.sale_id, event=AnswerOverdue()))
        lease_s = (sale.lease_until_ms - self._clock.now_ms()) / 1000 + 0.02
        self._later(lease_s, SaleMessage(sale_id=sale.sale_id, event=LeaseEnded()))
        self._spawn(self._errands.check(sale), f"check {sale.sale_id}")

    def _later(self, delay_s: float, event: Event) -> asyncio.TimerHandle:
        return asyncio.get_running_loop().call_later(max(0.0, delay_s), self.post, event)

    # ------------------------------------------------------------ what follows from the state

    def _draw(self) -> None:
        becomes = self._writing.sale if self._writing is not None else None
        self._front.draw(self.machine, self._sales.get(self.machine.current), becomes=becomes)

    def _ring(self) -> None:
        if self._writing is None:
            self.post(Redraw())
        else:
            self._draw()

    def _tell(self) -> None:
        for name, values in states(self.machine, self._counts).items():
            if self._told.get(name) != values:
                self._told[name] = values
                self._bridge.publish(name, values)

    def _quiet(self) -> bool:
        return all(sale.state in ENDED for sale in self._sales.values())
