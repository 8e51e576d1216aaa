"""A sale before it is paid: quoted, offered, given up, closed at the platform (G-CLOSE).

Giving up never depends on a clock of the machine and never forgets an order: whatever may exist at the
platform is queried, closed there, and looked at once more.
"""

from dataclasses import replace

from cloud_bridge.core.model import (
    AlreadyPaid,
    NoSuchOrder,
    OrderClosed,
    OrderDraft,
    OrderPlaced,
    Requested,
    State,
    TellCode,
    Unpaid,
)
from cloud_bridge.core.rule import STOP_ALL, bridge, edge, flagged, refused, wechat
from cloud_bridge.core.sale import (
    Again,
    At,
    ClearAlarm,
    CloseOrder,
    Context,
    Effect,
    JournalDoubted,
    MachineSaid,
    NewerSessionSeen,
    OrderRefused,
    PlaceOrder,
    QueryOrder,
    Rang,
    Sale,
    Step,
    Stop,
    Tell,
    Timer,
    yuan,
)
from cloud_bridge.core.scan import AnswerScan, ScanLost, TellOffered

# ---------------------------------------------------------------- a selection, or a scan


def request(sale: None, event: Requested, ctx: Context) -> Step:
    """The machine opened a sale: quote it from our own catalogue, or say why not.

    Books that were restored may have forgotten that it had an order: also what is refused is looked for.
    """
    asked = new_row(event, ctx)
    why = refusal(event, ctx)
    if why:
        closed = replace(asked, state=State.CLOSED, why=why, look_again=True)
        return Step(closed, (refused(closed), *_declined(closed), *_look(), bridge(f"refused: {why}")))
    assert ctx.product is not None
    draft = OrderDraft(
        sale_id=asked.sale_id,
        machine=asked.machine,
        description=ctx.product.name_zh,
        price_fen=asked.price_fen,
        pay_until_wall_ms=asked.pay_until_wall_ms,
        merchant=asked.merchant,
        place=ctx.place,
        token=event.token,
    )
    quoted = replace(asked, state=State.QUOTED, body=ctx.compose(draft), place_tries=1)
    timings = ctx.timings
    window_s = timings.window_s(event.lease_s)
    bound_s = timings.bound_s(lease_s=event.lease_s, start_s=event.start_s)
    effects: tuple[Effect, ...] = (
        PlaceOrder(body=quoted.body),
        *_tries(event, ctx),
        At(timer=Timer.PAY_WINDOW, delay_s=window_s),
        At(timer=Timer.BOUND, delay_s=bound_s),
        ClearAlarm(name="brake_lane"),
        ClearAlarm(name="brake_machine"),
        _chosen(event, ctx.product.name_zh),
    )
    return Step(quoted, effects)


def _tries(event: Requested, ctx: Context) -> tuple[Effect, ...]:
    """How long the order may take: a scan is answered within seconds, and its order is tried once."""
    if event.request_id:
        return (At(timer=Timer.QUOTE_OVER, delay_s=ctx.timings.scan_order_s),)
    over = At(timer=Timer.QUOTE_OVER, delay_s=_quote_s(ctx, ctx.timings.window_s(event.lease_s)))
    return (Again(timer=Timer.PLACE, anew=True), over)


def _chosen(event: Requested, name: str) -> Effect:
    if event.request_id:
        return edge(f"lane {event.lane} is promised to a scan: {name}, {yuan(event.price_fen)}")
    return edge(f"lane {event.lane} was chosen: {name}, {yuan(event.price_fen)}")


