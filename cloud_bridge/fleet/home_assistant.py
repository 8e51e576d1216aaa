"""Home Assistant finds the machines by itself: one retained discovery message a machine, to look and no more.

`{prefix}/device/wxvend_{machine}/config`, in the shape that Home Assistant documents for MQTT devices
(2024.11 and newer). Entities read the machines' own unsigned states; nothing here can be pressed, because a
broker is run by somebody else and whoever writes to it would press it too.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any, Final, Protocol

from cloud_bridge.ports import MachineView
from wire.topics import Branch, Outside, Topic

AGAIN_S: Final = 5.0
_ORIGIN: Final = {"name": "wxvend"}
_BRIDGE: Final = "bridge"


class Shown(Protocol):
    """What this needs of `Fleet`."""

    @property
    def linkups(self) -> int:
        """How often the link came up."""

    async def shown(self, topic: Topic | Outside, payload: bytes) -> bool:
        """Have it stand at the broker; True once the broker has it."""


class Machines(Protocol):
    """What this needs of `Roster`."""

    def machines(self) -> tuple[MachineView, ...]:
        """Every machine of the settings."""

    def changes(self) -> AsyncIterator[str]:
        """Ids of machines as what is shown of them changes."""


async def introduce(
    fleet: Shown, roster: Machines, prefix: str, *, pause: Callable[[float], Awaitable[None]] = asyncio.sleep
) -> None:
    """Have each machine introduced, anew when it changes and when the link comes up, until cancelled."""
    stood: dict[str, tuple[int, bytes]] = {}
    while True:
        for topic, payload in introductions(roster.machines(), prefix):
            now = (fleet.linkups, payload)
            if stood.get(str(topic)) != now and await fleet.shown(topic, payload):
                stood[str(topic)] = now
        await pause(AGAIN_S)


def introductions(machines: tuple[MachineView, ...], prefix: str) -> list[tuple[Outside, bytes]]:
    """A message for each machine that was ever heard of, and one for the bridge."""
    told = [(f"wxvend_{each.machine}", _machine(each)) for each in machines if each.boot or each.lanes]
    told.append(("wxvend_bridge", _bridge()))
    return [
        (
            Outside(f"{prefix}/device/{name}/config"),
            json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode(),
        )
        for name, values in told
    ]


def _machine(machine: MachineView) -> dict[str, Any]:
    name = machine.machine
    health, climate = _state(name, "health"), _state(name, "climate")
    entities = {
        "selling": _flag("Selling", health, "selling", device_class="running"),
        "reason": _value("Why not selling", health, "reason", icon="mdi:help-circle-outline"),
        "delivered": _value("Sold since the start", _state(name, "sales"), "delivered | default(0)"),
    }
    if machine.temperature_c is not None:
        entities["temperature"] = _value(
            "Temperature",
            climate,
            "temperature_c",
            device_class="temperature",
            unit_of_measurement="°C",
            state_class="measurement",
        )
    if machine.door_open is not None:
        entities["door"] = _flag("Door", climate, "door_open", device_class="door")
    for lane in machine.lanes:
        if lane.stock is not None:
            label = f"Lane {lane.lane} {lane.product_en or lane.product_zh}".rstrip()
            entities[f"lane_{lane.lane}_stock"] = _value(
                label, _state(name, f"lane/{lane.lane}"), "stock", unit_of_measurement="pcs"
            )
    return {
        "device": {
            "identifiers": [f"wxvend_{name}"],
            "name": name,
            "manufacturer": "wxvend",
            "model": "Vending machine",
            "sw_version": machine.software or "unknown",
        },
        "origin": _ORIGIN,
        "availability": [
            {
                "topic": _state(name, "presence"),
                "value_template": "{{ 'online' if value_json.online else 'offline' }}",
            }
        ],
        "qos": 1,
        "components": _own(name, entities),
    }


def _bridge() -> dict[str, Any]:
    cases = _state(_BRIDGE, "cases")
    entities = {
        "cases": _value("Cases for a person", cases, "open", state_class="measurement"),
        "advice": _value("What to do next", cases, "advice", icon="mdi:account-alert-outline"),
    }
    return {
        "device": {"identifiers": ["wxvend_bridge"], "name": "wxvend bridge", "manufacturer": "wxvend"},
        "origin": _ORIGIN,
        "qos": 1,
        "components": _own(_BRIDGE, entities),
    }


def _own(owner: str, entities: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    return {key: entity | {"unique_id": f"wxvend_{owner}_{key}"} for key, entity in entities.items()}


def _flag(name: str, topic: str, member: str, **more: str) -> dict[str, Any]:
    template = f"{{{{ 'ON' if value_json.{member} == 1 else 'OFF' }}}}"
    return {
        "platform": "binary_sensor",
        "name": name,
        "state_topic": topic,
        "value_template": template,
        **more,
    }


def _value(name: str, topic: str, member: str, **more: str) -> dict[str, Any]:
    template = f"{{{{ value_json.{member} }}}}"
    return {"platform": "sensor", "name": name, "state_topic": topic, "value_template": template, **more}


def _state(owner: str, kind: str) -> str:
    return str(Topic(owner, Branch.STATE, kind))
