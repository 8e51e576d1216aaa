"""Complaints for programs and for the page: read by all, acted on by a person whom the proxy names.

The page has no login of its own. Where the settings name the header in which a proxy says who is there, that
person may answer; an act needs this process's own token, which only our page can read, and our own origin.
"""

import secrets
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Annotated, Final
from urllib.parse import urlsplit

from fastapi import APIRouter, Body, Path, Request
from fastapi.exceptions import HTTPException
from fastapi.responses import Response

from cloud_bridge.ports_desk import ComplaintService, ComplaintStory, ComplaintView
from cloud_bridge.web.answers import answer, failure

LONGEST_ANSWER: Final = 200
_ComplaintId = Annotated[str, Path(pattern=r"^[0-9A-Za-z]{1,64}$")]
_Act = Annotated[str, Path(pattern=r"^(answer|complete|phone)$")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Who is there, as the proxy says, and the token for what he does. Both are empty for nobody."""

    name: str
    token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Wished:
    """What is asked for: an answer's words; empty for the prepared answer, and for every other act."""

    words: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Why not, or empty; and what is said, which is a phone number for `phone`."""

    why: str
    said: str = ""


def complaint_routes(service: ComplaintService, *, person_header: str, hosts: Iterable[str]) -> APIRouter:
    """Everything below `/api/complaints`, and `/api/person`."""
    api, token = APIRouter(), secrets.token_hex(16)
    ours = frozenset(hosts)

    def person(request: Request) -> str:
        name = request.headers.get(person_header, "").strip() if person_header else ""
        return name if 0 < len(name) <= 64 and name.isprintable() else ""

    @api.get("/api/person", response_model=Person)
    async def who(request: Request) -> Response:
        """Who is there, and the token for what he does."""
        name = person(request)
        return answer(Person(name=name, token=token if name else ""))

    @api.get("/api/complaints", response_model=list[ComplaintView])
    async def complaints(everything: bool = False) -> Response:
        """Open complaints, the longest waiting first; with `everything` also those that are settled."""
        return answer(await service.views(everything=everything))

    @api.get("/api/complaints/{complaint_id}", response_model=ComplaintStory)
    async def complaint(complaint_id: _ComplaintId) -> Response:
        """One complaint with the timeline of its sale."""
        found = await service.story(complaint_id)
        if found is None:
            raise HTTPException(404, f"complaint_id: found {complaint_id}, which is not in the books")
        return answer(asdict(found))

    @api.post("/api/complaints/{complaint_id}/{act}", response_model=Outcome)
    async def acts(
        request: Request, complaint_id: _ComplaintId, act: _Act, wished: Annotated[Wished, Body()]
    ) -> Response:
        """A person answers, says that it is settled, or sees the payer's phone."""
        by = person(request)
        refused = _refusal(request, by, token, ours)
        if refused is not None:
            return refused
        words = wished.words.strip()
        if act == "phone":
            return answer(Outcome(why="", said=await service.phone(complaint_id, by)))
        if act == "complete":
            return answer(Outcome(why=await service.complete(complaint_id, by)))
        if len(words) > LONGEST_ANSWER or not all(char.isprintable() or char == "\n" for char in words):
            return answer(Outcome(why=f"words: allowed are {LONGEST_ANSWER} characters"))
        return answer(Outcome(why=await service.answer(complaint_id, words, by)))

    return api


def _refusal(request: Request, by: str, token: str, ours: frozenset[str]) -> Response | None:
    if not by:
        return failure(403, "nobody", "nobody is there. Try: web.person_header, behind a proxy that asks")
    origin = urlsplit(request.headers.get("origin", "")).hostname or ""
    if origin not in ours or not secrets.compare_digest(request.headers.get("x-wxvend-token", ""), token):
        return failure(403, "not_ours", "found another page than ours, allowed our own page")
    return None
