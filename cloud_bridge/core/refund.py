"""Giving money back: one number a sale, brakes on a machine's word, refunds made by hand, and cases.

The number is `R` and the sale's id, repeated until the answer is clear (G-RNO). `R2` comes once, and only
after the platform says that the first is closed (G-RTWO), or that a part went back by hand: no first one for
the whole can be alive beside that.
"""

from dataclasses import replace

from cloud_bridge.core import ledger
from cloud_bridge.core.case import ended, is_open, opened
from cloud_bridge.core.model import Decision, RefundDraft, RefundState, RefundStatus, State
from cloud_bridge.core.rule import STOP_ALL, bridge, edge, flagged, no_doubt, operator, refund_told, wechat
from cloud_bridge.core.sale import (
    Again,
    AskRefund,
    AskRefundStatus,
    ClearAlarm,
    Context,
    Effect,
    MachineSaid,
    QueryOrder,
    RaiseAlarm,
    Rang,
    RefundOrdered,
    RefundRefused,
    Sale,
    Step,
    Stop,
    Timer,
    is_foreign,
    is_free,
    yuan,
)


def first_number(sale_id: str) -> str:
    """The refund number of a sale."""
    return f"R{sale_id}"


def second_number(sale_id: str) -> str:
    """The one that follows when the platform closed the first."""
    return f"R2{sale_id}"


# ---------------------------------------------------------------- deciding


def give_back(sale: Sale, why: str, ctx: Context) -> Step:
    """The decision REFUND. It is never taken back."""
    if is_free(sale):
        return not_given(sale, why)
    if sale.hand_refunds:
        if sale.refunded_fen < sale.paid_fen:
            return held(sale, "hand_refund", "a part went back by hand: a person gives the rest", ctx)
        due = replace(sale, decision=Decision.REFUND, why=why)
        return _done(due, sale.refunded_fen, ledger.refund_decided(sale.paid_fen))
    due = replace(
        sale,
        state=State.PAID,
        decision=Decision.REFUND,
        why=why,
        refund_no=first_number(sale.sale_id),
        refund_tries=1,
        refund_since_wall_ms=ctx.wall_ms,
    )
    due = ended(due, _CASES_THIS_ENDS)
    effects: tuple[Effect, ...] = (
        AskRefund(draft=_draft(due)),
        ledger.refund_decided(due.paid_fen),
        STOP_ALL,
        Again(timer=Timer.REFUND, anew=True),
        *no_doubt(due),
        *refund_told(due, "started"),
        bridge(f"{yuan(due.paid_fen)} goes back: {why}"),
    )
    return Step(due, effects)


def not_given(sale: Sale, why: str) -> Step:
    """Nothing came out, or nobody knows, of what costs nothing: no money goes back, and the row is over."""
    closed = ended(replace(sale, state=State.CLOSED, why=why, row_dead=True), ("doubt", "foreign"))
    return Step(closed, (STOP_ALL, *no_doubt(sale), bridge(f"not given out: {why}")))


def give_back_on_evidence(sale: Sale, why: str, ctx: Context) -> Step:
    """A refund on the machine's word has brakes: a blind drop sensor must not give the stock away."""
    if is_free(sale):
        return not_given(sale, why)
    counts, limits = ctx.counts, ctx.limits
    if counts.fleet >= limits.fleet:
        return held(replace(sale, why=why), "brakes", "too many refunds in the fleet: a person decides", ctx)
    given = give_back(replace(sale, evidence_wall_ms=ctx.wall_ms), why, ctx)
    alarms: list[Effect] = []
    if counts.lane + 1 >= limits.lane:
        alarms.append(RaiseAlarm(name="brake_lane", text=f"lane {sale.lane} gave back too often"))
    if counts.machine + 1 >= limits.machine:
        alarms.append(RaiseAlarm(name="brake_machine", text="the machine gave back too often"))
    return Step(given.sale, (*given.effects, *alarms))


