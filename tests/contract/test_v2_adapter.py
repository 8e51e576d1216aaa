"""Our APIv2 adapter against the simulated platform, over HTTP: one book of orders, both generations."""

import asyncio
import json
import secrets
import threading
import time
import urllib.error
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from cloud_bridge.core.model import (
    AlreadyPaid,
    NoSuchOrder,
    OrderClosed,
    OrderDraft,
    OrderPlaced,
    Payment,
    Place,
    RefundDraft,
    RefundHinted,
    RefundState,
    RefundStatus,
    Refused,
    Unclear,
    Unpaid,
)
from cloud_bridge.ports import NoticeRejected
from cloud_bridge.wechat.client import Client, Wire
from cloud_bridge.wechat.generations import BothPlatforms
from cloud_bridge.wechat.keys import load_keys
from cloud_bridge.wechat.platform import WechatPlatform
from cloud_bridge.wechat.settings import PlatformPublicKey, WechatSettings
from cloud_bridge.wechat.v2_account import V2Settings, load_account
from cloud_bridge.wechat.v2_exchange import V2Exchange
from cloud_bridge.wechat.v2_notices import V2Notices
from cloud_bridge.wechat.v2_platform import V2Platform
from cloud_bridge.wechat.v2_scans import V2OrderRequests
from tests.contract.shop import Shop, open_shop
from tests.contract.simulated import Line, Simulated
from tests.unit.wechat.v2_parties import MACHINE

PLACE = Place(store_id="S1", store_name="天河店", area_code="440106", address="天河路1号")
TOKEN = "vm-0001_12"


class Clock:
    """This computer's."""

    def now_ms(self) -> int:
        return time.monotonic_ns() // 1_000_000

    def wall_ms(self) -> int:
        return time.time_ns() // 1_000_000


def nonce() -> str:
    return secrets.token_hex(16)


@dataclass
class Bench:
    """The adapter, the platform's desk, and the address that the platform calls."""

    sim: Simulated
    shop: Shop
    settings: V2Settings
    platform: V2Platform
    notices: V2Notices
    requests: V2OrderRequests

    def draft(self, token: str = "") -> OrderDraft:
        return OrderDraft(
            sale_id=f"v2{secrets.token_hex(12)}",
            machine=MACHINE,
            description="可乐 <Cola> & ]]>",
            price_fen=350,
            pay_until_wall_ms=Clock().wall_ms() + 180_000,
            token=token,
            place=PLACE,
        )

    async def order(self) -> tuple[str, str]:
        draft = self.draft()
        placed = await self.platform.place(draft.sale_id, self.platform.compose(draft))
        assert isinstance(placed, OrderPlaced), placed
        return draft.sale_id, placed.code_url

    async def paid(self) -> str:
        sale_id, code_url = await self.order()
        self.sim.desk("pay", code_url=code_url)
        self.shop.next()
        return sale_id

    def told(self) -> Payment | RefundHinted | Any:
        return self.notices.open({}, self.shop.next(), time.time())

    def fault(self, name: str, **more: Any) -> None:
        self.sim.desk("fault", name=name, times=1, **more)

    def scan(self, code: str, wish: str = "scan", account: str = "li") -> Any:
        return self.sim.desk(wish, code_url=code, account=account)


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    with open_shop() as shop:
        yield shop


@pytest.fixture(scope="module")
def sim(tmp_path_factory: pytest.TempPathFactory, shop: Shop) -> Iterator[Simulated]:
    keys = tmp_path_factory.mktemp("platform") / "keys"
    with Simulated(keys, "--refund-delay-ms", "30", "--order-url", shop.order_url) as sim:
        yield sim


@pytest.fixture(scope="module")
def keys(sim: Simulated, shop: Shop) -> V2Settings:
    known = sim.credentials()
    return V2Settings(
        mchid=known["mchid"],
        appid=known["appid"],
        notify_url=shop.notify_url,
        base_url=sim.url,
        api_v2_key_file=sim.keys / "api_v2.key",
    )


