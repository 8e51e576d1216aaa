"""What a technician asks of a board beside vends, over the bus's driver: light, lift, temperature, faults."""

import asyncio
from typing import Final

from edge.core.errors import BusError
from edge.drivers.registry import BUSES
from edge.drivers.service import Act, Served, Serves, Unable, Wish
from edge.tech.visit import LONGEST_S, Refused, Visit, up

_SAID: Final = "this bus has no word for it"


def able(act: Act) -> tuple[str, ...]:
    """The buses that can do it, by name."""
    return tuple(sorted(bus for bus, kind in BUSES.items() if act in kind().acts))


async def serve(visit: Visit, act: Act, wish: Wish) -> Served:
    """Do it once the board is there. Raises NoAnswer, and Refused for what it cannot or did not do."""
    dispenser, bus = visit.dispenser, visit.dispenser.capabilities.bus
    if not isinstance(dispenser, Serves) or act not in dispenser.acts:
        raise Refused(f"{act}: found bus {bus}, allowed {', '.join(able(act))}: {_SAID}")
    await up(visit)
    try:
        async with asyncio.timeout(LONGEST_S):
            return await dispenser.serve(act, wish)
    except Unable as error:
        raise Refused(f"{error}. Nothing was sent") from error
    except BusError as error:
        raise Refused(f"{act}: {error}") from error
