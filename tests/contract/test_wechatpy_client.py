"""A client of APIv2 that others wrote (wechatpy from PyPI) against the simulated platform, over HTTP.

Its calls for red packets, transfers, coupons, payment codes and deductions are other products' and not there.
"""

import secrets
import urllib.error
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from wechatpy.exceptions import InvalidSignatureException, WeChatPayException
from wechatpy.pay import WeChatPay

from tests.contract.shop import Shop, open_shop
from tests.contract.simulated import TIMEOUT_S, Simulated

CHINA = timedelta(hours=8)


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    with open_shop() as shop:
        yield shop


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulated]:
    keys = tmp_path_factory.mktemp("platform") / "keys"
    with Simulated(keys, "--refund-delay-ms", "30") as platform:
        yield platform


@pytest.fixture
def theirs(platform: Simulated, shop: Shop) -> Any:
    shop.path = f"/notify/{secrets.token_hex(4)}"
    return client(platform)


def client(platform: Simulated, **more: Any) -> Any:
    known = platform.credentials()
    key = (platform.keys / "api_v2.key").read_text()
    made = WeChatPay(known["appid"], key, known["mchid"], timeout=TIMEOUT_S, **more)
    made.API_BASE_URL = f"{platform.url}/"
    return made


def order(theirs: Any, shop: Shop, **more: Any) -> Any:
    return theirs.order.create(
        trade_type="NATIVE",
        body="可乐 Cola",
        total_fee=350,
        notify_url=shop.notify_url,
        client_ip="127.0.0.1",
        out_trade_no=f"wp{secrets.token_hex(8)}",
        product_id="vm-0001_12",
        device_info="vm-0001",
        attach="vm-0001",
        scene_info={"store_info": {"id": "S1", "name": "天河店", "area_code": "440106", "address": "天河路"}},
        **more,
    )


def paid(theirs: Any, platform: Simulated, shop: Shop) -> Any:
    """A payment as their client reads its notification."""
    platform.desk("pay", code_url=order(theirs, shop)["code_url"])
    return theirs.parse_payment_result(shop.next())


@pytest.mark.parametrize("sign_type", [None, "MD5", "HMAC-SHA256"])
def test_an_order_is_made_and_found(
    theirs: Any, platform: Simulated, shop: Shop, sign_type: str | None
) -> None:
    made = order(theirs, shop, sign_type=sign_type)
    assert (made["trade_type"], made["prepay_id"][:2]) == ("NATIVE", "wx")
    assert theirs.check_signature(made) is (sign_type != "HMAC-SHA256")  # they check MD5 alone
    page = platform.desk("scan", code_url=made["code_url"])
    assert (page["amount_fen"], page["description"]) == (350, "可乐 Cola")
    found = theirs.order.query(out_trade_no=page["out_trade_no"])
    assert theirs.check_signature(found)
    assert found["trade_state"] == "NOTPAY"
    assert "total_fee" not in found


def test_a_payment_is_notified_and_found_by_either_number(
    theirs: Any, platform: Simulated, shop: Shop
) -> None:
    told = paid(theirs, platform, shop)
    assert (told["total_fee"], told["device_info"], told["result_code"]) == (350, "vm-0001", "SUCCESS")
    numbers = {name: told[name] for name in ("transaction_id", "out_trade_no")}
    for name, number in numbers.items():
        found = theirs.order.query(**{name: number})
        assert (found["trade_state"], found["time_end"]) == ("SUCCESS", told["time_end"])


def test_the_notification_says_whose_it_is_before_it_is_checked(
    theirs: Any, platform: Simulated, shop: Shop
) -> None:
    platform.desk("pay", code_url=order(theirs, shop)["code_url"])
    data = theirs.get_payment_data(shop.next())
    assert (data["appid"], data["mch_id"]) == (theirs.appid, theirs.mch_id)


def test_a_forged_notification_is_not_believed(theirs: Any, platform: Simulated, shop: Shop) -> None:
    platform.desk("fault", name="notice_wrong_signature")
    platform.desk("pay", code_url=order(theirs, shop)["code_url"])
    with pytest.raises(InvalidSignatureException):
        theirs.parse_payment_result(shop.next())


def test_coupons_are_signed_zero_included(theirs: Any, platform: Simulated, shop: Shop) -> None:
    platform.desk("fault", name="xml_coupons")
    told = paid(theirs, platform, shop)
    assert (told["coupon_count"], told["coupon_fee_0"], told["coupon_fee_1"]) == (2, "175", "0")


def test_an_unpaid_order_is_closed_for_good_and_an_unknown_one_as_well(
    theirs: Any, platform: Simulated, shop: Shop
) -> None:
    made = order(theirs, shop)
    number = platform.desk("scan", code_url=made["code_url"])["out_trade_no"]
    for each in (number, number, "nobody1"):
        assert theirs.order.close(out_trade_no=each)["result_code"] == "SUCCESS"
    assert theirs.order.query(out_trade_no=number)["trade_state"] == "CLOSED"
    with pytest.raises(urllib.error.HTTPError, match="409"):
        platform.desk("pay", code_url=made["code_url"])


def test_a_paid_order_is_neither_closed_nor_reversed(theirs: Any, platform: Simulated, shop: Shop) -> None:
    told = paid(theirs, platform, shop)
    for call, code in ((theirs.order.close, "ORDERPAID"), (theirs.order.reverse, "INVALID_REQUEST")):
        with pytest.raises(WeChatPayException) as refused:
            call(out_trade_no=told["out_trade_no"])
        assert refused.value.errcode == code


