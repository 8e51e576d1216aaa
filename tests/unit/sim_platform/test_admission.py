"""Who may call: unsigned, wrongly signed, late and malformed calls are refused as the real host does."""

import json
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hw_sim.platform.answers import Call
from hw_sim.platform.faults import Fault
from tests.unit.sim_platform.bench import NUMBER, ORDERS, REFUNDS, Bench, Json

CREATE = f"{ORDERS}/native"


def test_a_good_call_is_answered_with_a_good_signature(bench: Bench) -> None:
    result = bench.create()
    assert result.status == 200
    assert bench.verifies(result.answer.headers, result.answer.body)
    assert result.answer.headers["Request-ID"].endswith("-0")
    assert result.answer.headers["Wechatpay-Signature-Type"] == "WECHATPAY2-SHA256-RSA2048"


@pytest.mark.parametrize(
    "changed",
    [
        {"mchid": "1900000000"},
        {"serial_no": "0" * 40},
        {"signature": ""},
        {"signature": "WECHATPAY/SIGNTEST/xyz"},
        {"signature": "AAAA"},
        {"nonce_str": ""},
        {"nonce_str": "n" * 33},
        {"nonce_str": "a b"},
        {"timestamp": "yesterday"},
        {"timestamp": ""},
        {"timestamp": "9" * 5000},
        {"timestamp": "-1"},
    ],
)
def test_a_claim_that_does_not_hold_is_a_sign_error(bench: Bench, changed: dict[str, str]) -> None:
    body = json.dumps(bench.order_body()).encode()
    claim = bench.authorization("POST", CREATE, body, **changed)
    result = bench.call("POST", CREATE, body, authorization=claim)
    assert (result.status, result.code) == (401, "SIGN_ERROR")
    assert result.body["detail"]["location"] == "authorization"
    assert result.answer.headers["Request-ID"].endswith("-268443699")
    assert bench.query().status == 404


