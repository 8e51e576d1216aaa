"""Who is there: the login, one's own password and second factor, and the token that changes carry.

The cookie follows the scheme that the browser itself names in its Origin: `__Host-` and Secure over TLS, and
without them on this computer only. A password over the network in the clear is not taken.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Final
from urllib.parse import urlsplit

from fastapi import APIRouter, Body, Depends, Request
from fastapi.responses import Response

from cloud_bridge.core.logins import must_prove
from cloud_bridge.core.people import Action, Person, actions
from cloud_bridge.ports_people import Entered, PeopleService, Tried
from cloud_bridge.web.answers import answer, failure
from cloud_bridge.web.doorman import COOKIE, SAFE_COOKIE
from cloud_bridge.web.limits import LOOPBACK
from cloud_bridge.web.saying import said
from cloud_bridge.web.site import language, render
from cloud_bridge.web.who import needs, openly, person, session_of, token

_Own = Annotated[Person, Depends(needs(Action.OWN_ACCOUNT))]
_ALL: Final = [Depends(openly())]
_LONGEST: Final = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """Who asks; an empty name is nobody. `actions` are what he may do on the machines that he sees."""

    name: str
    token: str
    actions: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """What somebody gives to be let in; `code` is his second factor's."""

    name: str
    password: str = field(repr=False)
    code: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Renewal:
    """A password for the one that is."""

    old: str = field(repr=False)
    new: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """The password once more, before something of the account changes."""

    password: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """What the second factor shows now."""

    code: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """Why not, or empty; `wait_s`: when to try again."""

    why: str
    wait_s: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A second factor for a phone to read: its address, and the rows of its code."""

    why: str
    address: str = field(default="", repr=False)
    rows: tuple[str, ...] = field(default=(), repr=False)


def person_routes() -> APIRouter:
    """`/api/person`, with or without a login."""
    api = APIRouter()

    @api.get("/api/person", response_model=Asker, dependencies=_ALL)
    async def who(request: Request) -> Response:
        """Who is there, and the token for what he does."""
        asking = person(request)
        may = tuple(sorted(actions(asking)))
        return answer(Asker(name=asking.name, token=token(request), actions=may))

    return api


def account_routes(
    people: PeopleService, *, picture: Callable[[str], tuple[str, ...]], address_header: str = ""
) -> APIRouter:
    """The login and one's own account. `address_header`: where a proxy says who called."""
    api = APIRouter()

    @api.get("/login", include_in_schema=False, dependencies=_ALL)
    async def login_page(request: Request) -> Response:
        return render(request, "login.html", asked=people.asks, users=bool(people.users))

    @api.get("/account", include_in_schema=False)
    async def account_page(request: Request, asking: _Own) -> Response:
        held = next((user for user in people.users if user.name == asking.name), None)
        unproven = must_prove(asking.roles) and not asking.proven
        return render(request, "account.html", user=held, unproven=unproven)

    @api.post("/api/login", response_model=Said, responses={429: {"model": Said}}, dependencies=_ALL)
    async def log_in(request: Request, given: Annotated[Login, Body()]) -> Response:
        """Let somebody in: a cookie, or why not."""
        if not _safe(request):
            return failure(
                403, "not_safe", "found http over the network, allowed https. Try: a proxy with TLS"
            )
        if max(len(given.name), len(given.password), len(given.code)) > _LONGEST:
            return failure(400, "bad_request", f"found more than {_LONGEST} characters in a field")
        where = _address(request, address_header)
        tried = Tried(name=given.name, password=given.password, code=given.code, address=where)
        return _let_in(request, await people.log_in(tried))

    @api.post("/api/logout", response_model=Said)
    async def log_out(request: Request, asking: _Own) -> Response:
        """End this session, here and in the books."""
        await people.log_out(session_of(request))
        gone = answer(Said(why=""))
        gone.delete_cookie(SAFE_COOKIE, path="/", secure=True, httponly=True, samesite="strict")
        gone.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict")
        return gone

    api.include_router(_own_routes(people, picture))
    return api


def _own_routes(people: PeopleService, picture: Callable[[str], tuple[str, ...]]) -> APIRouter:
    """What somebody changes of his own account."""
    api = APIRouter()

    @api.post("/api/account/password", response_model=Said)
    async def password(request: Request, asking: _Own, given: Annotated[Renewal, Body()]) -> Response:
        """Change one's own password; every other session of his ends."""
        return _let_in(request, await people.change_password(session_of(request), given.old, given.new))

    @api.post("/api/account/second-factor", response_model=Offer)
    async def offer(request: Request, asking: _Own, given: Annotated[Proof, Body()]) -> Response:
        """A new second factor; it counts once a code of it was shown."""
        why, made = await people.offer_totp(session_of(request), given.password)
        return answer(
            Offer(why=said(why, language(request)), address=made, rows=picture(made) if made else ())
        )

    @api.post("/api/account/second-factor/take", response_model=Said)
    async def take(request: Request, asking: _Own, given: Annotated[Code, Body()]) -> Response:
        """The code of the offered factor: from now on it is asked for."""
        return _let_in(request, await people.take_totp(session_of(request), given.code))

    return api


def _let_in(request: Request, entered: Entered) -> Response:
    """A new session's cookie, or why there is none."""
    if not entered.session:
        waits = {"Retry-After": str(entered.wait_s)} if entered.wait_s else {}
        why = said(entered.why or "this session has ended. Try: log in again", language(request))
        return answer(Said(why=why, wait_s=entered.wait_s), 429 if entered.wait_s else 200, **waits)
    given, secure = answer(Said(why="")), _scheme(request) == "https"
    given.set_cookie(
        SAFE_COOKIE if secure else COOKIE,
        entered.session,
        path="/",
        secure=secure,
        httponly=True,
        samesite="strict",
    )
    return given


def _scheme(request: Request) -> str:
    """As the browser has it; a proxy that speaks TLS speaks http to us."""
    return urlsplit(request.headers.get("origin", "")).scheme


def _safe(request: Request) -> bool:
    """Nobody between the browser and us, or us and the proxy, reads along."""
    host = urlsplit(request.headers.get("origin", "")).hostname or ""
    return _scheme(request) == "https" or host in LOOPBACK


def _address(request: Request, header: str) -> str:
    """Who called: as the proxy says last, or the other end of the line."""
    told = request.headers.get(header, "").rpartition(",")[2].strip() if header else ""
    return told or (request.client.host if request.client is not None else "")
