"""When a lane that is out of sale is asked about: at a pace, and soon after the door was closed.

Only while no sale goes on, because the board answers one question at a time.
"""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from typing import Final

from edge.core.lanes import Lane, next_test_s
from edge.core.machine import Machine

VISITED_S: Final = 10.0  # after the door was closed: the board may still start, or count
AGAIN_S: Final = 60.0  # while a sale goes on, or the board gave no verdict


class SelfTests:
    """`test` asks the board about a lane and posts what it said; `free`: no sale goes on."""

    def __init__(
        self,
        test: Callable[[int], Coroutine[None, None, str]],
        spawn: Callable[[Coroutine[None, None, None], str], object],
        free: Callable[[], bool],
    ) -> None:
        self._test: Final = test
        self._spawn: Final = spawn
        self._free: Final = free
        self._waiting: Final[dict[int, tuple[Lane, asyncio.TimerHandle]]] = {}
        self._lanes: Mapping[int, Lane] = {}
        self._door_open: bool | None = None

    def look(self, machine: Machine) -> None:
        """The machine as it is now: begin to wait for what is out of sale, and stop for what is not."""
        visited = self._door_open is True and machine.door_open is False
        if machine.lanes is self._lanes and not visited:
            self._door_open = machine.door_open
            return
        self._lanes, self._door_open = machine.lanes, machine.door_open
        for number in machine.products:
            lane = machine.lanes.get(number, Lane())
            if visited or number not in self._waiting or self._waiting[number][0] != lane:
                self._wait(number, lane, visited=visited)

    def _wait(self, number: int, lane: Lane, *, visited: bool) -> None:
        if number in self._waiting:
            self._waiting.pop(number)[1].cancel()
        after_s = next_test_s(lane, visited=visited)
        if after_s is not None:
            self._arm(number, lane, max(float(after_s), VISITED_S))

    def _arm(self, number: int, lane: Lane, delay_s: float) -> None:
        loop = asyncio.get_running_loop()
        self._waiting[number] = lane, loop.call_later(delay_s, self._due, number, lane)

    def _due(self, number: int, lane: Lane) -> None:
        # A verdict changes the lane, and with it the wait; without one the question is put again.
        self._arm(number, lane, AGAIN_S)
        if self._free():
            self._spawn(self._ask(number), f"self-test of lane {number}")

    async def _ask(self, number: int) -> None:
        await self._test(number)
