"""A sale as the bridge keeps it: the row, what can happen to it, and what a rule may wish for.

The row is the intent: what is still to be called, told or asked can be read off it after a restart
(`order.resume`), so there is no second table of jobs that could say something else.
"""

import enum
from collections.abc import Callable
from dataclasses import dataclass, field

from cloud_bridge.core.columns import Timer as Timer
from cloud_bridge.core.columns import Word as Word
from cloud_bridge.core.ledger import Post
from cloud_bridge.core.model import (
    AlreadyPaid,
    Decision,
    NoSuchOrder,
    OrderClosed,
    OrderDraft,
    OrderPlaced,
    Payment,
    Place,
    RefundDraft,
    RefundStatus,
    Requested,
    State,
    ToMachine,
    Unpaid,
)
from cloud_bridge.core.scan import AnswerScan, ScanLost
from cloud_bridge.core.timings import Counts, Limits, Timings


@dataclass(frozen=True, slots=True, kw_only=True)
class Sale:
    """One row. `jid`, `boot`, `bits` are the session that opened it; `store` the incarnation of the books.

    `body` is the order's exact request; `sent_count` counts authorisations before they go (G-SENT); `doubt`
    is the first recorded cause and stays; `case` has the open reasons for a person to look (`core.case`).
    `merchant` is whose money it is, by the name in the settings, fixed when the sale opens; "" the first one.
    `request_id` names the scan it was opened for; empty: a selection at the machine.
    """

    sale_id: str
    machine: str
    store: str
    opened_wall_ms: int
    state: State = State.CLOSED
    decision: Decision = Decision.NONE
    why: str = ""
    jid: str = ""
    boot: int = 0
    bits: str = ""
    lane: int = 0
    price_fen: int = 0
    catalogue_version: int = 0
    product_zh: str = ""
    product_en: str = ""
    lease_s: int = 0
    start_s: int = 0
    pay_until_wall_ms: int = 0
    body: bytes = field(default=b"", repr=False)
    code_url: str = field(default="", repr=False)
    place_tries: int = 0
    window_over: bool = False
    past: bool = False
    row_dead: bool = False
    look_again: bool = False
    foreign: bool = False
    transaction_id: str = ""
    paid_fen: int = 0
    paid_at: str = ""
    sent_count: int = 0
    answered: bool = False
    goods: bool = False
    doubt: str = ""
    case: str = ""
    refund_no: str = ""
    refund_accepted: bool = False
    refund_tries: int = 0
    refund_since_wall_ms: int = 0
    refunded_fen: int = 0
    hand_refunds: str = ""
    evidence_wall_ms: int = 0
    changed_wall_ms: int = 0
    merchant: str = ""
    request_id: str = ""


class Situation(enum.StrEnum):
    """The rows of the table: a state, and for a paid sale which way it goes."""

    NEW = "new"
    QUOTED = "quoted"
    OFFERED = "offered"
    CLOSING = "closing"
    CLOSED = "closed"
    VENDING = "vending"
    DOUBT = "doubt"
    REFUNDING = "refunding"
    VENDED = "vended"
    REFUNDED = "refunded"
    CASE = "case"
    SETTLED = "settled"


def situation(sale: Sale | None) -> Situation:
    """Which row of the table a sale stands in."""
    if sale is None:
        return Situation.NEW
    if sale.state is not State.PAID:
        return Situation(sale.state.value)
    if sale.decision is Decision.REFUND:
        return Situation.REFUNDING
    return Situation.DOUBT if sale.doubt else Situation.VENDING


# ---------------------------------------------------------------- events


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineSaid:
    """A verified word of a trusted journal about one sale."""

    sale_id: str
    machine: str
    jid: str
    word: Word
    why: str = ""
    evidence: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewerSessionSeen:
    """The machine restarted: what it had open is dead."""

    sale_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalDoubted:
    """The machine's journal was rolled back, cloned or replaced: its words prove nothing (G-ROLL)."""

    sale_id: str
    cause: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRefused:
    """The platform will not take this order; nothing happened."""

    sale_id: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundRefused:
    """The platform said no to a refund for good, or for now (`not_enough`)."""

    sale_id: str
    refund_no: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundOrdered:
    """A person says that this money goes back. `by` is who."""

    sale_id: str
    by: str
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseEnded:
    """A person says that the goods are out, or that he looked after the money himself.

    `reason` names one of several open cases; empty: the one that holds the sale.
    """

    sale_id: str
    by: str
    why: str
    vended: bool
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BillDiffers:
    """The daily match found what nothing explains. `reason` is the case's name, `text` its evidence."""

    sale_id: str
    reason: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rang:
    """A timer ended."""

    sale_id: str
    timer: Timer


