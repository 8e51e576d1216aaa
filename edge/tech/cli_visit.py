"""`wxvend tech identify | status | scan | test-vend`: what a technician asks of a machine."""

import asyncio
import json
import logging
import sys
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, Final, NoReturn

import click

from edge.tech import visit as asking
from edge.tech.bench import TechClock
from edge.tech.books import Books, NoBooks, books, journal_of
from edge.tech.choice import BadChoice, Options, PortTaken, bus_options, chosen
from edge.tech.door import door_of, having
from edge.tech.noting import Noting, forget, noted, who
from edge.tech.visit import LaneFound, NoAnswer, Refused, Visit, visiting

NOT_WELL: Final = 1
BAD_INPUT: Final = 2
_JSON: Final = click.option("--json", "as_json", is_flag=True, help="JSON instead of words.")


@click.command()
@bus_options
@_JSON
def identify(options: Options, as_json: bool) -> None:
    """Say who answers on a bus, what it can do, and what it can prove after a power cut. Moves nothing."""
    say(on_the_bus(options, asking.identify), as_json=as_json)


@click.command()
@bus_options
@_JSON
def status(options: Options, as_json: bool) -> None:
    """Say how a machine is: temperature, door, lanes, troubles, counters. Moves nothing."""
    found = on_the_bus(options, asking.status)
    say(found, as_json=as_json)
    sys.exit(NOT_WELL if found["troubles"] or found["door_open"] else 0)


@click.command()
@bus_options
@_JSON
def scan(options: Options, as_json: bool) -> None:
    """Check every lane without turning a motor; with --config compare with the planogram.

    Without --lanes: the lanes of board and planogram. Exit code 1 when a lane cannot vend or differs.
    """
    _settings(options)
    planned = planned_lanes(options)
    lanes = tuple(int(lane) for lane in options.lanes.split(",")) if options.lanes else ()

    async def look(visit: Visit) -> list[LaneFound]:
        found = []
        async for lane in asking.scan(visit, lanes, planned):
            found.append(lane)
            told = {"lane": lane.lane, "reason": lane.reason, "planned": lane.planned, "words": lane.words}
            click.echo(json.dumps(told) if as_json else f"{lane.lane:>5}  {lane.words or 'can vend'}")
        return found

    found = on_the_bus(options, look)
    bad = [lane for lane in found if lane.words]
    if not as_json:
        click.echo(f"{len(found)} lanes, {len(bad)} to look at")
    sys.exit(NOT_WELL if bad or not found else 0)


@click.command("test-vend")
@click.argument("lane", type=click.IntRange(0, 9999))
@bus_options
@click.option("--yes", is_flag=True, help="Really: one motor turns, and what lies in front of it falls.")
@_JSON
def test_vend(lane: int, options: Options, yes: bool, as_json: bool) -> None:
    """Turn the motor of LANE once, outside any sale. Stock and money are not touched.

    With --config the daemon lends its port and sells nothing meanwhile; where none runs it is refused while a
    sale is unfinished, because it would bury the board's word on that sale. Who, when and what came of it is
    noted beside the journal. Exit code 1 unless a product came out.
    """
    if not yes:
        fail(
            f"lane {lane}: its motor would turn once, and a product may fall. Keep hands out of the machine. "
            "Try: the same with --yes",
            BAD_INPUT,
        )

    async def once(visit: Visit) -> dict[str, Any]:
        return await asking.turn_once(visit, lane)

    found = on_the_bus(options, once, notes=Noting(did="test-vend", lane=lane, result=_outcome))
    say(found, as_json=as_json)
    sys.exit(0 if found["outcome"] == "Delivered" else NOT_WELL)


def _outcome(found: dict[str, Any]) -> str:
    return str(found["outcome"])


def planned_lanes(options: Options) -> frozenset[int] | None:
    """The planogram, where there are settings that name a journal."""
    return _books(options).planned if options.config is not None else None


def _books(options: Options) -> Books:
    assert options.config is not None
    try:
        return books(journal_of(options.config))
    except NoBooks as error:
        fail(str(error), BAD_INPUT)


def _settings(options: Options) -> Any:
    try:
        return chosen(options)
    except BadChoice as error:
        fail(str(error), BAD_INPUT)


def on_the_bus(
    options: Options, work: Callable[[Visit], Awaitable[Any]], *, notes: Noting | None = None
) -> Any:
    """Do something with the driver of the bus; what keeps it from being done ends the program in words.

    The port is lent by the daemon, or free. With `notes` it is noted before, and what came of it afterwards.
    """
    settings = _settings(options)
    note: Callable[[str], None] = forget
    logging.disable(logging.WARNING)  # told in our own words

    async def visit() -> Any:
        nonlocal note
        async with having_port(options, settings.port):
            if notes is not None:
                note = noted(options.config, notes, tell)
                note("asked")
            async with visiting(settings, TechClock()) as made:
                found = await work(made)
            note(notes.result(found) if notes is not None else "")
            return found

    try:
        return asyncio.run(visit())
    except (PortTaken, NoAnswer, Refused, TimeoutError) as error:
        note(type(error).__name__)
        fail(str(error) or "took too long; look into the machine", NOT_WELL)
    finally:
        logging.disable(logging.NOTSET)


def having_port(options: Options, port: Path) -> AbstractAsyncContextManager[None]:
    """The port for the time of a command. What a person should know while he waits goes to stderr."""
    what = click.get_current_context().command_path.removeprefix("wxvend ")[-64:]
    return lent_port(options, port, what=what)


def lent_port(options: Options, port: Path, *, what: str) -> AbstractAsyncContextManager[None]:
    """The same where there is no command line; `what` says in the journal what it is for."""
    door = door_of(journal_of(options.config)) if options.config is not None else None
    return having(port, door, who=who(), what=what, told=tell)


def say(found: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False))
        return
    for name, value in found.items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            click.echo("\n  ".join([f"{name}:", *map(_row, value)]))
        elif value != "":
            words = (_row(value) or "none") if isinstance(value, dict) else value
            click.echo(f"{name}: {'not told' if value is None else words}")


def _row(told: dict[str, Any]) -> str:
    flat = {**told}
    flat |= flat.pop("facts", {})
    return " ".join(f"{name}={value}" for name, value in flat.items() if value not in (None, ""))


def tell(words: str) -> None:
    """What a person should know meanwhile."""
    click.echo(words, err=True)


def fail(words: str, code: int) -> NoReturn:
    """End the program in words."""
    click.echo(f"wxvend tech: {words}", err=True)
    sys.exit(code)
