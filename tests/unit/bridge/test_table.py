"""The bridge's table: every cell is decided, and each rule does what the promise needs."""

from dataclasses import replace

import pytest

from cloud_bridge.core.ledger import Account, Post, balances
from cloud_bridge.core.model import (
    AlreadyPaid,
    Decision,
    NoSuchOrder,
    OrderClosed,
    OrderPlaced,
    RefundState,
    State,
    TellCode,
    TellPaid,
    TellQuery,
    TellRefused,
)
from cloud_bridge.core.order import remind, resume, step
from cloud_bridge.core.rule import never
from cloud_bridge.core.sale import (
    Again,
    AskRefund,
    AskRefundStatus,
    At,
    CloseOrder,
    Context,
    Event,
    JournalDoubted,
    NewerSessionSeen,
    OrderRefused,
    PlaceOrder,
    QueryOrder,
    RaiseAlarm,
    RefundOrdered,
    RefundRefused,
    Sale,
    Situation,
    Tell,
    Timer,
    Word,
    kind,
    situation,
)
from cloud_bridge.core.table import KINDS, RULES
from cloud_bridge.core.timings import Counts, Timings
from tests.unit.bridge.rows import (
    CASE,
    CLOSED,
    CLOSING,
    CTX,
    DOUBT,
    EVENTS,
    OFFERED,
    PAYMENT,
    QUOTED,
    REFUNDED,
    REFUNDING,
    REQUEST,
    ROWS,
    SALE_ID,
    UNSENT,
    VENDED,
    VENDING,
    only,
    rang,
    refund,
    said,
    unpaid,
)

S = Situation
GIVING_UP = {(S.QUOTED, S.CLOSING), (S.OFFERED, S.CLOSING), (S.OFFERED, S.CLOSED), (S.CLOSING, S.CLOSED)}
PAYING = {
    (before, after)
    for before in (S.NEW, S.QUOTED, S.OFFERED, S.CLOSING, S.CLOSED)
    for after in (S.VENDING, S.REFUNDING, S.VENDED, S.REFUNDED, S.CASE)
}
LISTED = {
    *((S.NEW, S.QUOTED), (S.NEW, S.CLOSED), (S.QUOTED, S.OFFERED)),
    *GIVING_UP,
    *PAYING,
    *((S.VENDING, S.DOUBT), (S.VENDING, S.VENDED), (S.VENDING, S.REFUNDING), (S.VENDING, S.CASE)),
    *((S.VENDING, S.REFUNDED), (S.DOUBT, S.REFUNDED)),
    *((S.DOUBT, S.VENDED), (S.DOUBT, S.REFUNDING), (S.DOUBT, S.CASE)),
    *((S.REFUNDING, S.REFUNDED), (S.REFUNDING, S.CASE)),
    *((S.CASE, S.VENDED), (S.CASE, S.REFUNDING), (S.CASE, S.REFUNDED), (S.CASE, S.SETTLED)),
}
FOREIGN = replace(CTX, store="s2")
DEAF = replace(CTX, link_live=False)
PAST = replace(CTX, past=True)


def alarms(effects: tuple[object, ...]) -> set[str]:
    return {alarm.name for alarm in only(effects, RaiseAlarm)}


def told(effects: tuple[object, ...]) -> list[type]:
    return [type(tell.message) for tell in only(effects, Tell)]


def after(sale: Sale | None, event: Event, ctx: Context = CTX) -> tuple[Sale, tuple[object, ...]]:
    decided = step(sale, event, ctx)
    assert decided.sale is not None
    return decided.sale, decided.effects


# ---------------------------------------------------------------- the whole table


def test_the_table_has_a_cell_for_every_situation_and_kind() -> None:
    assert {kind(event) for event in EVENTS} == set(KINDS)
    assert set(RULES) == {(where, column) for where in Situation for column in KINDS}
    assert {situation(row) for row in ROWS.values()} == set(Situation)


