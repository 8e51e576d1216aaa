"""Notifications: when they come, come again and stop; and each way in which one can be wrong."""

import json
from collections.abc import Callable

import pytest

from hw_sim.platform.faults import Fault
from hw_sim.platform.model import Rules
from tests.unit.sim_platform.bench import MINUTE_MS, NOTIFY, NUMBER, START_MS, Bench

# As documented: 15 s twice, 30 s, 3, 10 and 20 min, 30 min three times, 60 min, 3 h three times, 6 h twice.
REPEATS_AT_S = (
    *(15, 30, 60, 240, 840, 2040, 3840, 5640, 7440, 11_040),
    *(21_840, 32_640, 43_440, 65_040, 86_640),
)
DAY_MS = 24 * 60 * MINUTE_MS


def sent_at_s(bench: Bench) -> list[float]:
    return [(at_ms - START_MS) / 1000 for at_ms, _ in bench.letters]


@pytest.mark.parametrize("verdict", [500, 401, 302, 201, 202, "no answer in time"])
def test_a_notice_that_is_not_acknowledged_comes_sixteen_times_in_24_h_4_min(
    bench: Bench, verdict: int | str
) -> None:
    bench.verdict = verdict
    bench.paid()
    bench.pass_ms(3 * DAY_MS)
    assert sent_at_s(bench) == [0, *REPEATS_AT_S]
    assert REPEATS_AT_S[-1] == 24 * 3600 + 4 * 60
    assert bench.events.since(0)[-1]["fact"] == "notice.given_up"
    assert bench.platform.next_wakeup_ms() is None


@pytest.mark.parametrize("verdict", [200, 204])
def test_an_acknowledged_notice_does_not_come_again(bench: Bench, verdict: int) -> None:
    bench.paid()
    bench.verdict = 500
    bench.pass_ms(40_000)
    bench.verdict = verdict
    bench.pass_ms(3 * DAY_MS)
    assert sent_at_s(bench) == [0, 15, 30, 60]
    assert bench.platform.books(bench.now_ms)["notices"][0]["acknowledged"] is True


@pytest.mark.parametrize(("took_ms", "repeated"), [(5000, False), (5001, True)])
def test_an_answer_counts_within_five_seconds(bench: Bench, took_ms: int, *, repeated: bool) -> None:
    bench.paid()
    (delivery,) = bench.platform.due(bench.now_ms)
    bench.platform.report(delivery, 204, bench.now_ms + took_ms)
    assert (bench.platform.next_wakeup_ms() is not None) is repeated


def test_a_repeat_has_the_same_id_and_a_fresh_signature(bench: Bench) -> None:
    bench.verdict = 500
    bench.paid()
    bench.pass_ms(20_000)
    (_, first), (_, second) = bench.letters
    assert json.loads(first.body)["id"] == json.loads(second.body)["id"]
    assert first.headers["Wechatpay-Nonce"] != second.headers["Wechatpay-Nonce"]
    assert int(second.headers["Wechatpay-Timestamp"]) == START_MS // 1000 + 15
    assert bench.opened(first) == bench.opened(second)


def test_a_speedup_divides_the_waits(make_bench: Callable[..., Bench]) -> None:
    bench = make_bench(rules=Rules(notify_speedup=10), verdict=500)
    bench.paid()
    bench.pass_ms(25_000)
    assert sent_at_s(bench) == [0, 1.5, 3, 6, 24]


def test_a_payment_notice_says_what_a_query_says(bench: Bench) -> None:
    bench.paid()
    bench.pass_ms(0)
    ((_, letter),) = bench.letters
    assert letter.url == NOTIFY
    envelope = json.loads(letter.body)
    assert (envelope["event_type"], envelope["resource_type"]) == ("TRANSACTION.SUCCESS", "encrypt-resource")
    assert envelope["resource"]["original_type"] == "transaction"
    assert bench.opened(letter) == bench.query().body
    assert bench.opened(letter)["amount"] == {
        "total": 350,
        "currency": "CNY",
        "payer_total": 350,
        "payer_currency": "CNY",
    }


