"""Refunds to their end: stuck for days, in parts, by hand, and under another merchant's name."""

from dataclasses import replace

import pytest

from cloud_bridge.core.ledger import Account, Post, balances
from cloud_bridge.core.model import RefundState, State
from cloud_bridge.core.order import step
from cloud_bridge.core.sale import (
    AskRefund,
    AskRefundStatus,
    CaseEnded,
    RefundOrdered,
    Sale,
    Situation,
    Timer,
    Word,
    situation,
)
from tests.unit.bridge.rows import (
    CASE,
    CLOSED,
    CTX,
    PAYMENT,
    REFUNDING,
    REQUEST,
    SALE_ID,
    VENDED,
    VENDING,
    only,
    rang,
    refund,
    said,
)
from tests.unit.bridge.test_table import after, alarms

S = Situation


def test_a_refund_that_is_not_through_after_three_days_is_a_case_once() -> None:
    begun = replace(REFUNDING, refund_since_wall_ms=CTX.wall_ms, refund_accepted=True)
    later = replace(CTX, wall_ms=CTX.wall_ms + 3 * 86_400_000)
    sooner = replace(later, wall_ms=later.wall_ms - 1)
    assert after(begun, rang(Timer.REFUND), sooner)[0].case == ""
    stuck, effects = after(begun, rang(Timer.REFUND), later)
    assert (stuck.case, alarms(effects)) == ("refund_stuck", {"refund_stuck"})
    again, effects = after(stuck, rang(Timer.REFUND), later)
    assert (again.case, alarms(effects)) == ("refund_stuck", set())
    assert only(effects, AskRefundStatus)


def test_three_days_are_counted_from_the_refund_that_is_under_way() -> None:
    given, _ = after(VENDING, said(Word.NOT_DELIVERED))
    assert given.refund_since_wall_ms == CTX.wall_ms
    later = replace(CTX, wall_ms=CTX.wall_ms + 3 * 86_400_000)
    second, _ = after(given, refund(RefundState.CLOSED), later)
    assert second.refund_since_wall_ms == later.wall_ms
    assert after(second, rang(Timer.REFUND), later)[0].case == ""


def test_what_a_refund_by_hand_left_goes_back_when_a_person_says_so() -> None:
    part = refund(RefundState.SUCCESS, "hand-1", 100)
    for row in (REFUNDING, CASE):
        held, _ = after(row, part)
        assert (held.state, held.refunded_fen) == (State.CASE, 100)
        sale, effects = after(held, RefundOrdered(sale_id=SALE_ID, by="ann"))
        draft = only(effects, AskRefund)[0].draft
        assert (draft.refund_no, draft.refund_fen, draft.paid_fen) == (f"R2{SALE_ID}", 250, 350)
        assert situation(sale) is S.REFUNDING
        assert "hand_refund" not in sale.case
        done, after_that = after(sale, refund(RefundState.SUCCESS, f"R2{SALE_ID}", 250))
        assert (done.state, done.refunded_fen) == (State.REFUNDED, 350)
        books = balances((*only(effects, Post), *only(after_that, Post)))
        assert books[Account.PLATFORM_CLEARING] == -350


def test_the_rest_in_another_amount_is_not_taken_for_the_rest() -> None:
    held, _ = after(REFUNDING, refund(RefundState.SUCCESS, "hand-1", 100))
    sale, _ = after(held, RefundOrdered(sale_id=SALE_ID, by="ann"))
    assert after(sale, refund(RefundState.SUCCESS, f"R2{SALE_ID}", 350))[0].case == "refund_amount"


def test_a_case_settled_after_a_part_went_back_balances_with_the_platform() -> None:
    held, _ = after(CASE, refund(RefundState.SUCCESS, "hand-1", 100))
    closed = CaseEnded(sale_id=SALE_ID, by="ann", why="looked", vended=False)
    settled, effects = after(held, closed)
    books = balances(only(effects, Post))
    assert (settled.state, books[Account.PLATFORM_CLEARING]) == (State.SETTLED, -100)
    assert books[Account.SETTLED_BY_HAND] == -250


@pytest.mark.parametrize("where", [VENDING, REFUNDING, VENDED, CLOSED])
def test_the_word_of_another_merchant_changes_nothing_and_is_seen(where: Sale) -> None:
    for event, case in (
        (replace(PAYMENT, merchant="other"), "payment_not_ours"),
        (replace(refund(RefundState.SUCCESS), merchant="other"), "refund_not_ours"),
    ):
        sale, effects = after(where, event)
        assert case in alarms(effects)
        assert replace(sale, case=where.case, changed_wall_ms=where.changed_wall_ms) == where


def test_a_sale_keeps_the_merchant_that_its_machine_had_when_it_opened() -> None:
    decided = step(None, REQUEST, replace(CTX, merchant="north"))
    assert decided.sale is not None
    assert decided.sale.merchant == "north"
    later = replace(CTX, merchant="south")
    paid, _ = after(decided.sale, replace(PAYMENT, merchant="north"), later)
    assert paid.merchant == "north"
