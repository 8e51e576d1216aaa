"""What every kind of books promises to the engine: those its tests run on, and those a merchant keeps."""

import asyncio
from collections.abc import Callable
from dataclasses import fields, replace
from functools import partial
from typing import Any

import pytest

from cloud_bridge.core.case import Case, Said
from cloud_bridge.core.ledger import goods_out, payment_verified, refund_confirmed, refund_decided
from cloud_bridge.core.model import Decision, State
from cloud_bridge.core.sale import Sale
from cloud_bridge.core.timings import Counts
from cloud_bridge.ports import JournalRow, StandingAlarm, Store, StoreFailed, Tx
from tests.unit.bridge.rows import CASE, CLOSED, OFFERED, QUOTED, REFUNDED, REFUNDING, ROWS, VENDED, VENDING
from tests.unit.store.samples import VM, fact, numbered

OTHER = "vm-0002"
JOURNAL = JournalRow(machine=VM, jid="j" * 26, boot=1, bits="1" * 16, upto=0)
ALARM = StandingAlarm(machine=VM, name="jam", lane=12, code="0x21", text="卡货", since_wall_ms=1_000)


def reading(sale_id: str) -> Callable[[Tx], Sale | None]:
    return lambda tx: tx.sale(sale_id)


async def put(store: Store, *sales: Sale) -> None:
    def work(tx: Tx) -> None:
        for sale in sales:
            tx.put(sale)

    await store.run(work)


# ---------------------------------------------------------------- sales


@pytest.mark.parametrize("kept", [sale for sale in ROWS.values() if sale], ids=lambda sale: sale.state)
async def test_a_row_comes_back_as_it_was_put(store: Store, kept: Sale) -> None:
    await put(store, kept)
    assert await store.run(lambda tx: tx.sale(kept.sale_id)) == kept
    assert await store.sale(kept.sale_id) == (kept, ())
    assert await store.sales(machine="", limit=9) == (kept,)


async def test_every_field_is_kept_by_itself(store: Store) -> None:
    """Each field in turn gets a value of its own: two that are mixed up, or one that is dropped, shows."""
    for number, field in enumerate(fields(Sale), start=1):
        before = getattr(QUOTED, field.name)
        value: object
        match before:
            case State() | Decision():
                value = list(type(before))[-1]
            case bool():
                value = not before
            case int():
                value = 2**53 + number  # more than a float can count, and than 32 bits hold
            case bytes():
                value = bytes(range(256)) * 4
            case _:
                value = f"{field.name} 值 ' \" \\ % :x 🎉"
        change: dict[str, Any] = {field.name: value}
        changed = replace(numbered(QUOTED, number), **change)
        await put(store, changed)
        assert await store.run(reading(changed.sale_id)) == changed, field.name


async def test_putting_a_row_again_replaces_all_of_it(store: Store) -> None:
    await put(store, VENDING)
    await put(store, replace(QUOTED, body=b""))
    assert await store.run(lambda tx: tx.sale(QUOTED.sale_id)) == replace(QUOTED, body=b"")
    assert await store.run(lambda tx: tx.owner_of("T1")) == ""
    assert len(await store.sales(machine="", limit=9)) == 1


async def test_what_was_never_put_is_not_there(store: Store) -> None:
    def work(tx: Tx) -> tuple[object, ...]:
        return (
            tx.sale("x"),
            tx.unfinished(),
            tx.open_rows(VM),
            tx.owner_of("T1"),
            tx.journal("j"),
            tx.journals(VM),
            tx.bits_of("j", 1),
            tx.counts(machine=VM, lane=1, since_wall_ms=0, but=""),
        )

    assert await store.run(work) == (None, (), 0, "", None, (), "", Counts())
    assert await store.sale("x") is None
    assert (await store.sales(machine="", limit=9), await store.alarms()) == ((), ())
    assert set((await store.totals()).values()) == {0}


async def test_a_transaction_sees_what_it_wrote(store: Store) -> None:
    def work(tx: Tx) -> tuple[Sale | None, str, int]:
        tx.put(QUOTED)
        waiting = tx.open_rows(VM)
        tx.put(VENDING)
        return tx.sale(QUOTED.sale_id), tx.owner_of("T1"), waiting - tx.open_rows(VM)

    assert await store.run(work) == (VENDING, QUOTED.sale_id, 1)