def refusal(event: Requested, ctx: Context) -> str:
    """Why no code will come, or empty. Nothing that the machine says is taken for granted."""
    timings, product = ctx.timings, ctx.product
    shortest_s = timings.lease_min_s <= event.lease_s <= timings.lease_max_s
    checks = (
        (ctx.obstacle == "", ctx.obstacle),
        (shortest_s and timings.window_s(event.lease_s) >= timings.order_min_s, "lease"),
        (product is not None, "lane"),
        (product is not None and product.version == event.catalogue_version, "price"),
        (product is not None and product.price_fen == event.price_fen, "price"),
        (ctx.open_rows < ctx.lanes, "busy"),
        (ctx.counts.lane < ctx.limits.lane, "brake_lane"),
        (ctx.counts.machine < ctx.limits.machine, "brake_machine"),
    )
    return next((why for holds, why in checks if not holds), "")


def new_row(event: Requested, ctx: Context) -> Sale:
    """The row of a sale that a machine opened, as the request and our own catalogue say it."""
    product = ctx.product
    return Sale(
        sale_id=event.sale_id,
        machine=event.machine,
        store=ctx.store,
        opened_wall_ms=ctx.wall_ms,
        jid=event.session.jid,
        boot=event.session.boot,
        bits=event.session.bits,
        lane=event.lane,
        price_fen=event.price_fen,
        catalogue_version=event.catalogue_version,
        product_zh=product.name_zh if product else "",
        product_en=product.name_en if product else "",
        lease_s=event.lease_s,
        start_s=event.start_s,
        pay_until_wall_ms=ctx.wall_ms + ctx.timings.window_s(event.lease_s) * 1000,
        merchant=ctx.merchant,
        request_id=event.request_id,
    )


def _quote_s(ctx: Context, window_s: float) -> float:
    """The platform wants an order to live a minute; one that just fits may still be tried for a moment."""
    return max(window_s - ctx.timings.order_min_s, ctx.timings.place_again_s)


# ---------------------------------------------------------------- the order


def placed(sale: Sale, event: OrderPlaced, ctx: Context) -> Step:
    """The order exists: the code may be shown, or the payer is let in who scanned one before."""
    if sale.request_id and not event.ticket:
        return _give_up(sale, "platform", bridge("the platform gave no ticket for the scan"))
    offered = replace(sale, state=State.OFFERED, code_url=event.code_url)
    to_phone = AnswerScan(request_id=sale.request_id, ticket=event.ticket)
    effects: tuple[Effect, ...] = (
        code(offered, ctx),
        Stop(timers=(Timer.PLACE, Timer.QUOTE_OVER)),
        At(timer=Timer.QUERY, delay_s=ctx.timings.query_first_s),
        wechat("the order is placed"),
    )
    if sale.request_id:
        return Step(offered, (to_phone, *effects, bridge("the order goes to the phone")))
    return Step(offered, (*effects, bridge("the code goes to the machine")))


def code(sale: Sale, ctx: Context) -> Tell:
    """The code and for how long to show it: less than the order lives, never more than the window.

    Of an order that is on a phone already, the time alone.
    """
    window_s = ctx.timings.window_s(sale.lease_s)
    left_s = (sale.pay_until_wall_ms - ctx.wall_ms) // 1000
    pay_s = max(1, min(left_s, window_s) - ctx.timings.screen_less_s)
    if sale.request_id:
        return Tell(message=TellOffered(sale_id=sale.sale_id, pay_s=pay_s, price_fen=sale.price_fen))
    message = TellCode(sale_id=sale.sale_id, code_url=sale.code_url, pay_s=pay_s, price_fen=sale.price_fen)
    return Tell(message=message)


def place_again(sale: Sale, event: Rang, ctx: Context) -> Step:
    """No clear answer yet: the same bytes again."""
    tried = replace(sale, place_tries=sale.place_tries + 1)
    return Step(tried, (PlaceOrder(body=sale.body), Again(timer=Timer.PLACE)))


def code_again(sale: Sale, event: Requested, ctx: Context) -> Step:
    """The machine asks again: it did not get the code."""
    return Step(sale) if sale.window_over else Step(sale, (code(sale, ctx),))


# ---------------------------------------------------------------- giving up


def order_refused(sale: Sale, event: OrderRefused, ctx: Context) -> Step:
    """The platform will not have it. An earlier try may have been taken all the same: close it there."""
    return _give_up(sale, "platform", bridge(f"the platform refuses the order: {event.why}"))


