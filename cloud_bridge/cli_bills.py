"""`wxvend bridge reconcile | explain`: a day's bill against books and journals, and the report about it.

The daemon that runs does it, and says how far it is; while none runs it is done here, without asking machines
and without acting on what differs.
"""

import asyncio
import json
import secrets
import sys
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import click

from cloud_bridge.app import SystemClock
from cloud_bridge.app_bills import reconcile_alone, wrong_day
from cloud_bridge.app_merchants import Merchants
from cloud_bridge.cli_books import at_the_daemon_or_in_the_books, wall_ms
from cloud_bridge.config import BridgeSettings, read_settings
from cloud_bridge.core.sale import yuan
from cloud_bridge.engine_bills import explain_in, tell_open_days
from cloud_bridge.engine_bills_acts import in_words
from cloud_bridge.ports import Store
from cloud_bridge.ports_bills import Cause, Kept, day_of, days_from
from cloud_bridge.store import looking
from cloud_bridge.store.books import SqlStore, open_store
from cloud_bridge.store.schema import StoreUnusable
from cloud_bridge.web.bill_report import as_csv, as_html
from cloud_bridge.web.operator import BadAsk, NoDaemon, ask_desk
from cloud_bridge.wechat.bill_files import as_the_folder, make_folder
from wire.service import logger, set_up_logging

_AGAIN_S: Final = 10.0
_WIDTH: Final = 24
Told = Callable[[str, int, int], None]


def reconcile(config: Path, day: str, *, merchant: str, out: Path | None, language: str) -> Kept:
    """Have a day matched, and its reports written. Raises BadSettings, BadAsk, StoreUnusable, OSError."""
    settings = read_settings(config)
    day = day or days_from(day_of(wall_ms()), -1)
    if why_not := wrong_day(merchant, day, {**settings.accounts, **settings.older_accounts}):
        raise BadAsk(why_not)
    bar = Bar()
    try:
        _at_the_daemon(settings, merchant, day, bar.told)
    except NoDaemon as error:
        _here(settings, merchant, day, bar.told, str(error))
    finally:
        bar.end()
    kept = looking.bill_day(settings.store.url, merchant, day)
    if kept is None:
        raise StoreUnusable(f"nothing is known of {day}. Try: the daemon's log")
    _write(out or settings.bills_folder, kept, language)
    return kept


def _at_the_daemon(settings: BridgeSettings, merchant: str, day: str, told: Told) -> None:
    if settings.store.door is None:
        raise NoDaemon("store.operator_socket is not set")
    while True:
        why_not, said = ask_desk(settings.store.door, "reconcile", merchant=merchant, day=day)
        if why_not:
            raise StoreUnusable(why_not)
        far: dict[str, Any] = json.loads(said)
        if far["done"]:
            return
        told(far["what"], far["here"], far["whole"])


def _here(settings: BridgeSettings, merchant: str, day: str, told: Told, silent: str) -> None:
    clock = SystemClock()
    set_up_logging(debug=False)
    try:
        with (
            Merchants(settings.accounts, settings.older_accounts, clock=clock) as merchants,
            closing(open_store(settings.store.url, incarnation=lambda: secrets.token_hex(16))) as store,
        ):
            where = (merchant, day)
            work = reconcile_alone(
                settings, merchants, store, where=where, told=told, clock=clock, log=logger()
            )
            asyncio.run(work)
    except StoreUnusable as error:
        raise StoreUnusable(f"{error} (and no daemon was reached: {silent})") from error


def _write(folder: Path, kept: Kept, language: str) -> None:
    """Replace the reports of the day: whole ones, for whoever may read the folder."""
    make_folder(folder)
    for place, content in zip(report_files(folder, kept), contents(kept, language), strict=True):
        part = place.with_name(f"{place.name}.part")
        part.write_text(content, "utf-8", newline="")
        as_the_folder(part)
        part.replace(place)


def report_files(folder: Path, kept: Kept) -> tuple[Path, Path]:
    """Where page and table of a day are."""
    name = "-".join(part for part in ("reconcile", kept[0].merchant, kept[0].day) if part)
    return folder / f"{name}.html", folder / f"{name}.csv"


def contents(kept: Kept, language: str) -> tuple[str, str]:
    """Page and table."""
    return as_html(*kept, language), as_csv(*kept)


# ---------------------------------------------------------------- saying it