async def test_unfinished_is_what_still_waits_for_something(store: Store) -> None:
    waiting = (QUOTED, OFFERED, CLOSED, VENDING, REFUNDING, CASE)
    over = (VENDED, REFUNDED, replace(CLOSED, look_again=False))
    here = [numbered(sale, number) for number, sale in enumerate(waiting)]
    there = numbered(OFFERED, 50, machine=OTHER)
    await put(store, there, *here, *(numbered(sale, 60 + number) for number, sale in enumerate(over)))
    assert set(await store.run(lambda tx: tx.unfinished(VM))) == set(here)
    assert set(await store.run(lambda tx: tx.unfinished())) == {*here, there}
    assert await store.run(lambda tx: (tx.open_rows(VM), tx.open_rows(OTHER), tx.open_rows("x"))) == (2, 1, 0)


async def test_one_payment_never_belongs_to_two_sales(store: Store) -> None:
    await put(store, numbered(QUOTED, 1), numbered(QUOTED, 2), VENDING)
    with pytest.raises(StoreFailed):
        await put(store, replace(VENDING, sale_id="c" * 26))
    assert await store.run(lambda tx: (tx.owner_of("T1"), tx.owner_of(""))) == (VENDING.sale_id, "")
    await put(store, VENDED)
    assert await store.run(lambda tx: tx.sale("c" * 26)) is None


async def test_refunds_on_evidence_are_counted_by_lane_machine_and_fleet(store: Store) -> None:
    await put(
        store,
        numbered(REFUNDED, 1, evidence_wall_ms=5_000),
        numbered(REFUNDED, 2, evidence_wall_ms=5_001),
        numbered(REFUNDED, 3, evidence_wall_ms=5_002),
        numbered(REFUNDED, 4, evidence_wall_ms=5_003, lane=13),
        numbered(REFUNDED, 5, evidence_wall_ms=5_004, machine=OTHER),
        numbered(REFUNDED, 6),
    )

    def counted(since_wall_ms: int, but: str) -> Any:
        return lambda tx: tx.counts(machine=VM, lane=12, since_wall_ms=since_wall_ms, but=but)

    assert await store.run(counted(5_000, "")) == Counts(lane=2, machine=3, fleet=4)
    assert await store.run(counted(5_000, f"{2:026d}")) == Counts(lane=1, machine=2, fleet=3)
    assert await store.run(counted(-1, "")) == Counts(lane=3, machine=4, fleet=5)


async def test_the_newest_sales_come_first_and_no_more_than_asked_for(store: Store) -> None:
    here = [numbered(QUOTED, number) for number in (3, 1, 2)]
    await put(store, *here, numbered(QUOTED, 4, machine=OTHER))
    assert [sale.opened_wall_ms % 10 for sale in await store.sales(machine="", limit=3)] == [4, 3, 2]
    assert [sale.opened_wall_ms % 10 for sale in await store.sales(machine=VM, limit=9)] == [3, 2, 1]


# ---------------------------------------------------------------- ledger and timeline


async def test_a_timeline_is_told_in_the_order_it_was_written(store: Store) -> None:
    facts = tuple(fact(number) for number in range(5))

    def work(tx: Tx) -> None:
        tx.put(QUOTED)
        tx.note(fact(7, sale_id=""))
        for line in facts:
            tx.note(line)
        tx.note(fact(8, sale_id="c" * 26))

    await store.run(work)
    assert await store.sale(QUOTED.sale_id) == (QUOTED, facts)


async def test_totals_say_what_came_in_what_went_back_and_what_waits(store: Store) -> None:
    sold, back = numbered(VENDED, 1), numbered(REFUNDED, 2)
    held = numbered(CASE, 3)
    odd = numbered(VENDED, 4, case="hand_refund", refunded_fen=100)

    def work(tx: Tx) -> None:
        for sale in (sold, back, held, odd, numbered(OFFERED, 5)):
            tx.put(sale)
            if sale.paid_fen:
                tx.post(sale.sale_id, payment_verified(sale.paid_fen), 1_000)
        for sale in (sold, odd):
            tx.post(sale.sale_id, goods_out(350), 2_000)
        tx.post(back.sale_id, refund_decided(350), 3_000)
        tx.post(back.sale_id, refund_confirmed(350), 4_000)

    await store.run(work)
    assert await store.totals() == {
        "sales": 5,
        "paid_fen": 1_400,
        "vended_fen": 700,
        "refunded_fen": 450,
        "cases": 2,
        "waiting_for_a_person": 1,
        "platform_clearing_balance_fen": 1_050,
        "customer_liability_balance_fen": -350,
        "sales_balance_fen": -700,
        "refunds_pending_balance_fen": 0,
        "shrinkage_balance_fen": 0,
        "settled_by_hand_balance_fen": 0,
    }


