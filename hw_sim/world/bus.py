"""A serial line in virtual time between a driver and a board, with bytes that may be lost or changed.

The board has power of its own: a daemon that dies leaves it running. Nothing is kept for a port that is not
open, as on a real line.

Between shoppers there is nothing on the line of a board that gives the turn but turn and acknowledgement,
over and over. After some of that the board rests: it leaves out turns, as many as the driver bears without
calling it silent, and keeps step. Whatever could make a turn count (a key, a fault, a daemon that starts, a
driver that wants something) ends the rest with the next turn that it would have given; while there is noise
no board rests.
"""

import asyncio
import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random
from typing import Final

from edge.drivers.serial_port import Listener
from hw_sim.boards.answering import NEVER
from hw_sim.boards.board import Board
from hw_sim.boards.junpeng import JunpengBoard
from hw_sim.boards.xy import XyBoard
from hw_sim.world.buses import KINDS, USUAL, Kind
from hw_sim.world.loop import Handle, Host, WorldLoop

BITS: Final = 10  # of a byte on the line
LATENCY_S: Final = 0.001
# How long bytes are held back, at most: towards the board less than a driver allows for a frame in the line.
LATE_UP_S: Final = 0.8
LATE_DOWN_S: Final = 3.0
REST_AFTER: Final = 3  # turns that came to nothing
REST_MS: Final = 2_500  # between turns of a board that rests, at most: the driver takes 3 s for silence
_A_BIT_S: Final = 1e-6  # past the moment, so that no rounding makes it too early


@dataclass(slots=True, kw_only=True)
class Noise:
    """Chances a piece of bytes: gone, one bit of it wrong, or held back. `deaf` cuts the line.

    What is held back holds back what follows, as an adapter does that stalls.
    """

    loss: float = 0.0
    flip: float = 0.0
    late: float = 0.0
    deaf: bool = False

    @property
    def on(self) -> bool:
        """Whether anything may be hurt."""
        return bool(self.deaf or self.loss or self.flip or self.late)


@dataclass(frozen=True, slots=True, kw_only=True)
class Speech:
    """How both ends speak: frames, bits a second, milliseconds between turns where a board gives them."""

    kind: Kind = KINDS[USUAL]
    baud: int = 57_600
    poll_ms: int


