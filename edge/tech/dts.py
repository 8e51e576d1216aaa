"""EVA-DTS audit reports: lines of elements under a check, as vending machines hand them to a data carrier.

Source: EVA-DTS 6.1.1, report part. Here are the report as a value and its writer; `dts_reader` reads. Pure.
"""

import re
from dataclasses import dataclass
from typing import Final

from edge.drivers.checks import crc16_modbus
from edge.tech.dts_names import kind_of, named

LIMIT_BYTES: Final = 1 << 20  # no report and no dump of one is longer
DAMAGED_LIMIT: Final = 64  # blocks of a recording; the search goes on behind each of them
VERSION: Final = "V0/6"
LINE_END: Final = b"\r\n"
FRAME: Final = ("DXS", "ST", "G85", "SE", "DXE")
NAME: Final = re.compile(r"[A-Z][A-Z0-9]{0,5}")
_NUMBER: Final = re.compile(r"-?[0-9]{1,18}")
_DIGITS: Final = re.compile(r"[0-9]{1,8}")
_FORBIDDEN: Final = re.compile(rb"[^ -~]|[*^]")


class BadReport(ValueError):
    """No report, or a damaged one. Says where, what was found, and what is allowed."""


@dataclass(frozen=True, slots=True)
class Segment:
    """One line: a name such as `PA1`, and elements 01, 02, .. as text; an empty one is not available."""

    name: str
    elements: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One transaction set. `application` is DXS: communication id, function, version, transmission number.

    `segments` stand between ST and G85; counts and check sum are made when it is written.
    """

    application: tuple[str, ...]
    segments: tuple[Segment, ...]
    control: str = "0001"


def g85(text: bytes) -> int:
    """CRC-16/ARC over everything from the S of ST through the line end in front of G85."""
    return int.from_bytes(crc16_modbus(text, 0), "little")


def write(report: Report) -> bytes:
    """The report's bytes, counted and checked. Raises BadReport for what no reader would take."""
    check_application(report.application, "DXS")
    inside = [_line(Segment("ST", ("001", report.control)))]
    for number, segment in enumerate(report.segments, 1):
        check_segment(segment, f"segment {number}")
        inside.append(_line(segment))
    covered = b"".join(inside)
    return b"".join(
        (
            _line(Segment("DXS", report.application)),
            covered,
            _line(Segment("G85", (f"{g85(covered):04X}",))),
            _line(Segment("SE", (str(len(inside) + 2), report.control))),
            _line(Segment("DXE", (report.application[3], "1"))),
        )
    )


def check_application(elements: tuple[str, ...], where: str) -> None:
    """Raises BadReport unless DXS says who, what, which version and which transmission."""
    if len(elements) < 4:
        raise BadReport(
            f"{where}: found {len(elements)} elements, allowed communication id, function, version, number"
        )


def check_segment(segment: Segment, where: str) -> None:
    """Raises BadReport for a name that is none or belongs to the frame, or a number that is none."""
    if not NAME.fullmatch(segment.name) or segment.name in FRAME:
        raise BadReport(f"{where}: found {segment.name[:20]!r}, allowed a name such as PA1")
    for number, text in enumerate(segment.elements, 1):
        kind = kind_of(segment.name, number)
        if text and kind and not (_NUMBER if kind == "number" else _DIGITS).fullmatch(text):
            what = named(segment.name, number)
            allowed = "1 to 18 digits" if kind == "number" else "digits of a date or time"
            raise BadReport(
                f"{where}: {segment.name}, element {number} ({what}): found {text[:20]!r}, allowed {allowed}"
            )


def _line(segment: Segment) -> bytes:
    return "*".join((segment.name, *map(escaped, segment.elements))).encode("ascii") + LINE_END


def escaped(text: str) -> str:
    """What may stand between asterisks: 20h to 7Eh without `*` and `^`; another byte is `^hh^`.

    The standard knows bytes only. Other alphabets go as UTF-8, each byte by itself. Raises BadReport.
    """
    try:
        raw = text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError as error:
        raise BadReport(f"element: found {text[:20]!a}, allowed Unicode text") from error
    return _FORBIDDEN.sub(lambda found: b"^%02X^" % found[0][0], raw).decode("ascii")
