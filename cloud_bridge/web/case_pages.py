"""What waits for a person: sales to decide, complaints to answer, alarms that stand; and one complaint."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Path, Request
from fastapi.responses import Response

from cloud_bridge.core.people import Action, Person, may
from cloud_bridge.ports_desk import ComplaintService, ComplaintView
from cloud_bridge.web.answers import answer
from cloud_bridge.web.fleet_pages import Ground
from cloud_bridge.web.site import render
from cloud_bridge.web.who import needs

LATELY: Final = 20
_OnSales = Annotated[Person, Depends(needs(Action.SEE_SALES))]
_ComplaintId = Annotated[str, Path(pattern=r"^[0-9A-Za-z]{1,64}$")]
# The one right thing to do, as the desk says it: the act, its button, what is asked before, the command.
_ACTS: Final[Mapping[str, tuple[str, str, str, str]]] = {
    "send_prepared": ("answer", "send_prepared", "sure_answer", "--prepared"),
    "answer": ("answer", "send_answer", "sure_answer", "--text '…'"),
    "complete": ("complete", "settle", "sure_settle", "--complete"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """How many things wait for a person."""

    count: int


def case_routes(ground: Ground, complaints: ComplaintService | None) -> APIRouter:
    """`/cases`, `/complaints/{complaint_id}` and `/api/waiting`."""
    api = APIRouter()

    async def complained(asking: Person) -> "list[ComplaintView]":
        found = await complaints.views() if complaints is not None else ()
        return [each for each in found if asking.sees(each.machine)]

    @api.get("/api/waiting", response_model=Waiting)
    async def waiting(asking: _OnSales) -> Response:
        """How many sales, complaints and alarms wait for a person who sees what you see."""
        cases, alarms = await ground.service.cases(), await ground.service.alarms()
        waits = [each for each in await complained(asking) if each.waits_since_wall_ms]
        mine = [each for each in cases if asking.sees(each.machine)]
        standing = [each for each in alarms if asking.sees(each.machine)]
        return answer(Waiting(count=len(mine) + len(standing) + len(waits)))

    @api.get("/cases", include_in_schema=False)
    async def cases(request: Request, asking: _OnSales) -> Response:
        every = [each for each in await ground.service.cases(everything=True) if asking.sees(each.machine)]
        alarms = [each for each in await ground.service.alarms() if asking.sees(each.machine)]
        waits = await complained(asking)
        still = [each for each in every if not each.resolution]
        return render(
            request,
            "cases.html",
            cases=still,
            over=[each for each in every if each.resolution][:LATELY],
            complaints=waits,
            has_complaints=complaints is not None,
            alarms=alarms,
            count=len(still) + len(alarms) + sum(each.waits_since_wall_ms > 0 for each in waits),
        )

    @api.get("/complaints/{complaint_id}", include_in_schema=False)
    async def complaint(request: Request, asking: _OnSales, complaint_id: _ComplaintId) -> Response:
        found = await complaints.story(complaint_id) if complaints is not None else None
        if found is None or not asking.sees(found.machine):
            return render(request, "no_complaint.html", status=404)
        return render(
            request,
            "complaint.html",
            each=found,
            does=_ACTS.get(found.next),
            able=may(asking, Action.DECIDE_CASE, found.machine),
            start_ms=found.timeline[0].wall_ms if found.timeline else 0,
        )

    return api
