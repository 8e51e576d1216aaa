"""What else the platform may do: odd but true answers, wrong clocks, an empty purse, refunds by hand."""

import base64
import json
import random
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from hw_sim.platform.clock import Clock
from hw_sim.platform.echo import Echo
from hw_sim.platform.faults import Fault, armed, fault_named
from hw_sim.platform.ids import Ids
from hw_sim.platform.model import Rules
from hw_sim.platform.refund_calls import RefundCalls
from tests.unit.sim_platform.bench import NOTIFY, NUMBER, REFUNDS, START_MS, Bench

ECHO = "/v3/security/echo"
OAEP = padding.OAEP(padding.MGF1(hashes.SHA1()), hashes.SHA1(), None)


def sealed(key: RSAPublicKey, text: str) -> str:
    return base64.b64encode(key.encrypt(text.encode(), OAEP)).decode()


def desk_of(bench: Bench) -> RefundCalls:
    """The console beside the merchant's door, and the call for abnormal refunds."""
    calls = RefundCalls(
        platform=bench.platform,
        signer=bench.signer,
        appid=bench.keys.merchant.appid,
        ids=Ids(random.Random(1)),
        clock=Clock(lambda: bench.now_ms),
    )
    bench.api.add(calls.routes())
    return calls


# ---------------------------------------------------------------- how a fault is written


@pytest.mark.parametrize(
    ("text", "times", "probability", "only", "delay_ms"),
    [
        ("answer_lost", 1, None, "", 1000),
        ("answer_lost:3", 3, None, "", 1000),
        ("answer_lost@create:20%", 1, 0.2, "create", 1000),
        ("double_notice@refund:0.5%~0", 1, 0.005, "refund", 0),
        ("late_notice~90000", 1, None, "", 90_000),
    ],
)
def test_a_fault_is_written_with_kind_times_or_share_and_delay(
    text: str, times: int, probability: float | None, only: str, delay_ms: int
) -> None:
    found = armed(text)
    assert (found.times, found.probability, found.only, found.delay_ms) == (
        times,
        probability,
        only,
        delay_ms,
    )


@pytest.mark.parametrize(
    "text", ["", "@create", "answer_lost:", "answer_lost:x", "answer_lost:101%", "nobody"]
)
def test_a_fault_written_otherwise_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="found"):
        armed(text)


# ---------------------------------------------------------------- odd, and true all the same


@pytest.mark.parametrize("name", ["answer_shuffled", "answer_extra_members", "answer_extra_space"])
def test_an_answer_may_say_the_same_in_other_bytes_and_is_well_signed(bench: Bench, name: str) -> None:
    bench.order()
    plain = bench.query()
    bench.arm(fault_named(name), only="query")
    odd = bench.query()
    assert odd.answer.body != plain.answer.body
    assert plain.body.items() <= odd.body.items()
    assert bench.verifies(odd.answer.headers, odd.answer.body)


@pytest.mark.parametrize(("name", "off_s"), [("answer_stale", -301), ("answer_future", 301)])
def test_an_answer_may_be_signed_in_another_time(bench: Bench, name: str, off_s: int) -> None:
    bench.order()
    bench.arm(fault_named(name))
    headers = bench.query().answer.headers
    assert int(headers["Wechatpay-Timestamp"]) - bench.now_ms // 1000 == off_s


def test_a_date_may_be_off(bench: Bench) -> None:
    bench.order()
    bench.arm(Fault.ANSWER_DATE_OFF, delay_ms=120_000)
    assert bench.query().answer.date_off_ms == 120_000
    assert bench.query().answer.date_off_ms == 0


def test_a_clock_that_stands_goes_on_when_it_is_pushed() -> None:
    wall = iter(range(START_MS, START_MS + 10_000, 1000))
    clock = Clock(lambda: next(wall), stands=True)
    assert clock.now_ms() == clock.now_ms() == START_MS
    clock.advance(60_000)
    assert clock.now_ms() == START_MS + 60_000
    assert clock.wall_ms() > START_MS


# ---------------------------------------------------------------- money for refunds


def test_refunds_are_paid_from_the_takings_and_a_top_up(make_bench: Callable[..., Bench]) -> None:
    bench = make_bench(rules=Rules(float_fen=0))
    calls = desk_of(bench)
    bench.paid()
    calls.wishes()["pay_out"]({})
    assert bench.refund().code == "NOT_ENOUGH"
    assert calls.wishes()["top_up"]({"fen": 349}) == {"available_fen": 349}
    assert bench.refund().code == "NOT_ENOUGH"
    calls.wishes()["top_up"]({"fen": 1})
    assert bench.refund().status == 200
    assert bench.platform.purse.available_fen == 0


