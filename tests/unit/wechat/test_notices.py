"""What is believed of a notification, and everything that is not."""

import base64
import json
import re
import traceback
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from cloud_bridge.core.model import Payment, RefundState, RefundStatus
from cloud_bridge.ports import NoticeRejected, OtherNotice
from cloud_bridge.wechat.crypto import NotDecrypted, decrypt
from cloud_bridge.wechat.keys import load_keys
from cloud_bridge.wechat.notices import WechatNotices
from cloud_bridge.wechat.settings import PlatformPublicKey
from tests.unit.wechat.parties import (
    API_V3_KEY,
    KEY_ID,
    KEY_ID_2,
    MACHINE,
    NOW_S,
    SALE,
    Headers,
    Parties,
    letter,
    lower,
    new_key,
    payment,
    pem,
    refund,
    signed,
)

PAID = "TRANSACTION.SUCCESS"


@pytest.fixture
def notices(parties: Parties) -> WechatNotices:
    return WechatNotices(parties.settings, parties.keys)


def why(notices: WechatNotices, headers: Headers, body: bytes, now_s: float = NOW_S) -> str:
    with pytest.raises(NoticeRejected) as rejected:
        notices.open(headers, body, now_s)
    return rejected.value.why


# ---------------------------------------------------------------- what is believed


def test_a_payment_is_told_with_what_the_order_asked_for(parties: Parties, notices: WechatNotices) -> None:
    told = notices.open(*parties.notice(PAID, payment()), NOW_S + 2.5)
    assert told == Payment(
        sale_id=SALE,
        transaction_id="4200002500202605280000000001",
        paid_fen=350,  # what the order costs, not what the payer's coupon left of it
        machine=MACHINE,
        merchant_ok=True,
        source="notice",
        paid_at="2026-05-28T20:26:38+08:00",
    )


@pytest.mark.parametrize("status", ["SUCCESS", "ABNORMAL", "CLOSED"])
def test_a_refund_is_told_with_its_end(parties: Parties, notices: WechatNotices, status: str) -> None:
    told = notices.open(*parties.notice(f"REFUND.{status}", refund(status, "refund_status")), NOW_S)
    assert told == RefundStatus(
        sale_id=SALE,
        refund_no=f"R{SALE}",
        state=RefundState[status],
        refund_fen=350,
        source="notice",
    )


@pytest.mark.parametrize("event", ["REFUND.PROCESSING"])
def test_other_events_are_named_and_not_opened(parties: Parties, notices: WechatNotices, event: str) -> None:
    assert notices.open(*parties.notice(event, b"no JSON"), NOW_S) == OtherNotice(event_type=event)


def test_an_echo_proves_that_its_seal_opens(parties: Parties, notices: WechatNotices) -> None:
    told = {"mchid": "1900000109", "echo_message": "hello"}
    echo = notices.open(*parties.notice("SECURITY_ECHO.SUCCESS", told), NOW_S)
    assert echo == OtherNotice(event_type="SECURITY_ECHO.SUCCESS")
    body = letter("SECURITY_ECHO.SUCCESS", told, sealed_with="bVery1Secret2Key3Of4Thirty5Two6C")
    assert why(notices, lower(parties.signed(body)), body) == "not_decrypted"


def test_a_repeat_tells_the_same_again(parties: Parties, notices: WechatNotices) -> None:
    first = notices.open(*parties.notice(PAID, payment()), NOW_S)
    assert notices.open(*parties.notice(PAID, payment(), at_s=NOW_S + 60), NOW_S + 60) == first


def sealed_with(nonce: str, named: str) -> str:
    plain = json.dumps(payment()).encode()
    cipher = AESGCM(API_V3_KEY.encode())
    return base64.b64encode(cipher.encrypt(nonce.encode(), plain, named.encode())).decode()


@pytest.mark.parametrize("missing", [None, ""])
def test_associated_data_may_be_missing(parties: Parties, notices: WechatNotices, missing: Any) -> None:
    sealed = sealed_with("q1w2e3r4t5y6", "")
    headers, body = parties.notice(PAID, payment(), associated_data=missing, ciphertext=sealed)
    assert isinstance(notices.open(headers, body, NOW_S), Payment)