@pytest.mark.parametrize(("off_s", "status"), [(-301, 401), (-300, 200), (300, 200), (301, 401)])
def test_a_clock_may_be_five_minutes_off(bench: Bench, off_s: int, status: int) -> None:
    body = json.dumps(bench.order_body()).encode()
    timestamp = str(bench.now_ms // 1000 + off_s)
    claim = bench.authorization("POST", CREATE, body, timestamp=timestamp)
    assert bench.call("POST", CREATE, body, authorization=claim).status == status


@pytest.mark.parametrize(
    "claim",
    [
        "",
        "Bearer x",
        "WECHATPAY2-SHA256-RSA2048",
        "WECHATPAY2-SHA256-RSA2048 ,,,",
        'WECHATPAY2-SHA256-RSA2048 mchid="1"',
        "WECHATPAY2-SM2-WITH-SM3 mchid=1",
    ],
)
def test_a_malformed_claim_is_a_sign_error(bench: Bench, claim: str) -> None:
    assert bench.call("GET", "/v3/certificates", authorization=claim).code == "SIGN_ERROR"


def test_the_claim_is_read_leniently(bench: Bench) -> None:
    body = json.dumps(bench.order_body()).encode()
    scheme, _, members = bench.authorization("POST", CREATE, body).partition(" ")
    turned = ",  ".join(reversed(members.split(",")))
    assert bench.call("POST", CREATE, body, authorization=f"{scheme}  {turned}").status == 200


def test_what_was_signed_is_what_must_be_sent(bench: Bench) -> None:
    body = json.dumps(bench.order_body()).encode()
    claim = bench.authorization("POST", CREATE, body)
    result = bench.call("POST", CREATE, body + b" ", authorization=claim)
    seen = result.body["detail"]["sign_information"]
    assert (result.status, seen["url"]) == (401, CREATE)
    assert seen["truncated_sign_message"].startswith(f"POST\n{CREATE}\n{bench.now_ms // 1000}\n")
    assert result.body["detail"]["detail"] == {"issue": "sign not match"}


def test_a_query_is_signed_with_its_query_string(bench: Bench) -> None:
    bench.order()
    target = f"{ORDERS}/out-trade-no/{NUMBER}"
    claim = bench.authorization("GET", target, b"")
    full = f"{target}?mchid={bench.keys.merchant.mchid}"
    assert bench.call("GET", full, authorization=claim).code == "SIGN_ERROR"


@pytest.mark.parametrize("name", ["accept", "user-agent", "content-type"])
def test_compulsory_headers_are_compulsory(bench: Bench, name: str) -> None:
    body = bench.order_body()
    sent = {"accept": "", "user-agent": "", "content-type": "text/plain"}
    assert bench.call("POST", CREATE, body, **{name: sent[name]}).code == "PARAM_ERROR"


@pytest.mark.parametrize(
    ("mchid", "status", "code"), [("", 400, "PARAM_ERROR"), ("?mchid=1900000000", 401, "SIGN_ERROR")]
)
def test_a_query_names_its_merchant(bench: Bench, mchid: str, status: int, code: str) -> None:
    bench.order()
    result = bench.call("GET", f"{ORDERS}/out-trade-no/{NUMBER}{mchid}")
    assert (result.status, result.code) == (status, code)


@pytest.mark.parametrize(
    "changed",
    [
        {"mchid": "1900000000"},
        {"description": "a" * 128},
        {"description": "可" * 43},  # 129 bytes in 43 characters
        {"description": ""},
        {"description": None},
        {"description": 5},
        {"description": "\ud800"},
        {"out_trade_no": "short"},
        {"out_trade_no": "a" * 33},
        {"out_trade_no": "order 001"},
        {"out_trade_no": "order#001"},
        {"out_trade_no": "order001\n"},
        {"out_trade_no": "订单000001"},
        {"time_expire": "2030-01-01 00:00:00"},
        {"time_expire": "2030-01-01T00:00:00"},
        {"time_expire": "2030-13-01T00:00:00+08:00"},
        {"time_expire": "20300101T000000+0800"},
        {"time_expire": 1893456000},
        {"notify_url": "https://shop.example/n?order=1"},
        {"notify_url": "https://shop.example/n#part"},
        {"notify_url": "ftp://shop.example/n"},
        {"notify_url": "/n"},
        {"notify_url": "https://shop.example/" + "n" * 240},
        {"amount": {"total": 0}},
        {"amount": {"total": -1}},
        {"amount": {"total": 3.5}},
        {"amount": {"total": "350"}},
        {"amount": {"total": True}},
        {"amount": {"total": 2**63}},
        {"amount": {"total": 350, "currency": "USD"}},
        {"amount": {}},
        {"amount": 350},
        {"attach": "a" * 129},
        {"scene_info": {"device_id": "m1"}},
        {"scene_info": {"payer_client_ip": "host name"}},
        {"scene_info": {"payer_client_ip": "::1", "device_id": "m" * 33}},
        {"limit_pay": "no_credit"},
        {"support_fapiao": "yes"},
        {"invented": 1},
    ],
    ids=repr,
)
def test_an_order_the_platform_would_not_take_is_refused(bench: Bench, changed: Json) -> None:
    body = json.dumps(bench.order_body() | changed).encode()
    result = bench.call("POST", CREATE, body)
    assert (result.status, result.code) in ((400, "PARAM_ERROR"), (401, "SIGN_ERROR"))
    assert (result.code == "SIGN_ERROR") == ("mchid" in changed)
    assert bench.platform.books(bench.now_ms)["orders"] == []


@pytest.mark.parametrize(
    "changed",
    [
        {"description": "a" * 127},
        {"description": "可" * 42},
        {"out_trade_no": "sixsix"},
        {"out_trade_no": "-_*|" * 8},
        {"time_expire": "2030-01-01T00:00:00+08:00"},
        {"time_expire": "2030-01-01T00:00:00.120Z"},
        {"notify_url": "http://127.0.0.1:8080/notify"},
        {"amount": {"total": 1}},
        {"scene_info": {"payer_client_ip": "fe80::1", "store_info": {"id": "7"}}},
        {"detail": {"goods_detail": [{"merchant_goods_id": "12", "quantity": 1, "unit_price": 350}]}},
        {"settle_info": {"profit_sharing": False}},
    ],
    ids=repr,
)
def test_an_order_at_the_edge_of_the_rules_is_taken(bench: Bench, changed: Json) -> None:
    assert bench.create(**changed).status == 200


def test_a_refusal_names_the_member_and_counts_bytes(bench: Bench) -> None:
    result = bench.create(description="可" * 43)
    assert result.body["detail"]["location"] == "body"
    assert "/body/description" in result.body["message"]
    assert "字节数 129，大于最大值 127" in result.body["message"]


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("GET", f"{ORDERS}/out-trade-no/x?mchid=1"),
        ("GET", f"{ORDERS}/out-trade-no/{quote('订单000001')}?mchid=1"),
        ("POST", f"{ORDERS}/out-trade-no/{'x' * 33}/close"),
        ("GET", f"{REFUNDS}/{'x' * 65}"),
        ("GET", f"{ORDERS}/id/a%2Fb?mchid=1"),
    ],
)
def test_a_number_in_a_path_is_held_against_its_rule(bench: Bench, method: str, target: str) -> None:
    result = bench.call(method, target)
    assert (result.status, result.code) == (400, "PARAM_ERROR")
    assert result.body["detail"]["location"] == "uri_template"


