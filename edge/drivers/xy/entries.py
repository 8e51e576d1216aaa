"""The XY board's service menu (`70`, answered by `71`) and its rarer frames, as the document's own tables.

A type of the menu is the number of the document's section, written as two hex digits. Sources: XY protocol
V3.0, V3.2.11, and V3.2.131 for weighing cabinets (section 2, 6 and 7).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from edge.drivers.xy import layout
from edge.drivers.xy.layout import Field

READ, SET = 0x00, 0x01
REQUEST, ANSWER = 0x70, 0x71


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry: parameters and result of reading it, and of setting or doing it; None where it cannot."""

    name: str
    read: tuple[tuple[Field, ...], tuple[Field, ...]] | None = None
    set: tuple[tuple[Field, ...], tuple[Field, ...]] | None = None


def _entry(name: str, read: str = "", set_: str = "") -> Entry:
    return Entry(name=name, read=_both(read), set=_both(set_))


def _both(line: str) -> tuple[tuple[Field, ...], tuple[Field, ...]] | None:
    """`parameters -> result`, empty for what cannot be."""
    if not line:
        return None
    asked, _, told = line.partition("->")
    return layout.fields(asked), layout.fields(told)


_OPAQUE: Final = ("rest -> rest", "rest -> rest")  # field widths are not documented
_MEALS: Final = (0x55, 0x56, 0x58, *range(0x64, 0x6A), 0x72, 0x78)
_CLIMATE: Final = "low1s high1s hysteresis1 delay1 correction1s defrost_hours1 defrost_minutes1 protect1"
_HOURS: Final = "start_a1 end_a1 start_b1 end_b1 start_c1 end_c1"
_TOTALS: Final = " ".join(
    f"{way}_count4 {way}_amount4"
    for way in ("total", "cash", "wechat", "alipay", "unionpay", "token", "bank_card", "ic_card", "held")
)

