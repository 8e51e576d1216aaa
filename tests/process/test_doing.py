"""A person stops and starts a machine, with real programs: at once, over a restart, and never for later."""

import sqlite3
from contextlib import closing
from pathlib import Path

from edge.cli import START_ANEW
from tests.process.programs import until
from tests.process.shop import LANE, MACHINE, Shop
from tests.process.test_cases import wxvend


async def test_a_machine_is_stopped_and_started_at_once_and_one_that_is_away_is_told_nothing(
    tmp_path: Path,
) -> None:
    async with Shop(tmp_path, broker="iotcore") as shop, shop.bridge() as bridge:
        await bridge.says(event="daemon.ready")
        away = await wxvend(shop, "machine", MACHINE, "stop", "--why", "spoiled", "--by", "ann", code=1)
        assert away == {"ok": False, "why": "offline", "said": ""}
        async with shop.edge() as edge:
            await edge.says(event="daemon.status", status="selling")
            stop = ("machine", MACHINE, "stop", "--why", "spoiled", "--by", "ann")
            assert (await wxvend(shop, *stop))["said"] == "selling -> stopped"
            await edge.says(event="daemon.status", status="not selling: stopped")
            await until(lambda: shop.shown()["reason"] == "stopped")
            refill = ("machine", MACHINE, "refill", "--fill", f"{LANE}=2", "--by", "bob")
            assert (await wxvend(shop, *refill))["ok"]
            unknown = await wxvend(shop, "machine", MACHINE, "refill", "--fill", "999=2", "--by", "b", code=1)
            assert unknown["why"] == "no_such_lane"
            assert await edge.stop() == 0
        async with shop.edge() as again:
            await again.says(event="daemon.status", status="not selling: stopped")
            start = await wxvend(shop, "machine", MACHINE, "start", "--by", "ann")
            assert start["said"] == "stopped -> selling"
            await again.says(event="daemon.status", status="selling")
            leave = await wxvend(shop, "machine", MACHINE, "reboot", "--why", "slow", "--by", "ann")
            assert leave["said"].endswith("; now")
            assert await again.ended() == START_ANEW
    with closing(sqlite3.connect(f"file:{tmp_path / 'bridge.db'}?mode=ro", uri=True)) as db:
        deeds = db.execute('SELECT "by", action, why, "before", "after" FROM audit ORDER BY id').fetchall()
        moved = db.execute('SELECT lane, pieces, "by" FROM stock_moved').fetchall()
    assert deeds[0] == ("ann", "command.stop", "spoiled", "", "not done: offline")
    assert deeds[1] == ("ann", "command.stop", "spoiled", "selling", "stopped")
    assert [deed[1] for deed in deeds[2:]] == [
        "command.refill",
        "command.refill",
        "command.start",
        "command.reboot",
    ]
    assert moved == [(LANE, 2, "bob")]