def test_a_number_with_bars_and_stars_is_found_when_escaped(bench: Bench) -> None:
    number = "or*er|0001"
    bench.order(number)
    assert bench.query(quote(number)).body["out_trade_no"] == number


def test_a_close_names_its_merchant(bench: Bench) -> None:
    bench.order()
    result = bench.call("POST", f"{ORDERS}/out-trade-no/{NUMBER}/close", {"mchid": "1900000000"})
    assert (result.status, result.code) == (401, "SIGN_ERROR")
    assert bench.query().body["trade_state"] == "NOTPAY"


def test_a_path_parameter_is_not_repeated_in_the_body(bench: Bench) -> None:
    body = {"mchid": bench.keys.merchant.mchid, "out_trade_no": NUMBER}
    assert bench.call("POST", f"{ORDERS}/out-trade-no/{NUMBER}/close", body).code == "PARAM_ERROR"


@pytest.mark.parametrize(
    ("method", "target"), [("GET", "/"), ("PUT", CREATE), ("POST", "/v3/refund"), ("GET", CREATE)]
)
def test_other_paths_are_not_found(bench: Bench, method: str, target: str) -> None:
    assert (bench.call(method, target).status, bench.call(method, target).code) == (404, "NOT_FOUND")


# ---------------------------------------------------------------- limits


def test_past_the_limit_of_a_second_calls_are_refused_without_effect(bench: Bench) -> None:
    bench.paid()
    for number in range(6):
        assert bench.refund(f"R{number}", 351).code == "INVALID_REQUEST"
    result = bench.refund("R7")
    assert (result.status, result.code) == (429, "FREQUENCY_LIMITED")
    assert bench.refund_status("R7").status == 404
    bench.now_ms += 1000
    assert bench.refund("R7").status == 200


def test_five_hundred_orders_a_second_are_taken(bench: Bench) -> None:
    answers = [bench.create(f"order-{number:06}").status for number in range(501)]
    assert answers == [200] * 500 + [429]
    assert bench.query("order-000500").status == 404


# ---------------------------------------------------------------- hostile

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
member = st.sampled_from(
    ["appid", "mchid", "description", "out_trade_no", "time_expire", "notify_url", "amount", "detail"]
)
_relaxed = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@_relaxed
@given(changed=st.dictionaries(member | st.text(max_size=4), json_values, max_size=3))
def test_no_member_of_a_body_breaks_the_platform(bench: Bench, changed: Json) -> None:
    body = json.dumps(bench.order_body() | changed).encode()
    assert bench.call("POST", CREATE, body).status in (200, 400, 401, 429)


@_relaxed
@given(body=st.binary(max_size=200))
def test_no_body_breaks_the_platform(bench: Bench, body: bytes) -> None:
    assert bench.call("POST", REFUNDS, body).status in (400, 429)


@pytest.mark.parametrize(
    "body", [b"[" * 100_000, b'{"a":' * 50_000, b"1" * 10_000, b"\xff\xfe", b"null", b'{"mchid":NaN}']
)
def test_a_body_that_is_no_order_is_a_parameter_error(bench: Bench, body: bytes) -> None:
    assert bench.call("POST", CREATE, body).code == "PARAM_ERROR"


latin = st.text(st.characters(max_codepoint=255), max_size=60)


