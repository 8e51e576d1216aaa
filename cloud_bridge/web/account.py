"""Who is there, for programs and pages: his name, what he may do, and the token that his changes carry."""

from dataclasses import dataclass

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from cloud_bridge.core.people import actions
from cloud_bridge.web.answers import answer
from cloud_bridge.web.who import openly, person, token


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """Who asks; an empty name is nobody. `actions` are what he may do on the machines that he sees."""

    name: str
    token: str
    actions: tuple[str, ...]


def account_routes() -> APIRouter:
    """`/api/person`."""
    api = APIRouter()

    @api.get("/api/person", response_model=Asker, dependencies=[Depends(openly())])
    async def who(request: Request) -> Response:
        """Who is there, and the token for what he does."""
        asking = person(request)
        may = tuple(sorted(actions(asking)))
        return answer(Asker(name=asking.name, token=token(request), actions=may))

    return api
