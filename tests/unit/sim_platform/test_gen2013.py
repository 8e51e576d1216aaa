"""The records of 2013 with their old signatures, and each of them doing its duty in today's shape."""

import hashlib
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from cloud_bridge.core.complaint import Standing
from cloud_bridge.core.model import Payment
from cloud_bridge.core.monitor import ALARMS
from cloud_bridge.engine_monitors import OVERDUE
from cloud_bridge.wechat import complaint_facts, facts
from cloud_bridge.wechat.v2_account import V2Account
from cloud_bridge.wechat.v2_scans import read_order_request
from hw_sim.platform import gen2013, gen2013_today
from hw_sim.platform.gen2013 import Account, NotBelieved
from hw_sim.platform.v2_wire import MD5, NotXml, with_sign, write
from hw_sim.platform.v2_words import order_request
from tests.unit.wechat.parties import Parties, new_parties

APPID, MCHID, V2_KEY = "wxd678efh567hg6787", "1900000109", "Kx7mQ2vR9tLw4ZbN8cYh3JpD6sFg1AeU"
ACCOUNT = Account(
    app_id=APPID,
    app_secret="s" * 32,
    pay_sign_key=hashlib.sha512(b"made for these tests").hexdigest(),  # 128 characters, as theirs were
    partner_id="1900000109",
    partner_key="f2c7a90be4d1836577aa01cd39be5f28",
)
OTHER = replace(ACCOUNT, pay_sign_key="x" * 128, partner_key="y" * 32)
PAYER = "oDF3iY9P32sK5GgYiRkjsCo45bk"
SALE, TRANSACTION = "k3vq7c2mzs5n4x6ahb7tdyfjwe", "1219999999201405280000000001"
ASKED = {
    "OpenId": PAYER,
    "IsSubscribe": "1",
    "ProductId": "vm-0001_12",
    "TimeStamp": "1401280000",
    "NonceStr": "LS72gfa53OVb8zLX",
}
ORDER = {
    "bank_type": "WX",
    "body": "可乐 330ml",
    "attach": "vm-0001",
    "partner": ACCOUNT.partner_id,
    "out_trade_no": SALE,
    "total_fee": "350",
    "fee_type": "1",
    "notify_url": "http://pay.example.com/wx?",
    "spbill_create_ip": "127.0.0.1",
    "input_charset": "UTF-8",
}
PAID = {
    "sign_type": "MD5",
    "input_charset": "UTF-8",
    "trade_mode": "1",
    "trade_state": "0",
    "partner": ACCOUNT.partner_id,
    "bank_type": "CMB_FP",
    "total_fee": "350",
    "fee_type": "1",
    "notify_id": "n1",
    "transaction_id": TRANSACTION,
    "out_trade_no": SALE,
    "attach": "vm-0001",
    "time_end": "20140528202638",
}
PAYER_SAID = {"OpenId": PAYER, "IsSubscribe": "0", "TimeStamp": "1401280000", "NonceStr": "n1"}
DELIVERED = {
    "openid": PAYER,
    "transid": TRANSACTION,
    "out_trade_no": SALE,
    "deliver_timestamp": "1401280005",
    "deliver_status": "1",
    "deliver_msg": "ok",
}
COMPLAINT = {
    "OpenId": PAYER,
    "TimeStamp": "1401280000",
    "MsgType": "request",
    "FeedBackId": "13221812345678901234",
    "TransId": TRANSACTION,
    "Reason": "没出货",
    "Solution": "退款",
    "ExtInfo": "13800000000",
}
ALARM = {
    "ErrorType": "1001",
    "Description": "错误描述",
    "AlarmContent": f"transaction_id={TRANSACTION}",
    "TimeStamp": "1401280000",
}


def openssl(kind: str, said: str) -> str:
    ran = subprocess.run(
        ["openssl", "dgst", f"-{kind}"], input=said.encode(), capture_output=True, check=True
    )
    return ran.stdout.decode().strip().rpartition(" ")[2]


@pytest.fixture(scope="module")
def parties(tmp_path_factory: pytest.TempPathFactory) -> Parties:
    return new_parties(tmp_path_factory.mktemp("keys"))


# ---------------------------------------------------------------- the records of then


def test_a_code_is_signed_over_lower_case_names_in_order_and_openssl_agrees() -> None:
    key = ACCOUNT.pay_sign_key
    said = f"appid={APPID}&appkey={key}&noncestr=adss13d&productid=vm-0001_12&timestamp=189026618"
    assert gen2013.native_url(ACCOUNT, "vm-0001_12", timestamp=189026618, nonce="adss13d") == (
        f"weixin://wxpay/bizpayurl?sign={openssl('sha1', said)}&appid={APPID}"
        "&productid=vm-0001_12&timestamp=189026618&noncestr=adss13d"
    )


