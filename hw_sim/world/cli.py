"""`wxvend sim world`: many seeds on all cores with a summary, one with its story, one safeguard less."""

import json
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Final

import click

from hw_sim.world.ablations import ABLATIONS, Ablation
from hw_sim.world.buses import ANY, KINDS
from hw_sim.world.campaign import Broken, Totals, campaign, live
from hw_sim.world.cells import cells
from hw_sim.world.directed import directed, name_of
from hw_sim.world.every_step import SCENARIOS, every_step
from hw_sim.world.marks import EXEMPT, MARKS, missed
from hw_sim.world.run import Life, run_seed
from hw_sim.world.safeguards import table

FAILED: Final = 1
BAD_INPUT: Final = 2
MISSED: Final = 3
_EVERY_S: Final = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What was asked for. `seeds` is A:B, the last not included."""

    seeds: str
    life: Life
    seed: int | None
    story: bool
    every_step: bool
    every_mark: bool
    without: str
    as_json: bool
    workers: int


def run(wish: Wish) -> int:
    """Do it; the exit code."""
    if wish.without and wish.without not in ABLATIONS:
        click.echo(f"--without: found {wish.without}, allowed {', '.join(ABLATIONS)}", err=True)
        return BAD_INPUT
    if wish.life.bus not in (ANY, *KINDS):
        click.echo(f"--bus: found {wish.life.bus}, allowed {ANY}, {', '.join(KINDS)}", err=True)
        return BAD_INPUT
    if wish.seed is not None:
        return _one(wish, wish.seed)
    try:
        seeds = _range(wish.seeds)
    except ValueError:
        click.echo(f"--seeds: found {wish.seeds}, allowed A:B such as 0:2000", err=True)
        return BAD_INPUT
    began_s = time.monotonic()
    if wish.every_step:
        parts, count = every_step(workers=wish.workers, bus=wish.life.bus)
    else:
        count = len(seeds)
        parts = campaign(seeds, wish.life, without=wish.without, workers=wish.workers)
        if _is_whole(wish):
            plays, more = directed(workers=wish.workers)
            parts, count = chain(parts, plays), count + more
    totals = _gather(parts, count)
    absent = _summary(totals, time.monotonic() - began_s, wish)
    if totals.broken:
        return FAILED
    return MISSED if absent and wish.every_mark else 0


def list_safeguards(*, markdown: bool) -> str:
    """Every safeguard: what its absence does and who catches it."""
    return table() if markdown else "\n".join(map(_line, ABLATIONS.values()))


def _line(ablation: Ablation) -> str:
    return f"{ablation.name:<24}{ablation.words}"


def _range(text: str) -> range:
    first, _, last = text.partition(":")
    return range(int(first), int(last))


def _one(wish: Wish, seed: int) -> int:
    """A seed, line by line with `--story`."""
    if wish.story and not wish.without:
        for entry in run_seed(seed, wish.life).story.entries:
            click.echo(str(entry))
    began_s = time.monotonic()
    totals = live(seed, wish.life, wish.without)
    _summary(totals, time.monotonic() - began_s, wish)
    return FAILED if totals.broken else 0


def _gather(parts: Iterable[Totals], count: int) -> Totals:
    totals = Totals()
    for part in _shown(parts, count):
        totals.add(part)
    return totals


def _shown(parts: Iterable[Totals], count: int) -> Iterator[Totals]:
    """A bar on a terminal, a line now and then elsewhere."""
    if sys.stderr.isatty():
        with click.progressbar(parts, length=count, label="seeds", file=sys.stderr) as bar:
            yield from bar
        return
    due_s = time.monotonic() + _EVERY_S
    for done, part in enumerate(parts, 1):
        yield part
        if time.monotonic() >= due_s:
            due_s += _EVERY_S
            click.echo(f"{done} of {count}", err=True)


# ---------------------------------------------------------------- the summary


def _summary(totals: Totals, took_s: float, wish: Wish) -> tuple[str, ...]:
    """Say what it came to; the marks and rules that a whole campaign missed."""
    absent = missed(totals.marks, totals.cells) if _is_whole(wish) else ()
    facts = _facts(totals, took_s, absent)
    if wish.as_json:
        click.echo(json.dumps({**facts, "broken": [_as_json(each) for each in totals.broken]}))
        return absent
    for name, value in facts.items():
        click.echo(f"{name:<22}{_words(value)}")
    for broken in totals.broken[:1]:
        _tell(broken)
    for broken in totals.broken[1:]:
        click.echo(f"{name_of(broken.seed)}: {broken.violations[0]}")
    return absent


def _is_whole(wish: Wish) -> bool:
    """Whether every kind of trouble may come: then plays belong to it, and every mark is to be hit."""
    return wish.seed is None and not wish.without and not wish.every_step and wish.life.only is None


def _facts(totals: Totals, took_s: float, absent: tuple[str, ...]) -> dict[str, object]:
    reachable = [name for name, can in cells().items() if can]
    counts = totals.counts
    return {
        "seeds": totals.seeds,
        **{
            name: counts[name]
            for name in ("sales", "paid", "vended", "refunded", "cases", "left to the bill")
        },
        "doubt": {
            name.removeprefix("doubt."): count
            for name, count in sorted(counts.items())
            if name.startswith("doubt.")
        },
        "marks": f"{sum(bool(totals.marks[mark]) for mark in MARKS)} of {len(MARKS)}",
        "cells": f"{sum(bool(totals.cells[cell]) for cell in reachable)} of {len(reachable)}",
        "exempt": len(EXEMPT),
        "missed": list(absent),
        "shop_hours": round(totals.virtual_s / 3600, 1),
        "seeds_per_s": round(totals.seeds / took_s, 2) if took_s else 0.0,
        "violations": sum(len(broken.violations) for broken in totals.broken),
    }


def _words(value: object) -> str:
    if isinstance(value, dict):
        return "  ".join(f"{name} {count}" for name, count in value.items()) or "none"
    if isinstance(value, list):
        return ", ".join(value) or "none"
    return str(value)


def _as_json(broken: Broken) -> dict[str, object]:
    return {"seed": broken.seed, "violations": [str(each) for each in broken.violations]}


def _tell(broken: Broken) -> None:
    click.echo(f"\n{name_of(broken.seed)}")
    for line in broken.story:
        click.echo(line)
    click.echo("")
    for violation in broken.violations:
        click.echo(f"{name_of(broken.seed)}: {violation}")


def scenario_names() -> str:
    """What `--every-step` walks through."""
    return ", ".join(SCENARIOS)
