"""`wxvend tech drop-sensor | light | temperature | lift | faults`: each where the bus has a word for it."""

import re
import sys
from collections.abc import Mapping
from dataclasses import replace
from typing import Final, NoReturn

import click

from edge.drivers.registry import BUSES
from edge.drivers.service import CHANGES, MOVES, Act, Move, Served, Wish
from edge.tech.choice import BadChoice, Options, bus_of, bus_options
from edge.tech.cli_visit import BAD_INPUT, NOT_WELL, fail, on_the_bus, say, tell
from edge.tech.noting import Noting
from edge.tech.serving import able, read_faults, serve
from edge.tech.visit import Visit

_NUMBER: Final = re.compile(r"-?\d{1,3}")
_JSON: Final = click.option("--json", "as_json", is_flag=True, help="JSON instead of words.")
_OUTPUT: Final = click.option(
    "--output", type=click.IntRange(1, 64), default=None, help="Which relay, where the board has only relays."
)


@click.command("drop-sensor")
@bus_options
@_JSON
def drop_sensor(options: Options, as_json: bool) -> None:
    """Let the board test its drop sensor. Moves nothing. Exit code 1 when the sensor is not well."""
    _do(options, Act.DROP_SENSOR, Wish(), as_json=as_json)


@click.command()
@click.argument("state", type=click.Choice(["on", "off"]))
@_OUTPUT
@bus_options
@_JSON
def light(state: str, output: int | None, options: Options, as_json: bool) -> None:
    """Switch the cabinet's light."""
    _do(options, Act.LIGHT, Wish(on=state == "on", output=output or 0), as_json=as_json)


@click.command()
@bus_options
@_JSON
def temperature(options: Options, as_json: bool) -> None:
    """Say how warm it is; with --set C let the board keep so many degrees Celsius from now on.

    What is no whole number after --set is a setting of the bus, as elsewhere.
    """
    wanted = [each for each in options.more if _NUMBER.fullmatch(each)]
    rest = replace(options, more=tuple(each for each in options.more if each not in wanted))
    if not wanted:
        _do(rest, Act.TEMPERATURE, Wish(), as_json=as_json)
    _do(rest, Act.SET_TEMPERATURE, Wish(celsius=int(wanted[-1])), as_json=as_json)


@click.command()
@click.argument("move", type=click.Choice([each.value for each in Move]))
@click.argument("to", type=click.IntRange(0, 32_767), default=0)
@bus_options
@click.option("--yes", is_flag=True, help="Really: the lift moves.")
@_JSON
def lift(move: str, to: int, options: Options, yes: bool, as_json: bool) -> None:
    """Move the lift: home; layer N; position N in the board's steps; open or close the pick-up tray.

    With --config the daemon lends its port; where none runs it is refused while a sale is unfinished.
    """
    if not yes:
        fail("lift: it would move. Keep hands out of the machine. Try: the same with --yes", BAD_INPUT)
    _do(options, Act.LIFT, Wish(move=Move(move), to=to), as_json=as_json)


@click.command()
@click.option("--clear", is_flag=True, help="Say what is there, then let the board forget it.")
@bus_options
@_JSON
def faults(clear: bool, options: Options, as_json: bool) -> None:
    """List what the board says is wrong, by fault and the board's own code. Exit code 1 when something is.

    A board that tells a result once only is not asked while a sale is unfinished.
    """
    if not clear:
        _do(options, Act.FAULTS, Wish(), as_json=as_json)

    async def both(visit: Visit) -> Mapping[str, object]:
        before = await serve(visit, Act.FAULTS, Wish())
        after = await serve(visit, Act.CLEAR_FAULTS, Wish())
        return {"before": dict(before.told), "after": dict(after.told), "ok": after.ok}

    _able(options, Act.CLEAR_FAULTS)
    noting = Noting(did=Act.CLEAR_FAULTS.value, result=lambda found: f"after: {_pairs(found['after'])}")
    found = on_the_bus(options, both, notes=noting)
    say({name: found[name] for name in ("before", "after")}, as_json=as_json)
    sys.exit(0 if found["ok"] else NOT_WELL)


def _do(options: Options, act: Act, wish: Wish, *, as_json: bool) -> NoReturn:
    """Do it and end the program. What changes something is noted, and not done while a sale is unfinished."""
    _able(options, act)

    async def once(visit: Visit) -> Served:
        if act is Act.FAULTS:
            return await read_faults(visit, options.config, tell)
        return await serve(visit, act, wish)

    noting = Noting(did=act.value, lane=wish.to if act in MOVES else 0, result=_result)
    served = on_the_bus(options, once, notes=noting if act in CHANGES else None)
    say(dict(served.told), as_json=as_json)
    sys.exit(0 if served.ok else NOT_WELL)


def _result(served: Served) -> str:
    return _pairs(served.told)


def _pairs(told: Mapping[str, object]) -> str:
    return " ".join(f"{name}={value}" for name, value in told.items())


def _able(options: Options, act: Act) -> None:
    """Ends the program before a port is opened where the bus cannot."""
    try:
        bus = bus_of(options)
    except BadChoice as error:
        fail(str(error), BAD_INPUT)
    if act not in BUSES[bus]().acts:
        fail(f"{act}: found bus {bus}, which has no word for it; allowed {', '.join(able(act))}", BAD_INPUT)
