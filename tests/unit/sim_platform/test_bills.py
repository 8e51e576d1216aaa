"""Bills of the simulated platform: when, which bytes, which summary, and what the faults do to them."""

import gzip
import hashlib
from typing import Any

import pytest

from hw_sim.platform.answers import Call
from hw_sim.platform.bill_wishes import bill_wishes
from hw_sim.platform.clock import Clock
from hw_sim.platform.faults import Fault
from hw_sim.platform.orders import Shop
from tests.unit.sim_platform.bench import MINUTE_MS, NUMBER, Bench

HOUR_MS = 60 * MINUTE_MS
# The bench begins at 2027-01-15 16:00 in Beijing.
DAY = "2027-01-15"
TO_NEXT_TEN_MS = 18 * HOUR_MS
TRADE_HEAD = (
    "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,应结订单金额,代金券金额,"
    "微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,手续费,费率,订单金额,申请退款金额,费率备注"
)


def ask(bench: Bench, kind: str = "tradebill", day: str = DAY, more: str = "") -> Any:
    return bench.call("GET", f"/v3/bill/{kind}?bill_date={day}{more}", host="127.0.0.1:8081")


def fetch(bench: Bench, kind: str = "tradebill", day: str = DAY, more: str = "") -> bytes:
    told = ask(bench, kind, day, more)
    assert told.status == 200, told
    return download(bench, told.body["download_url"])


def download(bench: Bench, url: str) -> bytes:
    prefix = "http://127.0.0.1:8081"
    assert url.startswith(prefix)
    target = url.removeprefix(prefix)
    headers = {"accept": "application/json", "user-agent": "bench"}
    headers["authorization"] = bench.authorization("GET", target, b"")
    answer = bench.api.handle(Call("GET", target, headers), now_ms=bench.now_ms, wall_ms=bench.now_ms)
    assert answer.status == 200, answer
    assert not any(name.lower().startswith("wechatpay-") for name in answer.headers)
    return answer.body


def lines(content: bytes) -> list[str]:
    assert content.startswith(b"\xef\xbb\xbf")
    text = content.decode("utf-8-sig")
    assert text.endswith("\r\n")
    return text[:-2].split("\r\n")


@pytest.fixture
def sold(bench: Bench) -> Bench:
    """A day with two payments and a refund, looked at on the next morning."""
    bench.paid()
    bench.pass_ms(MINUTE_MS)
    bench.paid("order-000002")
    bench.refund("Rorder-000001", 350)
    bench.pass_ms(TO_NEXT_TEN_MS)
    return bench


def test_a_day_is_a_line_for_each_payment_and_refund_and_a_summary(sold: Bench) -> None:
    head, first, second, refund, over, summary = lines(fetch(sold))
    assert head == TRADE_HEAD
    merchant = sold.keys.merchant
    assert first.startswith(f"`2027-01-15 16:00:00,`{merchant.appid},`{merchant.mchid},`0,`,`4200")
    assert f",`{NUMBER},`o" in first
    assert ",`NATIVE,`SUCCESS,`OTHERS,`CNY,`3.50,`0.00,`0,`0,`0.00,`0.00,`,`,`" in first
    assert first.endswith(",`可乐 Cola,`,`0.02000,`0.60%,`3.50,`0.00,`")
    assert ",`order-000002,`" in second
    assert ",`REFUND,`OTHERS,`CNY,`0.00,`0.00,`503" in refund
    assert refund.endswith(
        ",`Rorder-000001,`3.50,`0.00,`ORIGINAL,`SUCCESS,`可乐 Cola,`,`-0.02000,`0.60%,`0.00,`3.50,`"
    )
    assert (
        over == "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额"
    )
    assert summary == "`3.0,`7.00,`3.50,`0.00,`0.02000,`7.00,`3.50"


def test_the_flow_of_funds_has_each_amount_and_each_fee(sold: Bench) -> None:
    head, *rows, _, summary = lines(fetch(sold, "fundflowbill"))
    assert head.startswith("记账时间,微信支付业务单号,")
    assert [row.split(",`")[3:8] for row in rows] == [
        ["交易", "交易", "收入", "3.50", "3.50"],
        ["扣除交易手续费", "交易", "支出", "0.02", "3.48"],
        ["交易", "交易", "收入", "3.50", "6.98"],
        ["扣除交易手续费", "交易", "支出", "0.02", "6.96"],
        ["退款", "退款", "支出", "3.50", "3.46"],
        ["退还交易手续费", "退款", "收入", "0.02", "3.48"],
    ]
    assert summary == "`6.0,`3.0,`7.02,`3.0,`3.54"


