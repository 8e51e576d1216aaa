"""Refunds: once per number, never more than was paid, accepted first and done later."""

from collections.abc import Callable

import pytest

from hw_sim.platform.faults import Fault
from hw_sim.platform.model import Rules
from tests.unit.sim_platform.bench import MINUTE_MS, NUMBER, Bench, Json

YEAR_MS = 365 * 24 * 60 * MINUTE_MS


def test_an_accepted_refund_is_done_after_its_delay(make_bench: Callable[..., Bench]) -> None:
    bench = make_bench(rules=Rules(refund_delay_ms=5000))
    bench.paid()
    accepted = bench.refund()
    assert (accepted.status, accepted.body["status"]) == (200, "PROCESSING")
    assert "success_time" not in accepted.body
    assert bench.query().body["trade_state"] == "REFUND"
    bench.pass_ms(4999)
    assert bench.refund_status().body["status"] == "PROCESSING"
    bench.pass_ms(1)
    done = bench.refund_status().body
    assert (done["status"], done["refund_id"]) == ("SUCCESS", accepted.body["refund_id"])
    assert done["amount"]["currency"] == "CNY"
    assert bench.row() | {"total_fen": 0} == {
        "out_trade_no": NUMBER,
        "trade_state": "REFUND",
        "total_fen": 0,
        "paid_fen": 350,
        "refunded_fen": 350,
        "refunding_fen": 0,
    }


def test_the_same_refund_again_is_the_same_refund(bench: Bench) -> None:
    bench.paid()
    first = bench.refund().body
    assert bench.refund().body == first
    bench.pass_ms(5000)
    assert bench.refund().body["status"] == "SUCCESS"
    assert bench.row()["refunded_fen"] == 350
    assert len(bench.platform.books(bench.now_ms)["refunds"]) == 1


@pytest.mark.parametrize("changed", [{"reason": "x"}, {"notify_url": "https://shop.example/r"}, {"fen": 349}])
def test_the_same_refund_number_with_anything_changed_is_refused(bench: Bench, changed: Json) -> None:
    bench.paid()
    bench.refund()
    result = bench.refund(**changed)
    assert (result.status, result.code) == (400, "INVALID_REQUEST")


@pytest.mark.parametrize(
    ("changed", "status", "code"),
    [
        ({"fen": 351}, 400, "INVALID_REQUEST"),
        ({"amount": {"refund": 1, "total": 349, "currency": "CNY"}}, 400, "INVALID_REQUEST"),
        ({"amount": {"refund": 1, "total": 350}}, 400, "PARAM_ERROR"),
        ({"amount": {"refund": 0, "total": 350, "currency": "CNY"}}, 400, "PARAM_ERROR"),
        ({"amount": {"refund": "1", "total": 350, "currency": "CNY"}}, 400, "PARAM_ERROR"),
        ({"refund_no": "R" * 65}, 400, "PARAM_ERROR"),
        ({"refund_no": "R#1"}, 400, "PARAM_ERROR"),
        ({"reason": "出" * 27}, 400, "PARAM_ERROR"),
        ({"out_trade_no": "never-ordered"}, 404, "RESOURCE_NOT_EXISTS"),
        ({"out_trade_no": None}, 400, "PARAM_ERROR"),
        ({"transaction_id": "4200000000"}, 404, "RESOURCE_NOT_EXISTS"),
    ],
)
def test_a_wrong_refund_is_refused_and_moves_nothing(
    bench: Bench, changed: Json, status: int, code: str
) -> None:
    bench.paid()
    result = bench.refund(**changed)
    assert (result.status, result.code) == (status, code)
    assert bench.row()["refunding_fen"] == 0
    assert bench.query().body["trade_state"] == "SUCCESS"


def test_an_unpaid_order_has_nothing_to_refund(bench: Bench) -> None:
    bench.order()
    result = bench.refund()
    assert (result.status, result.code) == (404, "RESOURCE_NOT_EXISTS")