@_relaxed
@given(
    method=st.sampled_from(["GET", "POST", "PUT"]),
    target=latin | st.just(CREATE) | latin.map(lambda tail: f"{ORDERS}/out-trade-no/{tail}"),
    headers=st.dictionaries(st.sampled_from(["accept", "authorization", "wechatpay-serial"]), latin),
    claim=latin,
)
def test_no_request_line_and_no_header_breaks_the_platform(
    bench: Bench, method: str, target: str, headers: dict[str, str], claim: str
) -> None:
    scheme = {"authorization": f"WECHATPAY2-SHA256-RSA2048 {claim}"}
    for sent in (headers, headers | scheme):
        answer = bench.api.handle(Call(method, target, sent, b""), now_ms=bench.now_ms, wall_ms=bench.now_ms)
        assert answer.status in (400, 401, 404)
        assert json.loads(answer.body)["code"]


# ---------------------------------------------------------------- faults of answers


def taken(bench: Bench) -> bool:
    return bool(bench.platform.books(bench.now_ms)["orders"])


@pytest.mark.parametrize(
    ("fault", "status", "took_effect"),
    [
        (Fault.CALL_LIMITED_429, 429, False),
        (Fault.CALL_FAILED_500, 500, False),
        (Fault.ANSWER_ERROR_500, 500, True),
        (Fault.ANSWER_HTML_502, 502, True),
    ],
)
def test_an_error_tells_nothing_about_its_effect(
    bench: Bench, fault: Fault, status: int, *, took_effect: bool
) -> None:
    bench.arm(fault)
    result = bench.create()
    assert result.status == status
    assert taken(bench) is took_effect
    assert bench.create().status == 200


@pytest.mark.parametrize(
    "fault", [Fault.ANSWER_WRONG_SIGNATURE, Fault.ANSWER_SIGNTEST, Fault.ANSWER_UNKNOWN_SERIAL]
)
def test_a_forged_answer_took_effect_and_does_not_verify(bench: Bench, fault: Fault) -> None:
    bench.arm(fault)
    answer = bench.create().answer
    assert not bench.verifies(answer.headers, answer.body)
    assert taken(bench)


def test_an_unsigned_answer_has_no_signature_headers(bench: Bench) -> None:
    bench.arm(Fault.ANSWER_UNSIGNED)
    answer = bench.create().answer
    assert not [name for name in answer.headers if name.startswith("Wechatpay")]


def test_a_stale_answer_is_well_signed_and_301_seconds_old(bench: Bench) -> None:
    bench.arm(Fault.ANSWER_STALE)
    answer = bench.create().answer
    assert bench.now_ms // 1000 - int(answer.headers["Wechatpay-Timestamp"]) == 301
    assert bench.verifies(answer.headers, answer.body)


@pytest.mark.parametrize(
    ("fault", "shown"),
    [
        (Fault.ANSWER_LOST, lambda answer: answer.lost),
        (Fault.ANSWER_TRUNCATED, lambda answer: answer.keep == len(answer.body) // 2),
        (Fault.ANSWER_DELAYED, lambda answer: answer.delay_ms == 1000),
        (Fault.ANSWER_SLOW, lambda answer: answer.byte_ms == 1000),
    ],
)
def test_the_line_can_spoil_a_good_answer(bench: Bench, fault: Fault, shown: Any) -> None:
    bench.arm(fault)
    answer = bench.create().answer
    assert shown(answer)
    assert bench.verifies(answer.headers, answer.body)
    assert not shown(bench.create().answer)


def test_a_fault_strikes_only_what_it_is_meant_for(bench: Bench) -> None:
    bench.arm(Fault.CALL_LIMITED_429, only="refund", times=2)
    bench.paid()
    assert [bench.refund().status, bench.refund().status] == [429, 429]
    assert bench.refund().status == 200


def test_a_fault_by_chance_strikes_now_and_then(bench: Bench) -> None:
    bench.arm(Fault.CALL_FAILED_500, probability=0.5)
    answers = {bench.query().status for _ in range(40)}
    assert answers == {404, 500}


def test_the_diary_names_no_code_no_payer_and_no_secret(bench: Bench) -> None:
    code_url = bench.order()
    bench.platform.scan(code_url, bench.now_ms, account="alice")
    bench.pay(code_url, account="alice")
    bench.refund()
    bench.pass_ms(10_000)
    openid = str(bench.query().body["payer"]["openid"])
    diary = json.dumps(bench.events.since(0))
    assert "payment.made" in diary
    for secret in (code_url, openid, "alice", bench.keys.merchant.api_v3_key):
        assert secret not in diary
