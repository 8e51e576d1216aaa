"""The digest of APIv2: over what, in which order, and what is not taken for one."""

import subprocess

import pytest

from cloud_bridge.wechat.signing import NotVerified
from cloud_bridge.wechat.v2_account import SignType
from cloud_bridge.wechat.v2_signing import message, signature, signed, verify

KEY = b"Kx7mQ2vR9tLw4ZbN8cYh3JpD6sFg1AeU"  # made for these tests
MD5, HMAC = SignType.MD5, SignType.HMAC_SHA256
MEMBERS = {
    "appid": "wx8f2a61c07be493d5",
    "mch_id": "1699004417",
    "body": "可乐 Cola & 雪碧=2",
    "total_fee": "350",
    "coupon_fee": "0",
    "Zeta": "capitals come first",
    "attach": "",
    "sign": "not a part of it",
}
SAID = (
    "Zeta=capitals come first&appid=wx8f2a61c07be493d5&body=可乐 Cola & 雪碧=2&coupon_fee=0"
    "&mch_id=1699004417&total_fee=350&key=Kx7mQ2vR9tLw4ZbN8cYh3JpD6sFg1AeU"
).encode()
GOLDEN = {
    MD5: "92DD81A0BCF005D96BBC30E50F96BD46",
    HMAC: "C8A0A5CCB7F55B0BED312050AC0A88F33570D99299E1B79990572C21F5032D10",
}


def why(members: dict[str, str], at_least: SignType = MD5) -> str:
    with pytest.raises(NotVerified) as refused:
        verify(members, KEY, at_least=at_least)
    return refused.value.why


def openssl(*arguments: str) -> str:
    ran = subprocess.run(["openssl", "dgst", *arguments], input=SAID, capture_output=True, check=True)
    return ran.stdout.decode().strip().rpartition(" ")[2].upper()


def test_the_message_is_sorted_raw_and_without_what_is_empty() -> None:
    assert message(MEMBERS, KEY) == SAID


def test_openssl_makes_the_same_digests() -> None:
    assert signature(MEMBERS, KEY, MD5) == openssl("-md5") == GOLDEN[MD5]
    hmac = signature(MEMBERS, KEY, HMAC)
    assert hmac == openssl("-sha256", "-hmac", KEY.decode()) == GOLDEN[HMAC]


@pytest.mark.parametrize("sign_type", SignType)
def test_what_is_signed_verifies_and_tells_its_algorithm(sign_type: SignType) -> None:
    told = dict(signed(MEMBERS, KEY, sign_type))
    assert "attach" not in told
    assert verify(told, KEY, at_least=MD5) is sign_type
    assert verify(told | {"attach": ""}, KEY, at_least=MD5) is sign_type


@pytest.mark.parametrize("sign_type", SignType)
def test_any_change_shows(sign_type: SignType) -> None:
    told = dict(signed(MEMBERS, KEY, sign_type))
    for name in told.keys() - {"sign"}:
        assert why(told | {name: told[name] + "1"}) == "bad_signature"
        assert why({each: value for each, value in told.items() if each != name}) == "bad_signature"
    assert why(told | {"new": "1"}) == "bad_signature"
    assert why(told | {"coupon_fee": "00"}) == "bad_signature"
    assert why(told | {"sign": told["sign"].lower()}) == "bad_signature"
    assert why(told | {"sign": "签" * len(told["sign"])}) == "bad_signature"


def test_what_has_no_digest_of_a_known_length_is_refused() -> None:
    told = dict(signed(MEMBERS, KEY, HMAC))
    assert why(told | {"sign": ""}) == why(MEMBERS | {"sign": ""}) == "unsigned"
    assert why(told | {"sign": told["sign"][:40]}) == "signature_type"


def test_nobody_talks_us_into_a_weaker_algorithm() -> None:
    weak = dict(signed(MEMBERS, KEY, MD5))
    assert why(weak, HMAC) == "weaker_signature"
    assert why(dict(signed(MEMBERS | {"sign_type": "HMAC-SHA256"}, KEY, MD5)), MD5) == "signature_type"
    assert why(dict(signed(MEMBERS | {"sign_type": "MD5"}, KEY, HMAC)), MD5) == "signature_type"
    assert why(dict(signed(MEMBERS | {"sign_type": "SHA1"}, KEY, HMAC)), MD5) == "signature_type"


def test_a_stronger_algorithm_than_asked_for_is_good() -> None:
    told = dict(signed(MEMBERS | {"sign_type": "HMAC-SHA256"}, KEY, HMAC))
    assert verify(told, KEY, at_least=MD5) is HMAC


def test_what_the_wire_changes_is_changed_before_it_is_signed() -> None:
    told = signed({"body": "a\r\nb\x00"}, KEY, MD5)
    assert told["body"] == "a\nb"
