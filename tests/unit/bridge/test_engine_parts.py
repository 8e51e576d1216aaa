"""Timers, waits, calls and onlookers, each by itself."""

import asyncio
from collections.abc import Coroutine
from dataclasses import replace
from typing import Any

import pytest

from cloud_bridge.core.model import OrderPlaced, RefundDraft
from cloud_bridge.core.sale import (
    AskRefund,
    CloseOrder,
    Event,
    OrderRefused,
    PlaceOrder,
    QueryOrder,
    Sale,
    Timer,
)
from cloud_bridge.core.timings import Timings
from cloud_bridge.core.waits import wait_s
from cloud_bridge.engine_calls import PERSISTS, Calls
from cloud_bridge.engine_facts import Facts
from cloud_bridge.engine_pace import Pace
from cloud_bridge.engine_timers import Timers
from cloud_bridge.ports import Fact
from tests.unit.bridge.rows import CLOSED, CLOSING, OFFERED, QUOTED, REFUNDING, VENDING
from tests.unit.bridge.virtual import play
from tests.unit.bridge.wechat import LATENCY_S, Wechat
from tests.unit.bridge.world import LoopClock
from tests.unit.web.bridge import Lines

A, B = ("a", Timer.QUERY), ("b", Timer.QUERY)
DRAFT = RefundDraft(sale_id="a", refund_no="Ra", refund_fen=350, paid_fen=350, reason="")


def test_timers_ring_in_order_and_once() -> None:
    timers = Timers()
    timers.at(B, 20)
    timers.at(A, 10)
    assert timers.next_ms() == 10
    assert timers.ring(9) == ()
    assert timers.ring(25) == (A, B)
    assert timers.ring(25) == ()
    assert timers.next_ms() is None


def test_the_newest_wish_for_a_timer_counts() -> None:
    timers = Timers()
    timers.at(A, 10)
    timers.at(A, 30)
    assert timers.ring(20) == ()
    assert timers.due_ms(A) == 30
    timers.at(A, 25)
    assert timers.ring(25) == (A,)


def test_a_stopped_timer_is_silent_and_its_schedule_forgotten() -> None:
    timers = Timers()
    assert [timers.nth(A, anew=False) for _ in range(3)] == [0, 1, 2]
    timers.at(A, 10)
    timers.stop("a", (Timer.QUERY,))
    assert timers.ring(99) == ()
    assert timers.nth(A, anew=False) == 0
    assert [timers.nth(A, anew=True), timers.nth(A, anew=False)] == [0, 1]


def test_a_timer_that_is_set_for_ever_anew_does_not_grow_the_heap() -> None:
    timers = Timers()
    for due_ms in range(100_000):
        timers.at(A, due_ms)
    assert len(timers._heap) < 2_000
    assert timers.ring(100_000) == (A,)


@pytest.mark.parametrize(
    ("timer", "sale", "waits"),
    [
        (Timer.PLACE, QUOTED, [1, 2, 4, 8, 10, 10]),
        (Timer.QUERY, OFFERED, [4, 4, 4]),
        (Timer.QUERY, replace(OFFERED, window_over=True), [15, 15, 15]),
        (Timer.QUERY, CLOSING, [15, 15, 15]),
        (Timer.QUERY, replace(CLOSING, past=True), [60, 300, 900, 3600, 3600]),
        (Timer.QUERY, CLOSED, [60, 300, 900, 3600, 3600]),
        (Timer.AUTHORISE, VENDING, [2, 3, 4.5, 6.75, 10, 10]),
        (Timer.ASK, VENDING, [5, 10, 20, 40, 60, 60]),
        (Timer.REFUND, REFUNDING, [5, 60, 120, 240]),
        (Timer.REFUND, replace(REFUNDING, refund_accepted=True), [60, 60]),
        (Timer.REFUND, replace(REFUNDING, case="refund_stuck"), [3600, 3600]),
    ],
)
def test_each_wait_follows_its_schedule(timer: Timer, sale: Sale, waits: list[float]) -> None:
    assert [wait_s(timer, nth, sale, Timings(), 0.5) for nth in range(len(waits))] == waits


def test_a_wait_stays_bounded_for_ever() -> None:
    assert wait_s(Timer.ASK, 10**9, VENDING, Timings(), 0.5) == 60


class Caller:
    """The real calls on the test's platform, with what came back."""

    def __init__(self, pace: Pace) -> None:
        self.wechat = Wechat()
        self.answers: list[tuple[str, Event]] = []
        self.tasks: list[asyncio.Task[None]] = []
        self.lasting: list[str] = []
        self.ordered: list[str] = []
        self.log = Lines()
        self.calls = Calls(
            platform=lambda merchant: None if merchant else self.wechat,
            clock=LoopClock(),
            pace=pace,
            spawn=self._spawn,
            answered=self._answered,
            persists=self._persists,
            ordered=self.ordered.append,
            log=self.log,
        )

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> None:
        self.tasks.append(asyncio.get_running_loop().create_task(work))

    async def _answered(self, sale_id: str, event: Event) -> None:
        self.answers.append((sale_id, event))

    async def _persists(self, why: str) -> None:
        self.lasting.append(why)

    async def asks(self, times: int = 1) -> None:
        for _ in range(times):
            self.calls.want("a", QueryOrder())
            await self.done()

    async def done(self) -> None:
        while any(not task.done() for task in self.tasks):
            await asyncio.gather(*self.tasks)


