"""Codes that name a product, the platform's question after a scan, and our answer to the byte."""

import subprocess
from collections.abc import Mapping
from dataclasses import replace

import pytest

from cloud_bridge.ports import NoticeRejected
from cloud_bridge.ports_scans import OrderRequest
from cloud_bridge.wechat import v2_xml
from cloud_bridge.wechat.merchants import MerchantRequests
from cloud_bridge.wechat.v2_account import SignType, V2Account
from cloud_bridge.wechat.v2_scans import V2OrderRequests, product_code_url, read_order_request
from cloud_bridge.wechat.v2_signing import signed, verify

ACCOUNT = V2Account(mchid="1699004417", appid="wx8f2a61c07be493d5", key=b"Kx7mQ2vR9tLw4ZbN8cYh3JpD6sFg1AeU")
TOKEN = "vm-0001_12"
PAYER = "oQ3aXr9mT1wKd7Lz5PbVh2NcYe8U"
ASKED = {
    "appid": ACCOUNT.appid,
    "openid": PAYER,
    "mch_id": ACCOUNT.mchid,
    "is_subscribe": "Y",
    "nonce_str": "w4Rk8TzQ1mBv",
    "product_id": TOKEN,
}
NONCE = "N" * 32


def asks(
    changes: Mapping[str, str] | None = None,
    *,
    by: V2Account = ACCOUNT,
    sign_type: SignType = SignType.MD5,
) -> bytes:
    return v2_xml.write(signed(ASKED | dict(changes or {}), by.key, sign_type))


def openssl_md5(said: str) -> str:
    ran = subprocess.run(["openssl", "dgst", "-md5"], input=said.encode(), capture_output=True, check=True)
    return ran.stdout.decode().strip().rpartition(" ")[2].upper()


def why(body: bytes) -> str:
    with pytest.raises(NoticeRejected) as rejected:
        read_order_request(ACCOUNT, body)
    return rejected.value.why


@pytest.fixture
def desk() -> V2OrderRequests:
    return V2OrderRequests(ACCOUNT, nonce=lambda: NONCE)


# ---------------------------------------------------------------- the code


def test_a_code_names_its_product_and_openssl_signs_it_the_same() -> None:
    said = (
        f"appid={ACCOUNT.appid}&mch_id={ACCOUNT.mchid}&nonce_str=5K8264ILTKCH16CQ&product_id={TOKEN}"
        f"&time_stamp=1764028800&key={ACCOUNT.key.decode()}"
    )
    digest = openssl_md5(said)
    assert product_code_url(ACCOUNT, TOKEN, made_s=1764028800, nonce="5K8264ILTKCH16CQ") == (
        f"weixin://wxpay/bizpayurl?sign={digest}&appid={ACCOUNT.appid}&mch_id={ACCOUNT.mchid}"
        f"&product_id={TOKEN}&time_stamp=1764028800&nonce_str=5K8264ILTKCH16CQ"
    )


def test_a_code_is_signed_with_md5_whatever_orders_are_signed_with(desk: V2OrderRequests) -> None:
    weak = V2OrderRequests(replace(ACCOUNT, sign_type=SignType.MD5), nonce=lambda: NONCE)
    assert desk.code(TOKEN, 1764028800) == weak.code(TOKEN, 1764028800)


@pytest.mark.parametrize("token", ["", "a" * 33, "a b", "a&sign=1", "可乐", "a\n"])
def test_a_token_that_is_no_product_number_makes_no_code(desk: V2OrderRequests, token: str) -> None:
    with pytest.raises(ValueError, match="token: found"):
        desk.code(token, 1764028800)


# ---------------------------------------------------------------- the question


@pytest.mark.parametrize("sign_type", SignType)
def test_a_question_is_read_once_its_signature_is_good(sign_type: SignType) -> None:
    request = read_order_request(ACCOUNT, asks(sign_type=sign_type))
    strong = sign_type is SignType.HMAC_SHA256
    assert request == OrderRequest(token=TOKEN, payer=PAYER, strong=strong)
    assert PAYER not in repr(request)


def test_members_that_nobody_knows_yet_are_signed_and_ignored() -> None:
    assert read_order_request(ACCOUNT, asks({"new_member": "说明"})).token == TOKEN


