"""The sale's table on the machine: every cell is decided, and each rule does what the promise needs."""

from dataclasses import replace

import pytest

from edge.core.model import (
    Abandoned,
    Answer,
    AnswerOverdue,
    AskBoard,
    Baseline,
    BaselineFailed,
    BaselineRead,
    CodeOffered,
    CodeRefused,
    Context,
    Delivered,
    Kind,
    LaneChecked,
    LeaseEnded,
    NotDelivered,
    PaymentConfirmed,
    Progressed,
    Queried,
    RaiseAlarm,
    ReadBaseline,
    Rebooted,
    RefundTold,
    ReportClosed,
    ReportOutcome,
    RequestCode,
    RunMotor,
    Sale,
    SaleEvent,
    Session,
    State,
    StopSelling,
    Uncertain,
    VendEnded,
    WatchBus,
    Withheld,
)
from edge.core.sale import ENDED, EVENTS, RULES, opened, step

SESSION = Session(jid="a" * 26, boot=3, bits="0" * 16)
LATER = Session(jid="a" * 26, boot=4, bits="1" * 16)
NOW = Context(now_ms=10_000, session=SESSION)
TOO_LATE = Context(now_ms=250_000, session=SESSION)
OPEN = Sale(
    sale_id="b" * 26,
    lane=12,
    price_fen=350,
    catalogue_version=1,
    session=SESSION,
    opened_wall_ms=0,
    lease_until_ms=250_000,
    pay_until_ms=242_000,
)
SHOWN = replace(OPEN, code_url="weixin://a", checked=True, offered=True)
PAYING = replace(SHOWN, paying=True, paid_hash="h")
INTENT = replace(PAYING, state=State.INTENT, seq=7, baseline=Baseline(stock=5))
PAID = PaymentConfirmed(
    session_jid=SESSION.jid, session_boot=SESSION.boot, lane=12, paid_fen=350, paid_hash="h"
)
EXAMPLES: tuple[SaleEvent, ...] = (
    CodeOffered(code_url="weixin://b", pay_s=180, price_fen=350),
    CodeRefused(why="price"),
    LaneChecked(reason=""),
    Progressed(step="dispensing"),
    PAID,
    BaselineRead(baseline=Baseline(), seq=8),
    BaselineFailed(why="bus"),
    VendEnded(outcome=Delivered(evidence="04 02")),
    Abandoned(why="cancel"),
    AnswerOverdue(),
    LeaseEnded(),
    Rebooted(),
    Queried(),
    RefundTold(state="started"),
)
LISTED = {
    (State.OPEN, State.INTENT),
    (State.OPEN, State.CLOSED),
    (State.INTENT, State.CLOSED),
    (State.INTENT, State.DELIVERED),
    (State.INTENT, State.NOT_DELIVERED),
    (State.INTENT, State.UNCERTAIN),
}


def rows() -> list[Sale]:
    ended = [replace(INTENT, state=state, why="x") for state in sorted(ENDED)]
    return [OPEN, SHOWN, PAYING, INTENT, *ended]


def test_the_table_has_a_cell_for_every_state_and_event() -> None:
    assert {type(event) for event in EXAMPLES} == set(EVENTS)
    assert set(RULES) == {(state, event) for state in State for event in EVENTS}


@pytest.mark.parametrize("sale", rows(), ids=lambda sale: f"{sale.state}-{sale.paying}")
@pytest.mark.parametrize("event", EXAMPLES, ids=lambda event: type(event).__name__)
@pytest.mark.parametrize("context", [NOW, TOO_LATE], ids=["in time", "lease over"])
def test_only_listed_transitions_exist_and_each_end_is_reported(
    sale: Sale, event: SaleEvent, context: Context
) -> None:
    decided = step(sale, event, context)
    if decided.sale.state is not sale.state:
        assert (sale.state, decided.sale.state) in LISTED
        kinds = [type(effect) for effect in decided.effects]
        expected = {State.INTENT: RunMotor, State.CLOSED: ReportClosed}.get(decided.sale.state, ReportOutcome)
        assert expected in kinds
    assert decided.sale.sale_id == sale.sale_id
    assert decided.sale.price_fen == sale.price_fen


