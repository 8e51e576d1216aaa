"""A paid sale: the decision which way it ends, the authorisation, and what the machine says became of it.

A timeout alone never turns VEND into REFUND. Past the bound the machine is asked; its answer, or declared
doubt, decides (G-EVIDENCE, G-QUERY).
"""

from dataclasses import replace
from typing import Final

from cloud_bridge.core import ledger
from cloud_bridge.core.case import OTHER_MONEY, Resolution, ended, is_open, named, opened, reasons, refusal
from cloud_bridge.core.model import Decision, Payment, State, TellPaid, TellQuery
from cloud_bridge.core.refund import (
    first_number,
    give_back,
    give_back_on_evidence,
    goods_after_all,
    held,
    not_given,
    ordered_words,
)
from cloud_bridge.core.rule import STOP_ALL, bridge, edge, flagged, no_doubt, operator, wechat
from cloud_bridge.core.sale import (
    Again,
    AskRefundStatus,
    At,
    CaseEnded,
    Context,
    Effect,
    JournalDoubted,
    MachineSaid,
    NewerSessionSeen,
    RaiseAlarm,
    Rang,
    RefundOrdered,
    Sale,
    Step,
    Stop,
    Tell,
    Timer,
    Word,
    is_foreign,
    is_free,
    yuan,
)

PAYABLE: Final = frozenset({State.QUOTED, State.OFFERED})
# Why a sale was given up before it had a code. One that is paid all the same got its code, and maybe its
# authorisation, from books that were restored since: the machine's repeated request made it look new.
NO_CODE: Final = "platform"


# ---------------------------------------------------------------- the payment arrives


def pay(sale: Sale, event: Payment, ctx: Context) -> Step:
    """A verified payment of a sale that waits for one, or was given up. The one place that decides."""
    wrong = _not_acceptable(sale, event, ctx)
    if wrong:
        return flagged(sale, wrong, "a payment that does not fit this sale was not accepted")
    paid = replace(
        sale,
        state=State.PAID,
        transaction_id=event.transaction_id,
        paid_fen=event.paid_fen,
        paid_at=event.paid_at,
        look_again=False,
        foreign=sale.foreign or _never_offered(sale),
    )
    heard = (
        ledger.payment_verified(event.paid_fen),
        wechat(f"{yuan(event.paid_fen)} is paid ({event.source})"),
    )
    decided = _given_back(paid, event, ctx) or _decide(paid, sale.state in PAYABLE, ctx)
    tells = tuple(effect for effect in decided.effects if isinstance(effect, Tell))
    rest = tuple(effect for effect in decided.effects if not isinstance(effect, Tell))
    return Step(decided.sale, (*tells, *heard, *rest))  # nothing comes before the authorisation


def pay_unknown(sale: None, event: Payment, ctx: Context) -> Step:
    """A payment of a sale that these books do not have: they were restored, or never heard of it."""
    stranger = Sale(
        sale_id=event.sale_id,
        machine=event.machine,
        store=ctx.store,
        opened_wall_ms=ctx.wall_ms,
        state=State.CLOSED,
        price_fen=event.paid_fen,
        foreign=True,
        merchant=event.merchant,
    )
    wrong = _not_acceptable(stranger, event, ctx)
    if wrong:
        return Step(None, (RaiseAlarm(name=wrong, text=f"{event.sale_id}: a payment that is not ours"),))
    return pay(stranger, event, ctx)


def _not_acceptable(sale: Sale, event: Payment, ctx: Context) -> str:
    if not event.merchant_ok:
        return "payment_not_ours"
    if ctx.owner not in ("", sale.sale_id):
        return "transaction_taken"
    return ""


def _never_offered(sale: Sale) -> bool:
    """Nobody got a code from these books, and yet it is paid: books that were lost gave one out, and may have
    authorised. A row that is still quoted is authorised again: its machine knows what it did (G-DEDUPE).
    """
    if sale.state is State.CLOSED:
        return sale.place_tries == 0
    return sale.state is State.CLOSING and not sale.code_url