def test_a_sale_has_one_call_in_flight_and_the_newest_wish_follows() -> None:
    async def scene() -> None:
        caller = Caller(Pace())
        caller.calls.want("a", PlaceOrder(body=b'["a", 350, "vm", 0]'))
        caller.calls.want("a", QueryOrder())
        caller.calls.want("a", CloseOrder())
        await caller.done()
        assert dict(caller.wechat.calls) == {"place": 1, "close": 1}
        assert isinstance(caller.answers[0][1], OrderPlaced)

    play(scene())


def test_queries_of_the_fleet_are_spaced_evenly() -> None:
    async def scene() -> None:
        caller = Caller(Pace(queries_per_s=10))
        begin = asyncio.get_running_loop().time()
        for number in range(11):
            caller.calls.want(f"sale-{number}", QueryOrder())
        await caller.done()
        took_s = asyncio.get_running_loop().time() - begin
        assert took_s == pytest.approx(1 + LATENCY_S, abs=0.01)

    play(scene())


def test_calls_in_flight_are_bounded() -> None:
    async def scene() -> None:
        caller = Caller(Pace(in_flight=2))
        begin = asyncio.get_running_loop().time()
        for number in range(10):
            caller.calls.want(f"sale-{number}", CloseOrder())
        await caller.done()
        assert asyncio.get_running_loop().time() - begin == pytest.approx(5 * LATENCY_S, abs=0.01)

    play(scene())


def test_orders_of_a_merchant_that_nobody_set_up_wait_and_are_said_to() -> None:
    async def scene() -> None:
        caller = Caller(Pace())
        for _ in range(PERSISTS):
            caller.calls.want("a", QueryOrder(), merchant="gone")
            await caller.done()
        assert (caller.answers, caller.wechat.calls) == ([], {})
        assert caller.lasting == ["no_such_merchant"]

    play(scene())


def test_a_fleet_that_cannot_refund_asks_six_times_a_second_and_no_more() -> None:
    async def scene() -> None:
        caller = Caller(Pace())
        caller.wechat.refusals["refund"] = "not_enough"
        begin = asyncio.get_running_loop().time()
        for number in range(30):
            draft = replace(DRAFT, sale_id=f"sale-{number}")
            caller.calls.want(draft.sale_id, AskRefund(draft=draft))
        await caller.done()
        assert asyncio.get_running_loop().time() - begin == pytest.approx(4, abs=0.5)
        assert caller.wechat.calls["refund"] == 30

    play(scene())


def test_a_call_that_hangs_is_unclear_and_the_sale_may_call_again() -> None:
    async def scene() -> None:
        caller = Caller(Pace(call_s=LATENCY_S / 2))
        caller.calls.want("a", QueryOrder())
        await caller.done()
        assert caller.answers == []
        assert caller.calls.counts == {"QueryOrder.unclear.too_slow": 1}
        caller.wechat.in_flight.clear()
        caller.calls.want("a", QueryOrder())
        await caller.done()
        assert caller.calls.counts == {"QueryOrder.unclear.too_slow": 2}

    play(scene())


def test_a_refusal_is_told_to_the_log_in_the_platforms_words() -> None:
    async def scene() -> None:
        caller = Caller(Pace())
        caller.wechat.refusals["place"] = "param_error"
        caller.calls.want("a", PlaceOrder(body=b'["a", 350, "vm", 0]'))
        await caller.done()
        assert caller.answers == [("a", OrderRefused(sale_id="a", why="param_error"))]
        ((event, fields),) = caller.log.lines
        assert event == "call.refused"
        assert fields == {"sale_id": "a", "call": "PlaceOrder", "why": "param_error", "detail": "said so"}

    play(scene())


def test_a_cause_that_no_repeat_mends_is_told_once_and_taken_back_by_a_clear_answer() -> None:
    async def scene() -> None:
        caller = Caller(Pace())
        caller.wechat.unclear = "sign_error"
        await caller.asks(PERSISTS - 1)
        assert caller.lasting == []
        await caller.asks(3)
        assert caller.lasting == ["sign_error"]
        assert caller.calls.counts == {"QueryOrder.unclear.sign_error": PERSISTS + 2}
        caller.wechat.unclear = ""
        await caller.asks(2)
        assert caller.lasting == ["sign_error", ""]

    play(scene())


def test_a_network_that_is_down_is_no_cause_that_lasts_and_clears_none() -> None:
    async def scene() -> None:
        caller = Caller(Pace())
        caller.wechat.unclear = "timeout"
        await caller.asks(3 * PERSISTS)
        assert caller.lasting == []
        caller.wechat.unclear = "sign_error"
        await caller.asks(PERSISTS)
        caller.wechat.unclear = "timeout"
        await caller.asks(2)
        assert caller.lasting == ["sign_error"]

    play(scene())


def test_an_alarm_from_before_a_restart_is_taken_back_too() -> None:
    async def scene() -> None:
        caller = Caller(Pace())
        caller.calls.stands = True
        await caller.asks()
        assert caller.lasting == [""]

    play(scene())


def fact(number: int) -> Fact:
    return Fact(wall_ms=number, machine="vm", sale_id="", who="bridge", what="x")


async def test_an_onlooker_sees_what_happens_from_its_call_on() -> None:
    facts = Facts()
    facts.publish([fact(1)])
    reader = facts.read()
    facts.publish([fact(2), fact(3)])
    assert [(await anext(reader)).wall_ms for _ in range(2)] == [2, 3]


async def test_a_slow_onlooker_loses_the_oldest_facts() -> None:
    facts = Facts()
    reader = facts.read()
    facts.publish(fact(number) for number in range(300))
    assert (await anext(reader)).wall_ms == 300 - 256
