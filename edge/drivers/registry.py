"""The one list of buses: the settings of a bus become its dispenser."""

from edge.drivers.xy.driver import Trace, XyDispenser
from edge.drivers.xy.settings import XySettings
from edge.ports import Clock, Dispenser

BusSettings = XySettings


def make_dispenser(
    settings: BusSettings, clock: Clock, *, run: int = 0, trace: Trace | None = None
) -> Dispenser:
    """Give the dispenser of the bus that `settings` describe; a further bus is a further case.

    `run` counts the starts of the daemon: a board that drops repeats must not take this one's first command
    for the last one's.
    """
    match settings:
        case XySettings():
            return XyDispenser(settings, clock, run=run, trace=trace)
