"""Calls to the payment platform: one in flight for a sale, so many in all, at a pace that it takes.

A call that is wished while another is in flight for the same sale waits for it; the newest wish counts. An
unclear answer is no answer: the sale's timer asks again.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import replace
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
from cloud_bridge.engine_pace import Pace, RefundGate, Spaced
from cloud_bridge.ports import Clock, Log, Platform

PERSISTS: Final = 5  # so many answers in a row
NO_MERCHANT: Final = "no_such_merchant"
# Keys, clock or account are wrong, here or there: asking again does not help.
LASTING: Final = frozenset(
    {
        *("sign_error", "no_auth", "appid_mchid_not_match", "mch_not_exists", "account_error"),
        *("request_blocked", "bad_signature", "unknown_serial", "key_out_of_date", "stale", "unsigned"),
        *("weaker_signature", "signature_type", "other_merchant", "no_certificate"),
        NO_MERCHANT,  # sales of one that the settings do not have any more
    }
)
_Found = OrderPlaced | Payment | Unpaid | NoSuchOrder | OrderClosed | AlreadyPaid | RefundStatus
_Answer = _Found | Refused | Unclear


class Calls:
    """Give it the engine's `spawn`, what to do with a clear answer, and with a cause that persists.

    `platform` gives a merchant's, None for one that nobody set up: his orders wait. `persists` is told the
    cause, and "" once an answer was clear again; `ordered` of each order, why not or "".
    """

    def __init__(
        self,
        *,
        platform: Callable[[str], Platform | None],
        clock: Clock,
        pace: Pace,
        spawn: Callable[[Coroutine[None, None, None], str], object],
        answered: Callable[[str, Event], Awaitable[None]],
        persists: Callable[[str], Awaitable[None]],
        ordered: Callable[[str], None],
        log: Log,
    ) -> None:
        self._platform: Final = platform
        self._call_s: Final = pace.call_s
        self._spawn: Final = spawn
        self._answered: Final = answered
        self._persists: Final = persists
        self._ordered: Final = ordered
        self._log: Final = log
        self._slots: Final = asyncio.Semaphore(pace.in_flight)
        self._wanted: Final[dict[str, Call | None]] = {}
        self._queries: Final = Spaced(clock, pace.queries_per_s)
        self._refunds: Final = RefundGate(clock, pace)
        self._last_why, self._again = "", 0
        self.stands = False  # an alarm about the platform's answers
        self.counts: Final[Counter[str]] = Counter()

    def want(self, sale_id: str, call: Call, *, merchant: str = "") -> None:
        """Make this call as soon as the sale's last one is answered. A sale has one merchant for ever."""
        if sale_id in self._wanted:
            self._wanted[sale_id] = call
            return
        self._wanted[sale_id] = None
        self._spawn(self._make(sale_id, call, merchant), f"call {sale_id}")

    async def _make(self, sale_id: str, first: Call, merchant: str) -> None:
        call: Call | None = first
        while call is not None:
            answer = await self._one(sale_id, call, merchant)
            if isinstance(answer, Payment | RefundStatus):
                answer = replace(answer, merchant=merchant)
            if answer is not None:
                await self._answered(sale_id, answer)
            call, self._wanted[sale_id] = self._wanted[sale_id], None
        del self._wanted[sale_id]

    async def _one(self, sale_id: str, call: Call, merchant: str) -> Event | None:
        if isinstance(call, QueryOrder):
            await self._queries.turn()
        if isinstance(call, AskRefund):
            answer = await self._refund(sale_id, call, merchant)
        else:
            answer = await self._answer(sale_id, call, merchant)
        return await self._clear(sale_id, call, answer)

    async def _refund(self, sale_id: str, call: AskRefund, merchant: str) -> _Answer:
        """Through the gate; whatever is not taken on counts as failing there."""
        await self._refunds.enter()
        answer: _Answer | None = None
        try:
            answer = await self._answer(sale_id, call, merchant)
        finally:
            self._refunds.leave(failed=not isinstance(answer, RefundStatus))
        return answer

    async def _answer(self, sale_id: str, call: Call, merchant: str) -> _Answer:
        async with self._slots:
            try:
                async with asyncio.timeout(self._call_s):
                    return await self._call(sale_id, call, self._platform(merchant))
            except TimeoutError:
                return Unclear(sale_id=sale_id, why="too_slow")

    async def _clear(self, sale_id: str, call: Call, answer: _Answer) -> Event | None:
        """What the answer means for the sale: an unclear one nothing, but its cause is counted."""
        name = type(call).__name__
        if isinstance(call, PlaceOrder):
            self._ordered(answer.why if isinstance(answer, Unclear | Refused) else "")
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
        if why and self._again % PERSISTS == 0:  # again and again: a person may have cleared it too early
            self.stands = True
            await self._persists(why)
        elif not why and self.stands:
            self.stands = False
            await self._persists("")

    async def _call(self, sale_id: str, call: Call, platform: Platform | None) -> _Answer:
        if platform is None:
            return Unclear(sale_id=sale_id, why=NO_MERCHANT)
        match call:
            case PlaceOrder(body=body):
                return await platform.place(sale_id, body)
            case QueryOrder():
                return await platform.query(sale_id)
            case CloseOrder():
                return await platform.close(sale_id)
            case AskRefund(draft=draft):
                return await platform.refund(draft)
            case AskRefundStatus(refund_no=number):
                return await platform.refund_status(sale_id, number)
        assert_never(call)


def _refused(call: Call, answer: Refused) -> Event:
    if isinstance(call, AskRefund):
        number = call.draft.refund_no
        return RefundRefused(sale_id=answer.sale_id, refund_no=number, why=answer.why)
    return OrderRefused(sale_id=answer.sale_id, why=answer.why)
