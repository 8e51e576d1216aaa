"""`/metrics` for Prometheus: machines as they show themselves, money and cases as the books have them.

The only file that imports `prometheus_client`. A scrape reads what there is now; nothing is kept between two.
Machines' figures come from their unsigned states and are for looking; money comes from the ledger. Names
end in their unit: `fen`, `celsius`, `seconds`, `pieces`.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Annotated, Final

from fastapi import APIRouter, Depends
from fastapi.responses import Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from cloud_bridge.core.people import Action, Person
from cloud_bridge.ports import MachineView, Roster, Service, StandingAlarm
from cloud_bridge.web.who import needs

_ALL_MONEY: Final = needs(Action.SEE_MONEY, everywhere=True)
_BALANCE: Final = "_balance_fen"
_COUNTED: Final = {
    "sales": ("wxvend_sales", "Sales that machines opened."),
    "paid_fen": ("wxvend_paid_fen", "Money that payers paid."),
    "vended_fen": ("wxvend_vended_fen", "Money of sales whose goods came out."),
    "refunded_fen": ("wxvend_refunded_fen", "Money that went back."),
}
_STANDING: Final = {
    "cases": ("wxvend_cases_open", "Cases that a person can see."),
    "waiting_for_a_person": ("wxvend_cases_waiting", "Cases that only a person moves on."),
}


def metric_routes(service: Service, roster: Roster, counts: Callable[[], Mapping[str, int]]) -> APIRouter:
    """`GET /metrics`; `counts` are totals since the start, by name."""
    api = APIRouter()

    @api.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
    async def metrics(asking: Annotated[Person, Depends(_ALL_MONEY)]) -> Response:
        """Everything as Prometheus reads it. Money is fen and counts since the first day of the books."""
        totals, alarms = await service.totals(), await service.alarms()
        told = [*_machines(roster.machines()), *_books(totals), *_alarms(alarms), _counts(counts())]
        return Response(_text(told), media_type=CONTENT_TYPE_LATEST)

    return api


class _Told(CollectorRegistry):
    """A registry of what was just read."""

    def __init__(self, families: Iterable[Metric]) -> None:
        super().__init__()
        self._families: Final = tuple(families)

    def collect(self) -> Iterator[Metric]:
        """As it was read."""
        yield from self._families


def _text(families: Iterable[Metric]) -> bytes:
    return generate_latest(_Told(families))


def _machines(machines: Iterable[MachineView]) -> list[Metric]:
    up = GaugeMetricFamily("wxvend_machine_up", "1: the machine's link is up.", labels=["machine"])
    selling = GaugeMetricFamily(
        "wxvend_machine_selling", "1: it sells; else why not.", labels=["machine", "reason"]
    )
    seen = GaugeMetricFamily("wxvend_machine_seen_timestamp_seconds", "Heard of last.", labels=["machine"])
    warmth = GaugeMetricFamily("wxvend_machine_temperature_celsius", "Where it can tell.", labels=["machine"])
    door = GaugeMetricFamily("wxvend_machine_door_open", "1: open. Where it can tell.", labels=["machine"])
    stock = GaugeMetricFamily("wxvend_lane_stock_pieces", "Where it counts.", labels=["machine", "lane"])
    sells = GaugeMetricFamily("wxvend_lane_selling", "1: the lane sells.", labels=["machine", "lane"])
    for each in machines:
        up.add_metric([each.machine], int(each.online))
        selling.add_metric([each.machine, each.reason], int(each.selling))
        seen.add_metric([each.machine], each.seen_wall_ms / 1000)
        if each.temperature_c is not None:
            warmth.add_metric([each.machine], each.temperature_c)
        if each.door_open is not None:
            door.add_metric([each.machine], int(each.door_open))
        for lane in each.lanes:
            labels = [each.machine, str(lane.lane)]
            sells.add_metric(labels, int(not lane.reason))
            if lane.stock is not None:
                stock.add_metric(labels, lane.stock)
    return [up, selling, seen, warmth, door, stock, sells]


def _books(totals: Mapping[str, int]) -> Iterator[Metric]:
    for name, (metric, words) in _COUNTED.items():
        yield CounterMetricFamily(metric, words, value=totals.get(name, 0))
    for name, (metric, words) in _STANDING.items():
        yield GaugeMetricFamily(metric, words, value=totals.get(name, 0))
    balance = GaugeMetricFamily("wxvend_balance_fen", "An account, debit less credit.", labels=["account"])
    for name, value in totals.items():
        if name.endswith(_BALANCE):
            balance.add_metric([name.removesuffix(_BALANCE)], value)
    yield balance


def _alarms(alarms: Iterable[StandingAlarm]) -> Iterator[Metric]:
    family = GaugeMetricFamily("wxvend_alarm", "1: it stands.", labels=["machine", "name", "lane", "code"])
    for each in alarms:
        family.add_metric([each.machine, each.name, str(each.lane), each.code], 1)
    yield family


def _counts(counts: Mapping[str, int]) -> Metric:
    family = CounterMetricFamily("wxvend_events", "Since the bridge's start, by name.", labels=["event"])
    for name, count in sorted(counts.items()):
        family.add_metric([name], count)
    return family