def quote_over(sale: Sale, event: Rang, ctx: Context) -> Step:
    """No answer from the platform while there was time to pay."""
    past = sale.past or event.timer is Timer.BOUND
    return _give_up(replace(sale, past=past), "platform", bridge("the platform does not answer"))


def scan_lost(sale: Sale, event: ScanLost, ctx: Context) -> Step:
    """The answer came too late for the payer's phone: nobody can pay, so nobody need wait."""
    return _give_up(sale, "late", bridge("the scan could not be answered in time"))


def closed_by_machine(sale: Sale, event: MachineSaid, ctx: Context) -> Step:
    """The machine's row is closed: it will never vend this sale, so nothing is ever sent."""
    why = event.why or event.word.value
    return _give_up(replace(sale, row_dead=True), why, edge(f"the machine closed the sale: {why}"))


def session_dead(sale: Sale, event: NewerSessionSeen | JournalDoubted, ctx: Context) -> Step:
    """Open leases die with the boot, and with a journal that is not believed."""
    why = event.cause if isinstance(event, JournalDoubted) else "restart"
    return _give_up(replace(sale, row_dead=True), why, edge("the machine restarted"))


def goods_unpaid(sale: Sale, event: MachineSaid, ctx: Context) -> Step:
    """Goods without a payment that we know of: the platform is asked, a person is told."""
    if sale.goods:
        return Step(sale)
    out = replace(sale, goods=True, row_dead=True)
    seen = flagged(out, "goods_unpaid", "the machine gave goods out, and nobody paid as far as is known")
    if sale.state is State.CLOSED:
        assert seen.sale is not None
        looking = replace(seen.sale, look_again=True)
        return Step(looking, (*seen.effects, QueryOrder(), Again(timer=Timer.QUERY, anew=True)))
    assert seen.sale is not None
    given_up = _give_up(seen.sale, "goods_unpaid")
    return Step(given_up.sale, (*seen.effects, *given_up.effects))


def unheard_of(sale: None, event: MachineSaid, ctx: Context) -> Step:
    """The machine ran a motor for a sale that these books do not have: they were restored."""
    row = Sale(
        sale_id=event.sale_id,
        machine=event.machine,
        store=ctx.store,
        opened_wall_ms=ctx.wall_ms,
        why=event.word.value,
        foreign=True,
        row_dead=True,
        goods=event.word.value == "delivered",
        look_again=True,
        merchant=ctx.merchant,
    )
    seen = flagged(row, "unknown_sale", f"a sale unknown to these books: {event.word}")
    return Step(seen.sale, (*seen.effects, QueryOrder(), Again(timer=Timer.QUERY, anew=True)))


def closed_early(sale: None, event: MachineSaid, ctx: Context) -> Step:
    """`sale.closed` came before `sale.requested`, or these books were restored: the request is refused."""
    row = Sale(
        sale_id=event.sale_id,
        machine=event.machine,
        store=ctx.store,
        opened_wall_ms=ctx.wall_ms,
        jid=event.jid,
        why="early",
        row_dead=True,
        look_again=True,
        merchant=ctx.merchant,
    )
    return Step(row, (*_look(), edge(f"the machine closed the sale: {event.why}")))


def _give_up(sale: Sale, why: str, *notes: Effect) -> Step:
    given_up = replace(sale, state=State.CLOSING, why=why)
    tell = () if sale.row_dead else (refused(given_up),)
    timers = Stop(timers=(Timer.PLACE, Timer.QUOTE_OVER, Timer.PAY_WINDOW))
    return Step(given_up, (*tell, *_declined(given_up), timers, *_look(), *notes))


def _declined(sale: Sale) -> tuple[Effect, ...]:
    return (AnswerScan(request_id=sale.request_id, why=sale.why),) if sale.request_id else ()


# ---------------------------------------------------------------- closing at the platform


