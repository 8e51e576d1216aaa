"""A person and a case, with real programs: he sees it, decides it once, and the books can be checked."""

import asyncio
import json
import sqlite3
import stat
from pathlib import Path
from typing import Any

from tests.process.programs import WXVEND, Program
from tests.process.shop import MACHINE, PRICE_FEN, Shop

JAMS = ("--fault", "no_drop:2")


async def wxvend(shop: Shop, *words: str, code: int = 0) -> Any:
    """A command's one JSON value."""
    made = await asyncio.create_subprocess_exec(
        *(WXVEND, "bridge", *words, "--json", "--config", str(shop.bridge_config)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await made.communicate()
    assert made.returncode == code, (words, out, err)
    return json.loads(out) if out else err.decode()


def brake(shop: Shop) -> None:
    """One refund by itself; the next waits for a person."""
    text = shop.bridge_config.read_text()
    shop.bridge_config.write_text(text.replace("[[machines]]", "[limits]\nfleet = 1\n\n[[machines]]", 1))


async def case(shop: Shop, bridge: Program, edge: Program) -> str:
    await bridge.says(event="daemon.ready")
    await shop.pays(await shop.selects(edge))
    await shop.ends("refunded")
    await shop.pays(await shop.selects(edge))
    sale = await shop.ends("case")
    return str(sale["sale_id"])


async def test_a_case_is_decided_once_by_the_daemon_that_runs(tmp_path: Path) -> None:
    async with Shop(tmp_path, broker="iotcore", board=JAMS) as shop:
        brake(shop)
        async with shop.bridge() as bridge, shop.edge() as edge:
            sale_id = await case(shop, bridge, edge)
            door = tmp_path / "bridge.db.operator"
            assert stat.S_IMODE(door.stat().st_mode) == 0o600
            (seen,) = await wxvend(shop, "cases")
            assert (seen["sale_id"], seen["reason"], seen["paid_fen"]) == (sale_id, "brakes", PRICE_FEN)
            assert "drop sensor" in seen["advice"]
            assert "too many refunds" in seen["evidence"]
            assert await wxvend(shop, "take", sale_id, "--by", "ann") == {"ok": True, "why": ""}
            how = ("resolve", sale_id, "--as", "refund", "--by", "ann", "--why", "the lane is empty")
            assert (await wxvend(shop, *how))["ok"]
            again = await wxvend(shop, *how, code=1)
            assert not again["ok"]
            await shop.ends("refunded")
            orders = await shop.orders()
            assert [order["refunded_fen"] for order in orders] == [PRICE_FEN, PRICE_FEN]
            assert await wxvend(shop, "cases") == []
            (over,) = await wxvend(shop, "cases", "--all")
            assert (over["owner"], over["resolved_by"]) == ("ann", "ann")
            assert "the lane is empty" in over["resolved_why"]
            books = await wxvend(shop, "ledger", "--check")
            assert (books["ok"], books["faults"], sum(books["balances_fen"].values())) == (True, [], 0)
            assert "the lane is empty" in str(bridge.lines)


async def test_a_case_that_is_decided_while_no_daemon_runs_is_acted_on_by_the_next(tmp_path: Path) -> None:
    async with Shop(tmp_path, broker="iotcore", board=JAMS) as shop:
        brake(shop)
        async with shop.edge() as edge:
            async with shop.bridge() as bridge:
                sale_id = await case(shop, bridge, edge)
                assert await bridge.stop() == 0
            how = ("resolve", sale_id, "--as", "refund", "--by", "ann", "--why", "the lane is empty")
            assert (await wxvend(shop, *how))["ok"]
            assert not (await wxvend(shop, *how, code=1))["ok"]
            async with shop.bridge() as second:
                await second.says(event="daemon.ready")
                await shop.ends("refunded")
                orders = await shop.orders()
                assert [order["refunded_fen"] for order in orders] == [PRICE_FEN, PRICE_FEN]


async def test_an_edited_book_is_found_and_a_wrong_wish_refused(tmp_path: Path) -> None:
    async with Shop(tmp_path, broker="iotcore", board=JAMS) as shop:
        brake(shop)
        async with shop.bridge() as bridge, shop.edge() as edge:
            sale_id = await case(shop, bridge, edge)
            said = await wxvend(shop, "resolve", sale_id, "--as", "gift", "--by", "ann", "--why", "x", code=2)
            assert "as: found 'gift', allowed refund, vended, closed" in said
            assert "by: found" in await wxvend(
                shop, "resolve", sale_id, "--as", "refund", "--by", " ", "--why", "x", code=2
            )
        db = sqlite3.connect(tmp_path / "bridge.db")
        db.execute("DROP TRIGGER ledger_no_update")
        db.execute("UPDATE ledger SET fen = fen - 1 WHERE sale_id = ?", (sale_id,))
        db.commit()
        db.close()
        found = await wxvend(shop, "ledger", "--check", code=1)
        assert found["faults"][0].endswith(f"of sale {sale_id} is not what was written")


async def test_an_alarm_that_nothing_ends_is_cleared_by_a_person_and_the_timeline_keeps_why(
    tmp_path: Path,
) -> None:
    async with Shop(tmp_path, broker="iotcore") as shop:
        async with shop.bridge() as bridge:
            await bridge.says(event="daemon.ready")
            async with shop.edge() as edge:
                await shop.selects(edge)
            for part in tmp_path.glob("edge.db*"):
                part.unlink()
            async with shop.edge() as edge:
                await edge.says(event="daemon.ready")
                await bridge.says(event="fact.noted", words="session 1 begins")
                stands = {each["name"] for each in await wxvend(shop, "alarms")}
                assert "journal_replaced" in stands
                how = ("clear-alarm", "journal_replaced", "--by", "ann", "--why", "a new card")
                refused = await wxvend(shop, *how, code=1)
                assert "it stands on" in refused["why"]
                machine = ("--machine", MACHINE)
                assert (await wxvend(shop, *how, *machine))["ok"]
                assert not (await wxvend(shop, *how, *machine, code=1))["ok"]
                left = {each["name"] for each in await wxvend(shop, "alarms")}
                assert left == stands - {"journal_replaced"}
        db = sqlite3.connect(tmp_path / "bridge.db")
        kept = db.execute("SELECT machine, who, what FROM fact WHERE who = 'operator'").fetchall()
        db.close()
        assert kept == [(MACHINE, "operator", "ann cleared the alarm journal_replaced: a new card")]
