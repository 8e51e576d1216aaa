"""Every call that wechatpayv3 has for a Native merchant, by both of its clients, in every key mode.

The same story is told to the client that waits and to the one that is awaited; both were written by others.
Complaints have a file of their own.
"""

import asyncio
import gzip
import hashlib
import json
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
import wechatpayv3.core
from wechatpayv3 import WeChatPay, WeChatPayType
from wechatpayv3.async_ import AsyncWeChatPay
from wechatpayv3.async_ import WeChatPayType as AsyncType
from wechatpayv3.type import RequestType

from tests.contract.simulated import TIMEOUT_S, Simulated
from tests.contract.test_wechatpayv3_client import Shop, shop

__all__ = ["shop"]
AMOUNT = {"refund": 350, "total": 350, "currency": "CNY"}
BEIJING = timezone(timedelta(hours=8))


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulated]:
    keys = tmp_path_factory.mktemp("platform") / "keys"
    with Simulated(keys, "--refund-delay-ms", "50") as simulated:
        yield simulated


class Theirs:
    """One of the two clients, with its one fixed address led to ours; `call` waits in either case."""

    def __init__(self, platform: Simulated, shop: Shop, mode: str, *, awaited: bool) -> None:
        folder, known = platform.keys, platform.credentials()
        keys: dict[str, str] = {}
        if mode == "public_key" or mode.startswith("migrating"):
            keys["public_key"] = (folder / known["platform_public_key_file"]).read_text()
            keys["public_key_id"] = known["platform_public_key_id"]
        self._awaited = awaited
        self._url = platform.url
        self._arguments: dict[str, Any] = {
            "mchid": known["mchid"],
            "private_key": (folder / known["merchant_private_key_file"]).read_text(),
            "cert_serial_no": known["merchant_serial"],
            "appid": known["appid"],
            "apiv3_key": known["api_v3_key"],
            "notify_url": shop.url,
            "timeout": (TIMEOUT_S, TIMEOUT_S),
            **keys,
        }

    async def __aenter__(self) -> "Theirs":
        if self._awaited:
            self.client = AsyncWeChatPay(wechatpay_type=AsyncType.NATIVE, **self._arguments)
            self.client._core._gate_way = self._url
            await self.client.__aenter__()
        else:
            self.client = await asyncio.to_thread(self._led)
        return self

    def _led(self) -> Any:
        """This one fetches certificates as it is made, from the address that stands in its class."""
        url = self._url

        class Core(wechatpayv3.core.Core):  # type: ignore[misc]
            _gate_way = property(lambda _: url, lambda _, fixed: None)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(wechatpayv3.core, "Core", Core)
            return WeChatPay(wechatpay_type=WeChatPayType.NATIVE, **self._arguments)

    async def __aexit__(self, *_: object) -> None:
        if self._awaited:
            await self.client.__aexit__(None, None, None)

    async def call(self, name: str, /, **members: Any) -> tuple[int, Any]:
        """Status and what the body says."""
        method = getattr(self.client, name)
        if self._awaited:
            status, body = await method(**members)
        else:
            status, body = await asyncio.to_thread(method, **members)
        is_json = isinstance(body, str) and body.startswith("{")
        return status, json.loads(body) if is_json else body

    def opened(self, letter: tuple[dict[str, str], str]) -> Any:
        return self.client.callback(*letter)


MODES = ["public_key", "certificate", "rotating", "migrating:0.5"]


# Their awaited client fetches no certificates beside a public key: a migration's notices are lost on it.
STORIES = [(mode, awaited) for mode in MODES for awaited in (False, True) if not (awaited and ":" in mode)]


@pytest.mark.parametrize(("mode", "awaited"), STORIES)
async def test_every_call_is_completed(platform: Simulated, shop: Shop, mode: str, awaited: bool) -> None:
    platform.desk("keys", mode=mode)
    number = f"order-{MODES.index(mode)}-{int(awaited)}"
    async with Theirs(platform, shop, mode, awaited=awaited) as theirs:
        await _pay(platform, shop, theirs, number)
        await _refund(platform, shop, theirs, number)
        await _close(theirs, f"{number}-b")
        await _bills(platform, theirs)


