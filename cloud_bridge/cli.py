"""`wxvend bridge`: the server's daemon and what a person does around it.

Exit codes: 0 fine, 1 it failed while running (a restart may mend it), 2 settings or keys that a person must
mend.
"""

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import Final

import click

from cloud_bridge.cli_ends import BAD_INPUT, FAILED, end, fail, in_words
from cloud_bridge.cli_more import More
from cloud_bridge.config import findings, key_place, read_settings
from cloud_bridge.wechat.keys import BadCredentials
from wire.envelope import BadKeyFile, generate, key_id, load_private, save_private, save_public
from wire.settings import SET_HANDED, BadSettings

_CONFIG: Final = click.option(
    "--config",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("bridge.toml"),
    show_default=True,
    help="The bridge's settings.",
)
_JSON: Final = click.option("--json", "as_json", is_flag=True, help="One JSON object instead of lines.")


@click.group(cls=More, epilog="Try: wxvend bridge check-config --config bridge.toml")
def bridge() -> None:
    """Run the server between WeChat Pay and the machines.

    It owns the merchant's keys and the books: it orders, listens for payments, tells a machine to vend, and
    gives the money back for what did not come out.

    \b
    Examples:
      wxvend bridge init --config bridge.toml     make its key, once
      wxvend bridge run  --config bridge.toml     serve until stopped
      wxvend bridge cases                         what waits for a person
    """


@bridge.command(short_help="Serve machines and notifications until SIGTERM.")
@_CONFIG
@click.option("--debug", is_flag=True, help="Log more.")
def run(config: Path, debug: bool) -> None:
    """Serve machines and notifications until SIGTERM. Logs to stderr, one line a fact."""
    from cloud_bridge.app import serve
    from cloud_bridge.store.schema import StoreUnusable
    from wire.service import logger, set_up_logging

    try:
        settings = read_settings(config)
        set_up_logging(debug=debug)
        asyncio.run(serve(settings, logger()))
    except (BadSettings, BadKeyFile, BadCredentials) as error:
        fail(error, BAD_INPUT)
    except StoreUnusable as error:
        fail(error, FAILED)
    except ExceptionGroup as group:
        logger().warning("daemon.failed", exc_info=group)
        sys.exit(FAILED)


@bridge.command("check-config", short_help="Say each mistake of the settings, and which key file is which.")
@_CONFIG
@_JSON
@click.option("--echo", is_flag=True, help="Also ask the platform whether it agrees, by its self-test.")
@click.option("--notify", is_flag=True, help="With --echo: have it send a notification, too.")
def check_config(config: Path, as_json: bool, echo: bool, notify: bool) -> None:
    """Read the settings and every file they name; say each mistake, where it is and what is allowed.

    Says of each key file which key it holds. With --echo the platform says whether it takes our signature and
    whether its own can be verified; that calls it, and moves no money.
    """
    good, lines = findings(config, now_s=time.time_ns() / 1e9)
    if echo and good:
        from cloud_bridge.cli_echo import echoes

        good, said = echoes(config, notify=notify)
        lines += said
    if as_json:
        click.echo(json.dumps({"ok": good, "findings": lines}, ensure_ascii=False))
    else:
        click.echo("\n".join([*lines, "settings are good" if good else "settings have mistakes"]))
    sys.exit(0 if good else BAD_INPUT)


@bridge.command()
@_CONFIG
@_JSON
def init(config: Path, as_json: bool) -> None:
    """Make the bridge's key where the settings name it. Nothing is overwritten."""
    try:
        key_file = key_place(config)
        public = key_file.with_suffix(".pub")
        if not key_file.exists():
            save_private(key_file, generate())
        key = load_private(key_file).public_key()
        save_public(public, key)
    except (BadSettings, BadKeyFile) as error:
        fail(error, BAD_INPUT)
    except OSError as error:
        fail(OSError(f"{error}. Try: mkdir -p, or {SET_HANDED}"), FAILED)
    if as_json:
        made = {"key_id": key_id(key), "key_file": str(key_file), "public_key_file": str(public)}
        click.echo(json.dumps(made, ensure_ascii=False))
        return
    click.echo(f"bridge key   {key_file}  {key_id(key)}")
    click.echo(f"public half  {public}  give it to every machine (keys.bridge_public_key_files)")


@bridge.command(short_help="Open cases, the oldest first, with what to do next.")
@_CONFIG
@click.option("--all", "everything", is_flag=True, help="Also those that are resolved.")
@_JSON
def cases(config: Path, everything: bool, as_json: bool) -> None:
    """Say what waits for a person, why, on what evidence, and what to do next. The daemon may run."""
    from cloud_bridge.cli_books import show_cases

    with in_words():
        show_cases(config, everything=everything, as_json=as_json)


