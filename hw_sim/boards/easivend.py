"""An Easivend channel board, from the notes on its protocol alone (motor board protocols, section 2).

host ED 08 SN CMD CH D-lo D-hi XOR, board EE 08 SN CMD CH ST 00 XOR
"""

from collections.abc import Iterator, Mapping
from functools import reduce
from operator import xor
from types import MappingProxyType
from typing import Final

from hw_sim.boards.answering import AnsweringBoard, Run, Timing
from hw_sim.boards.mechanics import Cabinet

OWN_FAULTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "old_build": "the status stands where the length belongs",
        "echoes_number": "the result bears the question's number instead of the run's",
        "forgets": "number and result do not outlive a power cut",
        "sensor_fault": "the confirmation device is broken; the motor does not turn (80)",
    }
)
_NAMES: Final = {0x70: "dispense", 0x71: "check", 0x72: "clear number", 0x73: "last result"}
_GOOD, _FAILED, _BUSY, _NO_TURN, _NOT_BACK, _UNSEEN, _SENSOR = 0, 1, 2, 8, 0x10, 0x20, 0x80


class EasivendBoard(AnsweringBoard):
    """`offset` is what a lane's number is above its channel's."""

    def __init__(self, cabinet: Cabinet, timing: Timing | None = None, *, offset: int = 0) -> None:
        super().__init__(cabinet, timing, more=OWN_FAULTS)
        self._offset: Final = offset
        self._seq = 0
        self._status = _GOOD

    def requests(self, held: bytes) -> Iterator[tuple[int, bytes]]:
        """Eight bytes from `ED 08` on, with the right XOR."""
        at = 0
        while at < len(held):
            if held[at] != 0xED:
                yield 1, b""
                at += 1
                continue
            raw = held[at : at + 8]
            if len(raw) < 8:
                break
            good = raw[1] == 8 and reduce(xor, raw) == 0
            yield (8, raw) if good else (1, b"")
            at += 8 if good else 1

    def answer(self, request: bytes, now_ms: float) -> None:
        """Obey. A number that is the last one's is only reported on."""
        _, _, seq, command, channel, _, flags, _ = request
        match command:
            case 0x70:
                self._dispense(seq, channel, sensor=bool(flags & 1), now_ms=now_ms)
            case 0x73:
                told = seq if self.faults.on("echoes_number") else self._seq
                status = _BUSY | _FAILED if self.run is not None else self._status
                self._say(told, command, channel, status, now_ms)
            case _:
                self._seq = 0 if command == 0x72 else self._seq
                lane = self.cabinet.lanes.get(channel + self._offset)
                fitted = lane is not None and lane.motor
                self._say(seq, command, channel, _GOOD if fitted else _FAILED | _NO_TURN, now_ms)

    def ended(self, run: Run, now_ms: float) -> None:
        """The second answer."""
        self._status = _GOOD
        if not run.turn.stops:
            self._status = _FAILED | _NOT_BACK
        elif not run.good:
            self._status = _FAILED | _UNSEEN
        self._say(self._seq, 0x70, run.lane.number - self._offset, self._status, now_ms)

    def woke(self) -> None:
        """Whether the number outlives a power cut is not documented: both are possible."""
        if self.faults.on("forgets"):
            self._seq, self._status = 0, _GOOD

    def words(self, raw: bytes) -> str:
        """The command's name."""
        return _NAMES.get(raw[3], "unknown")

    def _dispense(self, seq: int, channel: int, *, sensor: bool, now_ms: float) -> None:
        if seq and seq == self._seq:
            self._say(seq, 0x70, channel, _BUSY if self.run is not None else self._status, now_ms)
            return
        if self.run is not None:
            self._say(seq, 0x70, channel, _FAILED | _BUSY, now_ms)
            return
        self._seq, self._status = seq, _FAILED
        self._say(seq, 0x70, channel, _GOOD, now_ms)
        if sensor and self.faults.strikes("sensor_fault"):
            self._status = _FAILED | _SENSOR
        elif self.start(channel + self._offset, now_ms, sensor=sensor) is None:
            self._status = _FAILED | _NO_TURN
        if self.run is None:
            self._say(seq, 0x70, channel, self._status, now_ms, after_ms=100)

    def _say(
        self, seq: int, command: int, channel: int, status: int, now_ms: float, *, after_ms: float = 0
    ) -> None:
        old = self.faults.on("old_build")
        body = bytes((0xEE, status if old else 8, seq, command, channel, 0 if old else status, 0))
        self.reply(body + bytes((reduce(xor, body),)), now_ms, after_ms=after_ms)