def _given_back(sale: Sale, event: Payment, ctx: Context) -> Step | None:
    """Somebody gave money back before we knew that it came: it must not vend, nor go back again by itself."""
    if not event.given_back or sale.goods or sale.hand_refunds or is_foreign(sale, ctx):
        return None
    vend = replace(sale, decision=Decision.VEND)
    return held(vend, "given_back", "money went back by hand before the payment was known", ctx)


def _decide(sale: Sale, payable: bool, ctx: Context) -> Step:
    if sale.goods:
        return _vended(sale)
    if is_foreign(sale, ctx) or (not payable and sale.why == NO_CODE):
        return _foreign(sale, ctx)
    if sale.hand_refunds:
        return give_back(sale, "given back by hand", ctx)
    if sale.paid_fen != sale.price_fen:
        given = give_back(sale, "amount", ctx)
        alarm = RaiseAlarm(name="amount_differs", text=f"{sale.sale_id}: paid is not the price")
        return Step(given.sale, (*given.effects, alarm))
    if not payable:
        return give_back(sale, f"given up: {sale.why}", ctx)
    if sale.past or ctx.past:
        return give_back(replace(sale, past=True), "late", ctx)
    return _vend(sale, ctx)


def _vend(sale: Sale, ctx: Context) -> Step:
    """Counted in the transaction that decides, before anything is sent (G-SENT)."""
    due = replace(sale, decision=Decision.VEND, sent_count=1 if ctx.link_live else 0)
    waits = Stop(timers=(Timer.PLACE, Timer.QUOTE_OVER, Timer.PAY_WINDOW, Timer.QUERY))
    again = Again(timer=Timer.AUTHORISE, anew=True)
    if not ctx.link_live:
        return Step(due, (waits, again, bridge("the machine is not linked: the authorisation waits")))
    return Step(due, (_authorisation(due, ctx), waits, again, bridge("authorised to vend")))


def _foreign(sale: Sale, ctx: Context) -> Step:
    """Nobody here knows what was sent: nothing is, and platform and machine are asked (G-FOREIGN)."""
    due = opened(replace(sale, decision=Decision.VEND, foreign=True, past=True), "foreign")
    alarm = RaiseAlarm(name="foreign_payment", text=f"{sale.sale_id}: paid, and unknown to these books")
    effects = (
        AskRefundStatus(refund_no=first_number(sale.sale_id)),
        STOP_ALL,
        Again(timer=Timer.REFUND, anew=True),
        alarm,
    )
    return Step(due, (*_ask(due, ctx), *effects, *_waiting(ctx)))


# ---------------------------------------------------------------- while the machine may vend


def authorise(sale: Sale, event: Rang, ctx: Context) -> Step:
    """Say it again until an answer or the bound; each time counted first."""
    if sale.past or ctx.past or sale.answered or sale.row_dead or is_foreign(sale, ctx):
        return Step(sale)
    again = Again(timer=Timer.AUTHORISE)
    if not ctx.link_live:
        return Step(sale, (again,))
    counted = replace(sale, sent_count=sale.sent_count + 1)
    return Step(counted, (_authorisation(counted, ctx), again))


def bound_over(sale: Sale, event: Rang, ctx: Context) -> Step:
    """No motor starts any more. What was never sent goes back; otherwise the machine is asked."""
    over = replace(sale, past=True)
    if _never_sent(sale, ctx):
        return give_back(over, "never_sent", ctx)
    return Step(over, (*_ask(over, ctx), Stop(timers=(Timer.AUTHORISE,)), *_waiting(ctx)))


def ask(sale: Sale, event: Rang, ctx: Context) -> Step:
    """What became of it? Asked until it is answered."""
    return Step(sale, (*_ask(sale, ctx), Again(timer=Timer.ASK)))


def ask_refund(sale: Sale, event: Rang, ctx: Context) -> Step:
    """A foreign payment may have been refunded before the books were restored: ask until it is known."""
    if not is_foreign(sale, ctx):
        return Step(sale)
    number = first_number(sale.sale_id)
    return Step(sale, (AskRefundStatus(refund_no=number), Again(timer=Timer.REFUND)))


def gone(sale: Sale, event: Rang, ctx: Context) -> Step:
    """The machine has been silent too long."""
    return doubted(sale, "machine_gone", ctx) if sale.past else Step(sale)


