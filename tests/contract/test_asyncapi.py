"""The AsyncAPI document says what travels: golden messages, what is shown, the traffic of whole worlds."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner

from cloud_bridge.core.alert import News
from cloud_bridge.fleet import alarms, translate
from edge.core.machine import Machine
from edge.core.status import states
from hw_sim.world.broker import Broker, Packet
from hw_sim.world.run import Life, run_seed
from wire.asyncapi import document

ROOT = Path(__file__).parents[2]
GOLDEN = sorted((Path(__file__).parent / "golden").glob("*.json"))
DOCUMENT = json.loads(json.dumps(document()))


def _pattern(address: str) -> re.Pattern[str]:
    parts = re.split(r"\{\w+\}", address)
    return re.compile("[^/]+".join(map(re.escape, parts)))


CHANNELS = [(_pattern(channel["address"]), key) for key, channel in DOCUMENT["channels"].items()]


def _channel(topic: str) -> str:
    found = [key for pattern, key in CHANNELS if pattern.fullmatch(topic)]
    assert len(found) == 1, f"{topic}: {found}"
    return str(found[0])


def _validator(key: str) -> jsonschema.Draft202012Validator:
    schema = {**DOCUMENT["components"]["messages"][key]["payload"], "components": DOCUMENT["components"]}
    return jsonschema.Draft202012Validator(schema)


VALIDATORS = {key: _validator(key) for _, key in CHANNELS}


def _hold(topic: str, payload: bytes) -> str:
    """The channel that a message travels on. Raises where the document says something else."""
    key = _channel(topic)
    VALIDATORS[key].validate(json.loads(payload))
    return key


def test_the_document_that_is_shipped_is_the_one_that_the_types_make() -> None:
    shipped = (ROOT / "docs" / "tools" / "asyncapi.json").read_text("utf-8")
    assert json.loads(shipped) == DOCUMENT, "Try: wxvend bridge asyncapi > docs/tools/asyncapi.json"


def test_the_command_writes_the_document() -> None:
    from cloud_bridge.cli import bridge

    said = CliRunner().invoke(bridge, ["asyncapi"])
    assert said.exit_code == 0
    assert json.loads(said.output) == DOCUMENT


def test_every_reference_leads_somewhere() -> None:
    def referred(node: Any) -> list[str]:
        if isinstance(node, dict):
            own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
            return own + [each for value in node.values() for each in referred(value)]
        return [each for item in node for each in referred(item)] if isinstance(node, list) else []

    found = referred(DOCUMENT)
    assert len(found) > 100
    for reference in found:
        node: Any = DOCUMENT
        for step in reference.removeprefix("#/").split("/"):
            node = node[step]


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_golden_messages_are_as_described(path: Path) -> None:
    golden = json.loads(path.read_text("utf-8"))
    assert _hold(golden["topic"], golden["payload"].encode()) == path.stem.partition("-")[0]


def test_what_a_machine_shows_is_as_described() -> None:
    for name, values in states(Machine(machine="vm-0001"), {"delivered": 3}).items():
        _hold(f"wxvend/v1/vm-0001/state/{name}", json.dumps(values).encode())


def test_what_the_bridge_shows_is_as_described() -> None:
    news = News(machine="vm-0001", name="door", lane=0, text="open", since_wall_ms=1, over=False)
    _hold(str(alarms.topic(news)), alarms.payload(news))
    _hold("wxvend/v1/bridge/state/cases", translate.case_state([]))


def test_the_traffic_of_worlds_in_trouble_is_as_described(monkeypatch: pytest.MonkeyPatch) -> None:
    said: set[tuple[str, bytes]] = set()
    route: Callable[[Broker, Packet], None] = Broker.route

    def recorded(broker: Broker, packet: Packet) -> None:
        said.add((packet.topic, packet.payload))
        route(broker, packet)

    monkeypatch.setattr(Broker, "route", recorded)
    for seed in (1, 4):
        run_seed(seed, Life(sales=6, order_requests=seed == 4, only=frozenset()))
    kinds = {_hold(topic, payload) for topic, payload in said}
    assert {"up.birth", "up.sale.requested", "up.sale.outcome", "down.sale.code", "down.sale.paid"} <= kinds


@pytest.mark.parametrize(
    ("topic", "payload"),
    [
        ("wxvend/v1/vm-0001/down/sale.query", b"{}"),
        ("wxvend/v1/vm-0001/down/sale.query", b'{"sale_id": 7}'),
        ("wxvend/v1/vm-0001/state/health", b'{"selling": "yes"}'),
    ],
)
def test_what_is_not_as_described_is_found(topic: str, payload: bytes) -> None:
    with pytest.raises(jsonschema.ValidationError):
        _hold(topic, payload)
