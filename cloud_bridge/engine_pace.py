"""How hard the platform may be pressed: queries evenly spaced, refunds as many as it takes, good and failing.

From the documented limits of refunds: 150 a second, 6 a second of those that fail, 5,000 a minute of old
orders. What is not answered yet may fail, so it counts as failing.
"""

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import Final

from cloud_bridge.ports import Clock

_SECOND_MS: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """`call_s` bounds one call, whatever the adapter does. 80 refunds a second are under 5,000 a minute."""

    in_flight: int = 32
    queries_per_s: float = 50.0
    refunds_per_s: int = 80
    failing_refunds_per_s: int = 6
    call_s: float = 60.0


class Spaced:
    """One after the other, evenly: whoever comes waits behind those before."""

    def __init__(self, clock: Clock, per_s: float) -> None:
        self._clock: Final = clock
        self._per_s: Final = per_s
        self._free_ms = 0

    async def turn(self) -> None:
        """Wait for one's own turn."""
        now_ms = self._clock.now_ms()
        at_ms = max(now_ms, self._free_ms)
        self._free_ms = at_ms + round(_SECOND_MS / self._per_s)
        if at_ms > now_ms:
            await asyncio.sleep((at_ms - now_ms) / _SECOND_MS)


class RefundGate:
    """One gate for the fleet's refunds. Whoever came in by `enter` leaves by `leave`, once."""

    def __init__(self, clock: Clock, pace: Pace) -> None:
        self._clock: Final = clock
        self._pace: Final = pace
        self._queue: Final = asyncio.Lock()
        self._left: Final = asyncio.Event()
        self._begun_ms: Final[deque[int]] = deque()
        self._failed_ms: Final[deque[int]] = deque()
        self._inside = 0

    async def enter(self) -> None:
        """Wait until one more may be asked for, behind those who came before."""
        async with self._queue:
            while (wait_ms := self._wait_ms()) != 0:
                self._left.clear()
                try:
                    async with asyncio.timeout(None if wait_ms is None else wait_ms / _SECOND_MS):
                        await self._left.wait()
                except TimeoutError:
                    continue
            self._inside += 1
            self._begun_ms.append(self._clock.now_ms())

    def leave(self, *, failed: bool) -> None:
        """An answer came, or none will."""
        self._inside -= 1
        if failed:
            self._failed_ms.append(self._clock.now_ms())
        self._left.set()

    def _wait_ms(self) -> int | None:
        """How long to wait for, 0 when nothing is in the way; None: until somebody leaves."""
        now_ms = self._clock.now_ms()
        for past in (self._begun_ms, self._failed_ms):
            while past and past[0] <= now_ms - _SECOND_MS:
                past.popleft()
        if len(self._begun_ms) >= self._pace.refunds_per_s:
            return self._begun_ms[0] + _SECOND_MS - now_ms
        if len(self._failed_ms) + self._inside < self._pace.failing_refunds_per_s:
            return 0
        return self._failed_ms[0] + _SECOND_MS - now_ms if self._failed_ms else None
