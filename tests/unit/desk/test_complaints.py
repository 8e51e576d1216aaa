"""Complaints before the simulated platform: paid back, answered, left to a person, and said only once."""

import pytest

from cloud_bridge.core.complaint import ANSWER_BYTES, UNANSWERED_S, Standing, Verdict, shortened
from cloud_bridge.core.model import State
from cloud_bridge.engine_complaints import ACTS_A_MINUTE
from cloud_bridge.ports_desk import ComplaintHint, Page
from hw_sim.platform.faults import Fault
from tests.unit.desk.shop import ADDRESS, BRAKED, IN_DOUBT, REFUNDED, REFUNDING, VENDED, Shop
from tests.unit.sim_platform.bench import NUMBER

PHONE = "13900001234"


async def test_the_address_is_set_right_by_itself_and_only_when_it_is_not(shop: Shop) -> None:
    await shop.works()
    assert shop.platform.url == ADDRESS
    shop.platform.url = "https://somewhere.example/else"
    shop.desk = shop._desk({"": ADDRESS})
    await shop.works()
    assert shop.platform.url == ADDRESS
    before = len(shop.counter.calls)
    shop.desk = shop._desk({"": ADDRESS})
    await shop.works()
    assert [call for call in shop.counter.calls[before:] if "notifications" in call] == [
        "GET complaint-notifications"
    ]


async def test_a_merchant_who_wants_no_notifications_has_his_address_dropped(shop: Shop) -> None:
    shop.platform.url = "https://somewhere.example/else"
    shop.desk = shop._desk({"": ""})
    await shop.works()
    assert shop.platform.url == ""


async def test_an_address_that_is_refused_is_an_alarm_until_it_is_taken(shop: Shop) -> None:
    shop.desk = shop._desk({"": "http://plain.example/notify"})
    await shop.works()
    assert "complaint_address" in await shop.alarms()
    shop.desk = shop._desk({"": ADDRESS})
    await shop.works()
    assert "complaint_address" not in await shop.alarms()


async def test_goods_that_stayed_in_are_paid_back_answered_and_settled(shop: Shop) -> None:
    await shop.works()
    await shop.sold(**BRAKED)
    shop.complains()
    assert await shop.notified() == 2  # the payment, and the complaint
    await shop.works()
    (wish,) = shop.engine.wishes
    assert (wish.sale_id, wish.by) == (NUMBER, "complaint")
    assert (
        "MERCHANT_RESPONSE",
        "抱歉，05-28 20:26 vm-0001货道12可乐¥3.50未成功，已发起退款，将原路退回。",
    ) in shop.said()
    await shop.becomes(**REFUNDED)
    await shop.works()
    assert shop.said()[-1][0] == "MERCHANT_CONFIRM_COMPLETE"
    assert (await shop.row()).standing is Standing.PROCESSED
    assert [action for action, _ in shop.said()].count("MERCHANT_RESPONSE") == 1


async def test_money_that_is_back_already_is_said_and_the_complaint_ends(shop: Shop) -> None:
    await shop.works()
    await shop.sold(**REFUNDED)
    shop.complains()
    await shop.notified()
    await shop.works()
    actions = [action for action, _ in shop.said()]
    assert actions == ["CREATE_COMPLAINT", "MERCHANT_RESPONSE", "MERCHANT_CONFIRM_COMPLETE"]
    assert "款项已原路退回" in shop.said()[1][1]
    assert shop.engine.wishes == []


async def test_a_wish_for_money_is_approved_when_the_money_goes_back(shop: Shop) -> None:
    await shop.works()
    await shop.sold(**REFUNDING)
    shop.complains(problem="REFUND")
    await shop.notified()
    await shop.works()
    assert [action for action, _ in shop.said()][1:] == ["MERCHANT_RESPONSE", "MERCHANT_APPROVE_REFUND"]


