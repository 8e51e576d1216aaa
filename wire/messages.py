"""What edge and bridge say to each other, version 1. A published message never changes; it may gain members.

Every class is one payload, flat JSON with the field names as keys. Who and what it is for stands in the
topic (`wire/topics.py`); who vouches for it, in the envelope. Amounts are fen of CNY, durations carry their
unit. `jid` is the journal's incarnation, `boot` counts its starts, `bits` are 64 random bits of that start.
"""

import re
from dataclasses import dataclass, field
from typing import Final

_ID: Final = re.compile(r"[a-z2-7]{26}")
_BITS: Final = re.compile(r"[0-9a-f]{16}")
_NAME: Final = re.compile(r"[a-z0-9_.-]{0,48}")


class BadMessage(ValueError):
    """A payload that is not what its kind asks for: which field, what was found, what is allowed."""


def _check(ok: bool, name: str, found: object, allowed: str) -> None:
    """Raise BadMessage. Text is never quoted: in the wrong place it may be a QR link."""
    if not ok:
        shown = f"text of {len(found)}" if isinstance(found, str) else f"{found!r:.60}"
        raise BadMessage(f"{name}: found {shown}, allowed {allowed}")


def _sale_id(value: str) -> None:
    _check(_ID.fullmatch(value) is not None, "sale_id", value, "26 of a-z 2-7")


def _jid(value: str) -> None:
    _check(_ID.fullmatch(value) is not None, "jid", value, "26 of a-z 2-7")


def _count(name: str, value: int, *, least: int = 0) -> None:
    _check(value >= least, name, value, f"{least} or more")


def _short(name: str, value: str, most: int) -> None:
    _check(len(value) <= most, name, value, f"at most {most} characters")


def _fen(name: str, value: int) -> None:
    _check(1 <= value <= 10_000_000, name, value, "1 to 10000000 fen")


def _lane(value: int) -> None:
    _check(1 <= value <= 9999, "lane", value, "1 to 9999")


def _bits(value: str) -> None:
    _check(_BITS.fullmatch(value) is not None, "bits", value, "16 of 0-9 a-f")


