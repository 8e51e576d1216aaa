"""The books as pages read them, on every database: by key, by a number's end, by day, and all of one sale."""

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import text

from cloud_bridge.core.case import Case
from cloud_bridge.core.ledger import goods_lost, goods_out, payment_verified
from cloud_bridge.core.model import State
from cloud_bridge.core.sale import Sale
from cloud_bridge.core.trail import Change
from cloud_bridge.engine_looking import Looked
from cloud_bridge.ports import Fact, Tx
from cloud_bridge.ports_bills import bounds_ms, day_of
from cloud_bridge.ports_looking import KINDS, Asked
from cloud_bridge.store.books import SqlStore
from cloud_bridge.store.tables import sale as sale_table
from cloud_bridge.store.tables_looking import tail
from tests.unit.bridge.rows import CASE, CLOSED, OFFERED, REFUNDED, VENDED

DAY = "2026-11-24"
BEGIN_MS, END_MS = bounds_ms(DAY)
HOUR_MS = 3_600_000


def sold(number: int, like: Sale = VENDED, **changes: Any) -> Sale:
    """One that was opened `number` hours into the day."""
    return replace(
        like,
        sale_id=f"{'s' * 22}{number:04d}",
        machine=changes.pop("machine", "vm-0001"),
        opened_wall_ms=BEGIN_MS + number * HOUR_MS,
        transaction_id=f"42000{number:019d}7" if like.transaction_id else "",
        **changes,
    )


ROWS = (
    sold(-1),
    sold(1),
    sold(2, REFUNDED, machine="vm-0002"),
    sold(3, CLOSED),
    sold(4, OFFERED, machine="vm-0003"),
    sold(5, CASE),
    sold(6, REFUNDED),
    sold(24, machine="vm-0002"),
)


@pytest.fixture
async def looked(sql_store: SqlStore) -> SqlStore:
    def fill(tx: Tx) -> None:
        for row in ROWS:
            tx.put(row)
            tx.post(row.sale_id, payment_verified(350), row.opened_wall_ms)
            tx.note(fact(row.sale_id, row.machine))
        tx.post(ROWS[6].sale_id, goods_lost(350), ROWS[6].opened_wall_ms + 48 * HOUR_MS)
        tx.note(fact("", "vm-0001"))

    await sql_store.run(fill)
    return sql_store


def fact(sale_id: str, machine: str) -> Fact:
    return Fact(wall_ms=1, machine=machine, sale_id=sale_id, who="edge", what=f"about {sale_id or machine}")


def hours(found: tuple[Sale, ...]) -> list[int]:
    return [(row.opened_wall_ms - BEGIN_MS) // HOUR_MS for row in found]


async def test_pages_follow_one_another_without_a_gap_or_a_repeat(looked: SqlStore) -> None:
    found: list[Sale] = []
    asked = Asked(limit=3)
    while page := await looked.page(asked):
        found += page
        asked = replace(asked, before=(page[-1].opened_wall_ms, page[-1].sale_id))
    assert hours(tuple(found)) == [24, 6, 5, 4, 3, 2, 1, -1]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (Asked(), [24, 6, 5, 4, 3, 2, 1, -1]),
        (Asked(machines=frozenset({"vm-0002"})), [24, 2]),
        (Asked(machines=frozenset({"vm-0002", "vm-0003"})), [24, 4, 2]),
        (Asked(machines=frozenset()), []),
        (Asked(since_ms=BEGIN_MS, until_ms=END_MS), [6, 5, 4, 3, 2, 1]),
        (Asked(kind="vended"), [24, 1, -1]),
        (Asked(kind="refunded"), [6, 2]),
        (Asked(kind="unpaid"), [3]),
        (Asked(kind="open"), [5, 4]),
        (Asked(kind="lost", since_ms=BEGIN_MS, until_ms=END_MS), [6]),
        (Asked(kind="refunded", machines=frozenset({"vm-0001"}), until_ms=BEGIN_MS + 3 * HOUR_MS), []),
    ],
)
async def test_a_list_holds_what_was_asked_for(looked: SqlStore, asked: Asked, expected: list[int]) -> None:
    assert hours(await looked.page(asked)) == expected


def test_every_state_of_a_sale_that_is_over_or_open_is_in_a_list() -> None:
    known = frozenset[State]().union(*KINDS.values())
    assert set(State) - known == {State.REFUNDED, State.SETTLED}


