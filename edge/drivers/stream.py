"""Frames out of a stream of bytes, for every bus whose frames are found by length and check sum.

A bus says how long the frame is that may begin at the first byte held, and what a whole one means. Where the
check fails one byte is dropped and the search begins again behind it. What looks like the beginning of a long
frame may still hide a good one: whoever asks again forgets what was begun.
"""

from collections.abc import Callable
from typing import Any, Final

LONGEST: Final = 300  # bytes held at most; no frame of any bus here is longer

NO_START: Final = 0
MORE: Final = -1

# The bytes held and the request written last, to the frame's whole length, NO_START or MORE.
Measure = Callable[[bytes, bytes], int]
Parse = Callable[[bytes], Any]  # a whole frame to its meaning, None when its check is wrong


class Scanner:
    """Implements `edge.drivers.talk.Decoder`; counts what it finds and what it must skip."""

    def __init__(self, measure: Measure, parse: Parse) -> None:
        self._measure: Final = measure
        self._parse: Final = parse
        self._request = b""
        self._held = b""
        self.frames = 0
        self.bad_checks = 0
        self.skipped_bytes = 0

    def expect(self, request: bytes) -> None:
        """These bytes were just written: where frames carry no length, the answer's follows from them."""
        self._request = request

    def feed(self, data: bytes) -> list[Any]:
        """The frames that these bytes complete, in order."""
        self._held += data
        found = []
        while self._held:
            length = self._measure(self._held, self._request)
            if length == MORE or length > len(self._held):
                break
            frame = self._parse(self._held[:length]) if length else None
            if frame is None:
                self.bad_checks += length != NO_START
                self._skip(1)
                continue
            self._held = self._held[length:]
            self.frames += 1
            found.append(frame)
        self._skip(max(0, len(self._held) - LONGEST))
        return found

    def forget(self) -> None:
        """Drop what was begun: its end will not come any more."""
        self._skip(len(self._held))

    def _skip(self, count: int) -> None:
        self.skipped_bytes += count
        self._held = self._held[count:]
