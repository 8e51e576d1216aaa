"""`wxvend bridge complaints | answer | alerts`: who complains, what is answered, and whether robots hear us.

Reading needs no daemon. An answer goes to the daemon that runs, which sends it once; a robot is tried out by
this command itself.
"""

import asyncio
import json
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Final

import click

from cloud_bridge.app_alerts import Tellers
from cloud_bridge.config import BridgeSettings, read_settings
from cloud_bridge.config_alerts import described
from cloud_bridge.core.sale import yuan
from cloud_bridge.engine_complaint_views import view
from cloud_bridge.engine_complaints import MOST_SETTLED
from cloud_bridge.ports_desk import ComplaintView
from cloud_bridge.store import looking
from cloud_bridge.store.schema import StoreUnusable
from cloud_bridge.web.operator import BadAsk, NoDaemon, ask_desk

_HOUR_MS: Final = 3_600_000
_NEXT: Final = {
    "wait": "nothing: the bridge is at it",
    "send_prepared": "wxvend bridge answer {id} --prepared --by YOU",
    "answer": "wxvend bridge answer {id} --text '...' --by YOU",
    "resolve": "wxvend bridge resolve {sale} --as refund|vended --by YOU --why '...'",
    "complete": "wxvend bridge answer {id} --complete --by YOU",
    "nothing": "it is settled",
}


class SystemClock:
    """The computer's clocks."""

    def now_ms(self) -> int:
        """Monotonic milliseconds."""
        return time.monotonic_ns() // 1_000_000

    def wall_ms(self) -> int:
        """Unix milliseconds."""
        return time.time_ns() // 1_000_000


def show_complaints(config: Path, *, everything: bool, as_json: bool) -> None:
    """Say each: who waits longest first. Raises BadSettings, StoreUnusable."""
    settings, now_ms = read_settings(config), SystemClock().wall_ms()
    rows = looking.complaints(settings.store.url, settled=MOST_SETTLED if everything else 0)
    found = [view(*row, now_ms) for row in rows]
    if as_json:
        click.echo(json.dumps([asdict(each) for each in found], ensure_ascii=False))
        return
    for each in found:
        click.echo(_told(each, now_ms))
    count = sum(each.standing != "processed" for each in found)
    click.echo(f"{count} open" if count else "no open complaint")


def _told(each: ComplaintView, now_ms: int) -> str:
    goods = f"{each.machine} lane {each.lane} {each.product_zh or each.product_en}".strip()
    where = goods if each.machine else "no sale of these books"
    head = f"{each.complaint_id}  {each.standing}  {each.verdict or 'not read yet'}  {where}"
    lines = [f"{head}  {yuan(each.amount_fen)}"]
    if each.waits_since_wall_ms:
        late = "  OVERDUE" if each.overdue else ""
        lines.append(f"    the payer has waited for {_age(now_ms - each.waits_since_wall_ms)}{late}")
    lines.append(f"    payer: {each.words}")
    lines += [f"    {act.by}: {act.kind} {act.words} ({act.outcome or 'on its way'})" for act in each.acts]
    if each.next == "send_prepared":
        lines.append(f"    prepared: {each.prepared}")
    todo = _NEXT[each.next].format(id=each.complaint_id, sale=each.sale_id)
    return "\n".join([*lines, f"    next: {todo}"])


def _age(ms: int) -> str:
    hours = max(0, ms) // _HOUR_MS
    return f"{hours // 24} d" if hours >= 48 else f"{hours} h" if hours else f"{max(0, ms) // 60_000} min"


def act(config: Path, do: str, **asked: str) -> tuple[str, str]:
    """Have the daemon do it: why not, and what it says. Raises BadSettings, StoreUnusable, BadAsk."""
    door = read_settings(config).store.door
    if door is None:
        raise StoreUnusable("store.operator_socket: found nothing. Try: name a socket in the settings")
    if len(asked.get("words", "")) > 200:
        raise BadAsk(f"text: found {len(asked['words'])} characters, allowed 200")
    try:
        return ask_desk(door, do, **asked)
    except NoDaemon as error:
        raise StoreUnusable(f"no daemon was reached: {error}. Try: wxvend bridge run") from error


def chosen(how: Mapping[str, str | bool]) -> tuple[str, dict[str, str]]:
    """The one thing that is asked for, as the daemon calls it. Raises BadAsk."""
    wished = [name for name in ("words", "prepared", "complete", "phone") if how[name]]
    if len(wished) != 1:
        found = ", ".join(f"--{'text' if name == 'words' else name}" for name in wished) or "nothing"
        raise BadAsk(f"found {found}, allowed one of --text, --prepared, --complete, --phone")
    if wished[0] in ("complete", "phone"):
        return wished[0], {}
    return "answer", {"words": str(how["words"])}


def robots(config: Path) -> list[tuple[str, str]]:
    """Everybody's name and what he is. Raises BadSettings."""
    settings = read_settings(config)
    lines, mistakes = described(settings.alerts, settings.complaints)
    told = (
        line.removeprefix("alerts.").split(": ", 2) for line in [*lines, *mistakes] if line[:7] == "alerts."
    )
    return [(name, words) for _, name, words in told]


def try_robots(config: Path) -> list[tuple[str, str]]:
    """Send everybody a test: his name, and why it was not taken, or empty. Raises BadSettings."""
    return asyncio.run(_tried(read_settings(config)))


async def _tried(settings: BridgeSettings) -> list[tuple[str, str]]:
    said: list[tuple[str, str]] = []

    def unusable(name: str, why: str) -> None:
        said.append((name, f"its files cannot be used: {why}"))

    with closing(Tellers(settings.alerts, SystemClock(), unusable)) as tellers:
        said += [(each.name, await each.test()) for each in tellers.all]
    return said