@pytest.mark.parametrize("where", Situation)
@pytest.mark.parametrize("ctx", [CTX, FOREIGN, DEAF, PAST], ids=["live", "foreign", "no link", "late"])
def test_only_listed_transitions_exist_and_money_never_turns_back(where: Situation, ctx: Context) -> None:
    before = ROWS[where]
    for event in EVENTS:
        decided = step(before, event, ctx)
        now = situation(decided.sale)
        assert now is where or (where, now) in LISTED, event
        if before is not None and decided.sale is not None:
            assert decided.sale.sale_id == before.sale_id
            assert before.decision is not Decision.REFUND or decided.sale.decision is Decision.REFUND
            assert decided.sale.doubt == before.doubt or before.doubt == ""


@pytest.mark.parametrize("where", Situation)
@pytest.mark.parametrize("ctx", [CTX, FOREIGN, DEAF, PAST], ids=["live", "foreign", "no link", "late"])
def test_an_authorisation_is_counted_and_only_for_a_sale_that_may_vend(
    where: Situation, ctx: Context
) -> None:
    before = ROWS[where]
    for event in EVENTS:
        decided = step(before, event, ctx)
        if TellPaid in told(decided.effects):
            assert decided.sale is not None
            assert situation(decided.sale) is Situation.VENDING
            assert decided.sale.sent_count == (before.sent_count if before else 0) + 1
            assert decided.sale.store == ctx.store
            assert not ctx.past
            assert TellPaid in told(decided.effects[:1])


@pytest.mark.parametrize("where", Situation)
def test_the_ledger_balances_and_owes_nothing_once_a_sale_is_over(where: Situation) -> None:
    owed = 350 if where in (S.VENDING, S.DOUBT, S.CASE) else 0
    pending = 350 if where is S.REFUNDING else 0
    for event in EVENTS:
        decided = step(ROWS[where], event, CTX)
        books = balances(only(decided.effects, Post))
        assert sum(books.values()) == 0
        if situation(decided.sale) in (S.VENDED, S.REFUNDED) and where not in (S.VENDED, S.REFUNDED):
            assert books[Account.CUSTOMER_LIABILITY] == owed, event
            assert books[Account.REFUNDS_PENDING] == pending, event


@pytest.mark.parametrize("where", Situation)
def test_our_own_bug_is_alarmed_and_holds_the_sale(where: Situation) -> None:
    for event in EVENTS:
        decided = step(ROWS[where], event, CTX)
        impossible = RULES[where, kind(event)] is never
        assert ("impossible" in alarms(decided.effects)) == impossible, event
        assert not impossible or decided.sale is None or decided.sale.case


@pytest.mark.parametrize("where", Situation)
def test_a_payment_that_is_told_twice_moves_money_once(where: Situation) -> None:
    once = step(ROWS[where], PAYMENT, CTX)
    twice = step(once.sale, PAYMENT, CTX)
    assert twice.sale == once.sale
    assert only(twice.effects, Post, Tell, AskRefund) == []


# ---------------------------------------------------------------- quoted and offered


def test_a_request_is_quoted_from_our_own_catalogue_and_the_order_is_placed_with_the_stored_bytes() -> None:
    sale, effects = after(None, REQUEST)
    assert (sale.state, sale.price_fen, sale.body) == (State.QUOTED, 350, f"{SALE_ID} 350".encode())
    assert only(effects, PlaceOrder) == [PlaceOrder(body=sale.body)]
    waits = {at.timer: at.delay_s for at in only(effects, At)}
    assert waits[Timer.QUOTE_OVER] == 120
    assert waits[Timer.PAY_WINDOW] == 180
    assert waits[Timer.BOUND] == pytest.approx(240 * 1.002 + 5 + 1)


