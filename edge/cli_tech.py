"""`wxvend tech`, with what needs the daemon's own memory: audit files are made from the journal."""

import json
import sys
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Final, NoReturn

import click

from edge.app_audit import day_report
from edge.cli_bundle import bundle, check_bundle
from edge.ports import JournalFailed
from edge.tech.cli import BAD_INPUT, NOT_WELL, tech
from edge.tech.dts import LIMIT_BYTES, BadReport, Segment, write
from edge.tech.dts_dump import read_any
from edge.tech.dts_names import named
from edge.tech.dts_reader import Found

_FILE: Final = click.Path(exists=True, dir_okay=False, path_type=Path)

tech.add_command(bundle)
tech.add_command(check_bundle)


@tech.group()
def dts() -> None:
    """Audit files (EVA-DTS): write this machine's sales as one, read anybody's.

    \b
    Examples:
      wxvend tech dts export --journal edge.db --date 2026-11-24 --machine vm-0001 --out vm-0001.dts
      wxvend tech dts read vm-0001.dts
      wxvend tech dts read session.bin --json
    """


@dts.command()
@click.option("--journal", type=_FILE, required=True, help="The machine's journal.")
@click.option("--date", "day", type=click.DateTime(["%Y-%m-%d"]), required=True, help="Which day, of UTC+8.")
@click.option("--machine", default="", metavar="ID", help="The machine's id, for ID1; without: left empty.")
@click.option("--out", type=click.File("wb", atomic=True), default="-", help="Where to; without: stdout.")
def export(journal: Path, day: datetime, machine: str, out: BinaryIO) -> None:
    """Write a day's audit file from the journal: totals since it began, and of the day ("since reset").

    Looks only; the daemon may run. A day is the platform's, UTC+8, as in its bills; a sale belongs to the
    day in which it was opened, and counts once its goods are out. Nothing is reset by it.
    """
    try:
        data = write(day_report(journal, machine, day.date()))
    except JournalFailed as error:
        _fail("export", str(error), NOT_WELL)
    except BadReport as error:
        _fail("export", str(error), BAD_INPUT)
    out.write(data)


@dts.command()
@click.argument("file", type=_FILE)
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def read(file: Path, as_json: bool) -> None:
    """Read an audit file, or a recording of a DEX or DDCMP session as bytes, and say what it counts.

    Counts and check sums are verified, of the link and of the report (G85, SE, DXE): what is damaged or cut
    is refused with its line and element. Segments that are not known are kept. Money is in the smallest
    unit unless ID4 says otherwise. Exit code 2 when it cannot be read.
    """
    try:
        with file.open("rb") as opened:
            found = read_any(opened.read(LIMIT_BYTES + 1))
    except (OSError, BadReport) as error:
        _fail("read", f"{file}: {error}", BAD_INPUT)
    click.echo(json.dumps(_plain(found)) if as_json else _words(found))


def _plain(found: Found) -> dict[str, object]:
    segments = [
        {"id": each.name, "elements": each.elements, "fields": _fields(each)}
        for each in found.report.segments
    ]
    return {
        "application": found.report.application,
        "control": found.report.control,
        "notes": found.notes,
        "segments": segments,
    }


def _fields(segment: Segment) -> dict[str, str]:
    """What is there, by name; numbers stay digits, as they have no fixed size."""
    numbered = enumerate(segment.elements, 1)
    return {named(segment.name, number): text for number, text in numbered if text}


def _words(found: Found) -> str:
    lines = [f"note: {note}" for note in found.notes]
    for segment in found.report.segments:
        told = " ".join(f"{name}={_shown(text)}" for name, text in _fields(segment).items())
        lines.append(f"{segment.name:<5} {told}".rstrip())
    return "\n".join(lines)


def _shown(text: str) -> str:
    """A file's own words without what a terminal would obey."""
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)


def _fail(command: str, words: str, code: int) -> NoReturn:
    click.echo(f"wxvend tech dts {command}: {words}", err=True)
    sys.exit(code)
