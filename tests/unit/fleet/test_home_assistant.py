"""Home Assistant is told of machines in the shape it documents, once, and can press nothing."""

import json
from dataclasses import replace
from typing import Any, Final

import pytest

from cloud_bridge.fleet.home_assistant import introduce, introductions
from tests.unit.web.bridge import MACHINE, UNHEARD, Bridge
from wire.topics import BadTopic, Outside, Topic

# What home-assistant.io documents for MQTT device discovery and the two platforms, as far as we use it.
DEVICE: Final = {"identifiers", "name", "manufacturer", "model", "sw_version"}
SHARED: Final = {"device", "origin", "availability", "qos", "components"}
ENTITY: Final = {"platform", "unique_id", "name", "state_topic", "value_template", "device_class", "icon"}
MEASURED: Final = {"unit_of_measurement", "state_class"}
CLASSES: Final = {"binary_sensor": {"running", "door"}, "sensor": {"temperature"}}


def told(*machines: Any) -> dict[str, dict[str, Any]]:
    return {str(topic): json.loads(payload) for topic, payload in introductions(machines, "homeassistant")}


def test_each_machine_that_was_heard_of_is_introduced_and_so_is_the_bridge() -> None:
    assert set(told(MACHINE, UNHEARD)) == {
        "homeassistant/device/wxvend_vm-0001/config",
        "homeassistant/device/wxvend_bridge/config",
    }


def test_introductions_use_documented_members_only() -> None:
    for message in told(MACHINE).values():
        assert {"device", "origin", "components"} <= set(message) <= SHARED
        assert {"identifiers", "name"} <= set(message["device"]) <= DEVICE
        assert message["origin"]["name"] == "wxvend"
        for entity in message["components"].values():
            allowed = ENTITY | (MEASURED if entity["platform"] == "sensor" else set())
            assert (
                {"platform", "unique_id", "name", "state_topic", "value_template"} <= set(entity) <= allowed
            )
            assert entity.get("device_class") in {None, *CLASSES[entity["platform"]]}


def test_no_two_entities_share_an_identity() -> None:
    other = replace(MACHINE, machine="vm-0003")
    messages = told(MACHINE, other).values()
    found = [entity["unique_id"] for message in messages for entity in message["components"].values()]
    assert len(set(found)) == len(found) > 10


def test_nothing_can_be_pressed() -> None:
    assert "command" not in json.dumps(told(MACHINE))


def test_only_what_a_machine_can_tell_becomes_an_entity() -> None:
    dull = replace(MACHINE, temperature_c=None, door_open=None, lanes=(MACHINE.lanes[2],))
    entities = told(dull)["homeassistant/device/wxvend_vm-0001/config"]["components"]
    assert set(entities) == {"selling", "reason", "delivered"}


class Broker:
    """Remembers what was made to stand, and may be away."""

    def __init__(self) -> None:
        self.linkups = 1
        self.there = True
        self.stood: list[str] = []

    async def shown(self, topic: Topic | Outside, payload: bytes) -> bool:
        if self.there:
            self.stood.append(str(topic))
        return self.there


class Enough(Exception):
    """The story is over."""


async def test_an_introduction_stands_once_until_something_changes() -> None:
    bridge, broker = Bridge(), Broker()
    bridge.show(MACHINE)
    expected = [2, 0, 1, 2, 0, 2]

    async def pause(_: float) -> None:
        assert len(broker.stood) == expected.pop(0)
        broker.stood.clear()
        match 6 - len(expected):
            case 2:
                bridge.show(replace(MACHINE, software="0.2.0"))
            case 3:
                broker.linkups += 1
            case 4:
                broker.linkups, broker.there = broker.linkups + 1, False
            case 5:
                broker.there = True
            case 6:
                raise Enough

    with pytest.raises(Enough):
        await introduce(broker, bridge, "homeassistant", pause=pause)
    assert expected == []


@pytest.mark.parametrize("path", ["", "wxvend/v1/vm-0001/down/sale.paid", "homeassistant/+/x", "a#"])
def test_a_topic_outside_is_never_one_of_ours(path: str) -> None:
    with pytest.raises(BadTopic):
        Outside(path)
