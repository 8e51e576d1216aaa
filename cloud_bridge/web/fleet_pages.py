"""The fleet's page and one machine's: what each shows, sells and needs, drawn again as it changes."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Path, Request
from fastapi.responses import Response

from cloud_bridge.core.people import Action, Person
from cloud_bridge.ports import Clock, LaneView, MachineView, Roster, SaleView, Service
from cloud_bridge.ports_bills import bounds_ms, day_of
from cloud_bridge.ports_looking import Asked, DayFigures, Health, Looking, Trends
from cloud_bridge.web.rows import heard, row
from cloud_bridge.web.site import render, speaker
from cloud_bridge.web.who import needs

EVENTS: Final = 20
_Machine = Annotated[str, Path(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]
_OnFleet = Annotated[Person, Depends(needs(Action.SEE_FLEET))]
_OPEN: Final = frozenset({"quoted", "offered", "closing", "paid"})
_GRAPH: Final = (288, 48)  # a graph's room, in its own units


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What the pages of a fleet stand on."""

    service: Service
    roster: Roster
    trends: Trends
    looking: Looking
    clock: Clock


def fleet_routes(ground: Ground) -> APIRouter:
    """`/` and `/machines/{machine}`."""
    api = APIRouter(include_in_schema=False)

    @api.get("/")
    async def fleet(request: Request, asking: _OnFleet) -> Response:
        mine = [each for each in ground.roster.machines() if asking.sees(each.machine)]
        figures = await _today(ground, asking)
        standing = Counter(each.machine for each in await ground.service.alarms())
        words = speaker(request)
        return render(
            request,
            "fleet.html",
            rows=[row(each, words) for each in mine],
            takings=figures.by_machine,
            day=day_of(ground.clock.wall_ms()),
            alarms=standing,
            counts=_counts(mine),
            grid=request.query_params.get("view", "grid" if len(mine) <= 24 else "list") == "grid",
        )

    @api.get("/machines/{machine}")
    async def one(request: Request, asking: _OnFleet, machine: _Machine) -> Response:
        found = ground.roster.machine(machine) if asking.sees(machine) else None
        if found is None:
            return render(request, "no_machine.html", status=404)
        sales = await ground.looking.page(Asked(machines=frozenset({machine}), limit=1))
        standing = [each for each in await ground.service.alarms() if each.machine == machine]
        figures = await _today(ground, asking, machine)
        return render(
            request,
            "machine.html",
            machine=found,
            row=row(found, speaker(request)),
            heard=heard(found),
            shelves=_shelves(found.lanes),
            live=_live(sales),
            alarms=standing,
            figures=figures,
            day=day_of(ground.clock.wall_ms()),
            graph=_graph(ground.trends.health(machine), ground.clock.wall_ms()),
            events=await ground.looking.sale_lines(machine, EVENTS),
            service=await ground.looking.machine_lines(machine, EVENTS),
        )

    return api


async def _today(ground: Ground, asking: Person, machine: str = "") -> DayFigures:
    """What came of today's sales, on the platform's day."""
    since_ms, until_ms = bounds_ms(day_of(ground.clock.wall_ms()))
    own = frozenset({machine}) if machine else None if asking.everywhere else asking.machines
    return await ground.looking.figures(since_ms, until_ms, own)


def _counts(machines: "list[MachineView]") -> Mapping[str, int]:
    selling = sum(each.online and each.selling for each in machines)
    offline = sum(not each.online for each in machines)
    return {"selling": selling, "offline": offline, "stopped": len(machines) - selling - offline}


def _live(sales: tuple[SaleView, ...]) -> SaleView | None:
    return next((sale for sale in sales if sale.state in _OPEN), None)


def _shelves(lanes: tuple[LaneView, ...]) -> tuple[tuple[LaneView, ...], ...]:
    """Lanes as the machine's front has them: a shelf for each ten, from the top. No product: no place."""
    sold = [lane for lane in lanes if lane.product_zh or lane.product_en]
    return tuple(tuple(shelf) for _, shelf in groupby(sold, key=lambda lane: lane.lane // 10))


# ---------------------------------------------------------------- how it has been


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """A day as two small drawings: a line of temperatures, and bars where the link was down.

    `begin` is where it was first heard, `line` are points, `away` bars as (begin, width); temperatures lie
    from `low` to `high`.
    """

    begin: int
    line: str
    away: tuple[tuple[int, int], ...]
    low: int | None
    high: int | None


def _graph(steps: tuple[Health, ...], wall_ms: int) -> Graph | None:
    if not steps:
        return None
    width, height = _GRAPH
    begin_ms = wall_ms - 24 * 3_600_000
    told = [each.temperature_c for each in steps if each.temperature_c is not None]
    low, high = (min(told), max(told)) if told else (None, None)

    def across(at_ms: int) -> int:
        return max(0, min(width, round(width * (at_ms - begin_ms) / (wall_ms - begin_ms))))

    def up(degrees: int) -> int:
        assert low is not None
        assert high is not None
        return (
            height // 2 if high == low else round(height - 4 - (height - 8) * (degrees - low) / (high - low))
        )

    points, away = [], []
    for at, each in enumerate(steps):
        until_ms = steps[at + 1].since_wall_ms if at + 1 < len(steps) else wall_ms
        left, right = across(each.since_wall_ms), across(until_ms)
        if each.temperature_c is not None:
            points += [f"{left},{up(each.temperature_c)}", f"{right},{up(each.temperature_c)}"]
        if not each.online:
            away.append((left, max(2, right - left)))
    begin = across(steps[0].since_wall_ms)
    return Graph(begin=begin, line=" ".join(points), away=tuple(away), low=low, high=high)