@pytest.mark.parametrize(
    ("body", "name"),
    [
        (asks().replace(TOKEN.encode(), b"vm-0001_13"), "bad_signature"),
        (asks(by=replace(ACCOUNT, key=b"another" * 4 + b"key!")), "bad_signature"),
        (v2_xml.write(ASKED), "unsigned"),
        (asks({"mch_id": "1699004418"}), "other_merchant"),
        (asks({"appid": "wx8f2a61c07be493d6"}), "other_merchant"),
        (asks({"product_id": ""}), "bad_product_id"),
        (asks({"product_id": "vm-0001 12"}), "bad_product_id"),
        (asks({"openid": ""}), "bad_openid"),
        (asks({"openid": "o'; drop"}), "bad_openid"),
        (b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>' + asks(), "xml_doctype"),
        (asks().replace(b"</xml>", b"<product_id>x</product_id></xml>"), "xml_duplicate"),
        (b"", "xml_empty"),
        (b"<html></html>", "xml_root"),
    ],
)
def test_a_question_that_is_not_good_is_rejected_by_its_name(body: bytes, name: str) -> None:
    assert why(body) == name


# ---------------------------------------------------------------- the answer


@pytest.mark.parametrize("sign_type", SignType)
def test_the_answer_holds_the_ticket_and_is_signed_as_the_question_was(
    desk: V2OrderRequests, sign_type: SignType
) -> None:
    answer = desk.granted(desk.read(asks(sign_type=sign_type)), "wx20161110163838f231619da20804912345")
    told = dict(v2_xml.read(answer))
    assert verify(told, ACCOUNT.key, at_least=sign_type) is sign_type
    del told["sign"]
    assert told == {
        "return_code": "SUCCESS",
        "appid": ACCOUNT.appid,
        "mch_id": ACCOUNT.mchid,
        "nonce_str": NONCE,
        "result_code": "SUCCESS",
        "prepay_id": "wx20161110163838f231619da20804912345",
    }


def test_a_refusal_is_in_words_for_the_payer(desk: V2OrderRequests) -> None:
    said = (
        f"appid={ACCOUNT.appid}&err_code_des=商品已售罄&mch_id={ACCOUNT.mchid}&nonce_str={NONCE}"
        f"&result_code=FAIL&return_code=SUCCESS&key={ACCOUNT.key.decode()}"
    )
    digest = openssl_md5(said).encode()
    assert desk.refused(desk.read(asks()), "商品已售罄") == (
        b"<xml><return_code><![CDATA[SUCCESS]]></return_code><appid><![CDATA[wx8f2a61c07be493d5]]></appid>"
        b"<mch_id><![CDATA[1699004417]]></mch_id><nonce_str><![CDATA[" + NONCE.encode() + b"]]></nonce_str>"
        b"<result_code><![CDATA[FAIL]]></result_code><err_code_des><![CDATA["
        + "商品已售罄".encode()
        + b"]]></err_code_des><sign><![CDATA["
        + digest
        + b"]]></sign></xml>"
    )


def test_words_that_are_too_long_are_cut_between_characters(desk: V2OrderRequests) -> None:
    told = v2_xml.read(desk.refused(desk.read(asks()), "售罄\n" + "很" * 60))
    assert told["err_code_des"] == "售罄 " + "很" * 40
    assert len(told["err_code_des"].encode()) == 127


@pytest.mark.parametrize("ticket", ["", "a" * 65, "wx 1", "预付"])
def test_what_is_no_ticket_is_not_answered_with(desk: V2OrderRequests, ticket: str) -> None:
    with pytest.raises(ValueError, match="ticket: found"):
        desk.granted(OrderRequest(token=TOKEN, payer=PAYER), ticket)


def test_what_was_not_believed_gets_a_fixed_answer_without_a_signature(desk: V2OrderRequests) -> None:
    told = v2_xml.read(desk.rejected())
    assert told == {"return_code": "FAIL", "return_msg": "签名或格式错误"}


# ---------------------------------------------------------------- several merchants

SECOND = V2Account(mchid="1699004418", appid="wx0000000000000001", key=b"second00" * 4)


@pytest.fixture
def merchants(desk: V2OrderRequests) -> MerchantRequests:
    return MerchantRequests({"": desk, "second": V2OrderRequests(SECOND, nonce=lambda: NONCE)})


def test_a_question_belongs_to_whose_key_signed_it_and_is_answered_under_his(
    merchants: MerchantRequests,
) -> None:
    names = {"mch_id": SECOND.mchid, "appid": SECOND.appid}
    for name, account, body in (("", ACCOUNT, asks()), ("second", SECOND, asks(names, by=SECOND))):
        request = merchants.read(body)
        assert request.merchant == name
        for answer in (merchants.granted(request, "wx1"), merchants.refused(request, "商品已售罄")):
            told = v2_xml.read(answer)
            assert verify(told, account.key, at_least=SignType.MD5) is SignType.MD5
            assert told["mch_id"] == account.mchid


def test_one_merchants_key_does_not_speak_for_another(merchants: MerchantRequests) -> None:
    with pytest.raises(NoticeRejected):
        merchants.read(asks({"mch_id": SECOND.mchid, "appid": SECOND.appid}))
    with pytest.raises(NoticeRejected, match="bad_product_id"):  # his own reason, not the other's
        merchants.read(asks({"product_id": "a b"}))
    with pytest.raises(NoticeRejected, match="no_order_requests"):
        MerchantRequests({}).read(asks())


def test_a_code_is_made_with_the_key_of_its_machines_merchant(merchants: MerchantRequests) -> None:
    assert f"mch_id={SECOND.mchid}" in merchants.code(TOKEN, 1764028800, merchant="second")
    assert f"mch_id={ACCOUNT.mchid}" in merchants.code(TOKEN, 1764028800)
    with pytest.raises(ValueError, match="merchant: found 'third'"):
        merchants.code(TOKEN, 1764028800, merchant="third")


def test_what_nobody_signed_gets_the_same_answer_whoever_was_meant(
    merchants: MerchantRequests, desk: V2OrderRequests
) -> None:
    assert merchants.rejected() == desk.rejected()
