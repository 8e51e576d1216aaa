"""Reports and the ledger: whatever is asked for, the lines add up to what it holds, in each database."""

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine

from cloud_bridge.core.ledger import Account, Post, balances
from cloud_bridge.core.report import Asked, By, Move, Report, lines, takings, total
from cloud_bridge.engine_reports import Reports
from cloud_bridge.ports_bills import DayResult, Figures
from cloud_bridge.ports_reports import Wish
from cloud_bridge.store.books import SqlStore
from cloud_bridge.store.reports import read_moves, read_vends
from tests.unit.store.takings import BEGIN_MS, DAY, FATES, HOUR_MS, Sold, a_day, rung_up, sold

DAY_MS = 24 * HOUR_MS
SALES = Wish(report=Report.SALES, first=DAY, last=DAY)


def entries(some: Sequence[Sold], begin_ms: int, end_ms: int) -> list[Post]:
    """What was written between two instants."""
    return [post for each in some for post, at_ms in each.posts if begin_ms <= at_ms < end_ms]


# ---------------------------------------------------------------- the proof, without a database

_FATES = st.lists(
    st.tuples(st.sampled_from(FATES), st.integers(0, 3 * DAY_MS), st.integers(1, 100_000)), max_size=30
)


def moves(some: Sequence[Sold], by: By, begin_ms: int, end_ms: int) -> list[Move]:
    """As the books group them, one by one."""
    found = []
    for each in some:
        for post, at_ms in each.posts:
            if begin_ms <= at_ms < end_ms:
                key = {
                    By.MACHINE: (each.sale.machine,),
                    By.PRODUCT: (each.sale.product_zh, each.sale.product_en),
                    By.HOUR: (str(at_ms // HOUR_MS % 24),),
                }[by]
                move = Move(key=key, debit=post.debit, credit=post.credit, count=1, fen=post.fen)
                found.append(move)
    return found


@settings(max_examples=25, deadline=None)
@given(fates=_FATES, cut=st.integers(0, 3 * DAY_MS))
def test_lines_add_up_to_the_ledger_however_they_are_cut(fates: list[tuple[str, int, int]], cut: int) -> None:
    some = [sold(n, fate, BEGIN_MS + at, paid_fen=fen) for n, (fate, at, fen) in enumerate(fates)]
    whole = (BEGIN_MS, BEGIN_MS + 4 * DAY_MS)
    held = balances(entries(some, *whole))
    sums = {by: total(lines(moves(some, by, *whole))) for by in (By.MACHINE, By.PRODUCT, By.HOUR)}
    assert len(set(sums.values())) == 1
    found = sums[By.MACHINE]
    assert found.left_fen == held[Account.PLATFORM_CLEARING]
    assert found.sold_fen == -held[Account.SALES]
    assert found.lost_fen == held[Account.SHRINKAGE]
    explained = takings(moves(some, By.MACHINE, *whole))
    assert sum(fen for _, fen in explained.places) == explained.left_fen == found.left_fen
    parts = [(whole[0], whole[0] + cut), (whole[0] + cut, whole[1])]
    halves = [total(lines(moves(some, By.MACHINE, *part))) for part in parts]
    assert sum(half.left_fen for half in halves) == found.left_fen
    assert sum(half.paid for half in halves) == found.paid


# ---------------------------------------------------------------- the same, out of the databases


@pytest.fixture
async def day(sql_store: SqlStore) -> list[Sold]:
    """Books of a day with every fate in it, and a sale the day before and the day after."""
    some = [*a_day(30), sold(900, "vended", BEGIN_MS - 1), sold(901, "refunded", BEGIN_MS + DAY_MS)]
    await rung_up(sql_store, some)
    return some


async def test_every_report_of_a_day_is_the_days_ledger(sql_store: SqlStore, day: list[Sold]) -> None:
    held = balances(entries(day, BEGIN_MS, BEGIN_MS + DAY_MS))
    for by in By:
        found = total(await Reports(sql_store.reports).lines(replace(SALES, by=by)))
        assert found.left_fen == held[Account.PLATFORM_CLEARING]
        assert found.sold_fen == -held[Account.SALES]
        assert found.lost_fen == held[Account.SHRINKAGE]


async def test_days_add_up_to_all_that_the_ledger_holds(sql_store: SqlStore, day: list[Sold]) -> None:
    asked = replace(SALES, first="2026-01-29", last="2026-02-01", by=By.DAY)
    found = await Reports(sql_store.reports).lines(asked)
    totals = await sql_store.totals()
    assert [line.key[0] for line in found] == ["2026-01-29", "2026-01-30", "2026-01-31"]
    assert sum(line.left_fen for line in found) == totals["platform_clearing_balance_fen"]


async def test_takings_say_where_each_fen_is(sql_store: SqlStore, day: list[Sold]) -> None:
    found = await Reports(sql_store.reports).takings(replace(SALES, report=Report.TAKINGS))
    held = balances(entries(day, BEGIN_MS, BEGIN_MS + DAY_MS))
    assert dict(found.places) == {name: -held[name] for name, _ in found.places}
    assert sum(fen for _, fen in found.places) == found.left_fen == held[Account.PLATFORM_CLEARING]
    assert found.bill.missing == (DAY,)


async def test_refunds_and_losses_have_their_reasons(sql_store: SqlStore, day: list[Sold]) -> None:
    reports = Reports(sql_store.reports)
    refunds = await reports.table(replace(SALES, report=Report.REFUNDS))
    back = [post for post in entries(day, BEGIN_MS, BEGIN_MS + DAY_MS) if _goes_back(post)]
    assert refunds.total == ("", len(back), sum(post.fen for post in back))
    assert {str(row[0]) for row in refunds.rows} == {
        "late",
        "doubt.machine_gone",
        "not_delivered.moved.jam",
        "refunded by hand",  # the sale itself went well
    }
    losses = await reports.table(replace(SALES, report=Report.SHRINKAGE, by=By.REASON))
    assert losses.total[-1] == sum(
        post.fen for post in entries(day, BEGIN_MS, BEGIN_MS + DAY_MS) if post.debit is Account.SHRINKAGE
    )


def _goes_back(post: Post) -> bool:
    return post.credit is Account.PLATFORM_CLEARING


async def test_the_rows_behind_a_number_are_those_it_is_the_sum_of(
    sql_store: SqlStore, day: list[Sold]
) -> None:
    reports = Reports(sql_store.reports)
    for by in By:
        for line in await reports.lines(replace(SALES, by=by)):
            rows = replace(SALES, report=Report.ENTRIES, by=by, key=line.key, account=Account.SHRINKAGE)
            table = await reports.table(rows)
            fen = [column.name for column in table.columns].index("fen")
            assert sum(int(row[fen]) for row in table.rows) == line.lost_fen


async def test_lanes_are_counted_by_what_became_of_their_vends(sql_store: SqlStore, day: list[Sold]) -> None:
    table = await Reports(sql_store.reports).table(replace(SALES, report=Report.LANES))
    ended = [each for each in day if each.sale.sale_id not in (f"{900:026d}", f"{901:026d}")]
    ended.append(day[-2])  # paid before midnight and out after it
    names = [column.name for column in table.columns]
    whole = dict(zip(names, table.total, strict=True))
    assert whole["vends"] == len(ended)
    assert whole["failed"] == sum(each.outcome.value == "failed" for each in ended)
    rates = [float(row[-1]) for row in table.rows]
    assert rates == sorted(rates, reverse=True)


async def test_whoever_has_some_machines_sees_their_money_alone(sql_store: SqlStore, day: list[Sold]) -> None:
    reports = Reports(sql_store.reports)
    mine = frozenset({"vm-0002"})
    for by in By:
        found = total(await reports.lines(replace(SALES, by=by, machines=mine)))
        his = [each for each in day if each.sale.machine in mine]
        held = balances(entries(his, BEGIN_MS, BEGIN_MS + DAY_MS))
        assert found.left_fen == held[Account.PLATFORM_CLEARING]
    assert (await reports.takings(replace(SALES, machines=mine))).bill.missing == ()
    assert await reports.lines(replace(SALES, machines=frozenset())) == ()
    lanes = await reports.table(replace(SALES, report=Report.LANES, machines=mine))
    assert {row[0] for row in lanes.rows} == mine


# ---------------------------------------------------------------- beside the bill


def figures(**paid: int) -> Figures:
    names = ("bill", "books", "matched", "bill_only", "elsewhen", "void", "bill_differs", "books_differs")
    nothing = dict.fromkeys((*names, "books_only"), 0)
    return Figures(paid=nothing | paid, refunds=nothing, lines=1, fee_fen_5=0, pieces=1, funds={})


async def test_the_difference_to_the_bill_is_named_in_parts_that_add_up(
    sql_store: SqlStore, day: list[Sold]
) -> None:
    asked = replace(SALES, report=Report.TAKINGS)
    ours = (await Reports(sql_store.reports).takings(asked)).whole.paid_fen
    result = DayResult(merchant="", day=DAY, figures=figures(bill=ours - 450, books=ours - 350))
    await sql_store.on_bills(lambda tx: tx.put_bill_day(result, ()))
    found = await Reports(sql_store.reports).takings(asked)
    assert (found.bill.days, found.bill.missing) == ((DAY,), ())
    other_day, apart = found.apart("paid")
    assert (other_day, apart) == (350, 100)
    assert found.whole.paid_fen - other_day - apart == found.bill.paid_fen


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"first": "2026-01-31"}, "found 0 days"),
        ({"last": "2027-02-01"}, "allowed 1 to 366"),
        ({"first": "2026-02-30"}, "day"),
        ({"key": ("a", "b")}, "allowed those of one machine"),
        ({"key": ("a",), "by": By.PRODUCT}, "allowed those of one product"),
    ],
)
def test_what_cannot_be_asked_for_is_said(changes: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        replace(SALES, **changes)


async def test_a_report_is_one_query_along_its_index(
    sqlite_url: str, opened: Callable[[str], SqlStore]
) -> None:
    """Whatever it is by, the ledger is read along time and not from its beginning."""
    await rung_up(opened(sqlite_url), a_day(10))
    asked = Asked(report=Report.SALES, begin_ms=BEGIN_MS, end_ms=BEGIN_MS + DAY_MS)
    seen: list[str] = []
    db = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"))
    engine = create_engine("sqlite://", creator=lambda: db)
    with engine.connect() as connection:
        connection.begin()
        db.set_trace_callback(seen.append)
        for by in By:
            read_moves(connection, replace(asked, by=by))
        read_vends(connection, asked)
        db.set_trace_callback(None)
        queries = [each for each in seen if each.startswith("SELECT")]
        assert len(queries) == len(By) + 1
        for each in queries:
            plan = " ".join(str(row[3]) for row in db.execute(f"EXPLAIN QUERY PLAN {each}"))
            assert "ledger_when" in plan or "delivery_ended" in plan, plan
            assert "SCAN ledger" not in plan
    engine.dispose()
