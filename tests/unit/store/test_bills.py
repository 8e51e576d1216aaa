"""The match's own rows, and the books as streams by sale id, in each database a merchant may have."""

import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from cloud_bridge.core.bill import BillLine, BookRow, Difference, Kind, LineState, MachineRow, Side
from cloud_bridge.core.case import Case, Said
from cloud_bridge.core.ledger import Post, payment_verified, refund_confirmed, refund_decided
from cloud_bridge.core.model import Decision, State
from cloud_bridge.core.sale import Sale
from cloud_bridge.ports import JournalRow, StoreFailed, Tx
from cloud_bridge.ports_bills import (
    BillTx,
    Cause,
    DayResult,
    Figures,
    Found,
    JournalPage,
    Kept,
    bounds_ms,
    day_of,
    days_from,
)
from cloud_bridge.store.bills import sorted_by_sale
from cloud_bridge.store.books import SqlStore
from tests.unit.bridge.rows import CLOSED, REFUNDED, VENDED
from tests.unit.store.samples import VM

DAY = "2026-11-24"
BEGIN_MS, END_MS = bounds_ms(DAY)
NOON_MS = BEGIN_MS + 12 * 3_600_000
JOURNAL = JournalRow(machine=VM, jid="j" * 26, boot=3, bits="b" * 16, upto=0)
PAGE = JournalPage(
    machine=VM,
    jid="j" * 26,
    boot=3,
    bits="b" * 16,
    day=DAY,
    rows=(MachineRow("a" * 26, VM, "delivered", 350, ""), MachineRow("b" * 26, VM, "closed", 350, "")),
    first=True,
    more=False,
)
FOUND = Found(
    difference=Difference(
        kind=Kind.AMOUNT, sale_id="s1", machine=VM, number="T1", bill_fen=351, books_fen=350
    ),
    since_wall_ms=7,
)
RESULT = DayResult(
    merchant="north",
    day=DAY,
    sha1="a" * 40,
    file="北.csv.gz",
    rounds=DAY,
    matched_wall_ms=9,
    figures=Figures(paid={"bill": 1}, refunds={}, lines=1, fee_fen_5=-1, pieces=0, funds={"交易": 1}),
)


def sold(name: str, opened_ms: int = NOON_MS, **changes: Any) -> Sale:
    sale = replace(VENDED, sale_id=name, transaction_id=f"T{name}", opened_wall_ms=opened_ms, merchant="")
    return replace(sale, **changes)


async def keep(store: SqlStore, sale: Sale, *posts: tuple[Post, int]) -> None:
    def work(tx: Tx) -> None:
        tx.put(sale)
        for post, at_ms in posts:
            tx.post(sale.sale_id, post, at_ms)

    await store.run(work)


def books(store: SqlStore, merchant: str = "", day: str = DAY) -> list[BookRow]:
    with store.look() as look:
        return list(look.books(merchant, day))


# ---------------------------------------------------------------- the books as streams


async def test_a_days_paid_sales_come_by_their_ids_with_what_the_ledger_took_in(sql_store: SqlStore) -> None:
    for name in ("c" * 26, "a" * 26, "b" * 26):
        await keep(sql_store, sold(name), (payment_verified(350), NOON_MS))
    await keep(sql_store, replace(CLOSED, sale_id="d" * 26, opened_wall_ms=NOON_MS))
    rows = books(sql_store)
    assert [row.sale_id for row in rows] == ["a" * 26, "b" * 26, "c" * 26]
    assert rows[0] == BookRow(
        sale_id="a" * 26,
        machine=VM,
        price_fen=350,
        paid_fen=350,
        transaction_id="T" + "a" * 26,
        paid_day=DAY,
        opened_day=DAY,
        back_today_fen=0,
        refund_no="",
        hand_refunds="",
        done=False,
        vended=True,
        goods=True,
        doubt=False,
    )


@pytest.mark.parametrize(
    ("opened_ms", "opened_day"),
    [
        (BEGIN_MS - 3 * 3_600_000 - 1, None),
        (BEGIN_MS - 1, days_from(DAY, -1)),  # it may be paid after midnight
        (BEGIN_MS, DAY),
        (END_MS - 1, DAY),
        (END_MS, None),
    ],
)
async def test_a_day_begins_and_ends_at_midnight_in_beijing(
    sql_store: SqlStore, opened_ms: int, opened_day: str | None
) -> None:
    await keep(sql_store, sold("a" * 26, opened_ms), (payment_verified(350), NOON_MS))
    assert next((row.opened_day for row in books(sql_store)), None) == opened_day


