"""`wxvend demo --fleet N`: a fleet's day on this computer, told in lines, with the operators' pages open."""

import asyncio
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import click

from hw_sim.demo.fleet import Fleet
from hw_sim.demo.fleet_day import hour, plan
from hw_sim.demo.fleet_files import name_of
from hw_sim.demo.fleet_shoppers import Lived, told
from hw_sim.demo.fleet_window import FleetWindow
from hw_sim.demo.scenery import Terms
from hw_sim.demo.shelf import SHELF
from hw_sim.demo.web_call import get

MOST: Final = 100
_TELL_EVERY_S: Final = (2.0, 10.0)  # on a terminal, else
_TERMS: Final = Terms(pay_s=30, lease_s=40, doubt_s=10.0, turn_ms=600)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """So many machines, a day of so many minutes; `quiet` says nothing until the end, and ends there."""

    machines: int
    minutes: float
    seed: int
    quiet: bool
    books_url_file: Path | None = None


async def live(folder: Path, wish: Wish) -> dict[str, Any]:
    """Start everything, live through the day, and compare all books. Raises ChildFailed, TimeoutError."""
    window = FleetWindow()
    fleet = Fleet(folder, window, machines=wish.machines, terms=_TERMS, books_url_file=wish.books_url_file)
    _say(wish, f"Starting {wish.machines} machines, each a daemon and a board of its own ...")
    async with fleet:
        lanes = tuple(goods.lane for goods in SHELF)
        day = plan(wish.seed, machines=wish.machines, lanes=lanes, length_s=wish.minutes * 60)
        _say(wish, f"The operators' pages are at {fleet.bridge_url}/  (Ctrl-C ends everything)")
        _say(wish, f"{len(day.visits)} shoppers come in a day of {wish.minutes:g} minutes.")
        lived = Lived(folder, fleet, window)
        telling = asyncio.create_task(_tell(wish, fleet, lived, window, length_s=day.length_s))
        try:
            await lived.day(day)
        finally:
            telling.cancel()
        _say(wish, "The day is over; what is under way comes to its end ...")
        found = told(await lived.settled(), lived.counts, wish.machines)
        if not wish.quiet:
            click.echo(summary(found))
            click.echo("The pages stay until Ctrl-C.")
            await asyncio.Event().wait()
        return found


def summary(found: dict[str, Any]) -> str:
    """The day in words."""
    words = [
        f"{found['sales']} sales: paid ¥{found['paid_fen'] / 100:.2f}, goods out for "
        f"¥{found['vended_fen'] / 100:.2f}, back ¥{found['refunded_fen'] / 100:.2f}.",
        f"{found['cases']} case(s) for a person. {found['pieces_dropped']} pieces fell.",
        "All books agree." if found["ok"] else "The books do NOT agree:",
    ]
    return "\n".join([*words, *(f"  {line}" for line in found["disagreements"])])


async def _tell(wish: Wish, fleet: Fleet, lived: Lived, window: FleetWindow, *, length_s: float) -> None:
    """A line now and then; on a terminal in place of the one before."""
    terminal = sys.stdout.isatty()
    while not wish.quiet:
        await asyncio.sleep(_TELL_EVERY_S[0 if terminal else 1])
        totals = await get(f"{fleet.bridge_url}/api/totals")
        selling = sum(window.selling(name_of(machine)) for machine in range(wish.machines))
        line = (
            f"{hour(lived.at_s, length_s)}  {selling} of {wish.machines} sell  {totals['sales']} sales  "
            f"paid ¥{totals['paid_fen'] / 100:.2f}  back ¥{totals['refunded_fen'] / 100:.2f}  "
            f"{totals['cases']} case(s)"
        )
        click.echo(f"\r\x1b[K{line}" if terminal else line, nl=not terminal)


def _say(wish: Wish, words: str) -> None:
    if not wish.quiet:
        click.echo(words)
