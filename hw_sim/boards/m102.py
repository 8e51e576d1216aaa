"""An M102 board, from the notes on its protocol alone (motor board protocols, section 4).

addr OP data(16) CRC-lo CRC-hi, both ways; factory firmware takes eleven digits more into the check
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

from hw_sim.boards.adh814 import crc
from hw_sim.boards.answering import AnsweringBoard, Run, Timing
from hw_sim.boards.mechanics import Cabinet

OWN_FAULTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "salted": "factory firmware: requests with the plain check are ignored",
        "salted_answers": "answers bear the salted check",
        "curtain_fault": "the curtain fails its self-test, the motor does not turn (4)",
        "over_current": "the motor draws too much and stops (1)",
        "probe_open": "no temperature probe (-52)",
    }
)
_SALT: Final = b"18633695826"
_NAMES: Final = {1: "identity", 3: "poll", 4: "scan", 5: "run", 7: "temperature", 8: "output", 9: "input"}
_OVER_CURRENT, _OPEN, _TIMEOUT, _CURTAIN = 1, 2, 3, 4


class M102Board(AnsweringBoard):
    """`offset` is what a lane's number is above its motor's."""

    def __init__(
        self, cabinet: Cabinet, timing: Timing | None = None, *, address: int = 1, offset: int = 0
    ) -> None:
        super().__init__(cabinet, timing, more=OWN_FAULTS)
        self._address: Final = address
        self._offset: Final = offset
        self._done = bytes(10)

    def requests(self, held: bytes) -> Iterator[tuple[int, bytes]]:
        """Twenty bytes that begin with our address and end with the check that this firmware wants."""
        at = 0
        salt = _SALT if self.faults.on("salted") else b""
        while at < len(held):
            raw = held[at : at + 20]
            if held[at] == self._address and len(raw) < 20:
                break
            good = raw[0] == self._address and crc(raw[:18] + salt) == raw[18:]
            used = 20 if good else 1
            yield used, raw if good else b""
            at += used

    def answer(self, request: bytes, now_ms: float) -> None:
        """Obey."""
        operation, data = request[1], request[2:18]
        match operation:
            case 0x01:
                self._say(operation, b"mj2310-v1.04", now_ms)
            case 0x03:
                self._say(operation, self._status(), now_ms)
            case 0x04:
                lane = self.cabinet.lanes.get(data[0] + self._offset)
                self._say(operation, b"\xaa" if lane is not None and lane.motor else b"\xbb", now_ms)
            case 0x05:
                self._say(operation, bytes((self._run_motor(data, now_ms),)), now_ms)
            case 0x07:
                celsius = -52 if self.faults.on("probe_open") else self.cabinet.temperature_c
                self._say(operation, (10 * celsius + 20).to_bytes(2, "big", signed=True), now_ms)
            case 0x08:
                self.cabinet.light = bool(data[1]) if data[0] == 3 else self.cabinet.light
                self._say(operation, bytes((data[0], 0xF1 if data[1] else 0xF0)), now_ms)

    def ended(self, run: Run, now_ms: float) -> None:
        """State 2 stays until the next run."""
        result = 0 if run.turn.stops else _TIMEOUT
        if self.faults.strikes("over_current"):
            result = _OVER_CURRENT
        self._keep(run.lane.number - self._offset, result, curtain=35 if run.sensor and run.seen else 0)

    def woke(self) -> None:
        """Whether state 2 outlives a power cut is not known; here it does not."""
        self._done = bytes(10)

    def words(self, raw: bytes) -> str:
        """The operation's name."""
        return _NAMES.get(raw[1], "unknown")

    def _run_motor(self, data: bytes, now_ms: float) -> int:
        motor, curtain = data[0], data[2]
        if self.run is not None:
            return 2
        if motor > 99:
            return 1
        if curtain and self.faults.strikes("curtain_fault"):
            self._keep(motor, _CURTAIN)
        elif self.start(motor + self._offset, now_ms, sensor=bool(curtain)) is None:
            self._keep(motor, _OPEN)
        return 0

    def _keep(self, motor: int, result: int, *, curtain: int = 0) -> None:
        self._done = bytes((2, motor, result, 0x01, 0x90, 0, 0xDC, 0x0B, 0xB8, curtain))

    def _status(self) -> bytes:
        if self.run is not None:
            return bytes((1, self.run.lane.number - self._offset)) + bytes(8)
        return self._done

    def _say(self, operation: int, data: bytes, now_ms: float) -> None:
        body = (bytes((self._address, operation)) + data).ljust(18, b"\0")
        salt = _SALT if self.faults.on("salted_answers") else b""
        self.reply(body + crc(body + salt), now_ms)
