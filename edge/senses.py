"""What a fact about the surroundings changes: bus, link, lanes, climate. Pure."""

from dataclasses import replace

from edge.core import machine as surroundings
from edge.core.machine import Lane, Machine
from edge.ports import (
    BridgeEvent,
    BusDown,
    BusEvent,
    BusUp,
    ClimateReported,
    LaneReported,
    LinkDown,
    LinkUp,
)


def seen(machine: Machine, event: BusEvent | BridgeEvent) -> Machine:
    """The machine after a fact about its surroundings. Facts about a sale change nothing here."""
    match event:
        case BusUp():
            stops = machine.stops - {"bus_silent", "bus_port", "board_doubt"}
            return replace(machine, stops=stops)
        case BusDown(why=why):
            reason = {"port": "bus_port", "doubt": "board_doubt"}.get(why, "bus_silent")
            return surroundings.with_stop(machine, reason, True)
        case LinkUp():
            return replace(machine, stops=machine.stops - {"link_down", "bridge_silent"})
        case LinkDown(why=why):
            reason = "bridge_silent" if why == "bridge_silent" else "link_down"
            return surroundings.with_stop(machine, reason, True)
        case LaneReported(lane=lane, stock=stock, capacity=capacity, fault=fault):
            before = machine.lanes.get(lane, Lane())
            return surroundings.with_lane(
                machine, lane, replace(before, stock=stock, capacity=capacity, fault=fault)
            )
        case ClimateReported(temperature_c=temperature_c, door_open=door_open):
            machine = surroundings.with_stop(machine, "door_open", door_open is True)
            return replace(machine, temperature_c=temperature_c, door_open=door_open)
        case _:
            return machine
