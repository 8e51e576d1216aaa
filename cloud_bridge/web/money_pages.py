"""The page of money: a day in figures, the days before it, each machine's part, and how the bills match."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from cloud_bridge.core.people import Action, Person
from cloud_bridge.ports_bills import bounds_ms, day_of, days_from
from cloud_bridge.ports_looking import DayFigures, Machines
from cloud_bridge.web.bill_api import DayBooks, DayView, view
from cloud_bridge.web.fleet_pages import Ground
from cloud_bridge.web.sale_pages import is_day
from cloud_bridge.web.site import render
from cloud_bridge.web.who import needs

DAYS_BACK: Final = 7
BILLS: Final = 14
PARTS: Final = 50
_HEIGHT: Final = 120
_OnMoney = Annotated[Person, Depends(needs(Action.SEE_MONEY))]
_Day = Annotated[str, Query(max_length=10)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A day in the chart: how high, of a whole height of 120, from zero up."""

    day: str
    net_fen: int
    height: int


def money_routes(ground: Ground, bills: DayBooks | None) -> APIRouter:
    """`/money`."""
    api = APIRouter(include_in_schema=False)

    @api.get("/money")
    async def money(request: Request, asking: _OnMoney, day: _Day = "") -> Response:
        today = day_of(ground.clock.wall_ms())
        chosen = day if is_day(day) and day <= today else today
        own: Machines = None if asking.everywhere else asking.machines
        names = [days_from(chosen, -back) for back in range(DAYS_BACK)]
        since_ms, until_ms = bounds_ms(names[-1])[0], bounds_ms(chosen)[1]
        days = await ground.looking.days(since_ms, until_ms, own)
        figures = await ground.looking.figures(*bounds_ms(chosen), own)
        listed = [(name, days.get(name, DayFigures(by_machine={}))) for name in names]
        kept = await bills.bill_days(BILLS) if bills is not None else ()
        matched = [view(each) for each in kept if asking.sees_merchant(each[0].merchant)]
        return render(
            request,
            "money.html",
            today=today,
            day=chosen,
            figures=figures,
            days=listed,
            bars=_bars(listed),
            bills=matched if bills is not None else None,
            states=_states(matched),
            parts=sorted(figures.by_machine.items(), key=lambda part: (-part[1], part[0]))[:PARTS],
            further=max(0, len(figures.by_machine) - PARTS),
        )

    return api


def _bars(days: Sequence[tuple[str, DayFigures]]) -> tuple[Bar, ...]:
    """The oldest day first."""
    most_fen = max(1, *(figures.net_fen for _, figures in days))
    return tuple(
        Bar(day=day, net_fen=figures.net_fen, height=max(0, round(_HEIGHT * figures.net_fen / most_fen)))
        for day, figures in reversed(days)
    )


def _states(bills: Sequence[DayView]) -> dict[str, DayView]:
    """A bill for each day: of several merchants the one that is not closed."""
    return {each.day: each for each in sorted(bills, key=lambda each: each.closed, reverse=True)}
