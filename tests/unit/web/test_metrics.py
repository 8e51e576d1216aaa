"""Prometheus reads what the page shows, and the shipped dashboard asks for nothing that is not there."""

import json
import re
from pathlib import Path
from typing import Any, Final

import pytest
from prometheus_client.parser import text_string_to_metric_families

from cloud_bridge.web.metrics import metric_routes
from tests.unit.web.bridge import ALARM, MACHINE, SALE, UNHEARD, Bridge
from tests.unit.web.serving import site

DASHBOARD: Final = Path(__file__).parents[3] / "docs" / "tools" / "grafana.json"
_NAME: Final = re.compile(r"wxvend_[a-z_]+")


async def _scraped() -> dict[str, list[tuple[dict[str, str], float]]]:
    bridge = Bridge(standing=[ALARM])
    bridge.show(MACHINE)
    bridge.show(UNHEARD)
    bridge.put(SALE)
    room = metric_routes(bridge, bridge, lambda: {"notices": 3, "refused": 1})
    async with site(rooms=[room]) as served:
        answer = await served.get("/metrics")
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("text/plain; version=")
    found: dict[str, list[tuple[dict[str, str], float]]] = {}
    for family in text_string_to_metric_families(answer.body.decode()):
        for sample in family.samples:
            found.setdefault(sample.name, []).append((sample.labels, sample.value))
        found.setdefault(family.name, [])
    return found


async def test_machines_are_told_as_they_show_themselves() -> None:
    told = await _scraped()
    assert told["wxvend_machine_up"] == [({"machine": "vm-0001"}, 1.0), ({"machine": "vm-0002"}, 0.0)]
    assert told["wxvend_machine_temperature_celsius"] == [({"machine": "vm-0001"}, 4)]
    assert told["wxvend_lane_stock_pieces"] == [
        ({"machine": "vm-0001", "lane": "12"}, 5),
        ({"machine": "vm-0001", "lane": "13"}, 0),
    ]
    assert [value for _, value in told["wxvend_lane_selling"]] == [1, 0, 0]


async def test_money_and_cases_are_told_as_the_books_have_them() -> None:
    told = await _scraped()
    assert told["wxvend_sales_total"] == [({}, 1)]
    assert told["wxvend_paid_fen_total"] == [({}, 0)]
    assert told["wxvend_cases_open"] == [({}, 0)]
    assert told["wxvend_events_total"] == [({"event": "notices"}, 3), ({"event": "refused"}, 1)]


async def test_an_alarm_is_told_by_name_and_without_its_words() -> None:
    labels = {"machine": "vm-0001", "name": "lane_jam", "lane": "14", "code": "E21"}
    assert (await _scraped())["wxvend_alarm"] == [(labels, 1)]


def _expressions(node: Any) -> list[str]:
    if isinstance(node, dict):
        own = [node[key] for key in ("expr", "definition") if isinstance(node.get(key), str)]
        return own + [each for value in node.values() for each in _expressions(value)]
    return [each for item in node for each in _expressions(item)] if isinstance(node, list) else []


async def test_the_dashboard_asks_for_nothing_that_is_not_told() -> None:
    dashboard = json.loads(DASHBOARD.read_text("utf-8"))
    asked = {name for each in _expressions(dashboard) for name in _NAME.findall(each)}
    assert len(asked) > 8
    assert asked - set(await _scraped()) == set()


@pytest.mark.parametrize("key", ["id", "title"])
def test_no_two_panels_of_the_dashboard_share(key: str) -> None:
    panels = [panel[key] for panel in json.loads(DASHBOARD.read_text("utf-8"))["panels"]]
    assert len(set(panels)) == len(panels)
