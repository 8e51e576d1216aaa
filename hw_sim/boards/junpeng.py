"""A Junpeng (Easivend) machine controller, from the notes on its protocol alone (Junpeng protocol, part B).

E5 LEN SN VER MT data CRC-hi CRC-lo; it polls, the host answers under the poll's SN
"""

from collections import deque
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

from hw_sim.boards.answering import AnsweringBoard, Run, Timing
from hw_sim.boards.mechanics import Cabinet

OWN_FAULTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "refuse": "a vend command is not taken (NAK)",
        "no_result": "the motor turns, a piece falls, the result is never told",
        "lose_host_ack": "the host's acknowledgement of a result is not heard, so it comes again",
    }
)
_NAMES: Final = {0x01: "taken", 0x02: "refused", 0x03: "poll", 0x08: "vend result", 0x80: "ack", 0x83: "vend"}
_ANSWER_MS, _SENDINGS = 1_500, 3
_CHANNELS: Final = 80


def crc(data: bytes) -> bytes:
    """CRC16/XMODEM bit by bit, high byte first."""
    word = 0
    for byte in data:
        word ^= byte << 8
        for _ in range(8):
            word = (word << 1 ^ 0x1021 if word & 0x8000 else word << 1) & 0xFFFF
    return word.to_bytes(2, "big")


class JunpengBoard(AnsweringBoard):
    """`offset` is what a lane's number is above its channel's. `poll_ms` between its polls."""

    def __init__(
        self, cabinet: Cabinet, timing: Timing | None = None, *, poll_ms: float = 300, offset: int = 0
    ) -> None:
        super().__init__(cabinet, timing, more=OWN_FAULTS)
        self._offset: Final = offset
        self._poll_ms: Final = poll_ms
        self.sold = 0
        self._begin(0)

    def _begin(self, now_ms: float) -> None:
        self._sn = 0
        self._next_poll_ms = now_ms
        self._waiting: deque[tuple[int, bytes]] = deque()
        self._sent: list[float] = []  # when the first of the waiting messages was sent

    # ------------------------------------------------------------ its own word

    @property
    def resting(self) -> bool:
        """Whether it only gives the host the turn: nothing to tell, nothing that moves."""
        return self.run is None and not (self._waiting or self._out)

    @property
    def next_ms(self) -> float:
        """It speaks by itself."""
        return min(super().next_ms, self._due_ms)

    @property
    def _due_ms(self) -> float:
        return self._sent[-1] + _ANSWER_MS if self._sent else self._next_poll_ms

    def tick(self, now_ms: float) -> list[bytes]:
        """Polls, and messages until they are acknowledged."""
        written = super().tick(now_ms)
        if not self.powered or now_ms < self._due_ms:
            return written
        if len(self._sent) >= _SENDINGS:
            self._waiting.popleft()  # the host is offline; what it did not hear is lost
            self._sent.clear()
        self._sn = (self._sn + 1) % 256
        if self._waiting:
            self._sent.append(now_ms)
            message, data = self._waiting[0]
            self._say(message, data, now_ms, asked=True)
        else:
            self._next_poll_ms = now_ms + self._poll_ms
            self._say(0x03, b"", now_ms, asked=True)
        return written + super().tick(now_ms)

    def key(self, lane: int) -> None:
        """A shopper keys a channel; 0: he pulls the return lever."""
        self._waiting.append((0x0C, bytes((1, lane - self._offset)) if lane else b"\x04\x00"))

    def power(self, on: bool, now_ms: float) -> None:
        """Cut or restore the power; it says when it is back."""
        super().power(on, now_ms)
        self._begin(now_ms)
        if on:
            self._waiting.append((0x0B, b"\x07"))

    # ------------------------------------------------------------ the host's word

    def requests(self, held: bytes) -> Iterator[tuple[int, bytes]]:
        """From E5 by length, with the right CRC."""
        at = 0
        while at < len(held):
            if held[at] != 0xE5:
                yield 1, b""
                at += 1
                continue
            if at + 1 >= len(held) or (held[at + 1] >= 5 and at + held[at + 1] + 2 > len(held)):
                break
            raw = held[at : at + held[at + 1] + 2]
            good = len(raw) >= 7 and crc(raw[:-2]) == raw[-2:]
            used = len(raw) if good else 1
            yield used, raw if good else b""
            at += used

    def answer(self, request: bytes, now_ms: float) -> None:
        """Obey what comes under the number of the poll or message that is open."""
        number, message, data = request[2], request[4], request[5:-2]
        if number != self._sn:
            return
        if message == 0x80:
            if self._sent and not self.faults.strikes("lose_host_ack"):
                self._waiting.popleft()
                self._sent.clear()
            return
        match message:
            case 0x83:
                self._vend(data, now_ms)
            case 0x85:
                self._say(0x01, b"", now_ms)
            case 0x86:
                self._waiting.append((0x0D, b"\x00\x00\x00"))
            case 0x8A:
                self._waiting.append((0x0E, self._channels(data[0])))
            case 0x8C:
                self._waiting.append((0x11, data[:1] + self.sold.to_bytes(4, "big")))
            case 0x90:
                self._waiting.append((0x05, bytes((1, _CHANNELS, 7, 0, 0, 0, 0, 0, 0))))

    def ended(self, run: Run, now_ms: float) -> None:
        """The result waits for its turn, and for its acknowledgement."""
        self.sold += run.good
        if self.faults.strikes("no_result"):
            return
        channel = run.lane.number - self._offset
        status = 0 if run.good else 2
        self._waiting.append(
            (0x08, bytes((1, status, channel, 1, 0, 0, 0, 0, min(63, max(0, run.lane.stock)))))
        )

    def woke(self) -> None:
        """Counters and stock are kept."""

    def words(self, raw: bytes) -> str:
        """The message's name."""
        return _NAMES.get(raw[4], f"message {raw[4]:02X}")

    def _vend(self, data: bytes, now_ms: float) -> None:
        channel = data[2] if len(data) == 6 else 0
        if len(data) != 6 or data[1] != 2 or self.run is not None or self.faults.strikes("refuse"):
            self._say(0x02, b"", now_ms)
            return
        self._say(0x01, b"", now_ms)
        if self.start(channel + self._offset, now_ms, sensor=True) is None:
            self._waiting.append((0x08, bytes((1, 2, channel, 1, 0, 0, 0, 0, 0))))

    def _channels(self, cabinet: int) -> bytes:
        told = bytearray((2 << 6,)) * _CHANNELS
        for number, lane in self.cabinet.lanes.items():
            told[number - self._offset - 1] = min(63, lane.stock) | (3 << 6 if lane.paused else 0)
        return bytes((cabinet,)) + bytes(told)

    def _say(self, message: int, data: bytes, now_ms: float, *, asked: bool = False) -> None:
        body = bytes((0xE5, 5 + len(data), self._sn, 0x41 if asked else 0x40, message)) + data
        self.reply(body + crc(body), now_ms)
