"""People who have machines stop, start and refill at any moment of a sale break none of its promises."""

from collections import Counter

from hw_sim.world.run import Life, run_seed

ATTACKED = frozenset({"adversary"})


def test_machines_that_people_stop_and_start_at_any_moment_keep_every_promise() -> None:
    marks: Counter[str] = Counter()
    for seed in (501, 502, 510, 511):
        ended = run_seed(seed, Life(sales=8, operators=True, bus="xy"))
        assert [str(each) for each in ended.violations] == []
        marks.update(ended.marks)
    assert marks["command stop: done"] and marks["command start: done"]  # noqa: PT018


def test_whoever_owns_the_broker_gains_nothing_from_commands_but_delay() -> None:
    marks: Counter[str] = Counter()
    for seed in (600, 602):
        ended = run_seed(seed, Life(sales=8, operators=True, only=ATTACKED, bus="xy"))
        assert [str(each) for each in ended.violations] == []
        marks.update(ended.marks)
    assert marks["command stop: done"] and marks["command start: done"]  # noqa: PT018
