"""One function decides what follows a fact, and one reads off a row what it still needs after a restart."""

from dataclasses import replace
from typing import Final

from cloud_bridge.core import offer
from cloud_bridge.core.freeze import freeze
from cloud_bridge.core.model import Payment, RefundStatus
from cloud_bridge.core.rule import flagged, refund_told, refused
from cloud_bridge.core.sale import (
    Again,
    At,
    BillDiffers,
    Context,
    Effect,
    Event,
    MachineSaid,
    Sale,
    Situation,
    Step,
    Timer,
    Word,
    is_foreign,
    kind,
    situation,
)
from cloud_bridge.core.table import RULES


def step(sale: Sale | None, event: Event, ctx: Context) -> Step:
    """Decide. Pure and total: every (situation, kind) has a cell."""
    if sale is not None and isinstance(event, Payment | RefundStatus) and event.merchant != sale.merchant:
        return _of_another_merchant(sale, event)
    event = _believed(sale, event)
    if isinstance(event, BillDiffers):  # the same in every situation
        decided = freeze(sale, event, ctx)
    else:
        decided = RULES[situation(sale), kind(event)](sale, event, ctx)
    if decided.sale is None or decided.sale == sale:
        return decided
    return Step(replace(decided.sale, changed_wall_ms=ctx.wall_ms), decided.effects)


def _of_another_merchant(sale: Sale, event: Payment | RefundStatus) -> Step:
    """Well signed, and yet not the word of whoever gets this sale's money: believed of no sale of his."""
    name = "payment_not_ours" if isinstance(event, Payment) else "refund_not_ours"
    return flagged(sale, name, "another merchant's platform speaks of this sale: it was not accepted")


def _believed(sale: Sale | None, event: Event) -> Event:
    """Another journal of the same machine knows nothing of this sale, whatever it says (G-STALE)."""
    if sale is None or not isinstance(event, MachineSaid) or event.jid == sale.jid or not sale.jid:
        return event
    return replace(event, word=Word.UNKNOWN, why="other_journal")


# ---------------------------------------------------------------- after a restart


def resume(sale: Sale, ctx: Context) -> tuple[Effect, ...]:
    """What an unfinished row still needs. Timers start anew in full: late is always safe (G-SLACK)."""
    bound_s = ctx.timings.bound_s(lease_s=sale.lease_s, start_s=sale.start_s)
    bound = () if sale.past else (At(timer=Timer.BOUND, delay_s=bound_s),)
    now = (*remind(sale, ctx), *_waits(sale, ctx))
    where = situation(sale)
    return (*now, *bound) if where in _BOUNDED else now


def remind(sale: Sale, ctx: Context) -> tuple[Effect, ...]:
    """What the machine may have missed while it, or this bridge, was away."""
    match situation(sale):
        case Situation.OFFERED if not sale.window_over:
            return (offer.code(sale, ctx),)
        case Situation.CLOSING | Situation.CLOSED if not sale.row_dead:
            return (refused(sale),)
        case Situation.VENDING if not (sale.past or sale.row_dead or is_foreign(sale, ctx)):
            return () if sale.answered else (At(timer=Timer.AUTHORISE, delay_s=0),)
        case Situation.VENDING | Situation.DOUBT:
            return (At(timer=Timer.ASK, delay_s=0),)
        case Situation.REFUNDING:
            return refund_told(sale, "started")
    return ()


def _waits(sale: Sale, ctx: Context) -> tuple[Effect, ...]:
    timings = ctx.timings
    match situation(sale):
        case Situation.QUOTED if sale.request_id:  # nobody waits for this order any more
            return (At(timer=Timer.QUOTE_OVER, delay_s=0),)
        case Situation.QUOTED:
            window_s = _window_left_s(sale, ctx)
            over_s = max(0.0, window_s - timings.order_min_s)
            return (At(timer=Timer.PLACE, delay_s=0), At(timer=Timer.QUOTE_OVER, delay_s=over_s))
        case Situation.OFFERED if not sale.window_over:
            window = At(timer=Timer.PAY_WINDOW, delay_s=_window_left_s(sale, ctx))
            return (At(timer=Timer.QUERY, delay_s=0), window)
        case Situation.OFFERED | Situation.CLOSING:
            return (At(timer=Timer.QUERY, delay_s=0),)
        case Situation.CLOSED if sale.look_again:
            return (At(timer=Timer.QUERY, delay_s=timings.look_again_s),)
        case Situation.VENDING:
            gone = (At(timer=Timer.GONE, delay_s=timings.gone_s),) if _silent(sale, ctx) else ()
            refunded = (At(timer=Timer.REFUND, delay_s=0),) if is_foreign(sale, ctx) else ()
            return (*gone, *refunded)
        case Situation.DOUBT:
            doubt = (At(timer=Timer.DOUBT, delay_s=timings.doubt_s),) if timings.doubt_s else ()
            return (*doubt, Again(timer=Timer.REFUND)) if is_foreign(sale, ctx) else doubt
        case Situation.REFUNDING:
            return (At(timer=Timer.REFUND, delay_s=0),)
    return ()


def _silent(sale: Sale, ctx: Context) -> bool:
    return sale.past or is_foreign(sale, ctx)


def _window_left_s(sale: Sale, ctx: Context) -> float:
    """The order's life is the platform's field, on the wall clock; never longer than a whole window."""
    left_s = (sale.pay_until_wall_ms - ctx.wall_ms) / 1000
    return min(max(0.0, left_s), float(ctx.timings.window_s(sale.lease_s)))


_BOUNDED: Final = frozenset({Situation.QUOTED, Situation.OFFERED, Situation.CLOSING, Situation.VENDING})
