"""What a fact about the surroundings changes: bus, link, lanes, climate, service. Pure."""

from dataclasses import replace
from typing import Final

from edge.core import machine as surroundings
from edge.core.lanes import Lane, LaneTested
from edge.core.machine import Machine
from edge.core.service import ServiceAsked, ServiceBegun, ServiceEvent, ServiceOver, serviced
from edge.ports import (
    BridgeEvent,
    BusDown,
    BusEvent,
    BusUp,
    ClimateReported,
    LaneReported,
    LinkDown,
    LinkUp,
    TroubleTold,
)

_WHY_DOWN: Final = {
    "port": "bus_port",
    "silent": "bus_silent",
    "no_ack": "bus_deaf",
    "identifying": "starting",
    "board_restarted": "starting",
}
_BUS: Final = frozenset(_WHY_DOWN.values())  # one of them at a time: the newest word is the true one


def seen(machine: Machine, event: BusEvent | BridgeEvent | ServiceEvent) -> Machine:
    """The machine after a fact about its surroundings. Facts about a sale change nothing here."""
    match event:
        case BusUp():
            return replace(machine, stops=machine.stops - _BUS - {"board_doubt"}, doubted=frozenset())
        case BusDown(why="doubt"):
            return surroundings.with_stop(machine, "board_doubt", True)
        case BusDown(why=why):
            machine = surroundings.with_restart(machine) if why == "board_restarted" else machine
            return replace(machine, stops=machine.stops - _BUS | {_WHY_DOWN.get(why, "bus_silent")})
        case LinkUp():
            return replace(machine, stops=machine.stops - {"link_down", "bridge_silent"})
        case LinkDown(why=why):
            reason = "bridge_silent" if why == "bridge_silent" else "link_down"
            return surroundings.with_stop(machine, reason, True)
        case LaneReported(lane=lane, stock=stock, capacity=capacity, fault=fault):
            return surroundings.with_report(machine, lane, Lane(stock=stock, capacity=capacity, fault=fault))
        case LaneTested(lane=lane, reason=reason):
            return surroundings.with_test(machine, lane, reason)
        case TroubleTold(name=name, text=text):
            return surroundings.with_trouble(machine, name, text)
        case ClimateReported(temperature_c=temperature_c, door_open=door_open):
            machine = surroundings.with_stop(machine, "door_open", door_open is True)
            if temperature_c is not None or machine.temperature_c is not None:  # without a probe: no trouble
                lost = "" if temperature_c is not None else "the temperature probe gives no reading"
                machine = surroundings.with_trouble(machine, "temperature_unknown", lost)
            return replace(machine, temperature_c=temperature_c, door_open=door_open)
        case ServiceAsked() | ServiceBegun() | ServiceOver():
            return serviced(machine, event)
        case _:
            return machine
