"""What the frames of each bus look like, of both sides, to somebody who only listens. Pure.

A driver knows what it asked and waits for the answer; whoever listens knows neither, so a frame is told by
its length and its check alone. Names and fields are the protocols' own.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from types import MappingProxyType
from typing import Any, Final

from edge.drivers import adh814, m102
from edge.drivers.checks import crc16_modbus, crc16_xmodem, sum8, xor8
from edge.drivers.xy.entries import told as told_xy
from edge.drivers.xy.messages import CashTaken
from edge.drivers.xy.messages import parse as parse_xy

MORE: Final = -1
TO_BOARD: Final = "to board"
TO_HOST: Final = "to host"

Fields = Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """One kind of frame. `length`: of the frame that may begin here, 0 for none, MORE to need more bytes."""

    length: Callable[[bytes], int]
    good: Callable[[bytes], bool]
    name: Callable[[bytes], str]
    fields: Callable[[bytes], Fields] = lambda raw: {}
    direction: str = ""


def _crc_ends(raw: bytes) -> bool:
    return crc16_modbus(raw[:-2]) == raw[-2:]


def _xor_is_nothing(raw: bytes) -> bool:
    return xor8(raw) == 0


def _named(names: Mapping[int, str], at: int) -> Callable[[bytes], str]:
    """The name of the code at this place; a code that is not known keeps its number."""
    return lambda raw: names.get(raw[at], f"{raw[at]:02x}")


def _data(first: int, last: int) -> Callable[[bytes], Fields]:
    return lambda raw: {"data": raw[first : len(raw) - last].hex()}


def _after_head(head: bytes, *, at: int, more: int, least: int) -> Callable[[bytes], int]:
    """A frame that begins with `head` and whose byte `at` counts all but `more` bytes."""

    def length(held: bytes) -> int:
        if held[: len(head)] != head[: len(held)]:
            return 0
        if len(held) <= at:
            return MORE
        return held[at] + more if held[at] + more >= least else 0

    return length


def _by_command(lengths: Mapping[int, int], first: Callable[[int], bool]) -> Callable[[bytes], int]:
    """A frame whose first byte fits and whose length follows from the second."""

    def length(held: bytes) -> int:
        if not first(held[0]):
            return 0
        return MORE if len(held) < 2 else lengths.get(held[1], 0)

    return length


def _by_first(lengths: Mapping[int, int], held: bytes) -> int:
    """A frame whose length follows from its first byte."""
    return lengths.get(held[0], 0)


def _fixed(count: int, first: Callable[[int], bool]) -> Callable[[bytes], int]:
    return lambda held: count if first(held[0]) else 0


# ---------------------------------------------------------------- XY


def _xy_message(raw: bytes) -> tuple[str, dict[str, Any]]:
    """Name and fields; a card's number is for nobody's eyes."""
    told = told_xy(raw[2], raw[5:-1])
    if told is not None:
        return told
    message = parse_xy(raw[2], raw[5:-1])
    found = {name: getattr(message, name) for name in message.__slots__}
    if isinstance(message, CashTaken):
        found["card"] = f"{len(message.card)} bytes"
    return type(message).__name__, found


def _xy_fields(raw: bytes) -> Fields:
    return {"pack_no": raw[4] if raw[3] else 0, **_xy_message(raw)[1]}


_XY: Final = Shape(
    length=_after_head(b"\xfa\xfb", at=3, more=5, least=5),
    good=_xor_is_nothing,
    name=lambda raw: _xy_message(raw)[0],
    fields=_xy_fields,
)

# ---------------------------------------------------------------- boards that only answer

_ADH814: Final = {0xA1: "identity", 0xA2: "doors", 0xA3: "poll", 0xA4: "cooling", 0xA5: "run", 0xA6: "clear"}
_ADH814_ASKS: Final = {0xA1: 4, 0xA2: 4, 0xA3: 4, 0xA4: 7, 0xA5: 5, 0xA6: 4, 0xB5: 6}
_ADH814_ANSWERS: Final = {0xA1: 20, 0xA2: 22, 0xA3: 13, 0xA4: 7, 0xA5: 5, 0xA6: 4, 0xB5: 5}


def _adh814_fields(raw: bytes) -> Fields:
    if raw[1] == 0xA3 and len(raw) == 13:
        return asdict(adh814.Status.of(raw[2:-2]))
    return {"data": raw[2:-2].hex()}


_M102: Final = {1: "identity", 3: "poll", 4: "scan", 5: "run", 7: "temperature", 8: "output", 9: "input"}


def _m102_good(raw: bytes) -> bool:
    return raw[-2:] in (m102.crc(raw[:-2], m102.Check.PLAIN), m102.crc(raw[:-2], m102.Check.SALTED))


def _m102_fields(raw: bytes) -> Fields:
    if raw[1] == 0x03 and any(raw[2:-2]):
        return {"address": raw[0], **asdict(m102.Status.of(raw[2:-2]))}
    return {"address": raw[0], "data": raw[2:-2].hex()}


_MODBUS: Final = {
    1: "read coils",
    3: "read registers",
    5: "write coil",
    6: "write register",
    16: "write registers",
}


def _modbus(raw: bytes) -> str:
    if raw[1] & 0x80:
        return f"{_MODBUS.get(raw[1] & 0x7F, 'function')} refused"
    return _MODBUS.get(raw[1], f"function {raw[1]:02x}")


def _modbus_answer(held: bytes) -> int:
    """Read answers count their bytes; exceptions have five."""
    if len(held) < 3:
        return MORE if 1 <= held[0] <= 247 else 0
    if held[1] & 0x80:
        return 5 if held[1] & 0x7F in _MODBUS else 0
    return held[2] + 5 if held[1] in (1, 3) and held[2] <= 64 else 0


def _modbus_long(held: bytes) -> int:
    """A write of several registers counts its bytes behind the seventh."""
    if len(held) < 2:
        return MORE
    if held[1] != 16:
        return 0
    return MORE if len(held) < 7 else held[6] + 9


_MODBUS_SHAPES: Final = (
    Shape(length=_modbus_answer, good=_crc_ends, name=_modbus, fields=_data(2, 2), direction=TO_HOST),
    Shape(length=_modbus_long, good=_crc_ends, name=_modbus, fields=_data(2, 2), direction=TO_BOARD),
    Shape(
        length=_by_command(dict.fromkeys((1, 3, 5, 6, 16), 8), lambda first: 1 <= first <= 247),
        good=_crc_ends,
        name=_modbus,
        fields=_data(2, 2),
    ),
)

_EASIVEND: Final = {0x70: "dispense", 0x71: "check", 0x72: "clear number", 0x73: "last result"}
_ZIMAN: Final = {0x04: "status", 0x05: "rotate", 0x07: "motor there", 0x08: "recent results", 0x09: "unlock"}
_TCN: Final = {0x64: "sensor check", 0x65: "reset motors", 0xDC: "temperature", 0xDD: "light", 0xDF: "door"}
_LIFTER: Final = {1: "status", 2: "deliver", 3: "tray", 4: "to layer", 5: "home", 0x50: "clear faults"}
_JINMA: Final = {
    0x00: "connect",
    0x01: "channel",
    0x03: "dispense",
    0x05: "result",
    0x06: "motor test",
    0x10: "cabinet",
    0x20: "board",
}
_JUNPENG: Final = {
    0x01: "taken",
    0x02: "refused",
    0x03: "poll",
    0x08: "vend result",
    0x0B: "action",
    0x0C: "button",
    0x0E: "channels",
    0x80: "acknowledged",
    0x83: "vend",
    0x90: "setup wanted",
}
_LOCKS: Final = {0x8A: "open", 0x80: "state", 0x82: "changed", 0x90: "open several", 0x9A: "on", 0x9B: "off"}


def _tcn_name(raw: bytes) -> str:
    if 1 <= raw[2] <= 0x63:
        return "dispense"
    return "channel there" if 0x78 < raw[2] < 0xC9 else _TCN.get(raw[2], f"{raw[2]:02x}")


def _complements(raw: bytes) -> bool:
    return all(raw[at] ^ raw[at + 1] == 0xFF for at in (0, 2, 4))


def _lifter_good(raw: bytes) -> bool:
    return raw[-2] == 3 and xor8(raw) == 0 and sum8(raw[3:-3]) == raw[-3]


# ---------------------------------------------------------------- MDB blocks

_MDB_ASKS: Final = {0x10: "reset", 0x11: "setup", 0x12: "poll", 0x13: "vend", 0x14: "reader"}
_MDB_VENDS: Final = ("request", "cancel", "success", "failure", "session complete", "cash sale")
_MDB_LENGTHS: Final = {
    0x11: {0: 7, 1: 7},
    0x13: {0: 7, 1: 3, 2: 5, 3: 3, 4: 3, 5: 7, 6: 7},
    0x14: {0: 3, 1: 3, 2: 3},
}
_MDB_SAYS: Final = {0x03: "begin session", 0x05: "approved", 0x06: "denied", 0x07: "end session"}


def _mdb_asked(held: bytes) -> int:
    if held[0] in (0x10, 0x12):
        return 2
    if held[0] not in _MDB_LENGTHS:
        return 0
    return MORE if len(held) < 2 else _MDB_LENGTHS[held[0]].get(held[1], 0)


def _mdb_name(raw: bytes) -> str:
    if raw[0] == 0x13 and raw[1] < len(_MDB_VENDS):
        return f"vend {_MDB_VENDS[raw[1]]}"
    return _MDB_ASKS.get(raw[0], f"{raw[0]:02x}")


def _sum_ends(raw: bytes) -> bool:
    return sum8(raw[:-1]) == raw[-1]


# ---------------------------------------------------------------- lines of text


def _line(held: bytes) -> int:
    at = held.find(b"\n")
    if at >= 0:
        return at + 1
    return MORE if held.isascii() and len(held) < 200 else 0


def _line_good(raw: bytes) -> bool:
    text = raw.strip()
    return len(text) > 0 and text.isascii() and text.decode("ascii").isprintable()


SHAPES: Final[Mapping[str, tuple[Shape, ...]]] = MappingProxyType(
    {
        "xy": (_XY,),
        "adh814": (
            Shape(
                length=_by_command(_ADH814_ASKS, lambda first: 1 <= first <= 4),
                good=_crc_ends,
                name=_named(_ADH814, 1),
                fields=_data(2, 2),
                direction=TO_BOARD,
            ),
            Shape(
                length=_by_command(_ADH814_ANSWERS, lambda first: first <= 4),
                good=_crc_ends,
                name=_named(_ADH814, 1),
                fields=_adh814_fields,
                direction=TO_HOST,
            ),
        ),
        "easivend": (
            Shape(
                length=_fixed(8, lambda first: first == 0xED),
                good=_xor_is_nothing,
                name=_named(_EASIVEND, 3),
                fields=lambda raw: {"number": raw[2], "channel": raw[4], "confirm": bool(raw[6])},
                direction=TO_BOARD,
            ),
            Shape(
                length=_fixed(8, lambda first: first == 0xEE),
                good=_xor_is_nothing,
                name=_named(_EASIVEND, 3),
                fields=lambda raw: {"number": raw[2], "channel": raw[4], "status": f"{raw[5]:02x}"},
                direction=TO_HOST,
            ),
        ),
        "ziman": (
            Shape(
                length=_after_head(b"\xa8", at=1, more=0, least=6),
                good=lambda raw: raw[-1] == 0xFE and sum8(raw[:-2]) == raw[-2],
                name=_named(_ZIMAN, 2),
                fields=lambda raw: {"number": raw[3], "data": raw[4:-2].hex()},
            ),
        ),
        "m102": (
            Shape(
                length=_fixed(20, lambda first: 1 <= first <= 8),
                good=_m102_good,
                name=_named(_M102, 1),
                fields=_m102_fields,
            ),
        ),
        "zdm8": _MODBUS_SHAPES,
        "relay": _MODBUS_SHAPES,
        "tcn": (
            Shape(
                length=_fixed(6, lambda first: first <= 15),
                good=_complements,
                name=_tcn_name,
                fields=lambda raw: {"board": raw[0], "command": raw[2], "parameter": raw[4]},
                direction=TO_BOARD,
            ),
            Shape(
                length=_fixed(5, lambda first: first <= 15),
                good=lambda raw: raw[1] in (0x5C, 0x5D) and sum8(raw[:4]) == raw[4],
                name=lambda raw: "done" if raw[1] == 0x5D else "fault",
                fields=lambda raw: {"board": raw[0], "code": f"{raw[2]:02x}", "data": f"{raw[3]:02x}"},
                direction=TO_HOST,
            ),
        ),
        "tcn-lifter": (
            Shape(
                length=_after_head(b"\x02", at=1, more=4, least=7),
                good=_lifter_good,
                name=_named(_LIFTER, 2),
                fields=lambda raw: {"address": raw[3], "data": raw[4:-3].hex()},
            ),
        ),
        "jinma": (
            Shape(
                length=_after_head(b"\x01", at=1, more=3, least=4),
                good=lambda raw: xor8(raw[1:]) == 0,
                name=_named(_JINMA, 2),
                fields=_data(3, 1),
            ),
        ),
        "junpeng": (
            Shape(
                length=_after_head(b"\xe5", at=1, more=2, least=7),
                good=lambda raw: crc16_xmodem(raw[:-2]) == raw[-2:],
                name=_named(_JUNPENG, 4),
                fields=lambda raw: {"number": raw[2], "asks": bool(raw[3] & 1), "data": raw[5:-2].hex()},
            ),
        ),
        "lock8a": (
            Shape(
                length=_fixed(5, lambda first: first in _LOCKS),
                good=_xor_is_nothing,
                name=_named(_LOCKS, 0),
                fields=lambda raw: {"board": raw[1], "lock": raw[2], "last": f"{raw[3]:02x}"},
            ),
        ),
        "mdb-waferstar": (
            Shape(length=_mdb_asked, good=_sum_ends, name=_mdb_name, fields=_data(1, 1), direction=TO_HOST),
            Shape(
                length=partial(_by_first, {0x03: 4, 0x05: 4, 0x06: 2, 0x07: 2}),
                good=_sum_ends,
                name=_named(_MDB_SAYS, 0),
                fields=_data(1, 1),
                direction=TO_BOARD,
            ),
        ),
        "mdb-qibixx": (
            Shape(
                length=_line,
                good=_line_good,
                name=lambda raw: raw.strip().decode("ascii"),
            ),
        ),
    }
)
