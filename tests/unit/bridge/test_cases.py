"""Cases: what opens them, what ends them, what a person may decide, and that no money is lost between two."""

import asyncio
from dataclasses import replace
from itertools import pairwise

import pytest

from cloud_bridge.core import case
from cloud_bridge.core.case import ADVICE, Case, Resolution, Wish, advice, refusal, turn
from cloud_bridge.core.ledger import Account, Post, balances
from cloud_bridge.core.model import Decision, RefundState, State
from cloud_bridge.core.order import step
from cloud_bridge.core.reckoning import faults
from cloud_bridge.core.sale import (
    AskRefund,
    CaseEnded,
    RaiseAlarm,
    RefundOrdered,
    RefundRefused,
    Sale,
    Situation,
    Word,
    situation,
)
from cloud_bridge.core.timings import Limits, Timings
from cloud_bridge.core.trail import change
from tests.unit.bridge.rows import (
    CASE,
    CLOSED,
    CTX,
    DOUBT,
    EVENTS,
    OFFERED,
    PAYMENT,
    QUOTED,
    REFUNDED,
    REFUNDING,
    ROWS,
    SALE_ID,
    SETTLED,
    VENDED,
    VENDING,
    only,
    refund,
    said,
)
from tests.unit.bridge.virtual import play
from tests.unit.bridge.world import World

SECOND = replace(PAYMENT, transaction_id="T2")
BRAKES = Limits(lane=1, machine=1, fleet=0)


def closes(reason: str = "") -> CaseEnded:
    return CaseEnded(sale_id=SALE_ID, by="ann", why="given in cash", vended=False, reason=reason)


def after(sale: Sale | None, *events: object) -> Sale:
    for event in events:
        sale = step(sale, event, CTX).sale  # type: ignore[arg-type]
    assert sale is not None
    return sale


# ---------------------------------------------------------------- reasons


def test_a_second_reason_does_not_hide_behind_the_first() -> None:
    """A refund that waits for money and then goes through must not take the second payment's case along."""
    waiting = after(REFUNDING, RefundRefused(sale_id=SALE_ID, refund_no=f"R{SALE_ID}", why="not_enough"))
    both = after(waiting, SECOND)
    assert both.case == "refund_not_enough second_payment"
    done = after(both, refund(RefundState.SUCCESS))
    assert (done.state, done.case) == (State.REFUNDED, "second_payment")


def test_goods_that_come_out_end_what_waited_for_them_and_nothing_else() -> None:
    both = after(replace(DOUBT, case="doubt"), SECOND)
    assert after(both, said(Word.DELIVERED)).case == "second_payment"


def test_a_repeat_of_what_opened_a_case_opens_no_other() -> None:
    once = after(VENDED, SECOND)
    assert after(once, SECOND) == once


@pytest.mark.parametrize("where", Situation)
def test_every_change_of_the_reasons_is_a_case_that_opens_or_ends(where: Situation) -> None:
    before = ROWS[where]
    for event in EVENTS:
        decided = step(before, event, CTX)
        turned = turn(before, decided.sale, decided.effects)
        old, new = set(case.reasons(before)), set(case.reasons(decided.sale))
        assert {name for name, _ in turned.opened} == new - old
        assert set(turned.ended) == old - new
        for name, evidence in turned.opened:
            assert evidence.startswith(SALE_ID) or "met" in evidence, "the rule that opens a case says why"
            assert name in ADVICE


def test_every_reason_has_its_advice_and_a_strange_one_gets_some() -> None:
    assert advice("brakes") == ADVICE["brakes"]
    assert "resolve" in advice("never_heard_of")


def test_the_evidence_of_a_second_payment_names_it_and_no_log_line_does() -> None:
    decided = step(VENDED, SECOND, CTX)
    ((_, evidence),) = turn(VENDED, decided.sale, decided.effects).opened
    assert "T2" in evidence
    assert not [note for note in decided.effects if "T2" in getattr(note, "what", "")]


# ---------------------------------------------------------------- money that went back before we knew


@pytest.mark.parametrize("row", [OFFERED, QUOTED, CLOSED])
def test_a_payment_that_somebody_gave_back_already_waits_for_a_person(row: Sale) -> None:
    decided = step(row, replace(PAYMENT, given_back=True), CTX)
    assert decided.sale is not None
    assert (decided.sale.state, decided.sale.case) == (State.CASE, "given_back")
    assert decided.sale.sent_count == 0
    assert only(decided.effects, AskRefund) == []
    told = after(decided.sale, refund(RefundState.SUCCESS, "by-hand"))
    assert (told.state, told.refunded_fen) == (State.REFUNDED, 350)


