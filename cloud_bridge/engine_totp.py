"""Codes of a second factor: RFC 6238 over HMAC-SHA-1, 30 s, six digits, as every phone's program makes them.

Twenty lines that the RFC gives vectors for, with the time as an argument: no library is needed for them.
"""

import base64
import hmac
import struct
from collections.abc import Callable
from typing import Final
from urllib.parse import quote

STEP_S: Final = 30
DIGITS: Final = 6
_SECRET_BYTES: Final = 20  # as long as the hash, RFC 4226 section 4
_EITHER_SIDE: Final = 1  # a phone's clock may be a step away


def new_secret(entropy: Callable[[int], bytes]) -> str:
    """A secret in base32, as phones take it."""
    return base64.b32encode(entropy(_SECRET_BYTES)).decode()


def code_at(secret: str, step: int, digits: int = DIGITS) -> str:
    """The code of one step of 30 s since 1970 (RFC 4226, section 5.3)."""
    digest = hmac.digest(base64.b32decode(secret), struct.pack(">Q", step), "sha1")
    start = digest[-1] & 0x0F
    number = int.from_bytes(digest[start : start + 4], "big") & 0x7FFF_FFFF
    return f"{number % 10**digits:0{digits}}"


def step_of(secret: str, code: str, *, wall_ms: int, after: int) -> int:
    """The step that this code is of, or 0. Only steps later than `after` count: a code is good once."""
    now = wall_ms // 1000 // STEP_S
    found = 0
    for step in range(now - _EITHER_SIDE, now + _EITHER_SIDE + 1):
        if hmac.compare_digest(code_at(secret, step).encode(), code.encode()) and step > after:
            found = step
    return found


def address(secret: str, name: str) -> str:
    """What a phone reads from a code: otpauth://..."""
    return f"otpauth://totp/wxvend:{quote(name)}?secret={secret}&issuer=wxvend"
