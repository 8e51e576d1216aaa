"""Bytes of a bus as a person reads them: each frame with its meaning, noise as noise. Pure."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Final

from edge.drivers.xy.codec import Decoder


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoded:
    """A frame in words: its name, what it holds, and how many bytes of noise stood before it."""

    name: str
    fields: Mapping[str, object]
    noise_bytes: int


def decode_xy(stream: bytes) -> Iterator[Decoded]:
    """Each good frame of either side; the last item, if any, has no name: what was left over."""
    decoder, skipped = Decoder(), 0
    for at in range(len(stream)):
        for frame in decoder.feed(stream[at : at + 1]):
            noise, skipped = decoder.skipped_bytes - skipped, decoder.skipped_bytes
            fields = {"pack_no": frame.pack_no, **asdict(frame.message)}
            yield Decoded(name=type(frame.message).__name__, fields=fields, noise_bytes=noise)
    decoder.forget()
    if decoder.skipped_bytes > skipped:
        yield Decoded(name="", fields={}, noise_bytes=decoder.skipped_bytes - skipped)


DECODERS: Final[Mapping[str, Callable[[bytes], Iterator[Decoded]]]] = MappingProxyType({"xy": decode_xy})


def read_hex(text: str) -> bytes:
    """Hex digits with any spaces, colons, commas and `0x`; raises ValueError saying where it is not hex."""
    digits = text.replace("0x", " ").translate(str.maketrans(",:;\n\t\r", "      "))
    stream = bytearray()
    for number, word in enumerate(digits.split(), start=1):
        try:
            stream += bytes.fromhex(word)
        except ValueError as error:
            raise ValueError(f"word {number}: found {word[:20]!r}, allowed pairs of 0-9 a-f") from error
    return bytes(stream)
