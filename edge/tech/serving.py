"""What a technician asks of a board beside vends, over the bus's driver: light, lift, temperature, faults."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Final

from edge.core.errors import BusError
from edge.core.judge import Recovery
from edge.drivers.registry import BUSES
from edge.drivers.service import Act, Served, Serves, Unable, Wish
from edge.tech.noting import settled
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


async def read_faults(visit: Visit, config: Path | None, told: Callable[[str], None]) -> Served:
    """What the board says is wrong. Where a result is told once only, not while a sale waits for its own:
    it could be the word that is read away. Raises NoAnswer, Refused.
    """
    if visit.dispenser.capabilities.witness.recovery is Recovery.READ_ONCE:
        if config is None:
            told("without --config nobody looks whether a sale is unfinished")
        else:
            settled(config)
    return await serve(visit, Act.FAULTS, Wish())
