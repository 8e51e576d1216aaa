"""`wxvend bridge audit`: what people did, for reading elsewhere, and whether that record is whole."""

import csv
import json
import sys
from collections.abc import Iterable
from dataclasses import asdict, fields
from datetime import datetime
from pathlib import Path

import click

from cloud_bridge.cli_ends import FAILED, in_words
from cloud_bridge.config import read_settings
from cloud_bridge.ports_people import Line
from cloud_bridge.store import looking


@click.command(short_help="What people did, and whether that record is whole.")
@click.option(
    "--config",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("bridge.toml"),
    show_default=True,
    help="The bridge's settings.",
)
@click.option("--check", is_flag=True, help="Verify that each line is as it was written.")
@click.option("--head", default="", metavar="HASH", help="With --check: a last line's hash kept elsewhere.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line; with --check one in all.")
@click.option("--csv", "as_csv", is_flag=True, help="A table for a spreadsheet.")
def audit(config: Path, *, check: bool, head: str, as_json: bool, as_csv: bool) -> None:
    """Say who did what, when and why, the oldest first. The daemon may run.

    Each line is bound to all before it. With --check: each line that is not what was written; exit code 1
    when there is one. The last line's hash, kept elsewhere and given as --head, also proves that no end was
    cut off.

    \b
    Examples:
      wxvend bridge audit --csv > audit.csv
      wxvend bridge audit --check --head 5f0c...
    """
    with in_words():
        url = read_settings(config).store.url
        if check:
            sys.exit(0 if _check(url, head, as_json=as_json) else FAILED)
        with looking.deeds(url) as lines:
            _show(lines, as_json=as_json, as_csv=as_csv)


def _check(url: str, head: str, *, as_json: bool) -> bool:
    found = looking.audit_checked(url, head)
    if as_json:
        click.echo(json.dumps({"ok": not found.faults, **asdict(found)}))
    else:
        whole = f"{found.lines} lines are as they were written; the last one's hash: {found.head or 'none'}"
        click.echo("\n".join(found.faults) or whole)
    return not found.faults


def _show(lines: Iterable[Line], *, as_json: bool, as_csv: bool) -> None:
    names = [field.name for field in fields(Line)]
    table = csv.DictWriter(sys.stdout, names, lineterminator="\n")
    if as_csv:
        table.writeheader()
    for line in lines:
        if as_csv:
            table.writerow({name: _cell(value) for name, value in asdict(line).items()})
        elif as_json:
            click.echo(json.dumps(asdict(line), ensure_ascii=False))
        else:
            click.echo(_told(line))


def _told(line: Line) -> str:
    at = datetime.fromtimestamp(line.wall_ms / 1000).astimezone()
    about = f"{line.about} of {line.machine}" if line.machine else line.about
    why = f": {line.why}" if line.why else ""
    change = " -> ".join(each for each in (line.before, line.after) if each)
    return (
        f"{at:%Y-%m-%d %H:%M:%S%z}  {line.by}  {line.action}  {about}{why}{'  ' + change if change else ''}"
    )


def _cell(value: object) -> object:
    """A cell that a spreadsheet would run is kept a text."""
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r") else value
