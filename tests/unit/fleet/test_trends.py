"""How a machine has been: bounded steps, the worst of the link, and nothing older than a day."""

from cloud_bridge.fleet.trends import STEP_MS, STEPS, Trend
from cloud_bridge.ports_looking import Health


def test_a_step_keeps_the_last_temperature_and_any_time_away() -> None:
    trend = Trend()
    trend.note(5, online=True, temperature_c=4)
    trend.note(6, online=False, temperature_c=5)
    trend.note(7, online=True, temperature_c=6)
    trend.note(STEP_MS + 1, online=True, temperature_c=None)
    assert trend.steps(STEP_MS + 2) == (
        Health(since_wall_ms=0, online=False, temperature_c=6),
        Health(since_wall_ms=STEP_MS, online=True, temperature_c=None),
    )


def test_it_holds_a_day_and_no_more() -> None:
    trend = Trend()
    for step in range(3 * STEPS):
        trend.note(step * STEP_MS, online=True, temperature_c=4)
    now_ms = 3 * STEPS * STEP_MS
    steps = trend.steps(now_ms - 1)
    assert len(steps) <= STEPS
    assert steps[0].since_wall_ms >= now_ms - 1 - STEPS * STEP_MS
    assert trend.steps(now_ms + STEPS * STEP_MS) == ()


def test_a_clock_that_was_set_back_changes_no_order() -> None:
    trend = Trend()
    trend.note(5 * STEP_MS, online=True, temperature_c=4)
    trend.note(STEP_MS, online=True, temperature_c=7)
    assert trend.steps(5 * STEP_MS) == (Health(since_wall_ms=5 * STEP_MS, online=True, temperature_c=7),)