@bridge.command(short_help="Decide a sale that waits for a person.")
@click.argument("sale")
@_CONFIG
@click.option("--as", "resolution", required=True, help="refund | vended | closed.")
@click.option("--by", required=True, help="Who decides.")
@click.option("--why", required=True, help="On what grounds; it is kept for ever.")
@click.option("--case", "reason", default="", help="Only this case of the sale, by its name.")
@_JSON
def resolve(config: Path, as_json: bool, **asked: str) -> None:
    """Decide a sale: give the money back, or say that the goods were out, or that it is settled otherwise.

    It goes to the daemon that runs; while none runs it is written into the books, and the next one acts.

    \b
    Example:
      wxvend bridge resolve SALE --as refund --by ann --why "two pieces left in lane 12"
    """
    from cloud_bridge.cli_books import decide

    with in_words():
        why_not = decide(config, {**asked, "sale_id": asked.pop("sale")})
    end(why_not, f"{asked['resolution']}: it is in the books", as_json=as_json)


@bridge.command(short_help="Look after a sale's open cases.")
@click.argument("sale")
@_CONFIG
@click.option("--by", required=True, help="Who looks after it.")
@_JSON
def take(config: Path, sale: str, by: str, as_json: bool) -> None:
    """Put a sale's open cases into somebody's hands, for others to see."""
    from cloud_bridge.cli_books import own

    with in_words():
        why_not = own(config, sale, by)
    end(why_not, f"{by} looks after it", as_json=as_json)


@bridge.command(short_help="What stands as an alarm, the oldest first.")
@_CONFIG
@_JSON
def alarms(config: Path, as_json: bool) -> None:
    """Say each lasting fault, on which machine, since when. The daemon may run."""
    from cloud_bridge.cli_alarms import show_alarms

    with in_words():
        show_alarms(config, as_json=as_json)


@bridge.command("clear-alarm", short_help="Take away an alarm that nothing else ends.")
@click.argument("name")
@_CONFIG
@click.option("--machine", default="", help="Whose; without: the bridge's own.")
@click.option("--by", required=True, help="Who says so.")
@click.option("--why", required=True, help="What was found and done; it stays in the timeline.")
@_JSON
def clear_alarm(config: Path, as_json: bool, **asked: str) -> None:
    """Take away an alarm whose cause a person has looked into, such as amount_differs or journal_replaced.

    Most alarms end by themselves, and one whose cause is still there comes back. One that stands for an open
    case ends with the case.

    \b
    Example:
      wxvend bridge clear-alarm journal_replaced --machine m1 --by ann --why "new card in the machine"
    """
    from cloud_bridge.cli_alarms import clear

    with in_words():
        why_not = clear(config, asked)
    end(why_not, f"{asked['name']}: cleared", as_json=as_json)


@bridge.command(short_help="What payers complain about, who waits longest first.")
@_CONFIG
@click.option("--all", "everything", is_flag=True, help="Also those that are settled.")
@_JSON
def complaints(config: Path, everything: bool, as_json: bool) -> None:
    """Say each complaint with its sale, what was answered, and what to do next. The daemon may run."""
    from cloud_bridge.cli_desk import show_complaints

    with in_words():
        show_complaints(config, everything=everything, as_json=as_json)


@bridge.command(short_help="Answer a payer's complaint, or settle it.")
@click.argument("complaint")
@_CONFIG
@click.option("--text", "words", default="", help="Your own words, at most 200 characters.")
@click.option("--prepared", is_flag=True, help="The answer that the books make of the sale.")
@click.option("--complete", is_flag=True, help="Say to the platform that it is settled.")
@click.option("--phone", is_flag=True, help="Show the payer's number; that you saw it is noted.")
@click.option("--by", required=True, help="Who answers.")
@_JSON
def answer(config: Path, complaint: str, by: str, as_json: bool, **how: str | bool) -> None:
    """Have the daemon say it to the payer, once, whatever the network does.

    \b
    Example:
      wxvend bridge answer 200020260101... --prepared --by ann
    """
    from cloud_bridge.cli_desk import act, chosen

    with in_words():
        do, asked = chosen(how)
        why_not, said = act(config, do, complaint_id=complaint, by=by, **asked)
    end(why_not, said or "it is in the books, and goes to the platform now", as_json=as_json)


