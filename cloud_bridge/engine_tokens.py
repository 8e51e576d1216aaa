"""What the codes of order requests name: machine and lane, sealed so that nobody else can make one.

A token is 20 bytes in base32: what it is for (1), the machine (4 of its name's SHA-256), lane (2), serial
(5), seal (8 of an HMAC over all of it and the machine's whole name). It says nothing secret and is good for
nothing but to ask for an order, so the bridge keeps no list: a restart, or a backup put back, loses none.
"""

import base64
import binascii
import enum
import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

_SEAL: Final = 8
_MACHINE: Final = 4
_BODY: Final = 12
_LABEL: Final = b"wxvend/v1/order token"
SERIALS: Final = 2**40


class Use(enum.IntEnum):
    """Printed: a label on a machine; its serial is the edition. Ahead: a code for one sale, by number."""

    PRINTED = 1
    AHEAD = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """What a code names. `lane` is up to 9999, `serial` below 2^40."""

    use: Use
    machine: str
    lane: int
    serial: int


class Tokens:
    """Makes and opens tokens under one secret key; another key makes every code printed before void."""

    def __init__(self, key: bytes, machines: Iterable[str]) -> None:
        self._key: Final = hmac.digest(key, _LABEL, "sha256")
        self._machines: Final = tuple(machines)

    def seal(self, token: Token) -> str:
        """The token as a code holds it: 32 of a-z 2-7."""
        body = bytes([token.use]) + _short(token.machine)
        body += token.lane.to_bytes(2, "big") + token.serial.to_bytes(5, "big")
        return base64.b32encode(body + self._seal(body, token.machine)).decode("ascii").lower()

    def open(self, text: str) -> Token | None:
        """What `text` names, or None when it was not made here for a machine of ours."""
        try:
            found = base64.b32decode(text.upper().encode("ascii"))
        except (ValueError, binascii.Error):
            return None
        body, seal = found[:_BODY], found[_BODY:]
        if len(seal) != _SEAL or text != text.lower():
            return None
        for machine in self._machines:
            if _short(machine) == body[1 : 1 + _MACHINE] and hmac.compare_digest(
                seal, self._seal(body, machine)
            ):
                return _read(body, machine)
        return None

    def nickname(self, payer: str) -> str:
        """A payer's name for as long as this process runs: whose it is cannot be told from it."""
        return hmac.digest(self._key, payer.encode(), "sha256").hex()[:32]

    def _seal(self, body: bytes, machine: str) -> bytes:
        return hmac.digest(self._key, body + machine.encode(), "sha256")[:_SEAL]


def _read(body: bytes, machine: str) -> Token | None:
    if body[0] not in set(Use):
        return None
    lane, serial = int.from_bytes(body[5:7], "big"), int.from_bytes(body[7:], "big")
    return Token(use=Use(body[0]), machine=machine, lane=lane, serial=serial)


def _short(machine: str) -> bytes:
    return hashlib.sha256(machine.encode()).digest()[:_MACHINE]
