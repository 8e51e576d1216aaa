"""Our wishes as XML to the byte, and what the platform's answers are worth; nothing is believed unsigned."""

import itertools
import re

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
from cloud_bridge.engine_calls import LASTING
from cloud_bridge.wechat.v2_platform import V2Platform
from tests.unit.wechat.v2_parties import (
    ACCOUNT,
    MACHINE,
    MD5,
    SALE,
    SETTINGS,
    TRANSACTION,
    WEAK,
    Line,
    asked,
    digest,
    no,
    payment,
    told,
    xml,
    yes,
)

DRAFT = OrderDraft(
    sale_id=SALE,
    machine=MACHINE,
    description="可乐 Cola",
    price_fen=350,
    pay_until_wall_ms=1_780_000_180_999,
)
BACK = RefundDraft(
    sale_id=SALE, refund_no=f"R{SALE}", refund_fen=350, paid_fen=350, reason="出货失败退款\x00"
)
PLACE = Place(store_id="S1", store_name="天河店", area_code="440106", address="天河路1号")
ACCEPTED = {
    "transaction_id": TRANSACTION,
    "out_trade_no": SALE,
    "out_refund_no": f"R{SALE}",
    "refund_id": "50300000012026052800000000001",
    "refund_fee": "350",
    "total_fee": "350",
}


def refunds(status: str, changes: dict[str, str] | None = None, *, at: int = 0) -> dict[str, str]:
    return {
        "out_trade_no": SALE,
        "refund_count": str(at + 1),
        f"out_refund_no_{at}": f"R{SALE}",
        f"refund_status_{at}": status,
        f"refund_fee_{at}": "350",
        f"refund_recv_accout_{at}": "支付用户零钱",
        **(changes or {}),
    }


def back(state: RefundState, fen: int = 350) -> RefundStatus:
    return RefundStatus(sale_id=SALE, refund_no=f"R{SALE}", state=state, refund_fen=fen, source="query")


@pytest.fixture
def line() -> Line:
    return Line()


@pytest.fixture
def platform(line: Line) -> V2Platform:
    numbers = itertools.count(1)
    return V2Platform(SETTINGS, ACCOUNT, line, nonce=lambda: f"{next(numbers):032d}")


# ---------------------------------------------------------------- what is sent


def test_an_order_is_composed_to_the_byte(platform: V2Platform) -> None:
    nonce = re.search(rb"<nonce_str><!\[CDATA\[([0-9a-f]{32})\]\]>", platform.compose(DRAFT))
    assert nonce is not None
    members = {
        "appid": "wx8f2a61c07be493d5",
        "mch_id": "1699004417",
        "nonce_str": nonce[1].decode(),
        "sign_type": "HMAC-SHA256",
        "device_info": "vm-0001",
        "body": "可乐 Cola",
        "attach": "vm-0001",
        "out_trade_no": SALE,
        "fee_type": "CNY",
        "total_fee": "350",
        "spbill_create_ip": "127.0.0.1",
        "time_expire": "20260529042940",  # in Beijing, and in whole seconds
        "notify_url": "https://pay.example.com/wechat/notify",
        "trade_type": "NATIVE",
        "product_id": SALE,
    }
    signed = members | {"sign": digest(members)}
    assert platform.compose(DRAFT) == xml(signed).replace(b"\n", b"")


def test_the_same_draft_makes_the_same_bytes_and_another_sale_another_nonce(platform: V2Platform) -> None:
    body = platform.compose(DRAFT)
    assert platform.compose(DRAFT) == body
    other = OrderDraft(sale_id="another1", machine=MACHINE, description="x", price_fen=1, pay_until_wall_ms=0)
    assert platform.compose(other)[:200] != body[:200]