@pytest.mark.parametrize(
    ("request_", "ctx", "why"),
    [
        (REQUEST, replace(CTX, obstacle="stale"), "stale"),
        (replace(REQUEST, lease_s=59), CTX, "lease"),
        (replace(REQUEST, lease_s=601), CTX, "lease"),
        (REQUEST, replace(CTX, product=None), "lane"),
        (replace(REQUEST, catalogue_version=6), CTX, "price"),
        (replace(REQUEST, price_fen=1), CTX, "price"),
        (REQUEST, replace(CTX, open_rows=2), "busy"),
        (REQUEST, replace(CTX, counts=Counts(lane=3, machine=3, fleet=3)), "brake_lane"),
        (REQUEST, replace(CTX, counts=Counts(lane=0, machine=6, fleet=6)), "brake_machine"),
    ],
)
def test_a_request_that_cannot_be_honoured_is_refused_and_nothing_is_ordered(
    request_: Event, ctx: Context, why: str
) -> None:
    sale, effects = after(None, request_, ctx)
    assert (sale.state, sale.why) == (State.CLOSED, why)
    assert only(effects, PlaceOrder) == []
    assert [tell.message for tell in only(effects, Tell)] == [TellRefused(sale_id=SALE_ID, why=why)]


def test_the_code_is_shown_five_seconds_less_than_the_order_lives() -> None:
    sale, effects = after(QUOTED, OrderPlaced(sale_id=SALE_ID, code_url="weixin://b"))
    assert sale.state is State.OFFERED
    (tell,) = only(effects, Tell)
    assert isinstance(tell.message, TellCode)
    assert tell.message.pay_s == 75


def test_a_closed_row_that_comes_before_its_request_gets_no_code() -> None:
    sale, _ = after(None, said(Word.CLOSED, "cancel"))
    assert (sale.state, sale.why) == (State.CLOSED, "early")
    again, effects = after(sale, REQUEST)
    assert again.state is State.CLOSED
    assert told(effects) == [TellRefused]


@pytest.mark.parametrize("event", [REQUEST, said(Word.CLOSED, "restart")], ids=["refused", "early"])
def test_an_order_that_restored_books_have_forgotten_is_looked_for_and_its_machine_is_asked(
    event: Event,
) -> None:
    sale, effects = after(None, event, replace(CTX, obstacle="stale"))
    assert (sale.state, sale.look_again, only(effects, QueryOrder)) == (State.CLOSED, True, [QueryOrder()])
    assert only(after(sale, unpaid())[1], CloseOrder) == [CloseOrder()]
    assert after(sale, NoSuchOrder(sale_id=SALE_ID))[0].look_again is False
    paid, effects = after(sale, PAYMENT)
    assert (paid.foreign, paid.decision, paid.case) == (True, Decision.VEND, "foreign")
    assert told(effects) == [TellQuery]
    assert after(paid, said(Word.DELIVERED))[0].state is State.VENDED
    assert after(paid, said(Word.CLOSED, "restart"))[0].decision is Decision.REFUND


def test_a_payment_of_an_order_whose_code_these_books_never_had_is_not_given_back_unasked() -> None:
    unseen, _ = after(QUOTED, OrderRefused(sale_id=SALE_ID, why="order_paid"))
    assert after(unseen, PAYMENT)[0].foreign
    assert after(CLOSING, PAYMENT)[0].decision is Decision.REFUND
    assert after(CLOSED, PAYMENT)[0].decision is Decision.REFUND


def test_a_sale_is_closed_here_only_after_the_platform_closed_it() -> None:
    sale, effects = after(OFFERED, said(Word.CLOSED, "cancel"))
    assert sale.state is State.CLOSING
    assert only(effects, QueryOrder)
    sale, effects = after(sale, unpaid())
    assert (sale.state, only(effects, CloseOrder)) == (State.CLOSING, [CloseOrder()])
    sale, _ = after(sale, OrderClosed(sale_id=SALE_ID))
    assert (sale.state, sale.why, sale.look_again) == (State.CLOSED, "cancel", True)


def test_an_order_that_was_refused_is_closed_all_the_same_because_an_earlier_try_may_live() -> None:
    sale, effects = after(QUOTED, OrderRefused(sale_id=SALE_ID, why="used"))
    assert sale.state is State.CLOSING
    assert told(effects) == [TellRefused]
    _, effects = after(sale, NoSuchOrder(sale_id=SALE_ID))
    assert only(effects, CloseOrder) == [CloseOrder()]


