"""The bridge's HTTP face: the platform's callback, a read-only API and the operators' page, behind a gate."""

from collections.abc import Awaitable, Callable, Iterable

from fastapi import APIRouter
from starlette.types import ASGIApp

from cloud_bridge.ports import Clock, Log, Roster, Service
from cloud_bridge.ports_desk import ComplaintService
from cloud_bridge.web.api import make_api
from cloud_bridge.web.bill_api import DayBooks, bill_routes
from cloud_bridge.web.callback import Callback
from cloud_bridge.web.complaints import complaint_routes
from cloud_bridge.web.events import Events
from cloud_bridge.web.gate import Gate
from cloud_bridge.web.limits import LOOPBACK, Limits
from cloud_bridge.web.order_door import OrderDoor
from cloud_bridge.web.pages import add_pages
from cloud_bridge.web.sites import add_site


def make_app(
    *,
    service: Service,
    roster: Roster,
    clock: Clock,
    log: Log,
    notify_path: str,
    hosts: Iterable[str] = LOOPBACK,
    limits: Limits | None = None,
    acknowledge: Callable[[bytes], bytes] = lambda _: b"",
    complaints: ComplaintService | None = None,
    bills: DayBooks | None = None,
    person_header: str = "",
    orders: tuple[str, Callable[[bytes], Awaitable[bytes]]] | None = None,
) -> ASGIApp:
    """Make the application. The callback takes POST at `notify_path`, under any name.

    `acknowledge` gives the words that a taken notification is answered with; none are a 204. `orders` is the
    path of order requests, and what answers them.

    The pages have no login: they answer only to `hosts`, and belong on loopback or behind a proxy that asks
    who is there, and may say so in `person_header`.
    """
    hosts = tuple(hosts)
    limits = limits or Limits()
    events = Events(service=service, roster=roster, clock=clock, limits=limits)
    more = APIRouter()
    if complaints is not None:
        more.include_router(complaint_routes(complaints, person_header=person_header, hosts=hosts))
    if bills is not None:
        more.include_router(bill_routes(bills))
    api = make_api(service=service, roster=roster, events=events, more=more)
    api.state.clock = clock
    add_pages(api)
    add_site(api)
    callbacks: dict[str, ASGIApp] = {
        notify_path: Callback(service=service, log=log, limits=limits, acknowledge=acknowledge)
    }
    if orders is not None:
        path, answer = orders
        callbacks[path] = OrderDoor(answer=answer, log=log, limits=limits)
    return Gate(
        callbacks=callbacks,
        pages=api,
        hosts=hosts,
        head_bytes=limits.head_bytes,
    )
