"""`wxvend edge`: the machine's daemon and what a person does around it.

Exit codes: 0 fine, 1 it failed while running (a restart may mend it), 2 settings or keys that a person must
mend, 86 a person asked for a new start of the computer.
"""

import asyncio
import json
import sys
from pathlib import Path
from typing import Final, NoReturn

import click

from edge.config import findings, places, read_settings
from edge.host import SystemClock, fresh
from edge.journal import confirm, open_journal
from edge.ports import JournalFailed
from wire.envelope import BadKeyFile
from wire.settings import SET_HANDED, BadSettings

FAILED: Final = 1
BAD_INPUT: Final = 2
START_ANEW: Final = 86  # the unit reads it as a wish to start the computer anew
_CONFIG: Final = click.option(
    "--config",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("edge.toml"),
    show_default=True,
    help="The machine's settings.",
)


@click.group(epilog="Try: wxvend edge check-config --config edge.toml")
def edge() -> None:
    """Run the daemon of one vending machine.

    It owns the serial bus and the screen, and dispenses only what the bridge has signed as paid.

    \b
    Examples:
      wxvend edge init --config edge.toml     make key and journal, once
      wxvend edge run  --config edge.toml     serve until stopped
    """


@edge.command()
@_CONFIG
@click.option("--debug", is_flag=True, help="Log more.")
def run(config: Path, debug: bool) -> None:
    """Serve the machine until SIGTERM. Logs to stderr, one line a fact."""
    from edge.app import serve
    from edge.core.errors import BusBroken
    from edge.display.errors import BadFont, BadPanel
    from wire.service import logger, set_up_logging

    try:
        settings = read_settings(config)
        set_up_logging(debug=debug, machine=settings.machine)
        if asyncio.run(serve(settings, logger())):
            sys.exit(START_ANEW)
    except (BadSettings, BadKeyFile, BadFont, BadPanel) as error:
        _fail(error, BAD_INPUT)
    except (JournalFailed, BusBroken) as error:
        _fail(error, FAILED)
    except ExceptionGroup as group:
        logger().warning("daemon.failed", exc_info=group)
        sys.exit(FAILED)


@edge.command("check-config")
@_CONFIG
@click.option("--json", "as_json", is_flag=True, help="One object: ok, and the findings.")
def check_config(config: Path, as_json: bool) -> None:
    """Read the settings and every file they name; say each mistake, where it is and what is allowed."""
    good, lines = findings(config)
    if as_json:
        click.echo(json.dumps({"ok": good, "findings": lines}, ensure_ascii=False))
    else:
        click.echo("\n".join([*lines, "settings are good" if good else "settings have mistakes"]))
    sys.exit(0 if good else BAD_INPUT)


@edge.command()
@_CONFIG
def init(config: Path) -> None:
    """Make the machine's key and its journal where the settings name them. Nothing is overwritten."""
    from wire.envelope import generate, key_id, load_private, save_private, save_public

    try:
        key_file, journal = places(config)
        public = key_file.with_suffix(".pub")
        if not key_file.exists():
            save_private(key_file, generate())
        key = load_private(key_file).public_key()
        save_public(public, key)
        if not journal.exists():
            open_journal(journal, fresh(SystemClock()), confirm_new=True).close()
    except (BadSettings, BadKeyFile) as error:
        _fail(error, BAD_INPUT)
    except JournalFailed as error:
        _fail(error, FAILED)
    except OSError as error:
        _fail(OSError(f"{error}. Try: mkdir -p, or {SET_HANDED}"), FAILED)
    click.echo(f"machine key  {key_file}  {key_id(key)}")
    click.echo(f"public half  {public}  give it to the bridge (machines.<id>.public_key_file)")
    click.echo(f"journal      {journal}")


@edge.command("confirm-journal")
@_CONFIG
def confirm_journal(config: Path) -> None:
    """Let a machine sell again after its journal was lost, damaged or made anew.

    Until then it sells nothing: sales of the lost journal may have been paid, and only a person can know
    whether losing it was meant. Stop the daemon first.
    """
    try:
        _, journal = places(config)
        confirm(journal)
    except BadSettings as error:
        _fail(error, BAD_INPUT)
    except JournalFailed as error:
        _fail(error, FAILED)
    click.echo(f"journal {journal} is confirmed; the machine sells from its next start")


@edge.command()
@_CONFIG
@click.option("--check", is_flag=True, required=True, help="Verify every entry and every row.")
@click.option("--json", "as_json", is_flag=True, help="One object: ok, entries, faults.")
def journal(config: Path, check: bool, as_json: bool) -> None:
    """Say whether the machine's journal is as it was written, and name each entry and row that is not.

    Looks only; the daemon may run. Exit code 1 when something was changed.
    """
    from edge.journal_rows import check_journal

    try:
        entries, faults = check_journal(places(config)[1])
    except BadSettings as error:
        _fail(error, BAD_INPUT)
    except JournalFailed as error:
        _fail(error, FAILED)
    if as_json:
        click.echo(json.dumps({"ok": not faults, "entries": entries, "faults": faults}, ensure_ascii=False))
    else:
        click.echo("\n".join(faults) or f"{entries} entries, all as they were written")
    sys.exit(FAILED if faults else 0)


def _fail(error: Exception, code: int) -> NoReturn:
    click.echo(f"wxvend edge: {error}", err=True)
    sys.exit(code)