async def test_a_sale_is_found_by_the_end_of_either_number(looked: SqlStore) -> None:
    assert hours(await looked.by_tail("0005", None, 9)) == [5]
    assert hours(await looked.by_tail("s0005", None, 9)) == [5]
    assert hours(await looked.by_tail("00057", None, 9)) == [5]  # of the payment
    assert await looked.by_tail("x0005", None, 9) == ()
    assert await looked.by_tail("0005", frozenset({"vm-0002"}), 9) == ()
    assert len(await looked.by_tail("0007", None, 9)) == 0


async def test_a_search_reads_along_an_index(looked: SqlStore) -> None:
    statement = sale_table.select().where(tail(sale_table.c.sale_id) == "0005")
    plan = await looked._read(
        lambda db: (
            str(db.execute(text(f"EXPLAIN QUERY PLAN {_plain(statement)}")).fetchall())
            if db.dialect.name == "sqlite"
            else "sale_tail"
        )
    )
    assert "sale_tail" in plan


def _plain(statement: Any) -> str:
    return str(statement.compile(compile_kwargs={"literal_binds": True}))


async def test_a_days_figures_are_those_of_its_sales(looked: SqlStore) -> None:
    figures = await looked.figures(BEGIN_MS, END_MS, None)
    assert (figures.sales, figures.paid, figures.paid_fen) == (6, 4, 1400)
    assert (figures.vended, figures.vended_fen) == (1, 350)
    assert (figures.refunded, figures.refunded_fen, figures.net_fen) == (2, 700, 700)
    assert (figures.lost, figures.lost_fen) == (1, 350)
    assert figures.by_machine == {"vm-0001": 700, "vm-0002": 0}
    of_one = await looked.figures(BEGIN_MS, END_MS, frozenset({"vm-0002"}))
    assert (of_one.sales, of_one.net_fen, of_one.lost_fen) == (1, 0, 0)
    assert (await looked.figures(0, 1, None)).sales == 0


async def test_days_add_up_to_what_each_of_them_is(looked: SqlStore) -> None:
    days = await looked.days(BEGIN_MS - 24 * HOUR_MS, END_MS + 24 * HOUR_MS, None)
    assert sorted(days) == ["2026-11-23", DAY, "2026-11-25"]
    for day, figures in days.items():
        alone = await looked.figures(*bounds_ms(day), None)
        assert figures == replace(alone, by_machine={}), day
    assert {day_of(row.opened_wall_ms) for row in ROWS} == set(days)


async def test_lines_are_the_newest_of_a_machine_of_its_sales_or_of_all(looked: SqlStore) -> None:
    assert [each.what for each in await looked.machine_lines("vm-0001", 5)] == ["about vm-0001"]
    assert await looked.machine_lines("vm-0002", 5) == ()
    lines = await looked.sale_lines("vm-0002", 5)
    assert [each.sale_id for each in lines] == [ROWS[7].sale_id, ROWS[2].sale_id]
    assert len(await looked.newest_lines(None, 3)) == 3
    mine = await looked.newest_lines(frozenset({"vm-0003"}), 3)
    assert [each.machine for each in mine] == ["vm-0003"]


async def test_a_sales_file_holds_everything_that_is_known_of_it(looked: SqlStore) -> None:
    row = ROWS[5]
    case = Case(sale_id=row.sale_id, machine=row.machine, reason="brakes", evidence="e", opened_wall_ms=7)

    def more(tx: Tx) -> None:
        tx.open_case(case)
        tx.post(row.sale_id, goods_out(350), 9)
        tx.record(row, Change(wall_ms=8, sale_id=row.sale_id, cause="Vend", by="", before="-", after="case"))

    await looked.run(more)
    file = await Looked(looked).file(row.sale_id)
    assert file is not None
    assert (file.sale.state, file.transaction_id) == ("case", row.transaction_id)
    assert [each.what for each in file.facts] == [f"about {row.sale_id}"]
    assert [(each.reason, each.paid_fen) for each in file.cases] == [("brakes", 350)]
    assert [each.post for each in file.entries] == [payment_verified(350), goods_out(350)]
    assert [(each.cause, each.before, each.after) for each in file.decisions] == [("Vend", "-", "case")]
    assert await Looked(looked).file("unknown") is None