@pytest.fixture
async def bench(sim: Simulated, shop: Shop, keys: V2Settings) -> AsyncIterator[Bench]:
    shop.path = f"/notify/{secrets.token_hex(4)}"
    keys = replace(keys, notify_url=shop.notify_url)
    account = load_account(keys)
    wire = Wire(keys, V2Exchange(account), clock=Clock())
    yield Bench(
        sim=sim,
        shop=shop,
        settings=keys,
        platform=V2Platform(keys, account, wire, nonce=nonce),
        notices=V2Notices(keys, account),
        requests=V2OrderRequests(account, nonce=nonce),
    )
    wire.close()
    sim.desk("fault", clear=True)
    shop.letters.clear()
    shop.arrived = threading.Semaphore(0)


def back(sale_id: str) -> RefundDraft:
    return RefundDraft(
        sale_id=sale_id, refund_no=f"R{sale_id}", refund_fen=350, paid_fen=350, reason="出货失败退款"
    )


# ---------------------------------------------------------------- a sale's life


async def test_a_payment_is_notified_as_the_query_tells_it(bench: Bench) -> None:
    sale_id, code_url = await bench.order()
    assert await bench.platform.query(sale_id) == Unpaid(sale_id=sale_id, closed=False)
    page = bench.scan(code_url)
    assert (page["amount_fen"], page["description"]) == (350, "可乐 <Cola> & ]]>")
    bench.scan(code_url, "pay")
    told, found = bench.told(), await bench.platform.query(sale_id)
    assert isinstance(told, Payment)
    assert isinstance(found, Payment)
    assert (told.transaction_id, told.paid_at) == (found.transaction_id, found.paid_at)
    assert (found.machine, found.paid_fen, found.merchant_ok) == (MACHINE, 350, True)
    assert await bench.platform.close(sale_id) == AlreadyPaid(sale_id=sale_id)


async def test_a_refund_is_accepted_hinted_at_and_found_done(bench: Bench) -> None:
    sale_id = await bench.paid()
    accepted = await bench.platform.refund(back(sale_id))
    assert isinstance(accepted, RefundStatus)
    assert accepted.state is RefundState.PROCESSING
    assert await bench.platform.refund(back(sale_id)) == accepted
    assert bench.told() == RefundHinted(sale_id=sale_id, refund_no=f"R{sale_id}")
    done = await bench.platform.refund_status(sale_id, f"R{sale_id}")
    assert isinstance(done, RefundStatus)
    assert (done.state, done.refund_fen) == (RefundState.SUCCESS, 350)
    paid = await bench.platform.query(sale_id)
    assert isinstance(paid, Payment)
    assert paid.given_back


@pytest.mark.parametrize("end", ["closed", "abnormal"])
async def test_a_refund_may_end_otherwise(bench: Bench, end: str) -> None:
    sale_id = await bench.paid()
    bench.fault(f"refund_{end}")
    await bench.platform.refund(back(sale_id))
    bench.told()
    status = await bench.platform.refund_status(sale_id, f"R{sale_id}")
    assert isinstance(status, RefundStatus)
    assert status.state.value == end


async def test_what_is_not_there_is_said_so(bench: Bench) -> None:
    sale_id, _ = await bench.order()
    assert await bench.platform.query("nobody1") == NoSuchOrder(sale_id="nobody1")
    assert await bench.platform.close("nobody1") == OrderClosed(sale_id="nobody1")
    refused = await bench.platform.refund(back(sale_id))
    assert isinstance(refused, Refused)
    assert refused.why == "order_not_exist"
    assert await bench.platform.close(sale_id) == OrderClosed(sale_id=sale_id)
    assert await bench.platform.query(sale_id) == Unpaid(sale_id=sale_id, closed=True)


async def test_a_repeated_order_with_other_members_is_refused(bench: Bench) -> None:
    draft = bench.draft()
    body = bench.platform.compose(draft)
    first, second = [await bench.platform.place(draft.sale_id, body) for _ in range(2)]
    assert isinstance(first, OrderPlaced)
    assert isinstance(second, OrderPlaced)
    assert first.code_url != second.code_url
    other = bench.platform.compose(
        OrderDraft(
            sale_id=draft.sale_id, machine=MACHINE, description="x", price_fen=1, pay_until_wall_ms=1 << 42
        )
    )
    refused = await bench.platform.place(draft.sale_id, other)
    assert isinstance(refused, Refused)
    assert (refused.why, "201 商户订单号重复" in refused.detail) == ("invalid_request", True)


