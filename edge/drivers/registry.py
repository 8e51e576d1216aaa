"""The one list of buses, by the name that settings and commands use. A bus is loaded when it is chosen.

A further bus is one function here, one driver, and one board in the simulator.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar, Final, Protocol

from edge.drivers.serial_port import SerialPort, Transport
from edge.drivers.service import NOTHING, Act, Services
from edge.drivers.talk import Bus
from edge.ports import Clock, Dispenser

Trace = Callable[[str, bytes, int], None]  # direction "rx" or "tx", bytes, boot-time milliseconds


class BusSettings(Protocol):
    """The settings of any bus."""

    bus: ClassVar[str]

    @property
    def port(self) -> Path:
        """Path of the serial port."""

    @property
    def baud(self) -> int:
        """Bits a second on the line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What a driver is made on. `run` counts the daemon's starts: a board may know the last one's numbers."""

    clock: Clock
    port: Transport
    run: int = 0
    trace: Trace | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A bus: its settings, its driver, and what it can do for a technician."""

    settings: type[Any]
    driver: Callable[[Any, Line], Dispenser]
    acts: frozenset[Act] = frozenset()


def make_dispenser(
    settings: BusSettings,
    clock: Clock,
    *,
    run: int = 0,
    trace: Trace | None = None,
    port: Transport | None = None,
) -> Dispenser:
    """Give the dispenser of the bus that `settings` describe; `port` instead of the one they name."""
    line = port or SerialPort(str(settings.port), baud=settings.baud)
    return BUSES[settings.bus]().driver(settings, Line(clock=clock, port=line, run=run, trace=trace))


def _xy() -> Kind:
    from edge.drivers.xy.driver import XyDispenser
    from edge.drivers.xy.service import SERVICES
    from edge.drivers.xy.settings import XySettings

    def driver(settings: Any, line: Line) -> Dispenser:
        return XyDispenser(settings, line.clock, run=line.run, trace=line.trace, port=line.port)

    return Kind(settings=XySettings, driver=driver, acts=frozenset(SERVICES))


def _asking(settings: type[Any], bus: Callable[[Any], Bus], services: Services = NOTHING) -> Kind:
    """A bus in which the host asks."""
    from edge.drivers.asking import AskingDispenser

    def driver(chosen: Any, line: Line) -> Dispenser:
        scripts = {act: partial(script, chosen) for act, script in services.items()}
        return AskingDispenser(bus(chosen), line.clock, port=line.port, trace=line.trace, services=scripts)

    return Kind(settings=settings, driver=driver, acts=frozenset(services))


def _adh814() -> Kind:
    from edge.drivers.adh814 import Adh814, Adh814Settings
    from edge.drivers.service_motors import ADH814 as SERVICES

    return _asking(Adh814Settings, Adh814, SERVICES)


def _easivend() -> Kind:
    from edge.drivers.easivend import Easivend, EasivendSettings
    from edge.drivers.service_motors import EASIVEND as SERVICES

    return _asking(EasivendSettings, Easivend, SERVICES)


def _ziman() -> Kind:
    from edge.drivers.service_motors import ZIMAN as SERVICES
    from edge.drivers.ziman import Ziman, ZimanSettings

    return _asking(ZimanSettings, Ziman, SERVICES)


def _m102() -> Kind:
    from edge.drivers.m102 import M102, M102Settings
    from edge.drivers.service_motors import M102 as SERVICES

    return _asking(M102Settings, M102, SERVICES)


def _zdm8() -> Kind:
    from edge.drivers.service_modbus import ZDM8 as SERVICES
    from edge.drivers.zdm8 import Zdm8, Zdm8Settings

    return _asking(Zdm8Settings, Zdm8, SERVICES)


def _tcn() -> Kind:
    from edge.drivers.service_tcn import SPRING as SERVICES
    from edge.drivers.tcn import Tcn, TcnSettings

    return _asking(TcnSettings, Tcn, SERVICES)


def _tcn_lifter() -> Kind:
    from edge.drivers.service_tcn import LIFTER as SERVICES
    from edge.drivers.tcn_lifter import TcnLifter, TcnLifterSettings

    return _asking(TcnLifterSettings, TcnLifter, SERVICES)


def _jinma() -> Kind:
    from edge.drivers.jinma import Jinma, JinmaSettings
    from edge.drivers.service_jinma import JINMA as SERVICES

    return _asking(JinmaSettings, Jinma, SERVICES)


def _lock8a() -> Kind:
    from edge.drivers.lock8a import Lock8a, Lock8aSettings

    return _asking(Lock8aSettings, Lock8a)


def _relay() -> Kind:
    from edge.drivers.relay import Relay, RelaySettings
    from edge.drivers.service_modbus import RELAY as SERVICES

    return _asking(RelaySettings, Relay, SERVICES)


def _junpeng() -> Kind:
    from edge.drivers.junpeng import Junpeng, JunpengSettings

    return _asking(JunpengSettings, Junpeng)


def _mdb_qibixx() -> Kind:
    from edge.drivers.mdb.cashless import Cashless
    from edge.drivers.mdb.qibixx import Qibixx
    from edge.drivers.mdb.settings import QibixxSettings

    return _asking(QibixxSettings, lambda settings: Cashless(settings, Qibixx(settings)))


def _mdb_waferstar() -> Kind:
    from edge.drivers.mdb.cashless import Cashless
    from edge.drivers.mdb.settings import WaferstarSettings
    from edge.drivers.mdb.waferstar import Waferstar

    return _asking(WaferstarSettings, lambda settings: Cashless(settings, Waferstar(settings)))


def _settings(kind: Callable[[], Kind]) -> Callable[[], type[Any]]:
    return lambda: kind().settings


BUSES: Final[Mapping[str, Callable[[], Kind]]] = MappingProxyType(
    {
        "xy": _xy,
        "adh814": _adh814,
        "easivend": _easivend,
        "ziman": _ziman,
        "m102": _m102,
        "zdm8": _zdm8,
        "tcn": _tcn,
        "tcn-lifter": _tcn_lifter,
        "jinma": _jinma,
        "lock8a": _lock8a,
        "relay": _relay,
        "junpeng": _junpeng,
        "mdb-qibixx": _mdb_qibixx,
        "mdb-waferstar": _mdb_waferstar,
    }
)
SETTINGS: Final = MappingProxyType({name: _settings(kind) for name, kind in BUSES.items()})