def test_numbers_of_two_orders_do_not_make_one_refund(bench: Bench) -> None:
    bench.paid()
    transaction_id = bench.query().body["transaction_id"]
    bench.paid("order-000002")
    result = bench.refund(out_trade_no="order-000002", transaction_id=transaction_id)
    assert (result.status, result.code) == (400, "INVALID_REQUEST")
    assert bench.refund(out_trade_no=None, transaction_id=transaction_id).body["out_trade_no"] == NUMBER


def test_parts_are_a_minute_apart_and_never_more_than_the_whole(bench: Bench) -> None:
    bench.paid()
    assert bench.refund("R1", 200).status == 200
    result = bench.refund("R2", 150)
    assert (result.status, result.code) == (429, "FREQUENCY_LIMITED")
    bench.pass_ms(MINUTE_MS)
    assert bench.refund("R3", 151).code == "INVALID_REQUEST"
    assert bench.refund("R2", 150).status == 200
    bench.pass_ms(MINUTE_MS)
    assert bench.row()["refunded_fen"] == 350


def test_an_order_takes_fifty_refunds(bench: Bench) -> None:
    bench.paid()
    for number in range(50):
        assert bench.refund(f"R{number}", 1).status == 200
        bench.pass_ms(MINUTE_MS)
    assert bench.refund("R50", 1).code == "INVALID_REQUEST"


def test_a_year_after_the_payment_it_is_too_late(bench: Bench) -> None:
    bench.paid()
    bench.now_ms += YEAR_MS + 1
    assert bench.refund().code == "INVALID_REQUEST"


def test_an_unknown_refund_is_not_found(bench: Bench) -> None:
    result = bench.refund_status("R404")
    assert (result.status, result.code) == (404, "RESOURCE_NOT_EXISTS")


def test_not_enough_money_is_no_refusal_for_good(bench: Bench) -> None:
    bench.paid()
    bench.arm(Fault.REFUND_NOT_ENOUGH)
    result = bench.refund()
    assert (result.status, result.code) == (403, "NOT_ENOUGH")
    assert bench.refund_status().status == 404
    assert bench.refund().status == 200


def test_a_refund_that_ends_closed_frees_the_money_for_a_new_number(bench: Bench) -> None:
    bench.paid()
    bench.arm(Fault.REFUND_CLOSED)
    bench.refund("R1")
    bench.pass_ms(5000)
    assert bench.refund_status("R1").body["status"] == "CLOSED"
    assert bench.opened(bench.letters[-1][1])["refund_status"] == "CLOSED"
    assert bench.row()["refunded_fen"] == 0
    assert bench.refund("R2").status == 200
    assert bench.refund("R1").body["status"] == "CLOSED"
    bench.pass_ms(5000)
    assert bench.row()["refunded_fen"] == 350


def test_an_abnormal_refund_gave_nothing_back_and_keeps_its_claim(bench: Bench) -> None:
    bench.paid()
    bench.arm(Fault.REFUND_ABNORMAL)
    bench.refund("R1")
    bench.pass_ms(MINUTE_MS)
    told = bench.opened(bench.letters[-1][1])
    assert told["refund_status"] == "ABNORMAL"
    assert "success_time" not in told
    assert bench.refund("R2", 1).code == "INVALID_REQUEST"
    assert bench.row()["refunded_fen"] == 0


def test_a_stuck_refund_stays_in_processing(bench: Bench) -> None:
    bench.paid()
    bench.arm(Fault.REFUND_STUCK)
    bench.refund()
    bench.pass_ms(30 * 24 * 60 * MINUTE_MS)
    assert bench.refund_status().body["status"] == "PROCESSING"
    assert bench.row()["refunding_fen"] == 350


def test_a_refund_without_an_address_is_not_told(bench: Bench) -> None:
    bench.paid()
    bench.refund(notify_url=None)
    bench.pass_ms(5000)
    assert len(bench.letters) == 1
