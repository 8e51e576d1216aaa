"""From the text of a payment link to the modules of its QR code. The only file that knows `qrcode`.

The mask is fixed: readers take any of the eight, and judging them all is four fifths of the work.
The same text always gives the same modules.
"""

import enum
from dataclasses import dataclass, field
from typing import Final

from qrcode.constants import ERROR_CORRECT_M, ERROR_CORRECT_Q
from qrcode.main import QRCode
from qrcode.util import BIT_LIMIT_TABLE, QRData, length_in_bits

QUIET: Final = 4
"""Light modules on each side that belong to the code (ISO/IEC 18004, 6.3.8)."""

_MASK: Final = 2
_BYTE_MODE: Final = 4
_MODE_BITS: Final = 4
_MOST: Final = "2331 bytes at level M, 1663 at level Q"


class Level(enum.Enum):
    """Error correction. M is right for a lit screen; Q is a site's answer to glare, at smaller modules."""

    M = ERROR_CORRECT_M
    Q = ERROR_CORRECT_Q


class CodeTooLong(ValueError):
    """No QR code holds this text. The message carries its length, never the text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """`side` x `side` modules, quiet zone included; `cells` holds one byte each by rows, 1 is dark."""

    side: int
    cells: bytes = field(repr=False)


def encode(text: str, *, level: Level = Level.M) -> Matrix:
    """The code for exactly this text, in byte mode. Raises CodeTooLong, or ValueError for an empty text."""
    data = text.encode()
    if not data:
        raise ValueError(f"code_url: found nothing, allowed {_MOST}. Try: ask for a new code")
    version = _version(len(data), level)
    code = QRCode(version=version, error_correction=level.value, mask_pattern=_MASK, border=QUIET)
    code.add_data(QRData(data, mode=_BYTE_MODE), optimize=0)
    code.make(fit=False)
    return _with_quiet_zone(code.modules)


def _version(count: int, level: Level) -> int:
    """The smallest version that holds `count` bytes. The library would find it by encoding them once more."""
    for version in range(1, 41):
        needed = _MODE_BITS + length_in_bits(_BYTE_MODE, version) + 8 * count
        if needed <= BIT_LIMIT_TABLE[level.value][version]:
            return version
    raise CodeTooLong(f"code_url: found {count} bytes, allowed {_MOST}. Try: a shorter link")


def _with_quiet_zone(modules: list[list[bool | None]]) -> Matrix:
    side = len(modules) + 2 * QUIET
    band, edge = bytes(side * QUIET), bytes(QUIET)
    rows = b"".join(edge + bytes(map(bool, row)) + edge for row in modules)
    return Matrix(side=side, cells=band + rows + band)