async def test_delivered_goods_get_a_prepared_answer_that_a_person_sends(shop: Shop) -> None:
    await shop.works()
    await shop.sold(**VENDED)
    complaint = shop.complains()
    await shop.notified()
    await shop.works()
    assert [action for action, _ in shop.said()] == ["CREATE_COMPLAINT"]
    (shown,) = await shop.desk.views()
    assert (shown.verdict, shown.next) == ("delivered", "send_prepared")
    assert (
        shown.prepared
        == "您好，05-28 20:26 vm-0001货道12可乐¥3.50，机器检测到已出货。如未取到请在此回复，我们会处理。"
    )
    assert "complaint" in await shop.alarms()
    assert await shop.desk.answer(complaint.complaint_id, "", "ann") == ""
    await shop.works()
    assert shop.said()[-1] == ("MERCHANT_RESPONSE", shown.prepared)
    (answered,) = await shop.desk.views()
    assert (answered.next, answered.acts[-1].by) == ("complete", "ann")
    assert "complaint" not in await shop.alarms()
    assert await shop.desk.complete(complaint.complaint_id, "ann") == ""
    await shop.works()
    assert shop.standing() == "PROCESSED"
    assert await shop.desk.views() == ()


@pytest.mark.parametrize(
    ("row", "verdict"), [(IN_DOUBT, Verdict.UNKNOWN), ({"state": State.PAID}, Verdict.WAITING)]
)
async def test_what_nobody_knows_is_neither_paid_back_nor_answered_by_itself(
    shop: Shop, row: dict[str, object], verdict: Verdict
) -> None:
    await shop.works()
    await shop.sold(**row)
    shop.complains()
    await shop.notified()
    await shop.works()
    assert ([action for action, _ in shop.said()], shop.engine.wishes) == (["CREATE_COMPLAINT"], [])
    assert (await shop.row()).verdict is verdict


async def test_doubt_that_ends_in_a_refund_is_answered_then(shop: Shop) -> None:
    await shop.works()
    await shop.sold(**IN_DOUBT)
    shop.complains()
    await shop.notified()
    await shop.works()
    await shop.becomes(**REFUNDING, case="")
    await shop.works()
    assert "已发起退款" in shop.said()[-1][1]


async def test_a_payment_that_the_books_missed_is_asked_for_and_not_every_round(shop: Shop) -> None:
    await shop.works()
    await shop.sold(state=State.CLOSED, paid_fen=0, transaction_id="")
    shop.complains()
    await shop.notified()
    await shop.works(rounds=3)
    assert shop.engine.looked_up == [NUMBER]
    shop.bench.now_ms += 601_000
    await shop.works()
    assert shop.engine.looked_up == [NUMBER, NUMBER]


async def test_a_payment_of_a_stranger_waits_for_a_person(shop: Shop) -> None:
    await shop.works()
    shop.bench.paid()
    complaint = shop.complains()
    await shop.notified()
    await shop.works()
    (shown,) = await shop.desk.views()
    assert (shown.sale_id, shown.verdict, shown.next, shown.prepared) == ("", "unknown", "answer", "")
    assert "too little" in await shop.desk.answer(complaint.complaint_id, "", "ann")
    assert await shop.desk.answer(complaint.complaint_id, "正在核实，请稍候", "ann") == ""
    await shop.works()
    assert shop.said()[-1] == ("MERCHANT_RESPONSE", "正在核实，请稍候")


async def test_a_complaint_is_joined_by_its_payment_and_not_by_what_it_says(shop: Shop) -> None:
    await shop.works()
    await shop.sold(**VENDED)
    await shop.becomes(transaction_id="T-of-another")
    shop.complains()
    await shop.notified()
    await shop.works()
    assert (await shop.row()).sale_id == NUMBER  # our own number, for want of the payment
    await shop.becomes(transaction_id=shop.platform.book.all()[0].order.transaction_id)
    await shop.works()
    assert (await shop.row()).sale_id == NUMBER


# ---------------------------------------------------------------- repeats, losses, restarts


