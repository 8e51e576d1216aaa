"""`wxvend bridge user ...`: who may log in, what he may do and where, and tokens for programs.

It goes to the daemon that runs, through its socket; while none runs it is written into the books. Passwords
are asked for at the terminal or read from a file, and only what is kept of them goes on.
"""

import asyncio
import getpass
import json
import secrets
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import click

from cloud_bridge.app_people import merchant_of
from cloud_bridge.cli_ends import end, in_words
from cloud_bridge.config import BridgeSettings, read_settings
from cloud_bridge.core.logins import LONGEST, Scope, must_prove, wrong_password
from cloud_bridge.core.people import Role
from cloud_bridge.engine_people import hashed
from cloud_bridge.engine_people_acts import told
from cloud_bridge.engine_people_asked import managed_of, roles_of, scope_words
from cloud_bridge.store import looking
from cloud_bridge.store.books import open_store
from cloud_bridge.store.schema import StoreUnusable
from cloud_bridge.web.operator import BadAsk, NoDaemon, ask_desk
from cloud_bridge.web.passwords import Argon2

TOKEN_START: Final = "wxv_"  # noqa: S105
Command = Callable[..., None]


@click.group()
def user() -> None:
    """Say who may log in, what he may do, and on which machines.

    \b
    Examples:
      wxvend bridge user add ann --role admin --role finance --all
      wxvend bridge user token grafana --role viewer --all
    """


def _common(command: Command) -> Command:
    for option in (
        click.option("--json", "as_json", is_flag=True, help="One JSON object instead of a line."),
        click.option("--why", default="", help="For what reason; it is kept for ever."),
        click.option("--by", default=getpass.getuser, show_default="your login", help="Who says so."),
        _config,
    ):
        command = option(command)
    return command


def _scope(command: Command) -> Command:
    for option in (
        click.option("--all", "everywhere", is_flag=True, help="On every machine and merchant."),
        click.option("--merchant", "merchants", multiple=True, help="His machines and bills; - is [wechat]."),
        click.option("--machine", "machines", multiple=True, help="One of the settings; may be repeated."),
        click.option(
            "--role", "roles", multiple=True, required=True, help=f"{' | '.join(Role)}; may be repeated."
        ),
    ):
        command = option(command)
    return command


_config: Final = click.option(
    "--config",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("bridge.toml"),
    show_default=True,
    help="The bridge's settings.",
)
_password: Final = click.option(
    "--password-file",
    type=click.Path(dir_okay=False, path_type=Path),
    default=None,
    help="A file with the password alone.  [default: asked for]",
)


@user.command(short_help="Make a user. The first one turns the login on.")
@click.argument("name")
@_scope
@_password
@_common
def add(name: str, *, password_file: Path | None, config: Path, as_json: bool, **asked: Any) -> None:
    """Make a user. Whoever decides about money or people sets up a second factor when he first logs in."""
    with in_words():
        settings = read_settings(config)
        scope = _scope_of(asked)
        kept = _kept(settings, _password_of(name, password_file))
        why_not = _do(settings, "add", name, asked, scope=scope_words(scope), kept=kept, new=True)
    second = "; he looks only, until he set up a second factor" if must_prove(scope.roles) else ""
    end(why_not, f"{name}: {told(scope)}{second}", as_json=as_json)


@user.command(short_help="Give a user other roles, machines and merchants.")
@click.argument("name")
@_scope
@_common
def roles(name: str, *, config: Path, as_json: bool, **asked: Any) -> None:
    """Give a user exactly these rights, in place of those he has. He logs in anew."""
    with in_words():
        scope = _scope_of(asked)
        why_not = _do(read_settings(config), "roles", name, asked, scope=scope_words(scope))
    end(why_not, f"{name}: {told(scope)}", as_json=as_json)


@user.command(short_help="Set a user's password.")
@click.argument("name")
@_password
@_common
def passwd(name: str, *, password_file: Path | None, config: Path, as_json: bool, **asked: Any) -> None:
    """Set a user's password, which he should change himself. His sessions end."""
    with in_words():
        settings = read_settings(config)
        kept = _kept(settings, _password_of(name, password_file))
        why_not = _do(settings, "passwd", name, asked, kept=kept)
    end(why_not, f"{name}: the password is set", as_json=as_json)


@user.command(short_help="Take a lost second factor away.")
@click.argument("name")
@_common
def totp(name: str, *, config: Path, as_json: bool, **asked: Any) -> None:
    """Take a user's second factor away, for a lost phone. He looks only, until he set up another one."""
    with in_words():
        why_not = _do(read_settings(config), "totp", name, asked)
    end(why_not, f"{name}: without a second factor", as_json=as_json)


@user.command(short_help="Let a user in no more.")
@click.argument("name")
@_common
def disable(name: str, *, config: Path, as_json: bool, **asked: Any) -> None:
    """Let a user in no more; his sessions end at once. What he did stays in the audit."""
    with in_words():
        why_not = _do(read_settings(config), "disable", name, asked)
    end(why_not, f"{name}: shut out", as_json=as_json)


