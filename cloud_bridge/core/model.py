"""The bridge's vocabulary: a payment's states, what machines and the platform say, and what is to be done.

Amounts are fen of CNY. `wall_ms` is Unix milliseconds for people and the platform's fields; durations and
deadlines are on the bridge's monotonic clock and never stored.
"""

import enum
from dataclasses import dataclass, field

from cloud_bridge.core.command import CommandAnswered, TellCommand
from cloud_bridge.core.run import Session as Session
from cloud_bridge.core.scan import TellCodes, TellLease, TellOffered


class State(enum.StrEnum):
    """Where a sale stands. VENDED, REFUNDED and SETTLED are for ever; CLOSED can still meet a payment.

    SETTLED: a person said that the money of a case was looked after outside of these books.
    """

    QUOTED = "quoted"
    OFFERED = "offered"
    CLOSING = "closing"
    CLOSED = "closed"
    PAID = "paid"
    VENDED = "vended"
    REFUNDED = "refunded"
    CASE = "case"
    SETTLED = "settled"


class Decision(enum.StrEnum):
    """Which way a paid sale ends. REFUND never turns into VEND."""

    NONE = ""
    VEND = "vend"
    REFUND = "refund"


# ---------------------------------------------------------------- what a machine says (verified, decoded)


@dataclass(frozen=True, slots=True, kw_only=True)
class Born:
    """A session began or the link is back; `n` is the highest report number given so far.

    `challenge` is the one that it answers, "" for none, None for a machine that knows no challenges.
    """

    machine: str
    session: Session
    n: int
    catalogue_version: int
    software: str
    challenge: str | None = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Requested:
    """The machine opened a sale: for a selection, or for the scan that `request_id` names.

    `token` is what was scanned, as long as somebody waits for this sale; empty: a scan's comes too late.
    `free`: two people let it go out for nothing, and somebody waits for it.
    """

    machine: str
    session: Session
    n: int
    sale_id: str
    lane: int
    price_fen: int
    catalogue_version: int
    lease_s: int
    start_s: int
    request_id: str = ""
    token: str = field(default="", repr=False)
    free: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseDenied:
    """The machine opens no sale for a scan."""

    machine: str
    session: Session
    request_id: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedByMachine:
    """The row is closed for ever: nothing moved and nothing can."""

    machine: str
    session: Session
    n: int
    sale_id: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeReported:
    """What became of a motor run. `outcome`: delivered | not_delivered | uncertain."""

    machine: str
    session: Session
    n: int
    sale_id: str
    outcome: str
    why: str
    evidence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusAnswered:
    """What a row says: open | busy | closed | delivered | not_delivered | uncertain | unknown."""

    machine: str
    session: Session
    sale_id: str
    state: str
    why: str
    evidence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmReported:
    """A lasting fault of a machine, raised or cleared by name."""

    machine: str
    session: Session
    n: int
    name: str
    raised: bool
    code: str
    text: str
    lane: int


FromMachine = (
    Born
    | Requested
    | LeaseDenied
    | ClosedByMachine
    | OutcomeReported
    | StatusAnswered
    | AlarmReported
    | CommandAnswered
)


# ---------------------------------------------------------------- what a machine is told


@dataclass(frozen=True, slots=True, kw_only=True)
class TellCode:
    """Show this code for `pay_s` seconds."""

    sale_id: str
    code_url: str = field(repr=False)
    pay_s: int
    price_fen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TellRefused:
    """No code will come, or the order ended unpaid. `why`: price | lane | platform | unpaid | stale ..."""

    sale_id: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TellPaid:
    """The authorisation, for one sale of one boot of one journal."""

    sale_id: str
    jid: str
    boot: int
    lane: int
    paid_fen: int
    issued_wall_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TellRefund:
    """For the screen: started | done | held."""

    sale_id: str
    refund_fen: int
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TellQuery:
    """What became of this sale?"""

    sale_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TellJournal:
    """What does your own journal say of sales opened then, from the one after `after` on?"""

    ask: str
    from_ms: int
    until_ms: int
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TellAck:
    """Report `n` is durable here, and so is each one up to `upto` (`n` 0: the answer to a birth)."""

    jid: str
    n: int
    upto: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TellChallenge:
    """Whoever lives now, sign this."""

    challenge: str


ToldOfASale = TellCode | TellOffered | TellRefused | TellPaid | TellRefund | TellQuery
ToMachine = ToldOfASale | TellLease | TellCodes | TellJournal | TellCommand | TellAck | TellChallenge


# ---------------------------------------------------------------- what the platform says (verified)


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """A verified, successful payment as the platform tells it; the adapter checked signature and freshness.

    `merchant_ok` says that merchant, app and currency equal our own; amounts are compared by the core.
    `given_back`: some of it went back already, by whomever. `merchant`: under whose keys it was said.
    `to_confirm`: said in a way that can be repeated for ever, so the platform is asked before it counts.
    """

    sale_id: str
    transaction_id: str
    paid_fen: int
    machine: str
    merchant_ok: bool
    source: str
    paid_at: str
    given_back: bool = False
    merchant: str = ""
    to_confirm: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Unpaid:
    """The order exists and is not paid. `closed` when it can never be paid any more."""

    sale_id: str
    closed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class NoSuchOrder:
    """The platform knows no such order (a just-made one can be missing for a moment)."""

    sale_id: str


class RefundState(enum.StrEnum):
    """Where a refund stands at the platform; ABSENT: it never accepted this number."""

    PROCESSING = "processing"
    SUCCESS = "success"
    CLOSED = "closed"
    ABNORMAL = "abnormal"
    ABSENT = "absent"


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundStatus:
    """The platform's verified word on one refund number. `merchant`: under whose keys it was said."""

    sale_id: str
    refund_no: str
    state: RefundState
    refund_fen: int
    source: str
    merchant: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundHinted:
    """Who may be the platform says that something became of a refund: ask, and believe the answer."""

    sale_id: str
    refund_no: str
    merchant: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderPlaced:
    """The order exists; this is what the code must hold.

    `ticket` answers an order request with this order; empty where the platform has none.
    """

    sale_id: str
    code_url: str = field(repr=False)
    ticket: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderClosed:
    """The platform accepted a close: the number cannot be paid any more."""

    sale_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AlreadyPaid:
    """The platform says that the order is paid: go and query."""

    sale_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """The platform said no for good: nothing happened. `why` is a name, `detail` a line for the log."""

    sale_id: str
    why: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unclear:
    """No verifiable answer: the call may have taken effect. Ask again. `why` is a name for counters."""

    sale_id: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a machine stands, as the platform wants it: `area_code` is a county of GB/T 2260."""

    store_id: str
    store_name: str
    area_code: str
    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderDraft:
    """What an order is made of. The adapter turns it into the exact bytes that every repeat must send.

    `token` is what the scanned code named; empty for an order that gets a code of its own.
    """

    sale_id: str
    machine: str
    description: str
    price_fen: int
    pay_until_wall_ms: int
    token: str = ""
    merchant: str = ""
    place: Place | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundDraft:
    """One full refund under one number; the same number is repeated until the answer is clear."""

    sale_id: str
    refund_no: str
    refund_fen: int
    paid_fen: int
    reason: str
