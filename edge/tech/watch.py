"""What went over a bus, frame by frame with turn-round times, and what it adds up to. Pure.

A frame that comes after one of the other side answers it: the time between the two is its turn-round time.
The same frame again from the same side, with nothing of the other between, was said for want of an answer.
"""

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from edge.drivers.trace import Head, Piece
from edge.tech.decode import BAD_CHECK, Decoded, Frames
from edge.tech.shapes import SHAPES, TO_BOARD, TO_HOST

_SIDES: Final = {"rx": TO_HOST, "tx": TO_BOARD}
_USER0: Final = 147
_LONGEST: Final = 65_535


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A frame, or noise, at its time. `turn_ms`: since the frame that it answers, if any."""

    at_ms: int
    direction: str
    frame: Decoded
    turn_ms: int | None = None


@dataclass(slots=True)
class Counters:
    """Sums of a trace; the longest answers in milliseconds, of the board (rx) and of the host (tx)."""

    frames: int = 0
    bad_checks: int = 0
    noise_bytes: int = 0
    repeats: int = 0
    unanswered: int = 0
    longest_rx_ms: int = 0
    longest_tx_ms: int = 0


class Watch:
    """Follows one bus. Where a bare line is listened to, all comes as rx, and the frames tell their side."""

    def __init__(self, bus: str) -> None:
        self.counters: Final = Counters()
        self._frames: Final = {way: Frames(SHAPES[bus]) for way in _SIDES}
        self._last: tuple[str, int, bytes] | None = None  # side, milliseconds, bytes

    def feed(self, piece: Piece) -> Iterator[Seen]:
        """What this piece completes."""
        for found in self._frames[piece.direction].feed(piece.data):
            yield self._seen(piece.at_ms, piece.direction, found)

    def end(self, at_ms: int) -> Iterator[Seen]:
        """What was left unfinished on either side."""
        for way, frames in self._frames.items():
            for found in frames.end():
                yield self._seen(at_ms, way, found)

    def _seen(self, at_ms: int, direction: str, found: Decoded) -> Seen:
        if not found.valid:
            self.counters.bad_checks += found.reason == BAD_CHECK
            self.counters.noise_bytes += len(found.raw)
            return Seen(at_ms=at_ms, direction=direction, frame=found)
        self.counters.frames += 1
        side = found.direction or _SIDES[direction]
        last, self._last = self._last, (side, at_ms, found.raw)
        if last is None:
            return Seen(at_ms=at_ms, direction=direction, frame=found)
        if last[0] == side:
            self.counters.unanswered += 1
            self.counters.repeats += last[2] == found.raw
            return Seen(at_ms=at_ms, direction=direction, frame=found)
        turn_ms = max(0, at_ms - last[1])
        if side == TO_HOST:
            self.counters.longest_rx_ms = max(self.counters.longest_rx_ms, turn_ms)
        else:
            self.counters.longest_tx_ms = max(self.counters.longest_tx_ms, turn_ms)
        return Seen(at_ms=at_ms, direction=direction, frame=found, turn_ms=turn_ms)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which of the frames a person wants to see; the counters count all. Empty: any."""

    names: frozenset[str] = frozenset()
    hidden: frozenset[str] = frozenset()
    direction: str = ""
    only_bad: bool = False

    def shows(self, seen: Seen) -> bool:
        """Noise has no name, so that `names` leaves it out and `hidden` does not."""
        name = seen.frame.name.lower()
        return (
            (not self.names or name in self.names)
            and name not in self.hidden
            and self.direction in ("", seen.direction)
            and not (self.only_bad and seen.frame.valid)
        )


def pcap(head: Head, pieces: Iterable[Piece]) -> Iterator[bytes]:
    """A capture for Wireshark: file head, then for each piece 16 bytes of head, 0 (rx) or 1 (tx), and it.

    Little-endian classic pcap, microseconds, link type LINKTYPE_USER0 (147); https://www.tcpdump.org.
    """
    yield struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, _LONGEST, _USER0)
    for piece in pieces:
        seconds, rest_ms = divmod(head.start_wall_ms + piece.at_ms, 1000)
        whole = bytes([piece.direction == "tx"]) + piece.data
        body = whole[:_LONGEST]
        yield struct.pack("<IIII", seconds, 1000 * rest_ms, len(body), len(whole)) + body
