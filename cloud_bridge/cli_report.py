"""`wxvend bridge report | ack-alarm`: where the money of a time is, as a table, a file or JSON; and alarms.

Reading needs no daemon. What is said about an alarm goes to the daemon that runs.
"""

import asyncio
import json
import time
from pathlib import Path
from typing import Final
from unicodedata import east_asian_width

import click

from cloud_bridge.cli_ends import FAILED, fail, in_words
from cloud_bridge.config import read_settings
from cloud_bridge.core.report import By, Report
from cloud_bridge.core.report_tables import Cell, Column, Kind, Table
from cloud_bridge.engine_reports import Reports, yesterday
from cloud_bridge.ports_reports import Wish
from cloud_bridge.store import looking
from cloud_bridge.store.schema import StoreUnusable
from cloud_bridge.web.operator import BadAsk, NoDaemon, ask_desk
from cloud_bridge.web.report_files import as_csv, as_rows, as_xlsx
from cloud_bridge.web.report_words import ReportWords
from cloud_bridge.web.speaker import yuan

_CONFIG: Final = click.option(
    "--config",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("bridge.toml"),
    show_default=True,
    help="The bridge's settings.",
)
_FILE: Final = click.Path(dir_okay=False, path_type=Path)


@click.command("report", short_help="Sales, refunds, lanes or shrinkage of a day or more; or takings.")
@click.argument("kind", type=click.Choice([each.value for each in Report]))
@_CONFIG
@click.option("--from", "first", default="", help="The first day, such as 2026-01-31.  [default: yesterday]")
@click.option("--to", "last", default="", help="The last day, within.  [default: the first]")
@click.option("--by", type=click.Choice([each.value for each in By]), default=None, help="A line for each.")
@click.option("--machine", default="", help="Only this machine's.")
@click.option("--csv", "as_text", is_flag=True, help="As CSV.")
@click.option("--xlsx", type=_FILE, default=None, help="Into this file, as XLSX.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.option("--language", type=click.Choice(["zh", "en"]), default="en", show_default=True)
def report(
    config: Path, *, as_text: bool, xlsx: Path | None, as_json: bool, language: str, **asked: str
) -> None:
    """Say what moved in the ledger on these days of Beijing time; the sum is the ledger's.

    The daemon may run.

    \b
    Examples:
      wxvend bridge report takings
      wxvend bridge report sales --from 2026-01-01 --to 2026-01-31 --by product --xlsx january.xlsx
    """
    with in_words():
        if sum((as_text, xlsx is not None, as_json)) > 1:
            raise BadAsk("found several of --csv, --xlsx, --json, allowed one")
        table = read(config, **asked)
        words = ReportWords(language)
        if xlsx is not None:
            xlsx.write_bytes(as_xlsx(table, words))
            click.echo(f"{xlsx}: {len(table.rows)} rows")
        elif as_json:
            click.echo(json.dumps(as_rows(table), ensure_ascii=False))
        else:
            click.echo(as_csv(table, words) if as_text else aligned(table, words), nl=not as_text)


def read(config: Path, *, kind: str, first: str, last: str, by: str | None, machine: str) -> Table:
    """A report out of the books. Raises BadSettings, BadAsk, StoreUnusable."""
    settings = read_settings(config)
    day = first or last or yesterday(time.time_ns() // 1_000_000)
    known = {each.id for each in settings.machines}
    if machine and machine not in known:
        raise BadAsk(f"machine: found {machine[:32]}, allowed {', '.join(sorted(known))}")
    try:
        wish = Wish(
            report=Report(kind),
            first=day,
            last=last or day,
            by=By(by) if by else None,
            machines=frozenset({machine}) if machine else None,
        )
    except ValueError as error:
        raise BadAsk(f"from, to: {error}") from error
    return asyncio.run(Reports(looking.reports(settings.store.url)).table(wish))


def aligned(table: Table, words: ReportWords) -> str:
    """Columns that align, numbers to the right, the sum below a line."""
    heads = [words.head(column) for column in table.columns]
    total = [(words.sum, *table.total[1:])] if table.total else []
    cells = (zip(table.columns, row, strict=True) for row in (*table.rows, *total))
    rows = [[_shown(*each, words) for each in row] for row in cells]
    widths = [max(map(_width, column)) for column in zip(heads, *rows, strict=True)]
    right = [column.kind not in (Kind.TEXT, Kind.TIME) for column in table.columns]
    lines = ["  ".join(map(_padded, row, widths, right)).rstrip() for row in (heads, *rows)]
    if table.total:
        lines.insert(-1, "-" * min(110, sum(widths) + 2 * len(widths) - 2))
    return "\n".join(lines)


def _shown(column: Column, cell: Cell, words: ReportWords) -> str:
    if isinstance(cell, str):
        return words.cell(column, cell)
    match column.kind:
        case Kind.FEN:
            return yuan(int(cell))
        case Kind.RATE:
            return f"{cell * 100:.1f} %"
        case Kind.TIME:
            return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(int(cell) // 1000 + 8 * 3600))
        case _:
            return str(cell)


def _padded(words: str, width: int, right: bool) -> str:
    blank = " " * (width - _width(words))
    return blank + words if right else words + blank


def _width(words: str) -> int:
    """The places that it takes in a terminal."""
    return sum(2 if east_asian_width(char) in "WF" else 1 for char in words)


# ---------------------------------------------------------------- alarms


@click.command("ack-alarm", short_help="Look after an alarm, or have it told to nobody for a while.")
@click.argument("name")
@_CONFIG
@click.option("--machine", default="", help="Whose; without: the bridge's own.")
@click.option("--lane", type=click.IntRange(0), default=0, help="Of which lane; 0: of the whole machine.")
@click.option("--snooze", "snooze_min", type=click.IntRange(1), default=None, help="For so many minutes.")
@click.option("--wake", is_flag=True, help="What was said is over: tell others again.")
@click.option("--by", required=True, help="Who says so.")
@click.option("--why", required=True, help="What is being done; it stays in the audit.")
def ack_alarm(
    config: Path, name: str, *, snooze_min: int | None, wake: bool, lane: int, **asked: str
) -> None:
    """Take an alarm into your hands: nobody else is told of it any more, until it is over.

    \b
    Examples:
      wxvend bridge ack-alarm lane_jam --machine m1 --lane 12 --by ann --why "on my way"
      wxvend bridge ack-alarm no_sale --machine m1 --snooze 1440 --by ann --why "a holiday"
    """
    with in_words():
        if wake and snooze_min:
            raise BadAsk("found --snooze and --wake, allowed one")
        door = read_settings(config).store.door
        if door is None:
            raise StoreUnusable("store.operator_socket: found nothing. Try: name a socket in the settings")
        more = {"lane": str(lane), "snooze_min": str(snooze_min or 0), "wake": "yes" if wake else ""}
        try:
            why_not, _ = ask_desk(door, "care", name=name, **asked, **more)
        except NoDaemon as error:
            raise StoreUnusable(f"no daemon was reached: {error}. Try: wxvend bridge run") from error
    if why_not:
        fail(f"refused: {why_not}", FAILED)
    quiet = f"told to nobody for {snooze_min} min" if snooze_min else "it is yours"
    click.echo("told again" if wake else quiet)