@user.command(short_help="Let a user in again.")
@click.argument("name")
@_common
def enable(name: str, *, config: Path, as_json: bool, **asked: Any) -> None:
    """Let a user in again who was shut out."""
    with in_words():
        why_not = _do(read_settings(config), "enable", name, asked)
    end(why_not, f"{name}: let in", as_json=as_json)


@user.command(short_help="Make a token for a program; it is shown once.")
@click.argument("name")
@_scope
@_common
def token(name: str, *, config: Path, as_json: bool, **asked: Any) -> None:
    """Make a token for a program: what it sends as `Authorization: Bearer ...`. It is shown once, now."""
    words = TOKEN_START + secrets.token_urlsafe(32)
    with in_words():
        scope = _scope_of(asked)
        why_not = _do(
            read_settings(config), "token", name, asked, scope=scope_words(scope), kept=hashed(words)
        )
    if as_json and not why_not:
        click.echo(json.dumps({"ok": True, "why": "", "token": words}))
        return
    end(why_not, words, as_json=as_json)


@user.command(short_help="Make a token worth nothing.")
@click.argument("name")
@_common
def revoke(name: str, *, config: Path, as_json: bool, **asked: Any) -> None:
    """Make a program's token worth nothing, at once."""
    with in_words():
        why_not = _do(read_settings(config), "revoke", name, asked)
    end(why_not, f"{name}: revoked", as_json=as_json)


@user.command("list", short_help="Who may log in, and which programs may speak.")
@_config
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of lines.")
def list_(config: Path, as_json: bool) -> None:
    """Say who may log in, what he may do and where, and which programs have a token. The daemon may run."""
    with in_words():
        users, tokens = looking.people(read_settings(config).store.url)
    if as_json:
        rows = [
            {
                "name": each.name,
                "rights": told(each),
                "second_factor": bool(each.totp),
                "disabled": each.disabled,
            }
            for each in users
        ]
        programs = [{"name": each.name, "rights": told(each), "by": each.by} for each in tokens]
        click.echo(json.dumps({"users": rows, "tokens": programs}, ensure_ascii=False))
        return
    for each in users:
        click.echo(f"{each.name:20} {told(each)}{'' if each.totp else ', no second factor'}")
    for program in tokens:
        click.echo(f"{program.name:20} token: {told(program)}")
    if not users:
        click.echo("no user: nobody is asked for a login, unless web.login says so")


# ---------------------------------------------------------------- helpers


def _do(
    settings: BridgeSettings,
    act: str,
    name: str,
    asked: dict[str, Any],
    *,
    scope: str = "",
    kept: str = "",
    new: bool = False,
) -> str:
    """Have the daemon that runs do it, else do it; why not, or empty. `new`: books are made if need be."""
    words = {"act": act, "name": name, "scope": scope, "kept": kept, "by": asked["by"], "why": asked["why"]}
    if not (0 < len(words["by"].strip()) <= 64 and words["by"].isprintable()):
        raise BadAsk(f"by: found {words['by'][:20]!r}, allowed 1 to 64 characters on one line")
    try:
        if settings.store.door is not None:
            return ask_desk(settings.store.door, "people", **words)[0]
        silent = "store.operator_socket is not set"
    except NoDaemon as error:
        silent = str(error)
    if not new:
        looking.cases(settings.store.url, resolved=0)  # there are books
    wall_ms = time.time_ns() // 1_000_000
    try:
        work = managed_of(words, merchant_of(settings), wall_ms)
    except ValueError as error:
        raise BadAsk(str(error)) from error
    try:
        with closing(open_store(settings.store.url, incarnation=lambda: secrets.token_hex(16))) as store:
            return asyncio.run(store.on_people(work))
    except StoreUnusable as error:
        raise StoreUnusable(f"{error} (and no daemon was reached: {silent})") from error


def _scope_of(asked: dict[str, Any]) -> Scope:
    try:
        return Scope(
            roles=roles_of(asked["roles"]),
            machines=frozenset(asked["machines"]),
            merchants=frozenset("" if each == "-" else each for each in asked["merchants"]),
            everywhere=asked["everywhere"],
        )
    except ValueError as error:
        raise BadAsk(str(error)) from error


def _password_of(name: str, file: Path | None) -> str:
    """From a file of its own, or typed twice where nobody reads along; never from the command line."""
    if file is not None:
        words = file.read_text("utf-8")[: LONGEST + 2].rstrip("\r\n")
    elif sys.stdin.isatty():
        words = str(click.prompt(f"password of {name}", hide_input=True, confirmation_prompt=True))
    else:
        raise BadAsk("password: found no terminal to ask at. Try: --password-file FILE")
    if why := wrong_password(words, name):
        raise BadAsk(why)
    return words


def _kept(settings: BridgeSettings, words: str) -> str:
    web = settings.web
    with closing(Argon2(memory_kib=web.password_memory_kib, rounds=web.password_rounds)) as passwords:
        return passwords.kept_now(words)
