"""Orders: what may be ordered, ordered again, paid and closed, and what is refused in whose words."""

from collections.abc import Callable

import pytest

from hw_sim.platform.answers import rfc3339
from hw_sim.platform.faults import Fault
from hw_sim.platform.model import Rules
from hw_sim.platform.payers import PayerRefused, Reason
from tests.unit.sim_platform.bench import MINUTE_MS, NUMBER, ORDERS, Bench, Json

HOUR_MS = 60 * MINUTE_MS


def refused(bench: Bench, code_url: str, *, race: bool = False, account: str = "somebody") -> Reason:
    with pytest.raises(PayerRefused) as caught:
        bench.pay(code_url, race=race, account=account)
    return caught.value.reason


def test_an_unpaid_order_shows_no_payment(bench: Bench) -> None:
    bench.order(attach="lane 12", scene_info={"payer_client_ip": "10.0.0.1", "device_id": "m1"})
    assert bench.query().body == {
        "appid": bench.keys.merchant.appid,
        "mchid": bench.keys.merchant.mchid,
        "out_trade_no": NUMBER,
        "trade_state": "NOTPAY",
        "trade_state_desc": "订单未支付",
        "attach": "lane 12",
        "amount": {"total": 350, "currency": "CNY"},
        "scene_info": {"device_id": "m1"},
    }


def test_a_paid_order_is_found_by_either_number(bench: Bench) -> None:
    bench.paid()
    found = bench.query().body
    assert (found["trade_state"], found["trade_type"]) == ("SUCCESS", "NATIVE")
    assert found["success_time"] == rfc3339(bench.now_ms)
    assert len(found["transaction_id"]) == 28
    target = f"{ORDERS}/id/{found['transaction_id']}?mchid={bench.keys.merchant.mchid}"
    assert bench.call("GET", target).body == found


def test_the_same_order_again_gives_a_new_code_and_ends_the_old_one(bench: Bench) -> None:
    old = bench.order()
    bench.pass_ms(1000)
    new = bench.order()
    assert new != old
    assert refused(bench, old) is Reason.OLD_CODE
    bench.pay(new)
    assert bench.query().body["trade_state"] == "SUCCESS"


@pytest.mark.parametrize(
    "changed",
    [
        {"description": "Tea"},
        {"amount": {"total": 351, "currency": "CNY"}},
        {"amount": {"total": 350}},
        {"notify_url": "https://shop.example/other"},
        {"attach": "x"},
        {"time_expire": "2030-01-01T00:00:00+08:00"},
    ],
)
def test_the_same_number_with_anything_changed_is_refused(bench: Bench, changed: Json) -> None:
    bench.order()
    result = bench.create(**changed)
    assert (result.status, result.code) == (400, "INVALID_REQUEST")
    assert result.answer.headers["Request-ID"].endswith("-268498688")


def test_a_paid_or_closed_number_is_never_ordered_again(bench: Bench) -> None:
    bench.paid()
    result = bench.create()
    assert (result.status, result.code) == (400, "ORDERPAID")
    bench.order("order-000002")
    bench.close("order-000002")
    result = bench.create("order-000002")
    assert (result.status, result.code) == (400, "ORDER_CLOSED")


def test_an_order_of_another_app_is_refused(bench: Bench) -> None:
    result = bench.create(appid="wx0000000000000000")
    assert (result.status, result.code) == (400, "APPID_MCHID_NOT_MATCH")


# ---------------------------------------------------------------- windows


def test_a_pay_window_under_a_minute_is_moved_to_a_minute(bench: Bench) -> None:
    code_url = bench.order(time_expire=rfc3339(bench.now_ms + 5000))
    bench.now_ms += MINUTE_MS - 1
    bench.pay(code_url)


def test_a_short_window_is_taken_as_it_stands_when_asked_for(make_bench: Callable[..., Bench]) -> None:
    bench = make_bench(rules=Rules(shorten_minimum_expiry=True))
    code_url = bench.order(time_expire=rfc3339(bench.now_ms + 5000))
    bench.now_ms += 5000
    assert refused(bench, code_url) is Reason.EXPIRED


def test_an_order_past_its_window_is_not_closed_and_not_refreshed(bench: Bench) -> None:
    expires = rfc3339(bench.now_ms + MINUTE_MS)
    code_url = bench.order(time_expire=expires)
    bench.now_ms += MINUTE_MS
    assert refused(bench, code_url) is Reason.EXPIRED
    assert bench.query().body["trade_state"] == "NOTPAY"
    assert bench.create(time_expire=expires).code == "INVALID_REQUEST"
    assert bench.close().status == 204


def test_a_code_lives_two_hours_and_its_order_a_week(bench: Bench) -> None:
    code_url = bench.order()
    bench.now_ms += 2 * HOUR_MS
    assert refused(bench, code_url) is Reason.OLD_CODE
    bench.pay(bench.order())
    bench.order("order-000002")
    bench.now_ms += 7 * 24 * HOUR_MS
    assert bench.query("order-000002").body["trade_state"] == "CLOSED"
    assert bench.query().body["trade_state"] == "SUCCESS"


# ---------------------------------------------------------------- payers