def test_closing_lasts_until_the_order_is_seen_closed_or_no_try_can_come_any_more() -> None:
    unseen, _ = after(QUOTED, said(Word.CLOSED, "no_answer"))
    shut = OrderClosed(sale_id=SALE_ID)
    assert after(unseen, shut) == (unseen, ())
    for event in (unpaid(), NoSuchOrder(sale_id=SALE_ID)):
        assert after(unseen, event)[0].state is State.CLOSING
    assert after(unseen, unpaid(closed=True))[0].state is State.CLOSED
    past, effects = after(unseen, rang(Timer.BOUND))
    assert only(effects, Again)
    assert after(past, shut)[0].state is State.CLOSED


def test_already_paid_is_asked_about_not_believed() -> None:
    for row in (OFFERED, CLOSING, CLOSED):
        sale, effects = after(row, AlreadyPaid(sale_id=SALE_ID))
        assert sale.state is row.state
        assert only(effects, QueryOrder)


def test_an_order_that_came_to_be_after_its_close_is_closed_again() -> None:
    sale, effects = after(CLOSED, unpaid())
    assert sale.look_again
    assert only(effects, CloseOrder) == [CloseOrder()]
    sale, _ = after(CLOSED, unpaid(closed=True))
    assert not sale.look_again


# ---------------------------------------------------------------- the decision


def test_a_payment_in_time_is_authorised_and_counted_in_the_same_transaction() -> None:
    sale, effects = after(OFFERED, PAYMENT)
    assert (sale.state, sale.decision, sale.sent_count) == (State.PAID, Decision.VEND, 1)
    message = effects[0].message  # type: ignore[attr-defined]
    assert (message.jid, message.boot, message.lane, message.paid_fen) == (sale.jid, 3, 12, 350)


def test_a_payment_while_the_link_is_down_is_not_counted_as_sent() -> None:
    sale, effects = after(OFFERED, PAYMENT, DEAF)
    assert (sale.decision, sale.sent_count) == (Decision.VEND, 0)
    assert told(effects) == []


@pytest.mark.parametrize("row", [CLOSING, CLOSED], ids=["closing", "closed"])
def test_a_payment_of_a_sale_given_up_goes_back(row: Sale) -> None:
    sale, effects = after(row, PAYMENT)
    assert sale.decision is Decision.REFUND
    assert only(effects, AskRefund)[0].draft.refund_no == f"R{SALE_ID}"


def test_a_payment_past_the_bound_goes_back_whether_the_timer_rang_or_only_ended() -> None:
    assert after(OFFERED, PAYMENT, PAST)[0].decision is Decision.REFUND
    assert after(replace(OFFERED, past=True), PAYMENT)[0].decision is Decision.REFUND


def test_a_wrong_amount_goes_back_whole() -> None:
    sale, effects = after(OFFERED, replace(PAYMENT, paid_fen=1))
    assert (sale.decision, sale.why) == (Decision.REFUND, "amount")
    assert only(effects, AskRefund)[0].draft.refund_fen == 1
    assert "amount_differs" in alarms(effects)


@pytest.mark.parametrize(
    ("event", "ctx"),
    [(replace(PAYMENT, merchant_ok=False), CTX), (PAYMENT, replace(CTX, owner="c" * 26))],
    ids=["another merchant's", "another sale's"],
)
def test_a_payment_that_does_not_fit_is_not_accepted(event: Event, ctx: Context) -> None:
    sale, effects = after(OFFERED, event, ctx)
    assert (sale.state, sale.paid_fen) == (State.OFFERED, 0)
    assert sale.case
    assert only(effects, Post) == []


def test_a_foreign_payment_is_asked_about_and_nothing_is_sent() -> None:
    for row in (None, OFFERED, CLOSED, CLOSING):
        sale, effects = after(row, PAYMENT, FOREIGN)
        assert (situation(sale), sale.foreign, sale.sent_count) == (S.VENDING, True, 0)
        assert told(effects) == [TellQuery]
        assert only(effects, AskRefundStatus) == [AskRefundStatus(refund_no=f"R{SALE_ID}")]
        assert sale.case == "foreign"


