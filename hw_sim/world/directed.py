"""The plays of every campaign: each is lived through like a seed, healed, reckoned, and held to its cells."""

from collections import Counter
from collections.abc import Iterator
from itertools import islice
from typing import Final

from hw_sim.world.campaign import Broken, Totals, on_all_cores
from hw_sim.world.cells import counted
from hw_sim.world.checker import Violation
from hw_sim.world.plays import PLAYS, Play
from hw_sim.world.run import Outcome, ended, heal, watched
from hw_sim.world.stage import NotAsWritten, Stage
from hw_sim.world.trouble import calm
from hw_sim.world.world import World

FIRST: Final = -1_000  # numbers of plays are no seeds: the n-th play is FIRST - n
LONGEST_S: Final = 6 * 3600.0
_STEP_S: Final = 10.0


def directed(*, workers: int = 0) -> tuple[Iterator[Totals], int]:
    """Every play once; and how many that are."""
    numbers = [FIRST - at for at in range(len(PLAYS))]
    return on_all_cores(play, numbers, workers), len(numbers)


def name_of(number: int) -> str:
    """What a number in a campaign stands for."""
    return f"play {list(PLAYS)[FIRST - number]!r}" if number <= FIRST else f"seed {number}"


def play(number: int) -> Totals:
    """One play of the campaign."""
    at = FIRST - number
    return perform(list(PLAYS.values())[at], number=number, seed=1 + at)


def perform(one: Play, *, number: int, seed: int, longest_s: float = LONGEST_S) -> Totals:
    """Live through it: not to end in `longest_s`, or to miss a cell of its own, breaks a promise."""
    totals = Totals()
    with counted() as totals.cells:
        outcome = _outcome(one, seed, longest_s)
    totals.virtual_s = outcome.virtual_s
    totals.counts, totals.marks = Counter(outcome.counts), Counter(outcome.marks)
    absent = [each for each in one.comes_past if not totals.cells[each] + totals.marks[each]]
    violations = (
        *outcome.violations,
        *(Violation("play", "", f"did not come past {each}", outcome.virtual_s) for each in absent),
    )
    if violations:
        told = tuple(str(entry) for entry in islice(outcome.story.entries, 4_000))
        totals.broken.append(Broken(seed=number, violations=violations, story=told))
    return totals


def _outcome(one: Play, seed: int, longest_s: float) -> Outcome:
    world = World(seed, one.rig)
    checker = watched(world)
    stage = Stage(world)
    world.start()
    task = world.loop.spawn(world.loop.nature, one.act(stage), "play")
    while not task.done() and world.loop.time() < longest_s:
        world.run(_STEP_S)
    error = task.exception() if task.done() else NotAsWritten(f"no end within {longest_s} s")
    if error is not None:
        world.loop.broken.append(("play", error))
    calm(world)
    heal(world)
    return ended(world, checker)