def test_a_refund_is_taken_on_done_and_notified(theirs: Any, platform: Simulated, shop: Shop) -> None:
    told = paid(theirs, platform, shop)
    accepted = theirs.refund.apply(
        total_fee=350,
        refund_fee=350,
        out_refund_no=f"R{told['out_trade_no']}",
        out_trade_no=told["out_trade_no"],
        refund_desc="出货失败退款",
        notify_url=shop.notify_url,
    )
    assert accepted["refund_fee"] == "350"
    notice = theirs.parse_refund_notify_result(shop.next())
    assert (notice["refund_status"], notice["refund_fee"]) == ("SUCCESS", 350)
    assert notice["refund_recv_accout"] == "支付用户零钱"
    names = {
        "out_refund_no": accepted["out_refund_no"],
        "refund_id": accepted["refund_id"],
        "transaction_id": told["transaction_id"],
        "out_trade_no": told["out_trade_no"],
    }
    for name, number in names.items():
        found = theirs.refund.query(**{name: number})
        assert (found["refund_count"], found["refund_status_0"]) == ("1", "SUCCESS")
        assert found["refund_recv_accout_0"] == "支付用户零钱"  # misspelt on the real wire, too


@pytest.mark.parametrize(("end", "word"), [("refund_closed", "REFUNDCLOSE"), ("refund_abnormal", "CHANGE")])
def test_a_refund_may_end_otherwise(
    theirs: Any, platform: Simulated, shop: Shop, end: str, word: str
) -> None:
    number = paid(theirs, platform, shop)["out_trade_no"]
    platform.desk("fault", name=end)
    theirs.refund.apply(350, 350, out_refund_no=f"R{number}", out_trade_no=number, notify_url=shop.notify_url)
    assert theirs.parse_refund_notify_result(shop.next())["refund_status"] == word


def test_what_is_refused_is_said_in_the_old_codes(theirs: Any, platform: Simulated, shop: Shop) -> None:
    number = paid(theirs, platform, shop)["out_trade_no"]
    platform.desk("fault", name="refund_not_enough")
    apply = theirs.refund.apply
    calls: tuple[tuple[Callable[[], Any], str], ...] = (
        (partial(theirs.order.query, out_trade_no="nobody1"), "ORDERNOTEXIST"),
        (partial(theirs.refund.query, out_refund_no="nobody1"), "REFUNDNOTEXIST"),
        (partial(apply, 350, 350, out_refund_no="R1", out_trade_no=number), "NOTENOUGH"),
        (partial(apply, 350, 350, out_refund_no="R1"), "PARAM_ERROR"),
    )
    for call, code in calls:
        with pytest.raises(WeChatPayException) as refused:
            call()
        assert refused.value.errcode == code


@pytest.mark.parametrize(
    ("change", "words"),
    [({"api_key": "x" * 32}, "签名错误"), ({"mch_id": "1"}, "商户号"), ({"appid": "wx1"}, "appid不存在")],
)
def test_who_is_not_known_gets_an_unsigned_refusal(theirs: Any, change: dict[str, str], words: str) -> None:
    for name, value in change.items():
        setattr(theirs, name, value)
    with pytest.raises(WeChatPayException) as refused:
        theirs.order.query(out_trade_no="nobody1")
    assert refused.value.return_code == "FAIL"
    assert words in refused.value.return_msg
    assert refused.value.errcode is None


def test_a_long_code_becomes_a_short_one(theirs: Any) -> None:
    short = theirs.tools.short_url("weixin://wxpay/bizpayurl?sign=1&appid=2&mch_id=3&product_id=4")
    assert short["short_url"].startswith("weixin://wxpay/s/")


def test_the_sandbox_has_a_key_of_its_own(platform: Simulated, shop: Shop) -> None:
    sandbox = client(platform, sandbox=True)
    made = order(sandbox, shop)
    assert sandbox.check_signature(made)
    assert not client(platform).check_signature(made)
    outside = client(platform)
    outside.API_BASE_URL += "sandboxnew/"
    with pytest.raises(WeChatPayException, match="签名错误"):
        outside.order.query(out_trade_no="nobody1")


def test_bills_are_files_and_their_absence_is_xml(theirs: Any, platform: Simulated, shop: Shop) -> None:
    told = paid(theirs, platform, shop)
    day = datetime.strptime(told["time_end"], "%Y%m%d%H%M%S").replace(tzinfo=UTC).date()
    with pytest.raises(WeChatPayException, match="invalid bill_date"):
        theirs.tools.download_bill(day)
    now_ms = platform.desk("clock")["now_ms"]
    noon = datetime.combine(day + timedelta(days=1), datetime.min.time(), UTC) - CHINA + timedelta(hours=12)
    platform.desk("clock", advance_ms=max(0, int(noon.timestamp() * 1000) - now_ms))
    bill = theirs.tools.download_bill(day)
    assert told["out_trade_no"] in bill
    assert "总交易单数" in bill
    assert "资金流水总笔数" in theirs.tools.download_fundflow(day)
    with pytest.raises(WeChatPayException, match="No Bill Exist"):
        theirs.tools.download_bill(day - timedelta(days=2))
