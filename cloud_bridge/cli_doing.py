"""`wxvend bridge machine`: have a machine do something now, through the daemon that runs.

Exit codes as `wxvend bridge`: 1 when it was not done, 2 for bad input, 3 when no daemon is reached.
"""

import getpass
import json
import sys
from pathlib import Path
from typing import Final

import click

from cloud_bridge.cli_ends import BAD_INPUT, FAILED, UNREACHED, fail
from cloud_bridge.config import read_settings
from cloud_bridge.core.command import What
from cloud_bridge.web.operator import BadAsk, NoDaemon, ask_desk
from wire.settings import BadSettings

_WHATS: Final = tuple(what.value.replace("_", "-") for what in What)


@click.command(short_help="Have a machine do something now.")
@click.argument("name")
@click.argument("what", type=click.Choice(_WHATS))
@click.option(
    "--config",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("bridge.toml"),
    show_default=True,
    help="The bridge's settings.",
)
@click.option("--by", default=getpass.getuser, show_default="your login", help="Who wants it.")
@click.option("--why", default="", help="For what reason; stop and reboot want one.")
@click.option("--lane", type=click.IntRange(1, 9999), default=None, help="The lane of clear-lane.")
@click.option("--on-site", is_flag=True, help="With clear-lane: somebody stands there and looked.")
@click.option("--fill", "fills", multiple=True, metavar="LANE=PIECES", help="With refill: what was put in.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of a line.")
def machine(name: str, what: str, *, config: Path, as_json: bool, **how: object) -> None:
    """Have a machine do something now. It is done or refused within five seconds, and never kept for later.

    \b
    Examples:
      wxvend bridge machine vm-0001 stop --why "spoiled goods"
      wxvend bridge machine vm-0001 clear-lane --lane 12
      wxvend bridge machine vm-0001 refill --fill 12=5 --fill 13=8
    """
    asked = {
        "machine": name,
        "what": what.replace("-", "_"),
        "by": str(how["by"]),
        "why": str(how["why"]),
        "lane": str(how["lane"] or ""),
        "on_site": "yes" if how["on_site"] else "",
        "fills": " ".join(how["fills"]) if isinstance(how["fills"], tuple) else "",
    }
    try:
        door = read_settings(config).store.door
        if door is None:
            fail("store.operator_socket: found nothing. Try: name a socket in the settings", BAD_INPUT)
        why_not, said = ask_desk(door, "command", **asked)
    except (BadSettings, BadAsk) as error:
        fail(str(error), BAD_INPUT)
    except NoDaemon as error:
        fail(f"no daemon was reached: {error}. Try: wxvend bridge run", UNREACHED)
    if as_json:
        click.echo(json.dumps({"ok": not why_not, "why": why_not, "said": said}, ensure_ascii=False))
    else:
        click.echo(f"not done: {why_not}" if why_not else f"{name} {what}: {said}", err=bool(why_not))
    sys.exit(FAILED if why_not else 0)
