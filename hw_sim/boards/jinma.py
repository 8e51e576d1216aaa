"""A Jinma control board, from the notes on its protocol alone (Jinma protocol, part A).

01 LEN CMD data XOR; LEN counts CMD and data, XOR is of LEN, CMD and data
"""

from collections.abc import Iterator, Mapping
from functools import reduce
from operator import xor
from types import MappingProxyType
from typing import Final

from hw_sim.boards.answering import AnsweringBoard, Run, Timing
from hw_sim.boards.mechanics import Cabinet, Lane

OWN_FAULTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "tells_for_ever": "a finished result is repeated at every poll",
        "over_current": "the motor draws too much and stops (0E)",
        "sensor_lost": "the drop sensor is lost in the run (5)",
        "maintenance": "the board is in maintenance (status 2)",
        "probe_open": "the temperature probe is not connected",
    }
)
_NAMES: Final = {0: "connect", 1: "channel?", 3: "dispense", 5: "result?", 0x10: "cabinet?", 0x20: "board?"}
_LEAST: Final = {
    0x01: 2,
    0x03: 8,
}  # bytes of data without which a request is none: XOR lets some noise through
_NORMAL, _NOT_FITTED, _NO_RETURN, _JAMMED, _OVER_CURRENT = 0x02, 0x04, 0x06, 0x09, 0x0E


class JinmaBoard(AnsweringBoard):
    """Lane 23 is layer 2, position 3 of cabinet 1."""

    def __init__(self, cabinet: Cabinet, timing: Timing | None = None) -> None:
        super().__init__(cabinet, timing, more=OWN_FAULTS)
        self._result = b""

    def requests(self, held: bytes) -> Iterator[tuple[int, bytes]]:
        """From 01 by length, with the right XOR."""
        at = 0
        while at < len(held):
            if held[at] != 1:
                yield 1, b""
                at += 1
                continue
            if at + 1 >= len(held) or (1 <= held[at + 1] <= 64 and at + held[at + 1] + 3 > len(held)):
                break
            raw = held[at : at + held[at + 1] + 3]
            good = len(raw) >= 4 and reduce(xor, raw[1:]) == 0
            used = len(raw) if good else 1
            yield used, raw if good else b""
            at += used

    def answer(self, request: bytes, now_ms: float) -> None:
        """Obey."""
        command, data = request[2], request[3:-1]
        if len(data) < _LEAST.get(command, 0):
            return
        match command:
            case 0x00:
                self._say(command, b"\x02" if self.faults.on("maintenance") else b"\x01", now_ms)
            case 0x01:
                lane = self._lane(data)
                state = _NORMAL if lane is not None and lane.motor else _NOT_FITTED
                self._say(command, data[:2] + bytes((state,)) + (350).to_bytes(4, "big"), now_ms)
            case 0x03:
                self._dispense(data, now_ms)
            case 0x05:
                self._report(now_ms)
            case 0x10:
                self._say(command, self._cabinet_status(), now_ms)
            case 0x14:
                self._schedule(data)
                self._say(command, b"\x00", now_ms)
            case 0x20:
                self._say(command, bytes(19) + b"JM-V3.20   ", now_ms)

    def ended(self, run: Run, now_ms: float) -> None:
        """The result is there for the next poll."""
        drop = 0 if not run.sensor else 1 if run.seen else 2
        if run.sensor and self.faults.strikes("sensor_lost"):
            drop = 5
        if self.faults.strikes("over_current"):
            state = _OVER_CURRENT
        else:
            state = _NORMAL if run.turn.stops else _JAMMED
        self._result = bytes((3, state != _NORMAL, state, 0, 0, 0, 0, drop))

    def woke(self) -> None:
        """Nothing to report."""
        self._result = b""

    def words(self, raw: bytes) -> str:
        """The command's name."""
        return _NAMES.get(raw[2], f"command {raw[2]:02X}")

    def _report(self, now_ms: float) -> None:
        """What runs, else the last result, once."""
        if self.run is not None:
            self._say(0x05, b"\x03\xff", now_ms)
            return
        self._say(0x05, self._result or b"\x03\x00", now_ms)
        if not self.faults.on("tells_for_ever"):
            self._result = b""

    def _lane(self, data: bytes) -> Lane | None:
        return self.cabinet.lanes.get(10 * (data[1] // 16 + 1) + data[1] % 16)

    def _cabinet_status(self) -> bytes:
        celsius = self.cabinet.temperature_c
        raw = celsius if celsius >= 0 else 128 - celsius
        probe = 2 if self.faults.on("probe_open") else 0
        wanted = self.cabinet.target_c
        target = wanted if wanted >= 0 else 128 - wanted
        return bytes((0, 2, probe, raw, target, self.cabinet.door_open, 2, 1, 0, 0))

    def _schedule(self, data: bytes) -> None:
        """Device 0 is the compressor, 2 the light; mode 0 timed, 1 always, 2 never."""
        _, device, raw, mode = data[:4]
        if device == 0:
            self.cabinet.target_c = raw if raw < 128 else -(raw % 128)
        elif device == 2:
            self.cabinet.light = mode == 1

    def _dispense(self, data: bytes, now_ms: float) -> None:
        lane = self._lane(data)
        number = lane.number if lane is not None else -1
        if self.run is not None:
            self._say(0x05, b"\x03\xff", now_ms)
            return
        started = self.start(number, now_ms, sensor=bool(data[7])) is not None
        told = bytes((0, _NORMAL)) if started else bytes((1, _NOT_FITTED))
        self._say(0x03, data[:2] + told, now_ms)

    def _say(self, command: int, data: bytes, now_ms: float) -> None:
        body = bytes((1 + len(data), command)) + data
        self.reply(b"\x01" + body + bytes((reduce(xor, body),)), now_ms)
