"""The simulated platform's APIv2 without a wire: what it takes, refuses unsigned, and says in old words."""

import hashlib
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from hw_sim.platform.answers import Answer, Call
from hw_sim.platform.carrier import Told
from hw_sim.platform.faults import Armed, Fault
from hw_sim.platform.ids import Ids
from hw_sim.platform.orders import Shop
from hw_sim.platform.payers import PayerRefused, Reason
from hw_sim.platform.v2_api import sandbox_key
from hw_sim.platform.v2_book import PREPAY_LIFE_MS
from hw_sim.platform.v2_older import Around, Older, older
from hw_sim.platform.v2_wire import HMAC, MD5, Members, NotXml, digest, parse, sealed, with_sign, write
from tests.unit.sim_platform.bench import NOTIFY, NUMBER, Bench

KEY = "Kx7mQ2vR9tLw4ZbN8cYh3JpD6sFg1AeU"


@dataclass
class Shopfront:
    """A merchant of APIv2 in virtual time, on the bench of APIv3."""

    bench: Bench
    v2: Older = field(init=False)

    def __post_init__(self) -> None:
        merchant = self.bench.keys.merchant
        around = Around(
            platform=self.bench.platform,
            shop=Shop(merchant.mchid, merchant.appid, "Shop"),
            faults=self.bench.faults,
            events=self.bench.events,
            ids=Ids(self.bench.faults._rng),
        )
        self.v2 = older(around, key=KEY, others=self.bench.api)

    @property
    def names(self) -> Members:
        merchant = self.bench.keys.merchant
        return {"appid": merchant.appid, "mch_id": merchant.mchid}

    def send(self, path: str, body: bytes, method: str = "POST") -> Answer:
        call = Call(method, path, {}, body)
        return self.v2.api.handle(call, now_ms=self.bench.now_ms, wall_ms=self.bench.now_ms)

    def call(self, path: str, kind: str = MD5, key: str = KEY, **members: str) -> Members:
        asked = {**self.names, "nonce_str": "n", "sign_type": kind, **members}
        answer = self.send(path, write(with_sign(asked, key, kind)))
        assert answer.status == 200
        told = parse(answer.body)
        if "sign" in told:
            assert digest(told, key, kind) == told["sign"]
        return told

    def order(self, number: str = NUMBER, **changes: str) -> Members:
        return self.call("/pay/unifiedorder", **({**ORDER, "out_trade_no": number} | changes))

    def arm(self, fault: Fault, only: str = "") -> None:
        self.bench.faults.arm(Armed(fault, only=only))


ORDER = {
    "body": "可乐 Cola",
    "total_fee": "350",
    "spbill_create_ip": "127.0.0.1",
    "notify_url": NOTIFY,
    "trade_type": "NATIVE",
    "product_id": "vm-0001_12",
}


@pytest.fixture
def front(bench: Bench) -> Shopfront:
    return Shopfront(bench)


# ---------------------------------------------------------------- the wire


def test_openssl_makes_the_same_digests_and_opens_what_is_sealed() -> None:
    members = {"b": "2", "a": "可乐 & 1", "empty": "", "zero": "0", "sign": "x"}
    said = f"a=可乐 & 1&b=2&zero=0&key={KEY}".encode()

    def openssl(*arguments: str, data: bytes) -> bytes:
        return subprocess.run(["openssl", *arguments], input=data, capture_output=True, check=True).stdout

    for kind, options in ((MD5, ("-md5",)), (HMAC, ("-sha256", "-hmac", KEY))):
        line = openssl("dgst", *options, data=said).decode()
        assert digest(members, KEY, kind) == line.strip().rpartition(" ")[2].upper()
    hidden = hashlib.md5(KEY.encode()).hexdigest().encode().hex()
    letter = sealed(b"<root/>", KEY).encode()
    assert openssl("enc", "-d", "-aes-256-ecb", "-K", hidden, "-base64", "-A", data=letter) == b"<root/>"


@pytest.mark.parametrize("value", ["", "1", "可乐", "<a>&amp;</a>", "]]>", "a]]>b]]>c", " spaced "])
def test_what_is_written_is_read_back(value: str) -> None:
    assert parse(write({"a": value, "b": "2"})) == {"a": value, "b": "2"}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"success",
        b"<xml>",
        b"<html></html>",
        b"<xml>1</xml>",
        b"<xml><a><b/></a></xml>",
        b"<xml><a>1</b></xml>",
        b"<xml><a>1</a><a>2</a></xml>",
        b'<xml><a b="1">1</a></xml>',
    ],
)
def test_what_is_no_message_is_refused(body: bytes) -> None:
    with pytest.raises(NotXml):
        parse(body)


