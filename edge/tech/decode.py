"""Bytes of a bus as a person reads them, as they come: each frame with its meaning, noise as noise. Pure."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Final, Protocol

from edge.drivers.xy.codec import Decoder

_SEPARATORS: Final = re.compile(r"[\s,:;]")
_HEX: Final = re.compile(r"(?:[0-9a-f]{2})+", re.I)
# What comes without a separator for so long is no word of anybody; it is told in pieces.
_WORD_LIMIT: Final = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoded:
    """A frame in words: its name, what it holds, and how many bytes of noise stood before it."""

    name: str
    fields: Mapping[str, object]
    noise_bytes: int


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
        for character in text:
            if not _SEPARATORS.fullmatch(character):
                self._held += character
                if len(self._held) < _WORD_LIMIT:
                    continue
            yield from self.end()
            if character == "\n":
                self._line, self._word = self._line + 1, 1
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


class Frames(Protocol):
    """Finds the frames of one bus in bytes that come in any pieces."""

    def feed(self, data: bytes) -> Iterator[Decoded]:
        """The frames of either side that these bytes complete."""

    def end(self) -> Iterator[Decoded]:
        """What was left over, if anything: without a name."""


class XyFrames:
    """Implements `Frames` for the XY bus."""

    def __init__(self) -> None:
        self._decoder: Final = Decoder()
        self._told = 0

    def feed(self, data: bytes) -> Iterator[Decoded]:
        """One byte after the other, so that noise is told with the frame behind it."""
        for at in range(len(data)):
            for frame in self._decoder.feed(data[at : at + 1]):
                fields = {"pack_no": frame.pack_no, **asdict(frame.message)}
                yield Decoded(name=type(frame.message).__name__, fields=fields, noise_bytes=self._noise())

    def end(self) -> Iterator[Decoded]:
        """What was begun or skipped since the last frame."""
        self._decoder.forget()
        if noise := self._noise():
            yield Decoded(name="", fields={}, noise_bytes=noise)

    def _noise(self) -> int:
        noise, self._told = self._decoder.skipped_bytes - self._told, self._decoder.skipped_bytes
        return noise


DECODERS: Final[Mapping[str, Callable[[], Frames]]] = MappingProxyType({"xy": XyFrames})
