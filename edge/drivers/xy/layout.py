"""Texts of XY frames as the document writes them: fields in a line, each a name and its width in bytes.

    cab1 ad1=20..250     two numbers of one byte, the second within a range
    temp1s id10a time7x  signed, ASCII, and hex digits as they stand (BCD)
    n1 {sel2 weight2}    a count, then so many groups of fields
    rest                 bytes whose meaning the document does not give; hidden: such that nobody may read

Documents print lengths that their own fields contradict, so a text is read as far as it goes.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

_FIELD: Final = re.compile(
    r"(?P<name>[a-z_]+?)(?P<width>\d+)(?P<kind>[sax]?)(?:=(?P<low>\d+)\.\.(?P<high>\d+))?"
)
_GROUP: Final = re.compile(r"\{([^}]*)\}|(\S+)")
REST, HIDDEN = "rest", "hidden"


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field. `kind`: empty for a number, s signed, a ASCII, x hex digits. `group` repeats by a count."""

    name: str
    width: int
    kind: str = ""
    low: int | None = None
    high: int | None = None
    group: tuple["Field", ...] = ()


def fields(line: str) -> tuple[Field, ...]:
    """The fields of a line. Raises ValueError: these lines are our own."""
    return tuple(_group(inside) if inside else _field(word) for inside, word in _GROUP.findall(line))


def read(line: tuple[Field, ...], text: bytes) -> dict[str, object]:
    """The values of a text, as far as it goes; bytes beyond the last field are `more`."""
    found: dict[str, object] = {}
    count, at = 0, 0
    for field in line:
        if field.group:
            found[field.name], at = _groups(field, text, at, count)
            continue
        part = text[at : at + field.width] if field.width else text[at:]
        if len(part) < field.width:
            break
        found[field.name] = value = _value(field, part)
        count, at = value if isinstance(value, int) else 0, at + len(part)
    if text[at:]:
        found["more"] = text[at:].hex()
    return found


def write(line: tuple[Field, ...], values: Mapping[str, int | str]) -> bytes:
    """The text of a request. Raises ValueError: which field, what was found, what is allowed."""
    wrong = set(values) - {field.name for field in line}
    if wrong:
        raise ValueError(f"{', '.join(sorted(wrong))}: allowed {[field.name for field in line]}")
    return b"".join(_bytes(field, values.get(field.name)) for field in line)


def _group(inside: str) -> Field:
    group = fields(inside)
    return Field(name=group[0].name if len(group) == 1 else "each", width=0, group=group)


def _field(word: str) -> Field:
    if word in (REST, HIDDEN):
        return Field(name=word, width=0, kind="x")
    told = _FIELD.fullmatch(word)
    if told is None:
        raise ValueError(f"{word!r}: allowed a name, its width, a kind and a range")
    low, high = (int(told[each]) if told[each] else None for each in ("low", "high"))
    return Field(name=told["name"], width=int(told["width"]), kind=told["kind"], low=low, high=high)


def _groups(field: Field, text: bytes, at: int, count: int) -> tuple[list[object], int]:
    size = sum(each.width for each in field.group)
    found: list[object] = []
    while len(found) < count and len(text) >= at + size:
        values = read(field.group, text[at : at + size])
        found.append(values[field.name] if len(field.group) == 1 else values)
        at += size
    return found, at


def _value(field: Field, part: bytes) -> int | str:
    if field.name == HIDDEN:
        return f"{len(part)} bytes"
    if field.kind == "x":
        return part.hex()
    if field.kind == "a":
        return "".join(chr(byte) for byte in part if 0x20 <= byte < 0x7F).strip()
    return int.from_bytes(part, "big", signed=field.kind == "s")


def _bytes(field: Field, value: int | str | None) -> bytes:
    if isinstance(value, int) and field.kind in ("", "s") and field.width:
        signed = field.kind == "s"
        least = -(1 << 8 * field.width - 1) if signed else 0
        low = least if field.low is None else field.low
        high = (1 << 8 * field.width - signed) - 1 if field.high is None else field.high
        if not low <= value <= high:
            raise ValueError(f"{field.name}: found {value}, allowed {low} to {high}")
        return value.to_bytes(field.width, "big", signed=signed)
    if isinstance(value, str) and field.kind == "a" and value.isascii() and len(value) == field.width:
        return value.encode("ascii")
    if isinstance(value, str) and field.kind == "x" and len(value) == 2 * field.width:
        return bytes.fromhex(value)
    what = {"a": f"{field.width} ASCII characters", "x": f"{2 * field.width} hex digits"}
    raise ValueError(f"{field.name}: found {value!r}, allowed {what.get(field.kind, 'a number')}")
