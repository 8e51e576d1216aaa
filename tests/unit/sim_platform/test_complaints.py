"""Complaints, violations and mini-program deliveries of the simulated platform, as described."""

import base64
import json
import random
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP

from hw_sim.platform.answers import Call
from hw_sim.platform.complaint_calls import SCHEDULES, ComplaintDesk
from hw_sim.platform.complaints import Complaint
from hw_sim.platform.ids import Ids
from hw_sim.platform.orders import Shop
from hw_sim.platform.shipping import Shipping
from hw_sim.platform.violations import Violations
from tests.unit.sim_platform.bench import MINUTE_MS, NUMBER, START_MS, Bench, Result

LIST = "/v3/merchant-service/complaints-v2"
ADDRESS = "/v3/merchant-service/complaint-notifications"
URL = "https://shop.example/complaints"
TODAY = "2027-01-15"
WEEK_MS = 7 * 24 * 60 * MINUTE_MS


def opened(bench: Bench, **more: Any) -> ComplaintDesk:
    merchant = bench.keys.merchant
    desk = ComplaintDesk(platform=bench.platform, merchant=merchant, ids=Ids(random.Random(1)), **more)
    bench.api.add(desk.routes())
    return desk


def complains(bench: Bench, desk: ComplaintDesk, **told: str) -> Complaint:
    if bench.platform.paid_order(NUMBER, bench.now_ms) is None:
        bench.paid()
    order = bench.platform.paid_order(NUMBER, bench.now_ms)
    assert order is not None
    return desk.book.create(order, bench.now_ms, **told)


def answer(bench: Bench, complaint: Complaint, words: str = "正在核实", **changed: Any) -> Result:
    body = {"complainted_mchid": bench.keys.merchant.mchid, "response_content": words} | changed
    return bench.call("POST", f"{LIST}/{complaint.complaint_id}/response", body)


def listed(bench: Bench, begin: str = TODAY, end: str = TODAY, more: str = "") -> Result:
    return bench.call("GET", f"{LIST}?begin_date={begin}&end_date={end}{more}")


def detail(bench: Bench, complaint: Complaint) -> Any:
    return bench.call("GET", f"{LIST}/{complaint.complaint_id}").body


def test_only_a_paid_order_can_be_complained_about_and_only_once(bench: Bench) -> None:
    desk = opened(bench)
    bench.order()
    order = bench.platform.paid_order(NUMBER, bench.now_ms)
    assert order is not None
    with pytest.raises(ValueError, match="unpaid"):
        desk.book.create(order, bench.now_ms)
    bench.pay(order.code_url)
    complains(bench, desk)
    with pytest.raises(ValueError, match="already"):
        complains(bench, desk)


def test_a_list_has_pages_and_a_span_of_thirty_days_at_most(bench: Bench) -> None:
    desk = opened(bench)
    complains(bench, desk)
    assert listed(bench).body["total_count"] == 1
    assert listed(bench, more="&limit=1&offset=1").body["data"] == []
    assert listed(bench, "2026-12-17").status == 200
    for wrong in (listed(bench, "2026-12-16"), listed(bench, "2027-01-16"), listed(bench, "yesterday")):
        assert (wrong.status, wrong.code) == (400, "PARAM_ERROR")
    for limit in (0, 51):
        assert listed(bench, more=f"&limit={limit}").status == 400


def test_the_first_answer_opens_it_and_its_end_is_final_until_the_payer_comes_back(bench: Bench) -> None:
    desk = opened(bench)
    complaint = complains(bench, desk)
    assert detail(bench, complaint)["complaint_state"] == "PENDING"
    assert answer(bench, complaint).status == 204
    assert detail(bench, complaint)["complaint_state"] == "PROCESSING"
    done = {"complainted_mchid": bench.keys.merchant.mchid}
    assert bench.call("POST", f"{LIST}/{complaint.complaint_id}/complete", done).status == 204
    assert bench.call("POST", f"{LIST}/{complaint.complaint_id}/complete", done).status == 400
    desk.book.speak(complaint.complaint_id, "还没解决", bench.now_ms, again=True)
    again = detail(bench, complaint)
    assert (again["complaint_state"], again["user_complaint_times"]) == ("PENDING", 2)


