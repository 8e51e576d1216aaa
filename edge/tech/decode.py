"""Bytes of a bus as a person reads them, as they come: each frame with its meaning, noise as noise. Pure."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from edge.tech.shapes import MORE, Shape

_SEPARATORS: Final = re.compile(r"[\s,:;]")
_WORDS: Final = re.compile(r"[^\s,:;]+|[\s,:;]")
_HEX: Final = re.compile(r"(?:[0-9a-f]{2})+", re.I)
# What comes without a separator for so long is no word of anybody; it is told in pieces.
_WORD_LIMIT: Final = 4096
_NOISE_LIMIT: Final = 256  # bytes of noise told at once
_LONGEST: Final = 300  # no frame of any bus is longer
NO_FRAME: Final = "no frame begins here"
BAD_CHECK: Final = "the check sum is wrong"
CUT_SHORT: Final = "the frame is not whole"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoded:
    """A frame, or a stretch of bytes that is none and why. `offset` counts from the first byte read."""

    offset: int
    raw: bytes
    valid: bool
    reason: str = ""
    name: str = ""
    direction: str = ""
    fields: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class NotHex:
    """A word of the text that stands for no bytes, and where it is; both count from 1."""

    text: str
    line: int
    word: int


class HexReader:
    """Hex digits to bytes, with any spaces, colons, commas and `0x` between them, in whatever pieces."""

    def __init__(self) -> None:
        self._held = ""
        self._line = self._word = 1

    def feed(self, text: str) -> Iterator[bytes | NotHex]:
        """What these characters complete. Whole pairs at their end are taken at once, the line may pause."""
        for word in _WORDS.findall(text):
            if _SEPARATORS.fullmatch(word):
                yield from self.end()
                self._line, self._word = (self._line + 1, 1) if word == "\n" else (self._line, self._word)
                continue
            self._held += word
            while len(self._held) >= _WORD_LIMIT:
                self._held, rest = self._held[:_WORD_LIMIT], self._held[_WORD_LIMIT:]
                yield from self.end()
                self._held = rest
        if _HEX.fullmatch(self._held):
            yield from self.end()

    def end(self) -> Iterator[bytes | NotHex]:
        """The word that was begun."""
        word, self._held = self._held, ""
        if not word:
            return
        digits = word.replace("0x", "").replace("0X", "")
        if _HEX.fullmatch(digits):
            yield bytes.fromhex(digits)
        else:
            yield NotHex(text=word[:20], line=self._line, word=self._word)
        self._word += 1


class Frames:
    """Finds the frames of one bus, of either side, in bytes that come in any pieces."""

    def __init__(self, shapes: tuple[Shape, ...]) -> None:
        self._shapes: Final = shapes
        self._held = bytearray()
        self._offset = 0  # of the first byte held
        self._noise = bytearray()
        self._reason = ""

    def feed(self, data: bytes) -> Iterator[Decoded]:
        """What these bytes complete: frames, and the noise before them."""
        self._held += data
        yield from self._find(last=False)

    def end(self) -> Iterator[Decoded]:
        """Whatever was left: nothing more comes."""
        yield from self._find(last=True)
        yield from self._told_noise()

    def _find(self, *, last: bool) -> Iterator[Decoded]:
        while self._held:
            found, waits, candidate = self._here()
            if found is not None:
                yield from self._told_noise()
                yield found
                self._drop(len(found.raw))
                continue
            if waits and not last:
                return
            self._skip(CUT_SHORT if waits else BAD_CHECK if candidate else NO_FRAME)
            if len(self._noise) >= _NOISE_LIMIT:
                yield from self._told_noise()

    def _here(self) -> tuple[Decoded | None, bool, bool]:
        """The frame that begins here; whether more bytes may tell; whether it looked as if one did."""
        held = bytes(self._held[:_LONGEST])
        waits = candidate = False
        for shape in self._shapes:
            length = shape.length(held)
            if length == MORE or length > len(held):
                waits = True
            elif length:
                raw = held[:length]
                if shape.good(raw):
                    return self._decoded(shape, raw), False, True
                candidate = True
        return None, waits and len(self._held) < _LONGEST, candidate

    def _decoded(self, shape: Shape, raw: bytes) -> Decoded:
        return Decoded(
            offset=self._offset,
            raw=raw,
            valid=True,
            name=shape.name(raw),
            direction=shape.direction,
            fields=shape.fields(raw),
        )

    def _skip(self, reason: str) -> None:
        if not self._noise or reason == BAD_CHECK:
            self._reason = reason
        self._noise += self._held[:1]
        self._drop(1)

    def _drop(self, count: int) -> None:
        del self._held[:count]
        self._offset += count

    def _told_noise(self) -> Iterator[Decoded]:
        if self._noise:
            noise, self._noise = bytes(self._noise), bytearray()
            at = self._offset - len(noise)
            yield Decoded(offset=at, raw=noise, valid=False, reason=self._reason)