def test_a_payment_that_a_repeat_calls_given_back_changes_nothing() -> None:
    assert after(VENDING, replace(PAYMENT, given_back=True)) == VENDING


# ---------------------------------------------------------------- what a person may decide


@pytest.mark.parametrize(
    ("sale", "wish", "past", "words"),
    [
        (None, Resolution.REFUND, True, "no such sale"),
        (CLOSED, Resolution.REFUND, True, "nothing was paid"),
        (VENDED, Resolution.REFUND, True, "vended for good"),
        (SETTLED, Resolution.VENDED, True, "settled for good"),
        (REFUNDED, Resolution.VENDED, True, "refunded for good"),
        (REFUNDING, Resolution.REFUND, True, "under way"),
        (REFUNDING, Resolution.VENDED, True, "never undone"),
        (replace(CASE, decision=Decision.REFUND), Resolution.VENDED, True, "never undone"),
        (VENDING, Resolution.REFUND, False, "may still answer"),
        (VENDING, Resolution.VENDED, True, "may still answer"),
        (replace(VENDING, case="foreign"), Resolution.VENDED, False, "may still answer"),
        (replace(VENDING, case="foreign"), Resolution.CLOSED, True, "is owed"),
        (replace(REFUNDING, case="refund_stuck"), Resolution.CLOSED, True, "under way"),
        (VENDED, Resolution.CLOSED, True, "no open case"),
        (replace(CASE, hand_refunds="h", refunded_fen=1), Resolution.REFUND, True, ""),
        (CASE, Resolution.REFUND, False, ""),
        (CASE, Resolution.VENDED, False, ""),
        (CASE, Resolution.CLOSED, False, ""),
        (DOUBT, Resolution.REFUND, False, ""),
        (DOUBT, Resolution.VENDED, False, ""),
        (replace(VENDING, case="foreign", foreign=True), Resolution.REFUND, True, ""),
        (replace(VENDING, case="second_payment"), Resolution.REFUND, True, "once the sale is in doubt"),
        (replace(VENDED, case="contradiction"), Resolution.CLOSED, False, ""),
        (replace(VENDING, case="second_payment"), Resolution.CLOSED, False, ""),
    ],
)
def test_what_a_person_may_decide_and_why_not(
    sale: Sale | None, wish: Resolution, past: bool, words: str
) -> None:
    why_not = refusal(sale, wish, past=past)
    assert words in why_not
    assert bool(why_not) == bool(words)


@pytest.mark.parametrize("where", Situation)
def test_what_is_refused_changes_nothing_and_what_is_allowed_does(where: Situation) -> None:
    for reason in ("", "second_payment", "brakes"):
        sale = ROWS[where] and replace(ROWS[where], case=reason)  # type: ignore[type-var]
        for wish in (Resolution.VENDED, Resolution.CLOSED):
            event = replace(closes(), vended=wish is Resolution.VENDED)
            changed = step(sale, event, CTX).sale != sale
            assert changed == (refusal(sale, wish, past=CTX.past) == ""), (where, reason, wish)


def test_a_case_that_is_settled_by_hand_owes_nothing_any_more() -> None:
    for row in (CASE, replace(REFUNDING, state=State.CASE, case="refund_refused")):
        decided = step(row, closes(), CTX)
        assert decided.sale is not None
        assert (decided.sale.state, decided.sale.case) == (State.SETTLED, "")
        books = balances(only(decided.effects, Post))
        assert books[Account.SETTLED_BY_HAND] == -350
        assert books[Account.CUSTOMER_LIABILITY] + books[Account.REFUNDS_PENDING] == 350


def test_a_settled_sale_never_comes_back_to_life_but_late_money_is_seen() -> None:
    for event in EVENTS:
        decided = step(SETTLED, event, CTX)
        assert decided.sale is not None
        assert situation(decided.sale) is Situation.SETTLED, event
    late = step(SETTLED, refund(RefundState.SUCCESS), CTX)
    assert late.sale is not None
    assert late.sale.case == "hand_refund"
    assert balances(only(late.effects, Post))[Account.PLATFORM_CLEARING] == -350


