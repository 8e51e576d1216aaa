"""What people do, as routes and a page: commands to machines, money given back by hand, the second person.

Each asks for one action and lands in the audit. The doorman has looked at login, origin and token before.
"""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Body, Depends, Path, Request
from fastapi.responses import Response

from cloud_bridge.core.approval import HandAct
from cloud_bridge.core.command import CommandWish, Fill, Outcome, What
from cloud_bridge.core.people import Action, Person
from cloud_bridge.ports_doing import DoingService, Handled
from cloud_bridge.web.answers import answer
from cloud_bridge.web.site import render
from cloud_bridge.web.who import needs

Room = APIRouter  # the routes of a topic
_Machine = Annotated[str, Path(pattern=r"^[a-z0-9-]{4,32}$")]
_SaleId = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
_Number = Annotated[int, Path(ge=1, le=2**53)]
_Handler = Annotated[Person, Depends(needs(Action.HANDLE_MACHINE))]
_Refiller = Annotated[Person, Depends(needs(Action.REFILL))]
_Refunder = Annotated[Person, Depends(needs(Action.REFUND))]
_Decider = Annotated[Person, Depends(needs(Action.DECIDE_CASE))]
_Giver = Annotated[Person, Depends(needs(Action.FREE_VEND))]
_Second = Annotated[Person, Depends(needs(Action.APPROVE))]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A command: stop | start | reboot | identify | clear_lane, the last with its lane."""

    what: What
    why: str = ""
    lane: int = 0
    on_site: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """Pieces that were put in, by lane."""

    fills: tuple[Fill, ...]
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Why:
    """Why it is done. `reason` names one of several open cases of a sale."""

    why: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gift:
    """What is to go out for nothing, and why."""

    lane: int
    why: str = ""


def doing_routes(service: DoingService) -> APIRouter:
    """Everything below `/api/machines/...`, `/api/sales/...` and `/api/approvals` that changes something."""
    api = APIRouter()
    api.include_router(_machines(service))
    api.include_router(_money(service))
    api.include_router(_seconds(service))
    return api


def _machines(service: DoingService) -> APIRouter:
    api = APIRouter()

    @api.post("/api/machines/{machine}/commands", response_model=Outcome)
    async def command(asking: _Handler, machine: _Machine, asked: Annotated[Asked, Body()]) -> Response:
        """Have a machine do something now. Answered within five seconds, also when it is not there."""
        if asked.what is What.REFILL:
            return answer(Outcome(done=False, why="what: found refill. Try: /api/machines/.../refill"))
        wish = CommandWish(
            machine=machine,
            what=asked.what,
            by=asking.name,
            why=asked.why.strip(),
            lane=asked.lane,
            on_site=asked.on_site,
        )
        return answer(await service.command(wish))

    @api.post("/api/machines/{machine}/refill", response_model=Outcome)
    async def refill(asking: _Refiller, machine: _Machine, filled: Annotated[Filled, Body()]) -> Response:
        """Tell a machine, and the stock, how many pieces were put into which lanes."""
        wish = CommandWish(
            machine=machine,
            what=What.REFILL,
            by=asking.name,
            why=filled.why.strip(),
            fills=tuple(filled.fills),
        )
        return answer(await service.command(wish))

    @api.post("/api/machines/{machine}/free", response_model=Handled)
    async def free(asking: _Giver, machine: _Machine, gift: Annotated[Gift, Body()]) -> Response:
        """Ask a second person to let a product go out for nothing."""
        return answer(await service.free_vend(asking, machine, gift.lane, gift.why))

    return api


def _money(service: DoingService) -> APIRouter:
    api = APIRouter()

    @api.post("/api/sales/{sale_id}/refund", response_model=Handled)
    async def refund(asking: _Refunder, sale_id: _SaleId, said: Annotated[Why, Body()]) -> Response:
        """Give a sale's money back; above a limit it waits for a second person."""
        return answer(await service.refund(asking, sale_id, said.why))

    @api.post("/api/sales/{sale_id}/vended", response_model=Handled)
    async def vended(asking: _Decider, sale_id: _SaleId, said: Annotated[Why, Body()]) -> Response:
        """Say that a doubted sale's goods are out; it waits for a second person."""
        return answer(await service.vended(asking, sale_id, said.why))

    @api.post("/api/sales/{sale_id}/close", response_model=Handled)
    async def close(asking: _Decider, sale_id: _SaleId, said: Annotated[Why, Body()]) -> Response:
        """Say that a case is settled outside of these books."""
        return answer(await service.close(asking, sale_id, said.why, said.reason))

    return api


def _seconds(service: DoingService) -> APIRouter:
    api = APIRouter()

    @api.get("/api/approvals", response_model=list[HandAct])
    async def acts(asking: _Second) -> Response:
        """What waits for a second person, then what was done by hand, the newest first."""
        return answer(await service.acts(asking))

    @api.post("/api/approvals/{number}/agree", response_model=Handled)
    async def agree(asking: _Second, number: _Number, said: Annotated[Why, Body()]) -> Response:
        """The second person says yes: it is done at once."""
        return answer(await service.agree(asking, number, said.why))

    @api.post("/api/approvals/{number}/decline", response_model=Handled)
    async def decline(asking: _Second, number: _Number, said: Annotated[Why, Body()]) -> Response:
        """The second person says no, or whoever asked takes it back."""
        why_not = await service.decline(asking, number, said.why)
        return answer(Handled(done=not why_not, why=why_not))

    @api.post("/api/approvals/{number}/give", response_model=Handled)
    async def give(asking: _Giver, number: _Number, said: Annotated[Why, Body()]) -> Response:
        """What two people agreed to goes out now, to whoever stands before the machine."""
        return answer(await service.give(asking, number))

    @api.get("/approvals", include_in_schema=False)
    async def page(request: Request, asking: _Second) -> Response:
        """What waits for a second person, as a page."""
        return render(request, "approvals.html", acts=await service.acts(asking), me=asking.name)

    return api
