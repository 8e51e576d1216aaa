"""What a rule of the sale's table is, the two cells that are none, and what many rules share."""

from collections.abc import Callable
from typing import Any, Final

from cloud_bridge.core.case import is_open, opened
from cloud_bridge.core.model import Payment, TellRefund, TellRefused
from cloud_bridge.core.sale import (
    ClearAlarm,
    Context,
    Effect,
    Event,
    Note,
    RaiseAlarm,
    Sale,
    Step,
    Stop,
    Tell,
    Timer,
    kind,
    situation,
    yuan,
)

Rule = Callable[[Any, Any, Context], Step]
STOP_ALL: Final = Stop(timers=tuple(Timer))


def stay(sale: Sale | None, event: Event, ctx: Context) -> Step:
    """A repeat or a late arrival, harmless."""
    return Step(sale)


def never(sale: Sale | None, event: Event, ctx: Context) -> Step:
    """Our own bug: hold the sale, alarm; the engine sells nothing until it is started again."""
    column = kind(event)
    name = column.__name__ if isinstance(column, type) else column.value
    alarm = RaiseAlarm(name="impossible", text=f"{situation(sale)} met {name}")
    return Step(sale and opened(sale, "impossible"), (alarm,))


def bridge(what: str) -> Note:
    """A line of the timeline in the bridge's voice."""
    return Note(who="bridge", what=what)


def edge(what: str) -> Note:
    """A line of the timeline in the machine's voice."""
    return Note(who="edge", what=what)


def operator(what: str) -> Note:
    """A line of the timeline in a person's voice."""
    return Note(who="operator", what=what)


def wechat(what: str) -> Note:
    """A line of the timeline in the platform's voice."""
    return Note(who="wechat", what=what)


def refused(sale: Sale) -> Tell:
    """No code, or no more code, and why."""
    return Tell(message=TellRefused(sale_id=sale.sale_id, why=sale.why))


def refund_told(sale: Sale, state: str) -> tuple[Effect, ...]:
    """Tell the shopper's screen: started | done | held. Nothing to tell when nothing was paid."""
    if sale.paid_fen < 1:
        return ()
    return (Tell(message=TellRefund(sale_id=sale.sale_id, refund_fen=sale.paid_fen, state=state)),)


def no_doubt(sale: Sale) -> tuple[Effect, ...]:
    """It is settled what becomes of a sale that was in doubt: nobody waits any more."""
    return (ClearAlarm(name="doubt", lane=sale.lane),) if sale.doubt else ()


def flagged(sale: Sale, name: str, text: str, *, detail: str = "") -> Step:
    """A person has to look, whatever the sale does next. `detail` is for his eyes and for no log."""
    alarm = RaiseAlarm(name=name, text=f"{sale.sale_id}: {text}{detail}")
    return Step(opened(sale, name), (alarm, bridge(text)))


def second_payment(sale: Sale, event: Payment, ctx: Context) -> Step:
    """A repeat of the payment is harmless; another one is a case, never summed."""
    if event.transaction_id == sale.transaction_id or is_open(sale, "second_payment"):
        return Step(sale)
    text = f"paid a second time, {yuan(event.paid_fen)}: give one of them back by hand"
    return flagged(sale, "second_payment", text, detail=f" (transaction {event.transaction_id})")