def test_a_second_payment_outlives_the_end_of_its_sale_until_it_is_named() -> None:
    both = after(CASE, SECOND)
    assert both.case == "brakes second_payment"
    assert after(both, closes()).case == "second_payment"
    only_other = after(both, closes("second_payment"))
    assert (only_other.state, only_other.case) == (State.CASE, "brakes")
    given = after(both, RefundOrdered(sale_id=SALE_ID, by="ann"))
    assert (situation(given), given.case) == (Situation.REFUNDING, "second_payment")
    assert after(given, closes("second_payment")).case == ""


def test_a_person_who_does_not_wait_for_the_machine_records_one_of_the_six_causes_of_doubt() -> None:
    foreign = replace(VENDING, past=True, case="foreign", foreign=True)
    for lost in (replace(foreign, jid=""), replace(foreign, store="older books")):
        given = after(lost, RefundOrdered(sale_id=SALE_ID, by="ann"))
        assert (situation(given), given.doubt) == (Situation.REFUNDING, "store_restored")
    # One that only looks like a sale from before a restore: its machine knows it, and is waited for.
    for early in (
        foreign,
        VENDING,
        replace(VENDING, past=True),
        replace(VENDING, past=True, case="second_payment"),
    ):
        assert after(early, RefundOrdered(sale_id=SALE_ID, by="ann")) == early


def test_money_that_went_back_twice_is_a_loss_in_the_books() -> None:
    decided = step(REFUNDED, refund(RefundState.SUCCESS, "by-hand"), CTX)
    assert balances(only(decided.effects, Post))[Account.SHRINKAGE] == 350


# ---------------------------------------------------------------- the trail, and what the ledger must say


def test_the_trail_says_what_changed_why_and_who() -> None:
    line = change(CASE, SETTLED, closes(), 7)
    assert (line.by, line.cause) == ("ann", "CaseEnded.closed given in cash")
    assert (line.before, line.after) == ("case vend case=brakes", "settled vend")
    told = change(VENDING, DOUBT, said(Word.UNCERTAIN, "power"), 7)
    assert (told.by, told.cause, told.after) == (
        "",
        "MachineSaid.uncertain power",
        "paid vend doubt=machine_gone",
    )


@pytest.mark.parametrize("where", Situation)
def test_after_every_step_the_ledger_says_what_the_row_says(where: Situation) -> None:
    row = ROWS[where]
    owed = 350 if where in (Situation.VENDING, Situation.DOUBT, Situation.CASE) else 0
    start = {
        Account.CUSTOMER_LIABILITY: -owed,
        Account.REFUNDS_PENDING: -350 if where is Situation.REFUNDING else 0,
        Account.SALES: -350 if where is Situation.VENDED else 0,
        Account.PLATFORM_CLEARING: 350 if row and row.paid_fen and where is not Situation.REFUNDED else 0,
        Account.SETTLED_BY_HAND: -350 if where is Situation.SETTLED else 0,
        Account.SHRINKAGE: 0,
    }
    for event in EVENTS:
        decided = step(row, event, CTX)
        if decided.sale is not None:
            moved = balances(only(decided.effects, Post))
            books = {account: start[account] + moved[account] for account in Account}
            assert list(faults(decided.sale, books)) == [], event


def test_a_ledger_that_says_something_else_than_the_row_is_found() -> None:
    books = dict.fromkeys(Account, 0)
    assert len(list(faults(VENDING, books))) == 1
    assert len(list(faults(VENDED, books))) == 1
    assert list(faults(OFFERED, books)) == []
    assert list(faults(OFFERED, {**books, Account.SALES: 1})) == ["debits and credits differ by 1 fen"]


# ---------------------------------------------------------------- in the engine


def wish(sale_id: str, how: Resolution, reason: str = "") -> Wish:
    return Wish(sale_id=sale_id, resolution=how, by="ann", why="looked at it", reason=reason)


async def held(world: World) -> str:
    world.machine.outcome = "not_delivered"
    sale_id = await world.paid()
    await world.ended(sale_id, State.CASE)
    return sale_id


def open_cases(world: World) -> list[Case]:
    return [each for each in world.tables.cases if not each.resolution]