# ---------------------------------------------------------------- answers that go wrong

SPOILED = {
    "answer_wrong_signature": "bad_signature",
    "answer_unsigned": "unsigned",
    "answer_lost": "connection",
    "answer_error_500": "system_error",
    "answer_html_502": "http_502",
    "call_limited_429": "frequency_limited",
    "call_failed_500": "system_error",
    "xml_doctype": "xml_doctype",
    "xml_entities": "xml_doctype",
    "xml_duplicate": "xml_duplicate",
    "xml_nested": "xml_nested",
    "xml_attribute": "xml_attribute",
    "xml_gbk": "xml_not_utf8",
    "xml_nul": "xml_control",
    "xml_huge": "oversize",
    "xml_html": "xml_doctype",
    "xml_empty": "xml_empty",
    "xml_weaker": "weaker_signature",
    "xml_unsigned_fail": "system_error",
    "xml_need_retry": "bizerr_need_retry",
}


@pytest.mark.parametrize("name", SPOILED)
async def test_a_spoiled_answer_is_unclear_and_the_repeat_is_not(bench: Bench, name: str) -> None:
    platform, draft = bench.platform, bench.draft()
    sale_id, body = draft.sale_id, platform.compose(draft)
    unclear = Unclear(sale_id=sale_id, why=SPOILED[name])
    bench.fault(name, only="create")
    assert await platform.place(sale_id, body) == unclear
    placed = await platform.place(sale_id, body)
    assert isinstance(placed, OrderPlaced)
    bench.fault(name, only="query")
    assert await platform.query(sale_id) == unclear
    bench.scan(placed.code_url, "pay")
    assert isinstance(await platform.query(sale_id), Payment)
    bench.fault(name, only="refund")
    assert await platform.refund(back(sale_id)) == unclear
    assert isinstance(await platform.refund(back(sale_id)), RefundStatus)
    bench.fault(name, only="query_refund")
    assert await platform.refund_status(sale_id, f"R{sale_id}") == unclear
    assert isinstance(await platform.refund_status(sale_id, f"R{sale_id}"), RefundStatus)


async def test_codes_spelt_in_another_way_mean_the_same(bench: Bench) -> None:
    sale_id = await bench.paid()
    bench.fault("xml_spelling")
    assert await bench.platform.close(sale_id) == AlreadyPaid(sale_id=sale_id)
    bench.fault("xml_spelling")
    assert await bench.platform.query("nobody1") == NoSuchOrder(sale_id="nobody1")


async def test_a_refund_without_a_certificate_is_unclear(bench: Bench) -> None:
    sale_id = await bench.paid()
    bench.fault("xml_no_certificate")
    assert await bench.platform.refund(back(sale_id)) == Unclear(sale_id=sale_id, why="http_400")


async def test_a_refund_may_wait_for_money(bench: Bench) -> None:
    sale_id = await bench.paid()
    bench.fault("refund_not_enough")
    refused = await bench.platform.refund(back(sale_id))
    assert isinstance(refused, Refused)
    assert refused.why == "not_enough"
    assert isinstance(await bench.platform.refund(back(sale_id)), RefundStatus)


# ---------------------------------------------------------------- notifications that go wrong

REJECTED = {
    "notice_wrong_signature": "bad_signature",
    "notice_unsigned": "unsigned",
    "notice_oversize": "xml_oversize",
    "xml_doctype": "xml_doctype",
    "xml_entities": "xml_doctype",
    "xml_duplicate": "xml_duplicate",
    "xml_nested": "xml_nested",
    "xml_attribute": "xml_attribute",
    "xml_gbk": "xml_not_utf8",
    "xml_nul": "xml_control",
    "xml_huge": "xml_oversize",
    "xml_html": "xml_doctype",
    "xml_empty": "xml_empty",
    "xml_weaker": "weaker_signature",
}


@pytest.mark.parametrize("name", REJECTED)
async def test_a_notification_that_is_not_good_is_rejected(bench: Bench, name: str) -> None:
    _, code_url = await bench.order()
    bench.fault(name, only="transaction")
    bench.scan(code_url, "pay")
    with pytest.raises(NoticeRejected) as rejected:
        bench.told()
    assert rejected.value.why == REJECTED[name]