async def test_a_scanned_token_is_the_product_and_the_machine_stands_somewhere(
    platform: V2Platform, line: Line
) -> None:
    draft = OrderDraft(
        sale_id=SALE,
        machine=MACHINE,
        description="可乐",
        price_fen=350,
        pay_until_wall_ms=0,
        token="vm-0001_12",
        place=PLACE,
    )
    line.will(yes(code_url="weixin://x", prepay_id="wx1"))
    await platform.place(SALE, platform.compose(draft))
    members = asked(line.seen[0])
    assert members["product_id"] == "vm-0001_12"
    assert members["scene_info"] == (
        '{"store_info":{"id":"S1","name":"天河店","area_code":"440106","address":"天河路1号"}}'
    )


async def test_each_call_goes_where_it_should_and_is_signed(platform: V2Platform, line: Line) -> None:
    line.will(*[no("SYSTEMERROR")] * 6)
    await platform.place(SALE, platform.compose(DRAFT))
    await platform.query(SALE)
    await platform.close(SALE)
    await platform.refund(BACK)
    await platform.refund_status(SALE, BACK.refund_no)
    await platform.short("weixin://wxpay/bizpayurl?sign=1")
    assert [(seen.method, seen.target) for seen in line.seen] == [
        ("POST", "/pay/unifiedorder"),
        ("POST", "/pay/orderquery"),
        ("POST", "/pay/closeorder"),
        ("POST", "/secapi/pay/refund"),
        ("POST", "/pay/refundquery"),
        ("POST", "/tools/shorturl"),
    ]
    said = [asked(seen) for seen in line.seen]
    assert len({members["nonce_str"] for members in said}) == 6
    refund = {
        name: said[3][name]
        for name in ("out_refund_no", "total_fee", "refund_fee", "refund_desc", "notify_url")
    }
    assert refund == {
        "out_refund_no": f"R{SALE}",
        "total_fee": "350",
        "refund_fee": "350",
        "refund_desc": "出货失败退款",
        "notify_url": SETTINGS.notify_url,
    }


async def test_a_merchant_who_has_md5_only_signs_with_it(line: Line) -> None:
    line.account = WEAK
    platform = V2Platform(SETTINGS, WEAK, line, nonce=lambda: "1")
    line.will(told({"result_code": "SUCCESS", "out_trade_no": SALE, "trade_state": "NOTPAY"}, MD5))
    assert await platform.query(SALE) == Unpaid(sale_id=SALE, closed=False)
    assert asked(line.seen[0])["sign_type"] == "MD5"


# ---------------------------------------------------------------- orders


async def test_a_placed_order_has_its_code_and_its_ticket(platform: V2Platform, line: Line) -> None:
    line.will(yes(code_url="weixin://wxpay/bizpayurl?pr=p4lpSuKzz", prepay_id="wx2026"))
    placed = await platform.place(SALE, platform.compose(DRAFT))
    assert placed == OrderPlaced(
        sale_id=SALE, code_url="weixin://wxpay/bizpayurl?pr=p4lpSuKzz", ticket="wx2026"
    )
    assert "p4lp" not in repr(placed)
    assert "wx2026" not in repr(placed)


