"""A technician who comes round: he confirms a journal that is new, and replaces one that is not believed.

Without him a machine whose journal was lost or copied sells nothing for the rest of a world's life.
"""

import asyncio
from random import Random
from typing import Final

from hw_sim.world.machine import Machine
from hw_sim.world.story import Entry
from hw_sim.world.world import World

ROUND_S: Final = (300.0, 1200.0)  # from one visit to the next
_WORK_S: Final = 1.0


class Technician:
    """Looks at what the machines showed since he was here last."""

    def __init__(self, world: World) -> None:
        self._world: Final = world
        self._chance: Final[Random] = world.chance("technician")
        self._disbelieved: Final[set[str]] = set()
        world.story.watch(self._hear)

    async def come(self) -> None:
        """For as long as the world lasts."""
        while True:
            await asyncio.sleep(self._chance.uniform(*ROUND_S))
            for machine in self._world.machines:
                await self._visit(machine)

    async def _visit(self, machine: Machine) -> None:
        if machine.name in self._disbelieved:
            await self._with_the_daemon_stopped(machine, fresh=True)
            self._disbelieved.discard(machine.name)
        elif machine.engine is not None and "journal_new" in machine.engine.machine.stops:
            await self._with_the_daemon_stopped(machine, fresh=False)

    async def _with_the_daemon_stopped(self, machine: Machine, *, fresh: bool) -> None:
        machine.crash(power=False)
        if fresh:
            machine.new_journal()
        else:
            machine.confirm_journal()
        await asyncio.sleep(_WORK_S)
        machine.start()

    def _hear(self, entry: Entry) -> None:
        if entry.what == "sale.closed" and dict(entry.fields)["why"] == "journal":
            self._disbelieved.add(entry.who)
