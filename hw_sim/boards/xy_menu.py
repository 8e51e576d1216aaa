"""What an XY board keeps and does behind its service menu, `70` and `71` (V3.2.11, V3.2.131, section 6).

Settings are kept as the bytes that were set; what the document gives no layout for is kept whole.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from hw_sim.boards.board import Faults
from hw_sim.boards.mechanics import Cabinet, Lane

READ, DO = 0, 1
_OK: Final = b"\x00"
# type: bytes that say which one, what stands there from the factory, whether a state stands before it
_KEPT: Final[Mapping[int, tuple[int, bytes, bool]]] = MappingProxyType(
    {
        0x01: (0, b"\x01", False),
        0x02: (1, b"\x01", False),
        0x03: (1, b"\x64", True),
        0x04: (2, b"\x01", False),
        0x06: (1, b"\x05\xdc", True),
        0x07: (1, b"\x03\x20", True),
        0x08: (0, b"0000012345", False),
        0x09: (0, bytes.fromhex("20261125040000"), False),
        0x10: (0, b"\x02", False),
        0x11: (1, b"\x1e", True),
        0x12: (1, b"\x02\x00", True),
        0x13: (1, b"\x07\xd0", True),
        0x14: (0, b"\x00\x32", False),
        0x15: (0, b"\x00\x32", False),
        0x16: (0, b"\x06\x16", False),
        0x17: (0, b"\x02", False),
        0x24: (1, b"\x01", False),
        0x25: (2, b"\x00\x0a\x00\x00", True),
        0x26: (2, b"\x01", True),
        0x27: (1, b"\x01", False),
        0x29: (1, b"\x00\x08\x08\x14\x14\x18", True),
        0x37: (1, bytes.fromhex("02080203000c0a03"), True),
        0x49: (1, b"\x32", True),
        0x59: (0, b"\x00", False),
        0x60: (1, b"\x00", False),
        **dict.fromkeys((0x18, 0x19, 0x20, 0x21, 0x22, 0x23), (0, b"\x00", False)),
        **dict.fromkeys(
            (0x51, 0x52, 0x53, 0x55, 0x56, 0x58, *range(0x64, 0x6A), 0x72, 0x78), (0, b"", False)
        ),
    }
)
# type: how long the answer to doing it is; all are zero while nothing is wrong
_DONE: Final[Mapping[int, int]] = MappingProxyType(
    {
        **dict.fromkeys((0x05, 0x30, 0x31, 0x34, 0x35, 0x48, 0x57, 0x61, 0x62, 0x70, 0x71, 0x8A, 0x8B), 1),
        0x39: 3,
    }
)
_NOT_PRESENT, _CANNOT_STOP = 2, 1
_PROBE: Final = 7
_COOLING: Final = 2
_TURN: Final = 1


class Menu:
    """The menu of one board; kept through power cuts."""

    def __init__(self, cabinet: Cabinet, faults: Faults) -> None:
        self._cabinet: Final = cabinet
        self._faults: Final = faults
        self._kept: Final[dict[tuple[int, bytes], bytes]] = {}
        self._target: int | None = None
        self._mode = _COOLING

    def turns(self, text: bytes) -> int | None:
        """The selection whose motor this request turns, if it turns one (type 38, mode 1)."""
        if text[:3] != bytes((0x38, DO, _TURN)) or len(text) < 5:
            return None
        return int.from_bytes(text[3:5], "big")

    def answer(self, text: bytes) -> bytes:
        """The text of the `71` that answers a `70`."""
        kind, operation, told = text[0], text[1], text[2:]
        return text[:2] + (self._read(kind, told) if operation == READ else self._do(kind, told))

    # ------------------------------------------------------------ operation 00

    def _read(self, kind: int, told: bytes) -> bytes:
        if kind in _KEPT:
            size, factory, stated = _KEPT[kind]
            return _OK * stated + self._kept.get((kind, told[:size]), factory)
        lanes = self._cabinet.lanes.values()
        match kind:
            case 0x28:
                target = 4 if self._target is None else self._target
                return _OK + bytes((self._mode,)) + b"".join(map(_signed, (target, 2, 8)))
            case 0x32:
                return _listed(each.number for each in lanes if each.jammed) + _listed(())
            case 0x33:
                return _listed(each.number for each in lanes if not each.motor)
            case 0x35:
                return _listed(())
            case 0x36:
                code = _PROBE if self._faults.on("no_probe") else 0
                return _OK + _signed(0 if code else self._cabinet.temperature_c) + bytes((code,))
            case 0x40:
                return _OK + (3000).to_bytes(4, "big") + bytes(16)
            case 0x41:
                return len(lanes).to_bytes(2, "big") + b"\x00" + bytes((len(lanes), 0))
            case 0x42 | 0x47:
                return self._of_a_lane(kind, int.from_bytes(told[:2], "big"))
            case 0x43 | 0x44 | 0x45 | 0x46:
                sold = sum(each.sold for each in lanes)
                fen = sum(each.sold * each.price for each in lanes)
                return (sold.to_bytes(4, "big") + fen.to_bytes(4, "big")).ljust(80, b"\x00")
        return _OK

    def _of_a_lane(self, kind: int, number: int) -> bytes:
        lane = self._cabinet.lanes.get(number, Lane(number))
        if kind == 0x47:
            return lane.sold.to_bytes(4, "big") + (lane.sold * lane.price).to_bytes(4, "big")
        fields = lane.price.to_bytes(4, "big") + lane.stock.to_bytes(2, "big")
        return fields + bytes((lane.capacity,)) + lane.goods.to_bytes(2, "big") + b"\x01\x01\x01\x01"

    # ------------------------------------------------------------ operation 01

    def _do(self, kind: int, told: bytes) -> bytes:
        if kind in _KEPT:
            size = _KEPT[kind][0]
            self._kept[kind, told[:size]] = told[size:]
            return _OK
        if kind in _DONE:
            return bytes(_DONE[kind])
        match kind:
            case 0x28 if len(told) >= 3:
                self._mode, self._target = told[1], int.from_bytes(told[2:3], "big", signed=True)
            case 0x32 | 0x33:
                for lane in self._cabinet.lanes.values():
                    lane.jammed = lane.jammed and kind != 0x32
            case 0x38:
                return bytes((self._tested(int.from_bytes(told[1:3], "big"), turn=told[:1] == b"\x01"),))
            case 0x50:
                return _OK + bytes((self._faults.on("sensor_fault"),))
            case 0x54:
                return _OK + bytes((self._faults.on("lift_stuck"),))
            case 0x63:
                for lane in self._cabinet.lanes.values():
                    lane.stock = lane.capacity
        return _OK

    def _tested(self, number: int, *, turn: bool) -> int:
        lane = self._cabinet.lanes.get(number)
        if lane is None or not lane.motor or self._faults.on("motor_missing"):
            return _NOT_PRESENT
        return _CANNOT_STOP if turn and self._faults.on("jam") else 0


def _signed(number: int) -> bytes:
    return number.to_bytes(1, "big", signed=True)


def _listed(numbers: Iterable[int]) -> bytes:
    found = list(numbers)
    return bytes((len(found),)) + b"".join(each.to_bytes(2, "big") for each in found)
