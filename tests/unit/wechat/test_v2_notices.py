"""What a notification of APIv2 tells, what it only hints at, and what is rejected by its name."""

import base64
import hashlib
from dataclasses import replace

import pytest

from cloud_bridge.core.model import Payment, RefundHinted
from cloud_bridge.ports import NoticeRejected
from cloud_bridge.wechat.crypto import NotDecrypted
from cloud_bridge.wechat.v2_notices import ACKNOWLEDGED, V2Notices, unsealed
from tests.unit.wechat.parties import openssl
from tests.unit.wechat.v2_parties import (
    ACCOUNT,
    APPID,
    KEY,
    MACHINE,
    MCHID,
    MD5,
    SALE,
    SETTINGS,
    TRANSACTION,
    WEAK,
    payment,
    told,
    xml,
)

INSIDE = {
    "out_refund_no": f"R{SALE}",
    "out_trade_no": SALE,
    "refund_fee": "350",
    "refund_status": "SUCCESS",
    "refund_recv_accout": "支付用户零钱",
}
ZEROS = b"00000000000000000000000000000772"  # its MD5 begins with two zeros


@pytest.fixture
def notices() -> V2Notices:
    return V2Notices(SETTINGS, ACCOUNT)


def why(notices: V2Notices, body: bytes) -> str:
    with pytest.raises(NoticeRejected) as rejected:
        notices.open({}, body, 0)
    return rejected.value.why


def seal(plain: bytes, key: bytes = KEY) -> str:
    """By the openssl program: it pads and encrypts on its own."""
    hidden = hashlib.md5(key).hexdigest().encode().hex()
    return base64.b64encode(openssl("enc", "-aes-256-ecb", "-K", hidden, data=plain)).decode()


def refund(sealed: str = "", **changes: str) -> bytes:
    req_info = sealed or seal(xml(INSIDE, root="root"))
    envelope = {"return_code": "SUCCESS", "appid": APPID, "mch_id": MCHID, "nonce_str": "1"}
    return xml(envelope | {"req_info": req_info} | changes)


def test_the_acknowledgement_is_what_the_platform_wants_to_the_byte() -> None:
    assert ACKNOWLEDGED == (
        b"<xml><return_code><![CDATA[SUCCESS]]></return_code><return_msg><![CDATA[OK]]></return_msg></xml>"
    )


# ---------------------------------------------------------------- payments


def test_a_payment_is_told_as_apiv3_would_tell_it(notices: V2Notices) -> None:
    assert notices.open({}, told(payment()), 0) == Payment(
        sale_id=SALE,
        transaction_id=TRANSACTION,
        paid_fen=350,
        machine=MACHINE,
        merchant_ok=True,
        source="notice",
        paid_at="2026-05-28T20:26:38+08:00",
        to_confirm=True,  # its signature never grows stale
    )


def test_an_algorithm_may_be_named_or_shown_by_the_length_alone(notices: V2Notices) -> None:
    assert isinstance(notices.open({}, told(payment(sign_type="HMAC-SHA256")), 0), Payment)
    assert why(notices, told(payment(sign_type="MD5"))) == "signature_type"


def test_a_merchant_of_md5_takes_md5_and_one_of_hmac_never(notices: V2Notices) -> None:
    assert isinstance(V2Notices(SETTINGS, WEAK).open({}, told(payment(), MD5), 0), Payment)
    assert why(notices, told(payment(), MD5)) == "weaker_signature"
    assert why(notices, told(payment(sign_type="MD5"), MD5)) == "weaker_signature"


@pytest.mark.parametrize("change", [{"mch_id": "1699004418"}, {"appid": "wx8f2a61c07be493d6"}])
def test_a_payment_of_somebody_else_is_told_and_not_called_ours(
    notices: V2Notices, change: dict[str, str]
) -> None:
    paid = notices.open({}, told(payment(**change)), 0)
    assert isinstance(paid, Payment)
    assert not paid.merchant_ok


@pytest.mark.parametrize(
    ("body", "name"),
    [
        (told(payment(), key=b"another" * 4 + b"key!"), "bad_signature"),
        (told(payment()).replace(b"350", b"351"), "bad_signature"),
        (told(payment()).replace(b"coupon_fee_1", b"coupon_fee_2"), "bad_signature"),
        (xml(payment()), "unsigned"),
        (told(payment(result_code="FAIL")), "not_success"),
        (told(payment(total_fee="3.5")), "bad_members"),
        (told(payment(out_trade_no="a")), "bad_members"),
        (told(payment()).replace(b"</xml>", b"<total_fee>1</total_fee></xml>"), "xml_duplicate"),
        (b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>' + told(payment()), "xml_doctype"),
        (told(payment(attach="x" * (64 << 10))), "xml_oversize"),
        (b"", "xml_empty"),
        (b'{"id":"1"}', "xml_malformed"),
    ],
)
def test_what_is_not_good_is_rejected(notices: V2Notices, body: bytes, name: str) -> None:
    assert why(notices, body) == name


# ---------------------------------------------------------------- refunds


def test_a_refund_is_a_hint_whatever_it_says(notices: V2Notices) -> None:
    hint = RefundHinted(sale_id=SALE, refund_no=f"R{SALE}")
    assert notices.open({}, refund(), 0) == hint
    inside = xml({**INSIDE, "refund_status": "CHANGE", "refund_fee": "1"}, root="root")
    assert notices.open({}, refund(seal(inside)), 0) == hint


def test_the_leading_zeros_of_the_hidden_key_stay() -> None:
    assert hashlib.md5(ZEROS).hexdigest().startswith("00")
    assert unsealed(ZEROS, seal(b"<root/>", ZEROS)) == b"<root/>"
    plain = xml(INSIDE, root="root")
    account = replace(ACCOUNT, key=ZEROS)
    told = V2Notices(SETTINGS, account).open({}, refund(seal(plain, ZEROS)), 0)
    assert told == RefundHinted(sale_id=SALE, refund_no=f"R{SALE}")


@pytest.mark.parametrize(
    "sealed",
    ["!!!", "AAAA", seal(b"<root/>")[:-8], seal(b"<root/>", b"another" * 4 + b"key!"), "签" * 32],
)
def test_what_does_not_open_is_named(notices: V2Notices, sealed: str) -> None:
    assert why(notices, refund(sealed)) == "not_decrypted"
    with pytest.raises(NotDecrypted):
        unsealed(KEY, sealed)


@pytest.mark.parametrize(
    ("body", "name"),
    [
        (refund(mch_id="1699004418"), "other_merchant"),
        (refund(appid="wx8f2a61c07be493d6"), "other_merchant"),
        (refund(seal(xml(INSIDE))), "xml_root"),
        (refund(seal(b"\x00")), "xml_control"),
        (refund(seal(xml({**INSIDE, "out_trade_no": "a"}, root="root"))), "bad_members"),
        (refund(seal(xml({"out_trade_no": SALE}, root="root"))), "bad_members"),
    ],
)
def test_a_refund_that_is_not_ours_or_not_whole_is_rejected(
    notices: V2Notices, body: bytes, name: str
) -> None:
    assert why(notices, body) == name