async def test_an_answer_whose_answer_was_lost_is_not_said_twice(shop: Shop) -> None:
    await shop.works()
    await shop.sold(**REFUNDED)
    shop.complains()
    await shop.notified()
    shop.counter.cut = 1
    await shop.works(rounds=2)
    assert [action for action, _ in shop.said()].count("MERCHANT_RESPONSE") == 1
    answer, *_ = await shop.acts()
    assert (answer.outcome, answer.tries) == ("done", 2)


async def test_repeated_notices_and_sweeps_change_nothing(shop: Shop) -> None:
    await shop.works()
    await shop.sold(**REFUNDED)
    complaint = shop.complains()
    await shop.notified()
    await shop.works()
    said = shop.said()
    for _ in range(3):
        await shop.desk.hint(_hint(complaint.complaint_id))
        await shop.works()
    assert shop.said() == said


async def test_what_was_decided_before_a_restart_is_done_after_it(shop: Shop) -> None:
    await shop.works()
    await shop.sold(**VENDED)
    complaint = shop.complains()
    await shop.notified()
    await shop.works()
    assert await shop.desk.answer(complaint.complaint_id, "", "ann") == ""
    shop.desk = shop._desk({"": ADDRESS})
    await shop.works()
    assert [action for action, _ in shop.said()].count("MERCHANT_RESPONSE") == 1


async def test_a_complaint_whose_notice_was_lost_is_found_by_the_daily_sweep(shop: Shop) -> None:
    shop.bench.arm(Fault.LOST_NOTICE, only="complaint")
    await shop.works()
    await shop.sold(**REFUNDED)
    shop.complains()
    await shop.notified()
    await shop.works(rounds=2)
    shop.desk = shop._desk({"": ADDRESS})
    shop.bench.now_ms += 3_600_000
    await shop.works()
    assert shop.standing() == "PROCESSED"


async def test_a_sweep_reads_every_page(shop: Shop) -> None:
    for number in range(60):
        name = f"order-{number:06d}"
        shop.bench.paid(name)
        order = shop.bench.platform.paid_order(name, shop.bench.now_ms)
        assert order is not None
        shop.platform.book.create(order, shop.bench.now_ms)
    page = await shop.calls.list("2027-01-15", "2027-01-15", 50)
    assert isinstance(page, Page)
    assert (len(page.complaints), page.total) == (10, 60)
    await shop.works()
    assert len(await shop.store.complaints()) == 60


async def test_a_crowd_of_payers_is_answered_at_the_platforms_pace(shop: Shop) -> None:
    await shop.works()
    for number in range(ACTS_A_MINUTE + 5):
        name = f"order-{number:06d}"
        shop.bench.paid(name)
        order = shop.bench.platform.paid_order(name, shop.bench.now_ms)
        assert order is not None
        made = shop.platform.book.create(order, shop.bench.now_ms)
        await shop.desk.hint(_hint(made.complaint_id))
    await shop.works()
    for complaint in shop.platform.book.all():
        assert await shop.desk.answer(complaint.complaint_id, "正在核实", "ann") == ""
    await shop.works(rounds=2)
    assert shop.counter.calls.count("POST response") == ACTS_A_MINUTE
    shop.bench.now_ms += 60_000
    await shop.works()
    assert shop.counter.calls.count("POST response") == ACTS_A_MINUTE + 5


async def test_a_refused_answer_is_shown_and_not_tried_again(shop: Shop) -> None:
    await shop.works()
    await shop.sold(**VENDED)
    complaint = shop.complains()
    await shop.notified()
    await shop.works()
    assert await shop.desk.answer(complaint.complaint_id, "长" * 300, "ann") == ""
    await shop.works(rounds=2)
    (act,) = await shop.acts()
    assert act.outcome == "refused: param_error"
    assert shop.counter.calls.count("POST response") == 1