@pytest.mark.parametrize("sale", rows(), ids=lambda sale: f"{sale.state}-{sale.paying}")
@pytest.mark.parametrize("event", EXAMPLES, ids=lambda event: type(event).__name__)
@pytest.mark.parametrize("context", [NOW, TOO_LATE], ids=["in time", "lease over"])
def test_a_motor_runs_only_as_the_effect_of_a_fresh_intent_within_the_lease(
    sale: Sale, event: SaleEvent, context: Context
) -> None:
    decided = step(sale, event, context)
    motors = [effect for effect in decided.effects if isinstance(effect, RunMotor)]
    if motors:
        assert sale.state is State.OPEN
        assert sale.paying
        assert decided.sale.state is State.INTENT
        assert context.now_ms < sale.lease_until_ms
        assert motors[0].order.start_before_ms == sale.lease_until_ms


def test_an_opened_sale_is_told_to_the_bridge() -> None:
    assert opened(OPEN).effects == (RequestCode(),)


def test_a_code_is_kept_and_counts_down_no_longer_than_the_lease_allows() -> None:
    decided = step(OPEN, CodeOffered(code_url="weixin://b", pay_s=180, price_fen=350), NOW)
    assert (decided.sale.code_url, decided.sale.pay_until_ms) == ("weixin://b", 190_000)
    capped = step(OPEN, CodeOffered(code_url="weixin://b", pay_s=600, price_fen=350), NOW)
    assert capped.sale.pay_until_ms == OPEN.pay_until_ms


def test_a_verified_payment_first_asks_for_the_boards_evidence() -> None:
    decided = step(SHOWN, PAID, NOW)
    assert decided.sale.state is State.OPEN
    assert decided.sale.paying
    assert decided.effects == (ReadBaseline(),)


def test_the_same_payment_twice_asks_the_board_once() -> None:
    assert step(PAYING, PAID, NOW).effects == ()


@pytest.mark.parametrize(
    ("event", "why"),
    [
        (replace(PAID, paid_fen=349), "amount"),
        (replace(PAID, lane=13), "amount"),
        (replace(PAID, obstacle="fault"), "fault"),
    ],
)
def test_a_payment_that_does_not_fit_closes_the_sale_with_its_reason(
    event: PaymentConfirmed, why: str
) -> None:
    decided = step(SHOWN, event, NOW)
    assert (decided.sale.state, decided.sale.why) == (State.CLOSED, why)
    assert ReportClosed(why=why) in decided.effects


def test_a_payment_after_the_lease_closes_and_never_vends() -> None:
    decided = step(SHOWN, PAID, TOO_LATE)
    assert (decided.sale.state, decided.sale.why) == (State.CLOSED, "lease")
    assert step(decided.sale, PAID, TOO_LATE).effects == (Answer(state="closed", why="lease"),)


@pytest.mark.parametrize(
    ("event", "context"),
    [
        (replace(PAID, session_boot=2), NOW),
        (replace(PAID, session_jid="c" * 26), NOW),
        (PAID, Context(now_ms=10_000, session=LATER)),
    ],
)
def test_an_authorisation_of_another_session_is_answered_and_never_acted_on(
    event: PaymentConfirmed, context: Context
) -> None:
    decided = step(SHOWN, event, context)
    assert decided.sale == SHOWN
    assert decided.effects == (Answer(state="open", why=""),)


def test_a_lease_that_ends_while_the_board_is_asked_moves_nothing() -> None:
    decided = step(PAYING, BaselineRead(baseline=Baseline(), seq=8), TOO_LATE)
    assert (decided.sale.state, decided.sale.why) == (State.CLOSED, "lease")


def test_a_cancel_while_the_board_is_asked_wins_over_the_motor() -> None:
    closed = step(PAYING, Abandoned(why="cancel"), NOW).sale
    assert step(closed, BaselineRead(baseline=Baseline(), seq=8), NOW).effects == ()


def test_evidence_makes_a_numbered_intent_with_the_lease_as_its_last_start() -> None:
    decided = step(PAYING, BaselineRead(baseline=Baseline(stock=5), seq=8), NOW)
    assert decided.sale.state is State.INTENT
    assert (decided.sale.seq, decided.sale.baseline) == (8, Baseline(stock=5))
    (run,) = decided.effects
    assert isinstance(run, RunMotor)
    assert (run.order.seq, run.order.start_before_ms) == (8, OPEN.lease_until_ms)