async def test_harmless_oddities_are_read(bench: Bench) -> None:
    for name in ("notice_shuffled", "notice_extra_members", "notice_extra_space", "xml_coupons"):
        sale_id, code_url = await bench.order()
        bench.fault(name)
        bench.scan(code_url, "pay")
        told = bench.told()
        assert isinstance(told, Payment)
        assert (told.sale_id, told.paid_fen, told.merchant_ok) == (sale_id, 350, True)


@pytest.mark.parametrize("name", ["notice_other_merchant", "notice_other_app"])
async def test_a_notification_for_somebody_else_is_not_called_ours(bench: Bench, name: str) -> None:
    _, code_url = await bench.order()
    bench.fault(name)
    bench.scan(code_url, "pay")
    told = bench.told()
    assert isinstance(told, Payment)
    assert not told.merchant_ok


async def test_a_refund_sealed_for_somebody_else_does_not_open(bench: Bench) -> None:
    for name, why in (
        ("notice_wrong_signature", "not_decrypted"),
        ("notice_other_merchant", "other_merchant"),
    ):
        sale_id = await bench.paid()
        bench.fault(name, only="refund")
        await bench.platform.refund(back(sale_id))
        with pytest.raises(NoticeRejected, match=why):
            bench.told()


async def test_only_the_very_words_are_an_acknowledgement(bench: Bench) -> None:
    bench.shop.words = b"success"
    sale_id, code_url = await bench.order()
    bench.scan(code_url, "pay")
    bench.shop.next()
    assert await verdict(bench, sale_id) == "other words"
    bench.shop.words = Shop().words
    bench.sim.desk("clock", advance_ms=15_000)
    bench.shop.next()
    assert await verdict(bench, sale_id) == "200"


async def verdict(bench: Bench, sale_id: str) -> str:
    def wanted(line: Line) -> bool:
        return (line.get("fact"), line.get("out_trade_no")) == ("notice.answered", sale_id)

    line = await asyncio.to_thread(bench.sim.next, wanted)
    return str(line["verdict"])


# ---------------------------------------------------------------- order requests


def serves(bench: Bench) -> list[OrderDraft]:
    """The shop answers order requests with orders, as the bridge does."""
    drafts: list[OrderDraft] = []

    def answer(body: bytes) -> tuple[int, bytes]:
        request = bench.requests.read(body)
        drafts.append(draft := bench.draft(request.token))
        work = bench.platform.place(draft.sale_id, bench.platform.compose(draft))
        placed = asyncio.run(work)
        assert isinstance(placed, OrderPlaced)
        return 200, bench.requests.granted(request, placed.ticket)

    bench.shop.orders = answer
    return drafts


def scanned(bench: Bench, code: str) -> str:
    """What a phone shows instead of a page, and why."""
    with pytest.raises(urllib.error.HTTPError) as refused:
        bench.scan(code)
    said = json.loads(refused.value.read())
    return f"{said['reason']}: {said['error']}"


async def test_a_scan_of_a_products_code_makes_an_order_that_is_paid_as_any_other(bench: Bench) -> None:
    drafts = serves(bench)
    for code in (
        bench.requests.code(TOKEN, int(time.time())),
        await bench.platform.short(bench.requests.code(TOKEN, int(time.time()))),
    ):
        page = await asyncio.to_thread(bench.scan, code)
        assert (page["amount_fen"], page["out_trade_no"]) == (350, drafts[-1].sale_id)
        bench.scan(page["code_url"], "pay")
        told = bench.told()
        assert isinstance(told, Payment)
        assert told.sale_id == drafts[-1].sale_id
    paid = await asyncio.to_thread(bench.scan, code, "pay", "wang")
    assert paid["state"] == "SUCCESS"
    assert [draft.token for draft in drafts] == [TOKEN] * 3


async def test_a_refusal_is_shown_to_the_payer_in_our_words(bench: Bench) -> None:
    bench.shop.orders = lambda body: (200, bench.requests.refused(bench.requests.read(body), "商品已售罄"))
    code = bench.requests.code(TOKEN, int(time.time()))
    assert scanned(bench, code) == "merchant_refused: 商品已售罄"