def test_members_may_come_in_any_order_and_with_any_spaces(parties: Parties, notices: WechatNotices) -> None:
    letters = json.loads(letter(PAID, payment()))
    shuffled = json.dumps(dict(reversed(letters.items())), indent=3).encode()
    assert isinstance(notices.open(lower(parties.signed(shuffled)), shuffled, NOW_S), Payment)


@pytest.mark.parametrize(
    "changes",
    [
        {"attach": 7},
        {"attach": "slot=12"},
        {"attach": None},
        {"success_time": None},
        {"success_time": "soon"},
    ],
)
def test_no_payment_is_lost_for_its_decoration(
    parties: Parties, notices: WechatNotices, changes: dict[str, Any]
) -> None:
    told = notices.open(*parties.notice(PAID, payment(**changes)), NOW_S)
    assert isinstance(told, Payment)
    assert (told.paid_fen, told.merchant_ok) == (350, True)
    assert "" in (told.machine, told.paid_at)


# ---------------------------------------------------------------- T-WH-1: any change


def bits_of(data: bytes) -> Iterator[bytes]:
    for place in range(len(data)):
        for bit in range(8):
            yield data[:place] + bytes([data[place] ^ (1 << bit)]) + data[place + 1 :]


def test_no_changed_bit_of_the_body_is_believed(parties: Parties, notices: WechatNotices) -> None:
    headers, body = parties.notice(PAID, payment())
    assert {why(notices, headers, changed) for changed in bits_of(body)} == {"bad_signature"}


def test_no_cut_or_longer_body_is_believed(parties: Parties, notices: WechatNotices) -> None:
    headers, body = parties.notice(PAID, payment())
    longer = [body + bytes([each]) for each in range(256)]
    cut = [body[:length] for length in range(len(body))]
    assert {why(notices, headers, changed) for changed in (*cut, *longer)} == {"bad_signature"}


@pytest.mark.parametrize("name", ["timestamp", "nonce", "signature", "serial", "signature-type"])
@pytest.mark.parametrize("mode", ["public key", "certificate"])
def test_no_changed_character_of_a_header_is_believed(
    parties: Parties, notices: WechatNotices, name: str, mode: str
) -> None:
    body = letter(PAID, payment())
    serial = KEY_ID if mode == "public key" else parties.serial
    headers, name = lower(parties.signed(body, serial=serial)), f"wechatpay-{name}"
    sound = headers[name]
    changed = {each.decode("latin-1") for each in bits_of(sound.encode())}
    changed |= {sound[:length] for length in range(len(sound))} | {sound + each for each in "0 =a\n"}
    for value in changed:
        if name == "wechatpay-serial" and mode == "certificate" and value.upper() == sound:
            continue  # one certificate, written in either case
        assert why(notices, headers | {name: value}, body), (name, value)


@pytest.mark.parametrize("name", ["timestamp", "nonce", "signature", "serial"])
def test_a_missing_header_is_not_believed(parties: Parties, notices: WechatNotices, name: str) -> None:
    headers, body = parties.notice(PAID, payment())
    del headers[f"wechatpay-{name}"]
    assert why(notices, headers, body) == "unsigned"


def test_the_signature_type_may_be_missing_but_not_another(parties: Parties, notices: WechatNotices) -> None:
    headers, body = parties.notice(PAID, payment())
    other = headers | {"wechatpay-signature-type": "WECHATPAY2-SM2-WITH-SM3"}
    assert why(notices, other, body) == "signature_type"
    del headers["wechatpay-signature-type"]
    assert isinstance(notices.open(headers, body, NOW_S), Payment)


def test_another_spelling_of_the_same_signature_is_not_believed(
    parties: Parties, notices: WechatNotices
) -> None:
    headers, body = parties.notice(PAID, payment())
    sound = headers["wechatpay-signature"]
    assert sound.endswith("==")  # the last character carries four bits that mean nothing
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    twin = alphabet[alphabet.index(sound[-3]) ^ 1]
    for spelled in (f"{sound[:-3]}{twin}==", sound.replace("+", "-").replace("/", "_"), sound[:-2]):
        if spelled != sound:
            assert why(notices, headers | {"wechatpay-signature": spelled}, body) == "bad_signature"


