"""`scripts/soak`: kill the real programs again and again while somebody buys; all books have to agree.

Exit codes: 0 every round came to rest and agreed, 1 one did not (its folder is kept), 3 something is missing.
"""

import asyncio
import contextlib
import random
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import click

from hw_sim.broker import NoBroker, find_mosquitto
from hw_sim.demo.children import ChildFailed
from hw_sim.demo.web_call import CallFailed
from hw_sim.soak.cast import Cast
from hw_sim.soak.points import CALLS, SCENARIOS, CannotTrace, every_point
from hw_sim.soak.rounds import Round, play_round

FAILED: Final = 1
NOT_THERE: Final = 3
ROUNDS_AN_ACT: Final = 100  # then everything begins anew in an empty folder
TELL_EVERY_S: Final = 10.0


@dataclass(slots=True)
class Tally:
    """What has come together so far. `final` is what the acts before this one ended with."""

    begun_s: float
    rounds: int = 0
    kills: Counter[str] = field(default_factory=Counter)
    did: Counter[str] = field(default_factory=Counter)
    ends: Counter[str] = field(default_factory=Counter)
    final: Counter[str] = field(default_factory=Counter)

    def take(self, played: Round) -> None:
        """Add a round."""
        self.rounds += 1
        self.kills.update(blow.victim for blow in played.blows)
        self.did.update(played.did)
        books = played.truth.books
        self.ends = self.final + Counter(sale.state for sale in books.bridge.values())
        self.ends += Counter({"in doubt": sum(state == "uncertain" for state in books.journal.values())})
        self.ends += Counter({"pieces": books.pieces_dropped})
        self.ends += Counter({"paid fen": sum(order.paid_fen for order in books.platform.values())})
        self.ends += Counter({"refunded fen": sum(order.refunded_fen for order in books.platform.values())})

    def line(self, now_s: float) -> str:
        """One line for people who watch."""
        rate = 60 * self.rounds / max(now_s - self.begun_s, 1e-9)
        ends = ", ".join(f"{name} {count}" for name, count in sorted(self.ends.items()))
        return f"rounds {self.rounds} ({rate:.1f} a minute), kills {self.kills.total()}, {ends}"

    def table(self) -> Iterator[str]:
        """Everything, a line each."""
        for title, counts in (("killed", self.kills), ("the shopper", self.did), ("the books", self.ends)):
            yield title
            yield from (f"  {name:<24}{count:>8}" for name, count in sorted(counts.items()))


@click.command()
@click.argument("rounds", type=click.IntRange(1), default=50)
@click.option("--seed", type=int, help="Of the first round; the next has the next. Without: a new one.")
@click.option("--keep", type=click.Path(file_okay=False, path_type=Path), help="Work here and leave it.")
@click.option("--every-point", "points", is_flag=True, help="Kill in each call that leaves the program.")
@click.option("--victim", type=click.Choice(list(CALLS)), default="edge", help="With --every-point.")
@click.option("--scenario", "names", multiple=True, type=click.Choice(list(SCENARIOS)), help="Only these.")
def main(
    *,
    rounds: int,
    seed: int | None,
    keep: Path | None,
    points: bool,
    victim: str,
    names: tuple[str, ...],
) -> None:
    """Kill machine, bridge and mosquitto at random moments, ROUNDS times, while a shopper buys.

    After each round everything is started again and left to come to rest; then the machine's journal, the
    bridge's books, the payment platform and the pieces that fell have to agree. With --every-point one
    program is killed once in each of the calls of twelve scenarios that reach its disk or its serial line.
    """
    seed = random.SystemRandom().randrange(1_000_000) if seed is None else seed
    folder = keep or Path(tempfile.mkdtemp(prefix="wxvend-soak-"))
    try:
        find_mosquitto()
        work = _points(victim, names or tuple(SCENARIOS), folder) if points else _soak(rounds, seed, folder)
        good = asyncio.run(work)
    except (NoBroker, CannotTrace) as error:
        click.echo(f"wxvend soak: {error}", err=True)
        sys.exit(NOT_THERE)
    except (ChildFailed, CallFailed, TimeoutError) as error:
        click.echo(f"wxvend soak: {error}\nseed {seed}, kept in {folder}", err=True)
        sys.exit(FAILED)
    if not good:
        sys.exit(FAILED)
    if keep is None:
        shutil.rmtree(folder)


async def _soak(rounds: int, seed: int, folder: Path) -> bool:
    tally = Tally(asyncio.get_running_loop().time())
    telling = asyncio.create_task(_tell(tally), name="telling")
    click.echo(f"seed {seed}, in {folder}")
    good = True
    for first in range(seed, seed + rounds, ROUNDS_AN_ACT):
        last = min(first + ROUNDS_AN_ACT, seed + rounds)
        act = folder / f"{first}"
        act.mkdir(parents=True)
        good = await _act(range(first, last), act, tally)
        if not good:
            break
        tally.final = tally.ends
        await asyncio.to_thread(shutil.rmtree, act)
    telling.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await telling
    click.echo(tally.line(asyncio.get_running_loop().time()))
    for line in tally.table():
        click.echo(line)
    click.echo("no violation" if good else "VIOLATED")
    return good


async def _points(victim: str, names: tuple[str, ...], folder: Path) -> bool:
    """Each scenario with programs of its own; found and killed are counted by the call."""
    total: Counter[str] = Counter()
    for name in names:
        scene = folder / name.replace(" ", "-")
        scene.mkdir(parents=True)
        killed: Counter[str] = Counter()
        async with Cast(scene, poll_ms=100) as cast:
            async for point, found in every_point(cast, name, victim):
                killed[point.call] += found.reached
                if found.wrong:
                    click.echo(f"{point}, kept in {scene}:")
                    click.echo("\n".join(f"  {line}" for line in found.wrong))
                    return False
        counts = ", ".join(f"{call} {count}" for call, count in killed.items())
        click.echo(f"{name:<20}{victim} killed in {counts}")
        total += killed
    click.echo(f"points found and killed: {total.total()}, violations: 0")
    return True


async def _act(seeds: range, folder: Path, tally: Tally) -> bool:
    async with Cast(folder) as cast:
        for seed in seeds:
            played = await play_round(cast, seed)
            tally.take(played)
            if played.wrong:
                click.echo(f"seed {seed}, kept in {folder}:")
                for line in played.wrong:
                    click.echo(f"  {line}")
                for blow in played.blows:
                    click.echo(f"  {blow.victim} killed at {blow.at_s:.3f} s, dark for {blow.dark_s:.3f} s")
                return False
    return True


async def _tell(tally: Tally) -> None:
    while True:
        await asyncio.sleep(TELL_EVERY_S)
        click.echo(tally.line(asyncio.get_running_loop().time()))