def test_a_payer_who_answers_waits_until_the_merchant_does(bench: Bench) -> None:
    desk = opened(bench)
    complaint = complains(bench, desk)
    desk.book.speak(complaint.complaint_id, "在吗", bench.now_ms)
    assert detail(bench, complaint)["incoming_user_response"]
    answer(bench, complaint)
    assert not detail(bench, complaint)["incoming_user_response"]


def test_a_phone_is_sealed_for_the_merchants_certificate(bench: Bench) -> None:
    desk = opened(bench)
    complaint = complains(bench, desk, phone="13900001234")
    sealed = base64.b64decode(detail(bench, complaint)["payer_phone"])
    oaep = OAEP(MGF1(hashes.SHA1()), hashes.SHA1(), None)
    assert bench.key.decrypt(sealed, oaep) == b"13900001234"


def test_money_that_is_back_ends_what_was_approved_and_only_that(bench: Bench) -> None:
    desk = opened(bench)
    complaint = complains(bench, desk, problem="REFUND")
    assert detail(bench, complaint)["apply_refund_amount"] == 350
    bench.refund()
    bench.pass_ms(3_000)
    shown = detail(bench, complaint)
    assert (shown["complaint_state"], shown["complaint_full_refunded"]) == ("PENDING", True)
    approval = {"action": "APPROVE", "launch_refund_day": 0}
    target = f"{LIST}/{complaint.complaint_id}/update-refund-progress"
    assert bench.call("POST", target, {"action": "APPROVE"}).status == 400
    assert bench.call("POST", target, approval).status == 204
    assert detail(bench, complaint)["complaint_state"] == "PROCESSED"


def test_part_of_the_money_is_not_all_of_it(bench: Bench) -> None:
    desk = opened(bench)
    complaint = complains(bench, desk)
    bench.refund(fen=100)
    bench.pass_ms(3_000)
    assert not detail(bench, complaint)["complaint_full_refunded"]


def test_answers_have_bounds_and_only_for_ones_own_payers(bench: Bench) -> None:
    complaint = complains(bench, opened(bench))
    assert answer(bench, complaint, complainted_mchid="1900000000").status == 403
    assert answer(bench, complaint, "").code == "PARAM_ERROR"
    assert answer(bench, complaint, response_images=["nobody"]).status == 404
    assert answer(bench, complaint, response_images=["x"] * 5).status == 400


def test_the_minutes_limits_hold_and_end_with_the_minute(bench: Bench) -> None:
    complaint = complains(bench, opened(bench))
    statuses = [answer(bench, complaint).status for _ in range(61)]
    assert (statuses[:60], statuses[60]) == ([204] * 60, 429)
    bench.now_ms += MINUTE_MS
    assert answer(bench, complaint).status == 204


@pytest.mark.parametrize(("page", "first", "count"), [("2021", 15_000, 15), ("2023", 5_000, 1000)])
def test_a_notice_is_sent_again_as_either_page_says(bench: Bench, page: str, first: int, count: int) -> None:
    desk = opened(bench, schedule=page)
    assert bench.call("POST", ADDRESS, {"url": URL}).status == 200
    bench.paid()
    bench.pass_ms(0)
    bench.verdict = 500
    complains(bench, desk)
    bench.letters.clear()
    bench.pass_ms(WEEK_MS)
    at = [moment for moment, _ in bench.letters]
    assert (len(at) - 1, at[1] - at[0]) == (count, first)
    assert sum(SCHEDULES[page]) * 1000 == at[-1] - at[0] <= WEEK_MS
    assert {json.loads(letter.body)["id"] for _, letter in bench.letters[:3]} == {
        json.loads(bench.letters[0][1].body)["id"]
    }


