"""Bus traffic as text: a head of `# name: value` lines, then a line for each piece of bytes that moved.

    # wxvend trace 1
    # bus: xy
    # baud: 57600
    # start: 2026-11-25T02:10:00.123Z
    0.000 rx fafb410040
    0.012 tx fafb420043

Seconds since the start, rx (what the host heard) or tx (what it wrote), hex. Blank lines, further heads and
spaces between the digits are allowed, so that a person can write one, too. Pure.
"""

import re
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

FIRST: Final = "# wxvend trace 1"
_HEAD: Final = re.compile(r"#\s*([a-z]+):\s*(.*)")
_LINE: Final = re.compile(r"(\d{1,9})(?:\.(\d{1,3}))? (rx|tx) ((?:[0-9a-f]{2} ?)+)", re.I)
_ALLOWED: Final = "SECONDS rx|tx HEX"


class BadTrace(ValueError):
    """A line that belongs to no trace: where, what was found, what is allowed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Bytes that moved at once. `at_ms` counts from the trace's start; `direction`: rx or tx."""

    at_ms: int
    direction: str
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What a trace begins with. `start_wall_ms`: Unix milliseconds of its start."""

    bus: str
    baud: int
    start_wall_ms: int
    note: str = ""


def head_lines(head: Head) -> list[str]:
    """The lines above the first piece."""
    start = datetime.fromtimestamp(head.start_wall_ms / 1000, UTC).isoformat(timespec="milliseconds")
    lines = [FIRST, f"# bus: {head.bus}", f"# baud: {head.baud}", f"# start: {start.replace('+00:00', 'Z')}"]
    return [*lines, f"# note: {head.note}"] if head.note else lines


def line(piece: Piece) -> str:
    """One piece."""
    seconds, rest = divmod(piece.at_ms, 1000)
    return f"{seconds}.{rest:03} {piece.direction} {piece.data.hex()}"


def read(lines: Iterable[str]) -> tuple[Head, Iterator[Piece]]:
    """The head, and the pieces as they are asked for: memory stays the same. Raises BadTrace, later too."""
    numbered = enumerate(lines, start=1)
    found: dict[str, str] = {}
    waiting: list[tuple[int, str]] = []
    _, first = next(numbered, (1, ""))
    if first.strip() != FIRST:
        raise BadTrace(f"line 1: found {first.strip()[:40]!r}, allowed {FIRST!r}. Try: wxvend tech record")
    for number, text in numbered:
        told = _HEAD.fullmatch(text.strip())
        if told is None:
            waiting.append((number, text))
            break
        found[told[1]] = told[2]
    return _head(found), _pieces(waiting, numbered)


def _head(found: dict[str, str]) -> Head:
    missing = {"bus", "baud", "start"} - set(found)
    if missing:
        raise BadTrace(f"head: found no {', '.join(sorted(missing))}; allowed is `# bus: NAME` and the like")
    try:
        start = datetime.fromisoformat(found["start"])
        if start.tzinfo is None or not found["baud"].isascii():
            raise ValueError(found["start"])
        baud, wall_ms = int(found["baud"]), round(start.timestamp() * 1000)
    except (ValueError, OverflowError) as error:
        raise BadTrace(
            f"head: found baud {found['baud'][:20]!r}, start {found['start'][:40]!r}; "
            "allowed a number, and a time such as 2026-11-25T02:10:00.123Z"
        ) from error
    return Head(bus=found["bus"], baud=baud, start_wall_ms=wall_ms, note=found.get("note", ""))


def _pieces(first: list[tuple[int, str]], rest: Iterator[tuple[int, str]]) -> Iterator[Piece]:
    for number, text in first:
        yield from _piece(number, text)
    for number, text in rest:
        yield from _piece(number, text)


def _piece(number: int, text: str) -> Iterator[Piece]:
    stripped = text.strip()
    if not stripped or stripped.startswith("#"):
        return
    told = _LINE.fullmatch(stripped)
    if told is None:
        raise BadTrace(
            f"line {number}: found {stripped[:40]!r}, allowed {_ALLOWED}, such as 0.012 rx fafb410040"
        )
    at_ms = 1000 * int(told[1]) + int((told[2] or "0").ljust(3, "0"))
    yield Piece(at_ms=at_ms, direction=told[3].lower(), data=bytes.fromhex(told[4]))


class Ring:
    """The newest traffic of a bus, no older than `keep_ms` and no more than `limit` bytes and pieces of it.

    A `Trace` hook: call it with direction, bytes and the boot-time clock in milliseconds.
    """

    def __init__(self, *, keep_ms: int, limit: int) -> None:
        self._keep_ms: Final = keep_ms
        self._limit: Final = limit
        self._held: Final[deque[tuple[int, str, bytes]]] = deque()
        self._weight = 0

    def __call__(self, direction: str, data: bytes, now_ms: int) -> None:
        """Remember what moved."""
        self._held.append((now_ms, direction, data[: self._limit]))
        self._weight += 1 + len(self._held[-1][2])
        while self._weight > self._limit + 1 or self._held[0][0] < now_ms - self._keep_ms:
            self._weight -= 1 + len(self._held.popleft()[2])

    def pieces(self) -> tuple[int, tuple[Piece, ...]]:
        """When the oldest moved, by the boot-time clock, and all of them counted from there."""
        began = self._held[0][0] if self._held else 0
        held = tuple(Piece(at_ms=at - began, direction=way, data=data) for at, way, data in self._held)
        return began, held