def test_a_package_is_signed_raw_and_sent_escaped_and_openssl_agrees() -> None:
    text = gen2013.package(ACCOUNT, ORDER)
    said = "&".join(f"{name}={ORDER[name]}" for name in sorted(ORDER)) + f"&key={ACCOUNT.partner_key}"
    assert text.endswith(f"&total_fee=350&sign={openssl('md5', said).upper()}")
    assert "notify_url=http%3A%2F%2Fpay.example.com%2Fwx%3F" in text
    assert gen2013.read_package(ACCOUNT, text) == ORDER
    assert gen2013.read_package(ACCOUNT, text.replace("%2F", "%2f")) == ORDER  # some ports wrote it so
    for wrong in (text.replace("350", "351"), text.partition("&sign=")[0]):
        with pytest.raises(NotBelieved):
            gen2013.read_package(ACCOUNT, wrong)


REPLY = {
    "Package": gen2013.package(ACCOUNT, ORDER),
    "TimeStamp": "1401280000",
    "NonceStr": "n2",
    "RetCode": "0",
    "RetErrMsg": "ok",
}
RECORDS = {
    "order_request": ASKED,
    "order_reply": REPLY,
    "payment": PAYER_SAID,
    "rights": COMPLAINT,
    "alarm": ALARM,
}


@pytest.mark.parametrize("kind", RECORDS)
def test_a_record_is_read_with_the_key_that_signed_it_and_no_other(kind: str) -> None:
    body = gen2013.emitted(ACCOUNT, kind, RECORDS[kind])
    assert gen2013.read(ACCOUNT, kind, body) == {"AppId": APPID, **RECORDS[kind]}
    names = {name.lower(): name for name in ("AppId", *RECORDS[kind])}
    for lower in gen2013.SIGNED[kind]:
        value = {"AppId": APPID, **RECORDS[kind]}[names[lower]]
        changed = body.replace(gen2013_value(value), gen2013_value(value[:-1] + "9"), 1)
        assert changed != body
        with pytest.raises(NotBelieved):
            gen2013.read(ACCOUNT, kind, changed)
    for wrong in (
        gen2013.emitted(OTHER, kind, RECORDS[kind]),
        body.replace(b"sha1", b"md5"),
        write({"AppId": APPID, "SignMethod": "sha1"}),
    ):
        with pytest.raises(NotBelieved):
            gen2013.read(ACCOUNT, kind, wrong)
    with pytest.raises(NotXml):
        gen2013.read(ACCOUNT, kind, b"success")


def gen2013_value(value: str) -> bytes:
    return f">{value}<".encode() if value.isdigit() else f"[{value}]".encode()


def test_a_payment_is_both_halves_and_each_has_its_own_key() -> None:
    query, body = gen2013.payment_query(ACCOUNT, PAID), gen2013.emitted(ACCOUNT, "payment", PAYER_SAID)
    assert gen2013.read_payment(ACCOUNT, query, body) == {**PAID, "AppId": APPID, **PAYER_SAID}
    for wrong in (
        (gen2013.payment_query(OTHER, PAID), body),
        (query, gen2013.emitted(OTHER, "payment", PAYER_SAID)),
        (query.replace("total_fee=350", "total_fee=1"), body),
    ):
        with pytest.raises(NotBelieved):
            gen2013.read_payment(ACCOUNT, *wrong)


def test_a_delivery_is_reported_as_signed_json() -> None:
    body = gen2013.delivery(ACCOUNT, DELIVERED)
    assert gen2013.read_delivery(ACCOUNT, body) == {"appid": APPID, **DELIVERED}
    for wrong in (
        gen2013.delivery(OTHER, DELIVERED),
        body.replace(b'"deliver_status": "1"', b'"deliver_status": "0"'),
        b'{"appid": "%s", "sign_method": "sha1"}' % APPID.encode(),
        b"{}",
    ):
        with pytest.raises(NotBelieved):
            gen2013.read_delivery(ACCOUNT, wrong)


def test_a_complaints_pictures_are_nested_and_not_signed() -> None:
    pictures = ("http://mmbiz.qpic.cn/1", "http://mmbiz.qpic.cn/2")
    body = gen2013.rights(ACCOUNT, COMPLAINT, pictures)
    assert gen2013.read_rights(ACCOUNT, body) == ({"AppId": APPID, **COMPLAINT}, pictures)
    _, changed = gen2013.read_rights(ACCOUNT, body.replace(b"qpic.cn/2", b"qpic.cn/3"))
    assert changed == (pictures[0], "http://mmbiz.qpic.cn/3")


# ---------------------------------------------------------------- the same duties today


def test_an_old_order_request_is_one_of_mode_1_once_it_is_signed_anew() -> None:
    fields = gen2013.read(ACCOUNT, "order_request", gen2013.emitted(ACCOUNT, "order_request", ASKED))
    today = with_sign(gen2013_today.order_request(fields, mchid=MCHID), V2_KEY, MD5)
    account = V2Account(mchid=MCHID, appid=APPID, key=V2_KEY.encode())
    request = read_order_request(account, write(today))
    assert (request.token, request.payer) == ("vm-0001_12", PAYER)