@bridge.command(short_help="Who is told of alarms, and whether he hears us.")
@_CONFIG
@click.option("--test", is_flag=True, help="Send each robot a message that means nothing.")
@_JSON
def alerts(config: Path, test: bool, as_json: bool) -> None:
    """Say who is told of alarms beside page and broker. Exit code 1 when somebody does not hear us."""
    from cloud_bridge.cli_desk import robots, try_robots

    with in_words():
        said = try_robots(config) if test else robots(config)
    bad = [name for name, why in said if test and why]
    if as_json:
        click.echo(json.dumps({"ok": not bad, "sinks": dict(said)}, ensure_ascii=False))
    else:
        for name, words in said:
            click.echo(f"{name}  {words if not test else f'not taken: {words}' if words else 'taken'}")
        if not said:
            click.echo("no [[alerts.sinks]] in the settings: alarms are on the page and at the broker only")
    sys.exit(FAILED if bad else 0)


@bridge.command(short_help="The accounts, and whether the books are as they were written.")
@_CONFIG
@click.option("--check", is_flag=True, help="Verify every entry, every decision and every sale.")
@_JSON
def ledger(config: Path, check: bool, as_json: bool) -> None:
    """Say what each account holds. With --check: each line that is not what was written, each sale whose
    entries do not say what its row says. Exit code 1 when something does not fit. The daemon may run.
    """
    from cloud_bridge.cli_books import show_ledger

    with in_words():
        good = show_ledger(config, check=check, as_json=as_json)
    sys.exit(0 if good else FAILED)


@bridge.command(short_help="Match a day's bill with the books and the machines' journals.")
@_CONFIG
@click.option("--date", "day", default="", help="The day, such as 2026-01-31.  [default: yesterday]")
@click.option("--merchant", default="", help="One of [[merchants]], by its name.")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=None,
    help="Where the reports go.  [default: beside the bills]",
)
@click.option("--language", type=click.Choice(["zh", "en"]), default="zh", show_default=True)
@_JSON
def reconcile(
    config: Path, day: str, *, merchant: str, out: Path | None, language: str, as_json: bool
) -> None:
    """Fetch a day's bill, match it, say what differs, and write a page and a table about it.

    Doing it again changes nothing that stayed as it was. Exit code 1 while the day is not closed.

    \b
    Examples:
      wxvend bridge reconcile                       yesterday
      wxvend bridge reconcile --date 2026-01-31 --out reports --language en
    """
    from cloud_bridge import cli_bills

    with in_words():
        kept = cli_bills.reconcile(config, day, merchant=merchant, out=out, language=language)
        folder = out or read_settings(config).bills_folder
        if as_json:
            click.echo(cli_bills.as_json(kept, folder))
        else:
            cli_bills.show(kept, folder)
    sys.exit(0 if kept[0].closed else FAILED)


@bridge.command(short_help="Say why a difference of a matched day is none.")
@click.argument("key")
@_CONFIG
@click.option("--date", "day", required=True, help="The day, such as 2026-01-31.")
@click.option("--merchant", default="", help="One of [[merchants]], by its name.")
@click.option("--by", required=True, help="Who says it.")
@click.option("--why", required=True, help="What it was; it is kept for ever.")
@_JSON
def explain(config: Path, as_json: bool, **asked: str) -> None:
    """Give a difference a cause, by its key as `reconcile` shows it. The day closes with the last of them.

    \b
    Example:
      wxvend bridge explain not_ours:WEB-1:42000 --date 2026-01-31 --by ann --why "the web shop's"
    """
    from cloud_bridge import cli_bills

    with in_words():
        why_not = cli_bills.explain(config, asked)
    end(why_not, f"{asked['by']} explained it", as_json=as_json)


@bridge.command(short_help="Labels with printed codes for a machine without a screen.")
@_CONFIG
@click.option("--machine", required=True, metavar="ID", help="Whose lanes.")
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), required=True, help="The folder for them."
)
@click.option("--png", "pictures", is_flag=True, help="A picture a sheet instead of one PDF.")
def codes(config: Path, machine: str, out: Path, pictures: bool) -> None:
    """Write sheets of labels, ready to print: a code, product, price and lane for each lane of a machine.

    The codes are good while the machine's `printed_codes` is what it is now; raise it to make them void.
    """
    from cloud_bridge.cli_codes import NoCodes, write_codes
    from cloud_bridge.sheets import NoFont

    try:
        for path in write_codes(config, machine, out, pictures=pictures):
            click.echo(path)
    except (BadSettings, NoCodes, BadKeyFile, BadCredentials) as error:
        fail(error, BAD_INPUT)
    except (NoFont, OSError) as error:
        fail(error, FAILED)