def held(sale: Sale, case: str, text: str, ctx: Context) -> Step:
    """Nothing more happens by itself: an open case for a person."""
    waiting = opened(replace(sale, state=State.CASE), case)
    alarm = RaiseAlarm(name=case, text=f"{sale.sale_id}: {text}")
    return Step(waiting, (STOP_ALL, alarm, *refund_told(sale, "held"), bridge(text)))


def ordered(sale: Sale, event: RefundOrdered, ctx: Context) -> Step:
    """A person decides. A refund that is stuck is asked for again, under the number it has.

    What is left after a part went back by hand has the second number: the first one was for the whole.
    """
    decided = sale.decision is Decision.REFUND
    if not decided and not 0 < sale.refunded_fen < sale.paid_fen:
        return give_back(sale, ordered_words(event), ctx)
    again = replace(
        sale,
        state=State.PAID,
        decision=Decision.REFUND,
        why=sale.why if decided else ordered_words(event),
        refund_no=second_number(sale.sale_id) if sale.hand_refunds else sale.refund_no,
        refund_accepted=False,
        refund_tries=1,
        refund_since_wall_ms=ctx.wall_ms,
    )
    owed = () if decided else (ledger.refund_decided(sale.paid_fen), STOP_ALL, *no_doubt(sale))
    again = ended(again, _CASES_THIS_ENDS)
    asked = (*owed, AskRefund(draft=_draft(again)), Again(timer=Timer.REFUND, anew=True))
    if decided:
        return Step(again, (*asked, operator(f"the refund is asked for again, {ordered_words(event)}")))
    return Step(again, (*asked, operator(f"the rest goes back as well, {ordered_words(event)}")))


def ordered_words(event: RefundOrdered) -> str:
    """Who wants it and why."""
    return f"ordered by {event.by}: {event.why}" if event.why else f"ordered by {event.by}"


# ---------------------------------------------------------------- a refund under way


def rang(sale: Sale, event: Rang, ctx: Context) -> Step:
    """Ask again, with the same number; days later also a person."""
    tries = sale.refund_tries + 1
    asked = replace(sale, refund_tries=tries)
    effects: list[Effect] = [_ask(asked), Again(timer=Timer.REFUND)]
    if is_open(sale, "refund_stuck") or not _stuck(asked, ctx):
        return Step(asked, tuple(effects))
    stuck = flagged(asked, "refund_stuck", f"the refund is not through after {tries} tries")
    return Step(stuck.sale, (*effects, *stuck.effects))


def _stuck(sale: Sale, ctx: Context) -> bool:
    """For days on the clock on the wall; tries count as well, for a clock may have been wrong."""
    since_ms = ctx.wall_ms - sale.refund_since_wall_ms
    days = sale.refund_since_wall_ms > 0 and since_ms >= ctx.timings.refund_stuck_s * 1000
    return days or sale.refund_tries >= ctx.timings.refund_tries


def answered(sale: Sale, event: RefundStatus, ctx: Context) -> Step:
    """The platform's word on a refund, while ours is under way."""
    if event.refund_no != sale.refund_no:
        return Step(sale) if _own(sale, event) else by_hand(sale, event, ctx)
    match event.state:
        case RefundState.PROCESSING:
            return _accepted(sale)
        case RefundState.SUCCESS if event.refund_fen == _rest_fen(sale):
            return _done(sale, sale.refunded_fen + event.refund_fen)
        case RefundState.SUCCESS:
            return held(sale, "refund_amount", "the platform gave back another amount", ctx)
        case RefundState.CLOSED:
            return _closed(sale, ctx)
        case RefundState.ABNORMAL:
            return held(sale, "refund_abnormal", "the payer's account takes no refund", ctx)
        case RefundState.ABSENT:
            return _asked_again(sale)


def said_no(sale: Sale, event: RefundRefused, ctx: Context) -> Step:
    """No for good is a case; an empty account is waited for."""
    if event.refund_no != sale.refund_no:
        return Step(sale)
    if event.why == "not_enough":
        waiting = flagged(sale, "refund_not_enough", "the merchant's account does not hold the money")
        return Step(waiting.sale, (*waiting.effects, Again(timer=Timer.REFUND)))
    return held(sale, "refund_refused", f"the platform refuses the refund: {event.why}", ctx)