# ---------------------------------------------------------------- who may call


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "post数据为空"),
        (b"<xml>", "XML格式错误"),
        ("<xml><a>可</a></xml>".encode("gbk"), "编码格式错误"),
        (b"<xml><mch_id>1</mch_id></xml>", "缺少参数nonce_str"),
    ],
)
def test_what_cannot_be_read_gets_an_unsigned_refusal(front: Shopfront, body: bytes, words: str) -> None:
    told = parse(front.send("/pay/orderquery", body).body)
    assert told == {"return_code": "FAIL", "return_msg": words}


def test_a_get_is_refused_and_another_path_is_not_ours(front: Shopfront) -> None:
    assert parse(front.send("/pay/orderquery", b"", "GET").body)["return_msg"] == "请使用post方法"
    assert front.send("/pay/micropay", b"<xml></xml>").status == 404


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"key": "x" * 32}, "签名错误"),
        ({"mch_id": "1"}, "商户号mch_id或sub_mch_id不存在"),
        ({"appid": "wx1"}, "appid不存在"),
    ],
)
def test_a_stranger_gets_an_unsigned_refusal(front: Shopfront, changes: dict[str, str], words: str) -> None:
    told = front.call("/pay/orderquery", out_trade_no=NUMBER, **changes)
    assert told == {"return_code": "FAIL", "return_msg": words}


@pytest.mark.parametrize(
    ("prefix", "path"),
    [
        ("/sandboxnew", "/sandboxnew/pay/getsignkey"),
        ("/xdc/apiv2sandbox", "/xdc/apiv2getsignkey/sign/getsignkey"),
    ],
)
def test_either_sandbox_has_a_key_of_its_own(front: Shopfront, prefix: str, path: str) -> None:
    key = front.call(path)["sandbox_signkey"]
    assert key == sandbox_key(KEY) != KEY
    told = front.call(f"{prefix}/pay/orderquery", key=key, out_trade_no="nobody1")
    assert told["err_code"] == "ORDERNOTEXIST"
    assert front.call(f"{prefix}/pay/orderquery", out_trade_no="nobody1")["return_msg"] == "签名错误"


# ---------------------------------------------------------------- orders and refunds


@pytest.mark.parametrize("kind", [MD5, HMAC])
def test_the_answer_is_signed_as_the_call_was(front: Shopfront, kind: str) -> None:
    assert front.call("/pay/unifiedorder", kind, **ORDER, out_trade_no=NUMBER)["result_code"] == "SUCCESS"


@pytest.mark.parametrize("missing", ORDER)
def test_an_order_needs_all_its_members(front: Shopfront, missing: str) -> None:
    told = front.order(**{missing: ""})
    assert (told["err_code"], told["err_code_des"]) == ("LACK_PARAMS", f"缺少必填参数{missing}")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"total_fee": "3.5"}, "PARAM_ERROR"),
        ({"total_fee": "0"}, "PARAM_ERROR"),
        ({"trade_type": "JSAPI"}, "PARAM_ERROR"),
        ({"time_expire": "20261301000000"}, "PARAM_ERROR"),
        ({"notify_url": "https://shop.example/n?a=1"}, "PARAM_ERROR"),
        ({"scene_info": "{}"}, "PARAM_ERROR"),
        ({"attach": "x" * 200}, "PARAM_ERROR"),
    ],
)
def test_an_order_with_an_odd_member_is_refused(front: Shopfront, change: dict[str, str], code: str) -> None:
    assert front.order(**change)["err_code"] == code


def test_both_generations_share_one_book(front: Shopfront) -> None:
    told = front.order()
    assert front.bench.query().body["trade_state"] == "NOTPAY"
    front.bench.platform.pay(told["code_url"], front.bench.now_ms)
    assert front.call("/pay/orderquery", out_trade_no=NUMBER)["trade_state"] == "SUCCESS"
    assert front.bench.refund().body["status"] == "PROCESSING"
    found = front.call("/pay/refundquery", out_trade_no=NUMBER)
    assert (found["out_refund_no_0"], found["refund_status_0"]) == ("R1", "PROCESSING")
    front.bench.order("order-000002")
    assert front.call("/pay/orderquery", out_trade_no="order-000002")["trade_state"] == "NOTPAY"


def test_parts_of_a_refund_are_listed_ten_at_a_time(front: Shopfront) -> None:
    front.bench.platform.pay(front.order()["code_url"], front.bench.now_ms)
    for number in range(12):
        part = {"out_refund_no": f"R{number}", "total_fee": "350", "refund_fee": "10", "out_trade_no": NUMBER}
        assert front.call("/secapi/pay/refund", **part)["refund_fee"] == "10"
        front.bench.now_ms += 60_000
    first = front.call("/pay/refundquery", out_trade_no=NUMBER)
    rest = front.call("/pay/refundquery", out_trade_no=NUMBER, offset="10")
    assert (first["refund_count"], first["total_refund_count"], first["out_refund_no_9"]) == (
        "10",
        "12",
        "R9",
    )
    assert (rest["refund_count"], rest["out_refund_no_0"], rest["out_refund_no_1"]) == ("2", "R10", "R11")
    one = front.call("/pay/refundquery", refund_id=rest["refund_id_1"])
    assert one["out_refund_no_0"] == "R11"