def test_a_payment_of_an_order_that_was_refused_as_known_is_foreign() -> None:
    """Books were restored, the machine asked again, and the platform knew the order in other words."""
    closing, _ = after(QUOTED, OrderRefused(sale_id=SALE_ID, why="invalid_request"))
    for row in (closing, replace(closing, state=State.CLOSED)):
        sale, effects = after(row, PAYMENT)
        assert (situation(sale), sale.foreign, sale.sent_count) == (S.VENDING, True, 0)
        assert told(effects) == [TellQuery]
        assert only(effects, AskRefund) == []
        assert after(sale, said(Word.DELIVERED))[0].state is State.VENDED


def test_a_foreign_sale_is_never_refunded_because_these_books_sent_nothing() -> None:
    foreign = replace(UNSENT, foreign=True, past=True, case="foreign")
    for event in (rang(Timer.BOUND), NewerSessionSeen(sale_id=SALE_ID), rang(Timer.AUTHORISE)):
        sale, effects = after(foreign, event)
        assert sale.decision is Decision.VEND
        assert TellPaid not in told(effects)
    assert after(foreign, said(Word.UNKNOWN))[0].doubt == "journal_lost"
    assert after(foreign, said(Word.DELIVERED))[0].state is State.VENDED


def test_a_refund_from_before_a_restore_is_taken_over() -> None:
    foreign = replace(UNSENT, foreign=True, past=True, case="foreign")
    sale, effects = after(foreign, refund(RefundState.SUCCESS))
    assert (sale.state, sale.case, sale.refunded_fen) == (State.REFUNDED, "", 350)
    assert only(effects, AskRefund) == []
    sale, _ = after(foreign, refund(RefundState.PROCESSING))
    assert (situation(sale), sale.refund_accepted) == (S.REFUNDING, True)
    assert after(foreign, refund(RefundState.ABSENT))[0] == foreign


# ---------------------------------------------------------------- while it may vend


def test_the_authorisation_is_repeated_only_while_it_can_help() -> None:
    sale, effects = after(VENDING, rang(Timer.AUTHORISE))
    assert sale.sent_count == 2
    assert told(effects) == [TellPaid]
    for row in (
        replace(VENDING, past=True),
        replace(VENDING, answered=True),
        replace(VENDING, row_dead=True),
    ):
        assert told(after(row, rang(Timer.AUTHORISE))[1]) == []
    assert told(after(VENDING, rang(Timer.AUTHORISE), PAST)[1]) == []
    assert told(after(VENDING, rang(Timer.AUTHORISE), DEAF)[1]) == []


def test_a_timeout_alone_asks_and_never_refunds_what_was_sent() -> None:
    for timer in Timer:
        assert after(VENDING, rang(timer))[0].decision is Decision.VEND
    sale, effects = after(VENDING, rang(Timer.BOUND))
    assert sale.past
    assert told(effects) == [TellQuery]


def test_what_was_never_sent_goes_back_without_evidence() -> None:
    events = (
        rang(Timer.BOUND),
        NewerSessionSeen(sale_id=SALE_ID),
        JournalDoubted(sale_id=SALE_ID, cause="journal_cloned"),
        said(Word.UNKNOWN),
        RefundOrdered(sale_id=SALE_ID, by="ann"),
    )
    for event in events:
        sale, _ = after(UNSENT, event)
        assert (sale.decision, sale.doubt) == (Decision.REFUND, "")


@pytest.mark.parametrize("word", [Word.CLOSED, Word.NOT_DELIVERED])
def test_a_durable_no_of_the_machine_is_evidence(word: Word) -> None:
    sale, _ = after(VENDING, said(word, "lease"))
    assert (situation(sale), sale.doubt, sale.why) == (S.REFUNDING, "", f"{word}.lease")
    assert sale.evidence_wall_ms == CTX.wall_ms