# ---------------------------------------------------------------- cases

HELD = Case(sale_id=CASE.sale_id, machine=VM, reason="brakes", evidence="太多\0", opened_wall_ms=2_000)
OVER = Said(by="ann", resolution="refund", why="传感器坏了")


async def test_a_case_is_open_until_it_is_ended_and_may_open_again(store: Store) -> None:
    def work(tx: Tx) -> tuple[int, ...]:
        tx.put(CASE)
        counts: list[int] = []
        acts: tuple[Callable[[], None], ...] = (
            lambda: tx.open_case(HELD),
            lambda: tx.open_case(replace(HELD, evidence="again", opened_wall_ms=3_000)),
            lambda: tx.end_case(CASE.sale_id, "other", OVER, 4_000),
            lambda: tx.end_case(CASE.sale_id, "brakes", OVER, 5_000),
            lambda: tx.end_case(CASE.sale_id, "brakes", replace(OVER, by="bob"), 6_000),
            lambda: tx.open_case(replace(HELD, opened_wall_ms=7_000)),
        )
        for act in acts:
            act()
            counts.append(tx.open_cases(VM, "brakes"))
        return (*counts, tx.open_cases(OTHER, "brakes"), tx.open_cases(VM, "doubt"))

    assert await store.run(work) == (1, 1, 1, 0, 0, 1, 0, 0)
    (still, _), (over, sale) = await store.cases(resolved=9)
    assert (still.opened_wall_ms, still.resolution) == (7_000, "")
    assert (over.opened_wall_ms, over.resolved_by, over.resolved_wall_ms) == (2_000, "ann", 5_000)
    assert over.evidence.startswith("太多")
    assert sale == CASE
    assert [case.resolution for case, _ in await store.cases()] == [""]


async def test_open_cases_come_oldest_first_and_those_that_are_over_newest_first(store: Store) -> None:
    def work(tx: Tx) -> None:
        for number, age in enumerate((30, 10, 20, 40), start=1):
            sale = numbered(CASE, number)
            tx.put(sale)
            tx.open_case(replace(HELD, sale_id=sale.sale_id, opened_wall_ms=age))
        tx.end_case(f"{1:026d}", "brakes", OVER, 100)
        tx.end_case(f"{4:026d}", "brakes", OVER, 200)

    await store.run(work)
    ages = [case.opened_wall_ms for case, _ in await store.cases(resolved=9)]
    assert ages == [10, 20, 40, 30]
    assert len(await store.cases(resolved=1)) == 3


async def test_whoever_takes_a_sale_owns_all_its_open_cases_and_no_others(store: Store) -> None:
    def work(tx: Tx) -> tuple[int, int]:
        tx.put(CASE)
        for reason in ("brakes", "second_payment", "doubt"):
            tx.open_case(replace(HELD, reason=reason))
        tx.end_case(CASE.sale_id, "doubt", OVER, 5_000)
        return tx.own_cases(CASE.sale_id, "ann"), tx.own_cases("x" * 26, "ann")

    assert await store.run(work) == (2, 0)
    owners = {case.reason: case.owner for case, _ in await store.cases(resolved=9)}
    assert owners == {"brakes": "ann", "second_payment": "ann", "doubt": ""}


# ---------------------------------------------------------------- journals of machines


async def test_one_journal_of_a_machine_is_current(store: Store) -> None:
    first, second = JOURNAL, replace(JOURNAL, jid="k" * 26)
    other = replace(JOURNAL, machine=OTHER, jid="m" * 26)
    gone = replace(first, current=False)

    def work(tx: Tx) -> tuple[JournalRow, ...]:
        for row in (first, other, second):
            tx.put_journal(row)
        return tx.journals(VM)

    assert await store.run(work) == (second, gone)
    assert await store.run(lambda tx: (tx.journal(first.jid), tx.journal(other.jid))) == (gone, other)
    await store.run(lambda tx: tx.put_journal(replace(gone, doubt="rolled_back")))
    assert await store.run(lambda tx: tx.journals(VM)) == (second, replace(gone, doubt="rolled_back"))
    await store.run(lambda tx: tx.put_journal(first))
    assert await store.run(lambda tx: tx.journals(VM)) == (first, replace(second, current=False))