# ---------------------------------------------------------------- codes that name a product


def code(front: Shopfront, **changes: str) -> str:
    said = {**front.names, "product_id": "vm-0001_12", "time_stamp": "1800000000", "nonce_str": "n"}
    told = with_sign(said, KEY, MD5) | changes
    return "weixin://wxpay/bizpayurl?" + "&".join(f"{name}={told[name]}" for name in ("sign", *said))


def reply(front: Shopfront, **members: str) -> Told:
    said = {"return_code": "SUCCESS", **front.names, "nonce_str": "n", "result_code": "SUCCESS", **members}
    return Told(200, write(with_sign(said, KEY, MD5)))


def test_a_scan_asks_the_merchant_who_wants_what_and_his_ticket_opens_the_page(front: Shopfront) -> None:
    scans, now_ms = front.v2.scans, front.bench.now_ms
    scans.order_url = "https://shop.example/orders"
    letter = scans.ask(code(front), "li", now_ms)
    asked = parse(letter.body)
    assert (letter.url, asked["product_id"], asked["is_subscribe"]) == (scans.order_url, "vm-0001_12", "N")
    assert digest(asked, KEY, MD5) == asked["sign"]
    made = front.order()
    page, code_url = scans.told(reply(front, prepay_id=made["prepay_id"]), "li", now_ms)
    assert (page.amount_fen, code_url) == (350, made["code_url"])


def test_the_same_person_is_the_same_openid_and_another_is_not(front: Shopfront) -> None:
    def openid(account: str) -> str:
        return parse(front.v2.scans.ask(code(front), account, 0).body)["openid"]

    assert openid("li") == openid("li") != openid("wang")


@pytest.mark.parametrize(
    "change", [{"sign": "0" * 32}, {"product_id": "vm-0001_13"}, {"mch_id": "1"}, {"time_stamp": ""}]
)
def test_a_changed_code_is_refused_by_the_phone(front: Shopfront, change: dict[str, str]) -> None:
    with pytest.raises(PayerRefused) as refused:
        front.v2.scans.ask(code(front, **change), "li", 0)
    assert refused.value.reason is Reason.BAD_CODE


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (lambda front: "no answer in time", Reason.NO_ANSWER),
        (lambda front: Told(302), Reason.NO_ANSWER),
        (lambda front: Told(200, b""), Reason.NO_XML),
        (lambda front: Told(200, b"\xff"), Reason.NO_XML),
        (lambda front: Told(200, write({"return_code": "FAIL"})), Reason.BAD_ANSWER),
        (lambda front: reply(front, prepay_id="wx1"), Reason.BAD_ANSWER),
        (lambda front: reply(front), Reason.BAD_ANSWER),
        (lambda front: reply(front, appid="wx1"), Reason.BAD_ANSWER),
        (lambda front: reply(front, nonce_str=""), Reason.BAD_ANSWER),
        (lambda front: reply(front, result_code="FAIL"), Reason.MERCHANT_REFUSED),
    ],
)
def test_an_answer_that_is_no_order_is_shown_as_an_error(
    front: Shopfront, answer: Callable[[Shopfront], Told | str], reason: Reason
) -> None:
    with pytest.raises(PayerRefused) as refused:
        front.v2.scans.told(answer(front), "li", 0)
    assert refused.value.reason is reason


def test_a_ticket_is_good_for_two_hours(front: Shopfront) -> None:
    answer, now_ms = reply(front, prepay_id=front.order()["prepay_id"]), front.bench.now_ms
    front.v2.scans.told(answer, "li", now_ms + PREPAY_LIFE_MS - 1)
    with pytest.raises(PayerRefused) as refused:
        front.v2.scans.told(answer, "li", now_ms + PREPAY_LIFE_MS)
    assert refused.value.reason is Reason.BAD_ANSWER


def test_a_short_code_leads_where_the_long_one_does(front: Shopfront) -> None:
    short = front.call("/tools/shorturl", long_url=code(front))["short_url"]
    assert front.call("/tools/shorturl", long_url=code(front))["short_url"] == short
    assert front.v2.scans.names_a_product(short)
    assert parse(front.v2.scans.ask(short, "li", 0).body)["product_id"] == "vm-0001_12"
    assert not front.v2.scans.names_a_product(front.order()["code_url"])
    with pytest.raises(PayerRefused):
        front.v2.scans.ask("weixin://wxpay/s/nobody1", "li", 0)