def busy(sale: Sale, event: MachineSaid, ctx: Context) -> Step:
    """The machine has the authorisation; an answer, and no evidence of anything."""
    alive = (At(timer=Timer.GONE, delay_s=ctx.timings.gone_s),) if sale.past else ()
    first = () if sale.answered else (edge("vending"),)
    return Step(replace(sale, answered=True), (Stop(timers=(Timer.AUTHORISE,)), *alive, *first))


def still_open(sale: Sale, event: MachineSaid, ctx: Context) -> Step:
    """The lease runs: no evidence of anything, but a sign of life."""
    alive = (At(timer=Timer.GONE, delay_s=ctx.timings.gone_s),) if sale.past else ()
    return Step(sale, alive)


def delivered(sale: Sale, event: MachineSaid, ctx: Context) -> Step:
    """The goods are out. This also ends doubt, and any case that waited for the machine's word."""
    return _vended(sale)


def not_delivered(sale: Sale, event: MachineSaid, ctx: Context) -> Step:
    """The row is closed or the goods stayed in: durable on the machine, and evidence (G-TOMB).

    A row that was busy is judged after a restart, never closed by it: an older copy of it was (G-ROLL).
    """
    if sale.answered and event.word is Word.CLOSED and event.why == "restart":
        return Step(sale) if sale.doubt else doubted(sale, "journal_rolled_back", ctx)
    return give_back_on_evidence(sale, f"{event.word}.{event.why}", ctx)


def uncertain(sale: Sale, event: MachineSaid, ctx: Context) -> Step:
    """The machine itself cannot say."""
    return doubted(sale, event.why or "uncertain", ctx)


def unknown(sale: Sale, event: MachineSaid, ctx: Context) -> Step:
    """A journal that does not have the row proves nothing (G-STALE), unless nothing was ever sent."""
    if _never_sent(sale, ctx):
        return give_back(sale, "never_sent", ctx)
    return doubted(sale, "journal_lost", ctx)


def machine_restarted(sale: Sale, event: NewerSessionSeen, ctx: Context) -> Step:
    """What it had open is dead: what was never sent goes back, otherwise its journal is asked."""
    if _never_sent(sale, ctx):
        return give_back(replace(sale, row_dead=True), "machine_restarted", ctx)
    dead = replace(sale, row_dead=True)
    asking = (*_ask(dead, ctx), Stop(timers=(Timer.AUTHORISE,)), Again(timer=Timer.ASK, anew=True))
    return Step(dead, (*asking, edge("the machine restarted while it was paid")))


def journal_doubted(sale: Sale, event: JournalDoubted, ctx: Context) -> Step:
    """The machine's words prove nothing any more."""
    if _never_sent(sale, ctx):
        return give_back(replace(sale, row_dead=True), "never_sent", ctx)
    return doubted(sale, event.cause, ctx)


def ordered_early(sale: Sale, event: RefundOrdered, ctx: Context) -> Step:
    """A person wants to give money back before anybody is in doubt: not while the machine may still answer.

    A sale of restored books, or one that these never knew, is in doubt as soon as he does not wait for its
    machine. One that only looks like it has a machine that knows it, and waits for that.
    """
    if _never_sent(sale, ctx):
        return give_back(sale, ordered_words(event), ctx)
    lost = sale.store != ctx.store or not sale.jid
    if lost and not refusal(sale, Resolution.REFUND, past=ctx.past):
        return give_back(replace(sale, doubt="store_restored"), ordered_words(event), ctx)
    return Step(sale, (bridge("a refund waits for the machine's answer or for doubt"),))


def doubted(sale: Sale, cause: str, ctx: Context) -> Step:
    """Doubt is recorded with its first cause, alarmed, and waited out in the shopper's favour."""
    wait_s = ctx.timings.doubt_s
    unsure = replace(sale, doubt=cause)
    unsure = unsure if wait_s else opened(unsure, "doubt")
    timer = (At(timer=Timer.DOUBT, delay_s=wait_s),) if wait_s else ()
    text = f"{sale.sale_id}: nobody knows whether the goods fell: {cause}"
    alarm = RaiseAlarm(name="doubt", text=text, lane=sale.lane)
    stop = Stop(timers=(Timer.AUTHORISE, Timer.BOUND, Timer.GONE))
    return Step(unsure, (stop, *timer, alarm, bridge(f"in doubt: {cause}")))