async def test_an_answer_that_is_none_is_what_the_payer_sees(bench: Bench) -> None:
    code = bench.requests.code(TOKEN, int(time.time()))
    good = bench.requests.granted(bench.requests.read(ask(bench)), "wx2026nobody")
    for answer, shown in (
        ((500, b""), "no_answer: 获取商户订单信息超时或者商户返回的httpcode非200"),
        ((200, b"<html></html>"), "no_xml: package info not match special pay url"),
        ((200, good), "bad_answer: 商户后台返回的数据字段结构不合法"),
        (
            (200, good.replace(b"wx2026nobody", b"wx2026nobodx")),
            "bad_answer: 商户后台返回的数据字段结构不合法",
        ),
        ((200, bench.requests.rejected()), "bad_answer: 商户后台返回的数据字段结构不合法"),
    ):
        bench.shop.orders = lambda _, answer=answer: answer  # type: ignore[misc]
        assert scanned(bench, code) == shown


def ask(bench: Bench) -> bytes:
    """The bytes of an order request."""
    heard: list[bytes] = []
    bench.shop.orders = lambda body: (heard.append(body), (500, b""))[1]  # type: ignore[func-returns-value]
    scanned(bench, bench.requests.code(TOKEN, int(time.time())))
    return heard[0]


async def test_a_code_that_somebody_changed_does_not_reach_us(bench: Bench) -> None:
    bench.shop.orders = lambda _: pytest.fail("asked for an order")
    code = bench.requests.code(TOKEN, int(time.time()))
    for changed in (code.replace(TOKEN, "vm-0001_13"), code.replace("sign=", "sign=0"), code + "&more=1"):
        assert scanned(bench, changed) == "bad_code: 原生支付URL参数错误"


@pytest.mark.parametrize(
    ("name", "why"),
    [(name, why) for name, why in REJECTED.items() if name not in ("xml_weaker",)]
    + [("notice_other_merchant", "bad_signature"), ("notice_other_app", "bad_signature")],
)
async def test_an_order_request_that_is_not_good_is_rejected(bench: Bench, name: str, why: str) -> None:
    heard: list[str] = []

    def answer(body: bytes) -> tuple[int, bytes]:
        try:
            bench.requests.read(body)
        except NoticeRejected as rejected:
            heard.append(rejected.why)
        return 200, bench.requests.rejected()

    bench.shop.orders = answer
    bench.fault(name, only="order_request")
    assert scanned(bench, bench.requests.code(TOKEN, int(time.time()))).startswith("bad_answer: ")
    assert heard == [why.replace("bad_signature", "other_merchant") if "other" in name else why]


# ---------------------------------------------------------------- both generations


async def test_an_order_of_the_older_one_is_asked_for_closed_and_refunded_by_the_newer(bench: Bench) -> None:
    known = bench.sim.credentials()
    folder = bench.sim.keys
    settings = WechatSettings(
        mchid=known["mchid"],
        appid=known["appid"],
        merchant_serial=known["merchant_serial"],
        merchant_private_key_file=folder / known["merchant_private_key_file"],
        api_v3_key_file=folder / known["api_v3_key_file"],
        notify_url=bench.shop.notify_url,
        base_url=bench.sim.url,
        platform_public_keys=(
            PlatformPublicKey(
                id=known["platform_public_key_id"], file=folder / known["platform_public_key_file"]
            ),
        ),
    )
    client = Client(settings, load_keys(settings), clock=Clock(), nonce=nonce)
    both = BothPlatforms(WechatPlatform(settings, client), bench.platform)
    draft = bench.draft(TOKEN)
    placed = await both.place(draft.sale_id, both.compose(draft))
    assert isinstance(placed, OrderPlaced)
    assert placed.ticket
    assert await both.query(draft.sale_id) == Unpaid(sale_id=draft.sale_id, closed=False)
    bench.scan(placed.code_url, "pay")
    assert isinstance(bench.told(), Payment)
    assert isinstance(await both.query(draft.sale_id), Payment)
    accepted = await both.refund(back(draft.sale_id))
    assert isinstance(accepted, RefundStatus)
    assert accepted.state is RefundState.PROCESSING
    client.close()
