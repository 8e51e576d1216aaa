"""The morning after, with real programs: bill, books and the machine's journal, and what a person gets."""

import csv
import io
import json
from pathlib import Path

from cloud_bridge.ports_bills import day_of
from tests.process.shop import MACHINE, PRICE_FEN, Shop, exchange
from tests.process.test_cases import wxvend

TWO_DAYS_MS = 2 * 86_400_000


async def test_a_day_is_matched_by_the_daemon_and_then_by_the_command_alone(tmp_path: Path) -> None:
    async with Shop(tmp_path, broker="iotcore", board=("--fault", "no_drop:1")) as shop:
        async with shop.bridge() as bridge, shop.edge() as edge:
            await bridge.says(event="daemon.ready")
            await shop.pays(await shop.selects(edge))
            await shop.ends("refunded")
            await shop.pays(await shop.selects(edge))
            sold = await shop.ends("vended")
            now_ms = exchange(f"{shop.wechat}/_sim/clock", {})["now_ms"]
            exchange(f"{shop.wechat}/_sim/clock", {"advance_ms": TWO_DAYS_MS})
            day = day_of(now_ms)
            told = await wxvend(shop, "reconcile", "--date", day, "--language", "en")
            assert (told["closed"], told["fault"], told["differences"]) == (True, "", [])
            assert (told["figures"]["paid"]["bill"], told["figures"]["paid"]["books"]) == (2 * PRICE_FEN,) * 2
            assert told["figures"]["refunds"]["matched"] == PRICE_FEN
            assert (told["figures"]["lines"], told["figures"]["pieces"]) == (3, 1)
            assert told["figures"]["funds"]["交易"] == 2 * PRICE_FEN
            page, table = (Path(name) for name in told["reports"])
            assert "● Closed" in page.read_text()
            assert len(list(csv.reader(io.StringIO(table.read_text("utf-8-sig"))))) == 1
            assert await bridge.stop() == 0
        exchange(f"{shop.wechat}/_sim/fault", {"name": "bill_other_amount", "times": 1})
        alone = await wxvend(shop, "reconcile", "--date", day, "--out", str(tmp_path / "out"), code=1)
        (difference,) = alone["differences"]
        assert (difference["kind"], difference["bill_fen"] - difference["books_fen"]) == ("amount", 1)
        assert "■ 金额不符" in (tmp_path / "out" / f"reconcile-{day}.html").read_text()
        how = ("explain", difference["key"], "--date", day, "--by", "ann", "--why", "a test of the bank's")
        assert await wxvend(shop, *how) == {"ok": True, "why": ""}
        again = await wxvend(shop, "reconcile", "--date", day)
        assert again["closed"]
        shown = json.dumps(alone) + (tmp_path / "out" / f"reconcile-{day}.html").read_text()
        assert str(sold["sale_id"]) not in shown or difference["sale_id"] == sold["sale_id"]
        assert MACHINE in shown