# ---------------------------------------------------------------- in doubt


def doubt_over(sale: Sale, event: Rang, ctx: Context) -> Step:
    """Waited long enough: the shopper is favoured."""
    return give_back_on_evidence(sale, f"doubt.{sale.doubt}", ctx)


def ordered_in_doubt(sale: Sale, event: RefundOrdered, ctx: Context) -> Step:
    """A person does not want to wait."""
    return give_back(sale, ordered_words(event), ctx)


# ---------------------------------------------------------------- for ever, or a case


def ended_by_a_person(sale: Sale, event: CaseEnded, ctx: Context) -> Step:
    """What he may say is judged before (`case.refusal`): here it is written down."""
    wish = Resolution.VENDED if event.vended else Resolution.CLOSED
    if refusal(sale, wish, event.reason, past=ctx.past):
        return Step(sale)
    if event.vended:
        out = operator(f"the goods are out, says {event.by}: {event.why}")
        return _vended(ended(sale, set(reasons(sale)) - OTHER_MONEY), out)
    over = named(sale, event.reason)
    if is_free(sale) and sale.state in (State.PAID, State.CASE):
        # Nobody knows whether it fell: it is not given again, whatever he says.
        unsure = replace(ended(sale, over), doubt=sale.doubt or "settled_by_hand")
        return not_given(unsure, f"settled by {event.by}: {event.why}")
    closed = ended(sale, over)
    said = operator(f"{' '.join(over)}: settled by {event.by}: {event.why}")
    if sale.state is not State.CASE or OTHER_MONEY.issuperset(over):
        return Step(closed, (said,))
    shut = replace(closed, state=State.SETTLED)
    posts = [ledger.settled_by_hand(sale.paid_fen, sale.decision)]
    if sale.refunded_fen:
        posts.append(ledger.refunded_after_settling(sale.refunded_fen))
    return Step(shut, (*posts, STOP_ALL, said))


def delivered_in_case(sale: Sale, event: MachineSaid, ctx: Context) -> Step:
    """A word that settles a case before the person did, unless the money already goes back."""
    if sale.decision is Decision.REFUND:
        return goods_after_all(sale, event, ctx)
    return _vended(sale)


def contradicted(sale: Sale, event: MachineSaid, ctx: Context) -> Step:
    """The machine said that the goods are out, and now that they are not."""
    if is_open(sale, "contradiction"):
        return Step(sale)
    return flagged(sale, "contradiction", f"the goods were out, now the machine says {event.word}")


# ---------------------------------------------------------------- helpers


def _vended(sale: Sale, *notes: Effect) -> Step:
    out = replace(sale, state=State.VENDED, decision=Decision.VEND, goods=True)
    out = ended(out, ("foreign", "doubt", "brakes", "goods_unpaid"))
    told = notes or (edge("the goods are out"),)
    posts = () if is_free(sale) else (ledger.goods_out(sale.paid_fen),)
    effects: tuple[Effect, ...] = (STOP_ALL, *posts, *no_doubt(sale), *told)
    if sale.hand_refunds:
        effects = (*effects, ledger.refunded_by_hand(sale.refunded_fen))
    return Step(out, effects)


def _never_sent(sale: Sale, ctx: Context) -> bool:
    return sale.sent_count == 0 and not is_foreign(sale, ctx)


def _authorisation(sale: Sale, ctx: Context) -> Tell:
    message = TellPaid(
        sale_id=sale.sale_id,
        jid=sale.jid,
        boot=sale.boot,
        lane=sale.lane,
        paid_fen=sale.price_fen if is_free(sale) else sale.paid_fen,
        issued_wall_ms=ctx.wall_ms,
    )
    return Tell(message=message)


def _ask(sale: Sale, ctx: Context) -> tuple[Effect, ...]:
    return (Tell(message=TellQuery(sale_id=sale.sale_id)),)


def _waiting(ctx: Context) -> tuple[Effect, ...]:
    return (Again(timer=Timer.ASK, anew=True), At(timer=Timer.GONE, delay_s=ctx.timings.gone_s))