def told_to_a_person(sale: Sale, event: RefundStatus, ctx: Context) -> Step:
    """The platform's word on a refund while a person has the case."""
    if sale.decision is not Decision.REFUND:
        return taken_over(sale, event, ctx)
    if event.refund_no == sale.refund_no and event.state is not RefundState.SUCCESS:
        return Step(sale)
    return answered(sale, event, ctx)


def _accepted(sale: Sale) -> Step:
    if sale.refund_accepted:
        return Step(sale)
    taken = ended(replace(sale, refund_accepted=True), ("refund_not_enough",))
    cleared = ClearAlarm(name="refund_not_enough")
    return Step(taken, (Again(timer=Timer.REFUND, anew=True), cleared, wechat("the refund is accepted")))


def _asked_again(sale: Sale) -> Step:
    if not sale.refund_accepted:
        return Step(sale)
    forgotten = replace(sale, refund_accepted=False)
    return Step(forgotten, (AskRefund(draft=_draft(forgotten)), Again(timer=Timer.REFUND, anew=True)))


def _closed(sale: Sale, ctx: Context) -> Step:
    if sale.refund_no != first_number(sale.sale_id):
        return held(sale, "refund_closed", "the platform closed the second refund as well", ctx)
    second = replace(
        sale,
        refund_no=second_number(sale.sale_id),
        refund_accepted=False,
        refund_tries=1,
        refund_since_wall_ms=ctx.wall_ms,
    )
    asked = (AskRefund(draft=_draft(second)), Again(timer=Timer.REFUND, anew=True))
    return Step(second, (*asked, wechat("the refund was closed: once more, under the second number")))


def _done(sale: Sale, refunded_fen: int, *posts: ledger.Post) -> Step:
    given = replace(sale, state=State.REFUNDED, refunded_fen=refunded_fen)
    given = ended(given, _CASES_THIS_ENDS)
    effects: tuple[Effect, ...] = (
        *posts,
        ledger.refund_confirmed(sale.paid_fen),
        STOP_ALL,
        ClearAlarm(name="refund_not_enough"),
        *refund_told(given, "done"),
        wechat(f"{yuan(refunded_fen)} is refunded"),
    )
    return Step(given, effects)


# ---------------------------------------------------------------- refunds that were not ours


def taken_over(sale: Sale, event: RefundStatus, ctx: Context) -> Step:
    """A refund of a payment that was to vend: our own from before a restore, or somebody's by hand."""
    if not _own(sale, event):
        return by_hand(sale, event, ctx)
    if event.state is RefundState.ABSENT:
        return Step(sale, (Stop(timers=(Timer.REFUND,)),))
    doubt = sale.doubt or ("store_restored" if is_foreign(sale, ctx) else "refund_found")
    due = replace(
        sale,
        state=State.PAID,
        decision=Decision.REFUND,
        doubt=doubt,
        refund_no=event.refund_no,
        refund_since_wall_ms=ctx.wall_ms,
    )
    due = ended(due, _CASES_THIS_ENDS)
    after = answered(replace(due, why="found at the platform"), event, ctx)
    decided = (ledger.refund_decided(sale.paid_fen), STOP_ALL)
    return Step(after.sale, (*decided, *after.effects))


