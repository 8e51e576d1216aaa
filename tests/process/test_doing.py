"""A person stops and starts a machine, with real programs: at once, over a restart, and never for later."""

import asyncio
import json
import sqlite3
import urllib.request
from collections.abc import Mapping
from contextlib import AsyncExitStack, closing
from pathlib import Path
from typing import Any, Final

from cloud_bridge.web.operator import ask_desk
from edge.cli import START_ANEW
from tests.process.programs import until
from tests.process.shop import LANE, MACHINE, Shop
from tests.process.test_cases import wxvend

_WHO: Final = "X-Forwarded-User"
_DEEDS: Final = 'SELECT "by", action, why, "before", "after" FROM audit ORDER BY id'


async def has_it(shop: Shop, what: str, **more: str) -> tuple[str, str]:
    """As the command asks the daemon: why not, and what is said."""
    asked = {"machine": MACHINE, "what": what, "by": "ann", "why": "", "lane": "", "on_site": "", "fills": ""}
    return await asyncio.to_thread(ask_desk, shop.folder / "bridge.db.operator", "command", **asked | more)


def says(shop: Shop, who: str, path: str, body: Mapping[str, object]) -> Any:
    """A person at the page, whom the proxy names."""
    found = urllib.request.Request(f"{shop.web}/api/person", headers={_WHO: who})
    with urllib.request.urlopen(found, timeout=10) as answer:
        token = str(json.loads(answer.read())["token"])
    heads = {_WHO: who, "Origin": shop.web, "X-Wxvend-Token": token, "Content-Type": "application/json"}
    asked = urllib.request.Request(f"{shop.web}{path}", data=json.dumps(body).encode(), headers=heads)
    with urllib.request.urlopen(asked, timeout=10) as answer:
        return json.loads(answer.read())


async def gives_one_away(shop: Shop) -> None:
    """Two people let a piece go out for nothing, and it goes out once."""
    wish = {"lane": LANE, "why": "a coin was lost"}
    asked = await asyncio.to_thread(says, shop, "ann", f"/api/machines/{MACHINE}/free", wish)
    act = f"/api/approvals/{asked['waits']}"
    assert not (await asyncio.to_thread(says, shop, "ann", f"{act}/agree", {}))["done"]
    assert (await asyncio.to_thread(says, shop, "bob", f"{act}/agree", {}))["done"]
    assert (await asyncio.to_thread(says, shop, "ann", f"{act}/give", {}))["done"]
    sale = await shop.ends("vended")
    assert (sale["paid_fen"], await shop.pieces_dropped(), await shop.orders()) == (0, 1, [])
    assert shop.journal(sale["sale_id"]) == "delivered"
    again = await asyncio.to_thread(says, shop, "ann", f"{act}/give", {})
    assert again["why"] == "it was given out"
    books = await wxvend(shop, "ledger", "--check")
    assert (books["ok"], books["faults"]) == (True, [])


async def test_a_machine_is_stopped_and_started_at_once_and_one_that_is_away_is_told_nothing(
    tmp_path: Path,
) -> None:
    async with Shop(tmp_path, broker="iotcore") as shop, AsyncExitStack() as stack:
        config = shop.bridge_config
        config.write_text(config.read_text().replace("[web]", f'[web]\nperson_header = "{_WHO}"', 1))
        bridge = await stack.enter_async_context(shop.bridge())
        await bridge.says(event="daemon.ready")
        assert await has_it(shop, "stop", why="spoiled") == ("offline", "")
        async with shop.edge() as edge:
            await edge.says(event="daemon.status", status="selling")
            await gives_one_away(shop)
            stop = await wxvend(shop, "machine", MACHINE, "stop", "--why", "spoiled", "--by", "ann")
            assert stop == {"ok": True, "why": "", "said": "selling -> stopped"}
            await edge.says(event="daemon.status", status="not selling: stopped")
            await until(lambda: shop.shown()["reason"] == "stopped")
            assert (await has_it(shop, "refill", fills=f"{LANE}=2", by="bob"))[0] == ""
            assert (await has_it(shop, "refill", fills="999=2"))[0] == "no_such_lane"
            assert await edge.stop() == 0, edge.lines[-12:]
        async with shop.edge() as again:
            await again.says(event="daemon.status", status="not selling: stopped")
            boot = int((await again.says(event="daemon.ready"))["boot"])
            await until(lambda: shop.shown()["boot"] == boot and shop.shown()["online"])
            started = await has_it(shop, "start")  # the board may still be looked for
            assert (started[0], started[1].split()[0]) == ("", "stopped")
            await again.says(event="daemon.status", status="selling")
            assert (await has_it(shop, "reboot", why="slow"))[1].endswith("; now")
            assert await again.ended() == START_ANEW
    with closing(sqlite3.connect(f"file:{tmp_path / 'bridge.db'}?mode=ro", uri=True)) as db:
        deeds = [deed for deed in db.execute(_DEEDS) if deed[1].startswith("command.")]
        moved = db.execute('SELECT lane, pieces, "by" FROM stock_moved').fetchall()
    assert deeds[0] == ("ann", "command.stop", "spoiled", "", "not done: offline")
    assert deeds[1] == ("ann", "command.stop", "spoiled", "selling", "stopped")
    done = [deed[1] for deed in deeds[2:]]
    assert done == ["command.refill", "command.refill", "command.start", "command.reboot"]
    assert moved == [(LANE, 2, "bob")]
