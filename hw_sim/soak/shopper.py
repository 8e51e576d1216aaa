"""Somebody who buys on and on at the machine, pays most of the time, and does what shoppers do otherwise."""

import asyncio
import contextlib
import random
from collections import Counter
from typing import Final

from hw_sim.demo.eye import Eye
from hw_sim.demo.scenery import screen
from hw_sim.demo.shelf import SHELF
from hw_sim.demo.web_call import CallFailed
from hw_sim.soak.cast import STOCK, Cast

_CODE_S: Final = 2.5
_WAYS: Final = {
    "pays": 70,
    "pays and cancels": 8,
    "pays when it is closed": 6,
    "cancels": 6,
    "chooses again": 6,
    "walks away": 4,
}


class Shopper:
    """`did` counts what was done. Nobody here knows which program is dead at the moment."""

    def __init__(self, cast: Cast, chance: random.Random) -> None:
        self.did: Final[Counter[str]] = Counter()
        self._cast: Final = cast
        self._chance: Final = chance
        self._eye: Final = Eye(screen(cast.folder))

    async def shop(self) -> None:
        """Buy until cancelled."""
        while True:
            lane = self._chance.choice(SHELF).lane
            self._cast.press({"do": "stock", "lane": lane, "pieces": STOCK})
            self._cast.press({"do": "key", "lane": lane})
            with contextlib.suppress(TimeoutError, CallFailed):
                await self._act(await self._eye.new_code(_CODE_S))
            await asyncio.sleep(self._chance.uniform(0, 0.4))

    def leave(self) -> None:
        """Give back what is on the screen."""
        self._cast.press({"do": "cancel"})

    async def _act(self, code: str) -> None:
        way = self._chance.choices(list(_WAYS), weights=list(_WAYS.values()))[0]
        self.did[way] += 1
        await asyncio.sleep(self._chance.uniform(0, 0.3))
        await self._cast.desk("scan", {"code_url": code})
        match way:
            case "pays":
                await self._cast.desk("pay", {"code_url": code})
                await asyncio.sleep(self._chance.uniform(0.2, 1.0))
            case "pays and cancels":
                await self._cast.desk("pay", {"code_url": code})
                self._cast.press({"do": "cancel"})
            case "pays when it is closed":
                self._cast.press({"do": "cancel"})
                await asyncio.sleep(self._chance.uniform(0, 0.5))
                await self._cast.desk("pay", {"code_url": code, "race": True})
            case "cancels":
                self._cast.press({"do": "cancel"})
            case _:
                pass