# ---------------------------------------------------------------- T-WH-2, 3: other keys, and the probe


def test_nobody_elses_signature_is_believed(parties: Parties, notices: WechatNotices) -> None:
    body = letter(PAID, payment())
    for key in (new_key(), parties.merchant, parties.by_certificate):  # self-signed; ours; under a wrong name
        assert why(notices, lower(signed(key, body)), body) == "bad_signature"


def test_an_unknown_serial_is_not_believed(parties: Parties, notices: WechatNotices) -> None:
    body = letter(PAID, payment())
    for serial in (KEY_ID_2, "5DEA10EF55877E3CF6C33255C2E7DEFFF7E427EC", "0", "PUB_KEY_ID_"):
        headers = lower(signed(parties.by_public_key, body, serial=serial))
        assert why(notices, headers, body) == "unknown_serial"


def test_the_platforms_probe_is_refused_like_any_bad_signature(
    parties: Parties, notices: WechatNotices
) -> None:
    headers, body = parties.notice(PAID, payment())
    probe = "WECHATPAY/SIGNTEST/" + headers["wechatpay-signature"][:336]
    assert why(notices, headers | {"wechatpay-signature": probe}, body) == "probe"


def test_each_key_that_may_sign_is_found_by_its_serial(parties: Parties) -> None:
    second = new_key()
    file = parties.folder / "second.pem"
    file.write_bytes(pem(second.public_key()))
    known = (*parties.settings.platform_public_keys, PlatformPublicKey(id=KEY_ID_2, file=file))
    settings = replace(parties.settings, platform_public_keys=known)
    notices, body = WechatNotices(settings, load_keys(settings)), letter(PAID, payment())
    serials = (parties.serial, parties.serial.lower(), parties.serial.lstrip("0"))
    everything = [signed(parties.by_certificate, body, serial=serial) for serial in serials]
    for headers in (*everything, signed(parties.by_public_key, body), signed(second, body, serial=KEY_ID_2)):
        assert isinstance(notices.open(lower(headers), body, NOW_S), Payment)


def test_a_certificate_signs_only_while_it_is_valid(parties: Parties, notices: WechatNotices) -> None:
    body, year_s = letter(PAID, payment()), 365 * 24 * 3600
    for at_s in (NOW_S - year_s, NOW_S + 5 * year_s):
        headers = lower(parties.signed(body, at_s=at_s, serial=parties.serial))
        assert why(notices, headers, body, at_s) == "key_out_of_date"
        unending = lower(parties.signed(body, at_s=at_s))
        assert isinstance(notices.open(unending, body, at_s), Payment)


# ---------------------------------------------------------------- T-WH-5: old and early


@pytest.mark.parametrize("late_s", [300, 301, 86_400, -300, -86_400])
def test_a_well_signed_message_outside_of_five_minutes_is_stale(
    parties: Parties, notices: WechatNotices, late_s: int
) -> None:
    assert why(notices, *parties.notice(PAID, payment()), now_s=NOW_S + late_s) == "stale"


@pytest.mark.parametrize("late_s", [299.9, -299.9, 0])
def test_a_message_within_five_minutes_is_fresh(
    parties: Parties, notices: WechatNotices, late_s: float
) -> None:
    assert isinstance(notices.open(*parties.notice(PAID, payment()), NOW_S + late_s), Payment)


def test_a_badly_signed_old_message_is_not_called_stale(parties: Parties, notices: WechatNotices) -> None:
    headers, body = parties.notice(PAID, payment())
    assert why(notices, headers, body + b" ", NOW_S + 400) == "bad_signature"


# ---------------------------------------------------------------- T-WH-4: somebody else's payment