def window_over(sale: Sale, event: Rang, ctx: Context) -> Step:
    """Nobody paid in time: ask, then close. A payment that wins this race may still vend."""
    over = replace(sale, window_over=True)
    return Step(over, (*_look(), bridge("the pay window is over")))


def unpaid(sale: Sale, event: Unpaid, ctx: Context) -> Step:
    """The order is not paid: leave it while somebody may pay, close it when not."""
    if event.closed:
        return closed(sale, event, ctx)
    waiting = sale.state is State.OFFERED and not sale.window_over
    return Step(sale) if waiting else Step(sale, _shut(sale, ctx))


def no_such_order(sale: Sale, event: NoSuchOrder, ctx: Context) -> Step:
    """An order just made can be missing for a moment; one that is given up is closed all the same."""
    waiting = sale.state is State.OFFERED and not sale.window_over
    return Step(sale) if waiting else Step(sale, _shut(sale, ctx))


def _shut(sale: Sale, ctx: Context) -> tuple[Effect, ...]:
    """Close the order, unless it is one of a scan and still too young for that: those of APIv2 must be five
    minutes old. Its age is the platform's matter, so it goes by the wall clock.
    """
    old_s = (ctx.wall_ms - sale.opened_wall_ms) / 1000
    if sale.request_id and 0 <= old_s < ctx.timings.scan_close_s:
        return (At(timer=Timer.QUERY, delay_s=ctx.timings.scan_close_s - old_s),)
    return (CloseOrder(),)


def closed(sale: Sale, event: OrderClosed | Unpaid, ctx: Context) -> Step:
    """The platform says that it can never be paid. A payment already on its way is looked for once more.

    Of an order that nobody saw yet a close says nothing: a try may still be on its way there. The sale is
    asked after until that order is seen closed, or no try can come any more.
    """
    if isinstance(event, OrderClosed) and not (sale.code_url or sale.past):
        return Step(sale)
    why = sale.why or "unpaid"
    shut = replace(sale, state=State.CLOSED, why=why, code_url="", look_again=True)
    tell = () if sale.row_dead or sale.state is State.CLOSING else (refused(shut),)
    effects: tuple[Effect, ...] = (
        *tell,
        STOP_ALL,
        At(timer=Timer.QUERY, delay_s=ctx.timings.look_again_s),
        wechat("the order is closed, unpaid"),
    )
    return Step(shut, effects)


def already_paid(sale: Sale, event: AlreadyPaid, ctx: Context) -> Step:
    """The payment won: the query is the word of record (G-POLL)."""
    return Step(sale, _look())


def query(sale: Sale, event: Rang, ctx: Context) -> Step:
    """Ask the platform about an order that nobody told us about."""
    return Step(sale, (QueryOrder(), Again(timer=Timer.QUERY)))


def looked_again(sale: Sale, event: Unpaid | NoSuchOrder, ctx: Context) -> Step:
    """The last look found nothing; from here on the daily bill watches."""
    if isinstance(event, Unpaid) and not event.closed:
        return Step(sale, (CloseOrder(),))  # an order that came to be after all: looked at until it is shut
    return Step(replace(sale, look_again=False), (Stop(timers=(Timer.QUERY,)),))


def look_again(sale: Sale, event: Rang, ctx: Context) -> Step:
    """The look after a close, or for an order that these books have forgotten."""
    return query(sale, event, ctx) if sale.look_again else Step(sale)


def bound_over(sale: Sale, event: Rang, ctx: Context) -> Step:
    """No motor starts any more: a payment from here on goes back."""
    return Step(replace(sale, past=True), (Again(timer=Timer.QUERY, anew=True),))


def still_refused(sale: Sale, event: Requested, ctx: Context) -> Step:
    """The machine asks again for a sale that got no code, or none any more."""
    return Step(sale, (refused(sale),))


def _look() -> tuple[Effect, ...]:
    return (QueryOrder(), Again(timer=Timer.QUERY, anew=True))
