"""`wxvend tech commission`: walk the checklist of a new machine, keep what was found, print what to fix."""

import asyncio
import json
import sys
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import click

from edge.tech.bench import TechClock
from edge.tech.choice import Options
from edge.tech.cli_visit import NOT_WELL, fail, on_the_bus, planned_lanes
from edge.tech.commission import DONE, SKIP, YES, Plan
from edge.tech.commission import commission as walk
from edge.tech.noting import Noting, who
from edge.tech.trial import Finding, Verdict
from edge.tech.visit import Visit

BAD_INPUT: Final = 2
_ANSWERS: Final = (DONE, YES, "no", SKIP)


class AtTerminal:
    """Implements `Person`. Asked in a thread: the board is served meanwhile."""

    async def ask(self, step: str, words: str) -> str:
        """Until one of the answers is typed."""
        choice = click.Choice([YES, "no"] if words.endswith("yes or no") else [DONE, SKIP])
        answer: str = await asyncio.to_thread(click.prompt, words, type=choice, err=True)
        return answer


class FromFile:
    """Implements `Person` with answers by step; a step that is not there is left out."""

    def __init__(self, answers: Mapping[str, str]) -> None:
        self._answers: Final = answers

    async def ask(self, step: str, words: str) -> str:
        """What stands in the file."""
        return self._answers.get(step, SKIP)


@click.command()
@click.option(
    "--config",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    help="The machine's settings, such as /etc/wxvend/edge.toml.",
)
@click.option(
    "--lane", type=click.IntRange(1, 9999), help="The lane whose motor may turn; without: none turns."
)
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), required=True, help="The result, JSON."
)
@click.option(
    "--answers",
    type=click.Path(dir_okay=False, path_type=Path),
    help='Instead of a person: a JSON object, such as {"door_open": "done"}.',
)
def commission(config: Path, lane: int | None, out: Path, answers: Path | None) -> None:
    """Walk the checklist of a machine before it sells: bus, lanes, sensor, door, probe, power cut, prices.

    A daemon that runs lends its port meanwhile. A person at the terminal is told what to do and answers done
    or skip. OUT is replaced. Exit code 1 when something has to be mended.
    """
    options = Options(config=config)
    person = FromFile(_read(answers)) if answers is not None else AtTerminal()
    plan = Plan(planned=planned_lanes(options), lane=lane)

    async def steps(visit: Visit) -> list[Finding]:
        found = []
        async for finding in walk(visit, person, plan):
            found.append(finding)
            click.echo(f"{finding.verdict.value:<5} {finding.check:<24} {finding.words}")
        return found

    notes = Noting(did="commission", lane=lane, result=_failed) if lane is not None else None
    found = on_the_bus(options, steps, notes=notes)
    _keep(out, found)
    failed = [finding for finding in found if finding.verdict is Verdict.FAIL]
    click.echo(f"{out}: {len(found)} steps, {len(failed)} to mend")
    sys.exit(NOT_WELL if failed else 0)


def _failed(found: list[Finding]) -> str:
    return f"{sum(finding.verdict is Verdict.FAIL for finding in found)} failed"


def _keep(out: Path, found: list[Finding]) -> None:
    told: dict[str, Any] = {
        "wall_ms": TechClock().wall_ms(),
        "who": who(),
        "software": version("wxvend"),
        "steps": [{"step": each.check, "verdict": each.verdict.value, "words": each.words} for each in found],
    }
    try:
        out.write_text(json.dumps(told, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        fail(f"{out}: {error.strerror}; allowed is a file in a folder that is there", BAD_INPUT)


def _read(file: Path) -> dict[str, str]:
    try:
        found = json.loads(file.read_text("utf-8"))
        wrong = {name: value for name, value in found.items() if value not in _ANSWERS}
    except (OSError, ValueError, AttributeError) as error:
        fail(f"--answers: {file}: {error}; allowed is a JSON object of steps and answers", BAD_INPUT)
    if wrong:
        fail(f"--answers: found {wrong}, allowed {', '.join(_ANSWERS)}", BAD_INPUT)
    return dict(found)
