"""Calls to the payment platform: one in flight for a sale, so many in all, queries evenly spaced.

A call that is wished while another is in flight for the same sale waits for it; the newest wish counts. An
unclear answer is no answer: the sale's timer asks again.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Final, assert_never

from cloud_bridge.core.model import Refused, Unclear
from cloud_bridge.core.sale import (
    AskRefund,
    AskRefundStatus,
    Call,
    CloseOrder,
    Event,
    OrderRefused,
    PlaceOrder,
    QueryOrder,
    RefundRefused,
)
from cloud_bridge.ports import Clock, Platform


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How hard the platform may be pressed. `call_s` bounds one call, whatever the adapter does."""

    in_flight: int = 32
    queries_per_s: float = 50.0
    call_s: float = 60.0


class Calls:
    """Give it the engine's `spawn` and what to do with a clear answer."""

    def __init__(
        self,
        *,
        platform: Platform,
        clock: Clock,
        pace: Pace,
        spawn: Callable[[Coroutine[None, None, None], str], object],
        answered: Callable[[str, Event], Awaitable[None]],
    ) -> None:
        self._platform: Final = platform
        self._clock: Final = clock
        self._pace: Final = pace
        self._spawn: Final = spawn
        self._answered: Final = answered
        self._slots: Final = asyncio.Semaphore(pace.in_flight)
        self._wanted: Final[dict[str, Call | None]] = {}
        self._free_ms = 0
        self.counts: Final[Counter[str]] = Counter()

    def want(self, sale_id: str, call: Call) -> None:
        """Make this call as soon as the sale's last one is answered."""
        if sale_id in self._wanted:
            self._wanted[sale_id] = call
            return
        self._wanted[sale_id] = None
        self._spawn(self._make(sale_id, call), f"call {sale_id}")

    async def _make(self, sale_id: str, first: Call) -> None:
        call: Call | None = first
        while call is not None:
            answer = await self._one(sale_id, call)
            if answer is not None:
                await self._answered(sale_id, answer)
            call, self._wanted[sale_id] = self._wanted[sale_id], None
        del self._wanted[sale_id]

    async def _one(self, sale_id: str, call: Call) -> Event | None:
        if isinstance(call, QueryOrder):
            await self._turn()
        async with self._slots:
            try:
                async with asyncio.timeout(self._pace.call_s):
                    answer = await self._call(sale_id, call)
            except TimeoutError:
                answer = None
        name = type(call).__name__
        self.counts[f"{name}.{'unclear' if answer is None else type(answer).__name__}"] += 1
        return answer

    async def _turn(self) -> None:
        """One limiter for the fleet: whoever comes waits behind those before."""
        now_ms = self._clock.now_ms()
        at_ms = max(now_ms, self._free_ms)
        self._free_ms = at_ms + round(1000 / self._pace.queries_per_s)
        if at_ms > now_ms:
            await asyncio.sleep((at_ms - now_ms) / 1000)

    async def _call(self, sale_id: str, call: Call) -> Event | None:
        match call:
            case PlaceOrder(body=body):
                placed = await self._platform.place(sale_id, body)
                if isinstance(placed, Refused):
                    return OrderRefused(sale_id=sale_id, why=placed.why)
                return None if isinstance(placed, Unclear) else placed
            case QueryOrder():
                found = await self._platform.query(sale_id)
                return None if isinstance(found, Unclear) else found
            case CloseOrder():
                closed = await self._platform.close(sale_id)
                return None if isinstance(closed, Unclear) else closed
            case AskRefund(draft=draft):
                given = await self._platform.refund(draft)
                if isinstance(given, Refused):
                    return RefundRefused(sale_id=sale_id, refund_no=draft.refund_no, why=given.why)
                return None if isinstance(given, Unclear) else given
            case AskRefundStatus(refund_no=number):
                status = await self._platform.refund_status(sale_id, number)
                return None if isinstance(status, Unclear) else status
        assert_never(call)