async def test_a_payer_who_speaks_again_waits_for_a_person(shop: Shop) -> None:
    await shop.works()
    await shop.sold(**REFUNDING)
    complaint = shop.complains()
    await shop.notified()
    await shop.works()
    assert (await shop.row()).waits_since_wall_ms == 0
    shop.platform.book.speak(complaint.complaint_id, "还没收到", shop.bench.now_ms)
    await shop.notified()
    await shop.works()
    (shown,) = await shop.desk.views()
    assert (shown.waits_since_wall_ms > 0, shown.next) == (True, "answer")
    assert [action for action, _ in shop.said()].count("MERCHANT_RESPONSE") == 1


# ---------------------------------------------------------------- people


async def test_twelve_hours_without_an_answer_are_an_alarm_that_an_answer_ends(shop: Shop) -> None:
    await shop.works()
    await shop.sold(**VENDED)
    complaint = shop.complains()
    await shop.notified()
    await shop.works()
    assert "complaint_unanswered" not in await shop.alarms()
    shop.bench.now_ms += UNANSWERED_S * 1000
    await shop.works()
    assert "complaint_unanswered" in await shop.alarms()
    (shown,) = await shop.desk.views()
    assert shown.overdue
    await shop.desk.answer(complaint.complaint_id, "", "ann")
    await shop.works()
    assert "complaint_unanswered" not in await shop.alarms()


async def test_a_phone_is_opened_for_a_person_and_that_is_noted(shop: Shop) -> None:
    await shop.works()
    await shop.sold(**VENDED)
    complaint = shop.complains(phone=PHONE)
    await shop.notified()
    await shop.works()
    assert await shop.desk.phone(complaint.complaint_id, "ann") == PHONE
    story = await shop.desk.story(complaint.complaint_id)
    assert story is not None
    assert [fact.what for fact in story.timeline] == ["a payer complains", "ann saw the payer's phone"]
    assert PHONE not in repr([*shop.log.lines, story, await shop.row(), await shop.store.sale(NUMBER)])


async def test_no_word_of_a_payer_reaches_a_log_or_a_timeline(shop: Shop) -> None:
    secret = "我的秘密地址"
    await shop.works()
    await shop.sold(**VENDED)
    complaint = shop.complains(words=secret)
    await shop.notified()
    await shop.desk.answer(complaint.complaint_id, "x" * 700, "ann")
    await shop.works()
    told = await shop.store.sale(NUMBER)
    assert told is not None
    assert secret not in repr([shop.log.lines, told, await shop.row(), await shop.store.alarms()])


async def test_two_people_do_not_answer_at_the_same_time(shop: Shop) -> None:
    await shop.works()
    await shop.sold(**VENDED)
    complaint = shop.complains()
    await shop.notified()
    await shop.works()
    assert await shop.desk.answer(complaint.complaint_id, "", "ann") == ""
    assert "on its way" in await shop.desk.answer(complaint.complaint_id, "", "bob")
    assert "no such complaint" in await shop.desk.answer("nobody", "", "bob")


async def test_pictures_go_both_ways(shop: Shop) -> None:
    picture = b"\xff\xd8\xff a picture"
    await shop.works()
    await shop.sold(**VENDED)
    complaint = shop.complains()
    shop.platform.book.attach(complaint.complaint_id, picture)
    await shop.notified()
    await shop.works()
    (path,) = (await shop.row()).pictures.split()
    assert await shop.calls.picture(path) == picture
    media_id = await shop.calls.send_picture("lane 12.jpg", picture)
    assert isinstance(media_id, str)
    assert await shop.calls.answer(complaint.complaint_id, "如图", (media_id,)) is None


def test_an_answer_never_exceeds_what_the_platform_counts() -> None:
    assert len(shortened("很长" * 100, ANSWER_BYTES).encode()) <= ANSWER_BYTES


def _hint(complaint_id: str) -> ComplaintHint:
    return ComplaintHint(event_type="COMPLAINT.STATE_CHANGE", complaint_id=complaint_id, action="whatever")