def test_a_closed_refund_gives_its_money_back_to_the_purse(make_bench: Callable[..., Bench]) -> None:
    bench = make_bench(rules=Rules(float_fen=0))
    bench.paid()
    bench.arm(Fault.REFUND_CLOSED)
    bench.refund()
    assert bench.platform.purse.available_fen == 0
    bench.pass_ms(60_000)
    assert bench.platform.purse.available_fen == 350


def test_a_refund_by_hand_is_notified_to_the_orders_address(bench: Bench) -> None:
    calls = desk_of(bench)
    bench.paid()
    bench.pass_ms(1_000)
    bench.letters.clear()
    shown = calls.wishes()["console_refund"]({"out_trade_no": NUMBER, "refund_fen": 100})
    assert shown["out_refund_no"].isdigit()
    bench.pass_ms(60_000)
    ((_, letter),) = bench.letters
    told = bench.opened(letter)
    assert letter.url == NOTIFY
    assert (told["refund_status"], told["amount"]["refund"], told["amount"]["total"]) == ("SUCCESS", 100, 350)
    assert bench.refund("R9", 251).code == "INVALID_REQUEST"  # the rest is less than that


@pytest.mark.parametrize(
    "wish",
    [{}, {"out_trade_no": "nobody-knows"}, {"out_trade_no": NUMBER, "refund_fen": 351}, {"refund_fen": "1"}],
)
def test_a_console_refuses_what_cannot_be(bench: Bench, wish: dict[str, Any]) -> None:
    calls = desk_of(bench)
    bench.paid()
    with pytest.raises(ValueError, match="found"):
        calls.wishes()["console_refund"](wish)


def test_money_that_no_account_took_goes_to_a_bank_card(bench: Bench) -> None:
    desk_of(bench)
    bench.paid()
    bench.arm(Fault.REFUND_ABNORMAL)
    refund_id = bench.refund().body["refund_id"]
    path = f"{REFUNDS}/{refund_id}/apply-abnormal-refund"
    key = bench.keys.public_key
    asked = {
        "out_refund_no": "R1",
        "type": "USER_BANK_CARD",
        "bank_type": "ICBC_DEBIT",
        "bank_account": sealed(key.key.public_key(), "6222000000000000"),
        "real_name": sealed(key.key.public_key(), "张三"),
    }
    named = {"wechatpay-serial": key.serial}
    assert bench.call("POST", path, asked, **named).code == "INVALID_REQUEST"  # not abnormal yet
    bench.pass_ms(60_000)
    assert bench.refund_status().body["status"] == "ABNORMAL"
    assert bench.call("POST", path, asked).code == "PARAM_ERROR"  # nobody says what it is sealed for
    assert bench.call("POST", path, asked | {"real_name": "张三"}, **named).code == "PARAM_ERROR"
    assert bench.call("POST", path, asked, **named).body["status"] == "PROCESSING"
    bench.pass_ms(60_000)
    assert bench.refund_status().body["status"] == "SUCCESS"
    assert bench.row()["refunded_fen"] == 350


# ---------------------------------------------------------------- the self-test


@pytest.fixture
def echoing(bench: Bench) -> Bench:
    echo = Echo(
        platform=bench.platform,
        merchant=bench.keys.merchant,
        signer=bench.signer,
        ids=Ids(random.Random(1)),
    )
    bench.api.add(echo.routes())
    return bench


def test_an_echo_comes_back_plain_sealed_and_as_a_notification(echoing: Bench) -> None:
    key = echoing.keys.public_key
    asked = {
        "echo_message": "hello",
        "encrypted_echo_message": sealed(key.key.public_key(), "四月"),
        "notify_url": NOTIFY,
    }
    result = echoing.call("POST", ECHO, asked, **{"wechatpay-serial": key.serial})
    assert (result.status, result.body["echo_message"]) == (200, "hello")
    back = base64.b64decode(result.body["encrypted_echo_message"])
    assert echoing.key.decrypt(back, OAEP).decode() == "四月"
    echoing.pass_ms(1_000)
    ((_, letter),) = echoing.letters
    assert json.loads(letter.body)["event_type"] == "SECURITY_ECHO.SUCCESS"
    assert echoing.opened(letter)["echo_message"] == "hello"


def test_an_echo_sealed_for_another_key_is_refused(echoing: Bench) -> None:
    wrong = sealed(echoing.keys.certificate.key.public_key(), "x")
    asked = {"echo_message": "hello", "encrypted_echo_message": wrong}
    named = {"wechatpay-serial": echoing.keys.public_key.serial}
    assert echoing.call("POST", ECHO, asked, **named).code == "PARAM_ERROR"
    assert echoing.call("POST", ECHO, asked).code == "PARAM_ERROR"
    assert echoing.call("POST", ECHO, {}).code == "PARAM_ERROR"
