"""A lane out of sale: what brings it back, how often it is asked about, and that nothing turns for it."""

import asyncio
from collections.abc import Coroutine
from dataclasses import replace
from pathlib import Path

import pytest

from edge.core import machine as surroundings
from edge.core.alarms import alarms
from edge.core.lanes import (
    FIRST_TEST_S,
    SLOWEST_TEST_S,
    Lane,
    LaneTested,
    after_test,
    cleared,
    failed,
    next_test_s,
    reported,
)
from edge.core.model import ClearAlarm
from edge.engine_lanes import AGAIN_S, VISITED_S, SelfTests
from edge.ports import ClimateReported, LaneReported
from edge.senses import seen
from tests.unit.edge.test_machine import READY
from tests.unit.edge.world import Machine

JAMMED = Lane(stock=5, told=5, failures=2, suspect="lane_jam", cause="jam")
BROKEN = Lane(stock=5, told=5, failures=2, suspect="lane_fault", cause="motor_absent")


def test_a_self_test_that_passes_gives_one_more_try_and_the_next_failure_ends_it() -> None:
    tried = after_test(BROKEN, "")
    assert not tried.stopped
    assert failed(tried, turned=False, cause="motor_absent").stopped


def test_a_self_test_that_fails_leaves_the_lane_out_and_one_without_a_verdict_changes_nothing() -> None:
    assert after_test(BROKEN, "motor_absent") == replace(BROKEN, tests=1)
    for reason in ("bus", "bus_down", "no_answer", "busy", "no_request"):
        assert after_test(BROKEN, reason) == BROKEN


def test_a_self_test_of_a_lane_that_sells_changes_nothing() -> None:
    sells = Lane(stock=5, failures=1)
    assert after_test(sells, "") == after_test(sells, "motor_absent") == sells


def test_a_fault_that_the_board_told_ends_with_a_self_test_that_passes() -> None:
    assert after_test(Lane(fault="motor_absent"), "").fault == ""
    assert after_test(Lane(fault="motor_absent"), "motor_absent").fault == "motor_absent"


def test_a_persons_word_forgives_what_we_recorded_and_not_what_the_board_says() -> None:
    assert cleared(JAMMED) == Lane(stock=5, told=5)
    assert cleared(replace(JAMMED, fault="paused")).fault == "paused"


@pytest.mark.parametrize(
    ("lane", "visited", "after_s"),
    [
        (Lane(stock=5, failures=1), True, None),  # it sells
        (JAMMED, False, None),  # a stuck product waits for a hand
        (JAMMED, True, 0),
        (BROKEN, False, FIRST_TEST_S),
        (replace(BROKEN, tests=1), False, 2 * FIRST_TEST_S),
        (replace(BROKEN, tests=3), False, 8 * FIRST_TEST_S),
        (replace(BROKEN, tests=99), False, SLOWEST_TEST_S),
        (Lane(fault="motor_absent", tests=99), False, FIRST_TEST_S),  # the board's word costs no shopper
    ],
)
def test_what_is_out_of_sale_is_asked_about_at_a_pace_that_slows_down(
    lane: Lane, visited: bool, after_s: int | None
) -> None:
    assert next_test_s(lane, visited=visited) == after_s


def test_a_report_keeps_the_count_of_failures_and_of_tests() -> None:
    again = reported(replace(BROKEN, tests=2), Lane(stock=5, capacity=8))
    assert (again.failures, again.tests, again.cause, again.capacity) == (2, 2, "motor_absent", 8)


def test_a_way_back_clears_the_alarm_of_the_lane() -> None:
    stopped = surroundings.with_lane(READY, 12, JAMMED)
    over = (ClearAlarm(name="lane_jam", lane=12),)
    by_hand = surroundings.with_lane(stopped, 12, cleared(JAMMED))
    for free in (seen(stopped, LaneTested(lane=12, reason="")), by_hand):
        assert alarms(stopped, free) == over
        assert surroundings.lane_reason(free, 12) == ""
    for fact in (LaneTested(lane=12, reason="jam"), LaneTested(lane=77, reason="")):
        assert alarms(stopped, seen(stopped, fact)) == ()


# ---------------------------------------------------------------- the pace


class Later:
    """A loop whose time the test moves: what was called later is done when its time has come."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.now = 0.0
        self.loop.time = lambda: self.now  # type: ignore[method-assign]
        self.asked: list[int] = []
        self.free = True

    def tests(self) -> SelfTests:
        return SelfTests(self.test, self.spawn, lambda: self.free)

    async def test(self, lane: int) -> str:
        self.asked.append(lane)
        return ""

    def spawn(self, work: Coroutine[None, None, None], name: str) -> object:
        return self.loop.create_task(work, name=name)

    def at(self, seconds: float) -> list[int]:
        """Move on; the lanes that were asked about meanwhile."""
        self.asked.clear()
        self.now = seconds
        for _ in range(3):
            self.loop.call_soon(self.loop.stop)
            self.loop.run_forever()
        return list(self.asked)

    def look(self, tests: SelfTests, machine: surroundings.Machine) -> None:
        async def now() -> None:
            tests.look(machine)

        self.loop.run_until_complete(now())


def test_a_broken_lane_is_asked_after_its_time_and_again_while_there_is_no_verdict() -> None:
    later = Later()
    tests, broken = later.tests(), surroundings.with_lane(READY, 12, BROKEN)
    later.look(tests, broken)
    assert later.at(FIRST_TEST_S - 1) == []
    assert later.at(FIRST_TEST_S + 1) == [12]
    assert later.at(FIRST_TEST_S + AGAIN_S + 2) == [12]
    later.look(tests, surroundings.with_test(broken, 12, "motor_absent"))
    assert later.at(2 * FIRST_TEST_S) == []
    assert later.at(4 * FIRST_TEST_S) == [12]
    later.look(tests, surroundings.with_lane(broken, 12, cleared(BROKEN)))
    assert later.at(9 * SLOWEST_TEST_S) == []
    later.loop.close()


def test_a_sale_that_goes_on_is_not_disturbed() -> None:
    later = Later()
    later.free = False
    tests = later.tests()
    later.look(tests, surroundings.with_lane(READY, 12, BROKEN))
    assert later.at(FIRST_TEST_S + 1) == []
    later.free = True
    assert later.at(FIRST_TEST_S + AGAIN_S + 2) == [12]
    later.loop.close()


def test_a_door_that_was_closed_has_the_stuck_lanes_asked_about_once_it_is_shut() -> None:
    later = Later()
    tests, stuck = later.tests(), surroundings.with_lane(READY, 12, JAMMED)
    for door_open in (None, False, True):
        later.look(tests, replace(stuck, door_open=door_open))
    assert later.at(SLOWEST_TEST_S) == []
    later.look(tests, replace(stuck, door_open=False))
    assert later.at(SLOWEST_TEST_S + VISITED_S + 1) == [12]
    later.loop.close()


async def test_the_engine_asks_the_board_and_a_stuck_lane_sells_again(tmp_path: Path) -> None:
    async with Machine(tmp_path / "j.db") as machine:
        await machine.ready()
        engine = machine.engine
        await machine.done(LaneReported(lane=12, stock=5, capacity=8, fault="motor_absent"))
        assert surroundings.lane_reason(engine.machine, 12) == "fault"
        await engine._errands.test(12)
        await machine.until(lambda: surroundings.lane_reason(engine.machine, 12) == "")
        await machine.done(ClimateReported(temperature_c=5, door_open=False))
        assert machine.bus.vends == []
        assert machine.cloud.states["lane/12"]["reason"] == ""
