"""A price that somebody changes on the page is on the machine's screen, and is what the next shopper pays."""

import asyncio
import json
import re
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.process.programs import WXVEND, Program, until
from tests.process.shop import LANE, MACHINE, PRICE_FEN, Shop, exchange

NEW_FEN = 380


def asked(shop: Shop, path: str, body: Mapping[str, object]) -> Any:
    """What the page's own script sends: with the token of the page, from the page's origin."""
    page = urllib.request.urlopen(f"{shop.web}/catalogue", timeout=10).read().decode()
    found = re.search(r'name="token" content="([^"]+)"', page)
    assert found is not None, page[:400]
    heads = {"Content-Type": "application/json", "Origin": shop.web, "X-Wxvend-Token": found[1]}
    request = urllib.request.Request(f"{shop.web}{path}", json.dumps(body).encode(), heads)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.loads(answer.read())


async def test_a_price_changed_on_the_page_is_shown_ordered_and_charged(tmp_path: Path) -> None:
    async with Shop(tmp_path, broker="iotcore") as shop, shop.bridge() as bridge, shop.edge() as edge:
        await bridge.says(event="daemon.ready")
        await edge.says(event="daemon.status", status="selling")
        wished = {"kind": "product", "key": "cola", "value": cola(NEW_FEN)}
        told = await asyncio.to_thread(
            asked, shop, "/api/catalogue/edit", {"base": 1, "why": "dearer sugar", "items": [wished]}
        )
        assert (told["why"], told["edition"], told["machines"]) == ("", 2, [MACHINE])
        await until(lambda: shop.shown()["catalogue_version"] == 2, "a machine that runs version 2")
        await shop.pays(await shop.selects(edge))
        sale = await shop.ends("vended")
        (order,) = await shop.orders()
        assert (sale["price_fen"], sale["paid_fen"], order["paid_fen"]) == (NEW_FEN, NEW_FEN, NEW_FEN)
        stock = await asyncio.to_thread(exchange, f"{shop.web}/api/stock?machine={MACHINE}")
        assert next(each for each in stock if each["lane"] == LANE)["vended"] == 1
        counted = {"machine": MACHINE, "lane": LANE, "hand": "corrected", "count": 4, "key": "k1"}
        for _ in range(2):
            told = await asyncio.to_thread(asked, shop, "/api/stock", counted)
            assert told == {"why": ""}
        assert await edge.stop() == 0
        assert await bridge.stop() == 0
    await and_the_books_say_so(shop)


async def and_the_books_say_so(shop: Shop) -> None:
    """Commands read the same while nobody serves: the history, the stock, and what an import would want."""
    lines = await said(shop, "catalogue", "history", "--json")
    assert [(each["edition"], each["by"], each["why"]) for each in json.loads(lines)] == [
        (2, "local", "dearer sugar"),
        (1, "bridge.toml", "the settings say so"),
    ]
    stock = json.loads(await said(shop, "stock", "--json"))
    cola_lane = next(each for each in stock if each["lane"] == LANE)
    assert (cola_lane["pieces"], cola_lane["vended"], cola_lane["corrected"]) == (4, 1, 5)
    await said(shop, "catalogue", "undo", "1", "--by", "ann", "--why", "cheap sugar")
    exported = await said(shop, "catalogue", "export", "products")
    assert f"cola,可乐,Cola,{PRICE_FEN},," in exported


def cola(price_fen: int) -> Mapping[str, object]:
    return {"name_zh": "可乐", "name_en": "Cola", "price_fen": price_fen}


async def said(shop: Shop, *words: str) -> str:
    async with Program(WXVEND, "bridge", *words, "--config", str(shop.bridge_config)) as program:
        assert await program.ended() == 0, program.lines
        return "\n".join(str(line.get("text", line)) for line in program.lines)