@pytest.mark.parametrize("tells", [False, True])
def test_the_merchants_own_acts_are_pushed_or_not(bench: Bench, tells: bool) -> None:
    desk = opened(bench, tells_own=tells)
    bench.call("POST", ADDRESS, {"url": URL})
    complaint = complains(bench, desk)
    answer(bench, complaint)
    bench.pass_ms(0)
    actions = [bench.opened(letter).get("action_type") for _, letter in bench.letters]
    assert ("MERCHANT_RESPONSE" in actions) is tells
    assert "CREATE_COMPLAINT" in actions


def test_an_address_is_https_and_one(bench: Bench) -> None:
    opened(bench)
    assert bench.call("GET", ADDRESS).status == 404
    assert bench.call("PUT", ADDRESS, {"url": URL}).status == 404
    assert bench.call("POST", ADDRESS, {"url": "http://shop.example/x"}).status == 400
    assert bench.call("POST", ADDRESS, {"url": URL}).status == 200
    assert bench.call("POST", ADDRESS, {"url": URL}).status == 400
    assert bench.call("DELETE", ADDRESS).status == 204


# ---------------------------------------------------------------- violations and deliveries


def test_violations_are_for_providers(bench: Bench) -> None:
    mchid = bench.keys.merchant.mchid
    direct = Violations(platform=bench.platform, ids=Ids(random.Random(1)), mchid=mchid, provider=False)
    bench.api.add(direct.routes())
    target = "/v3/merchant-risk-manage/violation-notifications"
    assert bench.call("POST", target, {"notify_url": URL}).status == 403


def test_a_violation_may_come_with_a_stray_tab(bench: Bench) -> None:
    mchid = bench.keys.merchant.mchid
    desk = Violations(platform=bench.platform, ids=Ids(random.Random(1)), mchid=mchid, stray_tab=True)
    desk.tell({"url": URL}, bench.now_ms)
    bench.pass_ms(0)
    assert "risk_description\t" in bench.opened(bench.letters[0][1])


def shipping(bench: Bench) -> Shipping:
    merchant = bench.keys.merchant
    shop = Shop(merchant.mchid, merchant.appid, "Shop")
    return Shipping(platform=bench.platform, shop=shop, ids=Ids(random.Random(1)), app_secret="s" * 32)


def asked(desk: Shipping, method: str, target: str, body: Any = None, now_ms: int = START_MS) -> Any:
    raw = b"" if body is None else json.dumps(body).encode()
    return json.loads(desk.handle(Call(method, target, {}, raw), now_ms).body)


@pytest.mark.parametrize(
    ("changes", "code"),
    [({"secret": "x"}, 40125), ({"appid": "wx0"}, 40013), ({"grant_type": "x"}, 40002)],
)
def test_a_token_is_for_who_knows_the_secret(bench: Bench, changes: dict[str, str], code: int) -> None:
    good = {"grant_type": "client_credential", "appid": bench.keys.merchant.appid, "secret": "s" * 32}
    desk = shipping(bench)
    assert asked(desk, "POST", "/cgi-bin/stable_token", good)["expires_in"] == 7200
    assert asked(desk, "POST", "/cgi-bin/stable_token", good | changes)["errcode"] == code


def test_a_report_needs_a_token_that_is_not_over_and_the_right_shape(bench: Bench) -> None:
    desk = shipping(bench)
    good = {"grant_type": "client_credential", "appid": bench.keys.merchant.appid, "secret": "s" * 32}
    token = asked(desk, "POST", "/cgi-bin/stable_token", good)["access_token"]
    upload = "/wxa/sec/order/upload_shipping_info?access_token="
    assert asked(desk, "POST", f"{upload}nobody", {})["errcode"] == 40001
    assert asked(desk, "POST", f"{upload}{token}", {})["errcode"] == 47001
    assert asked(desk, "POST", f"{upload}{token}", {}, START_MS + 7_200_000)["errcode"] == 42001
    assert asked(desk, "GET", "/wxa/nothing")["errcode"] == 40066
