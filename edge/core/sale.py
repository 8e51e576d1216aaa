"""The life of one sale on the machine: one table, total over (state, event).

A cell is a rule, `_stay` (a repeat or a late arrival, harmless), `_answer` (say what the row says) or
`_never` (our own bug: hold the sale, raise an alarm, sell nothing). Rows are never opened again.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final, get_args

from edge.core.model import (
    Abandoned,
    Answer,
    AnswerOverdue,
    AskBoard,
    Baseline,
    BaselineFailed,
    BaselineRead,
    CodeOffered,
    CodeRefused,
    Context,
    Delivered,
    GrantLease,
    LaneChecked,
    LeaseEnded,
    NotDelivered,
    PaymentConfirmed,
    Progressed,
    Queried,
    RaiseAlarm,
    ReadBaseline,
    Rebooted,
    RefundTold,
    ReportClosed,
    ReportOutcome,
    RequestCode,
    RunMotor,
    Sale,
    SaleEffect,
    SaleEvent,
    State,
    Step,
    StopSelling,
    Uncertain,
    VendEnded,
    VendOrder,
    WatchBus,
    Withheld,
)

Rule = Callable[[Sale, Any, Context], Step]


def opened(sale: Sale) -> Step:
    """A selection, or a scan, became a row; the bridge hears of it only once it is durable (G-OPENDB)."""
    return Step(sale, (GrantLease() if sale.request_id else RequestCode(),))


def step(sale: Sale, event: SaleEvent, context: Context) -> Step:
    """Decide. Pure and total: every (state, event) has a cell."""
    return RULES[sale.state, type(event)](sale, event, context)


def row_says(sale: Sale) -> Answer:
    """The row in the bridge's words. OPEN and INTENT are no evidence of anything."""
    state = {State.INTENT: "busy"}.get(sale.state, sale.state.value)
    return Answer(state=state, why=sale.why, evidence=sale.evidence)


# ---------------------------------------------------------------- rules of an open sale


def _code(sale: Sale, event: CodeOffered, context: Context) -> Step:
    if _lease_over(sale, context):
        return _closed(sale, "lease")
    if event.price_fen != sale.price_fen:
        return _closed(sale, "price")  # such a payment could only be refused: better before than after
    until_ms = min(context.now_ms + event.pay_s * 1000, sale.pay_until_ms)
    span_ms = until_ms - context.now_ms
    offered = replace(sale, offered=True, pay_until_ms=until_ms, pay_span_ms=span_ms)
    return Step(replace(offered, code_url=event.code_url))


def _refused(sale: Sale, event: CodeRefused, context: Context) -> Step:
    return _closed(sale, event.why)


def _lane_checked(sale: Sale, event: LaneChecked, context: Context) -> Step:
    return _closed(sale, f"lane.{event.reason}") if event.reason else Step(replace(sale, checked=True))


def _paid(sale: Sale, event: PaymentConfirmed, context: Context) -> Step:
    """The order of the checks is part of the promise: each refusal is durable before it is told (G-TOMB)."""
    session = context.session
    if (event.session_jid, event.session_boot) != (session.jid, session.boot) or sale.session != session:
        return Step(sale, (row_says(sale),))  # G-SESSION: of another session; never act on it
    if event.paid_fen != sale.price_fen or event.lane != sale.lane:
        return _closed(sale, "amount", RaiseAlarm(name="amount_differs", text="paid is not what was shown"))
    if _lease_over(sale, context):
        return _closed(sale, "lease")  # G-LEASE
    if event.obstacle:
        return _closed(sale, event.obstacle)
    if sale.paying:
        return Step(sale)
    return Step(replace(sale, paying=True, paid_hash=event.paid_hash), (ReadBaseline(),))


def _intend(sale: Sale, event: BaselineRead, context: Context) -> Step:
    if not sale.paying:
        return Step(sale)
    if _lease_over(sale, context):
        return _closed(sale, "lease")  # G-RECHECK
    intent = replace(sale, state=State.INTENT, seq=event.seq, baseline=event.baseline)
    return Step(intent, (RunMotor(order=_order(intent, intent.lease_until_ms)),))


def _no_baseline(sale: Sale, event: BaselineFailed, context: Context) -> Step:
    return _closed(sale, event.why) if sale.paying else Step(sale)


def _abandon(sale: Sale, event: Abandoned, context: Context) -> Step:
    return _closed(sale, event.why)


def _no_answer(sale: Sale, event: AnswerOverdue, context: Context) -> Step:
    return Step(sale) if sale.offered or sale.paying else _closed(sale, "no_answer")


def _lease(sale: Sale, event: LeaseEnded, context: Context) -> Step:
    return _closed(sale, "lease") if _lease_over(sale, context) else Step(sale)


def _restart(sale: Sale, event: Rebooted, context: Context) -> Step:
    return _closed(sale, "restart")  # G-BOOT: a lease dies with the boot


def _query_open(sale: Sale, event: Queried, context: Context) -> Step:
    if not _lease_over(sale, context):
        return Step(sale, (row_says(sale),))
    closed = _closed(sale, "lease")
    return Step(closed.sale, (*closed.effects, row_says(closed.sale)))


