"""A dispenser in the world whose board remembers a run in one way: each way that a recovery can go.

The board (`hw_sim.boards.recovery`) lives beside the daemon: it runs on while that is dead, and loses with
the power what it does not keep. Everything above it is real, and so is the judge that is asked.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from edge.core.judge import Counts, Ending, Evidence, Record, Recovery, Witness
from edge.core.model import Baseline, Outcome, VendOrder
from edge.drivers.evidence import judged
from edge.ports import BusEvent, BusHealth, BusUp, Capabilities, KeyPressed, LaneReported
from hw_sim.boards.recovery import Board, Make
from hw_sim.world.loop import WorldLoop
from hw_sim.world.machine import Machine
from hw_sim.world.story import Entry, Story

_MOMENT_S: Final = 0.5
_SETTLE_S: Final = 1.0
_PIECES: Final = 50


@dataclass(slots=True)
class Memory:
    """A board of a make in a machine. `run` is how its runs go; it does nothing past `stops_after` moments.

    `deaf`: it answers nothing; `repeats`: it says the end of its last run until somebody acts on it.
    """

    board: Board
    machine: Machine
    loop: WorldLoop
    story: Story
    run: str = "good"
    stops_after: int = 100
    deaf: bool = False
    repeats: bool = False
    begun: int = 0
    done: int = 0
    life: int = 0
    post: Callable[[BusEvent], None] = lambda event: None

    @classmethod
    def put_into(cls, machine: Machine, make: Make, loop: WorldLoop, story: Story) -> "Memory":
        """In place of the machine's own board, before it starts."""
        memory = cls(board=Board(make), machine=machine, loop=loop, story=story)
        machine.drives = lambda run: Remembering(memory)
        story.watch(memory.hear)
        return memory

    def hear(self, entry: Entry) -> None:
        """Power goes with the machine's."""
        if entry.who == self.machine.name and entry.what == "power cut":
            self.life += 1
            self.board.cut()

    def press(self, lane: int) -> None:
        """A shopper presses a number."""
        self.post(KeyPressed(lane=lane))

    def begin(self, order: VendOrder) -> None:
        """The board is told to run: one thing after the other, whoever waits for it."""
        self.begun += 1
        self.loop.on(self.loop.nature, _MOMENT_S, self._next, order, 0, self.life)

    def _next(self, order: VendOrder, at: int, life: int) -> None:
        board, cabinet = self.board, self.machine.board.cabinet
        moments = board.moments(order.seq, self.run)
        if life != self.life or at >= self.stops_after:
            return
        if at == len(moments):
            self.done += 1
            return
        started, fallen = board.started, board.fallen
        moments[at]()
        if board.started > started:
            cabinet.turn(cabinet.lanes[order.lane])
            self.story.add(self.machine.name, "motor starts", lane=order.lane)
        if board.fallen > fallen:
            cabinet.drop(cabinet.lanes[order.lane])
            self.story.add(self.machine.name, "piece falls", lane=order.lane)
        self.loop.on(self.loop.nature, _MOMENT_S, self._next, order, at + 1, life)

    def evidence(self) -> Evidence:
        """What it says of itself."""
        board, make = self.board, self.board.make
        if self.deaf:
            return Evidence(answered=False)
        records = tuple(Record(seq=seq, ending=Ending(how)) for seq, how in board.read())
        return Evidence(
            repeated=records[-1].ending if self.repeats and not board.has_restarted else None,
            records=records,
            kept=make.keeps or not board.has_restarted,
            fell=board.fell if make.latch or make.kind == "door" else None,
            running=board.running,
            count=board.count if make.counter != "nothing" else None,
        )

    @property
    def witness(self) -> Witness:
        """What its driver declares."""
        make = self.board.make
        return Witness(
            recovery=Recovery(make.kind),
            marks_start=make.marks,
            drop_sensor=make.sensor,
            counts=Counts(make.counter),
            counter_bits=32 if make.counter != "nothing" else 0,
        )


class Remembering:
    """Implements `edge.ports.Dispenser`: what a driver of such a board does, without any bytes."""

    def __init__(self, memory: Memory) -> None:
        self._memory: Final = memory

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(
            bus="memory",
            witness=self._memory.witness,
            repeat_is_harmless=False,
            seq_bits=16,
            start_s=5,
            motor_s=30,
            keypad=True,
        )

    async def run(self, post: Callable[[BusEvent], None]) -> None:
        self._memory.post = post
        for lane in self._memory.machine.plan.lanes:
            post(LaneReported(lane=lane, stock=_PIECES, capacity=_PIECES))
        post(BusUp(identity="memory"))
        await asyncio.Event().wait()

    async def check(self, lane: int) -> str:
        return ""

    async def baseline(self, lane: int) -> Baseline:
        records, board = self._memory.board.records, self._memory.board
        return Baseline(
            seq=records[-1][0] if records else None,
            count=board.count if board.make.counter != "nothing" else None,
        )

    async def vend(self, order: VendOrder) -> Outcome:
        memory = self._memory
        done = memory.done
        memory.begin(order)
        while memory.done == done:  # noqa: ASYNC110 - the board runs beside the daemon and wakes nobody
            await asyncio.sleep(_MOMENT_S)
        return judged(memory.witness, order, memory.evidence())

    async def recover(self, order: VendOrder) -> Outcome:
        await asyncio.sleep(_SETTLE_S)
        return judged(self._memory.witness, order, self._memory.evidence())

    def dismiss(self, lane: int) -> None:
        pass

    async def resync(self) -> None:
        await asyncio.sleep(_SETTLE_S)
        self._memory.post(BusUp(identity="memory"))

    def health(self) -> BusHealth:
        return BusHealth()
