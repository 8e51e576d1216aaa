"""What messages are made of: the heading of every report, and what may stand in a field.

A check raises BadMessage with the field, what was found and what is allowed. Text is never quoted: in the
wrong place it may be a QR link.
"""

import re
from dataclasses import dataclass
from typing import Final

_ID: Final = re.compile(r"[a-z2-7]{26}")
_BITS: Final = re.compile(r"[0-9a-f]{16}")
_NONCE: Final = re.compile(r"[0-9a-f]{32}")
_NAME: Final = re.compile(r"[a-z0-9_.-]{0,48}")


class BadMessage(ValueError):
    """A payload that is not what its kind asks for: which field, what was found, what is allowed."""


def check(ok: bool, name: str, found: object, allowed: str) -> None:
    """Hold a field against what is allowed."""
    if not ok:
        shown = f"text of {len(found)}" if isinstance(found, str) else f"{found!r:.60}"
        raise BadMessage(f"{name}: found {shown}, allowed {allowed}")


def check_id(name: str, value: str) -> None:
    """128 random bits: a sale, a journal, a request."""
    check(_ID.fullmatch(value) is not None, name, value, "26 of a-z 2-7")


def check_count(name: str, value: int, *, least: int = 0) -> None:
    """A number that only grows."""
    check(value >= least, name, value, f"{least} or more")


def check_short(name: str, value: str, most: int) -> None:
    """Words for a person."""
    check(len(value) <= most, name, value, f"at most {most} characters")


def check_fen(name: str, value: int) -> None:
    """Money that moves: never nothing."""
    check(1 <= value <= 10_000_000, name, value, "1 to 10000000 fen")


def check_lane(value: int) -> None:
    """A lane of the machine."""
    check(1 <= value <= 9999, "lane", value, "1 to 9999")


def check_bits(value: str) -> None:
    """64 random bits of a start."""
    check(_BITS.fullmatch(value) is not None, "bits", value, "16 of 0-9 a-f")


def check_nonce(name: str, value: str) -> None:
    """128 bits that were never asked for before."""
    check(_NONCE.fullmatch(value) is not None, name, value, "32 of 0-9 a-f")


def check_name(name: str, value: str) -> None:
    """A word of the vocabulary, or none."""
    check(_NAME.fullmatch(value) is not None, name, value, "at most 48 of a-z 0-9 _ . -")


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What every message of a machine begins with. `n` counts the reports of one journal from 1."""

    jid: str
    boot: int
    bits: str
    n: int

    def __post_init__(self) -> None:
        check_id("jid", self.jid)
        check_count("boot", self.boot, least=1)
        check_bits(self.bits)
        check_count("n", self.n)
