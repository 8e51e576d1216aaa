"""A person stops and starts a machine, with real programs: at once, over a restart, and never for later."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

from cloud_bridge.web.operator import ask_desk
from edge.cli import START_ANEW
from tests.process.programs import until
from tests.process.shop import LANE, MACHINE, Shop
from tests.process.test_cases import wxvend

_DEEDS = 'SELECT "by", action, why, "before", "after" FROM audit ORDER BY id'


async def has_it(shop: Shop, what: str, **more: str) -> tuple[str, str]:
    """As the command asks the daemon: why not, and what is said."""
    asked = {"machine": MACHINE, "what": what, "by": "ann", "why": "", "lane": "", "on_site": "", "fills": ""}
    return await asyncio.to_thread(ask_desk, shop.folder / "bridge.db.operator", "command", **asked | more)


async def test_a_machine_is_stopped_and_started_at_once_and_one_that_is_away_is_told_nothing(
    tmp_path: Path,
) -> None:
    async with Shop(tmp_path, broker="iotcore") as shop, shop.bridge() as bridge:
        await bridge.says(event="daemon.ready")
        assert await has_it(shop, "stop", why="spoiled") == ("offline", "")
        async with shop.edge() as edge:
            await edge.says(event="daemon.status", status="selling")
            stop = await wxvend(shop, "machine", MACHINE, "stop", "--why", "spoiled", "--by", "ann")
            assert stop == {"ok": True, "why": "", "said": "selling -> stopped"}
            await edge.says(event="daemon.status", status="not selling: stopped")
            await until(lambda: shop.shown()["reason"] == "stopped")
            assert (await has_it(shop, "refill", fills=f"{LANE}=2", by="bob"))[0] == ""
            assert (await has_it(shop, "refill", fills="999=2"))[0] == "no_such_lane"
            assert await edge.stop() == 0
        async with shop.edge() as again:
            await again.says(event="daemon.status", status="not selling: stopped")
            assert await has_it(shop, "start") == ("", "stopped -> selling")
            await again.says(event="daemon.status", status="selling")
            assert (await has_it(shop, "reboot", why="slow"))[1].endswith("; now")
            assert await again.ended() == START_ANEW
    with closing(sqlite3.connect(f"file:{tmp_path / 'bridge.db'}?mode=ro", uri=True)) as db:
        deeds = db.execute(_DEEDS).fetchall()
        moved = db.execute('SELECT lane, pieces, "by" FROM stock_moved').fetchall()
    assert deeds[0] == ("ann", "command.stop", "spoiled", "", "not done: offline")
    assert deeds[1] == ("ann", "command.stop", "spoiled", "selling", "stopped")
    done = [deed[1] for deed in deeds[2:]]
    assert done == ["command.refill", "command.refill", "command.start", "command.reboot"]
    assert moved == [(LANE, 2, "bob")]