async def _pay(platform: Simulated, shop: Shop, theirs: Theirs, number: str) -> None:
    scene = {"payer_client_ip": "127.0.0.1", "device_id": "vm-0001"}
    status, body = await theirs.call(
        "pay", description="可乐 Cola", out_trade_no=number, amount={"total": 350}, scene_info=scene
    )
    assert status == 200, body
    platform.desk("pay", code_url=body["code_url"])
    notice = theirs.opened(await asyncio.to_thread(shop.next))
    assert (notice["event_type"], notice["resource"]["out_trade_no"]) == ("TRANSACTION.SUCCESS", number)
    status, body = await theirs.call("query", out_trade_no=number)
    assert (status, body["trade_state"]) == (200, "SUCCESS")
    status, again = await theirs.call("query", transaction_id=body["transaction_id"])
    assert (status, again) == (200, body)


async def _refund(platform: Simulated, shop: Shop, theirs: Theirs, number: str) -> None:
    platform.desk("fault", name="refund_abnormal")
    refund = {"out_refund_no": f"R{number}", "out_trade_no": number, "amount": AMOUNT}
    status, body = await theirs.call("refund", notify_url=shop.url, **refund)
    assert (status, body["status"]) == (200, "PROCESSING")
    notice = theirs.opened(await asyncio.to_thread(shop.next))
    assert notice["event_type"] == "REFUND.ABNORMAL"
    status, body = await theirs.call(
        "abnormal_refund",
        refund_id=body["refund_id"],
        out_refund_no=f"R{number}",
        type="USER_BANK_CARD",
        bank_type="ICBC_DEBIT",
        bank_account="6222000000000000",
        real_name="张三",
    )
    assert (status, body["status"]) == (200, "PROCESSING")
    notice = theirs.opened(await asyncio.to_thread(shop.next))
    assert notice["event_type"] == "REFUND.SUCCESS"
    status, body = await theirs.call("query_refund", out_refund_no=f"R{number}")
    assert (status, body["status"]) == (200, "SUCCESS")


async def _close(theirs: Theirs, number: str) -> None:
    await theirs.call("pay", description="Tea", out_trade_no=number, amount={"total": 1})
    status, _ = await theirs.call("close", out_trade_no=number)
    assert status == 204
    status, body = await theirs.call("query", out_trade_no=number)
    assert (status, body["trade_state"]) == (200, "CLOSED")


async def _bills(platform: Simulated, theirs: Theirs) -> None:
    """Yesterday nobody traded: a refusal of its own, which a client must read as such."""
    for name in ("trade_bill", "fundflow_bill"):
        status, body = await theirs.call(name, bill_date="2020-01-01")
        assert status == 400, body
        assert body["code"] in ("NO_STATEMENT_EXIST", "INVALID_REQUEST")


@pytest.mark.parametrize("awaited", [False, True], ids=["waits", "awaited"])
async def test_a_days_bills_are_downloaded(platform: Simulated, shop: Shop, awaited: bool) -> None:
    platform.desk("keys", mode="public_key")
    day = datetime.fromtimestamp(platform.desk("clock")["now_ms"] / 1000, BEIJING).date().isoformat()
    async with Theirs(platform, shop, "public_key", awaited=awaited) as theirs:
        await _pay(platform, shop, theirs, f"billed-{int(awaited)}")
        platform.desk("clock", advance_ms=2 * 86_400_000)
        for name in ("trade_bill", "fundflow_bill"):
            status, body = await theirs.call(name, bill_date=day)
            assert status == 200, body
            status, content = await theirs.call("download_bill", url=body["download_url"])
            plain = gzip.decompress(content)
            assert (status, hashlib.sha1(plain).hexdigest()) == (200, body["hash_value"])


async def test_what_is_sealed_for_the_merchant_their_client_opens(platform: Simulated, shop: Shop) -> None:
    platform.desk("keys", mode="public_key")
    async with Theirs(platform, shop, "public_key", awaited=False) as theirs:
        core = theirs.client._core
        asked = {"echo_message": "hello", "encrypted_echo_message": core.encrypt("hello")}
        status, body = await asyncio.to_thread(
            core.request, "/v3/security/echo", method=RequestType.POST, data=asked, cipher_data=True
        )
        assert status == 200, body
        assert theirs.client.decrypt(json.loads(body)["encrypted_echo_message"]) == "hello"
