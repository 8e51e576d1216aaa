"""Our wishes as requests, byte for byte, and every answer of the platform as a fact."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
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
    RefundState,
    RefundStatus,
    Refused,
    Unclear,
    Unpaid,
)
from cloud_bridge.wechat.client import Client
from cloud_bridge.wechat.platform import WechatPlatform
from tests.unit.wechat.host import Hands, Host, error
from tests.unit.wechat.parties import (
    APPID,
    KEY_ID_2,
    MACHINE,
    MCHID,
    NOW_S,
    SALE,
    Parties,
    new_parties,
    payment,
    refund,
)

ORDER = f"/v3/pay/transactions/out-trade-no/{SALE}"
REFUNDS = "/v3/refund/domestic/refunds"
CODE_URL = "weixin://wxpay/bizpayurl/up?pr=NwY5Mz9&groupid=00"
DRAFT = OrderDraft(
    sale_id=SALE,
    machine=MACHINE,
    description="可乐 330ml",
    price_fen=350,
    pay_until_wall_ms=NOW_S * 1000 + 180_999,
)
BACK = RefundDraft(sale_id=SALE, refund_no=f"R{SALE}", refund_fen=350, paid_fen=350, reason="出货失败退款")


@pytest.fixture
async def host(parties: Parties) -> AsyncIterator[Host]:
    async with Host(parties) as host:
        yield host


@pytest.fixture
async def platform(parties: Parties, host: Host) -> AsyncIterator[WechatPlatform]:
    settings = parties.at(host.url)
    client = Client(settings, parties.keys, clock=Hands(), nonce=lambda: "n" * 32)
    yield WechatPlatform(settings, client)
    client.close()


# ---------------------------------------------------------------- requests, byte for byte


def test_an_order_is_composed_to_the_byte(platform: WechatPlatform) -> None:
    assert platform.compose(DRAFT).decode() == (
        f'{{"appid":"{APPID}","mchid":"{MCHID}","description":"可乐 330ml","out_trade_no":"{SALE}",'
        '"time_expire":"2026-05-29T04:29:40+08:00","attach":"vm-0001",'
        '"notify_url":"http://127.0.0.1:9/notify","amount":{"total":350,"currency":"CNY"},'
        '"scene_info":{"payer_client_ip":"127.0.0.1","device_id":"vm-0001"}}'
    )


def test_the_store_of_a_machine_is_said_whole(platform: WechatPlatform) -> None:
    place = Place(store_id="S-1", store_name="天河店", area_code="440106", address="天河路 1 号")
    scene = json.loads(platform.compose(replace(DRAFT, place=place)))["scene_info"]
    assert (scene["device_id"], scene["store_info"]) == (
        MACHINE,
        {"id": "S-1", "name": "天河店", "area_code": "440106", "address": "天河路 1 号"},
    )


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("  Cola\x00\r\n\x1b zero\u3000 ", "Cola zero"),
        ("可" * 60, "可" * 42),  # 127 bytes, and no half of a character
        ("x" + "可" * 42, "x" + "可" * 42),
        ("a\ud800b", "a b"),
        ("🥤 Cola", "🥤 Cola"),
        ("x" * 126 + " y", "x" * 126),
    ],
)
def test_a_description_fits_and_cannot_break_the_payment_page(
    platform: WechatPlatform, name: str, shown: str
) -> None:
    draft = OrderDraft(
        sale_id=SALE, machine=MACHINE, description=name, price_fen=1, pay_until_wall_ms=NOW_S * 1000
    )
    assert json.loads(platform.compose(draft))["description"] == shown
    assert len(shown.encode()) <= 127


async def test_each_call_goes_where_it_should(host: Host, platform: WechatPlatform) -> None:
    host.will(host.says({"code_url": CODE_URL}), host.says(payment()), host.says(None, status=204))
    host.will(*[host.says(refund("PROCESSING", "status"))] * 2)
    body = platform.compose(DRAFT)
    await platform.place(SALE, body)
    await platform.query(SALE)
    await platform.close(SALE)
    await platform.refund(BACK)
    await platform.refund_status(SALE, BACK.refund_no)
    asked = (
        f'{{"out_trade_no":"{SALE}","out_refund_no":"R{SALE}","reason":"出货失败退款",'
        '"notify_url":"http://127.0.0.1:9/notify",'
        '"amount":{"refund":350,"total":350,"currency":"CNY"}}'
    )
    assert [(seen.method, seen.target, seen.body) for seen in host.seen] == [
        ("POST", "/v3/pay/transactions/native", body),
        ("GET", f"{ORDER}?mchid={MCHID}", b""),
        ("POST", f"{ORDER}/close", f'{{"mchid":"{MCHID}"}}'.encode()),
        ("POST", REFUNDS, asked.encode()),
        ("GET", f"{REFUNDS}/R{SALE}", b""),
    ]


async def test_a_number_cannot_lead_elsewhere(host: Host, platform: WechatPlatform) -> None:
    host.will(*[error(404, "ORDER_NOT_EXIST")] * 2, error(404, "RESOURCE_NOT_EXISTS"))
    await platform.query("../*|?x=1#y")
    await platform.close("../*|?x=1#y")
    await platform.refund_status(SALE, "R/../@")
    assert [seen.target for seen in host.seen] == [
        f"/v3/pay/transactions/out-trade-no/..%2F%2A%7C%3Fx%3D1%23y?mchid={MCHID}",
        "/v3/pay/transactions/out-trade-no/..%2F%2A%7C%3Fx%3D1%23y/close",
        f"{REFUNDS}/R%2F..%2F%40",
    ]


# ---------------------------------------------------------------- placing


async def test_a_placed_order_has_its_code_as_it_came(host: Host, platform: WechatPlatform) -> None:
    host.will(host.says({"code_url": CODE_URL, "more": None}))
    placed = await platform.place(SALE, b"{}")
    assert placed == OrderPlaced(sale_id=SALE, code_url=CODE_URL)
    assert CODE_URL not in repr(placed)


@pytest.mark.parametrize("value", [{}, {"code_url": ""}, {"code_url": "a\nb"}, {"code_url": "x" * 513}])
async def test_an_order_without_a_code_is_unclear(
    host: Host, platform: WechatPlatform, value: dict[str, Any]
) -> None:
    host.will(host.says(value))
    assert await platform.place(SALE, b"{}") == Unclear(sale_id=SALE, why="bad_answer")


REFUSALS = [
    (400, "PARAM_ERROR", "param_error"),
    (400, "INVALID_REQUEST", "invalid_request"),
    (400, "APPID_MCHID_NOT_MATCH", "appid_mchid_not_match"),
    (400, "MCH_NOT_EXISTS", "mch_not_exists"),
    (400, "ORDER_CLOSED", "order_closed"),
    (400, "ORDERPAID", "order_paid"),
    (400, "ORDER_PAID", "order_paid"),
    (401, "SIGN_ERROR", "sign_error"),
    (403, "NO_AUTH", "no_auth"),
    (403, "NOAUTH", "no_auth"),
    (403, "OUT_TRADE_NO_USED", "out_trade_no_used"),
    (403, "RULELIMIT", "rule_limit"),
    (403, "TRADE_ERROR", "trade_error"),
    (403, "ACCOUNTERROR", "account_error"),
    (404, "NOT_FOUND", "not_found"),
    (403, "SOMETHING_NEW", "other"),
]
NOT_ANSWERS = [
    (429, "FREQUENCY_LIMITED", "rate_limited"),
    (403, "RATELIMIT_EXCEEDED", "ratelimit_exceeded"),
    (403, "FREQUENCY_LIMITED", "frequency_limited"),
    (400, "SYSTEMERROR", "system_error"),
    (500, "SYSTEM_ERROR", "http_500"),
    (500, "BANK_ERROR", "http_500"),
    (502, "BAD_GATEWAY", "http_502"),
]


@pytest.mark.parametrize(("status", "code", "why"), REFUSALS)
async def test_a_refused_order_is_named(
    host: Host, platform: WechatPlatform, status: int, code: str, why: str
) -> None:
    host.will(error(status, code))
    told = await platform.place(SALE, b"{}")
    assert isinstance(told, Refused)
    assert (told.sale_id, told.why) == (SALE, why)
    assert f"{status} {code} 说明 request_id=08F7" in told.detail


@pytest.mark.parametrize(("status", "code", "why"), NOT_ANSWERS)
async def test_what_may_have_taken_effect_is_unclear_to_every_call(
    host: Host, platform: WechatPlatform, status: int, code: str, why: str
) -> None:
    host.will(*[error(status, code)] * 5)
    assert {
        await platform.place(SALE, b"{}"),
        await platform.query(SALE),
        await platform.close(SALE),
        await platform.refund(BACK),
        await platform.refund_status(SALE, BACK.refund_no),
    } == {Unclear(sale_id=SALE, why=why)}
    assert len(host.seen) == 5


async def test_silence_and_forgery_are_unclear_to_every_call(host: Host, platform: WechatPlatform) -> None:
    forged = [
        host.says({"code_url": CODE_URL}, Wechatpay_Serial=KEY_ID_2),
        host.says(payment(), Wechatpay_Serial=KEY_ID_2),
        host.says(None, status=204, Wechatpay_Serial=KEY_ID_2),
        *[host.says(refund("SUCCESS", "status"), Wechatpay_Serial=KEY_ID_2)] * 2,
    ]
    host.will(*forged)
    for why in ("unknown_serial", "connection"):
        assert {
            await platform.place(SALE, b"{}"),
            await platform.query(SALE),
            await platform.close(SALE),
            await platform.refund(BACK),
            await platform.refund_status(SALE, BACK.refund_no),
        } == {Unclear(sale_id=SALE, why=why)}
    assert len(host.seen) == 10


# ---------------------------------------------------------------- asking


@pytest.mark.parametrize("state", ["SUCCESS", "REFUND"])
async def test_money_that_came_in_is_a_payment(host: Host, platform: WechatPlatform, state: str) -> None:
    host.will(host.says(payment(trade_state=state)))
    assert await platform.query(SALE) == Payment(
        sale_id=SALE,
        transaction_id="4200002500202605280000000001",
        paid_fen=350,
        machine=MACHINE,
        merchant_ok=True,
        source="query",
        paid_at="2026-05-28T20:26:38+08:00",
        given_back=state == "REFUND",
    )


def unpaid(state: str, **changes: Any) -> dict[str, Any]:
    return {"appid": APPID, "mchid": MCHID, "out_trade_no": SALE, "trade_state": state} | changes


@pytest.mark.parametrize(
    ("state", "closed"),
    [
        ("NOTPAY", False),
        ("USERPAYING", False),
        ("ACCEPT", False),
        ("PAYERROR", False),
        ("CLOSED", True),
        ("REVOKED", True),
    ],
)
async def test_an_unpaid_order_says_whether_it_can_still_be_paid(
    host: Host, platform: WechatPlatform, state: str, closed: bool
) -> None:
    host.will(host.says(unpaid(state)))
    assert await platform.query(SALE) == Unpaid(sale_id=SALE, closed=closed)


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (unpaid("HALFPAID"), "unknown_state"),
        (unpaid("CLOSED", mchid="1900000110"), "other_merchant"),
        (unpaid("CLOSED", appid="wx0000000000000000"), "other_merchant"),
        (unpaid("CLOSED", out_trade_no="k3vq7c2mzs5n4x6ahb7tdyfjwf"), "other_order"),
        (payment(out_trade_no="k3vq7c2mzs5n4x6ahb7tdyfjwf"), "other_order"),
        (payment(amount={"total": 3.5, "currency": "CNY"}), "bad_answer"),
        (payment(transaction_id=None), "bad_answer"),
        ({"trade_state": None}, "bad_answer"),
        ({}, "bad_answer"),
    ],
)
async def test_an_answer_that_does_not_fit_is_unclear(
    host: Host, platform: WechatPlatform, value: dict[str, Any], why: str
) -> None:
    host.will(host.says(value))
    assert await platform.query(SALE) == Unclear(sale_id=SALE, why=why)


async def test_a_payment_of_another_app_is_told_and_not_called_ours(
    host: Host, platform: WechatPlatform
) -> None:
    host.will(host.says(payment(appid="wx0000000000000000")))
    told = await platform.query(SALE)
    assert isinstance(told, Payment)
    assert not told.merchant_ok


@pytest.mark.parametrize("code", ["ORDER_NOT_EXIST", "ORDERNOTEXIST"])
async def test_an_order_that_is_not_there_is_said_so(host: Host, platform: WechatPlatform, code: str) -> None:
    host.will(error(404, code))
    assert await platform.query(SALE) == NoSuchOrder(sale_id=SALE)


@pytest.mark.parametrize(("status", "code", "why"), REFUSALS)
async def test_a_refused_question_is_unclear(
    host: Host, platform: WechatPlatform, status: int, code: str, why: str
) -> None:
    host.will(*[error(status, code)] * 2)
    assert await platform.query(SALE) == Unclear(sale_id=SALE, why=why)
    assert await platform.refund_status(SALE, BACK.refund_no) == Unclear(sale_id=SALE, why=why)


# ---------------------------------------------------------------- closing


@pytest.mark.parametrize("code", ["ORDERPAID", "ORDER_PAID"])
async def test_a_close_that_comes_too_late_is_told(host: Host, platform: WechatPlatform, code: str) -> None:
    host.will(error(400, code))
    assert await platform.close(SALE) == AlreadyPaid(sale_id=SALE)


async def test_an_order_that_is_not_there_counts_as_closed(host: Host, platform: WechatPlatform) -> None:
    host.will(host.says(None, status=204), error(404, "ORDER_NOT_EXIST"))
    assert await platform.close(SALE) == OrderClosed(sale_id=SALE)
    assert await platform.close(SALE) == OrderClosed(sale_id=SALE)


async def test_only_a_204_closes(host: Host, platform: WechatPlatform) -> None:
    host.will(host.says({"code": "USERPAYING"}, status=202), host.says({}), error(400, "ORDER_CLOSED"))
    assert [await platform.close(SALE) for _ in range(3)] == [
        Unclear(sale_id=SALE, why="user_paying"),
        Unclear(sale_id=SALE, why="bad_answer"),
        Unclear(sale_id=SALE, why="order_closed"),  # an error is no proof; the query is
    ]


# ---------------------------------------------------------------- refunds


def status(state: RefundState, fen: int = 350) -> RefundStatus:
    return RefundStatus(sale_id=SALE, refund_no=BACK.refund_no, state=state, refund_fen=fen, source="query")


@pytest.mark.parametrize("word", ["PROCESSING", "SUCCESS", "CLOSED", "ABNORMAL"])
async def test_a_refund_says_how_it_stands(host: Host, platform: WechatPlatform, word: str) -> None:
    host.will(*[host.says(refund(word, "status"))] * 2)
    assert await platform.refund(BACK) == status(RefundState[word])
    assert await platform.refund_status(SALE, BACK.refund_no) == status(RefundState[word])


async def test_a_refund_that_was_never_taken_is_absent(host: Host, platform: WechatPlatform) -> None:
    host.will(error(404, "RESOURCE_NOT_EXISTS"))
    assert await platform.refund_status(SALE, BACK.refund_no) == status(RefundState.ABSENT, 0)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"out_refund_no": f"R2{SALE}"}, "other_refund"),
        ({"out_trade_no": "k3vq7c2mzs5n4x6ahb7tdyfjwf"}, "other_refund"),
        ({"status": "DONE"}, "bad_answer"),
        ({"amount": {"refund": "350"}}, "bad_answer"),
        ({"amount": {"refund": 350, "currency": "USD"}}, "bad_answer"),
    ],
)
async def test_an_answer_about_another_refund_is_unclear(
    host: Host, platform: WechatPlatform, changes: dict[str, Any], why: str
) -> None:
    host.will(*[host.says(refund("SUCCESS", "status") | changes)] * 2)
    assert await platform.refund(BACK) == Unclear(sale_id=SALE, why=why)
    assert await platform.refund_status(SALE, BACK.refund_no) == Unclear(sale_id=SALE, why=why)


@pytest.mark.parametrize("code", ["NOT_ENOUGH", "NOTENOUGH"])
async def test_an_empty_account_is_named_and_not_looked_into(
    host: Host, platform: WechatPlatform, code: str
) -> None:
    host.will(error(403, code))
    told = await platform.refund(BACK)
    assert isinstance(told, Refused)
    assert told.why == "not_enough"
    assert len(host.seen) == 1


REFUND_REFUSALS = [
    (400, "PARAM_ERROR", "param_error"),
    (400, "INVALID_REQUEST", "invalid_request"),
    (401, "SIGN_ERROR", "sign_error"),
    (403, "NO_AUTH", "no_auth"),
    (403, "REQUEST_BLOCKED", "request_blocked"),
    (403, "USER_ACCOUNT_ABNORMAL", "user_account_abnormal"),
]


@pytest.mark.parametrize(("number", "code", "why"), REFUND_REFUSALS)
async def test_a_refusal_of_a_refund_that_is_not_there_is_believed(
    host: Host, platform: WechatPlatform, number: int, code: str, why: str
) -> None:
    host.will(error(number, code), error(404, "RESOURCE_NOT_EXISTS"))
    told = await platform.refund(BACK)
    assert isinstance(told, Refused)
    assert (told.why, code in told.detail) == (why, True)


async def test_a_refused_repeat_of_a_refund_that_was_taken_is_that_refund(
    host: Host, platform: WechatPlatform
) -> None:
    host.will(error(400, "INVALID_REQUEST"), host.says(refund("SUCCESS", "status")))
    assert await platform.refund(BACK) == status(RefundState.SUCCESS)
    assert [seen.method for seen in host.seen] == ["POST", "GET"]


async def test_a_refusal_that_cannot_be_looked_into_is_unclear(host: Host, platform: WechatPlatform) -> None:
    host.will(error(400, "INVALID_REQUEST"), error(500, "SYSTEM_ERROR"))
    assert await platform.refund(BACK) == Unclear(sale_id=SALE, why="http_500")


@pytest.mark.parametrize("code", ["RESOURCE_NOT_EXISTS", "MCH_NOT_EXISTS"])
async def test_a_refund_of_an_order_not_found_asks_for_the_order_first(
    host: Host, platform: WechatPlatform, code: str
) -> None:
    absent, name = error(404, "RESOURCE_NOT_EXISTS"), code.lower()
    host.will(error(404, code), absent, host.says(payment()))
    assert await platform.refund(BACK) == Unclear(sale_id=SALE, why=name)
    host.will(error(404, code), absent, host.says(unpaid("NOTPAY")))
    told = await platform.refund(BACK)
    assert isinstance(told, Refused)
    assert told.why == name


# ---------------------------------------------------------------- another merchant's platform


async def test_another_merchants_keys_speak_for_nobody_here(
    parties: Parties, tmp_path_factory: pytest.TempPathFactory
) -> None:
    strangers = new_parties(tmp_path_factory.mktemp("strangers"))
    async with Host(strangers) as host:
        settings = parties.at(host.url)
        client = Client(settings, parties.keys, clock=Hands(), nonce=lambda: "n" * 32)
        host.will(host.says(payment()))
        told = await WechatPlatform(settings, client).query(SALE)
        assert told == Unclear(sale_id=SALE, why="bad_signature")
        assert len(host.refused) == 1  # nor do ours there
        host.refused.clear()
        client.close()
