"""A day of the machine's own journal, as the bridge asks for it: which rows, in which order, how many."""

import sqlite3
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from edge.core.model import Sale, State
from edge.journal import Fresh, SqliteJournal, open_journal
from edge.ports import Change
from tests.unit.edge.test_payment import Side
from wire.day import ROWS_LIMIT, JournalAsked, JournalRows
from wire.topics import LIMIT_BYTES, Branch

DAY_MS = 86_400_000
ASK = "00ff00ff00ff00ff"


def named(number: int) -> str:
    return f"{number:026d}".translate(str.maketrans("0123456789", "abcdefghij"))


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[SqliteJournal]:
    with open_journal(tmp_path / "edge.db", Fresh(jid="j" * 26, bits="0" * 16, wall_ms=0)) as journal:
        yield journal


async def opened(journal: SqliteJournal, number: int, at_ms: int, state: State = State.OPEN) -> Sale:
    sale = Sale(
        sale_id=named(number),
        lane=12,
        price_fen=350,
        catalogue_version=1,
        session=journal.session,
        opened_wall_ms=at_ms,
    )
    await journal.commit(Change(sale=sale))
    if state is not State.OPEN:
        await journal.commit(Change(sale=replace(sale, state=state, why="cancel")))
    return sale


async def test_rows_of_a_time_come_by_their_ids_from_the_one_after(journal: SqliteJournal) -> None:
    for number, at_ms in ((3, 100), (1, 100), (2, 199), (4, 200), (5, 99)):
        await opened(journal, number, at_ms)
    found = journal.opened_between(100, 200, "", 9)
    assert [row.sale_id for row in found] == [named(1), named(2), named(3)]
    assert [row.sale_id for row in journal.opened_between(100, 200, named(1), 1)] == [named(2)]
    assert journal.opened_between(200, 100, "", 9) == ()


async def test_a_long_journal_is_not_searched_for_a_day(tmp_path: Path, journal: SqliteJournal) -> None:
    sql = "EXPLAIN QUERY PLAN SELECT * FROM sale WHERE opened_wall_ms >= 1 AND opened_wall_ms < 2"
    with sqlite3.connect(tmp_path / "edge.db") as db:
        assert "USING INDEX sale_opened" in str(db.execute(sql).fetchall())
    db.close()


@pytest.fixture
async def side(tmp_path: Path) -> AsyncIterator[Side]:
    side = Side(tmp_path / "journal.db")
    side.run()
    side.wire.up = True
    yield side
    await side.stop()


async def answer(side: Side, asked: JournalAsked) -> JournalRows:
    side.wire.said.clear()
    side.hear(asked)
    await side.until(lambda: side.wire.messages(JournalRows))
    (message,) = side.wire.messages(JournalRows)
    assert isinstance(message, JournalRows)
    return message


async def test_the_bridge_is_told_each_row_as_it_stands(side: Side) -> None:
    await opened(side.journal, 1, 1_000, State.CLOSED)
    await opened(side.journal, 2, 2_000)
    await opened(side.journal, 3, DAY_MS)
    told = await answer(side, JournalAsked(ask=ASK, from_ms=0, until_ms=DAY_MS, after=""))
    assert [(row.sale_id, row.state, row.lane, row.price_fen) for row in told.rows] == [
        (named(1), "closed", 12, 350),
        (named(2), "open", 12, 350),
    ]
    assert (told.ask, told.n, told.more) == (ASK, 0, False)
    assert (told.jid, told.boot) == ("j" * 26, 1)
    assert side.wire.acked == [1]
    assert side.events == []


async def test_a_busy_day_comes_in_pages_that_fit_a_message(side: Side) -> None:
    for number in range(ROWS_LIMIT + 2):
        await opened(side.journal, number, 5_000)
    first = await answer(side, JournalAsked(ask=ASK, from_ms=0, until_ms=DAY_MS, after=""))
    assert (len(first.rows), first.more) == (ROWS_LIMIT, True)
    sizes = [len(payload) for topic, payload, _, _ in side.wire.said if topic.kind == "journal.rows"]
    assert max(sizes) < LIMIT_BYTES[Branch.UP]
    after = first.rows[-1].sale_id
    rest = await answer(side, JournalAsked(ask=ASK, from_ms=0, until_ms=DAY_MS, after=after))
    assert [row.sale_id for row in rest.rows] == [named(ROWS_LIMIT), named(ROWS_LIMIT + 1)]
    assert not rest.more


async def test_a_day_without_sales_is_told_as_one(side: Side) -> None:
    told = await answer(side, JournalAsked(ask=ASK, from_ms=0, until_ms=DAY_MS, after=""))
    assert (told.rows, told.more) == ((), False)


async def test_without_a_link_the_question_is_let_go(side: Side) -> None:
    side.wire.up = False
    side.hear(JournalAsked(ask=ASK, from_ms=0, until_ms=DAY_MS, after=""))
    await side.until(lambda: side.wire.acked == [1])
    assert side.wire.messages(JournalRows) == []