async def test_the_bits_a_boot_was_first_put_with_are_never_forgotten(store: Store) -> None:
    def work(tx: Tx) -> None:
        tx.put_journal(JOURNAL)
        tx.put_journal(replace(JOURNAL, boot=2, bits="2" * 16))
        tx.put_journal(replace(JOURNAL, boot=2, bits="3" * 16))

    await store.run(work)
    assert await store.run(lambda tx: [tx.bits_of(JOURNAL.jid, boot) for boot in (1, 2, 3)]) == [
        "1" * 16,
        "2" * 16,
        "",
    ]


async def test_upto_grows_as_gaps_are_filled_and_never_shrinks(store: Store) -> None:
    await store.run(lambda tx: tx.put_journal(JOURNAL))

    def taking(n: int) -> Callable[[Tx], int]:
        return lambda tx: tx.reported(JOURNAL.jid, n)

    taken = [(1, 1), (3, 1), (4, 1), (6, 1), (3, 1), (2, 4), (2, 4), (5, 6), (7, 7), (1, 7)]
    assert [await store.run(taking(n)) for n, _ in taken] == [upto for _, upto in taken]
    assert await store.run(lambda tx: tx.journal(JOURNAL.jid)) == replace(JOURNAL, upto=7)


async def test_reports_of_one_journal_say_nothing_of_another(store: Store) -> None:
    def work(tx: Tx) -> tuple[int, ...]:
        tx.put_journal(JOURNAL)
        tx.put_journal(replace(JOURNAL, jid="k" * 26, upto=7))
        return tuple(tx.reported(jid * 26, n) for jid, n in (("j", 2), ("k", 8), ("k", 2), ("j", 1)))

    assert await store.run(work) == (0, 8, 8, 2)


# ---------------------------------------------------------------- alarms


async def test_an_alarm_raised_again_has_new_words_and_stands_since_the_first(store: Store) -> None:
    again = replace(ALARM, text="still jammed", code="0x22", since_wall_ms=2_000)
    await store.run(lambda tx: tx.set_alarm(ALARM))
    await store.run(lambda tx: tx.set_alarm(again))
    assert await store.alarms() == (replace(again, since_wall_ms=1_000),)


async def test_clearing_ends_that_alarm_and_no_other(store: Store) -> None:
    others = (replace(ALARM, lane=0), replace(ALARM, name="door"), replace(ALARM, machine=OTHER))

    def work(tx: Tx) -> None:
        for alarm in (ALARM, *others):
            tx.set_alarm(alarm)
        for _ in range(2):
            tx.clear_alarm(machine=VM, name="jam", lane=12)

    await store.run(work)
    assert set(await store.alarms()) == set(others)


# ---------------------------------------------------------------- together


async def test_who_fails_undoes_his_own_writes_and_nobody_elses(store: Store) -> None:
    sales = [numbered(QUOTED, number) for number in range(40)]

    def work(sale: Sale, tx: Tx) -> str:
        tx.put(sale)
        tx.note(fact(1, sale.sale_id))
        tx.post(sale.sale_id, payment_verified(350), 1)
        if sale.opened_wall_ms % 3 == 0:
            raise KeyError(sale.sale_id)
        return sale.sale_id

    done = await asyncio.gather(*(store.run(partial(work, sale)) for sale in sales), return_exceptions=True)
    failed = {sale.sale_id for sale in sales if sale.opened_wall_ms % 3 == 0}
    kept = {sale.sale_id for sale in await store.sales(machine="", limit=99)}
    assert {answer for answer in done if isinstance(answer, str)} == kept
    assert {answer.args[0] for answer in done if isinstance(answer, KeyError)} == failed
    assert kept | failed == {sale.sale_id for sale in sales}
    assert (await store.totals())["platform_clearing_balance_fen"] == 350 * len(kept)


async def test_each_sees_what_those_before_it_wrote(store: Store) -> None:
    await put(store, QUOTED)

    def count(tx: Tx) -> int:
        sale = tx.sale(QUOTED.sale_id)
        assert sale is not None
        tx.put(replace(sale, sent_count=sale.sent_count + 1))
        return sale.sent_count

    assert await asyncio.gather(*(store.run(count) for _ in range(50))) == list(range(50))
