"""The bridge's HTTP face: the platform's callback, a read-only API and the operators' page, behind a gate."""

from collections.abc import Callable, Iterable

from starlette.types import ASGIApp

from cloud_bridge.ports import Clock, Log, Roster, Service
from cloud_bridge.ports_desk import ComplaintService
from cloud_bridge.web.api import make_api
from cloud_bridge.web.callback import Callback
from cloud_bridge.web.complaints import complaint_routes
from cloud_bridge.web.events import Events
from cloud_bridge.web.gate import Gate
from cloud_bridge.web.limits import LOOPBACK, Limits
from cloud_bridge.web.pages import add_pages


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
    person_header: str = "",
) -> ASGIApp:
    """Make the application. The callback takes POST at `notify_path`, under any name.

    `acknowledge` gives the words that a taken notification is answered with; none are a 204.

    The pages have no login: they answer only to `hosts`, and belong on loopback or behind a proxy that asks
    who is there, and may say so in `person_header`.
    """
    hosts = tuple(hosts)
    limits = limits or Limits()
    events = Events(service=service, roster=roster, clock=clock, limits=limits)
    more = None
    if complaints is not None:
        more = complaint_routes(complaints, person_header=person_header, hosts=hosts)
    api = make_api(service=service, roster=roster, events=events, more=more)
    add_pages(api)
    return Gate(
        callback=Callback(service=service, log=log, limits=limits, acknowledge=acknowledge),
        notify_path=notify_path,
        pages=api,
        hosts=hosts,
        head_bytes=limits.head_bytes,
    )
