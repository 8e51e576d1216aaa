"""The trail of decisions: for each change of a sale's row what it was, what it became, and what caused it."""

from dataclasses import dataclass

from cloud_bridge.core.case import standing
from cloud_bridge.core.sale import CaseEnded, Event, MachineSaid, Rang, RefundOrdered, Sale


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One line of the trail. `by` is the person who decided it, empty when nobody did."""

    wall_ms: int
    sale_id: str
    cause: str
    by: str
    before: str
    after: str


def change(before: Sale | None, after: Sale, event: Event, wall_ms: int) -> Change:
    """The line for this step."""
    return Change(
        wall_ms=wall_ms,
        sale_id=after.sale_id,
        cause=cause(event),
        by=person(event),
        before=standing(before),
        after=standing(after),
    )


def cause(event: Event) -> str:
    """What happened, by its name; a person's own words with it."""
    name = type(event).__name__
    match event:
        case MachineSaid(word=word, why=why):
            return f"{name}.{word.value} {why}".rstrip()
        case Rang(timer=timer):
            return f"{name}.{timer.value}"
        case RefundOrdered(why=why):
            return f"{name} {why}".rstrip()
        case CaseEnded(why=why, vended=vended):
            return f"{name}.{'vended' if vended else 'closed'} {why}"
    return name


def person(event: Event) -> str:
    """Who decided it."""
    return event.by if isinstance(event, RefundOrdered | CaseEnded) else ""
