"""Reading an EVA-DTS report: strict with its frame, counts and check, calm about segments it does not know.

A dump that was cut looks whole to a reader that skips SE, G85 and DXE; here it is refused. Pure.
"""

import re
from dataclasses import dataclass
from typing import Final

from edge.tech.dts import (
    FRAME,
    LINE_END,
    NAME,
    BadReport,
    Report,
    Segment,
    check_application,
    check_segment,
    g85,
)

_ESCAPED: Final = re.compile(rb"\^([0-9A-Fa-f]{2})\^")
_FORBIDDEN: Final = re.compile(rb"[^ -~]")
_CHECK: Final = re.compile(r"[0-9A-Fa-f]{4}")
SWAPPED: Final = "G85 has its bytes swapped, as devices before version 6 write it"
BARE: Final = "line ends without CR were read as CR LF"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A report that passed every check, and in words what was put up with."""

    report: Report
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Line:
    """A line where it stands, counted from 1; `raw` without its end."""

    number: int
    raw: bytes
    segment: Segment


def read(data: bytes) -> Found:
    """The one report of `data`. Raises BadReport with line, element, what was found and what is allowed."""
    lines, notes = _lines(data)
    head, start, *inside, check, trailer, end = _framed(lines)
    check_application(head.segment.elements, f"line {head.number}: DXS")
    for line in inside:
        check_segment(line.segment, f"line {line.number}")
    control = _elements(start, ("001", None))[1]
    if _check(check, [start, *inside]):
        notes = (*notes, SWAPPED)
    _elements(trailer, (str(len(inside) + 3), control))
    _elements(end, (head.segment.elements[3], "1"))
    report = Report(
        application=head.segment.elements,
        segments=tuple(line.segment for line in inside),
        control=control,
    )
    return Found(report=report, notes=notes)


def _lines(data: bytes) -> tuple[list[_Line], tuple[str, ...]]:
    """The lines between blank ones before and after, and what had to be put up with."""
    parts = data.replace(LINE_END, b"\n").split(b"\n")
    numbers = [number for number, raw in enumerate(parts, 1) if raw.strip(b" \t\0\x1a")]
    if not numbers:
        raise BadReport("line 1: found nothing, allowed DXS")
    first, last = numbers[0], numbers[-1]
    lines = [_line(number, parts[number - 1]) for number in range(first, last + 1)]
    return lines, (BARE,) if data.count(b"\n") != data.count(LINE_END) else ()


def _line(number: int, raw: bytes) -> _Line:
    name, *elements = raw.split(b"*")
    text = name.decode("latin-1")
    if not NAME.fullmatch(text):
        raise BadReport(f"line {number}: found {text[:20]!a}, allowed a segment such as PA1")
    whole = tuple(_element(number, place, part) for place, part in enumerate(elements, 1))
    return _Line(number, raw, Segment(text, whole))


def _element(line: int, place: int, raw: bytes) -> str:
    """Text of an element; bytes that are no UTF-8 stay what they are, as the writer takes them back."""
    wrong = _FORBIDDEN.search(raw)
    if wrong is not None:
        byte = f"{wrong[0][0]:02X}"
        raise BadReport(
            f"line {line}, element {place}: found byte {byte}h, allowed 20h to 7Eh; another is ^{byte}^"
        )
    if b"^" in _ESCAPED.sub(b"", raw):
        raise BadReport(f"line {line}, element {place}: found ^ by itself, allowed ^hh^ with two hex digits")
    return _ESCAPED.sub(lambda found: bytes.fromhex(found[1].decode()), raw).decode(
        "utf-8", "surrogateescape"
    )


def _framed(lines: list[_Line]) -> list[_Line]:
    """The lines, when the frame stands around them and nowhere else."""
    first, last = lines[0], lines[-1]
    if first.segment.name != "DXS":
        raise BadReport(f"line {first.number}: found {first.segment.name}, allowed DXS")
    if last.segment.name != "DXE":
        raise BadReport(
            f"line {last.number}: found {last.segment.name} at the end, allowed DXE. The report was cut: "
            "read the machine again"
        )
    if len(lines) < len(FRAME):
        raise BadReport(f"line {last.number}: found {len(lines)} lines, allowed DXS ST .. G85 SE DXE")
    places = dict(zip(FRAME, (0, 1, len(lines) - 3, len(lines) - 2, len(lines) - 1), strict=True))
    for place, line in enumerate(lines):
        name = line.segment.name
        if name in places and places[name] != place:
            raise BadReport(f"line {line.number}: found {name}, allowed one set, as DXS ST .. G85 SE DXE")
    for name, place in places.items():
        if lines[place].segment.name != name:
            raise BadReport(f"line {lines[place].number}: found {lines[place].segment.name}, allowed {name}")
    return lines


def _elements(line: _Line, expected: tuple[str, str | None]) -> tuple[str, str]:
    """The two elements of a line of the frame; None stands for any. Raises BadReport."""
    found = line.segment.elements
    if len(found) != 2:
        raise BadReport(f"line {line.number}: {line.segment.name}: found {len(found)} elements, allowed 2")
    for place, (text, allowed) in enumerate(zip(found, expected, strict=True), 1):
        if allowed is not None and text.lstrip("0") != allowed.lstrip("0"):
            raise BadReport(
                f"line {line.number}: {line.segment.name}, element {place}: found {text[:20]!r}, "
                f"allowed {allowed!r}. Lines are missing or not of this report: read the machine again"
            )
    return found[0], found[1]


def _check(line: _Line, covered: list[_Line]) -> bool:
    """Whether G85 is right with its bytes swapped. Raises BadReport when it is wrong in both orders."""
    found = line.segment.elements[0] if len(line.segment.elements) == 1 else ""
    if not _CHECK.fullmatch(found):
        raise BadReport(f"line {line.number}: G85, element 1: found {found[:20]!r}, allowed 4 hex digits")
    crc = g85(b"".join(each.raw + LINE_END for each in covered))
    told = int(found, 16)
    if told not in (crc, (crc & 0xFF) << 8 | crc >> 8):
        raise BadReport(
            f"line {line.number}: G85, element 1: found {found}, allowed {crc:04X}. The report was changed "
            "or damaged: read the machine again"
        )
    return told != crc
