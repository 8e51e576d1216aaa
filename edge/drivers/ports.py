"""The serial ports of this computer, by the names that stay the same."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from serial.tools import list_ports

_BY_PATH: Final = Path("/dev/serial/by-path")


@dataclass(frozen=True, slots=True, kw_only=True)
class PortFound:
    """`stable` is the name to put into settings, where the system gives one; `what` describes the adapter."""

    device: str
    stable: str
    what: str


def ports(by_path: Path = _BY_PATH) -> tuple[PortFound, ...]:
    """Every serial port, sorted by device."""
    stable = {str(link.resolve()): str(link) for link in sorted(by_path.glob("*"))}
    return tuple(
        PortFound(device=port.device, stable=stable.get(port.device, ""), what=port.description)
        for port in sorted(list_ports.comports(), key=lambda port: str(port.device))
    )
