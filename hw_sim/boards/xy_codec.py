"""The XY bus's frames as the board sees them, from the protocol document alone (V3.0, V3.2.11, V3.2.131 §1).

FA FB  command  LEN  PackNo  text  XOR        LEN counts PackNo and text; POLL and ACK have neither
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

HEAD: Final = bytes((0xFA, 0xFB))
POLL: Final = bytes((0xFA, 0xFB, 0x41, 0x00, 0x40))
ACK: Final = bytes((0xFA, 0xFB, 0x42, 0x00, 0x43))
_NAMES: Final[Mapping[int, str]] = MappingProxyType(
    {
        0x01: "can this lane vend?",
        0x02: "lane answer",
        0x03: "buy",
        0x04: "vend status",
        0x05: "selection keyed",
        0x06: "run the motor",
        0x11: "lane report",
        0x16: "poll interval",
        0x21: "money taken",
        0x23: "credit",
        0x31: "synchronise",
        0x41: "poll",
        0x42: "acknowledged",
        0x51: "machine status?",
        0x52: "machine status",
        0x53: "delivery status?",
        0x54: "delivery status",
    }
)
_RESULTS: Final[Mapping[int, str]] = MappingProxyType(
    {1: "dispensing", 2: "success", 3: "nothing fell", 4: "motor did not stop", 6: "no motor", 0x0A: "sensor"}
)
_LANE_ANSWERS: Final[Mapping[int, str]] = MappingProxyType(
    {1: "can vend", 2: "sold out", 3: "none", 4: "paused"}
)


@dataclass(frozen=True, slots=True)
class Frame:
    """One whole frame. `pack` is 0 where there is none."""

    command: int
    pack: int
    text: bytes


def xor(data: bytes) -> int:
    """The check byte of everything before it."""
    check = 0
    for byte in data:
        check ^= byte
    return check


def frame(command: int, pack: int, text: bytes = b"") -> bytes:
    """The bytes of a frame with a PackNo, 1..255."""
    if not 1 <= pack <= 255:
        raise ValueError(f"PackNo {pack}: allowed 1 to 255")
    body = HEAD + bytes((command, len(text) + 1, pack)) + text
    return body + bytes((xor(body),))


class Reader:
    """Takes frames out of a stream. What is no frame is dropped byte by byte."""

    def __init__(self) -> None:
        self._held = b""

    def take(self, data: bytes) -> list[tuple[Frame, bytes]]:
        """The frames completed by `data`, each with its own bytes."""
        self._held += data
        found: list[tuple[Frame, bytes]] = []
        while len(self._held) >= 5:
            size = self._held[3] + 5
            if not self._held.startswith(HEAD):
                self._held = self._held[1:]
            elif len(self._held) < size:
                break
            elif xor(self._held[:size]):
                self._held = self._held[1:]
            else:
                raw, self._held = self._held[:size], self._held[size:]
                found.append((_frame_of(raw), raw))
        return found

    def forget(self) -> None:
        """The line was cut."""
        self._held = b""


def words(raw: bytes) -> str:
    """What a frame says, for people."""
    parsed = _frame_of(raw)
    name = _NAMES.get(parsed.command, f"command {parsed.command:02X}")
    text = parsed.text
    match parsed.command:
        case 0x01 | 0x03 | 0x05 | 0x11 if len(text) >= 2:
            lane = int.from_bytes(text[:2], "big")
            return "selection cancelled" if parsed.command == 0x05 and not lane else f"{name}: lane {lane}"
        case 0x02 if len(text) >= 3:
            answer = _LANE_ANSWERS.get(text[0], f"{text[0]:02X}")
            return f"{name}: lane {int.from_bytes(text[1:3], 'big')} {answer}"
        case 0x04 if len(text) >= 3:
            result = _RESULTS.get(text[0], f"{text[0]:02X}")
            return f"{name}: lane {int.from_bytes(text[1:3], 'big')} {result}"
        case 0x06 if len(text) >= 4:
            sensor = "with drop sensor" if text[0] == 1 else "without drop sensor"
            return f"{name} of lane {int.from_bytes(text[2:4], 'big')} {sensor}"
    return name


def _frame_of(raw: bytes) -> Frame:
    length = raw[3]
    return Frame(raw[2], raw[4] if length else 0, raw[5 : 4 + length])