def test_a_row_that_was_busy_and_is_closed_by_a_restart_is_an_older_copy_and_no_evidence() -> None:
    busy, _ = after(VENDING, said(Word.BUSY))
    sale, effects = after(busy, said(Word.CLOSED, "restart"))
    assert (situation(sale), sale.doubt) == (Situation.DOUBT, "journal_rolled_back")
    assert only(effects, At) == [At(timer=Timer.DOUBT, delay_s=600.0)]
    assert after(sale, said(Word.CLOSED, "restart")) == (sale, ())
    for word, why in ((Word.CLOSED, "lease"), (Word.NOT_DELIVERED, "not_moved.restart")):
        assert after(busy, said(word, why))[0].decision is Decision.REFUND
    assert after(VENDING, said(Word.CLOSED, "restart"))[0].decision is Decision.REFUND


@pytest.mark.parametrize("word", [Word.OPEN, Word.BUSY])
def test_open_and_busy_are_no_evidence_of_anything(word: Word) -> None:
    assert after(VENDING, said(word))[0].decision is Decision.VEND
    late, effects = after(replace(VENDING, past=True), said(word))
    assert situation(late) is S.VENDING
    assert [at.timer for at in only(effects, At)] == [Timer.GONE]


def test_an_unknown_sale_and_another_journals_word_are_doubt() -> None:
    assert after(VENDING, said(Word.UNKNOWN))[0].doubt == "journal_lost"
    assert after(VENDING, said(Word.NOT_DELIVERED, jid="z" * 26))[0].doubt == "journal_lost"
    assert after(VENDING, said(Word.DELIVERED, jid="z" * 26))[0].doubt == "journal_lost"


def test_doubt_is_waited_out_and_what_the_machine_still_says_ends_it() -> None:
    sale, effects = after(VENDING, said(Word.UNCERTAIN, "power"))
    assert (situation(sale), sale.doubt) == (S.DOUBT, "power")
    assert only(effects, At) == [At(timer=Timer.DOUBT, delay_s=600.0)]
    assert after(sale, said(Word.DELIVERED))[0].state is State.VENDED
    assert situation(after(sale, said(Word.NOT_DELIVERED))[0]) is S.REFUNDING
    assert situation(after(sale, rang(Timer.DOUBT))[0]) is S.REFUNDING
    assert situation(after(sale, RefundOrdered(sale_id=SALE_ID, by="ann"))[0]) is S.REFUNDING


def test_without_a_waiting_time_doubt_is_a_case_for_an_operator() -> None:
    ctx = replace(CTX, timings=Timings(doubt_s=0))
    sale, effects = after(VENDING, said(Word.UNCERTAIN, "power"), ctx)
    assert (sale.case, only(effects, At)) == ("doubt", [])


def test_a_person_cannot_refund_what_may_still_drop() -> None:
    assert after(VENDING, RefundOrdered(sale_id=SALE_ID, by="ann"))[0].decision is Decision.VEND


def test_the_brakes_hold_only_refunds_on_a_machines_word() -> None:
    full = replace(CTX, counts=Counts(lane=0, machine=0, fleet=30))
    sale, effects = after(VENDING, said(Word.NOT_DELIVERED), full)
    assert (sale.state, sale.case) == (State.CASE, "brakes")
    assert only(effects, AskRefund) == []
    assert after(DOUBT, rang(Timer.DOUBT), full)[0].case == "brakes"
    assert situation(after(CLOSED, PAYMENT, full)[0]) is S.REFUNDING
    assert situation(after(UNSENT, rang(Timer.BOUND), full)[0]) is S.REFUNDING


def test_the_last_refund_before_a_brake_raises_its_alarm() -> None:
    near = replace(CTX, counts=Counts(lane=2, machine=5, fleet=5))
    _, effects = after(VENDING, said(Word.NOT_DELIVERED), near)
    assert {"brake_lane", "brake_machine"} <= alarms(effects)


# ---------------------------------------------------------------- giving back