def test_a_refund_notice_says_refund_status_and_no_currency(bench: Bench) -> None:
    bench.paid()
    bench.refund()
    bench.pass_ms(5000)
    told = bench.opened(bench.letters[-1][1])
    assert told["refund_status"] == "SUCCESS"
    assert "status" not in told
    assert told["amount"] == {"total": 350, "refund": 350, "payer_total": 350, "payer_refund": 350}
    assert json.loads(bench.letters[-1][1].body)["event_type"] == "REFUND.SUCCESS"


# ---------------------------------------------------------------- on the way


def test_a_lost_notice_never_comes_and_the_next_one_does(bench: Bench) -> None:
    bench.arm(Fault.LOST_NOTICE)
    bench.paid()
    bench.pass_ms(3 * DAY_MS)
    assert bench.letters == []
    bench.paid("order-000002")
    bench.pass_ms(0)
    assert len(bench.letters) == 1


def test_a_double_notice_comes_again_though_it_was_acknowledged(bench: Bench) -> None:
    bench.arm(Fault.DOUBLE_NOTICE, delay_ms=1000)
    bench.paid()
    bench.pass_ms(DAY_MS)
    assert sent_at_s(bench) == [0, 1]
    (_, first), (_, second) = bench.letters
    assert first.headers["Wechatpay-Signature"] != second.headers["Wechatpay-Signature"]
    assert bench.opened(first) == bench.opened(second)


def test_only_one_of_a_double_is_repeated(bench: Bench) -> None:
    bench.arm(Fault.DOUBLE_NOTICE, delay_ms=1000)
    bench.verdict = 500
    bench.paid()
    bench.pass_ms(40_000)
    assert sent_at_s(bench) == [0, 1, 15, 30]


def test_taking_in_either_of_a_double_ends_the_repeats(bench: Bench) -> None:
    bench.arm(Fault.DOUBLE_NOTICE, delay_ms=1000)
    bench.verdict = 500
    bench.paid()
    bench.pass_ms(0)
    bench.verdict = 204
    bench.pass_ms(DAY_MS)
    assert sent_at_s(bench) == [0, 1]


def test_a_replayed_notice_is_the_very_same_bytes(bench: Bench) -> None:
    bench.arm(Fault.REPLAYED_NOTICE, delay_ms=2000)
    bench.paid()
    bench.pass_ms(DAY_MS)
    assert sent_at_s(bench) == [0, 2]
    assert bench.letters[0][1] == bench.letters[1][1]


def test_a_late_payment_notice_is_overtaken_by_the_refund_notice(bench: Bench) -> None:
    bench.arm(Fault.LATE_NOTICE, only="transaction", delay_ms=60_000)
    bench.paid()
    bench.refund()
    bench.pass_ms(DAY_MS)
    events = [json.loads(letter.body)["event_type"] for _, letter in bench.letters]
    assert events == ["REFUND.SUCCESS", "TRANSACTION.SUCCESS"]
    assert sent_at_s(bench) == [3, 60]


# ---------------------------------------------------------------- wrong bytes


@pytest.mark.parametrize(
    "fault", [Fault.NOTICE_WRONG_SIGNATURE, Fault.NOTICE_SIGNTEST, Fault.NOTICE_UNKNOWN_SERIAL]
)
def test_a_forged_notice_does_not_verify_and_its_repeat_does(bench: Bench, fault: Fault) -> None:
    bench.arm(fault)
    bench.verdict = 401
    bench.paid()
    bench.pass_ms(20_000)
    (_, forged), (_, repeat) = bench.letters
    assert not bench.verifies(forged.headers, forged.body)
    assert bench.opened(repeat)["out_trade_no"] == NUMBER


def test_a_probe_looks_as_in_the_field(bench: Bench) -> None:
    bench.arm(Fault.NOTICE_SIGNTEST)
    bench.paid()
    bench.pass_ms(0)
    signature = bench.letters[0][1].headers["Wechatpay-Signature"]
    assert signature.startswith("WECHATPAY/SIGNTEST/")
    assert len(signature) == 355


