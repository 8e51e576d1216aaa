"""A serial line in virtual time between a driver and a board, with bytes that may be lost or changed.

The board has power of its own: a daemon that dies leaves it running. Nothing is kept for a port that is not
open, as on a real line.

Between shoppers there is nothing on a line but turn and acknowledgement, over and over. After some of that
the board rests: it leaves out turns, as many as the driver bears without calling it silent, and keeps step.
Whatever could make a turn count (a key, a fault, a daemon that starts, a driver that wants something) ends
the rest with the next turn that it would have given; while there is noise no board rests.
"""

import asyncio
import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random
from typing import Final

from edge.drivers.serial_port import Listener
from hw_sim.boards.xy import XyBoard
from hw_sim.world.loop import Handle, Host, WorldLoop

BYTE_S: Final = 10 / 57_600
LATENCY_S: Final = 0.001
REST_AFTER: Final = 3  # turns that came to nothing
REST_MS: Final = 2_500  # between turns of a board that rests, at most: the driver takes 3 s for silence
_A_BIT_S: Final = 1e-6  # past the moment, so that no rounding makes it too early
# Where command and lane of a frame stand, the command that moves something, and the word that the host has
# nothing to say (XY protocol section 2).
_COMMAND: Final = slice(2, 3)
_DRIVE: Final = b"\x06"
_NOTHING: Final = b"\x42"
_LANE: Final = slice(7, 9)


@dataclass(slots=True, kw_only=True)
class Noise:
    """Chances a piece of bytes: gone, or one bit of it wrong. `deaf` cuts the line."""

    loss: float = 0.0
    flip: float = 0.0
    deaf: bool = False

    @property
    def on(self) -> bool:
        """Whether anything may be hurt."""
        return bool(self.deaf or self.loss or self.flip)


class Bus:
    """The line. `plug` gives the driver's end; the board's end runs by itself and polls each `poll_ms`.

    `told` hears of each motor that starts and each piece that falls, with its lane; `listening` says that a
    vend is being watched, so that what gets lost then is told as well. `step` names each write that moves.
    """

    def __init__(
        self,
        loop: WorldLoop,
        board: XyBoard,
        chance: Random,
        *,
        poll_ms: int,
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
        self._poll_ms: Final = poll_ms
        self.listening = False
        self._spoiled_s = 0.0
        self._down_s = 0.0
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
        command = data[_COMMAND]
        if command != _NOTHING:
            self._empty_turns = 0
        if command == _DRIVE:
            self._told("frame leaves", int.from_bytes(data[_LANE], "big"))
            self._step("serial.write")
        if heard := self._spoiled(data):
            self._loop.on(self._loop.nature, LATENCY_S + BYTE_S * len(heard), self._hear, heard)

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
        rested = self._board.resting
        written = self._board.tick(self.now_ms())
        if written:
            self._empty_turns = self._empty_turns + 1 if rested else 0
        self._write(written)
        self._wait()

    def _wait(self) -> None:
        """Look at the board when it has something to do, and not before."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._board.powered and not (self._rests() and self._alone()):
            wait_s = max(0.001, (self._due_ms() - self.now_ms()) / 1000 + _A_BIT_S)
            self._timer = self._loop.on(self._loop.nature, wait_s, self._look)

    def _due_ms(self) -> float:
        due_ms, now_ms = self._board.next_ms, self.now_ms()
        if self._rests():
            return due_ms + (REST_MS - self._poll_ms) // self._poll_ms * self._poll_ms
        if due_ms < now_ms:  # it rested until now
            due_ms += self._poll_ms * math.ceil((now_ms - due_ms) / self._poll_ms)
        return due_ms

    def _rests(self) -> bool:
        idle = self._empty_turns >= REST_AFTER and not self._wanted and not self.noise.on
        return idle and self._board.resting

    def _alone(self) -> bool:
        """No daemon has the port open: a turn would be given to nobody."""
        return self.port is None or not self.port.alive

    def _write(self, pieces: list[bytes]) -> None:
        self._tell()
        for piece in pieces:
            data, port = self._spoiled(piece), self.port
            if data and port is not None:
                self._down_s = max(self._down_s, self._loop.time() + LATENCY_S) + BYTE_S * len(data)
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
