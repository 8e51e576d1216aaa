"""People at the bridge's page who have machines stop, start, show their names, and take refills, at random.

They start again what they stopped, however often it takes, so that a world's shoppers get their turn.
"""

import asyncio
from random import Random
from typing import Final

from cloud_bridge.core.command import CommandWish, Fill, Outcome, What
from hw_sim.world.machine import Machine
from hw_sim.world.world import LANES, World

EVERY_S: Final = (20.0, 240.0)
STOPPED_S: Final = (5.0, 90.0)
AGAIN_S, TRIES = 10.0, 100_000  # in vain: the world ends first


class Operators:
    """Ask one machine after the other for something."""

    def __init__(self, world: World) -> None:
        self._world: Final = world
        self._chance: Final[Random] = world.chance("operators")

    async def work(self) -> None:
        """For as long as the world lasts."""
        while True:
            await asyncio.sleep(self._chance.uniform(*EVERY_S))
            machine = self._chance.choice(self._world.machines)
            what = self._chance.choice((What.STOP, What.IDENTIFY, What.CLEAR_LANE, What.REFILL))
            await self._ask(self._wish(machine, what))
            if what is What.STOP:  # also one whose answer was lost may have stopped it
                await self._start_again(machine)

    async def _start_again(self, machine: Machine) -> None:
        await asyncio.sleep(self._chance.uniform(*STOPPED_S))
        for _ in range(TRIES):
            if (await self._ask(self._wish(machine, What.START))).done:
                return
            await asyncio.sleep(AGAIN_S)

    def _wish(self, machine: Machine, what: What) -> CommandWish:
        lane = self._chance.choice(LANES)
        return CommandWish(
            machine=machine.name,
            what=what,
            by="operator",
            why="a whim",
            lane=lane if what is What.CLEAR_LANE else 0,
            on_site=self._chance.random() < 0.5,
            fills=(Fill(lane=lane, count=1),) if what is What.REFILL else (),
        )

    async def _ask(self, wish: CommandWish) -> Outcome:
        became = await self._world.office.command(wish)
        how = "done" if became.done else became.why.partition(".")[0]
        self._world.story.mark(f"command {wish.what}: {how}")
        self._world.story.add("operator", f"wants {wish.what}", machine=wish.machine, how=how)
        return became
