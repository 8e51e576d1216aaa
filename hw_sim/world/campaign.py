"""Many seeds on all cores: what they came to together, and every promise that one of them broke."""

import gc
import multiprocessing
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice
from typing import Final

from hw_sim.world.ablations import ABLATIONS
from hw_sim.world.cells import counted
from hw_sim.world.checker import Violation
from hw_sim.world.run import Life, run_seed

_LINES: Final = 4_000  # of a broken seed's story


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """A seed that broke a promise: what, and the story line by line."""

    seed: int
    violations: tuple[Violation, ...]
    story: tuple[str, ...] = ()


@dataclass(slots=True)
class Totals:
    """What seeds came to. `counts` are sales and pieces, `marks` and `cells` what was come past."""

    seeds: int = 0
    virtual_s: float = 0.0
    counts: Counter[str] = field(default_factory=Counter)
    marks: Counter[str] = field(default_factory=Counter)
    cells: Counter[str] = field(default_factory=Counter)
    broken: list[Broken] = field(default_factory=list)

    def add(self, other: "Totals") -> None:
        """Take another part of the campaign in."""
        self.seeds += other.seeds
        self.virtual_s += other.virtual_s
        self.counts += other.counts
        self.marks += other.marks
        self.cells += other.cells
        self.broken += other.broken


def live(seed: int, life: Life, without: str = "") -> Totals:
    """One seed, and the cells it reached. `without` takes a safeguard away, in a life where that shows."""
    totals = Totals(seeds=1)
    if without:
        ablation = ABLATIONS[without]
        with ablation.off(), _collected_at_the_end():
            outcome = run_seed(seed, replace(ablation.life, sales=life.sales))
    else:
        with counted() as cells, _collected_at_the_end():
            outcome = run_seed(seed, life)
        totals.cells = cells
    totals.virtual_s = outcome.virtual_s
    totals.counts, totals.marks = Counter(outcome.counts), Counter(outcome.marks)
    if outcome.violations:
        told = tuple(str(entry) for entry in islice(outcome.story.entries, _LINES))
        totals.broken.append(Broken(seed=seed, violations=outcome.violations, story=told))
    return totals


@contextmanager
def _collected_at_the_end() -> Iterator[None]:
    """A world is thrown away whole: looking for garbage while it lasts takes a sixth of the time."""
    gc.collect()  # the world before this one
    gc.freeze()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def campaign(seeds: Iterable[int], life: Life, *, without: str = "", workers: int = 0) -> Iterator[Totals]:
    """Each seed's totals as they come, in no order. `workers` 0: one a core."""
    work = partial(live, life=life, without=without)
    yield from on_all_cores(work, list(seeds), workers)


def on_all_cores(work: Callable[[int], Totals], numbers: Sequence[int], workers: int = 0) -> Iterator[Totals]:
    """Do `work` for each number. Results come as they are done."""
    cores = workers or len(os.sched_getaffinity(0))
    if cores == 1 or len(numbers) == 1:
        yield from map(work, numbers)
        return
    with multiprocessing.get_context("forkserver").Pool(min(cores, len(numbers))) as pool:
        yield from pool.imap_unordered(work, numbers, chunksize=max(1, min(8, len(numbers) // (4 * cores))))


def first_broken(numbers: Iterable[int], life: Life, without: str) -> Broken | None:
    """The first of these seeds that misses the safeguard."""
    for number in numbers:
        totals = live(number, life, without)
        if totals.broken:
            return totals.broken[0]
    return None
