"""The one list of buses: the settings of a bus become its dispenser."""

from edge.drivers.xy.driver import Trace, XyDispenser
from edge.drivers.xy.settings import XySettings
from edge.ports import Clock, Dispenser

BusSettings = XySettings


def make_dispenser(settings: BusSettings, clock: Clock, *, trace: Trace | None = None) -> Dispenser:
    """Give the dispenser of the bus that `settings` describe; a further bus is a further case."""
    match settings:
        case XySettings():
            return XyDispenser(settings, clock, trace=trace)