@pytest.mark.parametrize(
    "changes",
    [
        {"mchid": "1900000110"},
        {"mchid": None},
        {"mchid": int("1900000109")},
        {"appid": "wxd678efh567hg6788"},
        {"appid": "WXD678EFH567HG6787"},
        {"trade_type": "MICROPAY"},
        {"amount": {"total": 350, "currency": "HKD"}},
        {"amount": {"total": 350, "currency": "cny"}},
        {"amount": {"total": 350}},
    ],
)
def test_a_payment_of_another_merchant_app_or_currency_is_not_called_ours(
    parties: Parties, notices: WechatNotices, changes: dict[str, Any]
) -> None:
    told = notices.open(*parties.notice(PAID, payment(**changes)), NOW_S)
    assert isinstance(told, Payment)
    assert not told.merchant_ok


def test_another_amount_is_told_as_it_is(parties: Parties, notices: WechatNotices) -> None:
    changed = payment(amount={"total": 1, "payer_total": 350, "currency": "CNY"})
    told = notices.open(*parties.notice(PAID, changed), NOW_S)
    assert isinstance(told, Payment)
    assert told.paid_fen == 1


@pytest.mark.parametrize("state", ["NOTPAY", "REFUND", "CLOSED", "success", "", None, True])
def test_only_success_is_a_payment(parties: Parties, notices: WechatNotices, state: Any) -> None:
    assert why(notices, *parties.notice(PAID, payment(trade_state=state))) == "not_success"


def test_a_refund_of_another_merchant_is_refused(parties: Parties, notices: WechatNotices) -> None:
    foreign = refund("SUCCESS", "refund_status", mchid="1900000110")
    assert why(notices, *parties.notice("REFUND.SUCCESS", foreign)) == "other_merchant"


# ---------------------------------------------------------------- T-WH-7: odd JSON

_DEEP = b'{"a":' * 9 + b"1" + b"}" * 9


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b'"text"',
        b"\xef\xbb\xbf{}",
        b'{"event_type":"A","event_type":"B"}',
        b'{"event_type":"A","x":{"y":1,"y":1}}',
        b'{"event_type":"A","x":NaN}',
        b'{"event_type":"A","x":-Infinity}',
        b'{"event_type":"A","x":' + b"9" * 5000 + b"}",
        b'{"event_type":"A","x":' + _DEEP + b"}",
        b"[" * 60_000,
        b'{"x":' * 12_000,
        b'{"event_type":"\xff\xfe"}',
        b'{"event_type":"A\\u0000"}',
        b'{"event_type":7}',
        b'{"event_type":"<!DOCTYPE a>"}',
        b"<xml><return_code>SUCCESS</return_code></xml>",
        b'{"event_type":"A"} {}',
        '{"event_type":"A"}'.encode("utf-16"),
    ],
)
def test_odd_json_is_refused_however_well_it_is_signed(
    parties: Parties, notices: WechatNotices, body: bytes
) -> None:
    assert why(notices, lower(parties.signed(body)), body) == "bad_json"


def _plain(amount: str) -> bytes:
    return re.sub(rb'"amount": \{[^}]*\}', f'"amount": {amount}'.encode(), json.dumps(payment()).encode())


@pytest.mark.parametrize(
    "amount",
    [
        '{"total": 350.0, "currency": "CNY"}',
        '{"total": 3.5e2, "currency": "CNY"}',
        '{"total": "350", "currency": "CNY"}',
        '{"total": true, "currency": "CNY"}',
        '{"total": null, "currency": "CNY"}',
        '{"total": -350, "currency": "CNY"}',
        '{"total": 0, "currency": "CNY"}',
        '{"total": 9007199254740992, "currency": "CNY"}',
        '{"total": 350, "total": 350, "currency": "CNY"}',
        '{"currency": "CNY"}',
        "[350]",
        "350",
    ],
)
def test_money_is_a_whole_number_of_fen_or_nothing_is_believed(
    parties: Parties, notices: WechatNotices, amount: str
) -> None:
    assert why(notices, *parties.notice(PAID, _plain(amount))) == "bad_json"


@pytest.mark.parametrize(
    "changes",
    [
        {"out_trade_no": "short"},
        {"out_trade_no": "x" * 33},
        {"out_trade_no": "a sale; drop"},
        {"out_trade_no": None},
        {"transaction_id": ""},
        {"transaction_id": 42},
        {"transaction_id": "4200/../"},
        {"amount": None},
    ],
)
def test_a_payment_without_its_names_is_refused(
    parties: Parties, notices: WechatNotices, changes: dict[str, Any]
) -> None:
    assert why(notices, *parties.notice(PAID, payment(**changes))) == "bad_json"


