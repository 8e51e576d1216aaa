"""A Ziman board, from the notes on its protocol alone (motor board protocols, section 1).

A8 LEN FN FRAME data SUM8 FE; LEN is the whole frame's, SUM8 that of everything before it
"""

from collections import deque
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

from hw_sim.boards.answering import AnsweringBoard, Run, Timing
from hw_sim.boards.mechanics import Cabinet

OWN_FAULTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "forgets": "the recent results do not outlive a power cut",
        "newest_first": "the recent results are told the newest first",
    }
)
_NAMES: Final = {0x04: "status", 0x05: "rotate", 0x07: "motor there?", 0x08: "recent results", 0x09: "unlock"}
_KEPT: Final = 5
_UNIT_MS: Final = 50


def frame(function: int, number: int, data: bytes) -> bytes:
    """One frame of either side."""
    body = bytes((0xA8, len(data) + 6, function, number)) + data
    return body + bytes((sum(body) % 256, 0xFE))


class ZimanBoard(AnsweringBoard):
    """Lane 23 is row 2, column 3. It turns motors and does not look for drops."""

    def __init__(self, cabinet: Cabinet, timing: Timing | None = None) -> None:
        super().__init__(cabinet, timing, more=OWN_FAULTS)
        self._recent: deque[bytes] = deque(maxlen=_KEPT)
        self._number = 0
        self._began_ms = 0.0

    def requests(self, held: bytes) -> Iterator[tuple[int, bytes]]:
        """From A8 by length to FE, with the right sum."""
        at = 0
        while at < len(held):
            if held[at] != 0xA8:
                yield 1, b""
                at += 1
                continue
            if at + 1 >= len(held) or (6 <= held[at + 1] <= 32 and at + held[at + 1] > len(held)):
                break
            raw = held[at : at + held[at + 1]]
            good = len(raw) >= 6 and raw[-1] == 0xFE and sum(raw[:-2]) % 256 == raw[-2]
            used = len(raw) if good else 1
            yield used, raw if good else b""
            at += used

    def answer(self, request: bytes, now_ms: float) -> None:
        """Obey; what is not there is not answered for."""
        function, number, data = request[2], request[3], request[4:-2]
        match function:
            case 0x04:
                told = bytes((6, max(0, self.cabinet.temperature_c), 1))
                self.reply(frame(function, number, told), now_ms)
            case 0x05:
                self._rotate(number, data, now_ms)
            case 0x07:
                lane = self.cabinet.lanes.get(10 * data[0] + data[1])
                if lane is not None and lane.motor:
                    self.reply(frame(function, number, data), now_ms)
            case 0x08:
                told_first = reversed(self._recent) if self.faults.on("newest_first") else self._recent
                for place, result in enumerate(told_first):
                    self.reply(result, now_ms, after_ms=20 * place)

    def ended(self, run: Run, now_ms: float) -> None:
        """The answer to the start, and a record of it."""
        duration = min(255, round((now_ms - self._began_ms) / _UNIT_MS))
        data = bytes((*divmod(run.lane.number, 10), duration, run.turn.stops))
        self._recent.append(frame(0x05, self._number, data))
        self.reply(self._recent[-1], now_ms)

    def woke(self) -> None:
        """How many results outlive a power cut is not known."""
        if self.faults.on("forgets"):
            self._recent.clear()

    def words(self, raw: bytes) -> str:
        """The function's name."""
        return _NAMES.get(raw[2], "unknown")

    def _rotate(self, number: int, data: bytes, now_ms: float) -> None:
        if self.run is None and self.start(10 * data[0] + data[1], now_ms, sensor=False) is not None:
            self._number, self._began_ms = number, now_ms
        elif self.run is None:
            self._recent.append(frame(0x05, number, data + b"\x00\x00"))
            self.reply(self._recent[-1], now_ms)