@pytest.mark.parametrize(
    "members", [{"code_url": "x"}, {"prepay_id": "x"}, {"code_url": "a b", "prepay_id": "x"}]
)
async def test_an_order_without_code_or_ticket_is_unclear(
    platform: V2Platform, line: Line, members: dict[str, str]
) -> None:
    line.will(yes(**members))
    assert await platform.place(SALE, b"<xml/>") == Unclear(sale_id=SALE, why="bad_answer")


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("NOAUTH", "no_auth"),
        ("ORDERPAID", "order_paid"),
        ("ORDER_PAID", "order_paid"),
        ("ORDERCLOSED", "order_closed"),
        ("OUT_TRADE_NO_USED", "out_trade_no_used"),
        ("APPID_MCHID_NOT_MATCH", "appid_mchid_not_match"),
        ("APPID_NOT_EXIST", "appid_mchid_not_match"),
        ("LACK_PARAMS", "lack_params"),
        ("INVALID_REQUEST", "invalid_request"),
        ("SIGNERROR", "sign_error"),
        ("A_CODE_OF_NEXT_YEAR", "other"),
    ],
)
async def test_a_refused_order_is_named(platform: V2Platform, line: Line, code: str, why: str) -> None:
    line.will(no(code, "201 商户订单号重复"))
    refused = await platform.place(SALE, b"<xml/>")
    assert refused == Refused(sale_id=SALE, why=why, detail=f"{code} 201 商户订单号重复")


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (no("SYSTEMERROR"), "system_error"),
        (no("SYSTEM_ERROR"), "system_error"),
        (no("BIZERR_NEED_RETRY"), "bizerr_need_retry"),
        (no("INVALID_REQ_TOO_MUCH"), "invalid_req_too_much"),
        (no("FREQUENCY_LIMITED"), "frequency_limited"),
        (500, "http_500"),
        (429, "rate_limited"),
        (404, "http_404"),
        (b"", "xml_empty"),
        (b"<html></html>", "xml_root"),
        (xml({"return_code": "FAIL", "return_msg": "签名错误"}), "sign_error"),
        (xml({"return_code": "FAIL", "return_msg": "appid不存在"}), "appid_mchid_not_match"),
        (xml({"return_code": "FAIL", "return_msg": "证书验证失败"}), "no_certificate"),
        (xml({"return_code": "FAIL"}), "return_fail"),
        (xml({}), "return_fail"),
        (xml({"return_code": "SUCCESS", "result_code": "SUCCESS"}), "unsigned"),
        (told({"result_code": "SUCCESS"}, MD5), "weaker_signature"),
        (told({"result_code": "SUCCESS"}, key=b"another" * 4 + b"key!"), "bad_signature"),
        (told({"result_code": "SUCCESS", "mch_id": "1699004418"}), "other_merchant"),
        (told({"result_code": "SUCCESS", "appid": "wx8f2a61c07be493d6"}), "other_merchant"),
        (told({"result_code": "MAYBE"}), "bad_answer"),
        (told({}), "bad_answer"),
    ],
)
async def test_what_is_no_answer_is_unclear_to_every_call(
    platform: V2Platform, line: Line, answer: bytes | int, why: str
) -> None:
    unclear = Unclear(sale_id=SALE, why=why)
    line.will(*[answer] * 5)
    assert await platform.place(SALE, b"<xml/>") == unclear
    assert await platform.query(SALE) == unclear
    assert await platform.close(SALE) == unclear
    assert await platform.refund(BACK) == unclear
    assert await platform.refund_status(SALE, BACK.refund_no) == unclear


@pytest.mark.parametrize(
    "answer",
    [
        xml({"return_code": "FAIL", "return_msg": "签名错误"}),
        xml({"return_code": "FAIL", "return_msg": "证书验证失败"}),
        xml({"return_code": "FAIL", "return_msg": "商户号mch_id或sub_mch_id不存在"}),
        told({"result_code": "SUCCESS"}, MD5),
        told({"result_code": "SUCCESS", "sign_type": "MD5"}),
        told({"result_code": "SUCCESS", "mch_id": "1699004418"}),
        no("APPID_NOT_EXIST"),
        no("MCHID_NOT_EXIST"),
        no("NOAUTH"),
    ],
)
async def test_what_asking_again_does_not_mend_has_a_name_that_raises_an_alarm(
    platform: V2Platform, line: Line, answer: bytes
) -> None:
    line.will(answer)
    told = await platform.place(SALE, b"<xml/>")
    assert isinstance(told, Unclear | Refused)
    assert told.why in LASTING


@pytest.mark.parametrize("state", ["SUCCESS", "REFUND"])
async def test_money_that_came_in_is_a_payment(platform: V2Platform, line: Line, state: str) -> None:
    line.will(told(payment(trade_state=state)))
    assert await platform.query(SALE) == Payment(
        sale_id=SALE,
        transaction_id=TRANSACTION,
        paid_fen=350,  # what the order costs, not what the payer's coupons left of it
        machine=MACHINE,
        merchant_ok=True,
        source="query",
        paid_at="2026-05-28T20:26:38+08:00",
        given_back=state == "REFUND",
    )


