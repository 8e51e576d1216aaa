"""No sale for longer than a machine's own pattern allows: seldom a false alarm, and soon a true one.

The machines here sell by chance (a Poisson process with a day and a week of its own), so that how often they
are silent for long is known.
"""

import random
from collections.abc import Callable
from itertools import pairwise

import pytest

from cloud_bridge.core.silence import (
    FEWEST_SALES,
    HOUR_MS,
    MOST_WEEKS,
    WEEK_MS,
    Pattern,
    learnt,
    missed,
)

START_MS = 1_700_000_000_000 // WEEK_MS * WEEK_MS
Rate = Callable[[int], float]  # sales an hour, by the hour of the week


def by_day(hour: int) -> float:
    """A school: busy by day, never at night or on two days of the week."""
    return 3.0 if 8 <= hour % 24 < 18 and hour // 24 < 5 else 0.0


def round_the_clock(hour: int) -> float:
    """A station: always somebody."""
    return 4.0 if 6 <= hour % 24 < 22 else 0.5


def seldom(hour: int) -> float:
    """A staircase: a few a day."""
    return 0.3


def sales(rate: Rate, weeks: int, seed: int) -> list[int]:
    """When it sells, hour by hour."""
    draw, sold, most = random.Random(seed), list[int](), max(map(rate, range(168)))
    at_ms = float(START_MS)
    while at_ms < START_MS + weeks * WEEK_MS:
        at_ms += draw.expovariate(most) * HOUR_MS
        if draw.random() * most < rate(int(at_ms // HOUR_MS) % 168):
            sold.append(int(at_ms))
    return sold


def false_alarms(rate: Rate, seed: int) -> int:
    """In a year after eight weeks of learning, learnt anew every four weeks."""
    sold = sales(rate, MOST_WEEKS + 52, seed)
    learn_ms, pattern, alarms = START_MS + MOST_WEEKS * WEEK_MS, None, 0
    for before, after in pairwise(sold):
        while after >= learn_ms:
            pattern = learnt(
                [at for at in sold if learn_ms - (MOST_WEEKS + 1) * WEEK_MS <= at < learn_ms], learn_ms
            )
            learn_ms += 4 * WEEK_MS
        alarms += missed(pattern, before, after) > 0
    return alarms


@pytest.mark.parametrize("rate", [by_day, round_the_clock, seldom])
def test_a_machine_raises_less_than_one_false_alarm_a_year(rate: Rate) -> None:
    years = 2
    assert sum(false_alarms(rate, seed) for seed in range(years)) < years


@pytest.mark.parametrize(("rate", "hours"), [(by_day, 12), (round_the_clock, 8), (seldom, 60)])
def test_a_machine_that_broke_in_the_morning_is_noticed(rate: Rate, hours: int) -> None:
    sold = sales(rate, MOST_WEEKS, seed=7)
    pattern = learnt(sold, START_MS + MOST_WEEKS * WEEK_MS)
    assert pattern is not None
    morning_ms = START_MS + MOST_WEEKS * WEEK_MS + 8 * HOUR_MS
    open_ms = [morning_ms + hour * HOUR_MS for hour in range(24 * 7)]
    first = next(at for at in open_ms if missed(pattern, morning_ms, at))
    busy = sum(rate(int(at // HOUR_MS) % 168) > 0 for at in range(morning_ms, first, HOUR_MS))
    assert busy <= hours


def test_a_night_and_a_weekend_are_no_silence() -> None:
    pattern = learnt(sales(by_day, MOST_WEEKS, seed=3), START_MS + MOST_WEEKS * WEEK_MS)
    assert pattern is not None
    friday_ms = START_MS + (MOST_WEEKS * 168 + 4 * 24 + 18) * HOUR_MS
    assert missed(pattern, friday_ms, friday_ms + (2 * 24 + 14) * HOUR_MS) == 0


def test_crowds_make_a_machine_patient_up_to_a_bound() -> None:
    """Ten at once, then nothing for days: its own gaps say more than chance does."""
    crowds = [START_MS + day * 24 * HOUR_MS + sale * 1000 for day in range(0, 56, 4) for sale in range(10)]
    pattern = learnt(crowds, START_MS + MOST_WEEKS * WEEK_MS)
    steady = learnt(sales(lambda hour: 0.1, MOST_WEEKS, seed=1), START_MS + MOST_WEEKS * WEEK_MS)
    assert pattern is not None
    assert steady is not None
    assert pattern.limit > steady.limit
    assert pattern.limit <= 2.0 * (0.6931 * 10 + 1)


@pytest.mark.parametrize("weeks", [0, 1, 3])
def test_a_new_machine_has_no_pattern_yet(weeks: int) -> None:
    sold = sales(round_the_clock, max(1, weeks), seed=1)[: None if weeks else 0]
    assert learnt(sold, START_MS + weeks * WEEK_MS + HOUR_MS) is None


def test_a_machine_that_hardly_sells_has_none_either() -> None:
    few = [START_MS + day * 2 * 24 * HOUR_MS for day in range(FEWEST_SALES - 1)]
    assert learnt(few, START_MS + MOST_WEEKS * WEEK_MS) is None
    assert missed(None, 0, START_MS) == 0


def test_expectation_is_counted_by_parts_of_hours_and_over_weeks() -> None:
    pattern = Pattern(expected=(1.0,) * 168, limit=5)
    assert pattern.between(START_MS, START_MS + HOUR_MS // 2) == pytest.approx(0.5)
    assert pattern.between(START_MS + HOUR_MS // 4, START_MS + 2 * HOUR_MS) == pytest.approx(1.75)
    assert pattern.between(START_MS, START_MS + 3 * WEEK_MS + 2 * HOUR_MS) == pytest.approx(3 * 168 + 2)
    assert pattern.between(START_MS, START_MS - 1) == 0
    assert missed(pattern, START_MS, START_MS + 5 * HOUR_MS) == 0
    assert missed(pattern, START_MS, START_MS + 6 * HOUR_MS) == 6