def test_an_old_package_is_todays_order() -> None:
    told = gen2013.read_package(ACCOUNT, gen2013.package(ACCOUNT, ORDER))
    today = gen2013_today.unified_order(told, appid=APPID, mchid=MCHID, product="vm-0001_12")
    placed = order_request(today | {"notify_url": "https://pay.example.com/wx"})
    assert (placed["out_trade_no"], placed["amount"]) == (SALE, {"total": 350, "currency": "CNY"})


@pytest.mark.parametrize(("code", "result"), [("0", "SUCCESS"), ("1", "FAIL")])
def test_an_old_reply_says_yes_or_why_not(code: str, result: str) -> None:
    today = gen2013_today.order_answer({"RetCode": code, "RetErrMsg": "商品已售罄"})
    assert today["result_code"] == result
    assert today.get("err_code_des") == (None if code == "0" else "商品已售罄")


def test_an_old_payment_is_a_payment(parties: Parties) -> None:
    query, body = gen2013.payment_query(ACCOUNT, PAID), gen2013.emitted(ACCOUNT, "payment", PAYER_SAID)
    today = gen2013_today.payment(gen2013.read_payment(ACCOUNT, query, body), mchid=MCHID)
    assert facts.payment(today, parties.settings, source="notice") == Payment(
        sale_id=SALE,
        transaction_id=TRANSACTION,
        paid_fen=350,
        machine="vm-0001",
        merchant_ok=True,
        source="notice",
        paid_at="2014-05-28T20:26:38+08:00",
    )
    with pytest.raises(ValueError, match="trade_state: found 1, allowed 0"):
        gen2013_today.payment({**PAID, "trade_state": "1"}, mchid=MCHID)


def test_an_old_delivery_is_a_line_of_our_own_record_and_a_report_where_one_is_wanted() -> None:
    fields = gen2013.read_delivery(ACCOUNT, gen2013.delivery(ACCOUNT, DELIVERED))
    assert gen2013_today.delivery(fields) == {
        "out_trade_no": SALE,
        "transaction_id": TRANSACTION,
        "outcome": "delivered",
        "why": "",
        "at_ms": 1401280005000,
    }
    assert gen2013_today.shipping(fields, mchid=MCHID, goods="可乐 330ml x1") == {
        "order_key": {"order_number_type": 1, "mchid": MCHID, "out_trade_no": SALE},
        "logistics_type": 4,
        "delivery_mode": 1,
        "is_all_delivered": True,
        "shipping_list": [{"item_desc": "可乐 330ml x1"}],
        "upload_time": "2014-05-28T20:26:45.000+08:00",
        "payer": {"openid": PAYER},
    }


def test_a_delivery_that_failed_is_paid_back_and_not_reported() -> None:
    failed = {**DELIVERED, "deliver_status": "0", "deliver_msg": "卡货"}
    assert gen2013_today.shipping(failed, mchid=MCHID, goods="可乐") is None
    line = gen2013_today.delivery(failed)
    assert (line["outcome"], line["why"]) == ("not_delivered", "卡货")


@pytest.mark.parametrize(
    ("kind", "event", "standing", "spoke"),
    [
        ("request", "COMPLAINT.CREATE", Standing.PENDING, False),
        ("reject", "COMPLAINT.STATE_CHANGE", Standing.PROCESSING, True),
        ("confirm", "COMPLAINT.STATE_CHANGE", Standing.PROCESSED, False),
    ],
)
def test_an_old_complaint_is_one_of_todays(kind: str, event: str, standing: Standing, spoke: bool) -> None:
    record = COMPLAINT if kind == "request" else {**COMPLAINT, "MsgType": kind, "TransId": ""}
    fields, _ = gen2013.read_rights(ACCOUNT, gen2013.rights(ACCOUNT, record))
    today_event, shown = gen2013_today.complaint(fields)
    told = complaint_facts.told(shown)
    assert (today_event, told.standing, told.spoke) == (event, standing, spoke)
    assert (told.complaint_id, told.words) == ("13221812345678901234", "没出货")
    assert told.transaction_id == (TRANSACTION if kind == "request" else "")


def test_an_old_alarm_is_one_that_the_bridge_raises_itself() -> None:
    fields = gen2013.read(ACCOUNT, "alarm", gen2013.emitted(ACCOUNT, "alarm", ALARM))
    assert gen2013_today.alarm(fields) == {
        "name": "delivery_overdue",
        "code": "1001",
        "text": f"错误描述: transaction_id={TRANSACTION}",
    }
    assert gen2013_today.alarm({**ALARM, "ErrorType": "1002"})["name"] == "other"
    assert set(gen2013_today.CAUSES.values()) <= {*ALARMS, OVERDUE}


def test_the_guides_page_names_every_duty_and_every_alarm() -> None:
    page = (Path(__file__).parents[3] / "docs" / "guide-2013.md").read_text()
    duties = ("delivernotify", "payfeedback/update", "orderquery", "editAddress", "appSecret", "paySignKey")
    for word in (*duties, *gen2013_today.CAUSES.values()):
        assert word in page, word
