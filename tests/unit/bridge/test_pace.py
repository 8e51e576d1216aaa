"""The gate through which all refunds of the fleet go, in virtual time: as many as the platform takes."""

import asyncio
from collections.abc import Callable

import pytest

from cloud_bridge.engine_pace import Pace, RefundGate
from tests.unit.bridge.virtual import play
from tests.unit.bridge.world import LoopClock


def begun(count: int, *, answer_s: float, fails: Callable[[int], bool], pace: Pace) -> list[float]:
    """When each of so many refunds, all wished at once, is asked for; each is answered after `answer_s`."""
    at_s: list[float] = []

    async def scene() -> None:
        gate, loop = RefundGate(LoopClock(), pace), asyncio.get_running_loop()
        start_s = loop.time()

        async def one(number: int) -> None:
            await gate.enter()
            at_s.append(loop.time() - start_s)
            await asyncio.sleep(answer_s)
            gate.leave(failed=fails(number))

        await asyncio.gather(*(one(number) for number in range(count)))

    play(scene())
    return at_s


def most_in_a_second(at_s: list[float]) -> int:
    return max(sum(begin <= each < begin + 0.999 for each in at_s) for begin in at_s)


@pytest.mark.parametrize("answer_s", [0.0, 0.08, 0.9, 7.0])
def test_of_refunds_that_fail_at_most_six_are_asked_for_in_a_second(answer_s: float) -> None:
    at_s = begun(60, answer_s=answer_s, fails=lambda number: True, pace=Pace())
    assert most_in_a_second(at_s) <= 6
    assert len(at_s) == 60


def test_refunds_that_succeed_are_not_held_up_by_the_rule_for_failing_ones() -> None:
    at_s = begun(300, answer_s=0.05, fails=lambda number: False, pace=Pace())
    assert max(at_s) < 6
    assert most_in_a_second(at_s) <= 80


def test_old_orders_too_stay_below_five_thousand_a_minute() -> None:
    at_s = begun(600, answer_s=0.0, fails=lambda number: False, pace=Pace())
    assert most_in_a_second(at_s) * 60 <= 5000


def test_one_that_fails_among_good_ones_slows_nobody_for_longer_than_a_second() -> None:
    at_s = begun(60, answer_s=0.01, fails=lambda number: number in (3, 20), pace=Pace())
    assert max(at_s) < 1.5


def test_what_is_not_answered_yet_may_fail() -> None:
    at_s = begun(7, answer_s=30.0, fails=lambda number: False, pace=Pace())
    assert at_s == pytest.approx([0, 0, 0, 0, 0, 0, 30.0])


def test_whoever_came_first_goes_first() -> None:
    order: list[int] = []

    async def scene() -> None:
        gate = RefundGate(LoopClock(), Pace(failing_refunds_per_s=1))

        async def one(number: int) -> None:
            await gate.enter()
            order.append(number)
            gate.leave(failed=True)

        await asyncio.gather(*(one(number) for number in range(5)))

    play(scene())
    assert order == [0, 1, 2, 3, 4]
