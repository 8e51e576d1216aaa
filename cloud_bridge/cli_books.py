"""`wxvend bridge cases | resolve | take | ledger`: what a person sees of the books, and what he may decide.

Reading needs no daemon and disturbs none. A decision goes to the daemon that runs, through its socket; while
none runs it is written into the books, and the next daemon acts on it.
"""

import asyncio
import json
import secrets
import time
from collections.abc import Callable, Coroutine
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import click

from cloud_bridge.config import BridgeSettings, read_settings
from cloud_bridge.core.case import Case, advice
from cloud_bridge.core.sale import Sale, yuan
from cloud_bridge.engine import MOST_RESOLVED, case_view
from cloud_bridge.engine_desk import resolve_in, take_case_in
from cloud_bridge.ports import Store
from cloud_bridge.store import looking
from cloud_bridge.store.books import open_store
from cloud_bridge.store.schema import StoreUnusable
from cloud_bridge.web.operator import BadAsk, NoDaemon, ask_resolve, ask_take, wish

_HOUR_MS: Final = 3_600_000


def show_cases(config: Path, *, everything: bool, as_json: bool) -> None:
    """Say each case: the oldest open one first."""
    settings = read_settings(config)
    found = looking.cases(settings.store.url, resolved=MOST_RESOLVED if everything else 0)
    if as_json:
        rows = [asdict(case_view(case, sale)) for case, sale in found]
        click.echo(json.dumps(rows, ensure_ascii=False))
        return
    now_ms = time.time_ns() // 1_000_000
    for case, sale in found:
        click.echo(_told(case, sale, now_ms))
    count = sum(not case.resolution for case, _ in found)
    click.echo(f"{count} open" if count else "no open case")


def _told(case: Case, sale: Sale, now_ms: int) -> str:
    goods = f"{sale.machine} lane {sale.lane} {sale.product_zh or sale.product_en}".rstrip()
    since = age(now_ms - case.opened_wall_ms)
    head = f"{case.sale_id}  {case.reason}  {since}  {goods}  paid {yuan(sale.paid_fen)}"
    if case.resolution:
        said = f"{case.resolution} by {case.resolved_by}: {case.resolved_why}"
        return f"{head}\n    {said}"
    owner = f"\n    looked after by {case.owner}" if case.owner else ""
    return f"{head}\n    {case.evidence}{owner}\n    next: {advice(case.reason)}"


def age(ms: int) -> str:
    """A time that has passed, in its largest unit."""
    hours = max(0, ms) // _HOUR_MS
    return f"{hours // 24} d" if hours >= 48 else f"{hours} h" if hours else f"{max(0, ms) // 60_000} min"


def decide(config: Path, asked: dict[str, str]) -> str:
    """Have a sale decided; why not, or empty. Raises BadSettings, BadAsk, StoreUnusable, StoreFailed."""
    wished = wish(asked)
    return at_the_daemon_or_in_the_books(
        read_settings(config),
        lambda door: ask_resolve(door, wished),
        lambda store: resolve_in(store, wished, wall_ms),
    )


def own(config: Path, sale_id: str, owner: str) -> str:
    """Put a sale's open cases into somebody's hands; why not, or empty. Raises as `decide`."""
    if not (0 < len(owner.strip()) <= 64 and owner.isprintable()):
        raise BadAsk(f"by: found {owner[:20]!r}, allowed 1 to 64 characters on one line")
    return at_the_daemon_or_in_the_books(
        read_settings(config),
        lambda door: ask_take(door, sale_id, owner),
        lambda store: take_case_in(store, sale_id, owner, wall_ms),
    )


def at_the_daemon_or_in_the_books(
    settings: BridgeSettings,
    ask: Callable[[Path], str],
    act: Callable[[Store], Coroutine[Any, Any, str]],
) -> str:
    """Have the daemon that runs do it, else do it; why not, or empty. Raises StoreUnusable, StoreFailed."""
    door = settings.store.door
    try:
        if door is not None:
            return ask(door)
        silent = "store.operator_socket is not set"
    except NoDaemon as error:
        silent = str(error)
    looking.cases(settings.store.url, resolved=0)  # there are books, and nothing has to be made of them first
    try:
        with closing(open_store(settings.store.url, incarnation=lambda: secrets.token_hex(16))) as store:
            return asyncio.run(act(store))
    except StoreUnusable as error:
        raise StoreUnusable(f"{error} (and no daemon was reached: {silent})") from error


def show_ledger(config: Path, *, check: bool, as_json: bool) -> bool:
    """Say the accounts, and with `check` each fault; whether all is well."""
    found = looking.checked(read_settings(config).store.url)
    faults = found.faults if check else ()
    if as_json:
        told = asdict(found) if check else {"balances_fen": found.balances_fen}
        click.echo(json.dumps({"ok": not faults, **told}, ensure_ascii=False))
        return not faults
    for account, fen in found.balances_fen.items():
        sign = "-" if fen < 0 else ""
        click.echo(f"{account:20} {sign + yuan(abs(fen)):>14}")
    if check:
        counts = f"{found.entries} entries, {found.changes} decisions and {found.sales} sales"
        click.echo("\n".join(faults) or f"{counts} fit together")
    return not faults


def wall_ms() -> int:
    """Unix milliseconds."""
    return time.time_ns() // 1_000_000