def test_a_refund_is_repeated_with_the_same_number_and_amount() -> None:
    sale, effects = after(REFUNDING, rang(Timer.REFUND))
    draft = only(effects, AskRefund)[0].draft
    assert (draft.refund_no, draft.refund_fen, sale.refund_tries) == (f"R{SALE_ID}", 350, 2)


def test_accepted_is_not_refunded() -> None:
    sale, _ = after(REFUNDING, refund(RefundState.PROCESSING))
    assert sale.state is State.PAID
    assert only(after(sale, rang(Timer.REFUND))[1], AskRefundStatus, AskRefund) == [
        AskRefundStatus(refund_no=f"R{SALE_ID}")
    ]


def test_a_second_number_comes_only_after_the_platform_closed_the_first() -> None:
    sale, effects = after(REFUNDING, refund(RefundState.CLOSED))
    assert sale.refund_no == f"R2{SALE_ID}"
    assert only(effects, AskRefund)[0].draft.refund_no == f"R2{SALE_ID}"
    assert after(sale, refund(RefundState.CLOSED))[0] == sale
    assert after(sale, refund(RefundState.CLOSED, f"R2{SALE_ID}"))[0].case == "refund_closed"


@pytest.mark.parametrize(
    ("event", "case"),
    [
        (refund(RefundState.ABNORMAL), "refund_abnormal"),
        (refund(RefundState.SUCCESS, fen=349), "refund_amount"),
        (RefundRefused(sale_id=SALE_ID, refund_no=f"R{SALE_ID}", why="account"), "refund_refused"),
        (refund(RefundState.SUCCESS, "hand-1", 100), "hand_refund"),
    ],
)
def test_a_refund_that_does_not_go_by_itself_is_a_case(event: Event, case: str) -> None:
    sale, effects = after(REFUNDING, event)
    assert (sale.state, sale.case) == (State.CASE, case)
    assert case in alarms(effects)


def test_a_stuck_refund_goes_on_and_is_a_case_too() -> None:
    nearly = replace(REFUNDING, refund_tries=Timings().refund_tries - 1)
    sale, effects = after(nearly, rang(Timer.REFUND))
    assert (situation(sale), sale.case) == (S.REFUNDING, "refund_stuck")
    assert only(effects, AskRefund)


def test_a_case_of_a_refund_ends_when_a_person_asks_again_or_the_platform_says_done() -> None:
    stuck = replace(REFUNDING, state=State.CASE, case="refund_abnormal")
    _, effects = after(stuck, RefundOrdered(sale_id=SALE_ID, by="ann"))
    assert only(effects, AskRefund)[0].draft.refund_no == f"R{SALE_ID}"
    assert only(effects, Post) == []
    assert after(stuck, refund(RefundState.SUCCESS))[0].state is State.REFUNDED


def test_a_refund_by_hand_is_recorded_once_and_balanced() -> None:
    sale, effects = after(VENDED, refund(RefundState.SUCCESS, "hand-1"))
    assert (sale.state, sale.case, sale.refunded_fen) == (State.VENDED, "hand_refund", 350)
    assert balances(only(effects, Post))[Account.SHRINKAGE] == 350
    assert after(sale, refund(RefundState.SUCCESS, "hand-1"))[0] == sale


def test_a_sale_whose_money_went_back_by_hand_is_not_refunded_again() -> None:
    by_hand, _ = after(VENDING, refund(RefundState.SUCCESS, "hand-1"))
    assert situation(by_hand) is S.VENDING
    sale, effects = after(by_hand, said(Word.CLOSED, "lease"))
    assert (sale.state, only(effects, AskRefund)) == (State.REFUNDED, [])
    vended, effects = after(by_hand, said(Word.DELIVERED))
    assert (vended.state, balances(only(effects, Post))[Account.SHRINKAGE]) == (State.VENDED, 350)


