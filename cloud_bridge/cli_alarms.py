"""`wxvend bridge alarms | clear-alarm`: what stands, and taking away what nothing but a person ends."""

import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import Final

import click

from cloud_bridge.cli_books import age, at_the_daemon_or_in_the_books, wall_ms
from cloud_bridge.config import read_settings
from cloud_bridge.core.standing import clearing
from cloud_bridge.engine_standing import clear_in
from cloud_bridge.store import looking
from cloud_bridge.web.operator import BadAsk, ask_desk

MOST_BY: Final = 64


def show_alarms(config: Path, *, as_json: bool) -> None:
    """Say each alarm: the oldest first."""
    found = looking.alarms(read_settings(config).store.url)
    if as_json:
        click.echo(json.dumps([asdict(each) for each in found], ensure_ascii=False))
        return
    now_ms = time.time_ns() // 1_000_000
    for each in found:
        where = each.machine or "the bridge"
        lane = f" lane {each.lane}" if each.lane else ""
        code = f"  {each.code}" if each.code else ""
        click.echo(f"{each.name}  {where}{lane}{code}  {age(now_ms - each.since_wall_ms)}\n    {each.text}")
    click.echo(f"{len(found)} standing" if found else "no alarm")


def clear(config: Path, asked: dict[str, str]) -> str:
    """Take an alarm away; why not, or empty. Raises BadSettings, BadAsk, StoreUnusable, StoreFailed."""
    if not (0 < len(asked["by"].strip()) <= MOST_BY and asked["by"].isprintable()):
        raise BadAsk(f"by: found {asked['by'][:20]!r}, allowed 1 to {MOST_BY} characters on one line")
    try:
        wanted = clearing(asked)
    except ValueError as error:
        raise BadAsk(str(error)) from error
    return at_the_daemon_or_in_the_books(
        read_settings(config),
        lambda door: ask_desk(door, "clear", **asdict(wanted))[0],
        lambda store: clear_in(store, wanted, wall_ms, running=False),
    )
