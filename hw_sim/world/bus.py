"""A serial line in virtual time between a driver and a board, with bytes that may be lost or changed.

The board has power of its own: a daemon that dies leaves it running. Nothing is kept for a port that is not
open, as on a real line.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Final

from edge.drivers.serial_port import Listener
from hw_sim.boards.xy import XyBoard
from hw_sim.world.loop import Host, WorldLoop

BYTE_S: Final = 10 / 57_600
LATENCY_S: Final = 0.001
# Where command and lane of a frame stand, and the command that moves something (XY protocol section 2).
_COMMAND: Final = 2
_DRIVE: Final = b"\x06"
_LANE: Final = slice(7, 9)


@dataclass(slots=True, kw_only=True)
class Noise:
    """Chances a piece of bytes: gone, or one bit of it wrong. `deaf` cuts the line."""

    loss: float = 0.0
    flip: float = 0.0
    deaf: bool = False


class Bus:
    """The line. `plug` gives the driver's end; the board's end runs by itself.

    `told` hears of each motor that starts and each piece that falls, with its lane; `listening` says that a
    vend is being watched, so that what gets lost then is told as well. `step` names each write that moves.
    """

    def __init__(
        self,
        loop: WorldLoop,
        board: XyBoard,
        chance: Random,
        *,
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
        self.listening = False
        self._spoiled_s = 0.0
        self._down_s = 0.0
        self._tick()

    def plug(self, host: Host) -> "Port":
        """The port as a driver of this host sees it; an older one hears nothing any more."""
        self.port = Port(self, host)
        return self.port

    def to_board(self, data: bytes) -> None:
        """Bytes of the driver, on their way."""
        moves = data[_COMMAND : _COMMAND + 1] == _DRIVE
        if moves:
            self._told("frame leaves", int.from_bytes(data[_LANE], "big"))
            self._step("serial.write")
        if heard := self._spoiled(data):
            self._loop.on(self._loop.nature, LATENCY_S + BYTE_S * len(heard), self._hear, heard)

    def now_ms(self) -> float:
        """The board's clock."""
        return 1000 * self._loop.time()

    def awake(self) -> None:
        """Something was done to the board: look at it now."""
        self._write(self._board.tick(self.now_ms()))

    def _hear(self, data: bytes) -> None:
        self._write(self._board.hear(data, self.now_ms()))

    def _tick(self) -> None:
        self._write(self._board.tick(self.now_ms()))
        wait_s = max(0.001, (self._board.next_ms - self.now_ms()) / 1000)
        self._loop.on(self._loop.nature, wait_s, self._tick)

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

    def write(self, data: bytes) -> None:
        """Write at once; a daemon that has just died writes nothing."""
        if self._life == self.host.life:
            self._bus.to_board(data)

    def discard_input(self) -> None:
        """Nothing waits here unread."""

    def hear(self, data: bytes) -> None:
        """Bytes have arrived."""
        if self._listener is not None and self._life == self.host.life:
            self._listener.on_data(data)


def _lane(fields: Mapping[str, object]) -> int:
    lane = fields["lane"]
    assert isinstance(lane, int)
    return lane
