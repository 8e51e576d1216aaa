"""What programs may read: machines, sales, cases, totals, alarms as JSON, described in `/api/openapi.json`.

Members carry the names of the fields of `cloud_bridge.ports`; money is fen, times are Unix milliseconds.
"""

from dataclasses import asdict, dataclass
from itertools import chain
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, FastAPI, Path, Query, Request
from fastapi.exceptions import HTTPException, RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException as AnyHTTPException

from cloud_bridge.core.people import Action, Person
from cloud_bridge.ports import (
    CaseView,
    Fact,
    MachineView,
    Roster,
    SaleView,
    Service,
    StandingAlarm,
    StoreFailed,
)
from cloud_bridge.web.answers import answer, failure, no_books
from cloud_bridge.web.events import ABOUT, Events, Look
from cloud_bridge.web.gate import HEALTH
from cloud_bridge.web.who import listed, needs, openly
from cloud_bridge.web.words import LANGUAGES

MOST_SALES: Final = 500
_SECRET: Final = ("/api/login", "/api/account/")

_SaleId = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
_Machine = Annotated[str, Query(max_length=64, description="Only this machine's; empty: of all.")]
_Of = Annotated[str, Query(pattern=r"^(|facts|rows)$", description="Of what; empty: facts and machines.")]
_Language = Annotated[str, Query(pattern=rf"^({'|'.join(LANGUAGES)})$", description="Of the words in rows.")]
_STREAM: Final[dict[int | str, dict[str, Any]]] = {200: {"content": {"text/event-stream": {}}}}
_Limit = Annotated[int, Query(ge=1, le=MOST_SALES)]
_OnFleet = Annotated[Person, Depends(needs(Action.SEE_FLEET))]
_ON_ALL_MONEY: Final = Depends(needs(Action.SEE_MONEY, everywhere=True))
_OnSales = Annotated[Person, Depends(needs(Action.SEE_SALES))]


@dataclass(frozen=True, slots=True, kw_only=True)
class SaleStory(SaleView):
    """A sale and what happened in it, oldest fact first."""

    timeline: tuple[Fact, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why not: a name for programs, words for people."""

    code: str
    message: str


def make_api(*, service: Service, roster: Roster, events: Events, more: APIRouter | None = None) -> FastAPI:
    """The API, read-only but for what `more` brings.

    It has no page of its own: those of the library fetch scripts from elsewhere.
    """
    app = FastAPI(
        title="wxvend bridge",
        summary="Machines, sales, cases, totals and alarms, read-only.",
        version="1",
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
        responses={code: {"model": Failure} for code in (400, 401, 403, 404, 413, 421, 503)},
        redirect_slashes=False,
    )
    for route in app.routes:
        if getattr(route, "path", "") == app.openapi_url:
            listed(route.endpoint, Action.SEE_FLEET)  # type: ignore[attr-defined]
    app.add_exception_handler(RequestValidationError, _bad_request)
    app.add_exception_handler(AnyHTTPException, _not_served)
    app.add_exception_handler(StoreFailed, _no_books)
    app.include_router(_routes(service, roster, events))
    app.include_router(_now(service))
    if more is not None:
        app.include_router(more)
    return app


def _routes(service: Service, roster: Roster, events: Events) -> APIRouter:
    api = APIRouter()

    @api.get("/api/machines", response_model=list[MachineView])
    async def machines(asking: _OnFleet) -> Response:
        """Every machine of the settings, in the order of their ids, heard of or not."""
        return answer([each for each in roster.machines() if asking.sees(each.machine)])

    @api.get("/api/sales", response_model=list[SaleView])
    async def sales(asking: _OnSales, machine: _Machine = "", limit: _Limit = 50) -> Response:
        """The newest sales first."""
        if machine or asking.everywhere:
            return answer(await service.sales(machine=machine, limit=limit))
        each = [await service.sales(machine=own, limit=limit) for own in sorted(asking.machines)]
        newest = sorted(chain(*each), key=lambda sale: (-sale.opened_wall_ms, sale.sale_id))
        return answer(newest[:limit])

    @api.get("/api/sales/{sale_id}", response_model=SaleStory)
    async def sale(asking: _OnSales, sale_id: _SaleId) -> Response:
        """One sale with its timeline."""
        found = await service.sale(sale_id)
        if found is None or not asking.sees(found[0].machine):
            raise HTTPException(404, f"sale_id: found {sale_id}, which is not in the books")
        view, timeline = found
        return answer(SaleStory(**asdict(view), timeline=timeline))

    @api.get("/api/events", response_class=Response, responses=_STREAM, description=ABOUT)
    async def stream(
        asking: _OnFleet, of: _Of = "", machine: _Machine = "", language: _Language = LANGUAGES[0]
    ) -> Response:
        return events.stream(asking, Look(of=of, machine=machine, language=language))

    return api


def _now(service: Service) -> APIRouter:
    """What stands now."""
    api = APIRouter()

    @api.get("/api/totals", response_model=dict[str, int], dependencies=[_ON_ALL_MONEY])
    async def totals() -> Response:
        """Money and counts over all sales."""
        return answer(dict(await service.totals()))

    @api.get("/api/cases", response_model=list[CaseView])
    async def cases(asking: _OnSales, everything: bool = False) -> Response:
        """What waits for a person, the oldest first; with `everything` also what is resolved."""
        found = await service.cases(everything=everything)
        return answer([each for each in found if asking.sees(each.machine)])

    @api.get("/api/alarms", response_model=list[StandingAlarm])
    async def alarms(asking: _OnFleet) -> Response:
        """Every alarm that stands."""
        return answer([each for each in await service.alarms() if asking.sees(each.machine)])

    @api.get(HEALTH, response_model=dict[str, str], dependencies=[Depends(openly())])
    async def health() -> Response:
        """200 while the books can be read, 503 when they cannot."""
        await service.alarms()
        return answer({"status": "ok"})

    return api


async def _bad_request(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    if request.url.path.startswith(_SECRET):  # what was typed there is not said again
        places = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
        return failure(400, "bad_request", places)
    return failure(400, "bad_request", "; ".join(_words(each) for each in error.errors()))


def _words(wrong: dict[str, Any]) -> str:
    place = ".".join(str(part) for part in wrong["loc"])
    return f"{place}: found {str(wrong['input'])[:80]!r}; {wrong['msg']}"


async def _not_served(request: Request, error: Exception) -> Response:
    assert isinstance(error, AnyHTTPException)
    if isinstance(error, HTTPException):
        return failure(error.status_code, "not_found", str(error.detail))
    if error.status_code == 405:
        return failure(405, "read_only", f"method: found {request.method}, allowed GET", Allow="GET")
    return failure(error.status_code, "not_found", f"path: found {request.url.path[:80]!r}. Try: /")


async def _no_books(_request: Request, _error: Exception) -> Response:
    return no_books()