ENTRIES: Final[Mapping[int, Entry]] = MappingProxyType(
    {
        0x01: _entry("coin system", "-> system1", "system1=1..2 -> st1"),
        0x02: _entry("selection mechanism", "layer1 -> mode1", "layer1 mode1=1..3 -> st1"),
        0x03: _entry("motor stop threshold", "cab1 -> st1 ad1", "cab1 ad1=20..250 -> st1"),
        0x04: _entry("coupled motors", "sel2 -> mode1", "sel2 mode1=1..3 -> st1"),
        0x05: _entry("clear coupling", set_="-> st1"),
        0x06: _entry("coupling time", "cab1 -> st1 ms2", "cab1 ms2=1200..2200 -> st1"),
        0x07: _entry("motor short threshold", "cab1 -> st1 v2", "cab1 v2=700..900 -> st1"),
        0x08: _entry("machine id", "-> id10a", "id10a -> st1"),
        0x09: _entry("clock", "-> time7x", "time7x -> st1"),
        0x10: _entry("decimal places", "-> n1", "n1=0..2 -> st1"),
        0x11: _entry("delivery door time", "cab1 -> st1 s1", "cab1 s1=3..250 -> st1"),
        0x12: _entry("elevator present", "cab1 -> st1 lift1 oc1", "cab1 lift1=1..2 oc1 -> st1"),
        0x13: _entry("flap time", "cab1 -> st1 ms2", "cab1 ms2=20..3600 -> st1"),
        0x14: _entry("hopper coins 0.50", "-> n2", "n2 -> st1"),
        0x15: _entry("hopper coins 1.00", "-> n2", "n2 -> st1"),
        0x16: _entry("light schedule", "-> start1 end1", "start1=0..24 end1=0..24 -> st1"),
        0x17: _entry("bank POS", "-> v1", "v1=0..2 -> st1"),
        **{kind: _entry("money policy", *_OPAQUE) for kind in range(0x18, 0x1A)},
        **{kind: _entry("money policy", *_OPAQUE) for kind in range(0x20, 0x24)},
        0x24: _entry("drop sensor of a layer", "layer1 -> v1", "layer1=0..100 v1=1..2 -> st1"),
        0x25: _entry("belt detection", "sel2 -> st1 timeout2 stop2", "sel2 timeout2 stop2 -> st1"),
        0x26: _entry("extra quarter turn", "sel2 -> st1 v1", "sel2 v1=0..1 -> st1"),
        0x27: _entry("policy after a jam", "layer1 -> v1", "layer1 v1=1..2 -> st1"),
        0x28: _entry(
            "temperature control",
            "cab1 -> st1 mode1 target1s min1s max1s",
            "cab1 mode1=1..4 target1s -> st1",
        ),
        0x29: _entry("compressor hours", f"cab1 -> st1 {_HOURS}", f"cab1 {_HOURS} -> st1"),
        0x30: _entry("clear sales", set_="hidden -> st1"),
        0x31: _entry("clear password", set_="hidden -> st1"),
        0x32: _entry("jammed selections", "-> jams1 {jam2} belts1 {belt2}", "-> st1"),
        0x33: _entry("motor faults", "-> count1 {motor2}", "-> st1"),
        0x34: _entry("elevator errors", "-> rest", "-> st1"),
        0x35: _entry("extra turn errors", "-> count1 {motor2}", "-> st1"),
        0x36: _entry("temperature", "cab1 -> st1 temp1s code1"),
        0x37: _entry("temperature settings", f"cab1 -> st1 {_CLIMATE}", f"cab1 {_CLIMATE} -> st1"),
        0x38: _entry("selection test", set_="mode1=1..2 sel2 -> r1"),
        0x39: _entry("coin payout test", set_="system1 n2 coin1 -> st1 n2"),
        0x40: _entry("coin tubes", "-> st1 total4 rest"),
        0x41: _entry("selection count", "-> rest"),
        0x42: _entry(
            "selection settings",
            "sel2 -> price4 stock2 cap1 goods2 mode1 drop1 jam1 quarter1",
        ),
        0x43: _entry("sales of a day", f"date4x -> {_TOTALS}"),
        0x44: _entry("sales of a month", f"month3x -> {_TOTALS}"),
        0x45: _entry("sales of a year", f"year2x -> {_TOTALS}"),
        0x46: _entry("sales", f"-> {_TOTALS}"),
        0x47: _entry("sales of a selection", "sel2 -> count4 amount4"),
        0x48: _entry("calibrate drop sensor", set_="cab1 -> st1"),
        0x49: _entry("drop sensor sensitivity", "cab1 -> st1 v1", "cab1 v1 -> st1"),
        0x50: _entry("drop sensor test", set_="cab1 mode1=0..1 -> st1 r1"),
        0x51: _entry("elevator pulses", *_OPAQUE),
        0x52: _entry("elevator speed", *_OPAQUE),
        0x53: _entry("elevator sensitivity", *_OPAQUE),
        0x54: _entry("elevator test", set_="cab1 layer1=0..9 -> st1 r1"),
        **{
            kind: _entry("meal machine", *_OPAQUE)
            for kind in (0x55, 0x56, 0x58, *range(0x64, 0x6A), 0x72, 0x78)
        },
        0x57: _entry("mechanism test", set_="part1 action1 cab1 -> st1"),
        0x59: _entry("note recycler", "-> n1", "n1 -> st1"),
        0x60: _entry("temperature controller present", "cab1 -> v1", "cab1 v1=0..1 -> st1"),
        0x61: _entry("note acceptor test", set_="-> r1"),
        0x62: _entry("coin acceptor test", set_="-> r1"),
        0x63: _entry("fill all", set_="-> st1"),
        0x70: _entry("export settings", set_="-> st1"),
        0x71: _entry("import settings", set_="-> st1"),
        0x8A: _entry("tare a scale", set_="cab1 ch1 -> r1"),
        0x8B: _entry("calibrate a scale", set_="cab1 ch1 weight2 -> r1"),
    }
)