@pytest.mark.parametrize(
    ("outcome", "state", "why"),
    [
        (Delivered(evidence="e"), State.DELIVERED, ""),
        (NotDelivered(kind=Kind.MOVED, why="jam", evidence="e"), State.NOT_DELIVERED, "moved.jam"),
        (NotDelivered(kind=Kind.REJECTED, why="x", evidence="e"), State.NOT_DELIVERED, "rejected.x"),
        (Uncertain(why="no_answer", evidence="e"), State.UNCERTAIN, "no_answer"),
        (Withheld(why="lease"), State.CLOSED, "lease"),
    ],
)
def test_each_outcome_ends_the_row_and_is_reported(
    outcome: Delivered | NotDelivered | Uncertain | Withheld, state: State, why: str
) -> None:
    decided = step(INTENT, VendEnded(outcome=outcome), TOO_LATE)
    assert (decided.sale.state, decided.sale.why) == (state, why)
    assert isinstance(decided.effects[0], ReportOutcome | ReportClosed)


def test_doubt_stops_the_bus_and_raises_an_alarm() -> None:
    effects = step(INTENT, VendEnded(outcome=Uncertain(why="no_answer", evidence="")), NOW).effects
    assert WatchBus() in effects
    assert any(isinstance(effect, RaiseAlarm) for effect in effects)


def test_a_restart_closes_an_open_row_and_only_asks_about_an_intent() -> None:
    assert step(OPEN, Rebooted(), NOW).sale.state is State.CLOSED
    decided = step(INTENT, Rebooted(), NOW)
    assert decided.sale == INTENT
    (ask,) = decided.effects
    assert isinstance(ask, AskBoard)
    assert ask.order.start_before_ms == 0


def test_a_query_is_answered_by_the_row_and_closes_one_whose_lease_is_over() -> None:
    assert step(OPEN, Queried(), NOW).effects == (Answer(state="open", why=""),)
    assert step(INTENT, Queried(), NOW).effects == (Answer(state="busy", why=""),)
    decided = step(OPEN, Queried(), TOO_LATE)
    assert decided.effects == (ReportClosed(why="lease"), Answer(state="closed", why="lease"))


def test_a_code_for_a_row_that_is_not_open_is_answered_and_never_kept() -> None:
    closed = step(OPEN, Abandoned(why="cancel"), NOW).sale
    decided = step(closed, CodeOffered(code_url="weixin://late", pay_s=180, price_fen=350), NOW)
    assert decided.sale.code_url == ""
    assert decided.effects == (Answer(state="closed", why="cancel"),)


def test_no_answer_closes_only_a_sale_without_a_code() -> None:
    assert step(OPEN, AnswerOverdue(), NOW).sale.why == "no_answer"
    assert step(SHOWN, AnswerOverdue(), NOW).sale.state is State.OPEN


def test_a_lane_that_cannot_vend_closes_the_sale_before_its_code_is_shown() -> None:
    assert step(OPEN, LaneChecked(reason="sold_out"), NOW).sale.why == "lane.sold_out"
    assert step(OPEN, LaneChecked(reason=""), NOW).sale.checked


def test_our_own_bug_holds_the_sale_and_stops_selling() -> None:
    decided = step(OPEN, VendEnded(outcome=Delivered(evidence="")), NOW)
    assert decided.sale == OPEN
    assert any(isinstance(effect, StopSelling) for effect in decided.effects)


def test_a_refund_told_to_an_open_row_closes_it_for_ever() -> None:
    decided = step(OPEN, RefundTold(state="started"), NOW)
    assert (decided.sale.state, decided.sale.refund) == (State.CLOSED, "started")


def test_a_board_that_gives_no_evidence_ends_a_paid_sale_before_its_motor_and_no_other() -> None:
    assert step(PAYING, BaselineFailed(why="bus"), NOW).sale.why == "bus"
    assert step(SHOWN, BaselineFailed(why="bus"), NOW).sale == SHOWN


def test_an_open_lease_ends_only_when_the_clock_says_so() -> None:
    assert step(OPEN, LeaseEnded(), NOW).sale == OPEN
    assert step(OPEN, LeaseEnded(), TOO_LATE).sale.why == "lease"


def test_a_qr_link_is_in_no_repr() -> None:
    assert "weixin" not in repr(SHOWN)
    assert "weixin" not in repr(CodeOffered(code_url="weixin://b", pay_s=180, price_fen=350))