def test_the_hash_is_over_the_plain_bytes_also_of_a_zipped_file(sold: Bench) -> None:
    told = ask(sold, more="&tar_type=GZIP").body
    plain = gzip.decompress(download(sold, told["download_url"]))
    assert told["hash_type"] == "SHA1"
    assert told["hash_value"] == hashlib.sha1(plain).hexdigest()
    assert plain == fetch(sold)


def test_a_part_of_the_trades_may_be_asked_for(sold: Bench) -> None:
    assert len(lines(fetch(sold, more="&bill_type=SUCCESS"))) == 5
    assert len(lines(fetch(sold, more="&bill_type=REFUND"))) == 4


def test_before_ten_o_clock_the_bill_is_being_made(sold: Bench) -> None:
    sold.now_ms -= 2 * MINUTE_MS
    assert ask(sold).code == "STATEMENT_CREATING"


@pytest.mark.parametrize(
    ("day", "code"),
    [
        ("2027-01-14", "NO_STATEMENT_EXIST"),
        ("2027-01-16", "INVALID_REQUEST"),
        ("2026-09-01", "INVALID_REQUEST"),
        ("20270115", "PARAM_ERROR"),
        ("", "PARAM_ERROR"),
    ],
)
def test_other_days_are_refused_in_the_platforms_words(sold: Bench, day: str, code: str) -> None:
    refused = ask(sold, day=day)
    assert (refused.status, refused.code) == (400, code)


def test_a_token_is_good_for_five_minutes(sold: Bench) -> None:
    url = ask(sold).body["download_url"]
    sold.now_ms += 5 * MINUTE_MS
    download(sold, url)
    sold.now_ms += 1
    target = url.removeprefix("http://127.0.0.1:8081")
    assert sold.call("GET", target).code == "INVALID_REQUEST"


def test_a_file_is_given_to_who_signs_alone(sold: Bench) -> None:
    target = ask(sold).body["download_url"].removeprefix("http://127.0.0.1:8081")
    unsigned = sold.call("GET", target, authorization="")
    assert (unsigned.status, unsigned.code) == (401, "SIGN_ERROR")


def test_each_fault_of_a_bill_shows_in_its_bytes(sold: Bench) -> None:
    good = lines(fetch(sold))
    sold.arm(Fault.BILL_EXTRA_COLUMNS)
    assert lines(fetch(sold))[0].split(",").index("优惠标记") == 14
    sold.arm(Fault.BILL_ODD_NAMES)
    assert ",`可乐 Cola,大瓶`冰,`可乐 Cola,`" in lines(fetch(sold))[1]
    sold.arm(Fault.BILL_LINE_LOST)
    assert lines(fetch(sold))[1:3] == good[2:4]
    sold.arm(Fault.BILL_STRANGER)
    assert ",`nobody0made0this0order00001,`" in lines(fetch(sold))[4]
    sold.arm(Fault.BILL_OTHER_AMOUNT)
    changed = lines(fetch(sold))
    assert ",`3.51,`" in changed[1]
    assert changed[-1] == "`3.0,`7.01,`3.50,`0.00,`0.02000,`7.01,`3.50"
    sold.arm(Fault.BILL_SUMMARY_OFF)
    assert lines(fetch(sold))[:-1] == good[:-1]
    assert lines(fetch(sold)) == good


def test_each_fault_on_the_way_to_a_bill(sold: Bench) -> None:
    sold.arm(Fault.BILL_CREATING)
    assert ask(sold).code == "STATEMENT_CREATING"
    sold.arm(Fault.BILL_WRONG_HASH)
    assert ask(sold).body["hash_value"] != ask(sold).body["hash_value"]
    sold.arm(Fault.BILL_OTHER_HOST)
    assert ask(sold).body["download_url"].startswith("https://bills.example.com/v3/billdownload/file?token=")
    sold.arm(Fault.BILL_OLD_TOKEN)
    target = ask(sold).body["download_url"].removeprefix("http://127.0.0.1:8081")
    assert sold.call("GET", target).code == "INVALID_REQUEST"


def test_a_bill_may_be_looked_at_by_hand_at_any_hour(bench: Bench) -> None:
    bench.paid()
    clock = Clock(lambda: bench.now_ms)
    merchant = bench.keys.merchant
    shop = Shop(merchant.mchid, merchant.appid, "Shop")
    wish = bill_wishes(platform=bench.platform, shop=shop, clock=clock)["bill"]
    today = wish({})
    assert (today["day"], today["lines"]) == (DAY, 1)
    assert f",`{NUMBER},`" in today["text"]
    assert wish({"day": "2027-01-14"})["lines"] == 0
    assert wish({"kind": "funds"})["text"].startswith("记账时间,")
    for wrong in ({"day": "today"}, {"day": "2027-13-01"}, {"kind": "other"}):
        with pytest.raises(ValueError):
            wish(wrong)
