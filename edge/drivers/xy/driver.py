"""The XY bus as a Dispenser: joins session, port and clock on the daemon's loop.

A reply leaves in the very callback that brought the POLL; facts are posted after it is written.
"""

import asyncio
import contextlib
import math
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from edge.core.errors import BusError
from edge.core.model import Baseline, Outcome, VendOrder
from edge.drivers.serial_port import SerialPort, Transport
from edge.drivers.service import Act, Served, Unanswered, Wish
from edge.drivers.xy.menu import LANE_SALES, sales, witness
from edge.drivers.xy.messages import AskMenu, MenuAnswer, UseMenu
from edge.drivers.xy.service import SERVICES
from edge.drivers.xy.session import Ended, Session
from edge.drivers.xy.settings import XySettings
from edge.ports import BusEvent, BusHealth, Capabilities, Clock

TICK_S: Final = 0.05
PACK_NUMBERS: Final = 255
LATE_S: Final = 0.03  # a loop that is so late with its tick may have left a POLL lying for most of its 100 ms
START_S: Final = 5  # the board starts a motor within this time of the frame, or not at all

Trace = Callable[[str, bytes, int], None]  # direction "rx" or "tx", bytes, boot-time milliseconds


class XyDispenser:
    """One XY machine. `trace` is called for all bytes, after an answer has been written.

    `tick_s` is how often time that passes in silence is looked at; `run` counts the starts of the daemon.
    """

    def __init__(
        self,
        settings: XySettings,
        clock: Clock,
        *,
        trace: Trace | None = None,
        port: Transport | None = None,
        tick_s: float = TICK_S,
        run: int = 0,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._trace = trace
        self._port = port or SerialPort(str(settings.port), baud=settings.baud)
        self._tick_s = tick_s
        self._session = Session(settings, pack_no=run % PACK_NUMBERS)
        self._post: Callable[[BusEvent], None] | None = None
        self._operation = asyncio.Lock()
        self._result: asyncio.Future[str | Outcome | MenuAnswer] | None = None
        self._slowest_ms = 0.0
        self._latest_tick_ms = 0.0
        self._due_s = math.inf

    @property
    def capabilities(self) -> Capabilities:
        """`motor_s` is the longest a vend is watched, extended by progress as far as that may go."""
        return Capabilities(
            bus="xy",
            witness=witness(self._settings),
            repeat_is_harmless=self._settings.board_drops_repeats,
            seq_bits=8,
            start_s=START_S,
            motor_s=self._settings.longest_vend_ms // 1000,
            keypad=True,
        )

    async def run(self, post: Callable[[BusEvent], None]) -> None:
        """Serve the bus until cancelled. Raises BusBroken when the port's path is no serial port."""
        self._post = post
        serving = asyncio.create_task(self._port.serve(self), name="xy.port")
        try:
            while not serving.done():
                self._due_s = asyncio.get_running_loop().time() + self._tick_s
                await asyncio.sleep(self._tick_s)
                self._latest_tick_ms = max(self._latest_tick_ms, 1000 * self._behind_s())
                self._session.tick(self._clock.now_ms())
                self._publish()
            await serving
        finally:
            serving.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await serving

    async def check(self, lane: int) -> str:
        """Ask with `01`; "" when the lane can vend, else a name such as `sold_out` or `no_answer`."""
        result = await self._perform(lambda now_ms: self._session.ask(lane, now_ms))
        assert isinstance(result, str), "a check ends with a reason"
        return result

    async def baseline(self, lane: int) -> Baseline:
        """The lane's stock as last reported, and what the menu counts, where that proves something.

        Raises BusError while the board is not there.
        """
        if self._settings.sales_count_vends:
            self._session.sold(lane, None)
            told = await self._consult(AskMenu(LANE_SALES, lane))
            self._session.sold(lane, sales(told) if told is not None else None)
        baseline = self._session.baseline(lane)
        if baseline is None:
            raise BusError("the board is not identified; nothing was sent")
        return baseline

    @property
    def acts(self) -> frozenset[Act]:
        """What the service menu can do for a technician."""
        return frozenset(SERVICES)

    async def serve(self, act: Act, wish: Wish) -> Served:
        """Ask the service menu. Raises Unable when nothing was sent, Unanswered, KeyError for other acts."""
        script = SERVICES[act](self._settings, wish)
        try:
            entry = next(script)
            while True:
                told = await self._consult(entry.command, wait_s=entry.wait_s, moves=entry.moves)
                if told is None:
                    raise Unanswered("no answer of the board's service menu; firmware V3.2.11 has one")
                entry = script.send(told)
        except StopIteration as end:
            served: Served = end.value
            return served

    async def vend(self, order: VendOrder) -> Outcome:
        """Write one `06` while the lease lives, and watch. `order.seq` is its PackNo, 1..255."""
        return self._outcome(await self._perform(lambda now_ms: self._session.drive(order, now_ms)))

    async def recover(self, order: VendOrder) -> Outcome:
        """Hear what the board still repeats of an interrupted order. Never moves anything."""
        self._port.discard_input()
        return self._outcome(await self._perform(lambda now_ms: self._session.listen(order, now_ms)))

    async def resync(self) -> None:
        """Flush, settle, identify the board again; BusUp follows when it is idle."""
        async with self._operation:
            self._port.discard_input()
            self._session.resync(self._clock.now_ms())

    def dismiss(self, lane: int) -> None:
        """The machine asks for nothing that would have to be refused."""

    def health(self) -> BusHealth:
        """Counters since the start. `loop_late_ms` is the most that the loop kept anything waiting."""
        health = self._session.health()
        facts = {**health.facts, "loop_late_ms": round(self._latest_tick_ms)}
        return replace(health, slowest_answer_ms=self._slowest_ms, facts=facts)

    # ------------------------------------------------------------ the port's listener

    def on_opened(self) -> None:
        """The board may speak now."""
        self._session.opened(self._clock.now_ms())

    def on_data(self, data: bytes) -> None:
        """Answer first, then tell."""
        began = time.perf_counter()
        now_ms = self._clock.now_ms()
        reply = self._session.receive(data, now_ms, late=self._behind_s() > LATE_S)
        if reply:
            self._port.write(reply)
            self._slowest_ms = max(self._slowest_ms, 1000 * (time.perf_counter() - began))
        if self._trace is not None:
            self._trace("rx", data, now_ms)
            if reply:
                self._trace("tx", reply, self._clock.now_ms())
        self._publish()

    def on_lost(self, why: str) -> None:
        """The port is gone; `why` is in the log."""
        self._session.lost(self._clock.now_ms())
        self._publish()

    # ------------------------------------------------------------ helpers

    def _behind_s(self) -> float:
        """How long the loop has been late with its tick: so long, bytes may have waited for it."""
        return asyncio.get_running_loop().time() - self._due_s

    async def _perform(self, begin: Callable[[int], None]) -> str | Outcome | MenuAnswer:
        """Run one operation of the session to its end; one that nobody waits for any more is withdrawn."""
        async with self._operation:
            self._result = asyncio.get_running_loop().create_future()
            try:
                begin(self._clock.now_ms())
                self._publish()
                return await self._result
            except asyncio.CancelledError:
                self._session.abandon(self._clock.now_ms())
                raise
            finally:
                self._result = None

    def _publish(self) -> None:
        for fact in self._session.facts():
            if not isinstance(fact, Ended):
                if self._post is not None:
                    self._post(fact)
            elif self._result is not None and not self._result.done():
                self._result.set_result(fact.result)

    async def _consult(
        self, command: AskMenu | UseMenu, *, wait_s: int | None = None, moves: bool = False
    ) -> MenuAnswer | None:
        """What the menu answered; None where it did not, or the board is not there."""
        wait_s = self._settings.check_s if wait_s is None else wait_s
        result = await self._perform(
            lambda now_ms: self._session.consult(command, now_ms, wait_s=wait_s, moves=moves)
        )
        return result if isinstance(result, MenuAnswer) else None

    def _outcome(self, result: str | Outcome | MenuAnswer) -> Outcome:
        assert not isinstance(result, str | MenuAnswer), "a vend ends with an outcome"
        return result