@pytest.mark.parametrize(
    ("paid_at", "day"),
    [
        (f"{DAY}T23:59:59+08:00", DAY),
        ("2026-11-25T00:00:01+08:00", "2026-11-25"),
        ("2026-11-24T16:00:01Z", DAY),  # another zone: the ledger's own time says the day
        ("", DAY),
    ],
)
async def test_the_platforms_own_time_says_on_which_day_it_was_paid(
    sql_store: SqlStore, paid_at: str, day: str
) -> None:
    await keep(sql_store, sold("a" * 26, paid_at=paid_at), (payment_verified(350), NOON_MS))
    assert [row.paid_day for row in books(sql_store)] == [day]


async def test_money_that_went_back_today_brings_an_older_sale_along(sql_store: SqlStore) -> None:
    old_ms = NOON_MS - 30 * 86_400_000
    sale = replace(
        REFUNDED, sale_id="a" * 26, transaction_id="T9", opened_wall_ms=old_ms, refund_no="R" + "a" * 26
    )
    entries = (payment_verified(350), old_ms), (refund_decided(350), old_ms), (refund_confirmed(350), NOON_MS)
    await keep(sql_store, sale, *entries)
    (row,) = books(sql_store)
    assert (row.back_today_fen, row.done, row.paid_fen) == (350, True, 350)
    assert row.opened_day == day_of(old_ms)
    assert books(sql_store, day=days_from(DAY, 1)) == []
    with sql_store.look() as look:
        elsewhen = look.book("", "a" * 26, days_from(DAY, 1))
        assert elsewhen is not None
        assert elsewhen.back_today_fen == 0


async def test_one_merchants_sales_are_no_others(sql_store: SqlStore) -> None:
    await keep(sql_store, sold("a" * 26), (payment_verified(350), NOON_MS))
    await keep(sql_store, sold("b" * 26, merchant="north"), (payment_verified(350), NOON_MS))
    assert [row.sale_id for row in books(sql_store, "north")] == ["b" * 26]
    with sql_store.look() as look:
        assert look.book("", "b" * 26, DAY) is None
        assert look.book("north", "b" * 26, DAY) is not None


async def test_a_sale_that_is_not_paid_is_found_by_its_id_alone(sql_store: SqlStore) -> None:
    await keep(sql_store, replace(CLOSED, sale_id="a" * 26, opened_wall_ms=NOON_MS))
    with sql_store.look() as look:
        row = look.book("", "a" * 26, DAY)
        assert row is not None
        assert (row.paid_fen, row.paid_day) == (0, "")
        assert look.book("", "z" * 26, DAY) is None


@pytest.mark.parametrize(
    ("changes", "done", "vended", "doubt"),
    [
        ({}, False, True, False),
        ({"doubt": "power"}, False, True, True),
        ({"state": State.SETTLED}, False, False, True),
        ({"state": State.REFUNDED, "decision": Decision.REFUND}, True, False, False),
    ],
)
async def test_what_became_of_a_sale_is_told_apart(
    sql_store: SqlStore, changes: dict[str, Any], done: bool, vended: bool, doubt: bool
) -> None:
    await keep(sql_store, sold("a" * 26, **changes), (payment_verified(350), NOON_MS))
    (row,) = books(sql_store)
    assert (row.done, row.vended, row.doubt) == (done, vended, doubt)


async def test_the_last_case_of_a_sale_says_who_settled_it(sql_store: SqlStore) -> None:
    case = Case(sale_id="a" * 26, machine=VM, reason="bill_amount", evidence="", opened_wall_ms=1)
    said = Said(by="ann", resolution="closed", why="compared")

    def work(tx: Tx) -> None:
        tx.put(sold("a" * 26))
        tx.open_case(case)

    await sql_store.run(work)
    with sql_store.look() as look:
        assert look.settled("a" * 26, "bill_amount") == ""
    await sql_store.run(lambda tx: tx.end_case("a" * 26, "bill_amount", said, 2))
    with sql_store.look() as look:
        assert look.settled("a" * 26, "bill_amount") == look.settled("a" * 26, "") == "ann: compared"
        assert look.settled("a" * 26, "bill_missing") == ""


# ---------------------------------------------------------------- journals of machines


async def page(store: SqlStore, said: JournalPage) -> bool:
    return await store.on_bills(lambda tx: tx.put_page(said))


