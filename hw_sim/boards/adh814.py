"""An ADH814 board, from the notes on its protocol alone (motor board protocols, section 3).

addr CMD data CRC-lo CRC-hi; answers begin with 00, the answer to A1 with the address. No length byte.
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

from hw_sim.boards.answering import AnsweringBoard, Run, Timing
from hw_sim.boards.mechanics import Cabinet

OWN_FAULTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "over_current": "the motor draws too much and stops (fault 1)",
        "forgets": "a latched result does not outlive a power cut",
        "probe_open": "the temperature probe is not connected (-40)",
    }
)
_REQUEST_LENGTHS: Final = {0xA1: 4, 0xA2: 4, 0xA3: 4, 0xA4: 7, 0xA5: 5, 0xA6: 4, 0xB5: 6}
_NAMES: Final = {
    0xA1: "identity",
    0xA2: "doors",
    0xA3: "poll",
    0xA4: "temperature",
    0xA5: "run",
    0xA6: "clear",
}
_OVER_CURRENT, _OPEN, _TIMEOUT, _NO_DROP = 1, 2, 3, 4
_MOST: Final = 0xFE


def crc(data: bytes) -> bytes:
    """CRC16/MODBUS bit by bit, low byte first."""
    word = 0xFFFF
    for byte in data:
        word ^= byte
        for _ in range(8):
            word = word >> 1 ^ 0xA001 if word & 1 else word >> 1
    return bytes((word & 0xFF, word >> 8))


class Adh814Board(AnsweringBoard):
    """`offset` is what a lane's number is above its motor's."""

    def __init__(
        self, cabinet: Cabinet, timing: Timing | None = None, *, address: int = 1, offset: int = 0
    ) -> None:
        super().__init__(cabinet, timing, more=OWN_FAULTS)
        self._address: Final = address
        self._offset: Final = offset
        self._latched: bytes | None = None
        self._started_ms = 0.0

    def requests(self, held: bytes) -> Iterator[tuple[int, bytes]]:
        """By address, command and check; anything else is noise."""
        at = 0
        while at + 1 < len(held):
            length = _REQUEST_LENGTHS.get(held[at + 1], 0) if held[at] == self._address else 0
            if length and at + length > len(held):
                break
            raw = held[at : at + length]
            if length and crc(raw[:-2]) == raw[-2:]:
                yield length, raw
                at += length
            else:
                yield 1, b""
                at += 1

    def answer(self, request: bytes, now_ms: float) -> None:
        """Obey."""
        match request[1]:
            case 0xA1:
                self._say(request[1], b"ADH814-V2.06    ", now_ms, sender=self._address)
            case 0xA2:
                self._say(request[1], bytes(18), now_ms)
            case 0xA3:
                self._say(request[1], self._status(now_ms), now_ms)
            case 0xA4:
                self.cabinet.target_c = int.from_bytes(request[3:5], "big", signed=True)
                self._say(request[1], request[2:5], now_ms)
            case 0xA5:
                self._say(request[1], bytes((self._run_motor(request[2], now_ms),)), now_ms)
            case 0xA6:
                self._latched = None
                self._say(request[1], b"", now_ms)

    def ended(self, run: Run, now_ms: float) -> None:
        """The result stays until it is cleared."""
        result = _TIMEOUT if not run.turn.stops else 0
        if self.faults.strikes("over_current"):
            result = _OVER_CURRENT
        if run.sensor and not run.seen:
            result |= _NO_DROP
        motor = run.lane.number - self._offset
        tenths = min(255, round((now_ms - self._started_ms) / 100))
        self._latched = bytes((2, motor, result, 0x01, 0x90, 0x00, 0xDC, tenths))

    def woke(self) -> None:
        """Whether the latch outlives a power cut is not documented: both are possible."""
        if self.faults.on("forgets"):
            self._latched = None

    def words(self, raw: bytes) -> str:
        """The command's name."""
        return _NAMES.get(raw[1], "unknown")

    def _run_motor(self, motor: int, now_ms: float) -> int:
        if self._latched is not None:
            return 3
        if self.run is not None:
            return 2
        if motor > _MOST:
            return 1
        self._started_ms = now_ms
        if self.start(motor + self._offset, now_ms, sensor=True) is None:
            self._latched = bytes((2, motor, _OPEN | _NO_DROP, 0, 0, 0, 0, 0))
        return 0

    def _status(self, now_ms: float) -> bytes:
        celsius = -40 if self.faults.on("probe_open") else self.cabinet.temperature_c
        probe = celsius.to_bytes(1, "big", signed=True)
        if self.run is not None:
            return bytes((1, self.run.lane.number - self._offset, 0, 1, 0x90, 0, 0xDC, 0)) + probe
        return (self._latched or bytes(8)) + probe

    def _say(self, command: int, data: bytes, now_ms: float, *, sender: int = 0) -> None:
        body = bytes((sender, command)) + data
        self.reply(body + crc(body), now_ms)