class Bus:
    """The line. `plug` gives the driver's end; the board's end runs by itself.

    `told` hears of each motor that starts and each piece that falls, with its lane; `listening` says that a
    vend is being watched, so that what gets lost then is told as well. `step` names each write of a vend
    and of a recovery.
    """

    def __init__(
        self,
        loop: WorldLoop,
        board: Board,
        chance: Random,
        *,
        speech: Speech,
        told: Callable[[str, int], None],
        step: Callable[[str], None],
    ) -> None:
        self.noise: Final = Noise()
        self.port: Port | None = None
        self._loop: Final = loop
        self._board: Final = board
        self._chance: Final = chance
        self._told: Final = told
        self._step: Final = step
        self._kind: Final = speech.kind
        self._byte_s: Final = BITS / speech.baud
        self._poll_ms: Final = speech.poll_ms
        self._turns: Final = board if isinstance(board, XyBoard | JunpengBoard) else None
        self.listening = False
        self.lane = 0  # of the order that the driver was given last
        self._spoiled_s = 0.0
        self._down_s = self._up_s = 0.0  # when the last bytes each way arrive
        self._wanted = 0  # operations of the driver that are under way
        self._empty_turns = 0
        self._timer: Handle | None = None
        self._look()

    def plug(self, host: Host) -> "Port":
        """The port as a driver of this host sees it; an older one hears nothing any more."""
        self.port = Port(self, host)
        self._wanted, self.listening = 0, False
        self.awake()
        return self.port

    @contextmanager
    def wanted(self, *, listening: bool = False) -> Iterator[None]:
        """While this lasts, the driver wants something of the board."""
        self._wanted += 1
        self.listening = self.listening or listening
        self.awake()
        try:
            yield
        finally:
            self._wanted -= 1
            self.listening = self.listening and not listening

    def to_board(self, data: bytes) -> None:
        """Bytes of the driver, on their way."""
        if self._kind.nothing(data):
            pass
        elif self._kind.moves(data):
            self._empty_turns = 0
            self._told("frame leaves", self.lane)
            self._step("serial.write")
        else:
            self._empty_turns = 0
            if self.listening and self._turns is None:
                self._step("serial.ask")
        if heard := self._spoiled(data):
            now_s = self._loop.time()
            wait_s = LATENCY_S + self._byte_s * len(heard) + self._late_s(LATE_UP_S)
            self._up_s = max(self._up_s, now_s + wait_s)
            self._loop.on(self._loop.nature, self._up_s - now_s, self._hear, heard)

    def now_ms(self) -> float:
        """The board's clock."""
        return 1000 * self._loop.time()

    def awake(self) -> None:
        """Something was done to the board: no turn is left out for now."""
        self._empty_turns = 0
        self._wait()

    def _hear(self, data: bytes) -> None:
        self._write(self._board.hear(data, self.now_ms()))
        self._wait()

    def _look(self) -> None:
        rested = self._only_turns()
        written = self._board.tick(self.now_ms())
        if written:
            self._empty_turns = self._empty_turns + 1 if rested or self._only_turns() else 0
        self._write(written)
        self._wait()

    def _wait(self) -> None:
        """Look at the board when it has something to do, and not before."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        due_ms, rests = self._board.next_ms, self._rests()
        if not self._board.powered or due_ms >= NEVER or (rests and self._alone()):
            return
        now_ms = self.now_ms()
        if rests:
            due_ms += (REST_MS - self._poll_ms) // self._poll_ms * self._poll_ms
        elif due_ms < now_ms and self._turns is not None:  # it rested until now
            due_ms += self._poll_ms * math.ceil((now_ms - due_ms) / self._poll_ms)
        wait_s = max(0.001, (due_ms - now_ms) / 1000 + _A_BIT_S)
        self._timer = self._loop.on(self._loop.nature, wait_s, self._look)

    def _rests(self) -> bool:
        idle = self._empty_turns >= REST_AFTER and not self._wanted and not self.noise.on
        return idle and self._only_turns()

    def _only_turns(self) -> bool:
        """The board gives turns, and has nothing to tell."""
        return self._turns is not None and self._turns.resting

    def _alone(self) -> bool:
        """No daemon has the port open: a turn would be given to nobody."""
        return self.port is None or not self.port.alive

    def _write(self, pieces: list[bytes]) -> None:
        self._tell()
        for piece in pieces:
            data, port = self._spoiled(piece), self.port
            if data and port is not None:
                begins_s = self._loop.time() + LATENCY_S + self._late_s(LATE_DOWN_S)
                self._down_s = max(self._down_s, begins_s) + self._byte_s * len(data)
                self._loop.on(port.host, self._down_s - self._loop.time(), port.hear, data)

    def _tell(self) -> None:
        for event in self._board.events:
            fields = dict(event.fields)
            if event.what == "motor":
                self._told("motor starts" if fields["running"] else "motor stops", _lane(fields))
            elif event.what == "dropped":
                self._told("piece falls" if fields["seen"] else "piece falls unseen", _lane(fields))
        self._board.events.clear()

    def _spoiled(self, data: bytes) -> bytes:
        noise, chance = self.noise, self._chance
        if noise.deaf or (noise.loss and chance.random() < noise.loss):
            self._spoil()
            return b""
        if noise.flip and chance.random() < noise.flip:
            self._spoil()
            at = chance.randrange(len(data))
            return data[:at] + bytes((data[at] ^ 1 << chance.randrange(8),)) + data[at + 1 :]
        return data

    def _late_s(self, most_s: float) -> float:
        if not self.noise.late or self._chance.random() >= self.noise.late:
            return 0.0
        self._spoil()
        return most_s * self._chance.random()

    def _spoil(self) -> None:
        if self.listening or self._loop.time() - self._spoiled_s >= 1.0:
            self._spoiled_s = self._loop.time()
            self._told("bytes are lost", 0)


class Port:
    """Implements `edge.drivers.serial_port.Transport`."""

    def __init__(self, bus: Bus, host: Host) -> None:
        self.host: Final = host
        self._bus: Final = bus
        self._life: Final = host.life
        self._listener: Listener | None = None

    async def serve(self, listener: Listener) -> None:
        """Open, and stay open until cancelled."""
        self._listener = listener
        listener.on_opened()
        await asyncio.Event().wait()

    @property
    def alive(self) -> bool:
        """The daemon that opened it runs."""
        return self._life == self.host.life

    def write(self, data: bytes) -> None:
        """Write at once; a daemon that has just died writes nothing."""
        if self.alive:
            self._bus.to_board(data)

    def discard_input(self) -> None:
        """Nothing waits here unread."""

    def hear(self, data: bytes) -> None:
        """Bytes have arrived."""
        if self._listener is not None and self.alive:
            self._listener.on_data(data)


def _lane(fields: Mapping[str, object]) -> int:
    lane = fields["lane"]
    assert isinstance(lane, int)
    return lane
