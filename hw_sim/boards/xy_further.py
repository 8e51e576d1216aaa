"""An XY board's rarer frames: prices and stock by tray, change, cards, doors and scales of a weighing one.

From the document's command table (section 2) and its extension for weighing cabinets (section 7).
"""

from collections.abc import Iterator
from typing import Final

from hw_sim.boards.mechanics import Cabinet, Lane

_TRAY, _ALL = 1000, 0
_UNLOCKED: Final = 1
_PIECE_G: Final = 250


class Further:
    """Answers of one board: opcode and text of the report that follows, or None where none does."""

    def __init__(self, cabinet: Cabinet) -> None:
        self._cabinet: Final = cabinet
        self._doors: Final = {(0, 0): 0, (0, 1): 0}

    def hear(self, command: int, text: bytes) -> list[tuple[int, bytes]]:
        """What the board reports after this frame of the host's."""
        match command:
            case 0x12 | 0x13 | 0x14 | 0x15 if len(text) >= 3:
                return self._set(command, int.from_bytes(text[:2], "big"), int.from_bytes(text[2:], "big"))
            case 0x25:
                return [(0x26, (0).to_bytes(4, "big") + (100).to_bytes(4, "big"))]
            case 0x61:
                return [(0x62, b"\x01" + (2600).to_bytes(4, "big"))]
            case 0x64 if len(text) == 4 and any(text):
                return [(0x21, b"\x03" + text + b"0000")]
            case 0x80 if len(text) == 1:
                return [(0x81, self._state())]
            case 0x82 if len(text) == 2:
                return [(0x83, text + self._weights())]
            case 0x84 if len(text) == 3:
                self._doors[text[0], text[1]] = _UNLOCKED
                return [(0x85, text[:2] + b"\x00")]
            case 0x86 if len(text) == 5:
                return [(0x87, b"\x00" + text[:1] + self._scales(text))]
        return []

    def _set(self, command: int, selection: int, value: int) -> list[tuple[int, bytes]]:
        """One selection, 1000 + a tray, or 0 for all: each that changed is reported in the same words."""
        told: list[tuple[int, bytes]] = []
        for lane in self._named(selection):
            match command:
                case 0x12:
                    lane.price = value
                case 0x13:
                    lane.stock = value
                case 0x14:
                    lane.capacity = value
                case 0x15:
                    lane.goods = value
            width = {0x12: 4, 0x15: 2}.get(command, 1)
            told.append((command, lane.number.to_bytes(2, "big") + value.to_bytes(width, "big")))
        return told

    def _named(self, selection: int) -> Iterator[Lane]:
        for lane in self._cabinet.lanes.values():
            tray = lane.number // 10
            if selection in (_ALL, lane.number) or (selection >= _TRAY and tray == selection - _TRAY):
                yield lane

    def _state(self) -> bytes:
        return b"\x01\x00" + bytes((self._doors[0, 0], self._doors[0, 1]))

    def _weights(self) -> bytes:
        lanes = list(self._cabinet.lanes.values())
        each = (
            lane.number.to_bytes(2, "big") + b"\x00" + (lane.stock * _PIECE_G).to_bytes(2, "big")
            for lane in lanes
        )
        return bytes((len(lanes),)) + b"".join(each)

    def _scales(self, text: bytes) -> bytes:
        first, last = int.from_bytes(text[1:3], "big"), int.from_bytes(text[3:5], "big")
        lanes = [lane for number, lane in self._cabinet.lanes.items() if first <= number <= last]
        each = (
            lane.number.to_bytes(2, "big")
            + (1000 + lane.stock).to_bytes(3, "big")
            + (1000).to_bytes(3, "big")
            + (4).to_bytes(3, "big")
            + (lane.stock * _PIECE_G).to_bytes(2, "big")
            + b"\x01\x02"
            for lane in lanes
        )
        return bytes((len(lanes),)) + b"".join(each)