@pytest.mark.parametrize(
    ("change", "ok", "paid_at"),
    [
        ({"fee_type": ""}, True, "2026-05-28T20:26:38+08:00"),
        ({"fee_type": "HKD"}, False, "2026-05-28T20:26:38+08:00"),
        ({"trade_type": "JSAPI"}, False, "2026-05-28T20:26:38+08:00"),
        ({"time_end": "20260528"}, True, ""),
        ({"attach": "<a>"}, True, "2026-05-28T20:26:38+08:00"),
    ],
)
async def test_what_decorates_is_left_out_and_what_is_not_ours_is_said(
    platform: V2Platform, line: Line, change: dict[str, str], ok: bool, paid_at: str
) -> None:
    line.will(told(payment(trade_state="SUCCESS", **change)))
    paid = await platform.query(SALE)
    assert isinstance(paid, Payment)
    assert (paid.merchant_ok, paid.paid_at) == (ok, paid_at)
    assert paid.machine == ("" if "attach" in change else MACHINE)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"out_trade_no": "another1"}, "other_order"),
        ({"total_fee": "3.5"}, "bad_answer"),
        ({"total_fee": "-350"}, "bad_answer"),
        ({"total_fee": "0"}, "bad_answer"),
        ({"total_fee": "٣٥٠"}, "bad_answer"),
        ({"total_fee": ""}, "bad_answer"),
        ({"transaction_id": ""}, "bad_answer"),
        ({"trade_state": "MAYBE"}, "unknown_state"),
        ({"trade_state": ""}, "bad_answer"),
    ],
)
async def test_an_answer_that_does_not_fit_is_unclear(
    platform: V2Platform, line: Line, change: dict[str, str], why: str
) -> None:
    members = {name: value for name, value in (payment(trade_state="SUCCESS") | change).items() if value}
    line.will(told(members))
    assert await platform.query(SALE) == Unclear(sale_id=SALE, why=why)


@pytest.mark.parametrize(
    ("state", "closed"),
    [
        *(("NOTPAY", False), ("USERPAYING", False), ("ACCEPT", False), ("PAYERROR", False)),
        *(("CLOSED", True), ("REVOKED", True)),
    ],
)
async def test_an_unpaid_order_says_whether_it_can_still_be_paid(
    platform: V2Platform, line: Line, state: str, closed: bool
) -> None:
    line.will(yes(out_trade_no=SALE, trade_state=state))
    assert await platform.query(SALE) == Unpaid(sale_id=SALE, closed=closed)


async def test_an_order_that_is_not_there_is_said_so_and_counts_as_closed(
    platform: V2Platform, line: Line
) -> None:
    line.will(no("ORDERNOTEXIST"), no("ORDERNOTEXIST"), no("ORDERCLOSED"), yes(result_msg="OK"))
    assert await platform.query(SALE) == NoSuchOrder(sale_id=SALE)
    for _ in range(3):
        assert await platform.close(SALE) == OrderClosed(sale_id=SALE)


async def test_a_close_that_comes_too_late_is_told(platform: V2Platform, line: Line) -> None:
    line.will(no("ORDERPAID"), no("USERPAYING"))
    assert await platform.close(SALE) == AlreadyPaid(sale_id=SALE)
    assert await platform.close(SALE) == Unclear(sale_id=SALE, why="user_paying")


# ---------------------------------------------------------------- refunds


async def test_an_accepted_refund_is_not_yet_a_refund(platform: V2Platform, line: Line) -> None:
    line.will(yes(**ACCEPTED))
    assert await platform.refund(BACK) == back(RefundState.PROCESSING)


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("PROCESSING", RefundState.PROCESSING),
        ("SUCCESS", RefundState.SUCCESS),
        ("REFUNDCLOSE", RefundState.CLOSED),
        ("CHANGE", RefundState.ABNORMAL),
    ],
)
async def test_a_refund_says_how_it_stands(
    platform: V2Platform, line: Line, word: str, state: RefundState
) -> None:
    line.will(yes(**refunds(word)))
    assert await platform.refund_status(SALE, BACK.refund_no) == back(state)


