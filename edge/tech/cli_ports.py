"""`wxvend tech ports`: what is plugged in, by the names that stay, and which bus answers there."""

import asyncio
import json
import logging
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Final

import click

from edge.drivers.ports import PortFound
from edge.drivers.ports import ports as find_ports
from edge.drivers.serial_port import SerialPort
from edge.tech.choice import PortTaken, claim
from edge.tech.probe import Answer, probe

NOT_WELL: Final = 1


@click.command()
@click.option("--probe", "probes", is_flag=True, help="Say which bus is there; moves and changes nothing.")
@click.option("--port", type=click.Path(path_type=Path), help="Only this one.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def ports(probes: bool, port: Path | None, as_json: bool) -> None:
    """List the serial ports with the names to put into the settings.

    With --probe each is listened to, and where all is silent it is asked in every bus's own way, by frames
    that only ask. A port in use is left alone. Exit code 1: no port, or --probe knows nobody.
    """
    found = find_ports() if port is None else (PortFound(device=str(port), stable="", what="as named"),)
    known = 0
    for each in found:
        answer = _probed(each) if probes else None
        known += answer is not None and answer.bus != ""
        click.echo(_line(each, answer, as_json=as_json))
    if not found:
        click.echo("no serial port found. Try: lsusb, then the adapter's cable", err=True)
    sys.exit(0 if found and (known or not probes) else NOT_WELL)


def _probed(found: PortFound) -> Answer:
    logging.disable(logging.WARNING)  # told in our own words
    try:
        claim(Path(found.device))
        return asyncio.run(probe(lambda baud: SerialPort(found.device, baud=baud)))
    except PortTaken as error:
        return Answer(bus="", how=str(error), asked=0)
    finally:
        logging.disable(logging.NOTSET)


def _line(found: PortFound, answer: Answer | None, *, as_json: bool) -> str:
    if as_json:
        return json.dumps(asdict(found) | (asdict(answer) if answer is not None else {}))
    line = f"{found.device}  {found.stable or '(no stable name)'}  {found.what}"
    if answer is None:
        return line
    more = f", with {answer.more} in its settings" if answer.more else ""
    return f"{line}\n  {answer.bus or 'no bus known'}: {answer.how}{more}"
