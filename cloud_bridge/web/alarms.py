"""Alarms for people and programs: what stands, who looks after it, and saying so."""

from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import APIRouter, Body, Depends, Path, Request
from fastapi.exceptions import HTTPException
from fastapi.responses import Response

from cloud_bridge.core.alarm import Ask
from cloud_bridge.core.people import Action, Person
from cloud_bridge.ports_alarms import AlarmService, AlarmView
from cloud_bridge.web.answers import answer
from cloud_bridge.web.site import render
from cloud_bridge.web.who import needs

Routes = APIRouter
SNOOZES_MIN: Final = (60, 240, 1440, 4320)
TONES: Final = {"URGENT": "stop", "WARNING": "wait", "NOTE": "info"}
_OnFleet = Annotated[Person, Depends(needs(Action.SEE_FLEET))]
_OnAlarms = Annotated[Person, Depends(needs(Action.ACKNOWLEDGE_ALARM))]
_Act = Annotated[str, Path(pattern=r"^(acknowledge|snooze|wake)$")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wished:
    """Which alarm, and why; `snooze_min` is for `snooze`."""

    machine: str
    name: str
    lane: int
    why: str
    snooze_min: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Why not, or empty."""

    why: str


def alarm_routes(service: AlarmService) -> APIRouter:
    """`/alarms` and what it is made of."""
    api = APIRouter()

    @api.get("/alarms", include_in_schema=False)
    async def page(request: Request, asking: _OnFleet) -> Response:
        found = [each for each in await service.views() if asking.sees(each.machine)]
        over = [each for each in await service.over() if asking.sees(each.machine)]
        return render(request, "alarms.html", alarms=found, over=over, tones=TONES, snoozes=SNOOZES_MIN)

    @api.get("/api/alarms/standing", response_model=list[AlarmView])
    async def standing(asking: _OnFleet) -> Response:
        """What stands, the gravest first, with who looks after it and who was told."""
        return answer([each for each in await service.views() if asking.sees(each.machine)])

    @api.get("/api/alarms/over", response_model=list[AlarmView])
    async def over(asking: _OnFleet) -> Response:
        """What was over within a day, the newest first."""
        return answer([each for each in await service.over() if asking.sees(each.machine)])

    @api.post("/api/alarms/{act}", response_model=Outcome)
    async def acts(asking: _OnAlarms, act: _Act, wished: Annotated[Wished, Body()]) -> Response:
        """A person takes an alarm into his hands, has it told to nobody for a while, or told again."""
        if not asking.sees(wished.machine):
            raise HTTPException(404, f"found nothing of machine {wished.machine[:32]!r} that is yours to see")
        if act == "snooze" and wished.snooze_min < 1:
            raise HTTPException(400, f"snooze_min: found {wished.snooze_min}, allowed 1 and more")
        try:
            ask = Ask(
                machine=wished.machine,
                name=wished.name,
                lane=wished.lane,
                by=asking.name,
                why=wished.why.strip(),
                snooze_min=wished.snooze_min if act == "snooze" else 0,
                wake=act == "wake",
            )
        except ValueError as error:
            raise HTTPException(400, str(error)) from error
        return answer(Outcome(why=await service.ask(ask)))

    return api
