"""`wxvend tech conformance`: does a driver keep its word against a board, simulated or real?"""

import asyncio
import json
import logging
import sys
import tomllib
from pathlib import Path
from typing import Any, Final

import click

from edge.drivers.registry import BUSES
from edge.tech.bench import LANES, NoBoard, real, simulated
from edge.tech.checks import CHECKS
from edge.tech.conformance import examine, proof
from edge.tech.trial import Finding, Lab, Verdict

NOT_WELL: Final = 1
BAD_INPUT: Final = 2
_WITHOUT_LANES: Final = frozenset({"xy"})  # it tells its lanes itself
_MODELS: Final[dict[str, dict[str, Any]]] = {
    "relay": {"relays": 16, "accept_without_proof": True},
    "mdb-qibixx": {"items": LANES},
    "mdb-waferstar": {"items": LANES},
}


@click.command()
@click.option("--bus", type=click.Choice(sorted(BUSES)), required=True, help="Which driver.")
@click.option(
    "--port", type=click.Path(path_type=Path), help="A real board's port; without: a simulated one."
)
@click.option("--lanes", default="", metavar="N,N", help="With --port: two stocked lanes at least.")
@click.option("--set", "more", multiple=True, metavar="NAME=VALUE", help="A further setting of the bus.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def conformance(bus: str, port: Path | None, lanes: str, more: tuple[str, ...], as_json: bool) -> None:
    """Try every promise of a driver against a board, and say what the board can prove after a power cut.

    With --port motors turn and products fall: take the machine out of service first, and stop the daemon.
    Exit code 1 when a check fails.
    """
    logging.disable(logging.WARNING)  # boards that come and go are this command's own doing
    lab, witness = _lab(bus, port, lanes, more)
    found = asyncio.run(_examine(lab, as_json=as_json))
    failed = sum(finding.verdict is Verdict.FAIL for finding in found)
    if not as_json:
        passed = sum(finding.verdict is Verdict.PASS for finding in found)
        click.echo(f"{bus}: {passed} passed, {failed} failed, {len(found) - passed - failed} not applicable")
        click.echo(f"After a power cut: {witness}")
    sys.exit(NOT_WELL if failed else 0)


def _lab(bus: str, port: Path | None, lanes: str, more: tuple[str, ...]) -> tuple[Lab, str]:
    """The lab, and the board's proof in words; ends the program when the settings cannot be used."""
    kind = BUSES[bus]()
    try:
        wanted = {name: value for each in more for name, value in tomllib.loads(each).items()}
        numbers = tuple(int(number) for number in lanes.split(",")) if lanes else LANES
        own = {} if bus in _WITHOUT_LANES else {"lanes": numbers}
        if port is not None and len(numbers) < 2:
            raise ValueError(f"--lanes: found {lanes!r}; allowed is two lanes or more")
        fields = own | (_MODELS.get(bus, {}) if port is None else {}) | wanted
        fields = {name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()}
        settings = kind.settings(port=port or Path("board"), **fields)
    except (ValueError, TypeError) as error:
        click.echo(f"wxvend tech conformance: {error}", err=True)
        sys.exit(BAD_INPUT)
    if port is None:
        return simulated(bus, fields), _proof(settings)
    return real(settings, numbers, click.echo), _proof(settings)


def _proof(settings: Any) -> str:
    """What a board with these settings can say after a power cut."""
    from edge.drivers.registry import make_dispenser
    from edge.tech.bench import TechClock

    capabilities = make_dispenser(settings, TechClock()).capabilities
    return proof(capabilities.witness)


async def _examine(lab: Lab, *, as_json: bool) -> list[Finding]:
    found = []
    try:
        async for finding in examine(lab):
            found.append(finding)
            click.echo(_line(finding, as_json=as_json))
    except NoBoard as error:
        click.echo(f"wxvend tech conformance: {error}", err=True)
        sys.exit(NOT_WELL)
    assert len(found) == len(CHECKS)
    return found


def _line(finding: Finding, *, as_json: bool) -> str:
    if as_json:
        told = {"check": finding.check, "verdict": finding.verdict.value, "words": finding.words}
        return json.dumps(told, ensure_ascii=False)
    return f"{finding.verdict.value:<5} {finding.check:<32} {finding.words}"
