"""The machine's vocabulary: states, events, effects and the values they carry.

Events are facts that happened, effects are wishes for the shell, states are situations. Times named
`_ms` without further word are milliseconds of the machine's boot-time clock; `wall_ms` is for people.
"""

import enum
from dataclasses import dataclass, field


class State(enum.StrEnum):
    """Where a sale stands. OPEN and INTENT may go on; the others are for ever."""

    OPEN = "open"
    INTENT = "intent"
    DELIVERED = "delivered"
    NOT_DELIVERED = "not_delivered"
    UNCERTAIN = "uncertain"
    CLOSED = "closed"


class Kind(enum.StrEnum):
    """What is known of goods that did not come out."""

    NOT_MOVED = "not_moved"
    MOVED = "moved"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One run of the daemon on one journal: incarnation, start counter, 64 random bits of this start."""

    jid: str
    boot: int
    bits: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """What the board said of a lane just before the intent, where it keeps such things.

    `taken`: further numbers that its records bear; it dies with the choice of a new one.
    """

    seq: int | None = None
    stock: int | None = None
    count: int | None = None
    taken: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sale:
    """One sale of one product. The fields below the line live in memory only and die with the boot.

    `request_id` names the scan for which it was opened, or is empty; the journal keeps the two together.
    """

    sale_id: str
    lane: int
    price_fen: int
    catalogue_version: int
    session: Session
    opened_wall_ms: int
    state: State = State.OPEN
    why: str = ""
    evidence: str = ""
    seq: int | None = None
    baseline: Baseline | None = None
    paid_hash: str = ""
    # ---- volatile
    request_id: str = ""
    lease_until_ms: int = 0
    pay_until_ms: int = 0
    pay_span_ms: int = 0
    code_url: str = field(default="", repr=False)
    checked: bool = False
    offered: bool = False
    paying: bool = False
    progress: str = ""
    refund: str = ""


# ---------------------------------------------------------------- what a vend ends as


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """The goods are out; `evidence` says how we know, for a person."""

    evidence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NotDelivered:
    """No goods came out, and why that is certain. `why` is a name such as `jam`."""

    kind: Kind
    why: str
    evidence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Uncertain:
    """Nobody can tell. `why` is one of the named causes of doubt."""

    why: str
    evidence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Withheld:
    """The start time passed before the first byte was offered: nothing moved, nothing can."""

    why: str


Outcome = Delivered | NotDelivered | Uncertain | Withheld


@dataclass(frozen=True, slots=True, kw_only=True)
class VendOrder:
    """One operation for the dispenser. No byte that can move something leaves after `start_before_ms`."""

    sale_id: str
    lane: int
    seq: int
    baseline: Baseline
    start_before_ms: int


# ---------------------------------------------------------------- events of a sale


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeOffered:
    """The bridge placed the order; the shopper may pay `price_fen` for `pay_s` seconds.

    `code_url` is empty when he has the order on his phone already.
    """

    code_url: str = field(repr=False)
    pay_s: int
    price_fen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeRefused:
    """The bridge will not sell, or the order ended unpaid."""

    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneChecked:
    """The board was asked whether the lane can vend; `reason` is empty when it can."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Progressed:
    """The board tells how far the operation is. For the screen."""

    step: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentConfirmed:
    """A verified authorisation arrived. `obstacle` names a local reason against vending now, or is empty."""

    session_jid: str
    session_boot: int
    lane: int
    paid_fen: int
    paid_hash: str
    obstacle: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselineRead:
    """The board's evidence before the motor; `seq` is new and unlike the board's last."""

    baseline: Baseline
    seq: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselineFailed:
    """The board did not answer before anything could move."""

    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VendEnded:
    """The dispenser's word on an operation."""

    outcome: Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Abandoned:
    """The shopper cancelled or chose again, or selling stopped. `why`: cancel | reselect | stopped."""

    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerOverdue:
    """The bridge did not answer a selection in time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseEnded:
    """The lease's timer woke; the clock decides."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rebooted:
    """A new session found this row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Queried:
    """The bridge asks what became of this sale."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundTold:
    """The bridge says that the money is going back: started | done | held. For the screen."""

    state: str


SaleEvent = (
    CodeOffered
    | CodeRefused
    | LaneChecked
    | Progressed
    | PaymentConfirmed
    | BaselineRead
    | BaselineFailed
    | VendEnded
    | Abandoned
    | AnswerOverdue
    | LeaseEnded
    | Rebooted
    | Queried
    | RefundTold
)


# ---------------------------------------------------------------- effects of a sale


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestCode:
    """Tell the bridge that the sale is open. Written with the row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantLease:
    """Tell the bridge that the sale is open for the scan it asked about. Written with the row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadBaseline:
    """Ask the board for its evidence; answer with BaselineRead or BaselineFailed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunMotor:
    """Give the order to the dispenser. Only ever the effect of a durable INTENT of this session."""

    order: VendOrder


@dataclass(frozen=True, slots=True, kw_only=True)
class AskBoard:
    """Find out, without moving anything, what became of an operation of an earlier session."""

    order: VendOrder


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportClosed:
    """A numbered report, written with the row."""

    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportOutcome:
    """A numbered report, written with the row."""

    outcome: State
    why: str
    evidence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Tell the bridge what the row says (`sale.status`); not numbered, never before the row is durable."""

    state: str
    why: str
    evidence: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RaiseAlarm:
    """A lasting fault, by name; of a sale's lane unless `lane` says which. `fault`: the common one."""

    name: str
    text: str
    lane: int = 0
    fault: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClearAlarm:
    """The fault of this name is over; `lane` as it was raised, 0: the whole machine."""

    name: str
    lane: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchBus:
    """After doubt the whole bus sells nothing until the board is identified again and idle."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StopSelling:
    """Our own bug showed itself: hold what there is and sell nothing until a person has looked."""

    why: str


SaleEffect = (
    RequestCode
    | GrantLease
    | ReadBaseline
    | RunMotor
    | AskBoard
    | ReportClosed
    | ReportOutcome
    | Answer
    | RaiseAlarm
    | WatchBus
    | StopSelling
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What a rule may know besides the row: the clock's reading and the session that is running."""

    now_ms: int
    session: Session


@dataclass(frozen=True, slots=True)
class Step:
    """What a rule decided: the row as it must become durable, then the effects, in order."""

    sale: Sale
    effects: tuple[SaleEffect, ...] = ()
