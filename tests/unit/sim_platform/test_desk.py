"""The desk: phones, faults, keys, clock and books by name, and wishes that cannot be met, in words."""

import random
from collections.abc import Callable
from typing import Any

import pytest

from hw_sim.platform.clock import FARTHEST_AHEAD_MS, Clock
from hw_sim.platform.desk import Desk, Refused
from hw_sim.platform.events import KEPT, Events
from hw_sim.platform.faults import Armed, Fault, Faults, fault_named
from hw_sim.platform.model import Rules
from tests.unit.sim_platform.bench import NUMBER, START_MS, Bench


@pytest.fixture
def desk(bench: Bench) -> Desk:
    clock = Clock(lambda: bench.now_ms)
    return Desk(
        platform=bench.platform, faults=bench.faults, events=bench.events, signer=bench.signer, clock=clock
    )


def words(desk: Desk, name: str, /, **wish: Any) -> tuple[int, str]:
    with pytest.raises(Refused) as caught:
        desk.do(name, wish)
    return caught.value.status, str(caught.value.body["error"])


def test_a_phone_scans_pays_and_sees_what_it_bought(bench: Bench, desk: Desk) -> None:
    code_url = bench.order()
    page = {"out_trade_no": NUMBER, "description": "可乐 Cola", "amount_fen": 350, "merchant": "Shop"}
    assert desk.do("scan", {"code_url": code_url}) == page | {"state": "NOTPAY"}
    assert desk.do("cancel", {"code_url": code_url}) == {}
    assert desk.do("pay", {"code_url": code_url}) == page | {"state": "SUCCESS"}
    assert desk.do("books", {})["totals"] == {"paid_fen": 350, "refunded_fen": 0, "refunding_fen": 0}


def test_a_phone_that_is_refused_says_what_the_payer_sees_and_why(bench: Bench, desk: Desk) -> None:
    code_url = bench.order()
    bench.close()
    with pytest.raises(Refused) as caught:
        desk.do("pay", {"code_url": code_url})
    assert caught.value.status == 409
    assert caught.value.body == {"error": "订单已关闭", "reason": "closed"}
    assert desk.do("pay", {"code_url": code_url, "race": True})["state"] == "SUCCESS"


def test_the_books_show_paid_and_refunded_of_each_order(bench: Bench, desk: Desk) -> None:
    bench.paid()
    bench.order("order-000002")
    bench.refund(fen=100)
    bench.now_ms += 3000
    rows = {row["out_trade_no"]: row for row in desk.do("books", {})["orders"]}
    assert rows[NUMBER] == {
        "out_trade_no": NUMBER,
        "trade_state": "REFUND",
        "total_fen": 350,
        "paid_fen": 350,
        "refunded_fen": 100,
        "refunding_fen": 0,
    }
    assert rows["order-000002"]["paid_fen"] == 0
    assert rows["order-000002"]["trade_state"] == "NOTPAY"


def test_faults_are_switched_on_counted_and_cleared(bench: Bench, desk: Desk) -> None:
    armed = desk.do("fault", {"name": "double_notice", "times": 2, "delay_ms": 500})["armed"]
    assert armed == [{"name": "double_notice", "times": 2, "probability": None, "only": "", "delay_ms": 500}]
    bench.paid()
    assert desk.do("faults", {})["armed"][0]["times"] == 1
    assert set(desk.do("faults", {})["known"]) == set(Fault)
    assert desk.do("fault", {"clear": True})["armed"] == []


def test_the_clock_is_pushed_ahead_and_never_back(bench: Bench, desk: Desk) -> None:
    assert desk.do("clock", {}) == {"now_ms": START_MS, "ahead_ms": 0}
    desk.do("clock", {"advance_ms": 60_000})
    assert desk.do("clock", {"advance_ms": 1}) == {"now_ms": START_MS + 60_001, "ahead_ms": 60_001}
    left = FARTHEST_AHEAD_MS - 60_001
    for wrong in (-1, left + 1):
        assert words(desk, "clock", advance_ms=wrong) == (
            400,
            f"advance_ms: found {wrong}, allowed 0 to {left}",
        )


