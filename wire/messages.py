"""What edge and bridge say to each other, version 1. A published message never changes; it may gain members.

Every class is one payload, flat JSON with the field names as keys. Who and what it is for stands in the
topic (`wire/topics.py`); who vouches for it, in the envelope. Amounts are fen of CNY, durations carry their
unit. `jid` is the journal's incarnation, `boot` counts its starts, `bits` are 64 random bits of that start.
"""

from dataclasses import dataclass, field
from typing import Final

from wire.catalogue import Catalogue as Catalogue
from wire.catalogue import CatalogueLane as CatalogueLane
from wire.catalogue import CatalogueStatus
from wire.command import Command, CommandResult
from wire.day import JournalAsked, JournalRows
from wire.lease import LaneCodes, LeaseGranted, LeaseRefused, LeaseRequest, SaleOffered
from wire.parts import BadMessage as BadMessage
from wire.parts import (
    Report,
    check,
    check_bits,
    check_count,
    check_fen,
    check_id,
    check_lane,
    check_name,
    check_nonce,
    check_short,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Birth(Report):
    """`up/birth`: a session has begun, or the link is back. `n` is the highest number given so far.

    Answered by `down/ack`. `catalogue_version` is the one in use (0: none yet). `challenge` repeats the
    `down/challenge` that this birth answers, "" when it answers none; a machine that does not know them yet
    leaves it out.
    """

    catalogue_version: int
    software: str
    challenge: str | None = None

    def __post_init__(self) -> None:
        Report.__post_init__(self)
        if self.challenge:
            check_nonce("challenge", self.challenge)
        check_count("catalogue_version", self.catalogue_version)
        check_short("software", self.software, 64)


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
        check_id("sale_id", self.sale_id)
        check_lane(self.lane)
        check_fen("price_fen", self.price_fen)
        check_count("catalogue_version", self.catalogue_version)
        check(1 <= self.lease_s <= 3600, "lease_s", self.lease_s, "1 to 3600 s")
        check(1 <= self.start_s <= 60, "start_s", self.start_s, "1 to 60 s")


@dataclass(frozen=True, slots=True, kw_only=True)
class SaleClosed(Report):
    """`up/sale.closed`: the row is closed for ever; nothing moved and nothing can."""

    sale_id: str
    why: str

    def __post_init__(self) -> None:
        Report.__post_init__(self)
        check_id("sale_id", self.sale_id)
        check_name("why", self.why)


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
        check_id("sale_id", self.sale_id)
        check_name("why", self.why)
        allowed = ("delivered", "not_delivered", "uncertain")
        check(self.outcome in allowed, "outcome", self.outcome, " | ".join(allowed))
        check_short("evidence", self.evidence, 400)
        check_short("row_hash", self.row_hash, 64)


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
        check_id("sale_id", self.sale_id)
        check_name("why", self.why)
        allowed = ("open", "busy", "closed", "delivered", "not_delivered", "uncertain", "unknown")
        check(self.state in allowed, "state", self.state, " | ".join(allowed))
        check_short("evidence", self.evidence, 400)


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm(Report):
    """`up/alarm`: a lasting fault, raised and cleared by name. `code` is a service code such as E21.

    `fault` names the common fault of the machine behind it, such as `motor_open`; None where there is none.
    """

    name: str
    raised: bool
    code: str
    text: str
    lane: int = 0
    fault: str | None = None

    def __post_init__(self) -> None:
        Report.__post_init__(self)
        check_name("name", self.name)
        if self.fault is not None:
            check_name("fault", self.fault)
        check_short("code", self.code, 16)
        check_short("text", self.text, 400)
        check(0 <= self.lane <= 9999, "lane", self.lane, "0 to 9999")


@dataclass(frozen=True, slots=True, kw_only=True)
class SaleCode:
    """`down/sale.code`: show this code for `pay_s` seconds from now (5 s less than the order lives)."""

    sale_id: str
    code_url: str = field(repr=False)
    pay_s: int
    price_fen: int

    def __post_init__(self) -> None:
        check_id("sale_id", self.sale_id)
        check(1 <= len(self.code_url) <= 512, "code_url", len(self.code_url), "1 to 512 characters")
        check(1 <= self.pay_s <= 600, "pay_s", self.pay_s, "1 to 600 s")
        check_fen("price_fen", self.price_fen)


@dataclass(frozen=True, slots=True, kw_only=True)
class SaleRefused:
    """`down/sale.refused`: no code will come, or the order is closed unpaid (`why` = unpaid)."""

    sale_id: str
    why: str

    def __post_init__(self) -> None:
        check_id("sale_id", self.sale_id)
        check_name("why", self.why)


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
        check_id("sale_id", self.sale_id)
        check_id("jid", self.jid)
        check_count("boot", self.boot, least=1)
        check_lane(self.lane)
        check_fen("paid_fen", self.paid_fen)


@dataclass(frozen=True, slots=True, kw_only=True)
class SaleRefund:
    """`down/sale.refund`: for the screen only. `state`: started | done | held (a person decides)."""

    sale_id: str
    refund_fen: int
    state: str

    def __post_init__(self) -> None:
        check_id("sale_id", self.sale_id)
        check_fen("refund_fen", self.refund_fen)
        allowed = ("started", "done", "held")
        check(self.state in allowed, "state", self.state, " | ".join(allowed))


@dataclass(frozen=True, slots=True, kw_only=True)
class SaleQuery:
    """`down/sale.query`: what became of this sale? Any session may answer; a row answers for itself."""

    sale_id: str

    def __post_init__(self) -> None:
        check_id("sale_id", self.sale_id)


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
        check_id("jid", self.jid)
        check_count("n", self.n)
        check_count("upto", self.upto)


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenge:
    """`down/challenge`: whoever lives now, sign this with a birth.

    Whoever owns the broker may deliver a birth whenever he likes: only one that repeats a fresh challenge
    was signed after the challenge was made.
    """

    challenge: str

    def __post_init__(self) -> None:
        check_nonce("challenge", self.challenge)


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
        check_id("jid", self.jid)
        check_count("boot", self.boot, least=1)
        check_bits(self.bits)


OfALease = LeaseGranted | LeaseRefused
Spoken = Birth | SaleRequested | SaleClosed | SaleOutcome | SaleStatus | OfALease | Alarm | CommandResult
Up = Spoken | JournalRows | CatalogueStatus
OfASale = SaleCode | SaleOffered | SaleRefused | SalePaid | SaleRefund | SaleQuery
Down = OfASale | LeaseRequest | LaneCodes | JournalAsked | Command | Ack | Challenge
Message = Up | Down | Catalogue

UP_KINDS: Final[dict[str, type[Up]]] = {
    "birth": Birth,
    "sale.requested": SaleRequested,
    "sale.closed": SaleClosed,
    "sale.outcome": SaleOutcome,
    "sale.status": SaleStatus,
    "lease.granted": LeaseGranted,
    "lease.refused": LeaseRefused,
    "alarm": Alarm,
    "journal.rows": JournalRows,
    "command.result": CommandResult,
    "catalogue.status": CatalogueStatus,
}
DOWN_KINDS: Final[dict[str, type[Down]]] = {
    "sale.code": SaleCode,
    "sale.refused": SaleRefused,
    "sale.paid": SalePaid,
    "sale.refund": SaleRefund,
    "sale.query": SaleQuery,
    "sale.offered": SaleOffered,
    "lease.request": LeaseRequest,
    "codes": LaneCodes,
    "journal.ask": JournalAsked,
    "command": Command,
    "ack": Ack,
    "challenge": Challenge,
}
SET_KINDS: Final[dict[str, type[Catalogue]]] = {"catalogue": Catalogue}
