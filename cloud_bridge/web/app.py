"""The bridge's HTTP face: the platform's callback, a read-only API and the operators' page, behind a gate."""

import secrets
from collections.abc import Awaitable, Callable, Iterable

from fastapi import APIRouter
from starlette.types import ASGIApp

from cloud_bridge.ports import Clock, Log, Roster, Service
from cloud_bridge.ports_desk import ComplaintService
from cloud_bridge.ports_looking import Looking, Trends
from cloud_bridge.ports_people import PeopleService
from cloud_bridge.web.account import person_routes
from cloud_bridge.web.api import make_api
from cloud_bridge.web.bill_api import DayBooks, bill_routes
from cloud_bridge.web.callback import Callback
from cloud_bridge.web.complaints import complaint_routes
from cloud_bridge.web.doorman import Doorman
from cloud_bridge.web.events import Events
from cloud_bridge.web.fleet_pages import Ground
from cloud_bridge.web.gate import Gate
from cloud_bridge.web.limits import LOOPBACK, Limits
from cloud_bridge.web.order_door import OrderDoor
from cloud_bridge.web.sites import page_routes
from cloud_bridge.web.statics import add_statics

Room = APIRouter  # the routes of a topic
Orders = tuple[str, Callable[[bytes], Awaitable[bytes]]]


def make_app(
    *,
    service: Service,
    roster: Roster,
    trends: Trends,
    looking: Looking,
    clock: Clock,
    log: Log,
    notify_path: str,
    hosts: Iterable[str] = LOOPBACK,
    limits: Limits | None = None,
    acknowledge: Callable[[bytes], bytes] = lambda _: b"",
    complaints: ComplaintService | None = None,
    bills: DayBooks | None = None,
    person_header: str = "",
    people: PeopleService | None = None,
    orders: Orders | None = None,
    rooms: Iterable[Room] = (),
) -> ASGIApp:
    """Make the application. The callback takes POST at `notify_path`, under any name.

    `acknowledge` gives the words that a taken notification is answered with; none are a 204. `orders` is the
    path of order requests, and what answers them. `rooms` are the routes of further topics.

    The pages answer only to `hosts`. Without `people` they have no login, and belong on loopback or behind a
    proxy that asks who is there, and may say so in `person_header`.
    """
    hosts = tuple(hosts)
    limits = limits or Limits()
    events = Events(service=service, roster=roster, clock=clock, limits=limits)
    more = _further(complaints, bills, rooms)
    api = make_api(service=service, roster=roster, events=events, more=more)
    api.state.clock = clock
    add_statics(api)
    ground = Ground(service=service, roster=roster, trends=trends, looking=looking, clock=clock)
    api.include_router(page_routes(ground, complaints, bills))
    api.include_router(person_routes())
    doorman = Doorman(
        api, hosts=hosts, secret=secrets.token_bytes(32), people=people, person_header=person_header
    )
    callback = Callback(service=service, log=log, limits=limits, acknowledge=acknowledge)
    return Gate(
        callbacks={notify_path: callback, **_order_door(orders, log, limits)},
        pages=doorman,
        hosts=hosts,
        head_bytes=limits.head_bytes,
    )


def _further(complaints: ComplaintService | None, bills: DayBooks | None, rooms: Iterable[Room]) -> APIRouter:
    more = APIRouter()
    if complaints is not None:
        more.include_router(complaint_routes(complaints))
    if bills is not None:
        more.include_router(bill_routes(bills))
    for room in rooms:
        more.include_router(room)
    return more


def _order_door(orders: Orders | None, log: Log, limits: Limits) -> dict[str, ASGIApp]:
    if orders is None:
        return {}
    path, answer = orders
    return {path: OrderDoor(answer=answer, log=log, limits=limits)}