def by_hand(sale: Sale, event: RefundStatus, ctx: Context) -> Step:
    """A refund made in the merchant's portal is legal: it is written down, the rest is a case."""
    known = sale.hand_refunds.split()
    if event.state is not RefundState.SUCCESS or event.refund_no in known:
        return Step(sale)
    seen = flagged(
        replace(
            sale,
            hand_refunds=" ".join((*known, event.refund_no)),
            refunded_fen=sale.refunded_fen + event.refund_fen,
        ),
        "hand_refund",
        f"{yuan(event.refund_fen)} went back by hand",
    )
    assert seen.sale is not None
    match sale.state:
        case State.VENDED | State.REFUNDED:
            return Step(seen.sale, (*seen.effects, ledger.refunded_by_hand(event.refund_fen)))
        case State.SETTLED:
            return Step(seen.sale, (*seen.effects, ledger.refunded_after_settling(event.refund_fen)))
        case State.PAID | State.CASE if sale.decision is Decision.REFUND:
            return _by_hand_while_refunding(seen, ctx)
        case State.CASE if seen.sale.refunded_fen >= sale.paid_fen:
            done = _done(seen.sale, seen.sale.refunded_fen, ledger.refund_decided(sale.paid_fen))
            return Step(done.sale, (*seen.effects, *done.effects))
    return seen


def after_settling(sale: Sale, event: RefundStatus, ctx: Context) -> Step:
    """Money that still went back, under whichever number, once a person had settled the sale."""
    return by_hand(sale, event, ctx)


def after_the_refund(sale: Sale, event: RefundStatus, ctx: Context) -> Step:
    """Repeats of our own are harmless; anybody else's is money that went back twice."""
    return Step(sale) if _own(sale, event) else by_hand(sale, event, ctx)


def found_before_the_payment(sale: Sale | None, event: RefundStatus, ctx: Context) -> Step:
    """The word of a refund overtook the word of the payment, or these books were restored."""
    if sale is None:
        text = f"a refund of {event.sale_id}, which these books do not know"
        asked = QueryOrder(merchant=event.merchant)
        return Step(None, (asked, RaiseAlarm(name="refund_unknown", text=text)))
    seen = Step(sale) if _own(sale, event) else by_hand(sale, event, ctx)
    return Step(seen.sale, (*seen.effects, QueryOrder()))


def goods_after_all(sale: Sale, event: MachineSaid, ctx: Context) -> Step:
    """The goods fell although the money goes or went back: shrinkage, and without doubt a broken promise."""
    if sale.goods:
        return Step(sale)
    text = "the goods fell after the refund was decided"
    name = "goods_after_doubt" if sale.doubt else "goods_and_refund"
    lost = replace(sale, goods=True)
    alarm = RaiseAlarm(name=name, text=f"{sale.sale_id}: {text}")
    return Step(lost, (ledger.goods_lost(sale.paid_fen), alarm, edge(text)))


def _by_hand_while_refunding(seen: Step, ctx: Context) -> Step:
    assert seen.sale is not None
    if seen.sale.refunded_fen >= seen.sale.paid_fen:
        after = _done(seen.sale, seen.sale.refunded_fen)
    else:
        after = held(seen.sale, "hand_refund", "a part went back by hand: a person gives the rest", ctx)
    return Step(after.sale, (*seen.effects, *after.effects))


# ---------------------------------------------------------------- helpers

_CASES_THIS_ENDS = frozenset(
    {
        "foreign",
        "doubt",
        "brakes",
        "given_back",
        "hand_refund",
        "refund_stuck",
        "refund_not_enough",
        "refund_closed",
        "refund_abnormal",
        "refund_refused",
    }
)


def _own(sale: Sale, event: RefundStatus) -> bool:
    return event.refund_no in (first_number(sale.sale_id), second_number(sale.sale_id))


def _ask(sale: Sale) -> Effect:
    if sale.refund_accepted:
        return AskRefundStatus(refund_no=sale.refund_no)
    return AskRefund(draft=_draft(sale))


def _rest_fen(sale: Sale) -> int:
    """What is still to go back: all of it, less what went by hand."""
    return sale.paid_fen - sale.refunded_fen


def _draft(sale: Sale) -> RefundDraft:
    return RefundDraft(
        sale_id=sale.sale_id,
        refund_no=sale.refund_no,
        refund_fen=_rest_fen(sale),
        paid_fen=sale.paid_fen,
        reason="出货失败退款" if sale.sent_count else "订单已失效退款",
    )
