"""A recorded DEX/UCS session to the report that was sent in it. Source: EVA-DTS 6.1.1, DEX/UCS link. Pure.

Blocks are `10 02 data 10 17|03 crc crc`, handshakes `10 01 body 10 03 crc crc`; `10 16` is padding anywhere.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from edge.drivers.checks import crc16_modbus
from edge.tech.dts import DAMAGED_LIMIT, BadReport

_PADDING: Final = b"\x10\x16"
_ETX: Final = 0x03
_SOH: Final = 0x01
# After SOH or STX: anything up to the DLE that closes it; two bytes of CRC, whatever they are; its answer.
_FRAME: Final = re.compile(
    rb"\x10(?P<kind>[\x01\x02])(?P<body>(?:[^\x10]|\x10\x16)*+)\x10(?P<end>[\x03\x17])(?P<crc>..)"
    rb"(?:\x10\x16)*+(?P<answer>\x10[01])?",
    re.DOTALL,
)
# The second handshake: the response stands before the communication id, or behind it in the standard's text.
_RESPONSE: Final = re.compile(rb"(?:(0[0-5]|90).{10}|.{10}(0[0-5]|90))R[0-9]{2}L[0-9]{2}", re.DOTALL)
_ANSWERS: Final = MappingProxyType(
    {
        "01": "it does not know this communication id",
        "02": "it does not speak this revision",
        "03": "conflict, try again",
        "04": "nothing to send",
        "05": "error",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Frame:
    """A block or a handshake at a byte of the recording; `data` without padding, `good`: its CRC is right.

    `answer`: ACK0 or ACK1, empty when the recording has none.
    """

    at: int
    handshake: bool
    data: bytes
    last: bool
    good: bool
    answer: bytes

    def repeats(self, before: "_Frame | None") -> bool:
        """Whether the sender only missed our ACK: the same again, and not answered by the other ACK."""
        if before is None or self.data != before.data:
            return False
        return not self.answer or not before.answer or self.answer == before.answer


def spoken(data: bytes) -> bool:
    """Whether a DEX block or handshake begins somewhere."""
    return b"\x10\x02" in data or b"\x10\x01" in data


def unwrap(data: bytes) -> tuple[bytes, tuple[str, ...]]:
    """The data of all blocks, and each block whose repetition was taken instead.

    Where the machine alone was recorded, a block equal to the one before it is its repetition.
    Raises BadReport.
    """
    text = bytearray()
    notes: list[str] = []
    refused, bad, whole = "", -1, False
    before: _Frame | None = None
    for frame in _frames(data):
        if frame.handshake:
            refused = _refusal(frame) or refused
        elif not frame.good:
            bad = frame.at
            notes.append(f"DEX block at byte {frame.at}: wrong CRC, the next block was taken for it")
            if len(notes) > DAMAGED_LIMIT:
                raise BadReport(f"{notes[0]}, and more than {DAMAGED_LIMIT} in all. Record the session again")
        elif frame.repeats(before):
            bad = -1
        else:
            if whole:
                raise BadReport(f"DEX block at byte {frame.at}: found a second report, allowed one in a file")
            text += frame.data
            before, bad, whole = frame, -1, frame.last
    if bad >= 0 and not whole:
        raise BadReport(
            f"DEX block at byte {bad}: found a wrong CRC and no repetition. Read the machine again"
        )
    if not whole:
        what = f"the machine's answer {refused}" if refused else "no last block (ETX): it was cut"
        raise BadReport(f"DEX session: found {what}. Read the machine again")
    return bytes(text), tuple(notes)


def _frames(data: bytes) -> Iterator[_Frame]:
    """What stands between noise, acknowledgements and ENQ."""
    for found in _FRAME.finditer(data):
        body = found["body"].replace(_PADDING, b"")
        yield _Frame(
            at=found.start(),
            handshake=found["kind"][0] == _SOH,
            data=body,
            last=found["end"][0] == _ETX,
            good=crc16_modbus(body + found["end"], 0) == found["crc"],
            answer=found["answer"] or b"",
        )


def _refusal(frame: _Frame) -> str:
    """Why the machine sends nothing, from its handshake; empty when it does, or this is another's."""
    found = _RESPONSE.fullmatch(frame.data) if frame.good else None
    code = ((found[1] or found[2]).decode() if found else "").strip()
    return f"{code}: {_ANSWERS[code]}" if code in _ANSWERS else ""
