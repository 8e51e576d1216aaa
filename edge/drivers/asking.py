"""A board that speaks only when spoken to, as a Dispenser: runs a bus's scripts over a port, one at a time.

It knows no protocol. What it adds: the port, the clock, the gap between frames, the look at the lease in the
moment of each write, and what counts as a board that is gone.
"""

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final, TypeVar

from edge.core.errors import BusError
from edge.core.model import Baseline, Outcome, VendOrder, Withheld
from edge.drivers.echo import Echo
from edge.drivers.serial_port import Transport
from edge.drivers.service import Act, Served, Unanswered, Wish
from edge.drivers.talk import Ask, Bus, Heard, Pause, Say, Talk
from edge.ports import BusDown, BusEvent, BusHealth, BusUp, Capabilities, ClimateReported, Clock

T = TypeVar("T")
Trace = Callable[[str, bytes, int], None]  # direction "rx" or "tx", bytes, boot-time milliseconds
Serving = Callable[[Wish], Talk[Served]]

AGAIN_S: Final = 1.0  # between two tries to identify
BOARD_START_S: Final = 30.0  # after a power cut the board may start later than we do
MISSES: Final = 3  # looks in a row without an answer, after which the board is gone


class AskingDispenser:
    """One board on one port. `trace` is called for all bytes; `services`: what else its bus can do."""

    def __init__(
        self,
        bus: Bus,
        clock: Clock,
        *,
        port: Transport,
        trace: Trace | None = None,
        services: Mapping[Act, Serving] = MappingProxyType({}),
    ) -> None:
        self._bus: Final = bus
        self._services: Final = services
        self._clock: Final = clock
        self._port: Final = port
        self._trace: Final = trace
        self._decoder = bus.decoder()
        self._echo: Final = Echo()
        self._post: Callable[[BusEvent], None] | None = None
        self._line: Final = asyncio.Lock()
        self._opened: Final = asyncio.Event()
        self._anew: Final = asyncio.Event()
        self._answered: Final = asyncio.Event()
        self._waiting: _Waiting | None = None
        self._why = ""
        self._climate: ClimateReported | None = None  # as it was told last
        self._last_ms = 0
        self._asked = self._strays = self._unanswered = 0
        self._slowest_ms = 0

    @property
    def capabilities(self) -> Capabilities:
        """What this bus can do and prove."""
        return self._bus.capabilities

    @property
    def acts(self) -> frozenset[Act]:
        """What this bus can do for a technician."""
        return frozenset(self._services)

    async def serve(self, act: Act, wish: Wish) -> Served:
        """Do it. Raises Unable when nothing was sent, Unanswered, KeyError for an act that is not there."""
        if self._why or not self._opened.is_set():
            raise Unanswered("the board is not there")
        return await self._hold(self._services[act](wish))

    # ------------------------------------------------------------ the daemon's side

    async def run(self, post: Callable[[BusEvent], None]) -> None:
        """Serve the bus until cancelled. Raises BusBroken when the port's path is no serial port."""
        self._post = post
        async with asyncio.TaskGroup() as group:
            group.create_task(self._port.serve(self), name="bus.port")
            group.create_task(self._keep_company(), name="bus.looks")

    async def check(self, lane: int) -> str:
        """Empty when the lane can vend now, else a reason's name. Never moves anything."""
        if self._why or not self._opened.is_set():
            return "bus_down"
        return await self._hold(self._bus.check(lane))

    async def baseline(self, lane: int) -> Baseline:
        """The board's evidence for a lane. Raises BusError when it cannot be had."""
        found = await self._hold(self._bus.baseline(lane)) if not self._why else None
        if found is None:
            raise BusError("the board gave no evidence; nothing was sent that moves")
        return found

    async def vend(self, order: VendOrder) -> Outcome:
        """Run the motor once and watch until the outcome."""
        if self._why:
            return Withheld(why="bus_down")
        return await self._hold(self._bus.vend(order))

    async def recover(self, order: VendOrder) -> Outcome:
        """Wait for the board, flush, settle, then ask what became of an interrupted order."""
        if not self._bus.quiet:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(BOARD_START_S):
                    await self._answered.wait()
        return await self._hold(self._settled(self._bus.recover(order)))

    async def resync(self) -> None:
        """Flush, settle, identify the board again; BusUp follows when it is idle."""
        async with self._line:
            self._say_down("identifying")
        self._anew.set()

    def dismiss(self, lane: int) -> None:
        """The sale of this lane ended without a vend: say so to a machine that asked for it."""
        if refusal := self._bus.dismiss(lane):
            self._write(refusal)

    def health(self) -> BusHealth:
        """Counters since the start; `slowest_answer_ms` is the board's."""
        return BusHealth(
            frames=self._decoder.frames,
            bad_checks=self._decoder.bad_checks,
            polls=self._asked,
            slowest_answer_ms=float(self._slowest_ms),
            facts={
                "unanswered": self._unanswered,
                "strays": self._strays,
                "skipped_bytes": self._decoder.skipped_bytes,
            },
        )

    # ------------------------------------------------------------ the port's listener

    def on_opened(self) -> None:
        """The port is open; whoever is there is asked next."""
        self._decoder.forget()
        self._opened.set()
        self._anew.set()

    def on_data(self, data: bytes) -> None:
        """Bytes of the board, or the echo of our own."""
        self._last_ms = self._clock.now_ms()
        if self._trace is not None:
            self._trace("rx", data, self._last_ms)
        for frame in self._decoder.feed(self._echo.heard(data)):
            self._answered.set()
            self._take(frame)

    def on_lost(self, why: str) -> None:
        """The port is gone; `why` is in the log."""
        self._opened.clear()
        self._answered.clear()
        self._say_down("port")

    def _take(self, frame: Any) -> None:
        """Answer in the same callback, then pass on what the frame says."""
        waiting = self._waiting
        if waiting is not None and waiting.ask.turn is not None and not waiting.written:
            mine = waiting.ask.turn(frame)
            if mine is not None:
                waiting.withheld = self._write(mine, waiting.ask.start_before_ms)
                waiting.written = True
                waiting.turned.set()
                return
        if reply := self._bus.reply(frame):
            self._write(reply)
        if waiting is not None and waiting.wants(frame):
            waiting.answer.set_result(frame)
            return
        self._strays += 1
        for event in self._bus.stray(frame):
            if isinstance(event, BusDown):
                if not self._why:
                    self._anew.set()
                self._say_down(event.why)
            else:
                self._tell(event)

    # ------------------------------------------------------------ keeping company

    async def _keep_company(self) -> None:
        """Identify whoever is there, then look from time to time, until it is gone; and again."""
        self._say_down("identifying")
        while True:
            await self._opened.wait()
            self._anew.clear()
            identity = await self._hold(self._settled(self._bus.identify()))
            if identity is None:
                self._say_down("silent")
                await self._pause(AGAIN_S)
                continue
            if self._anew.is_set():
                continue
            self._why = ""
            self._tell(BusUp(identity=identity))
            await self._look_until_gone()

    async def _look_until_gone(self) -> None:
        misses = 0
        while misses < MISSES:
            await self._pause(self._bus.idle_ms / 1000)
            if self._anew.is_set():
                return
            misses = 0 if await self._hold(self._bus.look()) else misses + 1
        self._say_down("silent")

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._anew.wait()

    def _say_down(self, why: str) -> None:
        if self._why != why:
            self._why = why
            self._tell(BusDown(why=why))

    def _tell(self, event: BusEvent) -> None:
        if self._post is not None:
            self._post(event)

    # ------------------------------------------------------------ running a script

    def _settled(self, talk: Talk[T]) -> Talk[T]:
        """First let drain what an earlier process may have left in the line (G-SETTLE)."""
        self._port.discard_input()
        yield Pause(self._bus.settle_ms)
        return (yield from talk)

    async def _hold(self, talk: Talk[T]) -> T:
        """Run one script to its end; nobody else has the line meanwhile."""
        async with self._line:
            with contextlib.closing(talk):
                try:
                    step = next(talk)
                    while True:
                        step = talk.send(await self._do(step))
                except StopIteration as end:
                    result: T = end.value
                    return result

    async def _do(self, step: Ask | Pause | Say) -> Heard:
        match step:
            case Ask():
                return await self._ask(step)
            case Pause(ms):
                await asyncio.sleep(ms / 1000)
                self._decoder.forget()
            case Say(ClimateReported() as climate):
                if climate != self._climate:  # asked every few seconds, and seldom news
                    self._climate = climate
                    self._tell(climate)
            case Say(event):
                self._tell(event)
        return Heard(frame=None, now_ms=self._clock.now_ms())

    async def _ask(self, ask: Ask) -> Heard:
        waiting = self._waiting = _Waiting(ask, asyncio.get_running_loop().create_future())
        frame = None
        try:
            await self._have_said(waiting)
            asked_ms = self._clock.now_ms()
            if not waiting.withheld:
                async with asyncio.timeout(ask.wait_ms / 1000):
                    frame = await waiting.answer
                self._slowest_ms = max(self._slowest_ms, self._clock.now_ms() - asked_ms)
        except TimeoutError:
            self._unanswered += 1
        finally:
            self._waiting = None
        return Heard(frame=frame, now_ms=self._clock.now_ms(), withheld=waiting.withheld)

    async def _have_said(self, waiting: "_Waiting") -> None:
        """Say it now, or when the turn comes. Raises TimeoutError when it does not come."""
        ask = waiting.ask
        if ask.turn is not None:
            try:
                async with asyncio.timeout(ask.wait_ms / 1000):
                    await waiting.turned.wait()
            except TimeoutError:
                waiting.withheld = waiting.withheld or "no_turn"
                raise
        elif ask.frame:
            await self._keep_gap()
            self._decoder.forget()
            waiting.withheld = self._write(ask.frame, ask.start_before_ms)
            waiting.written = True

    async def _keep_gap(self) -> None:
        wait_ms = self._last_ms + self._bus.gap_ms - self._clock.now_ms()
        if wait_ms > 0:
            await asyncio.sleep(wait_ms / 1000)

    def _write(self, frame: bytes, start_before_ms: int | None = None) -> str:
        """Write, or say why not. Nothing is awaited between the look at the clock and the write (G-WRITE)."""
        if start_before_ms is not None:
            if not self._opened.is_set():
                return "bus_down"
            if self._clock.now_ms() >= start_before_ms:
                return "lease"
        self._decoder.expect(frame)
        self._echo.wrote(frame, alike=self._bus.alike(frame))
        self._port.write(frame)
        self._last_ms = self._clock.now_ms()
        self._asked += 1
        if self._trace is not None:
            self._trace("tx", frame, self._last_ms)
        return ""


class _Waiting:
    """A question that is being put."""

    def __init__(self, ask: Ask, answer: "asyncio.Future[Any]") -> None:
        self.ask: Final = ask
        self.answer: Final = answer
        self.turned: Final = asyncio.Event()
        self.written = ask.turn is None and not ask.frame
        self.withheld = ""

    def wants(self, frame: Any) -> bool:
        """Whether this frame is the answer."""
        return self.written and not self.answer.done() and self.ask.answers(frame)
