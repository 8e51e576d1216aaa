"""`wxvend bridge`: the server's daemon and what a person does around it.

Exit codes: 0 fine, 1 it failed while running (a restart may mend it), 2 settings or keys that a person must
mend.
"""

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import Final, NoReturn

import click

from cloud_bridge.config import findings, key_place, read_settings
from cloud_bridge.wechat.keys import BadCredentials
from wire.envelope import BadKeyFile, generate, key_id, load_private, save_private, save_public
from wire.settings import BadSettings

FAILED: Final = 1
BAD_INPUT: Final = 2
_CONFIG: Final = click.option(
    "--config",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("bridge.toml"),
    show_default=True,
    help="The bridge's settings.",
)
_JSON: Final = click.option("--json", "as_json", is_flag=True, help="One JSON object instead of lines.")


@click.group(epilog="Try: wxvend bridge check-config --config bridge.toml")
def bridge() -> None:
    """Run the server between WeChat Pay and the machines.

    It owns the merchant's keys and the books: it orders, listens for payments, tells a machine to vend, and
    gives the money back for what did not come out.

    \b
    Examples:
      wxvend bridge init --config bridge.toml     make its key, once
      wxvend bridge run  --config bridge.toml     serve until stopped
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
        _fail(error, BAD_INPUT)
    except StoreUnusable as error:
        _fail(error, FAILED)
    except ExceptionGroup as group:
        logger().warning("daemon.failed", exc_info=group)
        sys.exit(FAILED)


@bridge.command("check-config", short_help="Say each mistake of the settings, and which key file is which.")
@_CONFIG
@_JSON
def check_config(config: Path, as_json: bool) -> None:
    """Read the settings and every file they name; say each mistake, where it is and what is allowed.

    Says of each key file which key it holds.
    """
    good, lines = findings(config, now_s=time.time_ns() / 1e9)
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
        _fail(error, BAD_INPUT)
    except OSError as error:
        _fail(error, FAILED)
    if as_json:
        made = {"key_id": key_id(key), "key_file": str(key_file), "public_key_file": str(public)}
        click.echo(json.dumps(made, ensure_ascii=False))
        return
    click.echo(f"bridge key   {key_file}  {key_id(key)}")
    click.echo(f"public half  {public}  give it to every machine (keys.bridge_public_key_files)")


def _fail(error: Exception, code: int) -> NoReturn:
    click.echo(f"wxvend bridge: {error}", err=True)
    sys.exit(code)
