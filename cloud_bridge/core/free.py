"""A product that goes out for nothing: the sale's own table, without an order and without money.

Two people agreed to it, and the machine opened the sale itself, for a request that it takes once. Such a row
is decided VEND and paid with nothing; that is how every rule knows it. What did not come out closes it, and
what two people agreed to is good again; doubt never is.
"""

from collections.abc import Sequence
from dataclasses import replace

from cloud_bridge.core import offer
from cloud_bridge.core.approval import DAY_MS, Act, HandAct, Stand
from cloud_bridge.core.model import Decision, Requested, State, TellPaid
from cloud_bridge.core.rule import bridge, edge, refused
from cloud_bridge.core.sale import Again, At, Context, Effect, Sale, Step, Tell, Timer

# A machine that is out of order for good is no reason to try for ever.
MOST_TRIES = 10


def request(sale: None, event: Requested, ctx: Context) -> Step:
    """The machine opened a sale: for somebody who pays, or for one whom two people let have it."""
    if not event.free:
        return offer.request(sale, event, ctx)
    asked, why = offer.new_row(event, ctx), offer.refusal(event, ctx)
    if why:
        closed = replace(asked, state=State.CLOSED, why=why)
        return Step(closed, (refused(closed), bridge(f"refused: {why}")))
    return _vend(asked, ctx)


def _vend(asked: Sale, ctx: Context) -> Step:
    """Counted in the transaction that decides, as every authorisation (G-SENT)."""
    due = replace(
        asked, state=State.PAID, decision=Decision.VEND, sent_count=1 if ctx.link_live else 0, place_tries=0
    )
    message = TellPaid(
        sale_id=due.sale_id,
        jid=due.jid,
        boot=due.boot,
        lane=due.lane,
        paid_fen=due.price_fen,
        issued_wall_ms=ctx.wall_ms,
    )
    told: tuple[Effect, ...] = (Tell(message=message),) if ctx.link_live else ()
    bound_s = ctx.timings.bound_s(lease_s=due.lease_s, start_s=due.start_s)
    effects: tuple[Effect, ...] = (
        *told,
        Again(timer=Timer.AUTHORISE, anew=True),
        At(timer=Timer.BOUND, delay_s=bound_s),
        edge(f"lane {due.lane} is promised for nothing: {due.product_zh}"),
        bridge("authorised to vend, free of charge"),
    )
    return Step(due, effects)


# ---------------------------------------------------------------- what two people agreed to


def approved(act: HandAct, wall_ms: int) -> HandAct:
    """Two people agreed: it may be given out within a day."""
    return replace(act, until_wall_ms=wall_ms + DAY_MS)


def ungiven(act: HandAct | None, wall_ms: int) -> str:
    """Why nothing goes out for this act, or empty."""
    if act is None or act.act is not Act.FREE_VEND:
        return "no such act"
    if act.stand is not Stand.DONE:
        return f"it is {act.stand.value}"
    return "" if wall_ms < act.until_wall_ms else "its day is over. Try: ask for it anew"


def next_try(tries: Sequence[Sale]) -> tuple[int, str]:
    """Which request comes next for an act, by the sales of those before it; or why there is none.

    Only a row that is closed, was never in doubt and gave nothing out makes room for another.
    """
    if not tries:
        return 0, ""
    last = tries[-1]
    if last.state is not State.CLOSED or last.doubt or last.goods:
        return 0, "it was given out" if last.state is State.VENDED else "it is under way, or in doubt"
    return (
        (len(tries), "") if len(tries) < MOST_TRIES else (0, "it was tried too often. Try: ask for it anew")
    )