@pytest.mark.parametrize(
    "changes",
    [
        {"refund_status": "DONE"},
        {"refund_status": None},
        {"out_refund_no": "x" * 65},
        {"amount": {"refund": 3.5}},
        {"amount": {"refund": 350, "currency": "USD"}},
    ],
)
def test_a_refund_that_is_none_is_refused(
    parties: Parties, notices: WechatNotices, changes: dict[str, Any]
) -> None:
    told = refund("SUCCESS", "refund_status") | changes
    assert why(notices, *parties.notice("REFUND.SUCCESS", told)) == "bad_json"


# ---------------------------------------------------------------- T-WH-8: decryption


@pytest.mark.parametrize(
    "resource",
    [
        {"nonce": "q1w2e3r4t5y7"},
        {"nonce": ""},
        {"nonce": "q1w2e3r4t5y"},
        {"nonce": "q1w2e3r4t5y66"},
        {"nonce": "q1w2e3r4t5yé"},
        {"associated_data": "refund"},
        {"associated_data": None},
        {"associated_data": "支付"},
        {"ciphertext": ""},
        {"ciphertext": "AAAA"},
        {"ciphertext": "!!!not-base64!!!"},
        {"ciphertext": base64.b64encode(bytes(64)).decode()},
    ],
)
def test_what_cannot_be_decrypted_is_one_error(
    parties: Parties, notices: WechatNotices, resource: dict[str, Any]
) -> None:
    assert why(notices, *parties.notice(PAID, payment(), **resource)) == "not_decrypted"


def test_a_nonce_of_another_length_is_refused_however_well_it_seals(
    parties: Parties, notices: WechatNotices
) -> None:
    for nonce in ("q1w2e3r4", "q1w2e3r4t5y6u7i8"):
        sealed = sealed_with(nonce, "transaction")
        assert (
            why(notices, *parties.notice(PAID, payment(), nonce=nonce, ciphertext=sealed)) == "not_decrypted"
        )


def test_no_changed_bit_of_the_ciphertext_decrypts(parties: Parties) -> None:
    resource = json.loads(letter(PAID, payment()))["resource"]
    for sealed in bits_of(base64.b64decode(resource["ciphertext"])):
        with pytest.raises(NotDecrypted):
            decrypt(
                API_V3_KEY.encode(),
                nonce=resource["nonce"],
                associated_data=resource["associated_data"],
                ciphertext=base64.b64encode(sealed).decode(),
            )


@pytest.mark.parametrize("algorithm", ["AEAD_SM4_GCM", "", None, 1])
def test_another_algorithm_is_refused(parties: Parties, notices: WechatNotices, algorithm: Any) -> None:
    assert why(notices, *parties.notice(PAID, payment(), algorithm=algorithm)) == "algorithm"


@pytest.mark.parametrize("resource", [{"nonce": 1}, {"ciphertext": None}, {"associated_data": 1}])
def test_a_resource_with_wrong_members_is_refused(
    parties: Parties, notices: WechatNotices, resource: dict[str, Any]
) -> None:
    assert why(notices, *parties.notice(PAID, payment(), **resource)) == "bad_json"


# ---------------------------------------------------------------- what is never shown


def test_a_rejection_shows_neither_payer_nor_payload(parties: Parties, notices: WechatNotices) -> None:
    private = payment(amount={"total": 3.5}, trade_state="SUCCESS")
    tries = [
        parties.notice(PAID, private),
        parties.notice(PAID, payment(trade_state="NOTPAY")),
        parties.notice(PAID, payment(), nonce="q1w2e3r4t5y7"),
        parties.notice(PAID, json.dumps(private).encode()[:-1]),
    ]
    for headers, body in tries:
        with pytest.raises(NoticeRejected) as rejected:
            notices.open(headers, body, NOW_S)
        shown = "".join(traceback.format_exception(rejected.value))
        for secret in (
            private["payer"]["openid"],
            API_V3_KEY,
            headers["wechatpay-signature"],
            'ciphertext":',
        ):
            assert secret not in shown