def test_goods_after_a_refund_are_shrinkage_and_a_broken_promise_when_there_was_no_doubt() -> None:
    for row, alarm in ((REFUNDING, "goods_and_refund"), (replace(REFUNDED, doubt="x"), "goods_after_doubt")):
        sale, effects = after(row, said(Word.DELIVERED))
        assert sale.decision is Decision.REFUND
        assert alarm in alarms(effects)
        assert balances(only(effects, Post))[Account.SHRINKAGE] == 350
        assert only(after(sale, said(Word.DELIVERED))[1], Post) == []


def test_a_second_payment_is_a_case_and_never_summed() -> None:
    for row in (VENDING, DOUBT, REFUNDING, VENDED, REFUNDED, CASE):
        same, effects = after(row, PAYMENT)
        assert (same, effects) == (row, ())
        other, effects = after(row, replace(PAYMENT, transaction_id="T2"))
        assert other.paid_fen == 350
        assert other.case
        assert "second_payment" in alarms(effects)


def test_goods_without_a_payment_are_looked_into_and_settled_when_it_is_found() -> None:
    sale, effects = after(OFFERED, said(Word.DELIVERED))
    assert sale.case == "goods_unpaid"
    assert only(effects, QueryOrder)
    paid, _ = after(sale, PAYMENT)
    assert (paid.state, paid.case) == (State.VENDED, "")


@pytest.mark.parametrize("row", [QUOTED, OFFERED])
def test_a_sale_that_its_machine_does_not_have_is_given_up_and_never_authorised(row: Sale) -> None:
    sale, effects = after(row, said(Word.UNKNOWN))
    assert (sale.state, sale.row_dead) == (State.CLOSING, True)
    assert only(effects, QueryOrder)
    paid, effects = after(sale, PAYMENT)
    assert paid.decision is Decision.REFUND or paid.foreign
    assert TellPaid not in told(effects)


@pytest.mark.parametrize("timer", [Timer.QUOTE_OVER, Timer.PAY_WINDOW, Timer.BOUND])
def test_a_quote_that_is_not_answered_is_given_up_whichever_wait_ends_first(timer: Timer) -> None:
    sale, effects = after(QUOTED, rang(timer))
    assert (sale.state, sale.why, sale.past) == (State.CLOSING, "platform", timer is Timer.BOUND)
    assert only(effects, QueryOrder)


@pytest.mark.parametrize("word", [Word.CLOSED, Word.NOT_DELIVERED])
def test_a_machine_that_takes_its_word_about_the_goods_back_is_one_case_and_no_refund(word: Word) -> None:
    sale, effects = after(VENDED, said(word))
    assert (sale.state, sale.case) == (State.VENDED, "contradiction")
    assert only(effects, AskRefund) == []
    assert after(sale, said(word)) == (sale, ())


# ---------------------------------------------------------------- after a restart


def test_a_restart_resends_nothing_uncounted_and_starts_the_bound_anew() -> None:
    effects = resume(VENDING, CTX)
    assert told(effects) == []
    waits = {at.timer: at.delay_s for at in only(effects, At)}
    assert waits[Timer.AUTHORISE] == 0
    assert waits[Timer.BOUND] == pytest.approx(246.48)


@pytest.mark.parametrize("row", [QUOTED, OFFERED, CLOSING, CLOSED, VENDING, DOUBT, REFUNDING])
def test_every_unfinished_row_has_something_that_will_wake_it(row: Sale) -> None:
    for ctx in (CTX, FOREIGN):
        assert only(resume(row, ctx), At)


@pytest.mark.parametrize("row", [VENDED, REFUNDED, replace(CLOSED, look_again=False, row_dead=True)])
def test_a_finished_row_asks_for_nothing(row: Sale) -> None:
    assert resume(row, CTX) == ()


def test_a_machine_that_is_back_hears_what_it_may_have_missed() -> None:
    assert told(remind(OFFERED, CTX)) == [TellCode]
    assert only(remind(VENDING, CTX), At) == [At(timer=Timer.AUTHORISE, delay_s=0)]
    assert only(remind(replace(VENDING, past=True), CTX), At) == [At(timer=Timer.ASK, delay_s=0)]
    assert remind(replace(VENDING, answered=True), CTX) == ()
