"""Alarms that follow from what the machine has become: raised with a change, cleared with its opposite.

A lane that stopped asks for a person, as troubles do that stop nothing; doubt about the bus ends when the
board is identified again. Who has the machine for service, and since when, stands in the journal as an alarm.
"""

from edge.core.faults import fault_of
from edge.core.machine import FAILURES_STOP_A_LANE, MAINTENANCE, Machine
from edge.core.model import ClearAlarm, RaiseAlarm

UNSUPPORTED = "catalogue_unsupported"


def alarms(before: Machine, after: Machine) -> tuple[RaiseAlarm | ClearAlarm, ...]:
    """What to tell about a change: the ends first, lane by lane."""
    stood, stands = _stopped(before), _stopped(after)
    blind, blinded = _blind(before), _blind(after)
    over = [ClearAlarm(name=name, lane=lane) for lane, name in sorted(stood - stands)]
    over += [ClearAlarm(name="vend_uncertain", lane=lane) for lane in sorted(before.doubted - after.doubted)]
    over += [ClearAlarm(name=name) for name in sorted(set(before.troubles) - set(after.troubles))]
    over += [ClearAlarm(name=MAINTENANCE)] if MAINTENANCE in before.stops - after.stops else []
    over += [ClearAlarm(name=UNSUPPORTED, lane=lane) for lane in sorted(blind - blinded)]
    begun = [_lane_stopped(after, lane, name) for lane, name in sorted(stands - stood)]
    begun += [_unsupported(after, lane) for lane in sorted(blinded - blind)]
    troubles = sorted(set(after.troubles) - set(before.troubles))
    begun += [
        RaiseAlarm(name=name, text=after.troubles[name], fault=fault_of(name) or "") for name in troubles
    ]
    if MAINTENANCE in after.stops - before.stops:
        begun.append(RaiseAlarm(name=MAINTENANCE, text=after.service))
    return (*over, *begun)


def _lane_stopped(machine: Machine, lane: int, name: str) -> RaiseAlarm:
    text = f"lane {lane}: {FAILURES_STOP_A_LANE} failures in a row"
    return RaiseAlarm(name=name, text=text, lane=lane, fault=fault_of(machine.lanes[lane].cause) or "")


def _unsupported(machine: Machine, lane: int) -> RaiseAlarm:
    found = machine.products[lane].sold_out_at
    text = f"lane {lane}: sold_out_at: found {found}, allowed 0: its board does not count what lies there"
    return RaiseAlarm(name=UNSUPPORTED, text=text, lane=lane)


def _blind(machine: Machine) -> frozenset[int]:
    """The lanes with a threshold of pieces that nobody here counts: it cannot be kept."""
    held = ((lane, machine.lanes.get(lane)) for lane, each in machine.products.items() if each.sold_out_at)
    return frozenset(lane for lane, seen in held if seen is not None and seen.stock is None)


def _stopped(machine: Machine) -> frozenset[tuple[int, str]]:
    """The lanes that our own record of failures stops, and by what name."""
    return frozenset((number, lane.suspect) for number, lane in machine.lanes.items() if lane.stopped)
