"""Twenty phones scan one label at once, on the real programs: one order, and polite words for the rest."""

import asyncio
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from cloud_bridge.app_scans import tokens_of
from cloud_bridge.config import read_settings
from cloud_bridge.core.scan import spoken
from cloud_bridge.engine_tokens import Token, Use
from cloud_bridge.wechat.v2_account import load_account
from cloud_bridge.wechat.v2_scans import product_code_url
from hw_sim.demo.scenery import MACHINE
from hw_sim.demo.script import TERMS
from hw_sim.demo.troupe import Troupe
from hw_sim.demo.web_call import Refused, post
from hw_sim.demo.window import Window

PHONES = 20
LANE = 11


def label(config: Path) -> str:
    """What is printed for the lane."""
    settings = read_settings(config)
    token = tokens_of(settings).seal(Token(use=Use.PRINTED, machine=MACHINE, lane=LANE, serial=1))
    account = load_account(settings.older_accounts[""])
    return product_code_url(account, token, made_s=1_790_000_000, nonce="n0nce")


async def crowd() -> tuple[list[str], list[dict[str, Any]]]:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        async with Troupe(folder, Window(), terms=TERMS, mosquitto=False, order_requests=True) as troupe:
            code, desk = label(folder / "bridge.toml"), f"{troupe.scenery.platform_url}/_sim"

            async def scan(number: int) -> str:
                try:
                    await post(f"{desk}/scan", {"code_url": code, "account": f"phone {number}"})
                except Refused as refused:
                    return refused.text
                return "an order"

            said = await troupe.during(asyncio.wait_for(_all(scan), 30))
            books = await post(f"{desk}/books", {})
            return said, books["orders"]


async def _all(scan: Any) -> list[str]:
    return list(await asyncio.gather(*(scan(number) for number in range(PHONES))))


def test_one_of_twenty_phones_gets_the_order_and_the_others_read_that_the_machine_is_busy() -> None:
    said, orders = asyncio.run(crowd())
    assert Counter(said) == {"an order": 1, spoken("busy"): PHONES - 1}
    assert len(orders) == 1
