"""What a demo says of each bus: its settings beside the port, and whether its shoppers need a keypad."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from hw_sim.demo.shelf import SHELF

LANES: Final = [goods.lane for goods in SHELF]
KEYPADS: Final = frozenset({"xy", "junpeng", "mdb-qibixx", "mdb-waferstar"})  # a keypad of the machine's own
KNOW_PRICES: Final = frozenset({"mdb-qibixx", "mdb-waferstar"})
_MORE: Final[Mapping[str, Mapping[str, Any]]] = MappingProxyType(
    {
        "relay": {"relays": 48, "accept_without_proof": True},
        "mdb-qibixx": {"items": LANES},
        "mdb-waferstar": {"items": LANES},
    }
)


def bus_table(bus: str, port: str) -> dict[str, Any]:
    """The settings of a bus: `[bus.NAME]`."""
    if bus == "xy":
        return {"port": port}
    return {"port": port, "lanes": LANES, **_MORE.get(bus, {})}
