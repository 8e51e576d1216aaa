"""A ZDM8 matrix board on Modbus RTU, from the notes on its protocol alone (Modbus boards, part A)."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

from hw_sim.boards.adh814 import crc
from hw_sim.boards.answering import AnsweringBoard, Run, Timing
from hw_sim.boards.mechanics import Cabinet

OWN_FAULTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "over_current": "the motor draws too much and stops (03)",
        "sensor_fault": "the drop sensor is missing or blocked (register 0008 is 0, error 05)",
        "product_on_platform": "a product lies on the platform, nothing can be vended (12)",
        "busy": "a start is refused with exception 06",
        "slow": "a start is accepted with exception 08",
        "forgets": "a result does not outlive a power cut",
        "lift_fault": "the lift's motor is open (17): it does not arrive",
    }
)
_READ, _WRITE_ONE, _WRITE = 0x03, 0x06, 0x10
_LENGTHS: Final = {_READ: 8, _WRITE_ONE: 8}
_INVALID, _OPEN, _SHORT, _TIMEOUT, _SENSOR, _UNSEEN, _ON_PLATFORM = 1, 2, 3, 4, 5, 6, 0x12


class Zdm8Board(AnsweringBoard):
    """`offset` is what a lane's number is above its place in the matrix, counted from 0."""

    def __init__(
        self, cabinet: Cabinet, timing: Timing | None = None, *, address: int = 1, offset: int = 11
    ) -> None:
        super().__init__(cabinet, timing, more=OWN_FAULTS)
        self._address: Final = address
        self._offset: Final = offset
        self._state = 0
        self._error = 0
        self._stuck = False

    def requests(self, held: bytes) -> Iterator[tuple[int, bytes]]:
        """By address, function and CRC."""
        at = 0
        while at + 1 < len(held):
            length = _LENGTHS.get(held[at + 1], 0)
            if held[at + 1] == _WRITE:
                length = 9 + held[at + 6] if at + 6 < len(held) else 300
            if held[at] == self._address and length and at + length > len(held):
                break
            raw = held[at : at + length]
            good = held[at] == self._address and length > 3 and crc(raw[:-2]) == raw[-2:]
            used = length if good else 1
            yield used, raw if good else b""
            at += used

    def answer(self, request: bytes, now_ms: float) -> None:
        """Obey."""
        function, register = request[1], int.from_bytes(request[2:4], "big")
        if function == _READ:
            data = self._read(register)
            self._say(bytes((function, len(data))) + data if data else bytes((function | 0x80, 2)), now_ms)
        elif function == _WRITE and register == 0x2001:
            self._ship(request, now_ms)
        elif function == _WRITE_ONE:
            self._set(register, request[4:6])
            self._say(request[1:-2], now_ms)
        else:
            self._say(bytes((function | 0x80, 2)), now_ms)

    def ended(self, run: Run, now_ms: float) -> None:
        """The result is there until it is read."""
        if self.faults.strikes("over_current"):
            self._state, self._error = 3, _SHORT
        elif not run.turn.stops:
            self._state, self._error = 3, _TIMEOUT
        elif not run.good:
            self._state, self._error = 3, _UNSEEN
        else:
            self._state, self._error = 2, 0

    def woke(self) -> None:
        """Whether an unread result outlives a power cut is not known; a run that was cut short is lost."""
        if self.faults.on("forgets") or self._state == 1:
            self._state, self._error = 0, 0

    def words(self, raw: bytes) -> str:
        """What register it is about."""
        return f"function {raw[1]:02X}"

    def _read(self, register: int) -> bytes:
        match register:
            case 0x0001:
                return bytes.fromhex("20020a0a")
            case 0x0003:
                told = bytes((self._state, self._error))
                self._state = 0 if self._state in (2, 3) else self._state
                return told
            case 0x0004:
                return (10 * self.cabinet.temperature_c).to_bytes(2, "big", signed=True) + b"\x01\xf4"
            case 0x0005:
                return bytes((0, not self.cabinet.door_open))
            case 0x0006:
                return self.cabinet.lift.to_bytes(2, "big", signed=True)
            case 0x000D:
                return b"\x03\x17" if self._stuck else b"\x02\x00"
            case 0x0008:
                return bytes((0, not self.faults.on("sensor_fault")))
        return b""

    def _set(self, register: int, value: bytes) -> None:
        if register == 0x1001:
            self.cabinet.relays = self.cabinet.relays - {value[0]} | ({value[0]} if value[1] else set())
        elif register in (0x1002, 0x1007):
            self._stuck = self.faults.strikes("lift_fault")
            self.cabinet.lift = 0 if register == 0x1002 else int.from_bytes(value, "big")

    def _ship(self, request: bytes, now_ms: float) -> None:
        lane, _, drop, _ = request[7:11]
        if self._state == 1 or self.faults.strikes("busy"):
            self._say(bytes((_WRITE | 0x80, 6)), now_ms)
            return
        self._say(bytes((_WRITE | 0x80, 8)) if self.faults.strikes("slow") else request[1:6], now_ms)
        self._state, self._error = 1, 0
        if self.faults.on("product_on_platform"):
            self._state, self._error = 3, _ON_PLATFORM
        elif drop and self.faults.on("sensor_fault"):
            self._state, self._error = 3, _SENSOR
        elif lane + self._offset not in self.cabinet.lanes:
            self._state, self._error = 3, _INVALID
        elif self.start(lane + self._offset, now_ms, sensor=bool(drop)) is None:
            self._state, self._error = 3, _OPEN

    def _say(self, body: bytes, now_ms: float) -> None:
        whole = bytes((self._address,)) + body
        self.reply(whole + crc(whole), now_ms)