Event = (
    Requested
    | MachineSaid
    | NewerSessionSeen
    | JournalDoubted
    | OrderPlaced
    | OrderRefused
    | Payment
    | Unpaid
    | NoSuchOrder
    | OrderClosed
    | AlreadyPaid
    | RefundStatus
    | RefundRefused
    | RefundOrdered
    | CaseEnded
    | BillDiffers
    | ScanLost
    | Rang
)
Kind = type[Event] | Word | Timer


def kind(event: Event) -> Kind:
    """The column of the table an event belongs to."""
    match event:
        case MachineSaid(word=word):
            return word
        case Rang(timer=timer):
            return timer
    return type(event)


# ---------------------------------------------------------------- effects


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceOrder:
    """Place the order with exactly these bytes."""

    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryOrder:
    """Ask the platform what it knows of the order. `merchant` says whose, where there is no row yet."""

    merchant: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseOrder:
    """Close the order at the platform."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AskRefund:
    """Ask for the refund under this number, again and again the same."""

    draft: RefundDraft


@dataclass(frozen=True, slots=True, kw_only=True)
class AskRefundStatus:
    """What became of this refund number?"""

    refund_no: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tell:
    """Publish to the sale's machine."""

    message: ToMachine


@dataclass(frozen=True, slots=True, kw_only=True)
class At:
    """Ring `timer` in `delay_s` seconds, whatever it was set to."""

    timer: Timer
    delay_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """Ring `timer` after the next wait of its schedule. `anew` begins the schedule from its start."""

    timer: Timer
    anew: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """These timers are not needed any more."""

    timers: tuple[Timer, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A line of the sale's timeline. `who`: edge | bridge | wechat | operator. No secrets."""

    who: str
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RaiseAlarm:
    """A person should know. `name` is for counters, `text` for reading; `lane` 0: the whole machine."""

    name: str
    text: str
    lane: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ClearAlarm:
    """The fault of this name is gone; `lane` as it was raised."""

    name: str
    lane: int = 0


Call = PlaceOrder | QueryOrder | CloseOrder | AskRefund | AskRefundStatus
Effect = Call | AnswerScan | Tell | At | Again | Stop | Note | Post | RaiseAlarm | ClearAlarm


@dataclass(frozen=True, slots=True)
class Step:
    """What a rule decided: the row as it must become durable (None: no row), then the effects in order."""

    sale: Sale | None
    effects: tuple[Effect, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """A lane of the bridge's own catalogue; `version` is the catalogue's."""

    name_zh: str
    name_en: str
    price_fen: int
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What a rule may look at besides row and event, all of it read inside the transaction.

    `product` is what the sale's lane holds, `open_rows` and `lanes` bound how many codes a machine may ask
    for, `obstacle` names why its session may not sell (or is empty), `owner` is the sale that a payment's
    transaction already belongs to. `merchant` and `place` are those of the machine as it is set up now.
    """

    timings: Timings
    limits: Limits
    wall_ms: int
    store: str
    compose: Callable[[OrderDraft], bytes]
    link_live: bool = False
    past: bool = False
    product: Product | None = None
    lanes: int = 0
    open_rows: int = 0
    obstacle: str = ""
    owner: str = ""
    merchant: str = ""
    place: Place | None = None
    counts: Counts = field(default_factory=Counts)


def is_foreign(sale: Sale, ctx: Context) -> bool:
    """Opened under books that were restored since, or never seen here: nothing may be sent (G-FOREIGN)."""
    return sale.foreign or sale.store != ctx.store


def is_free(sale: Sale) -> bool:
    """It goes out for nothing: what is decided VEND is paid for, but for what two people gave away."""
    return sale.decision is Decision.VEND and sale.paid_fen == 0


def yuan(fen: int) -> str:
    """Money as people read it."""
    return f"¥{fen // 100}.{fen % 100:02d}"
