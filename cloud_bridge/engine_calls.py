"""Calls to the payment platform: one in flight for a sale, so many in all, queries evenly spaced.

A call that is wished while another is in flight for the same sale waits for it; the newest wish counts. An
unclear answer is no answer: the sale's timer asks again.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Final, assert_never

from cloud_bridge.core.model import (
    AlreadyPaid,
    NoSuchOrder,
    OrderClosed,
    OrderPlaced,
    Payment,
    RefundStatus,
    Refused,
    Unclear,
    Unpaid,
)
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
from cloud_bridge.ports import Clock, Log, Platform

PERSISTS: Final = 5  # so many answers in a row
# Keys, clock or account are wrong, here or there: asking again does not help.
LASTING: Final = frozenset(
    {
        *("sign_error", "no_auth", "appid_mchid_not_match", "mch_not_exists", "account_error"),
        *("request_blocked", "bad_signature", "unknown_serial", "key_out_of_date", "stale", "unsigned"),
    }
)
_Found = OrderPlaced | Payment | Unpaid | NoSuchOrder | OrderClosed | AlreadyPaid | RefundStatus
_Answer = _Found | Refused | Unclear


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How hard the platform may be pressed. `call_s` bounds one call, whatever the adapter does."""

    in_flight: int = 32
    queries_per_s: float = 50.0
    call_s: float = 60.0


class Calls:
    """Give it the engine's `spawn`, what to do with a clear answer, and with a cause that persists.

    `persists` is told the cause, and "" once an answer was clear again.
    """

    def __init__(
        self,
        *,
        platform: Platform,
        clock: Clock,
        pace: Pace,
        spawn: Callable[[Coroutine[None, None, None], str], object],
        answered: Callable[[str, Event], Awaitable[None]],
        persists: Callable[[str], Awaitable[None]],
        log: Log,
    ) -> None:
        self._platform: Final = platform
        self._clock: Final = clock
        self._pace: Final = pace
        self._spawn: Final = spawn
        self._answered: Final = answered
        self._persists: Final = persists
        self._log: Final = log
        self._slots: Final = asyncio.Semaphore(pace.in_flight)
        self._wanted: Final[dict[str, Call | None]] = {}
        self._free_ms = 0
        self._last_why, self._again = "", 0
        self.stands = False  # an alarm about the platform's answers
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
                answer = Unclear(sale_id=sale_id, why="too_slow")
        return await self._clear(sale_id, call, answer)

    async def _clear(self, sale_id: str, call: Call, answer: _Answer) -> Event | None:
        """What the answer means for the sale: an unclear one nothing, but its cause is counted."""
        name = type(call).__name__
        await self._look_out(answer.why if isinstance(answer, Unclear | Refused) else "")
        if isinstance(answer, Unclear):
            self.counts[f"{name}.unclear.{answer.why}"] += 1
            return None
        self.counts[f"{name}.{type(answer).__name__}"] += 1
        if not isinstance(answer, Refused):
            return answer
        self._log.warning("call.refused", sale_id=sale_id, call=name, why=answer.why, detail=answer.detail)
        return _refused(call, answer)

    async def _look_out(self, why: str) -> None:
        """A cause that comes again and again, and no clear answer with it, does not go away by itself."""
        if why and why not in LASTING:
            return
        changed, self._last_why = why != self._last_why, why
        self._again = 1 if changed else self._again + 1
        if why and self._again == PERSISTS:
            self.stands = True
            await self._persists(why)
        elif not why and self.stands:
            self.stands = False
            await self._persists("")

    async def _turn(self) -> None:
        """One limiter for the fleet: whoever comes waits behind those before."""
        now_ms = self._clock.now_ms()
        at_ms = max(now_ms, self._free_ms)
        self._free_ms = at_ms + round(1000 / self._pace.queries_per_s)
        if at_ms > now_ms:
            await asyncio.sleep((at_ms - now_ms) / 1000)

    async def _call(self, sale_id: str, call: Call) -> _Answer:
        match call:
            case PlaceOrder(body=body):
                return await self._platform.place(sale_id, body)
            case QueryOrder():
                return await self._platform.query(sale_id)
            case CloseOrder():
                return await self._platform.close(sale_id)
            case AskRefund(draft=draft):
                return await self._platform.refund(draft)
            case AskRefundStatus(refund_no=number):
                return await self._platform.refund_status(sale_id, number)
        assert_never(call)


def _refused(call: Call, answer: Refused) -> Event:
    if isinstance(call, AskRefund):
        number = call.draft.refund_no
        return RefundRefused(sale_id=answer.sale_id, refund_no=number, why=answer.why)
    return OrderRefused(sale_id=answer.sale_id, why=answer.why)
