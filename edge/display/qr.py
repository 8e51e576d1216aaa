"""From the text of a payment link to the modules of its QR code. The only file that knows `qrcode`.

The library places the modules. What goes into them is computed here, because a shopper waits for it: error
correction by whole numbers instead of polynomials, and one mask instead of a search for the prettiest of
eight, which readers do not need. The same text always gives the same modules.
"""

import enum
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import zip_longest
from typing import Final

from qrcode.base import gexp, glog, rs_blocks
from qrcode.constants import ERROR_CORRECT_M, ERROR_CORRECT_Q
from qrcode.main import QRCode
from qrcode.util import BIT_LIMIT_TABLE, length_in_bits

QUIET: Final = 4
"""Light modules on each side that belong to the code (ISO/IEC 18004, 6.3.8)."""

_MASK: Final = 2
_BYTE_MODE: Final = 4
_MODE_BITS: Final = 4
_PADDING: Final = b"\xec\x11"
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
    code.data_cache = _codewords(data, version, level)
    code.make(fit=False)
    return _with_quiet_zone(code.modules)


def _version(count: int, level: Level) -> int:
    """The smallest version that holds `count` bytes."""
    for version in range(1, 41):
        needed = _MODE_BITS + length_in_bits(_BYTE_MODE, version) + 8 * count
        if needed <= BIT_LIMIT_TABLE[level.value][version]:
            return version
    raise CodeTooLong(f"code_url: found {count} bytes, allowed {_MOST}. Try: a shorter link")


def _codewords(data: bytes, version: int, level: Level) -> list[int]:
    """Data, padding and error correction in the symbol's order (ISO/IEC 18004, 7.4 to 7.6)."""
    head = _BYTE_MODE << length_in_bits(_BYTE_MODE, version) | len(data)
    ended = (head << 8 * len(data) | int.from_bytes(data)) << 4  # the terminator; now it is whole bytes
    filled = ended.to_bytes((ended.bit_length() + 7) // 8)
    sizes = [(block.data_count, block.total_count) for block in rs_blocks(version, level.value)]
    room = sum(count for count, _ in sizes) - len(filled)
    filled += (_PADDING * (room // 2 + 1))[:room]
    parts: list[bytes] = []
    for count, _ in sizes:
        parts, filled = [*parts, filled[:count]], filled[count:]
    checks = [_check(part, total - count) for part, (count, total) in zip(parts, sizes, strict=True)]
    columns = [*zip_longest(*parts), *zip(*checks, strict=True)]
    return [byte for column in columns for byte in column if byte is not None]


def _check(part: bytes, count: int) -> bytes:
    """`count` bytes of Reed-Solomon error correction: the remainder, kept as one number."""
    top, mask, rest = 8 * (count - 1), (1 << 8 * count) - 1, 0
    for byte in part:
        rest = (rest << 8 & mask) ^ _multiple(byte ^ rest >> top, count)
    return rest.to_bytes(count)


@lru_cache(maxsize=2048)
def _multiple(factor: int, count: int) -> int:
    """The generator of `count` check bytes, without its leading 1, times `factor`."""
    return int.from_bytes(bytes(_times(factor, each) for each in _generator(count)[1:]))


@lru_cache(maxsize=32)
def _generator(count: int) -> tuple[int, ...]:
    """The product of (x - 2^n) for n below `count`, highest power first."""
    product = [1]
    for n in range(count):
        shifted = [_times(each, gexp(n)) for each in product]
        product = [a ^ b for a, b in zip([*product, 0], [0, *shifted], strict=True)]
    return tuple(product)


def _times(one: int, other: int) -> int:
    return gexp(glog(one) + glog(other)) if one and other else 0


def _with_quiet_zone(modules: list[list[bool | None]]) -> Matrix:
    side = len(modules) + 2 * QUIET
    band, edge = bytes(side * QUIET), bytes(QUIET)
    rows = b"".join(edge + bytes(map(bool, row)) + edge for row in modules)
    return Matrix(side=side, cells=band + rows + band)
