"""Plays: each comes past the cells it is there for, breaks nothing, and says so when it goes otherwise."""

import pytest

from hw_sim.world.cells import cells, rules
from hw_sim.world.directed import FIRST, name_of, perform, play
from hw_sim.world.marks import EXEMPT, JUDGED, MARKS, missed
from hw_sim.world.plays import PLAYS, Act, Play
from hw_sim.world.plays_boards import ROWS
from hw_sim.world.stage import Stage

NUMBERS = [FIRST - at for at in range(len(PLAYS))]


@pytest.mark.parametrize("number", NUMBERS, ids=list(PLAYS))
def test_a_play_comes_past_its_cells_and_breaks_no_promise(number: int) -> None:
    totals = play(number)
    assert [str(found) for broken in totals.broken for found in broken.violations] == []
    assert totals.counts["sales"] >= 1
    assert totals.seeds == 0


def test_a_play_is_the_same_story_again() -> None:
    again = [play(NUMBERS[0]) for _ in range(2)]
    assert again[0] == again[1]


def test_plays_are_there_for_cells_and_marks_that_exist() -> None:
    known = {*MARKS, *cells()}
    assert [each for one in PLAYS.values() for each in one.comes_past if each not in known] == []


def test_each_row_of_the_judge_has_a_play() -> None:
    assert set(ROWS) == set(JUDGED)


def test_what_is_exempt_is_wanted_and_no_play_comes_past_it() -> None:
    wanted = {*MARKS, *rules()}
    assert [name for name in EXEMPT if name not in wanted] == []
    reached = [each for one in PLAYS.values() for each in one.comes_past]
    assert [name for name in reached if name in EXEMPT] == []
    assert "bridge settled Payment" in missed({}, {})


async def _waits_for_goods_that_nobody_bought(stage: Stage) -> None:
    await stage.becomes("vended", within_s=1.0)


async def _does_nothing(stage: Stage) -> None:
    await stage.known()


async def _never_ends(stage: Stage) -> None:
    await stage.until(lambda: False, "the end", within_s=1e9)


@pytest.mark.parametrize(
    ("act", "told"),
    [(_waits_for_goods_that_nobody_bought, "I0"), (_does_nothing, "play"), (_never_ends, "I0")],
)
def test_a_play_that_goes_otherwise_is_a_broken_promise(act: Act, told: str) -> None:
    odd = Play(act=act, comes_past=("bridge vending delivered",))
    (broken,) = perform(odd, number=FIRST, seed=1, longest_s=60.0).broken
    assert broken.violations[0].invariant == told
    assert broken.story


def test_a_number_of_a_campaign_is_a_seed_or_the_name_of_a_play() -> None:
    assert name_of(7) == "seed 7"
    assert name_of(NUMBERS[-1]) == f"play {list(PLAYS)[-1]!r}"