def test_the_keys_change_in_mid_run(bench: Bench, desk: Desk) -> None:
    desk.do("keys", {"mode": "certificate"})
    assert bench.create().answer.headers["Wechatpay-Serial"] == bench.keys.certificate.serial


def test_events_are_read_from_where_one_stopped(bench: Bench, desk: Desk) -> None:
    bench.paid()
    first = desk.do("events", {})
    assert [entry["n"] for entry in first] == list(range(1, len(first) + 1))
    bench.query()
    (news,) = desk.do("events", {"since": str(first[-1]["n"])})
    assert (news["fact"], news["operation"], news["what"]) == (
        "call.answered",
        "query",
        "query of an order answered: 200",
    )


def test_the_diary_keeps_its_last_ten_thousand_entries() -> None:
    events = Events()
    for moment in range(KEPT + 5):
        events.add(moment, "payment.cancelled")
    kept = events.since(0)
    assert (len(kept), kept[0]["n"], kept[-1]["n"]) == (KEPT, 6, KEPT + 5)
    assert [entry["n"] for entry in events.since(KEPT + 3)] == [KEPT + 4, KEPT + 5]
    assert events.since(KEPT + 5) == []


@pytest.mark.parametrize(
    ("name", "wish", "status", "said"),
    [
        ("dance", {}, 404, "wish: found dance, allowed scan, pay"),
        ("pay", {}, 400, "code_url: found nothing, allowed a text"),
        ("pay", {"code_url": 5}, 400, "code_url: found a int, allowed a text"),
        ("pay", {"code_url": "x", "race": "yes"}, 400, "race: found a str, allowed true or false"),
        ("scan", {"code_url": "x"}, 409, "二维码无效"),
        ("cancel", {"code_url": "x"}, 409, "二维码无效"),
        ("fault", {"name": "fire"}, 400, "fault: found fire, allowed answer_wrong_signature"),
        ("fault", {"name": "lost_notice", "times": -1}, 400, "times: found -1, allowed 0 (off) or more"),
        ("fault", {"name": "lost_notice", "times": True}, 400, "times: found a bool, allowed a whole number"),
        ("fault", {"name": "lost_notice", "probability": 2}, 400, "probability: found 2, allowed"),
        ("fault", {"name": "lost_notice", "only": "pay"}, 400, "only: found pay, allowed create, query"),
        ("fault", {"name": "late_notice", "delay_ms": 1 << 40}, 400, "delay_ms: found"),
        ("keys", {"mode": "none"}, 400, "key mode: found none, allowed certificate"),
        ("clock", {"advance_ms": "1"}, 400, "advance_ms: found a str, allowed a whole number"),
        ("events", {"since": None}, 400, "since: found None, allowed a number"),
        ("events", {"since": "9" * 5000}, 400, "since: found"),
    ],
)
def test_a_wish_that_cannot_be_met_is_refused_in_words(
    desk: Desk, name: str, wish: dict[str, Any], status: int, said: str
) -> None:
    found, error = words(desk, name, **wish)
    assert found == status
    assert error.startswith(said) or said in error


def test_a_fault_replaces_its_earlier_setting() -> None:
    faults = Faults(random.Random(1))
    faults.arm(Armed(Fault.LOST_NOTICE, times=5))
    faults.arm(Armed(Fault.LOST_NOTICE, times=0))
    assert faults.armed() == ()
    assert faults.take(Fault.LOST_NOTICE, "transaction") is None


def test_every_fault_has_its_words_and_is_found_by_its_name() -> None:
    for fault in Fault:
        assert fault_named(fault.value) is fault
        assert fault.words


@pytest.mark.parametrize(("name", "wrong"), [("refund_delay_ms", -1), ("notify_speedup", 0.5)])
def test_rules_out_of_range_are_refused(name: str, wrong: float) -> None:
    make: Callable[..., Rules] = Rules
    with pytest.raises(ValueError, match=f"{name}: found {wrong}, allowed"):
        make(**{name: wrong})
