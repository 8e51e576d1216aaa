"""A TCN lifter board, from the notes on its protocol alone (TCN protocols, part B).

02 LEN FN addr data SUM 03 BCC; LEN counts FN to SUM, SUM is of addr and data, BCC the XOR of all before it
"""

from collections.abc import Iterator, Mapping
from functools import reduce
from operator import xor
from types import MappingProxyType
from typing import Final

from hw_sim.boards.answering import NEVER, AnsweringBoard, Run, Timing
from hw_sim.boards.mechanics import Cabinet

OWN_FAULTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "lift_fault": "the lift does not arrive (7); nothing turns",
        "hatch_full": "a product lies in the bucket (35): nothing can be delivered",
        "wide_errors": "the error field has five bytes",
        "not_taken": "the customer leaves the product in the hatch",
    }
)
_NAMES: Final = {1: "state?", 2: "deliver", 3: "tray", 4: "to layer", 5: "home", 0x50: "clear faults"}
_IDLE, _DELIVERING, _TAKE, _FAULT = 0, 1, 2, 4
_LIFT, _NOTHING, _IN_BUCKET, _MOTOR_OPEN, _TIMEOUT = 7, 34, 35, 49, 80
_TAKEN_MS: Final = 2_000


class TcnLifterBoard(AnsweringBoard):
    """`offset` is what a lane's number is above its channel's."""

    def __init__(
        self, cabinet: Cabinet, timing: Timing | None = None, *, address: int = 0, offset: int = 0
    ) -> None:
        super().__init__(cabinet, timing, more=OWN_FAULTS)
        self._address: Final = address
        self._offset: Final = offset
        self._state, self._error = _IDLE, 0
        self._taken_ms = NEVER

    def requests(self, held: bytes) -> Iterator[tuple[int, bytes]]:
        """By length, end byte and both checks."""
        at = 0
        while at < len(held):
            if held[at] != 2:
                yield 1, b""
                at += 1
                continue
            if at + 1 >= len(held) or (3 <= held[at + 1] <= 40 and at + held[at + 1] + 4 > len(held)):
                break
            raw = held[at : at + held[at + 1] + 4]
            good = (
                len(raw) >= 7
                and raw[-2] == 3
                and reduce(xor, raw) == 0
                and sum(raw[3:-3]) % 256 == raw[-3]
                and raw[3] == self._address
            )
            used = len(raw) if good else 1
            yield used, raw if good else b""
            at += used

    def answer(self, request: bytes, now_ms: float) -> None:
        """Obey; every answer is the state."""
        function = request[2]
        if now_ms >= self._taken_ms and self._state == _TAKE and not self.faults.on("not_taken"):
            self._state = _IDLE
        if function == 2:
            self._deliver(request[4], now_ms)
        elif function == 0x50 and self._state == _FAULT:
            self._state, self._error = _IDLE, 0
        elif function in (0x84, 0x85):
            full = self.faults.on("hatch_full")
            self._say(function, bytes((full if function == 0x85 else not full,)), now_ms)
            return
        elif function in (3, 4, 5) and self._state == _IDLE:
            self._move(function, request[4])
        error = bytes((self._error,)) + bytes(4 if self.faults.on("wide_errors") else 0)
        self._say(function, bytes((self._state,)) + error, now_ms)

    def ended(self, run: Run, now_ms: float) -> None:
        """The product is in the hatch, or it never came."""
        if not run.turn.stops:
            self._state, self._error = _FAULT, _TIMEOUT
        elif not run.good:
            self._state, self._error = _FAULT, _NOTHING
        else:
            self._state, self._error = _TAKE, 0
            self._taken_ms = now_ms + _TAKEN_MS

    def woke(self) -> None:
        """It starts idle, whatever went before."""
        self._state, self._error = _IDLE, 0

    def words(self, raw: bytes) -> str:
        """The function's name."""
        return _NAMES.get(raw[2], f"function {raw[2]:02X}")

    def _move(self, function: int, to: int) -> None:
        """The tray opens (1) or closes (2); the lift goes to a layer, or home."""
        if self.faults.strikes("lift_fault"):
            self._state, self._error = _FAULT, _LIFT
        elif function == 3:
            self.cabinet.door_open = to == 1
        else:
            self.cabinet.lift = to if function == 4 else 0

    def _deliver(self, channel: int, now_ms: float) -> None:
        if self._state != _IDLE or self.run is not None:
            return
        self._state = _DELIVERING
        if self.faults.on("hatch_full"):
            self._state, self._error = _FAULT, _IN_BUCKET
        elif self.faults.strikes("lift_fault"):
            self._state, self._error = _FAULT, _LIFT
        elif self.start(channel + self._offset, now_ms, sensor=True) is None:
            self._state, self._error = _FAULT, _MOTOR_OPEN

    def _say(self, function: int, data: bytes, now_ms: float) -> None:
        inner = bytes((self._address,)) + data
        body = bytes((2, len(inner) + 2, function)) + inner + bytes((sum(inner) % 256, 3))
        self.reply(body + bytes((reduce(xor, body),)), now_ms)
