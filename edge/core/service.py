"""A technician takes the machine out of service for a while, and gives it back. Pure.

Whoever is buying is let finish first: from the asking on nothing new begins, and the service begins with the
last open sale's end. Nothing of it outlives a restart.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from edge.core.machine import MAINTENANCE, Machine, with_stop
from edge.core.model import Sale, State


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceAsked:
    """Somebody wants the machine. `who`: name and time, in words for the journal."""

    who: str


@dataclass(frozen=True, slots=True)
class ServiceBegun:
    """No sale is open any more: from now on the bus may be somebody else's."""


@dataclass(frozen=True, slots=True)
class ServiceOver:
    """Given back, or not wanted any more."""


ServiceEvent = ServiceAsked | ServiceBegun | ServiceOver


def serviced(machine: Machine, event: ServiceEvent) -> Machine:
    """The machine after it."""
    match event:
        case ServiceAsked(who=who):
            return replace(machine, service=who, shown=None)
        case ServiceBegun():
            return with_stop(machine, MAINTENANCE, True)
        case ServiceOver():
            return with_stop(replace(machine, service=""), MAINTENANCE, False)


def may_begin(machine: Machine, sales: Iterable[Sale]) -> bool:
    """Whether somebody waits for the machine and nobody is buying."""
    if not machine.service or MAINTENANCE in machine.stops:
        return False
    return not any(sale.state in (State.OPEN, State.INTENT) for sale in sales)
