"""Modbus RTU as far as boards here need it: requests, answers by length and check, exceptions.

The frame is CRC-16/MODBUS, low byte first. Lengths follow from the request and the answer's own count, never
from gaps, which an adapter on USB does not keep (Modbus board protocols).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from edge.drivers.checks import crc16_modbus
from edge.drivers.stream import MORE, NO_START, Measure

READ_COILS, READ, WRITE_COIL, WRITE_ONE, WRITE = 0x01, 0x03, 0x05, 0x06, 0x10
_READS: Final = (READ_COILS, READ)


@dataclass(frozen=True, slots=True)
class Frame:
    """One good answer; `exception` is 0 when there is none."""

    function: int
    data: bytes
    exception: int = 0


def request(address: int, function: int, data: bytes) -> bytes:
    """The bytes of a request."""
    body = bytes((address, function)) + data
    return body + crc16_modbus(body)


def words(*values: int) -> bytes:
    """Registers, counts and values as they stand in a request."""
    return b"".join(value.to_bytes(2, "big") for value in values)


def measure(counts: frozenset[int]) -> Measure:
    """Measures answers to the request written last; a read has one of these counts of bytes."""

    def length(held: bytes, asked: bytes) -> int:
        if held[:1] != asked[:1]:
            return NO_START
        if len(held) < 3:
            return MORE
        if held[1] == asked[1] | 0x80:
            return 5
        if held[1] != asked[1]:
            return NO_START
        if held[1] in _READS:
            return held[2] + 5 if held[2] in counts else NO_START
        return 8

    return length


def parse(raw: bytes) -> Frame | None:
    """A whole answer; None when its check is wrong."""
    if crc16_modbus(raw[:-2]) != raw[-2:]:
        return None
    if raw[1] & 0x80:
        return Frame(raw[1] & 0x7F, b"", exception=raw[2])
    return Frame(raw[1], raw[3:-2] if raw[1] in _READS else raw[2:-2])


def answers(function: int, good: Callable[[bytes], bool]) -> Callable[[Frame], bool]:
    """An answer to this function: an exception, or data that fit."""
    return lambda frame: frame.function == function and bool(frame.exception or good(frame.data))
