"""A driver and a simulated board on one serial line in virtual time: nothing here takes real seconds."""

import asyncio
import random
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from edge.core.model import Baseline, Outcome, VendOrder
from edge.drivers.serial_port import Listener
from edge.ports import BusEvent, Dispenser
from hw_sim.boards.board import Board
from hw_sim.world.clocks import WorldClock
from hw_sim.world.loop import WorldLoop

T = TypeVar("T")
BYTE_S = 10 / 9_600


class Wire:
    """Implements `edge.drivers.serial_port.Transport`, with the board at its other end."""

    def __init__(self, loop: WorldLoop, board: Board) -> None:
        self.loop, self.board = loop, board
        self.written: list[bytes] = []
        self._listener: Listener | None = None
        self._busy_until_s = 0.0
        self._timer: asyncio.Handle | None = None

    async def serve(self, listener: Listener) -> None:
        self._listener = listener
        listener.on_opened()
        self.look()
        await asyncio.Event().wait()

    def pull(self) -> None:
        """The adapter is gone."""
        assert self._listener is not None
        self._listener.on_lost("gone")

    def plug(self) -> None:
        """The adapter is back."""
        assert self._listener is not None
        self._listener.on_opened()

    def write(self, data: bytes) -> None:
        self.written.append(data)
        self.loop.on(self.loop.nature, BYTE_S * len(data), self._hear, data)

    def discard_input(self) -> None:
        pass

    def now_ms(self) -> float:
        return 1000 * self.loop.time()

    def look(self) -> None:
        """Let the board do what is due, and come back when it has more to do."""
        self._say(self.board.tick(self.now_ms()))

    def _hear(self, data: bytes) -> None:
        self._say(self.board.hear(data, self.now_ms()))
        self.look()

    def _say(self, pieces: list[bytes]) -> None:
        for piece in pieces:
            self._busy_until_s = max(self._busy_until_s, self.loop.time()) + BYTE_S * len(piece)
            self.loop.on(self.loop.nature, self._busy_until_s - self.loop.time(), self._bring, piece)
        if self._timer is not None:
            self._timer.cancel()
        if self.board.next_ms < float("inf"):
            wait_s = max(0.001, (self.board.next_ms - self.now_ms()) / 1000)
            self._timer = self.loop.on(self.loop.nature, wait_s, self.look)

    def _bring(self, data: bytes) -> None:
        if self._listener is not None:
            self._listener.on_data(data)


Make = Callable[[WorldClock, Wire], Dispenser]


class Shop:
    """One machine: a board, its driver, and what the driver told."""

    def __init__(self, board: Board, make: Make) -> None:
        self.loop = WorldLoop(random.Random(1).randrange)
        self.board = board
        self.wire = Wire(self.loop, board)
        self.clock = WorldClock(self.loop)
        self.told: list[BusEvent] = []
        self._make = make
        self.dispenser: Dispenser = make(self.clock, self.wire)
        self.start()

    def start(self) -> None:
        """The daemon starts: a new driver on the same line."""
        self.dispenser = self._make(self.clock, self.wire)
        self.loop.spawn(self.loop.nature, self.dispenser.run(self.told.append), "bus")

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.loop.run_until(self.loop.time() + seconds)
        assert self.loop.broken == []

    def do(self, work: Coroutine[Any, Any, T], *, within_s: float = 300) -> T:
        """Run something of the driver's to its end."""
        task = self.loop.spawn(self.loop.nature, work, "ask")
        until_s = self.loop.time() + within_s
        while not task.done() and self.loop.time() < until_s:
            self.wait(0.05)
        return task.result()  # type: ignore[no-any-return]

    def up(self) -> "Shop":
        """Through the start-up."""
        self.wait(10)
        return self

    def order(self, lane: int = 12, *, seq: int = 77, lease_s: float = 240) -> VendOrder:
        """An order as the engine makes it, with the board's evidence of before."""
        baseline: Baseline = self.do(self.dispenser.baseline(lane))
        return VendOrder(
            sale_id="S1",
            lane=lane,
            seq=seq,
            baseline=baseline,
            start_before_ms=self.clock.now_ms() + int(1000 * lease_s),
        )

    def vend(self, lane: int = 12, **order: Any) -> Outcome:
        """Check nothing, vend."""
        return self.do(self.dispenser.vend(self.order(lane, **order)))

    @property
    def starts(self) -> int:
        """Motors that began to turn."""
        return self.board.cabinet.motor_starts

    @property
    def fallen(self) -> int:
        """Pieces that fell."""
        return self.board.cabinet.pieces_dropped
