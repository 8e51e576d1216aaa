"""Order requests against the simulated platform, over HTTP: its phones, our words, and both generations."""

import asyncio
import json
import time
import urllib.error

import pytest

from cloud_bridge.core.model import (
    OrderDraft,
    OrderPlaced,
    Payment,
    RefundState,
    RefundStatus,
    Unpaid,
)
from cloud_bridge.ports import NoticeRejected
from cloud_bridge.wechat.client import Client
from cloud_bridge.wechat.generations import BothPlatforms
from cloud_bridge.wechat.keys import load_keys
from cloud_bridge.wechat.platform import WechatPlatform
from cloud_bridge.wechat.settings import PlatformPublicKey, WechatSettings
from tests.contract.test_v2_adapter import REJECTED
from tests.contract.v2_bench import TOKEN, Bench, Clock, back, nonce

# ---------------------------------------------------------------- order requests


def serves(older: Bench) -> list[OrderDraft]:
    """The shop answers order requests with orders, as the bridge does."""
    drafts: list[OrderDraft] = []

    def answer(body: bytes) -> tuple[int, bytes]:
        request = older.requests.read(body)
        drafts.append(draft := older.draft(request.token))
        work = older.platform.place(draft.sale_id, older.platform.compose(draft))
        placed = asyncio.run(work)
        assert isinstance(placed, OrderPlaced)
        return 200, older.requests.granted(request, placed.ticket)

    older.shop.orders = answer
    return drafts


def scanned(older: Bench, code: str) -> str:
    """What a phone shows instead of a page, and why."""
    with pytest.raises(urllib.error.HTTPError) as refused:
        older.scan(code)
    said = json.loads(refused.value.read())
    return f"{said['reason']}: {said['error']}"


async def test_a_scan_of_a_products_code_makes_an_order_that_is_paid_as_any_other(older: Bench) -> None:
    drafts = serves(older)
    for code in (
        older.requests.code(TOKEN, int(time.time())),
        await older.platform.short(older.requests.code(TOKEN, int(time.time()))),
    ):
        page = await asyncio.to_thread(older.scan, code)
        assert (page["amount_fen"], page["out_trade_no"]) == (350, drafts[-1].sale_id)
        older.scan(page["code_url"], "pay")
        told = older.told()
        assert isinstance(told, Payment)
        assert told.sale_id == drafts[-1].sale_id
    paid = await asyncio.to_thread(older.scan, code, "pay", "wang")
    assert paid["state"] == "SUCCESS"
    assert [draft.token for draft in drafts] == [TOKEN] * 3


async def test_a_refusal_is_shown_to_the_payer_in_our_words(older: Bench) -> None:
    older.shop.orders = lambda body: (200, older.requests.refused(older.requests.read(body), "商品已售罄"))
    code = older.requests.code(TOKEN, int(time.time()))
    assert scanned(older, code) == "merchant_refused: 商品已售罄"


async def test_an_answer_that_is_none_is_what_the_payer_sees(older: Bench) -> None:
    code = older.requests.code(TOKEN, int(time.time()))
    good = older.requests.granted(older.requests.read(ask(older)), "wx2026nobody")
    for answer, shown in (
        ((500, b""), "no_answer: 获取商户订单信息超时或者商户返回的httpcode非200"),
        ((200, b"<html></html>"), "no_xml: package info not match special pay url"),
        ((200, good), "bad_answer: 商户后台返回的数据字段结构不合法"),
        (
            (200, good.replace(b"wx2026nobody", b"wx2026nobodx")),
            "bad_answer: 商户后台返回的数据字段结构不合法",
        ),
        ((200, older.requests.rejected()), "bad_answer: 商户后台返回的数据字段结构不合法"),
    ):
        older.shop.orders = lambda _, answer=answer: answer  # type: ignore[misc]
        assert scanned(older, code) == shown


def ask(older: Bench) -> bytes:
    """The bytes of an order request."""
    heard: list[bytes] = []
    older.shop.orders = lambda body: (heard.append(body), (500, b""))[1]  # type: ignore[func-returns-value]
    scanned(older, older.requests.code(TOKEN, int(time.time())))
    return heard[0]


async def test_a_code_that_somebody_changed_does_not_reach_us(older: Bench) -> None:
    older.shop.orders = lambda _: pytest.fail("asked for an order")
    code = older.requests.code(TOKEN, int(time.time()))
    for changed in (code.replace(TOKEN, "vm-0001_13"), code.replace("sign=", "sign=0"), code + "&more=1"):
        assert scanned(older, changed) == "bad_code: 原生支付URL参数错误"


@pytest.mark.parametrize(
    ("name", "why"),
    [(name, why) for name, why in REJECTED.items() if name not in ("xml_weaker",)]
    + [("notice_other_merchant", "bad_signature"), ("notice_other_app", "bad_signature")],
)
async def test_an_order_request_that_is_not_good_is_rejected(older: Bench, name: str, why: str) -> None:
    heard: list[str] = []

    def answer(body: bytes) -> tuple[int, bytes]:
        try:
            older.requests.read(body)
        except NoticeRejected as rejected:
            heard.append(rejected.why)
        return 200, older.requests.rejected()

    older.shop.orders = answer
    older.fault(name, only="order_request")
    assert scanned(older, older.requests.code(TOKEN, int(time.time()))).startswith("bad_answer: ")
    assert heard == [why.replace("bad_signature", "other_merchant") if "other" in name else why]


# ---------------------------------------------------------------- both generations


async def test_an_order_of_the_older_one_is_asked_for_closed_and_refunded_by_the_newer(older: Bench) -> None:
    known = older.sim.credentials()
    folder = older.sim.keys
    settings = WechatSettings(
        mchid=known["mchid"],
        appid=known["appid"],
        merchant_serial=known["merchant_serial"],
        merchant_private_key_file=folder / known["merchant_private_key_file"],
        api_v3_key_file=folder / known["api_v3_key_file"],
        notify_url=older.shop.notify_url,
        base_url=older.sim.url,
        platform_public_keys=(
            PlatformPublicKey(
                id=known["platform_public_key_id"], file=folder / known["platform_public_key_file"]
            ),
        ),
    )
    client = Client(settings, load_keys(settings), clock=Clock(), nonce=nonce)
    both = BothPlatforms(WechatPlatform(settings, client), older.platform)
    draft = older.draft(TOKEN)
    placed = await both.place(draft.sale_id, both.compose(draft))
    assert isinstance(placed, OrderPlaced)
    assert placed.ticket
    assert await both.query(draft.sale_id) == Unpaid(sale_id=draft.sale_id, closed=False)
    older.scan(placed.code_url, "pay")
    assert isinstance(older.told(), Payment)
    assert isinstance(await both.query(draft.sale_id), Payment)
    accepted = await both.refund(back(draft.sale_id))
    assert isinstance(accepted, RefundStatus)
    assert accepted.state is RefundState.PROCESSING
    client.close()