def test_a_case_is_a_row_until_a_person_gives_the_money_back_once() -> None:
    async def scene() -> None:
        async with World(limits=BRAKES) as world:
            sale_id = await held(world)
            (seen,) = await world.engine.cases()
            assert (seen.sale_id, seen.reason, seen.owner, seen.paid_fen) == (sale_id, "brakes", "", 350)
            assert seen.advice == ADVICE["brakes"]
            assert await world.engine.take_case(sale_id, "ann") == ""
            first, second = await asyncio.gather(
                world.engine.resolve(wish(sale_id, Resolution.REFUND)),
                world.engine.resolve(wish(sale_id, Resolution.REFUND)),
            )
            assert sorted((first == "", second == "")) == [False, True]
            await world.ended(sale_id, State.REFUNDED)
            assert world.wechat.refunded_fen() == 350
            assert await world.engine.cases() == ()
            (over,) = await world.engine.cases(everything=True)
            assert (over.owner, over.resolved_by, over.resolution) == ("ann", "ann", "paid")
            assert "looked at it" in over.resolved_why
            assert await world.engine.alarms() == ()
            assert [line.by for line in world.tables.trail if line.by] == ["ann"]

    play(scene())


def test_a_decision_outlives_a_caller_who_hangs_up() -> None:
    async def scene() -> None:
        async with World(limits=BRAKES) as world:
            sale_id = await held(world)
            asking = asyncio.ensure_future(world.engine.resolve(wish(sale_id, Resolution.REFUND)))
            await asyncio.sleep(0)
            asking.cancel()
            await world.ended(sale_id, State.REFUNDED)

    play(scene())


def test_what_cannot_be_decided_is_said_and_nothing_is_written() -> None:
    async def scene() -> None:
        async with World() as world:
            sale_id = await world.paid()
            await world.ended(sale_id, State.VENDED)
            lines = len(world.tables.trail)
            for how in Resolution:
                assert await world.engine.resolve(wish(sale_id, how)) != ""
            assert await world.engine.take_case(sale_id, "ann") == "no open case"
            assert await world.engine.resolve(wish("x" * 26, Resolution.CLOSED)) == "no such sale"
            assert len(world.tables.trail) == lines

    play(scene())


def test_a_case_that_the_machine_settles_ends_by_itself_and_takes_its_alarm_along() -> None:
    async def scene() -> None:
        async with World(timings=Timings(doubt_s=0.0)) as world:
            world.machine.outcome = "uncertain"
            sale_id = await world.paid()
            await world.until(lambda: [each.reason for each in open_cases(world)] == ["doubt"])
            assert "doubt" in {alarm.name for alarm in await world.engine.alarms()}
            world.machine.rows[sale_id].state = "delivered"
            world.machine.answer(sale_id)
            await world.ended(sale_id, State.VENDED)
            (over,) = await world.engine.cases(everything=True)
            assert (over.resolved_by, over.resolution) == ("bridge", "vended")
            assert await world.engine.alarms() == ()

    play(scene())


def test_an_alarm_stands_as_long_as_one_case_of_its_name_is_open() -> None:
    async def scene() -> None:
        async with World(limits=BRAKES) as world:
            world.machine.outcome = "not_delivered"
            first, second = await held(world), await held(world)
            assert await world.engine.resolve(wish(first, Resolution.CLOSED)) == ""
            assert "brakes" in {alarm.name for alarm in await world.engine.alarms()}
            assert await world.engine.resolve(wish(second, Resolution.VENDED)) == ""
            assert "brakes" not in {alarm.name for alarm in await world.engine.alarms()}
            assert (world.row(first).state, world.row(second).state) == (State.SETTLED, State.VENDED)
            world.check_books()

    play(scene())


def test_every_change_of_a_row_has_its_line_in_the_trail() -> None:
    async def scene() -> None:
        async with World() as world:
            sale_id = await world.paid()
            await world.ended(sale_id, State.VENDED)
            lines = [line for line in world.tables.trail if line.sale_id == sale_id]
            assert [line.cause for line in lines[:3]] == ["Requested", "OrderPlaced", "Payment"]
            assert lines[-1].after == "vended vend"
            for before, following in pairwise(lines):
                assert before.after == following.before

    play(scene())


def test_the_alarm_of_a_rule_has_the_name_of_its_case() -> None:
    """Otherwise it would stand for ever."""
    for row in ROWS.values():
        for event in EVENTS:
            decided = step(row, event, CTX)
            names = {effect.name for effect in only(decided.effects, RaiseAlarm)}
            for reason, _ in turn(row, decided.sale, decided.effects).opened:
                assert case.alarm_of(reason) in names
