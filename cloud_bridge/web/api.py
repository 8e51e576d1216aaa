"""What programs may read: machines, sales, cases, totals, alarms as JSON, described in `/api/openapi.json`.

Members carry the names of the fields of `cloud_bridge.ports`; money is fen, times are Unix milliseconds.
"""

from dataclasses import asdict, dataclass
from typing import Annotated, Any, Final

from fastapi import APIRouter, FastAPI, Path, Query, Request
from fastapi.exceptions import HTTPException, RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException as AnyHTTPException
from starlette.types import Receive, Scope, Send

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
from cloud_bridge.web.answers import answer, failure
from cloud_bridge.web.events import ABOUT, Events
from cloud_bridge.web.gate import HEALTH

MOST_SALES: Final = 500

_SaleId = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
_Machine = Annotated[str, Query(max_length=64, description="Only this machine's; empty: of all.")]
_STREAM: Final[dict[int | str, dict[str, Any]]] = {200: {"content": {"text/event-stream": {}}}}
_Limit = Annotated[int, Query(ge=1, le=MOST_SALES)]


@dataclass(frozen=True, slots=True, kw_only=True)
class SaleStory(SaleView):
    """A sale and what happened in it, oldest fact first."""

    timeline: tuple[Fact, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why not: a name for programs, words for people."""

    code: str
    message: str


class _Stream(Response):
    """An event stream as an answer."""

    def __init__(self, events: Events) -> None:
        super().__init__()
        self._events = events

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._events(scope, receive, send)


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
        responses={code: {"model": Failure} for code in (400, 404, 421, 503)},
        redirect_slashes=False,
    )
    app.add_exception_handler(RequestValidationError, _bad_request)
    app.add_exception_handler(AnyHTTPException, _not_served)
    app.add_exception_handler(StoreFailed, _no_books)
    app.include_router(_routes(service, roster, events))
    if more is not None:
        app.include_router(more)
    return app


def _routes(service: Service, roster: Roster, events: Events) -> APIRouter:
    api = APIRouter()

    @api.get("/api/machines", response_model=list[MachineView])
    async def machines() -> Response:
        """Every machine of the settings, in the order of their ids, heard of or not."""
        return answer(roster.machines())

    @api.get("/api/sales", response_model=list[SaleView])
    async def sales(machine: _Machine = "", limit: _Limit = 50) -> Response:
        """The newest sales first."""
        return answer(await service.sales(machine=machine, limit=limit))

    @api.get("/api/sales/{sale_id}", response_model=SaleStory)
    async def sale(sale_id: _SaleId) -> Response:
        """One sale with its timeline."""
        found = await service.sale(sale_id)
        if found is None:
            raise HTTPException(404, f"sale_id: found {sale_id}, which is not in the books")
        view, timeline = found
        return answer(SaleStory(**asdict(view), timeline=timeline))

    @api.get("/api/totals", response_model=dict[str, int])
    async def totals() -> Response:
        """Money and counts over all sales."""
        return answer(dict(await service.totals()))

    @api.get("/api/cases", response_model=list[CaseView])
    async def cases(everything: bool = False) -> Response:
        """What waits for a person, the oldest first; with `everything` also what is resolved."""
        return answer(await service.cases(everything=everything))

    @api.get("/api/alarms", response_model=list[StandingAlarm])
    async def alarms() -> Response:
        """Every alarm that stands."""
        return answer(await service.alarms())

    @api.get("/api/events", response_class=Response, responses=_STREAM, description=ABOUT)
    async def stream() -> Response:
        return _Stream(events)

    @api.get(HEALTH, response_model=dict[str, str])
    async def health() -> Response:
        """200 while the books can be read, 503 when they cannot."""
        await service.alarms()
        return answer({"status": "ok"})

    return api


async def _bad_request(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
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
    return failure(503, "store_failed", "the books cannot be read now. Try: again in a minute")