# What a result's number means, by entry and field.
MEANINGS: Final[Mapping[tuple[int, str], tuple[str, ...]]] = MappingProxyType(
    {
        (0x36, "code"): (
            *("ok", "compressor over-current", "compressor open", "evaporator fan over-current"),
            *("evaporator fan open", "condenser fan over-current", "condenser fan open", "probe"),
        ),
        (0x38, "r"): ("ok", "cannot stop", "not present", "communication error", "motor short"),
        (0x54, "r"): ("ok", "overload", "flap error", "delivery door", "translation overload"),
        (0x50, "r"): ("ok",),
    }
)

# Frames beside the menu: opcode to name and text (section 2 and 7).
FRAMES: Final[Mapping[int, tuple[str, tuple[Field, ...]]]] = MappingProxyType(
    {
        code: (name, layout.fields(line))
        for code, name, line in (
            (0x03, "Buy", "sel2"),
            (0x12, "Price", "sel2 price4"),
            (0x13, "Stock", "sel2 stock1"),
            (0x14, "Capacity", "sel2 cap1"),
            (0x15, "Goods", "sel2 goods2"),
            (0x16, "PollInterval", "interval1=1..20"),
            (0x17, "FillAllKey", ""),
            (0x25, "ReturnChange", ""),
            (0x26, "ChangeReturned", "notes4 coins4"),
            (0x27, "MoneyCollected", "mode1 amount4 hidden"),
            (0x28, "AcceptMask", "type1 mask2x"),
            (0x29, "CardRead", "cabinet1 reader1 hidden"),
            (0x61, "AskCard", "query1"),
            (0x62, "CardBalance", "status1 balance4"),
            (0x63, "AskHostMenu", ""),
            (0x64, "ChargeCard", "amount4"),
            (0x66, "Microwaves", "count1 {state1}"),
            (0x67, "Activity", "flag1 state1x"),
            (0x68, "FillAllByHost", ""),
            (0x80, "AskDoors", "cabinet1"),
            (0x81, "Doors", "n1 {cabinet1 left1 right1}"),
            (0x82, "AskWeights", "cabinet1 door1"),
            (0x83, "Weights", "cabinet1 door1 n1 {sel2 status1 weight2}"),
            (0x84, "Unlock", "cabinet1 door1 seconds1=5..250"),
            (0x85, "Unlocked", "cabinet1 door1 result1"),
            (0x86, "AskScales", "cabinet1 first2 last2"),
            (0x87, "Scales", "status1 cabinet1 n1 {sel2 raw3 zero3 cal3 weight2 hw1 sw1}"),
        )
    }
)


def request(kind: int, operation: int, **values: int | str) -> bytes:
    """The text of a `70`. Raises ValueError for a wrong value, KeyError for what the menu does not have."""
    lines = _lines(kind, operation)
    if lines is None:
        raise KeyError(f"{kind:02X}/{operation:02X}")
    return bytes((kind, operation)) + layout.write(lines[0], values)


def told(command: int, text: bytes) -> tuple[str, dict[str, object]] | None:
    """Name and fields of a frame of the menu, or of one beside it; None for a frame of another kind."""
    if command in (REQUEST, ANSWER) and len(text) >= 2:
        return _menu(command, text)
    if command not in FRAMES:
        return None
    name, line = FRAMES[command]
    return name, layout.read(line, text)


def _menu(command: int, text: bytes) -> tuple[str, dict[str, object]]:
    kind, operation, inside = text[0], text[1], text[2:]
    name = "MenuAsked" if command == REQUEST else "MenuAnswer"
    head: dict[str, object] = {"kind": f"{kind:02X}", "operation": operation}
    lines = _lines(kind, operation)
    if lines is None:
        return name, {**head, "text": inside.hex()}
    found = layout.read(lines[command == ANSWER], inside)
    for field, value in found.items():
        meant = MEANINGS.get((kind, field), ()) if command == ANSWER else ()
        if isinstance(value, int) and 0 <= value < len(meant):
            found[field] = f"{value} {meant[value]}"
    return name, {**head, "entry": ENTRIES[kind].name, **found}


def _lines(kind: int, operation: int) -> tuple[tuple[Field, ...], tuple[Field, ...]] | None:
    entry = ENTRIES.get(kind)
    if entry is None or operation not in (READ, SET):
        return None
    return entry.set if operation == SET else entry.read
