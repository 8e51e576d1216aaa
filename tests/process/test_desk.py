"""A payer complains at real programs: chats hear of it once, and a person answers."""

import asyncio
import json
import stat
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.process.programs import WXVEND, Program, until
from tests.process.shop import Shop, exchange

SIGNING = "a-signing-secret"
TABLES = """
[complaints]
manage_address = true

[alerts]
language = "both"
sinks = [
  { name = "ops", kind = "dingtalk", url_file = "ding.url", secret_file = "ding.secret" },
  { name = "boss", kind = "feishu", url_file = "feishu.url" },
]

[[machines]]"""


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    async with Shop(tmp_path, broker="iotcore") as shop:
        yield shop


def secret(shop: Shop, name: str, words: str) -> None:
    file = shop.folder / name
    file.touch(mode=0o600)
    file.write_text(words)


async def told(shop: Shop, *args: str) -> Any:
    """One command of `wxvend bridge`; its JSON, whatever its exit code."""
    config = str(shop.bridge_config)
    process = await asyncio.create_subprocess_exec(
        WXVEND, "bridge", *args, "--config", config, "--json", stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()
    return json.loads(out)


async def test_a_delivered_sale_is_answered_by_a_person_and_a_chat_hears_of_it_once(shop: Shop) -> None:
    async with Program(WXVEND, "sim", "robots", "--port", "0", "--secret", f"dingtalk={SIGNING}") as robots:
        url = str((await robots.says(event="ready"))["url"])
        secret(shop, "ding.url", f"{url}/dingtalk?access_token=t")
        secret(shop, "ding.secret", SIGNING)
        secret(shop, "feishu.url", f"{url}/feishu")
        text = shop.bridge_config.read_text()
        shop.bridge_config.write_text(text.replace("[[machines]]", TABLES, 1))
        assert (await told(shop, "alerts", "--test"))["ok"]
        async with shop.bridge() as bridge, shop.edge() as edge:
            await bridge.says(event="daemon.ready")
            await shop.pays(await shop.selects(edge))
            sale = await shop.ends("vended")
            number = sale["sale_id"]
            made = exchange(f"{shop.wechat}/_sim/complain", {"out_trade_no": number, "phone": "13900001234"})
            complaint = made["complaint_id"]
            rows = await _until_read(shop)
            assert (rows[0]["sale_id"], rows[0]["next"]) == (number, "send_prepared")
            await until(lambda: len(_heard(robots)) == 2, lambda: f"{robots.lines}")
            phone = await told(shop, "answer", complaint, "--phone", "--by", "ann")
            assert phone["ok"]
            assert (await told(shop, "answer", complaint, "--prepared", "--by", "ann"))["ok"]
            await until(lambda: _answered(shop, complaint), lambda: f"{bridge.lines[-5:]}")
            assert await bridge.stop() == 0
        said = json.dumps([*bridge.lines, *edge.lines], ensure_ascii=False)
        for word in ("13900001234", SIGNING, "access_token", rows[0]["words"]):
            assert word not in said
        assert [line["robot"] for line in _heard(robots)].count("dingtalk") == 1
    assert stat.S_IMODE((shop.folder / "bridge.db").stat().st_mode) & 0o077 == 0


def _heard(robots: Program) -> list[Any]:
    """What the chats were told of the complaint when it began."""
    lines = [line for line in robots.lines if line.get("event") == "message"]
    return [line for line in lines if "■ 有人投诉" in str(line["text"])]


async def _until_read(shop: Shop) -> Any:
    async with asyncio.timeout(30):
        while True:
            rows = await told(shop, "complaints")
            if rows and rows[0]["verdict"]:
                return rows
            await asyncio.sleep(0.1)


def _answered(shop: Shop, complaint: str) -> bool:
    (row,) = exchange(f"{shop.wechat}/_sim/complaints")
    return bool(row["complaint_id"] == complaint and row["history"][-1]["action"] == "MERCHANT_RESPONSE")