def _refund_open(sale: Sale, event: RefundTold, context: Context) -> Step:
    """The bridge gave this sale up: it must not vend any more, whatever else is on its way."""
    closed = _closed(sale, "refunded")
    return Step(replace(closed.sale, refund=event.state), closed.effects)


# ---------------------------------------------------------------- rules of an intent


def _ended(sale: Sale, event: VendEnded, context: Context) -> Step:
    match event.outcome:
        case Withheld(why=why):
            return _closed(sale, why)
        case Delivered(evidence=evidence):
            return _outcome(sale, State.DELIVERED, "", evidence)
        case NotDelivered(kind=kind, why=why, evidence=evidence):
            return _outcome(sale, State.NOT_DELIVERED, f"{kind.value}.{why}", evidence)
        case Uncertain(why=why, evidence=evidence):
            told = RaiseAlarm(name="vend_uncertain", text=f"lane {sale.lane}: {why}")
            return _outcome(sale, State.UNCERTAIN, why, evidence, told, WatchBus())


def _ask_board(sale: Sale, event: Rebooted, context: Context) -> Step:
    """The motor may have run: never guess, never act again (G-NOREACT)."""
    return Step(sale, (AskBoard(order=_order(sale, 0)),))


def _progress(sale: Sale, event: Progressed, context: Context) -> Step:
    return Step(replace(sale, progress=event.step))


# ---------------------------------------------------------------- rules of every state


def _refund(sale: Sale, event: RefundTold, context: Context) -> Step:
    return Step(replace(sale, refund=event.state))


def _answer(sale: Sale, event: SaleEvent, context: Context) -> Step:
    return Step(sale, (row_says(sale),))


def _stay(sale: Sale, event: SaleEvent, context: Context) -> Step:
    return Step(sale)


def _never(sale: Sale, event: SaleEvent, context: Context) -> Step:
    why = f"{sale.state}.{type(event).__name__.lower()}"
    return Step(sale, (RaiseAlarm(name="impossible", text=why), StopSelling(why=why)))


# ---------------------------------------------------------------- helpers


def _lease_over(sale: Sale, context: Context) -> bool:
    return context.now_ms >= sale.lease_until_ms


def _closed(sale: Sale, why: str, *more: SaleEffect) -> Step:
    closed = replace(sale, state=State.CLOSED, why=why, code_url="", paying=False)
    return Step(closed, (ReportClosed(why=why), *more))


def _outcome(sale: Sale, state: State, why: str, evidence: str, *more: SaleEffect) -> Step:
    ended = replace(sale, state=state, why=why, evidence=evidence)
    return Step(ended, (ReportOutcome(outcome=state, why=why, evidence=evidence), *more))


def _order(sale: Sale, start_before_ms: int) -> VendOrder:
    return VendOrder(
        sale_id=sale.sale_id,
        lane=sale.lane,
        seq=sale.seq or 0,
        baseline=sale.baseline or Baseline(),
        start_before_ms=start_before_ms,
    )


# ---------------------------------------------------------------- the table

_OPEN: Final[dict[type, Rule]] = {
    CodeOffered: _code,
    CodeRefused: _refused,
    LaneChecked: _lane_checked,
    Progressed: _stay,
    PaymentConfirmed: _paid,
    BaselineRead: _intend,
    BaselineFailed: _no_baseline,
    VendEnded: _never,
    Abandoned: _abandon,
    AnswerOverdue: _no_answer,
    LeaseEnded: _lease,
    Rebooted: _restart,
    Queried: _query_open,
    RefundTold: _refund_open,
}
_INTENT: Final[dict[type, Rule]] = {
    CodeOffered: _stay,  # a repeat of what this sale was paid with
    CodeRefused: _stay,
    LaneChecked: _stay,
    Progressed: _progress,
    PaymentConfirmed: _answer,  # the bridge may say it twice (G-DEDUPE, G-UNIQUE)
    BaselineRead: _stay,
    BaselineFailed: _stay,
    VendEnded: _ended,
    Abandoned: _stay,  # paid and moving: nothing to abandon
    AnswerOverdue: _stay,
    LeaseEnded: _stay,  # only an outcome leaves this row
    Rebooted: _ask_board,
    Queried: _answer,
    RefundTold: _refund,
}
_ENDED: Final[dict[type, Rule]] = {
    CodeOffered: _answer,  # never shown again
    CodeRefused: _stay,
    LaneChecked: _stay,
    Progressed: _stay,
    PaymentConfirmed: _answer,
    BaselineRead: _stay,
    BaselineFailed: _stay,
    VendEnded: _never,
    Abandoned: _stay,
    AnswerOverdue: _stay,
    LeaseEnded: _stay,
    Rebooted: _never,
    Queried: _answer,
    RefundTold: _refund,
}
ENDED: Final = frozenset({State.CLOSED, State.DELIVERED, State.NOT_DELIVERED, State.UNCERTAIN})
EVENTS: Final[tuple[type, ...]] = get_args(SaleEvent)
RULES: Final[dict[tuple[State, type], Rule]] = {
    (state, event): rule
    for state in State
    for event, rule in {State.OPEN: _OPEN, State.INTENT: _INTENT}.get(state, _ENDED).items()
}