def test_an_unsigned_notice_has_no_signature_headers(bench: Bench) -> None:
    bench.arm(Fault.NOTICE_UNSIGNED)
    bench.paid()
    bench.pass_ms(0)
    assert not [name for name in bench.letters[0][1].headers if name.startswith("Wechatpay")]


def test_a_stale_notice_is_well_signed_and_301_seconds_old(bench: Bench) -> None:
    bench.arm(Fault.NOTICE_STALE)
    bench.paid()
    bench.pass_ms(0)
    ((at_ms, letter),) = bench.letters
    assert at_ms // 1000 - int(letter.headers["Wechatpay-Timestamp"]) == 301
    assert bench.verifies(letter.headers, letter.body)


@pytest.mark.parametrize(
    ("fault", "member"),
    [
        (Fault.NOTICE_UNKNOWN_ORDER, "out_trade_no"),
        (Fault.NOTICE_OTHER_MERCHANT, "mchid"),
        (Fault.NOTICE_OTHER_APP, "appid"),
        (Fault.NOTICE_OTHER_AMOUNT, "amount"),
    ],
)
def test_a_lying_notice_is_well_signed_and_lies_in_one_member(
    bench: Bench, fault: Fault, member: str
) -> None:
    bench.arm(fault)
    bench.paid()
    bench.pass_ms(0)
    told, truth = bench.opened(bench.letters[0][1]), bench.query().body
    assert {name for name in truth if told[name] != truth[name]} == {member}


def test_shuffled_members_spaces_and_news_change_nothing_that_is_known(bench: Bench) -> None:
    for fault in (Fault.NOTICE_SHUFFLED, Fault.NOTICE_EXTRA_SPACE, Fault.NOTICE_EXTRA_MEMBERS):
        bench.arm(fault)
    bench.paid()
    bench.pass_ms(0)
    letter = bench.letters[0][1]
    told, truth = bench.opened(letter), bench.query().body
    assert {name: told[name] for name in truth} == truth
    assert list(told) != [*truth, "new_member"]
    assert b'"\t: ' in letter.body
    assert "new_member" in json.loads(letter.body)


def test_an_oversize_notice_is_well_signed_and_beyond_64_kib(bench: Bench) -> None:
    bench.arm(Fault.NOTICE_OVERSIZE)
    bench.paid()
    bench.pass_ms(0)
    letter = bench.letters[0][1]
    assert len(letter.body) > 64 * 1024
    assert bench.opened(letter)["out_trade_no"] == NUMBER


def test_a_notice_may_lack_its_associated_data(bench: Bench) -> None:
    bench.arm(Fault.NOTICE_NO_ASSOCIATED_DATA)
    bench.paid()
    bench.pass_ms(0)
    letter = bench.letters[0][1]
    assert "associated_data" not in json.loads(letter.body)["resource"]
    assert bench.opened(letter)["out_trade_no"] == NUMBER


def test_a_notice_may_have_a_nonce_of_the_wrong_length(bench: Bench) -> None:
    bench.arm(Fault.NOTICE_BAD_NONCE)
    bench.paid()
    bench.pass_ms(0)
    assert len(json.loads(bench.letters[0][1].body)["resource"]["nonce"]) == 16


def test_a_slow_notice_keeps_half_of_itself_back(bench: Bench) -> None:
    bench.arm(Fault.NOTICE_SLOW)
    bench.paid()
    bench.pass_ms(0)
    letter = bench.letters[0][1]
    assert letter.keep == len(letter.body) // 2


def test_the_diary_tells_each_sending_and_what_came_of_it(bench: Bench) -> None:
    bench.verdict = 500
    bench.paid()
    bench.pass_ms(0)
    told = [(line["who"], line["what"]) for line in bench.events.since(2)]
    assert told == [
        ("wechat", "notification TRANSACTION.SUCCESS sent, attempt 1"),
        ("wechat", "notification TRANSACTION.SUCCESS answered: 500"),
    ]
