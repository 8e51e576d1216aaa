"""The one list of buses: a name in the settings becomes a dispenser."""

from collections.abc import Callable, Mapping
from dataclasses import fields
from types import MappingProxyType
from typing import Any, Final

from edge.drivers.xy.driver import Trace, XyDispenser
from edge.drivers.xy.settings import XySettings
from edge.ports import Clock, Dispenser


def make_dispenser(
    bus: str, settings: Mapping[str, object], clock: Clock, *, trace: Trace | None = None
) -> Dispenser:
    """The dispenser for a bus. Raises ValueError that names the setting, what was found and what is allowed.

    settings: the bus's own table of the configuration, such as `{"port": "/dev/ttyUSB0"}` for `xy`.
    """
    if bus not in BUSES:
        raise ValueError(f"bus: found {bus!r}; allowed is one of {', '.join(sorted(BUSES))}")
    return BUSES[bus](settings, clock, trace)


def _make_xy(settings: Mapping[str, Any], clock: Clock, trace: Trace | None) -> Dispenser:
    allowed = sorted(each.name for each in fields(XySettings))
    for name in settings:
        if name not in allowed:
            raise ValueError(f"{name}: no such setting of bus xy; allowed is one of {', '.join(allowed)}")
    if "port" not in settings:
        raise ValueError("port: missing for bus xy; give the path of the serial port, such as /dev/ttyUSB0")
    return XyDispenser(XySettings(**settings), clock, trace=trace)


Factory = Callable[[Mapping[str, Any], Clock, Trace | None], Dispenser]
BUSES: Final = MappingProxyType[str, Factory]({"xy": _make_xy})