def test_a_page_that_one_account_opened_is_shut_for_others(bench: Bench) -> None:
    code_url = bench.order()
    page = bench.platform.scan(code_url, bench.now_ms, account="first")
    assert (page.amount_fen, page.description) == (350, "可乐 Cola")
    bench.platform.cancel(code_url, bench.now_ms)
    assert refused(bench, code_url, account="second") is Reason.OTHER_ACCOUNT
    bench.pay(code_url, account="first")


def test_nobody_pays_twice(bench: Bench) -> None:
    code_url = bench.paid()
    assert refused(bench, code_url) is Reason.PAID
    assert refused(bench, code_url, race=True) is Reason.PAID


def test_a_code_that_nobody_made_cannot_be_paid(bench: Bench) -> None:
    assert refused(bench, "weixin://wxpay/bizpayurl?pr=nothing00") is Reason.UNKNOWN_CODE


@pytest.mark.parametrize("spoiled", [{"attach": None}, {"description": "Cola\x07"}])
def test_a_null_or_control_character_passes_the_order_and_breaks_the_page(
    bench: Bench, spoiled: Json
) -> None:
    assert refused(bench, bench.order(**spoiled)) is Reason.SPOILED


def test_a_payment_submitted_in_time_outruns_close_window_and_new_code(bench: Bench) -> None:
    for number, meddle in (("closed-01", bench.close), ("renewed-01", bench.order)):
        code_url = bench.order(number)
        meddle(number)
        bench.pay(code_url, race=True)
        assert bench.query(number).body["trade_state"] == "SUCCESS"


# ---------------------------------------------------------------- closing


def test_a_closed_order_cannot_be_paid_and_closes_again(bench: Bench) -> None:
    code_url = bench.order()
    result = bench.close()
    assert (result.status, result.answer.body) == (204, b"")
    assert bench.verifies(result.answer.headers, b"")
    assert refused(bench, code_url) is Reason.CLOSED
    assert bench.close().status == 204
    assert bench.query().body["trade_state"] == "CLOSED"


def test_closing_a_number_that_never_was_proves_nothing(bench: Bench) -> None:
    assert bench.close("never-ordered").status == 204
    result = bench.query("never-ordered")
    assert (result.status, result.code) == (404, "ORDER_NOT_EXIST")


def test_closing_a_paid_or_refunded_order_says_that_it_is_paid(bench: Bench) -> None:
    bench.paid()
    assert (bench.close().status, bench.close().code) == (400, "ORDERPAID")
    bench.refund()
    assert bench.close().code == "ORDERPAID"
    assert bench.query().body["trade_state"] == "REFUND"


def test_a_payment_can_win_the_race_against_the_close(bench: Bench) -> None:
    bench.arm(Fault.PAYMENT_BEATS_CLOSE)
    bench.order()
    assert bench.close().code == "ORDERPAID"
    bench.pass_ms(0)
    assert bench.opened(bench.letters[0][1])["trade_state"] == "SUCCESS"


def test_a_payment_can_follow_a_close_that_succeeded(bench: Bench) -> None:
    bench.arm(Fault.PAYMENT_FOLLOWS_CLOSE)
    bench.order()
    assert bench.close().status == 204
    assert bench.query().body["trade_state"] == "SUCCESS"
    bench.pass_ms(0)
    assert len(bench.letters) == 1


@pytest.mark.parametrize("fault", [Fault.PAYMENT_BEATS_CLOSE, Fault.PAYMENT_FOLLOWS_CLOSE])
def test_the_race_at_the_close_waits_for_an_order_that_can_be_paid(bench: Bench, fault: Fault) -> None:
    bench.arm(fault)
    bench.paid()
    assert bench.close("never-ordered").status == 204
    assert bench.close().code == "ORDERPAID"
    assert [armed.fault for armed in bench.faults.armed()] == [fault]
    assert bench.row()["paid_fen"] == 350


def test_a_payment_can_come_before_the_answer_to_its_order(bench: Bench) -> None:
    bench.arm(Fault.PAYMENT_BEATS_ANSWER)
    bench.order()
    assert bench.query().body["trade_state"] == "SUCCESS"


def test_a_close_while_the_payer_types_closes_nothing(bench: Bench) -> None:
    bench.arm(Fault.CLOSE_USER_PAYING)
    bench.order()
    result = bench.close()
    assert (result.status, result.code) == (202, "USER_PAYING")
    assert bench.query().body["trade_state"] == "NOTPAY"


def test_an_order_can_be_unknown_for_a_moment(bench: Bench) -> None:
    bench.order()
    bench.arm(Fault.ORDER_UNKNOWN_YET)
    assert bench.query().code == "ORDER_NOT_EXIST"
    assert bench.query().status == 200


def test_the_same_seed_gives_the_same_numbers(make_bench: Callable[..., Bench]) -> None:
    def names(seed: int) -> list[str]:
        bench = make_bench(seed=seed)
        code_url = bench.paid()
        bench.pass_ms(0)
        refund = bench.refund()
        transaction = str(bench.query().body["transaction_id"])
        notice = str(bench.platform.books(bench.now_ms)["notices"][0]["id"])
        ids = [refund.answer.headers["Request-ID"], refund.body["refund_id"], transaction, notice]
        return [code_url, *ids]

    assert names(7) == names(7)
    assert not set(names(7)) & set(names(8))