def show(kept: Kept, folder: Path) -> None:
    """Say what a day came to, each difference, and where the reports are."""
    result, found = kept
    still = sum(each.cause is None for each in found)
    state = "closed" if result.closed else f"not matched: {result.fault}" if result.fault else "open"
    click.echo(f"{result.day}  {state}  {len(found)} differences, {still} without a cause")
    if figures := result.figures:
        sides = (("payments", figures.paid), ("refunds", figures.refunds))
        click.echo(f"{'':10}{'bill':>16}{'books':>16}{'matched':>16}")
        for name, side in sides:
            columns = "".join(f"{yuan(side[place]):>16}" for place in ("bill", "books", "matched"))
            click.echo(f"{name:10}{columns}")
    for each in found:
        cause = (
            f"{each.cause.name}: {each.cause.why}" if each.cause else f"no cause yet: {each.difference.rule}"
        )
        click.echo(f"{'ok' if each.cause else '!!'} {in_words(each.difference)}\n     {cause}")
        if each.cause is None:
            click.echo(f"     key: {each.difference.key}")
    for place in report_files(folder, kept):
        click.echo(f"report: {place}")


def as_json(kept: Kept, folder: Path) -> str:
    """One object with stable keys."""
    result, found = kept
    rows = [
        {**asdict(each.difference), "key": each.difference.key, "rule": each.difference.rule.value}
        | {"since_wall_ms": each.since_wall_ms, "cause": asdict(each.cause) if each.cause else None}
        for each in found
    ]
    files = [str(place) for place in report_files(folder, kept)]
    return json.dumps({**asdict(result), "differences": rows, "reports": files}, ensure_ascii=False)


def explain(config: Path, asked: dict[str, str]) -> str:
    """Keep what a person says of a difference; why not, or empty. Raises as `reconcile`."""
    settings = read_settings(config)
    for name, most in (("by", 64), ("why", 200)):
        if not (0 < len(asked[name].strip()) <= most and asked[name].isprintable()):
            raise BadAsk(f"{name}: found {asked[name][:20]!r}, allowed 1 to {most} characters on one line")
    known = {**settings.accounts, **settings.older_accounts}
    if why_not := wrong_day(asked["merchant"], asked["day"], known):
        raise BadAsk(why_not)

    async def act(store: Store) -> str:
        assert isinstance(store, SqlStore)
        cause = Cause(name="person", why=asked["why"], by=asked["by"])
        why_not = await explain_in(store, (asked["merchant"], asked["day"]), asked["key"], cause)
        await tell_open_days(store, wall_ms())
        return why_not

    return at_the_daemon_or_in_the_books(settings, lambda door: ask_desk(door, "explain", **asked)[0], act)


class Bar:
    """How far long work is: one line that moves on a terminal, a line each ten seconds elsewhere."""

    def __init__(self) -> None:
        self._live: Final = sys.stderr.isatty()
        self._began_s = self._said_s = time.monotonic()
        self._what = ""
        self._open = False

    def told(self, what: str, here: int, whole: int) -> None:
        """Work is so far along."""
        now_s = time.monotonic()
        if what != self._what:
            self._what, self._began_s = what, now_s
        if self._live or now_s - self._said_s >= _AGAIN_S:
            self._said_s = now_s
            line = bar_line(what, here, whole, now_s - self._began_s)
            click.echo(f"\r\033[K{line}" if self._live else line, err=True, nl=not self._live)
            self._open = self._live

    def end(self) -> None:
        """Nothing more comes."""
        if self._open:
            click.echo("\r\033[K", err=True, nl=False)


def bar_line(what: str, here: int, whole: int, since_s: float) -> str:
    """`trade  [######      ]  12.0 of 40.1 MB  3.1 MB/s  9 s left`."""
    rate = here / since_s if since_s > 0 else 0.0
    if what == "lines":
        return f"{what}  {here:,}  {rate:,.0f}/s"
    size = f"{here / 1e6:.1f}{f' of {whole / 1e6:.1f}' if whole else ''} MB  {rate / 1e6:.1f} MB/s"
    if not whole:
        return f"{what}  {size}"
    full = min(_WIDTH, _WIDTH * here // whole)
    left = f"{(whole - here) / rate:.0f} s left" if rate else "–"
    return f"{what}  [{'#' * full}{' ' * (_WIDTH - full)}]  {size}  {left}"
