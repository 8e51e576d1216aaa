"""Check sums that several buses share."""

from functools import reduce
from operator import xor
from typing import Final


def xor8(data: bytes) -> int:
    """XOR of all bytes."""
    return reduce(xor, data, 0)


def sum8(data: bytes) -> int:
    """The low 8 bits of the sum of all bytes."""
    return sum(data) & 0xFF


def _reflected(byte: int, polynomial: int) -> int:
    for _ in range(8):
        byte = byte >> 1 ^ (polynomial if byte & 1 else 0)
    return byte


def _forward(byte: int, polynomial: int) -> int:
    word = byte << 8
    for _ in range(8):
        word = (word << 1 ^ (polynomial if word & 0x8000 else 0)) & 0xFFFF
    return word


_REFLECTED: Final = tuple(_reflected(byte, 0xA001) for byte in range(256))
_FORWARD: Final = tuple(_forward(byte, 0x1021) for byte in range(256))


def crc16_modbus(data: bytes, start: int = 0xFFFF) -> bytes:
    """CRC-16/MODBUS, low byte first, as it stands on the wire; `start` 0 makes it CRC-16/ARC."""
    crc = start
    for byte in data:
        crc = crc >> 8 ^ _REFLECTED[(crc ^ byte) & 0xFF]
    return crc.to_bytes(2, "little")


def crc16_xmodem(data: bytes) -> bytes:
    """CRC-16/XMODEM, high byte first."""
    crc = 0
    for byte in data:
        crc = (crc << 8 ^ _FORWARD[crc >> 8 ^ byte]) & 0xFFFF
    return crc.to_bytes(2, "big")
