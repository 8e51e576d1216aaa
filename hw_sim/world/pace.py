"""How often and for how long something goes wrong in a world."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from hw_sim.world.world import World


class Pace:
    """What every kind of trouble draws from. `over` once everything heals."""

    def __init__(self, world: World) -> None:
        self.world: Final = world
        self.chance: Final = world.chance("trouble")
        self.over = False
        self.pace_s: Final = self.chance.choice((20.0, 60.0, 200.0))

    async def now_and_then(self, strike: Callable[[], Awaitable[None]]) -> None:
        """Until everything heals."""
        while not self.over:
            await asyncio.sleep(self.chance.random() * 2 * self.pace_s)
            if not self.over:
                await strike()

    async def for_a_while(self) -> None:
        """Between no time and five minutes."""
        await asyncio.sleep(self.chance.choice((1.0, 10.0, 60.0, 300.0)) * self.chance.random())