def _why(value: str) -> None:
    _check(_NAME.fullmatch(value) is not None, "why", value, "at most 48 of a-z 0-9 _ . -")


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What every message of a machine begins with. `n` counts the reports of one journal from 1."""

    jid: str
    boot: int
    bits: str
    n: int

    def __post_init__(self) -> None:
        _jid(self.jid)
        _count("boot", self.boot, least=1)
        _bits(self.bits)
        _count("n", self.n)


@dataclass(frozen=True, slots=True, kw_only=True)
class Birth(Report):
    """`up/birth`: a session has begun, or the link is back. `n` is the highest number given so far.

    Answered by `down/ack`. `catalogue_version` is the one in use (0: none yet).
    """

    catalogue_version: int
    software: str

    def __post_init__(self) -> None:
        Report.__post_init__(self)
        _count("catalogue_version", self.catalogue_version)
        _short("software", self.software, 64)


@dataclass(frozen=True, slots=True, kw_only=True)
class SaleRequested(Report):
    """`up/sale.requested`: the machine opened a sale and promises the lane for `lease_s` of its own clock.

    `start_s` is the longest time after a motor frame at which it may still start the motor (`T_start`).
    """

    sale_id: str
    lane: int
    price_fen: int
    catalogue_version: int
    lease_s: int
    start_s: int

    def __post_init__(self) -> None:
        Report.__post_init__(self)
        _sale_id(self.sale_id)
        _lane(self.lane)
        _fen("price_fen", self.price_fen)
        _count("catalogue_version", self.catalogue_version)
        _check(1 <= self.lease_s <= 3600, "lease_s", self.lease_s, "1 to 3600 s")
        _check(1 <= self.start_s <= 60, "start_s", self.start_s, "1 to 60 s")


@dataclass(frozen=True, slots=True, kw_only=True)
class SaleClosed(Report):
    """`up/sale.closed`: the row is closed for ever; nothing moved and nothing can."""

    sale_id: str
    why: str

    def __post_init__(self) -> None:
        Report.__post_init__(self)
        _sale_id(self.sale_id)
        _why(self.why)


@dataclass(frozen=True, slots=True, kw_only=True)
class SaleOutcome(Report):
    """`up/sale.outcome`: what became of a motor run. `outcome`: delivered | not_delivered | uncertain.

    `why` names the kind (`moved`, `not_moved`, `rejected`, or the cause of doubt); `evidence` is what the
    board said, in words; `row_hash` ties the report to the machine's journal.
    """

    sale_id: str
    outcome: str
    why: str
    evidence: str
    row_hash: str

    def __post_init__(self) -> None:
        Report.__post_init__(self)
        _sale_id(self.sale_id)
        _why(self.why)
        allowed = ("delivered", "not_delivered", "uncertain")
        _check(self.outcome in allowed, "outcome", self.outcome, " | ".join(allowed))
        _short("evidence", self.evidence, 400)
        _short("row_hash", self.row_hash, 64)


@dataclass(frozen=True, slots=True, kw_only=True)
class SaleStatus(Report):
    """`up/sale.status`: what the row says: answers `sale.query`, `sale.paid` or a code for a row not open.

    `state`: open | busy | closed | delivered | not_delivered | uncertain | unknown. `open` and `busy` are no
    evidence of anything; `unknown` means that this journal has no such row. It is an
    answer, not a numbered report: `n` is 0.
    """

    sale_id: str
    state: str
    why: str
    evidence: str = ""

    def __post_init__(self) -> None:
        Report.__post_init__(self)
        _sale_id(self.sale_id)
        _why(self.why)
        allowed = ("open", "busy", "closed", "delivered", "not_delivered", "uncertain", "unknown")
        _check(self.state in allowed, "state", self.state, " | ".join(allowed))
        _short("evidence", self.evidence, 400)


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm(Report):
    """`up/alarm`: a lasting fault, raised and cleared by name. `code` is a service code such as E21."""

    name: str
    raised: bool
    code: str
    text: str
    lane: int = 0

    def __post_init__(self) -> None:
        Report.__post_init__(self)
        _check(_NAME.fullmatch(self.name) is not None, "name", self.name, "at most 48 of a-z 0-9 _ . -")
        _short("code", self.code, 16)
        _short("text", self.text, 400)
        _check(0 <= self.lane <= 9999, "lane", self.lane, "0 to 9999")


@dataclass(frozen=True, slots=True, kw_only=True)
class SaleCode:
    """`down/sale.code`: show this code for `pay_s` seconds from now (5 s less than the order lives)."""

    sale_id: str
    code_url: str = field(repr=False)
    pay_s: int
    price_fen: int

    def __post_init__(self) -> None:
        _sale_id(self.sale_id)
        _check(1 <= len(self.code_url) <= 512, "code_url", len(self.code_url), "1 to 512 characters")
        _check(1 <= self.pay_s <= 600, "pay_s", self.pay_s, "1 to 600 s")
        _fen("price_fen", self.price_fen)


@dataclass(frozen=True, slots=True, kw_only=True)
class SaleRefused:
    """`down/sale.refused`: no code will come, or the order is closed unpaid (`why` = unpaid)."""

    sale_id: str
    why: str

    def __post_init__(self) -> None:
        _sale_id(self.sale_id)
        _why(self.why)


@dataclass(frozen=True, slots=True, kw_only=True)
class SalePaid:
    """`down/sale.paid`: the authorisation. Good for one sale of one boot of one journal while its lease runs.

    `issued_ms` is wall-clock milliseconds for logs; nothing compares it with a clock.
    """

    sale_id: str
    jid: str
    boot: int
    lane: int
    paid_fen: int
    issued_ms: int

    def __post_init__(self) -> None:
        _sale_id(self.sale_id)
        _jid(self.jid)
        _count("boot", self.boot, least=1)
        _lane(self.lane)
        _fen("paid_fen", self.paid_fen)


@dataclass(frozen=True, slots=True, kw_only=True)
class SaleRefund:
    """`down/sale.refund`: for the screen only. `state`: started | done | held (a person decides)."""

    sale_id: str
    refund_fen: int
    state: str

    def __post_init__(self) -> None:
        _sale_id(self.sale_id)
        _fen("refund_fen", self.refund_fen)
        allowed = ("started", "done", "held")
        _check(self.state in allowed, "state", self.state, " | ".join(allowed))


@dataclass(frozen=True, slots=True, kw_only=True)
class SaleQuery:
    """`down/sale.query`: what became of this sale? Any session may answer; a row answers for itself."""

    sale_id: str

    def __post_init__(self) -> None:
        _sale_id(self.sale_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ack:
    """`down/ack`: report `n` of journal `jid` is durable here, and so is each one up to `upto`.

    The answer to a birth has `n` = 0; the machine then repeats every report above `upto`, acknowledged
    or not.
    """

    jid: str
    n: int
    upto: int

    def __post_init__(self) -> None:
        _jid(self.jid)
        _count("n", self.n)
        _count("upto", self.upto)


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogueLane:
    """One lane of a machine's planogram."""

    lane: int
    name_zh: str
    name_en: str
    price_fen: int
    picture: str = ""

    def __post_init__(self) -> None:
        _lane(self.lane)
        _fen("price_fen", self.price_fen)
        _check(0 < len(self.name_zh) <= 40, "name_zh", self.name_zh, "1 to 40 characters")
        _check(0 < len(self.name_en) <= 60, "name_en", self.name_en, "1 to 60 characters")
        _short("picture", self.picture, 120)


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """`set/catalogue`: retained desired state. An older `version` than the one in use is refused."""

    version: int
    phone: str
    lanes: tuple[CatalogueLane, ...]

    def __post_init__(self) -> None:
        _count("version", self.version, least=1)
        _short("phone", self.phone, 40)
        _check(1 <= len(self.lanes) <= 200, "lanes", len(self.lanes), "1 to 200")
        numbers = [lane.lane for lane in self.lanes]
        _check(len(set(numbers)) == len(numbers), "lanes", sorted(numbers), "each lane once")


@dataclass(frozen=True, slots=True, kw_only=True)
class Presence:
    """`state/presence`: retained, unsigned, will and birth of a session. Draws a page; decides nothing.

    Its session keeps an old will from burying a newer birth.
    """

    online: bool
    jid: str
    boot: int
    bits: str

    def __post_init__(self) -> None:
        _jid(self.jid)
        _count("boot", self.boot, least=1)
        _bits(self.bits)


Up = Birth | SaleRequested | SaleClosed | SaleOutcome | SaleStatus | Alarm
Down = SaleCode | SaleRefused | SalePaid | SaleRefund | SaleQuery | Ack
Message = Up | Down | Catalogue

UP_KINDS: Final[dict[str, type[Up]]] = {
    "birth": Birth,
    "sale.requested": SaleRequested,
    "sale.closed": SaleClosed,
    "sale.outcome": SaleOutcome,
    "sale.status": SaleStatus,
    "alarm": Alarm,
}
DOWN_KINDS: Final[dict[str, type[Down]]] = {
    "sale.code": SaleCode,
    "sale.refused": SaleRefused,
    "sale.paid": SalePaid,
    "sale.refund": SaleRefund,
    "sale.query": SaleQuery,
    "ack": Ack,
}
SET_KINDS: Final[dict[str, type[Catalogue]]] = {"catalogue": Catalogue}
