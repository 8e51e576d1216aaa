"""A busy day with two merchants, every kind of fault of the platform, and nothing secret in any log."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from hw_sim.platform.payers import openid_of
from tests.process.programs import WXVEND, Program
from tests.process.shop import Shop, exchange

NORTH = """
[[merchants]]
name = "north"
credentials_file = "north/credentials.json"
base_url = "{wechat}"
notify_url = "{web}/wechat/notify"
download_certificates = true

[[machines]]
merchant = "north"
place = {{ store_id = "S-1", store_name = "天河店", area_code = "440106", address = "天河路 1 号" }}"""
FAULTS = (
    *("answer_wrong_signature", "answer_html_502", "answer_unknown_serial", "answer_truncated"),
    *("answer_extra_members", "notice_wrong_signature", "notice_unknown_serial", "notice_signtest"),
    *("notice_other_amount", "notice_oversize", "call_limited_429"),
)


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    async with Shop(tmp_path, broker="mosquitto") as shop:
        yield shop


@pytest.fixture
async def north(shop: Shop) -> AsyncIterator[tuple[Program, str]]:
    """The platform of a second merchant, who gets the machine's money, and where the first one's is.

    It signs as in a migration.
    """
    keys = str(shop.folder / "north")
    options = (
        "--port",
        "0",
        "--keys",
        keys,
        "--refund-delay-ms",
        "100",
        "--key-mode",
        "migrating:0.5",
        "--seed",
        "7",
    )
    async with Program(WXVEND, "sim", "wechat", *options, "--notify-speedup", "60") as platform:
        first, shop.wechat = shop.wechat, str((await platform.says(event="ready"))["url"])
        text = shop.bridge_config.read_text()
        more = NORTH.format(wechat=shop.wechat, web=shop.web)
        shop.bridge_config.write_text(text.replace("[[machines]]", more, 1))
        yield platform, first


async def desk(shop: Shop, wish: str, /, **members: Any) -> Any:
    return await asyncio.to_thread(exchange, f"{shop.wechat}/_sim/{wish}", members)


def words_of(folder: Path, payers: tuple[str, ...] = ("somebody", "ann")) -> Iterator[str]:
    """Everything of an account that nobody may say: the lines of its keys, its secret, its payers."""
    known = json.loads((folder / "credentials.json").read_text())
    yield known["api_v3_key"]
    yield from (openid_of(known["appid"], account) for account in payers)
    for file in folder.glob("*.key"):
        yield from (line for line in file.read_text().splitlines() if len(line) > 30 and "-----" not in line)
    private = (folder / "merchant_private_key.pem").read_text()
    yield from (line for line in private.splitlines() if "-----" not in line)


async def test_a_machines_money_is_its_merchants_and_no_secret_is_in_any_log(
    shop: Shop, north: tuple[Program, str]
) -> None:
    codes = []
    async with shop.bridge() as bridge, shop.edge() as edge:
        await bridge.says(event="certificates.held", merchant="north")
        for fault in FAULTS:
            await desk(shop, "fault", name=fault, probability=0.1)
        for sale in range(3):
            codes.append(await shop.selects(edge))
            await shop.pays(codes[-1])
            sold = await shop.ends("vended", "refunded", "case")
            if sale == 1 and sold["state"] == "vended":
                await desk(shop, "console_refund", out_trade_no=sold["sale_id"], refund_fen=100)
        await desk(shop, "fault", clear=True)
        books = await desk(shop, "books")
        assert await bridge.stop() == 0
    platform, first_url = north
    first = await asyncio.to_thread(exchange, f"{first_url}/_sim/books", {})
    assert (len(first["orders"]), len([row for row in books["orders"] if row["paid_fen"]])) == (0, 3)
    said = json.dumps([*bridge.lines, *edge.lines, *platform.lines], ensure_ascii=False)
    secrets = {*codes, "weixin://", *words_of(shop.folder / "keys"), *words_of(shop.folder / "north")}
    assert len(secrets) > 40
    assert [word for word in secrets if word in said] == []