async def test_a_refund_is_found_among_others(platform: V2Platform, line: Line) -> None:
    line.will(yes(**{**refunds("SUCCESS", {"out_refund_no_0": "other"}), **refunds("CHANGE", at=1)}))
    assert await platform.refund_status(SALE, BACK.refund_no) == back(RefundState.ABNORMAL)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"out_refund_no_0": "other"}, "other_refund"),
        ({"out_trade_no": "another1"}, "other_refund"),
        ({"refund_status_0": "MAYBE"}, "bad_answer"),
        ({"refund_fee_0": "0"}, "bad_answer"),
        ({"refund_count": "9" * 9}, None),
    ],
)
async def test_an_answer_about_another_refund_is_unclear(
    platform: V2Platform, line: Line, change: dict[str, str], why: str | None
) -> None:
    line.will(yes(**refunds("SUCCESS", change)))
    expected = Unclear(sale_id=SALE, why=why) if why else back(RefundState.SUCCESS)
    assert await platform.refund_status(SALE, BACK.refund_no) == expected


async def test_a_refund_that_was_never_taken_is_absent(platform: V2Platform, line: Line) -> None:
    line.will(no("REFUNDNOTEXIST"))
    assert await platform.refund_status(SALE, BACK.refund_no) == back(RefundState.ABSENT, fen=0)


async def test_an_empty_account_is_named_and_not_looked_into(platform: V2Platform, line: Line) -> None:
    line.will(no("NOTENOUGH"))
    refused = await platform.refund(BACK)
    assert isinstance(refused, Refused)
    assert refused.why == "not_enough"
    assert len(line.seen) == 1


async def test_a_refused_repeat_of_a_refund_that_was_taken_is_that_refund(
    platform: V2Platform, line: Line
) -> None:
    line.will(no("ERROR", "订单已全额退款"), yes(**refunds("SUCCESS")))
    assert await platform.refund(BACK) == back(RefundState.SUCCESS)


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("TRADE_OVERDUE", "trade_overdue"),
        ("ERROR", "other"),
        ("USER_ACCOUNT_ABNORMAL", "user_account_abnormal"),
    ],
)
async def test_a_refusal_of_a_refund_that_is_not_there_is_believed(
    platform: V2Platform, line: Line, code: str, why: str
) -> None:
    line.will(no(code), no("REFUNDNOTEXIST"))
    assert await platform.refund(BACK) == Refused(sale_id=SALE, why=why, detail=f"{code} 说明")


async def test_a_refusal_that_cannot_be_looked_into_is_unclear(platform: V2Platform, line: Line) -> None:
    line.will(no("TRADE_OVERDUE"), 500)
    assert await platform.refund(BACK) == Unclear(sale_id=SALE, why="http_500")


async def test_a_refund_of_an_order_not_found_asks_for_the_order_first(
    platform: V2Platform, line: Line
) -> None:
    line.will(no("INVALID_TRANSACTIONID"), no("REFUNDNOTEXIST"), told(payment(trade_state="SUCCESS")))
    assert await platform.refund(BACK) == Unclear(sale_id=SALE, why="order_not_exist")
    line.will(no("INVALID_TRANSACTIONID"), no("REFUNDNOTEXIST"), no("ORDERNOTEXIST"))
    assert isinstance(await platform.refund(BACK), Refused)


# ---------------------------------------------------------------- short codes


@pytest.mark.parametrize(
    "answer",
    [no("SYSTEMERROR"), 500, yes(short_url="weixin://wxpay/s/" + "x" * 512), yes(short_url="a b"), yes()],
)
async def test_a_code_that_cannot_be_shortened_stays_as_it_is(
    platform: V2Platform, line: Line, answer: bytes | int
) -> None:
    code = "weixin://wxpay/bizpayurl?sign=1&appid=2&mch_id=3&product_id=4"
    line.will(answer, yes(short_url="weixin://wxpay/s/XXXXXX"))
    assert await platform.short(code) == code
    assert await platform.short(code) == "weixin://wxpay/s/XXXXXX"