async def test_a_believed_journal_is_kept_page_by_page(sql_store: SqlStore) -> None:
    await sql_store.run(lambda tx: tx.put_journal(JOURNAL))
    await keep(sql_store, sold("a" * 26))
    assert await page(sql_store, replace(PAGE, more=True))
    with sql_store.look() as look:
        assert look.journals(DAY) == frozenset()
    later = replace(PAGE, first=False, rows=(MachineRow("c" * 26, VM, "open", 350, ""),))
    assert await page(sql_store, later)
    with sql_store.look() as look:
        assert look.journals(DAY) == {VM}
        rows = list(look.machines("", DAY, frozenset({VM})))
        assert [(row.sale_id, row.state, row.day) for row in rows] == [
            ("a" * 26, "delivered", DAY),
            ("b" * 26, "closed", DAY),
            ("c" * 26, "open", DAY),
        ]
        assert [row.sale_id for row in look.machines("", DAY, frozenset())] == ["a" * 26]
        assert list(look.machines("north", DAY, frozenset())) == []


async def test_asking_anew_takes_the_place_of_what_was_said_before(sql_store: SqlStore) -> None:
    await sql_store.run(lambda tx: tx.put_journal(JOURNAL))
    await page(sql_store, PAGE)
    await page(sql_store, replace(PAGE, rows=(MachineRow("b" * 26, VM, "delivered", 350, ""),)))
    with sql_store.look() as look:
        rows = list(look.machines("", DAY, frozenset({VM})))
    assert [(row.sale_id, row.state) for row in rows] == [("b" * 26, "delivered")]


@pytest.mark.parametrize(
    "known",
    [
        None,
        replace(JOURNAL, boot=4),
        replace(JOURNAL, bits="c" * 16),
        replace(JOURNAL, doubt="cloned"),
        replace(JOURNAL, machine="vm-0002"),
        replace(JOURNAL, current=False),
    ],
)
async def test_a_journal_that_is_not_believed_says_nothing(
    sql_store: SqlStore, known: JournalRow | None
) -> None:
    if known is not None:
        row = known
        await sql_store.run(lambda tx: tx.put_journal(row))
    assert not await page(sql_store, PAGE)
    with sql_store.look() as look:
        assert look.journals(DAY) == frozenset()
        assert list(look.machines("", DAY, frozenset({VM}))) == []


# ---------------------------------------------------------------- results


async def put(store: SqlStore, result: DayResult, found: Sequence[Found]) -> None:
    await store.on_bills(lambda tx: tx.put_bill_day(result, found))


async def kept(store: SqlStore, merchant: str = "north", day: str = DAY) -> Kept | None:
    def read(tx: BillTx) -> Kept | None:
        return tx.bill_day(merchant, day)

    return await store.on_bills(read)


async def test_a_day_comes_back_as_it_was_put(sql_store: SqlStore) -> None:
    assert await kept(sql_store) is None
    caused = replace(
        FOUND,
        difference=replace(FOUND.difference, kind=Kind.NOT_OURS),
        cause=Cause(name="person", why="网店", by="ann"),
    )
    await put(sql_store, RESULT, (FOUND, caused))
    assert await kept(sql_store) == (RESULT, (FOUND, caused))
    assert await kept(sql_store, merchant="") is None
    await put(sql_store, replace(RESULT, closed=True, figures=None), (replace(FOUND, cause=caused.cause),))
    again = await kept(sql_store)
    assert again == (
        replace(RESULT, closed=True, figures=None),
        (replace(FOUND, cause=caused.cause), caused),
    )


async def test_the_newest_days_come_first(sql_store: SqlStore) -> None:
    for day in (DAY, days_from(DAY, 2), days_from(DAY, 1)):
        await put(sql_store, replace(RESULT, day=day), ())
    found = await sql_store.bill_days(2)
    assert [result.day for result, _ in found] == [days_from(DAY, 2), days_from(DAY, 1)]


async def test_a_transaction_that_fails_leaves_no_half_of_a_day(sql_store: SqlStore) -> None:
    def work(tx: BillTx) -> None:
        tx.put_bill_day(RESULT, (FOUND,))
        raise StoreFailed("no")

    with pytest.raises(StoreFailed):
        await sql_store.on_bills(work)
    assert await kept(sql_store) is None


def test_a_statement_that_lost_a_line_does_not_fit() -> None:
    assert Side(bill=3, books=3, matched=3).fits()
    assert not Side(bill=3, books=3, matched=2).fits()
    assert not Side(bill=3, books=4, matched=3).fits()


# ---------------------------------------------------------------- sorting


def test_lines_are_sorted_by_sale_and_otherwise_stay_as_they_were() -> None:
    lines = [
        BillLine(f"s{number % 50:02d}", "R" if number % 7 == 0 else "", number, f"T{number}", state, "")
        for number, state in enumerate([*LineState] * 60)
    ]
    random.Random(1).shuffle(lines)
    with sorted_by_sale(iter(lines)) as found:
        assert list(found) == sorted(lines, key=lambda line: (line.sale_id, line.refund_no))
    with sorted_by_sale(()) as none:
        assert list(none) == []
