"""What a route says about itself, and who asks: the doorman reads the first and knows the second.

A route names its action (`dependencies=[Depends(needs(Action.X))]`, or as the dependency of a parameter, to
have the person), or says that it is open to all (`openly`). One that says neither is never reached.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from fastapi.dependencies.models import Dependant
from fastapi.exceptions import HTTPException
from fastapi.routing import RouteContext, iter_route_contexts
from starlette.requests import Request
from starlette.routing import BaseRoute

from cloud_bridge.core.people import NOBODY, Action, Person, may

F = TypeVar("F", bound=Callable[..., Any])
_SAID: Final = "wxvend_needs"


def person(request: Request) -> Person:
    """Who asks, as the doorman found; nobody where there is no doorman."""
    found = getattr(request.state, "person", NOBODY)
    assert isinstance(found, Person)
    return found


def token(request: Request) -> str:
    """What a page of ours sends back as `X-Wxvend-Token` with each change; empty for nobody."""
    return str(getattr(request.state, "token", ""))


def session_of(request: Request) -> str:
    """The number in the cookie of whoever logged in; empty for everybody else."""
    return str(getattr(request.state, "session", ""))


@dataclass(frozen=True, slots=True)
class Needs:
    """A dependency: whoever asks has to be allowed `action`; `everywhere`: on the whole fleet.

    None is for what is open to all. The doorman refuses before a body is read; this one stands behind it.
    """

    action: Action | None
    everywhere: bool = False

    def __call__(self, request: Request) -> Person:
        """Who asks. Raises HTTPException 403."""
        asking = person(request)
        if not self.allows(asking):
            raise HTTPException(403, refusal(self))
        return asking

    def allows(self, asking: Person) -> bool:
        """Whether he may ask at all; which object it is about is asked apart."""
        if self.action is None:
            return True
        return may(asking, self.action) and (asking.everywhere or not self.everywhere)


def needs(action: Action, *, everywhere: bool = False) -> Needs:
    """For `Depends`: only who may do this is let in, and with `everywhere` only who sees all machines."""
    return Needs(action, everywhere)


def openly() -> Needs:
    """For `Depends`: whoever comes is let in, also without a login."""
    return Needs(None)


def listed(endpoint: F, action: Action | None) -> F:
    """The same for a route that knows no dependencies (`app.add_route`); None: open to all."""
    setattr(endpoint, _SAID, Needs(action))
    return endpoint


def object_of(asking: Person, machine: str) -> None:
    """For an object that was looked up: raises the same 404 as for one that is not there."""
    if not asking.sees(machine):
        raise HTTPException(404, f"found nothing of machine {machine[:32]!r} that is yours to see")


def refusal(said: Needs) -> str:
    """Why not, in words."""
    where = " on every machine" if said.everywhere else ""
    return f"found nobody who may {said.action}{where}. Try: another login, or ask an admin for the role"


# ---------------------------------------------------------------- what routes say


def contexts(routes: "list[BaseRoute]") -> "Iterator[RouteContext]":
    """Every route, also those of included routers."""
    yield from iter_route_contexts(routes)


def said(route: RouteContext) -> Needs | None:
    """What a route says about itself; None for one that says nothing."""
    found = getattr(route.endpoint, _SAID, None)
    if isinstance(found, Needs):
        return found
    dependant = getattr(route, "dependant", None)
    return next(_needs(dependant), None) if isinstance(dependant, Dependant) else None


def _needs(dependant: Dependant) -> Iterator[Needs]:
    for each in dependant.dependencies:
        if isinstance(each.call, Needs):
            yield each.call
        yield from _needs(each)
