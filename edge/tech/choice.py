"""Which bus a technician means, by options or by the machine's settings; and whether its port is free."""

import enum
import fcntl
import os
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final, TypeVar, cast

import click

from edge.drivers.registry import SETTINGS

F = TypeVar("F", bound=Callable[..., Any])

_WITHOUT_LANES: Final = frozenset({"xy"})  # it tells its lanes itself
_STOP_FIRST: Final = (
    "Another program holds it; the daemon does while it runs. Try: --config with its settings, "
    "then it lends its port, or systemctl stop wxvend-edge"
)


class BadChoice(Exception):
    """What was chosen cannot be used: the name, what was found, what is allowed."""


class PortTaken(Exception):
    """The port cannot be had now: which, why, and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What was typed. `more`: further settings as NAME=VALUE, in the words of TOML."""

    bus: str = ""
    port: Path | None = None
    lanes: str = ""
    more: tuple[str, ...] = ()
    config: Path | None = None


def bus_options(command: F) -> F:
    """Options that name a bus; the command is given them as one `options`."""

    def gathered(*, bus: str | None, port: Path | None, lanes: str, **rest: Any) -> Any:
        more, config = rest.pop("more"), rest.pop("config")
        return command(
            options=Options(bus=bus or "", port=port, lanes=lanes, more=more, config=config), **rest
        )

    gathered.__name__, gathered.__doc__ = command.__name__, command.__doc__
    gathered.__dict__.update(command.__dict__)
    path = click.Path(dir_okay=False, path_type=Path)
    for option in (
        click.option("--config", type=path, help="The machine's settings, such as /etc/wxvend/edge.toml."),
        click.option("--set", "more", multiple=True, metavar="NAME=VALUE", help="A further setting."),
        click.option("--lanes", default="", metavar="N,N", help="The lanes, where the board cannot tell."),
        click.option("--port", type=click.Path(path_type=Path), help="The serial port."),
        click.option("--bus", type=click.Choice(sorted(SETTINGS)), help="Which bus."),
    ):
        gathered = option(gathered)
    return cast(F, gathered)


def chosen(options: Options) -> Any:
    """The settings of the bus. Raises BadChoice."""
    bus, table = _table(options)
    if bus not in _WITHOUT_LANES and "lanes" not in table:
        raise BadChoice(f"--lanes: found none; a {bus} board cannot list its lanes. Try: --lanes 11,12")
    return _made(bus, table, options.config)


def bus_of(options: Options) -> str:
    """Only the bus's name. Raises BadChoice."""
    return _table(options)[0]


def _table(options: Options) -> tuple[str, dict[str, Any]]:
    """Name of the bus and what was said of it. Raises BadChoice."""
    bus, table = options.bus, dict[str, Any]()
    if options.config is not None:
        bus, table = _configured(options.config)
        if options.bus not in ("", bus):
            raise BadChoice(
                f"--bus: found {options.bus}, but {options.config} has [bus.{bus}]; give one of them"
            )
    if not bus or (options.port is None and "port" not in table):
        raise BadChoice("found no bus and port; allowed are --bus NAME --port PATH, or --config edge.toml")
    try:
        if options.lanes:
            table["lanes"] = [int(number) for number in options.lanes.split(",")]
        for each in options.more:
            table |= tomllib.loads(each)
    except ValueError as error:
        raise BadChoice(
            f"--lanes, --set: {error}; allowed are 11,12 and NAME=VALUE as in edge.toml"
        ) from error
    if options.port is not None:
        table["port"] = options.port.absolute()
    if bus not in SETTINGS:
        raise BadChoice(f"[bus.{bus}]: no bus; allowed are {', '.join(sorted(SETTINGS))}")
    return bus, table


def _port(table: Mapping[str, Any], config: Path | None) -> Path:
    if not isinstance(table["port"], str | Path):
        raise BadChoice(f"port: found {table['port']!r}, allowed the path of a serial port")
    return (config.absolute().parent if config is not None else Path()) / table["port"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tapped:
    """What only listening needs to know."""

    bus: str
    port: Path
    baud: int


def tapped(options: Options) -> Tapped:
    """The bus to listen to; its lanes and the rest do not matter. Raises BadChoice."""
    bus, table = _table(options)
    baud = table.get("baud", next(each.default for each in fields(SETTINGS[bus]()) if each.name == "baud"))
    if type(baud) is not int or not 1200 <= baud <= 921_600:
        raise BadChoice(f"baud: found {baud!r}, allowed 1200 to 921600")
    return Tapped(bus=bus, port=_port(table, options.config), baud=baud)


def _configured(path: Path) -> tuple[str, dict[str, Any]]:
    """Name and table of the bus. The keys and secrets of these settings are not looked at."""
    try:
        buses = tomllib.loads(path.read_text("utf-8"))["bus"]
        ((bus, table),) = buses.items()
        return str(bus), dict(table)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        words = f"--config: {path}: found no single [bus.NAME] ({error or type(error).__name__}). "
        raise BadChoice(f"{words}Try: wxvend edge check-config --config {path}") from error


def _made(bus: str, table: Mapping[str, Any], config: Path | None) -> Any:
    kind = SETTINGS[bus]()
    values = {**table, "port": _port(table, config)}
    if bus in _WITHOUT_LANES:
        values.pop("lanes", None)
    hints = {each.name: each.type for each in fields(kind)}
    try:
        made = {name: _value(hints.get(name), value) for name, value in values.items()}
        return kind(**made)
    except (ValueError, TypeError) as error:
        raise BadChoice(f"[bus.{bus}] {error}") from error


def _value(hint: object, value: object) -> object:
    if isinstance(value, list):
        return tuple(value)
    return hint(value) if isinstance(hint, enum.EnumType) else value


def claim(port: Path) -> None:
    """Look whether the port can be had, and let go of it. Raises PortTaken with what to do."""
    try:
        handle = os.open(port, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    except OSError as error:
        hint = "Try: wxvend tech ports, or as root"
        raise PortTaken(f"port {port}: {error.strerror}. {hint}") from error
    try:
        if not os.isatty(handle):
            raise PortTaken(f"port {port}: found no serial port. Try: wxvend tech ports")
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise PortTaken(f"port {port}: in use. {_STOP_FIRST}") from error
    finally:
        os.close(handle)
