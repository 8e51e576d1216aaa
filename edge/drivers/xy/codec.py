"""Bytes to frames and back for the XY bus: `FA FB`, command, LEN, PackNo, text, XOR (XY protocol 3.2.11 §1).

Takes any chunking. Nothing is escaped on this bus, so a start can be noise: when the check fails, one byte
is dropped and the search begins again behind it.
"""

from dataclasses import dataclass
from functools import reduce
from operator import xor
from types import MappingProxyType
from typing import Final

from edge.drivers.xy.messages import Command, Message, build, parse

STX: Final = b"\xfa\xfb"
_AROUND: Final = 5  # start, command, LEN and check: what a frame has beyond the bytes that LEN counts


@dataclass(frozen=True, slots=True)
class Frame:
    """One good frame. `pack_no` is 0 where the frame carries none, as POLL and ACK do."""

    cmd: int
    pack_no: int
    message: Message


def encode(command: Command, pack_no: int) -> bytes:
    """The bytes of a command; `pack_no` is 1..255."""
    assert 1 <= pack_no <= 255, f"PackNo {pack_no} is outside 1..255"
    cmd, text = build(command)
    return _checked(STX + bytes((cmd, 1 + len(text), pack_no)) + text)


def _checked(body: bytes) -> bytes:
    return body + bytes((reduce(xor, body),))


ACK: Final = _checked(STX + b"\x42\x00")


# Nine frames of ten are one of these two, and their bytes say all.
_COMMON: Final = MappingProxyType(
    {raw: Frame(raw[2], 0, parse(raw[2], b"")) for raw in (_checked(STX + b"\x41\x00"), ACK)}
)


class Decoder:
    """Finds frames in a stream; counts what it finds and what it must skip. Holds at most 260 bytes."""

    def __init__(self) -> None:
        self._held = b""
        self.frames = 0
        self.bad_checks = 0
        self.skipped_bytes = 0

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that these bytes complete, in order."""
        common = None if self._held else _COMMON.get(data)
        if common is not None:
            self.frames += 1
            return [common]
        self._held += data
        found = []
        while self._seek_start() and len(self._held) >= (size := self._held[3] + _AROUND):
            raw = self._held[:size]
            if reduce(xor, raw) != 0:
                self.bad_checks += 1
                self._skip(1)
                continue
            self._held = self._held[size:]
            self.frames += 1
            found.append(Frame(raw[2], raw[4] if raw[3] else 0, parse(raw[2], raw[5:-1])))
        return found

    def forget(self) -> None:
        """Drop a frame that was begun: the line has been silent, its end will not come any more."""
        self._skip(len(self._held))

    def _seek_start(self) -> bool:
        """Skip to the next start; True when enough is there to know the frame's length."""
        if not self._held.startswith(STX):
            at = self._held.find(STX)
            if at < 0:  # the last byte may be the first half of a start
                at = len(self._held) - self._held.endswith(STX[:1])
            self._skip(at)
        return len(self._held) >= 4

    def _skip(self, count: int) -> None:
        self.skipped_bytes += count
        self._held = self._held[count:]
