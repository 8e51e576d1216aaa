"""Complaints for programs and for the page: read by whoever sees sales, acted on by whoever decides cases."""

from dataclasses import asdict, dataclass
from typing import Annotated, Final

from fastapi import APIRouter, Body, Depends, Path
from fastapi.exceptions import HTTPException
from fastapi.responses import Response

from cloud_bridge.core.people import Action, Person
from cloud_bridge.ports_desk import ComplaintService, ComplaintStory, ComplaintView
from cloud_bridge.web.answers import answer
from cloud_bridge.web.who import needs

LONGEST_ANSWER: Final = 200
_ComplaintId = Annotated[str, Path(pattern=r"^[0-9A-Za-z]{1,64}$")]
_OnSales = Annotated[Person, Depends(needs(Action.SEE_SALES))]
_OnCases = Annotated[Person, Depends(needs(Action.DECIDE_CASE))]
_Act = Annotated[str, Path(pattern=r"^(answer|complete|phone)$")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wished:
    """What is asked for: an answer's words; empty for the prepared answer, and for every other act."""

    words: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Why not, or empty; and what is said, which is a phone number for `phone`."""

    why: str
    said: str = ""


def complaint_routes(service: ComplaintService) -> APIRouter:
    """Everything below `/api/complaints`."""
    api = APIRouter()

    @api.get("/api/complaints", response_model=list[ComplaintView])
    async def complaints(asking: _OnSales, everything: bool = False) -> Response:
        """Open complaints, the longest waiting first; with `everything` also those that are settled."""
        found = await service.views(everything=everything)
        return answer([each for each in found if asking.sees(each.machine)])

    async def his(asking: Person, complaint_id: str) -> ComplaintStory:
        found = await service.story(complaint_id)
        if found is None or not asking.sees(found.machine):
            raise HTTPException(404, f"complaint_id: found {complaint_id}, which is not in the books")
        return found

    @api.get("/api/complaints/{complaint_id}", response_model=ComplaintStory)
    async def complaint(asking: _OnSales, complaint_id: _ComplaintId) -> Response:
        """One complaint with the timeline of its sale."""
        return answer(asdict(await his(asking, complaint_id)))

    @api.post("/api/complaints/{complaint_id}/{act}", response_model=Outcome)
    async def acts(
        asking: _OnCases, complaint_id: _ComplaintId, act: _Act, wished: Annotated[Wished, Body()]
    ) -> Response:
        """A person answers, says that it is settled, or sees the payer's phone."""
        by, words = asking.name, wished.words.strip()
        if not asking.everywhere:
            await his(asking, complaint_id)
        if act == "phone":
            return answer(Outcome(why="", said=await service.phone(complaint_id, by)))
        if act == "complete":
            return answer(Outcome(why=await service.complete(complaint_id, by)))
        if len(words) > LONGEST_ANSWER or not all(char.isprintable() or char == "\n" for char in words):
            return answer(Outcome(why=f"words: allowed are {LONGEST_ANSWER} characters"))
        return answer(Outcome(why=await service.answer(complaint_id, words, by)))

    return api
