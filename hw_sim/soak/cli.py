"""`scripts/soak`: kill the real programs again and again while somebody buys; all books have to agree.

Exit codes: 0 every round came to rest and agreed, 1 one did not (its folder is kept), 3 something is missing.
"""

import asyncio
import contextlib
import itertools
import random
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Final

import click

from hw_sim.broker import NoBroker, find_mosquitto
from hw_sim.demo.children import ChildFailed
from hw_sim.demo.web_call import CallFailed
from hw_sim.soak.cast import Cast
from hw_sim.soak.points import ALL_CALLS, CALLS, SCENARIOS, CannotTrace, arena, every_point
from hw_sim.soak.rounds import Round, play_round
from hw_sim.soak.tally import OtherSoak, Tally, opened

FAILED: Final = 1
NOT_THERE: Final = 3
ROUNDS_AN_ACT: Final = 50  # then everything begins anew in an empty folder
MOST_VIOLATIONS: Final = 5
TELL_EVERY_S: Final = 10.0


@click.command()
@click.argument("rounds", type=click.IntRange(1), default=50)
@click.option("--seed", type=int, help="Of the first round; the next has the next. Without: a new one.")
@click.option("--keep", type=click.Path(file_okay=False, path_type=Path), help="Work here and leave it.")
@click.option(
    "--shops", type=click.IntRange(1, 8), default=2, show_default=True, help="So many side by side."
)
@click.option(
    "--tally",
    "book",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Keep the counts here after each round; with the same file a soak goes on where it was broken off.",
)
@click.option("--every-point", "points", is_flag=True, help="Kill in each call that leaves the program.")
@click.option("--victim", type=click.Choice(list(CALLS)), default="edge", help="With --every-point.")
@click.option("--scenario", "names", multiple=True, type=click.Choice(list(SCENARIOS)), help="Only these.")
@click.option("--call", "calls", multiple=True, type=click.Choice(list(ALL_CALLS)), help="Only in these.")
def main(
    *,
    rounds: int,
    seed: int | None,
    keep: Path | None,
    shops: int,
    book: Path | None,
    points: bool,
    victim: str,
    names: tuple[str, ...],
    calls: tuple[str, ...],
) -> None:
    """Kill machine, bridge and mosquitto at random moments, ROUNDS times, while a shopper buys.

    After each round everything is started again and left to come to rest; then the machine's journal, the
    bridge's books, the payment platform and the pieces that fell have to agree. With --every-point one
    program is killed once in each of the calls of twelve scenarios that reach its disk, its serial line, the
    broker or the platform.
    """
    folder = keep or Path(tempfile.mkdtemp(prefix="wxvend-soak-"))
    good, missing, failed = False, False, False
    try:
        find_mosquitto()
        if points:
            chosen = names or tuple(SCENARIOS), tuple(call for call in calls if call in CALLS[victim])
            work = _points(victim, *chosen, folder, shops)
        else:
            work = _soak(
                rounds, opened(book, seed, random.SystemRandom().randrange(1_000_000)), folder, shops
            )
        good = asyncio.run(work)
    except* (NoBroker, CannotTrace, OtherSoak) as group:
        missing = True
        click.echo("\n".join(f"wxvend soak: {error}" for error in group.exceptions), err=True)
    except* (ChildFailed, CallFailed, TimeoutError) as group:
        failed = True
        told = [f"wxvend soak: {error}" for error in group.exceptions]
        click.echo("\n".join([*told, f"kept in {folder}"]), err=True)
    if failed or not good:
        sys.exit(NOT_THERE if missing and not failed else FAILED)
    if keep is None:
        shutil.rmtree(folder)


async def _soak(rounds: int, tally: Tally, folder: Path, shops: int) -> bool:
    """Each shop takes the next round that nobody has played; a violation closes it, and a new one opens."""
    tally.begun_s = asyncio.get_running_loop().time()
    click.echo(f"seed {tally.seed}, in {folder}")
    left = iter([number for number in range(rounds) if number not in tally.done])
    telling = asyncio.create_task(_tell(tally), name="telling")
    async with asyncio.TaskGroup() as group:
        for shop in range(shops):
            group.create_task(_shop(left, folder / f"shop-{shop}", tally), name=f"shop {shop}")
    telling.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await telling
    click.echo(tally.line(asyncio.get_running_loop().time()))
    for line in tally.table():
        click.echo(line)
    click.echo("VIOLATED" if tally.violations else "no violation")
    return not tally.violations


async def _points(
    victim: str, names: tuple[str, ...], calls: tuple[str, ...], folder: Path, shops: int
) -> bool:
    """Each scenario with programs of its own; found and killed are counted by the call."""
    left, killed, good = iter(names), Counter[str](), True

    async def work() -> None:
        nonlocal good
        for name in left:
            counts, wrong = await _scene(victim, name, calls, folder)
            killed.update(counts)
            good &= not wrong
            for line in wrong:
                click.echo(line)
            told = ", ".join(f"{call} {count}" for call, count in counts.items())
            click.echo(f"{name:<20}{victim} killed in {told}")

    async with asyncio.TaskGroup() as group:
        for shop in range(shops):
            group.create_task(work(), name=f"shop {shop}")
    told = ", ".join(f"{call} {count}" for call, count in killed.items())
    click.echo(f"points found and killed: {killed.total()} ({told})")
    click.echo("no violation" if good else "VIOLATED")
    return good


async def _scene(
    victim: str, name: str, calls: tuple[str, ...], folder: Path
) -> tuple[Counter[str], list[str]]:
    """How often the victim was killed in each call; ends at the first that is wrong, and says all of that."""
    scene = folder / name.replace(" ", "-")
    scene.mkdir(parents=True)
    killed: Counter[str] = Counter()
    async with arena(scene) as cast, aclosing(every_point(cast, name, victim, calls)) as points:
        async for point, found in points:
            killed[point.call] += found.reached
            if found.wrong:
                return killed, [f"{point}, kept in {scene}:", *(f"  {line}" for line in found.wrong)]
    await asyncio.to_thread(shutil.rmtree, scene)
    return killed, []


async def _shop(left: Iterator[int], folder: Path, tally: Tally) -> None:
    for act in itertools.count():
        numbers = list(itertools.islice(left, 1))
        if not numbers or len(tally.violations) >= MOST_VIOLATIONS:
            return
        place = folder / f"{act}"
        place.mkdir(parents=True)
        if await _act(itertools.chain(numbers, itertools.islice(left, ROUNDS_AN_ACT - 1)), place, tally):
            await asyncio.to_thread(shutil.rmtree, place)


async def _act(numbers: Iterator[int], folder: Path, tally: Tally) -> bool:
    before: Counter[str] = Counter()
    async with Cast(folder) as cast:
        for number in numbers:
            played = await play_round(cast, tally.seed + number)
            before = tally.take(number, played, before)
            if played.wrong:
                for line in _story(played):
                    click.echo(line)
                click.echo(f"round {number}, seed {tally.seed + number}, kept in {folder}")
                return False
    return True


def _story(played: Round) -> Iterator[str]:
    yield from (f"  {line}" for line in played.wrong)
    for blow in played.blows:
        yield f"  {blow.victim} killed at {blow.at_s:.3f} s, dark for {blow.dark_s:.3f} s"


async def _tell(tally: Tally) -> None:
    while True:
        await asyncio.sleep(TELL_EVERY_S)
        click.echo(tally.line(asyncio.get_running_loop().time()))
