"""A recorded DDCMP session to the report that was sent in it. Source: EVA-DTS 6.1.1, DDCMP link. Pure.

Every message has a header of six bytes and its CRC; DATA (`81`) brings data and another CRC behind it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from edge.drivers.checks import crc16_modbus
from edge.tech.dts import DAMAGED_LIMIT, BadReport

_HEADER: Final = 6
_CRC: Final = 2
_DATA, _COMMAND_ANSWER, _BLOCK = 0x81, 0x88, 0x99
_LAST: Final = 0x80
_LENGTH_HIGH: Final = 0x3F
_NUMBERS: Final = 256
# How a header begins: START, STACK, ACK, NACK or DATA, whose bit 6 of the third byte is always 1.
_BEGIN: Final = re.compile(rb"\x05[\x01\x02\x06\x07][\x40-\x7f]|\x81[\x00-\xff][\x40-\x7f\xc0-\xff]")
_COMMANDS: Final = MappingProxyType(
    {0xE0: "WHO ARE YOU", 0xE1: "program", 0xE2: "READ", 0xE3: "WRITE", 0xE4: "delete", 0xFF: "FINISH"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Message:
    """A DATA message at a byte of the recording; `good`: its data are whole and their CRC is right."""

    at: int
    data: bytes
    last: bool
    good: bool


def spoken(data: bytes) -> bool:
    """Whether any header with a right CRC is in it."""
    return any(_headed(data, found.start()) for found in _BEGIN.finditer(data))


def unwrap(data: bytes) -> tuple[bytes, tuple[str, ...]]:
    """The data of the blocks in their order, and each block whose repetition was taken. Raises BadReport."""
    text = bytearray()
    notes: list[str] = []
    refused, before, count, whole = "", b"", 0, False
    for message in _messages(data):
        if not message.good:
            notes.append(f"DDCMP data at byte {message.at}: wrong CRC or cut, the next was taken for it")
            if len(notes) > DAMAGED_LIMIT:
                raise BadReport(f"{notes[0]}, and more than {DAMAGED_LIMIT} in all. Record the session again")
        elif message.data[:1] == bytes([_COMMAND_ANSWER]):
            refused = _refusal(message.data) or refused
        elif message.data[:1] != bytes([_BLOCK]) or message.data == before:
            continue
        elif whole:
            raise BadReport(f"DDCMP data at byte {message.at}: found a second report, allowed one in a file")
        else:
            _check_number(message, count)
            text += message.data[2:]
            before, count, whole = message.data, count + 1, message.last
    if not whole:
        what = (
            f"a refused {refused}" if refused and not count else f"{count} blocks and no last one: it was cut"
        )
        raise BadReport("; ".join((f"DDCMP session: found {what}. Read the machine again", *notes)))
    return bytes(text), tuple(notes)


def _check_number(message: _Message, count: int) -> None:
    """Blocks count from 0 in one byte. Raises BadReport for one that is missing."""
    number = message.data[1] if len(message.data) > 1 else -1
    if number != count % _NUMBERS:
        raise BadReport(
            f"DDCMP data at byte {message.at}: found block {number}, allowed {count % _NUMBERS}. Blocks are "
            "missing: read the machine again"
        )


def _messages(data: bytes) -> Iterator[_Message]:
    """DATA messages whose header is right, between noise and the other messages."""
    at = 0
    while (found := _BEGIN.search(data, at)) is not None:
        at = found.start()
        if not _headed(data, at):
            at += 1
            continue
        begin = at + _HEADER + _CRC
        if data[at] != _DATA:
            at = begin
            continue
        length = data[at + 1] | (data[at + 2] & _LENGTH_HIGH) << 8
        body, crc = data[begin : begin + length], data[begin + length : begin + length + _CRC]
        good = len(crc) == _CRC and crc16_modbus(body, 0) == crc
        yield _Message(at=at, data=body, last=bool(data[at + 2] & _LAST), good=good)
        at = begin + length + _CRC if good else begin


def _headed(data: bytes, at: int) -> bool:
    header, crc = data[at : at + _HEADER], data[at + _HEADER : at + _HEADER + _CRC]
    return len(crc) == _CRC and crc16_modbus(header, 0) == crc


def _refusal(data: bytes) -> str:
    """Which command the machine did not take: `88 <command> 00`."""
    if len(data) < 3 or data[2]:
        return ""
    return _COMMANDS.get(data[1], f"command {data[1]:02X}")
