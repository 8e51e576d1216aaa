"""People for admins: who may what, what waits for a second admin, and what everybody did.

Rights are asked for here and given by another admin; taking them away needs nobody else.
"""

from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import APIRouter, Body, Depends, Path, Query, Request
from fastapi.responses import Response

from cloud_bridge.core.logins import Scope, Wish
from cloud_bridge.core.people import Action, Person, Role
from cloud_bridge.ports import Clock
from cloud_bridge.ports_people import Audit, Line, PeopleService
from cloud_bridge.web.answers import answer
from cloud_bridge.web.saying import said
from cloud_bridge.web.site import language, render
from cloud_bridge.web.who import needs

PAGE: Final = 100
MOST_WHY: Final = 200
_Name = Annotated[str, Path(pattern=r"^[a-z0-9][a-z0-9._@-]{1,63}$")]
_Before = Annotated[int, Query(ge=0, le=2**53, description="Only lines of a lower number; 0: the newest.")]
_Limit = Annotated[int, Query(ge=1, le=500)]
# Users are of the whole shop: who sees only some machines manages nobody.
_Manages = Annotated[Person, Depends(needs(Action.MANAGE_PEOPLE, everywhere=True))]
_Audits = Annotated[Person, Depends(needs(Action.SEE_AUDIT, everywhere=True))]


@dataclass(frozen=True, slots=True, kw_only=True)
class UserView:
    """A user as an admin sees him; nothing of his password or second factor but whether there is one."""

    name: str
    roles: tuple[str, ...]
    machines: tuple[str, ...]
    merchants: tuple[str, ...]
    everywhere: bool
    second_factor: bool
    disabled: bool
    changed_wall_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WishView:
    """Rights that one admin asked for and another has to agree to."""

    name: str
    roles: tuple[str, ...]
    machines: tuple[str, ...]
    merchants: tuple[str, ...]
    everywhere: bool
    enable: bool
    by: str
    why: str
    wall_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PeopleView:
    """Everybody with a login, and what waits."""

    users: tuple[UserView, ...]
    wishes: tuple[WishView, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rights:
    """What is asked for somebody. The first merchant's name is `-`."""

    why: str
    roles: tuple[str, ...]
    machines: tuple[str, ...] = ()
    merchants: tuple[str, ...] = ()
    everywhere: bool = False
    enable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What another admin says to a wish."""

    yes: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why somebody is not let in any more."""

    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """Why not, or empty."""

    why: str


def people_routes(people: PeopleService, audit: Audit, clock: Clock) -> APIRouter:
    """The pages `/people` and `/audit`, and what stands behind them."""
    api = APIRouter()

    @api.get("/people", include_in_schema=False)
    async def page(request: Request, asking: _Manages) -> Response:
        found = _view(people)
        return render(request, "people.html", users=found.users, wishes=found.wishes, roles=tuple(Role))

    @api.get("/api/people", response_model=PeopleView)
    async def everybody(asking: _Manages) -> Response:
        """Everybody with a login, and what waits for a second admin."""
        return answer(_view(people))

    @api.post("/api/people/{name}/rights", response_model=Told)
    async def ask(
        request: Request, asking: _Manages, name: _Name, asked: Annotated[Rights, Body()]
    ) -> Response:
        """Ask rights for somebody; another admin has to agree."""
        why, wish = _wish(name, asked, asking.name, clock.wall_ms())
        return _told(request, why or await people.ask_rights(wish))

    @api.post("/api/people/{name}/answer", response_model=Told)
    async def agree(
        request: Request, asking: _Manages, name: _Name, given: Annotated[Answer, Body()]
    ) -> Response:
        """Say yes or no to what another admin asked for."""
        return _told(request, await people.agree(name, asking, yes=given.yes))

    @api.post("/api/people/{name}/disable", response_model=Told)
    async def disable(
        request: Request, asking: _Manages, name: _Name, given: Annotated[Reason, Body()]
    ) -> Response:
        """Let nobody of this name in any more, at once."""
        why = _wrong_words(given.why) or await people.disable(name, asking.name, given.why)
        return _told(request, why)

    @api.get("/audit", include_in_schema=False)
    async def audit_page(request: Request, asking: _Audits, before: _Before = 0) -> Response:
        lines = await audit.deeds(before=before, limit=PAGE)
        return render(request, "audit.html", lines=lines, full=len(lines) == PAGE)

    @api.get("/api/audit", response_model=list[Line])
    async def deeds(asking: _Audits, before: _Before = 0, limit: _Limit = PAGE) -> Response:
        """What everybody did, the newest first."""
        return answer(await audit.deeds(before=before, limit=limit))

    return api


def _told(request: Request, why: str) -> Response:
    return answer(Told(why=said(why, language(request))))


def _view(people: PeopleService) -> PeopleView:
    users = (
        UserView(
            name=user.name,
            **_scope(user),
            everywhere=user.everywhere,
            second_factor=bool(user.totp),
            disabled=user.disabled,
            changed_wall_ms=user.changed_wall_ms,
        )
        for user in people.users
    )
    wishes = (
        WishView(
            name=wish.name,
            **_scope(wish),
            everywhere=wish.everywhere,
            enable=wish.enable,
            by=wish.by,
            why=wish.why,
            wall_ms=wish.wall_ms,
        )
        for wish in people.wishes
    )
    return PeopleView(users=tuple(users), wishes=tuple(wishes))


def _scope(held: Scope) -> dict[str, tuple[str, ...]]:
    return {
        "roles": tuple(sorted(held.roles)),
        "machines": tuple(sorted(held.machines)),
        "merchants": tuple(each or "-" for each in sorted(held.merchants)),
    }


def _wish(name: str, asked: Rights, by: str, wall_ms: int) -> tuple[str, Wish]:
    """Why not, or empty, and the wish."""
    unknown = sorted(set(asked.roles) - set(Role))
    roles = frozenset(Role(each) for each in asked.roles if each not in unknown)
    wish = Wish(
        name=name,
        roles=roles,
        machines=frozenset(asked.machines),
        merchants=frozenset("" if each == "-" else each for each in asked.merchants),
        everywhere=asked.everywhere,
        enable=asked.enable,
        by=by,
        why=asked.why,
        wall_ms=wall_ms,
    )
    wrong = f"roles: found {unknown[0][:20]!r}, allowed {', '.join(Role)}" if unknown else ""
    return wrong or _wrong_words(asked.why), wish


def _wrong_words(why: str) -> str:
    if 0 < len(why.strip()) <= MOST_WHY and why.isprintable():
        return ""
    return f"why: found {why[:20]!r}, allowed 1 to {MOST_WHY} characters on one line"
