"""Waferstar slave adapters: they answer polls and the start-up themselves and hand every other block through.

A block ends when the line is idle, so its length has to follow from its first bytes; the host's blocks carry
their own check (Waferstar notes, part B, and MDB/ICP 4.2, sections 2, 3).
"""

from typing import Any, Final

from edge.drivers.checks import sum8
from edge.drivers.mdb.cashless import (
    Asked,
    Cancelled,
    Completed,
    Disabled,
    Enabled,
    Failed,
    Restarted,
    Succeeded,
)
from edge.drivers.mdb.settings import WaferstarSettings
from edge.drivers.stream import MORE, NO_START, Scanner
from edge.drivers.talk import Pause, Talk

_RESET, _SETUP, _VEND, _READER = 0x10, 0x11, 0x13, 0x14
_UNKNOWN_MEDIA: Final = b"\xff\xff\xff\xff\x00\x00\x00"
# A VEND or READER block's second byte to its whole length, check included, with 16-bit money.
_VEND_LENGTHS: Final = {0x00: 7, 0x01: 3, 0x02: 5, 0x03: 3, 0x04: 3, 0x05: 7, 0x06: 7}
_READER_LENGTHS: Final = {0x00: 3, 0x01: 3, 0x02: 3}
_SETUP_LENGTHS: Final = {0x00: 7, 0x01: 7}
_WITH_PRICE: Final = (0x00, 0x05, 0x06)
_SECOND_READER: Final = 0x50  # what its commands are above the first one's


def block(data: bytes) -> bytes:
    """A block with its check: the sum of all bytes before it."""
    return data + bytes((sum8(data),))


class Waferstar:
    """Implements `edge.drivers.mdb.cashless.Adapter`."""

    name = "mdb-waferstar"
    starts_off = False

    def __init__(self, settings: WaferstarSettings) -> None:
        self._settings: Final = settings

    def decoder(self) -> Scanner:
        """A new one, for one opening of the port."""
        return Scanner(self._measure, self._parse)

    def start(self) -> Talk[str | None]:
        """There is nothing to ask: an adapter whose machine is at rest says nothing at all."""
        yield Pause(0)
        return "Waferstar adapter"

    def is_there(self) -> Talk[bool]:
        """It cannot be asked; a port that is gone is noticed by the port."""
        yield Pause(0)
        return True

    def begin(self) -> bytes:
        """BEGIN SESSION, in the layout of the level."""
        funds = b"\xff" * self._width
        if self._settings.level == 1:
            return block(b"\x03" + funds)
        more = b"\xff\xff\xff\xff\x00" if self._settings.expanded else b""
        return block(b"\x03" + funds + _UNKNOWN_MEDIA + more)

    def approve(self, price: int) -> bytes:
        """VEND APPROVED, with exactly what was asked."""
        return block(b"\x05" + price.to_bytes(self._width, "big"))

    def deny(self) -> bytes:
        """VEND DENIED."""
        return block(b"\x06")

    def end(self) -> bytes:
        """END SESSION."""
        return block(b"\x07")

    @property
    def _width(self) -> int:
        return 4 if self._settings.expanded else 2

    def _measure(self, held: bytes, _: bytes) -> int:
        command = held[0] - _SECOND_READER if held[0] >= 0x60 else held[0]
        if command == _RESET:
            return MORE if len(held) < 2 else 2
        lengths = {_VEND: _VEND_LENGTHS, _READER: _READER_LENGTHS, _SETUP: _SETUP_LENGTHS}.get(command)
        if lengths is None:
            return NO_START
        if len(held) < 2:
            return MORE
        length = lengths.get(held[1], NO_START)
        wide = self._settings.expanded and command == _VEND and held[1] in _WITH_PRICE
        return length + 2 if wide else length

    def _parse(self, raw: bytes) -> Any | None:
        if sum8(raw[:-1]) != raw[-1]:
            return None
        command = raw[0] - _SECOND_READER if raw[0] >= 0x60 else raw[0]
        kind = raw[1] if len(raw) > 2 else None
        match command, kind:
            case 0x10, None:
                return Restarted()
            case 0x13, 0x00:
                price, item = raw[2 : 2 + self._width], raw[-3:-1]
                return Asked(int.from_bytes(price, "big"), int.from_bytes(item, "big"))
            case 0x13, _:
                return _VEND_FACTS.get(kind or 0, "other")
            case 0x14, 0x01:
                return Enabled()
            case 0x14, 0x00:
                return Disabled()
        return "other"


_VEND_FACTS: Final[dict[int, Any]] = {0x01: Cancelled(), 0x02: Succeeded(), 0x03: Failed(), 0x04: Completed()}
