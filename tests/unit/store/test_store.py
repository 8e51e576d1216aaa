"""The one writer and its readers: who shares a commit, who waits for whom, and what a failure leaves."""

import asyncio
import threading
import traceback
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, event, select, text
from sqlalchemy.exc import DBAPIError

from cloud_bridge.core.ledger import payment_verified
from cloud_bridge.core.sale import Sale
from cloud_bridge.core.trail import Change
from cloud_bridge.ports import Fact, JournalRow, StandingAlarm, StoreFailed, Tx
from cloud_bridge.store import tables
from cloud_bridge.store.books import SqlStore, open_store
from cloud_bridge.store.database import connect
from cloud_bridge.store.tx import SqlTx
from tests.unit.bridge.rows import OFFERED, QUOTED, VENDING
from tests.unit.store.cluster import Cluster
from tests.unit.store.conftest import INCARNATION
from tests.unit.store.samples import VM, fact, numbered

Opener = Callable[[str], SqlStore]
LINE = Change(wall_ms=1, sale_id=QUOTED.sale_id, cause="Requested", by="", before="-", after="quoted")


def putting(*sales: Sale) -> Callable[[Tx], None]:
    def work(tx: Tx) -> None:
        for sale in sales:
            tx.put(sale)

    return work


@asynccontextmanager
async def busy(store: SqlStore) -> AsyncIterator["asyncio.Future[None]"]:
    """While this lasts the writer is in the middle of somebody's work."""
    loop, begun, go_on = asyncio.get_running_loop(), asyncio.Event(), threading.Event()

    def work(tx: Tx) -> None:
        tx.put(QUOTED)
        loop.call_soon_threadsafe(begun.set)
        assert go_on.wait(30)

    working = asyncio.ensure_future(store.run(work))
    await begun.wait()
    try:
        yield working
    finally:
        go_on.set()
        await asyncio.wait([working])


def commits(log: Path) -> int:
    """How many commits a write-ahead log holds: frames that say how large the file is after them."""
    data = log.read_bytes()
    page = int.from_bytes(data[8:12], "big")
    starts = range(32, len(data) - page, 24 + page)
    salt = data[16:24]  # frames of an older log are left behind this one
    return sum(data[at + 4 : at + 8] != b"\0" * 4 and data[at + 8 : at + 16] == salt for at in starts)


# ---------------------------------------------------------------- sharing


async def test_all_who_wait_while_it_writes_share_the_next_commit(sqlite_url: str, opened: Opener) -> None:
    store, log = opened(sqlite_url), Path(f"{sqlite_url.removeprefix('sqlite:///')}-wal")
    await store.run(putting(QUOTED))
    before = commits(log)
    async with busy(store):
        waiting = [
            asyncio.ensure_future(store.run(putting(numbered(OFFERED, number)))) for number in range(100)
        ]
        await asyncio.sleep(0)
    await asyncio.gather(*waiting)
    assert commits(log) - before == 2
    assert len(await store.sales(machine="", limit=999)) == 101


async def test_many_callers_are_all_served_and_none_waits_for_ever(sql_store: SqlStore) -> None:
    numbers = count(1)
    await asyncio.gather(*(sql_store.run(putting(numbered(QUOTED, next(numbers)))) for _ in range(600)))
    assert (await sql_store.totals())["sales"] == 600


async def test_reading_never_waits_for_the_writer_and_sees_only_what_is_durable(sql_store: SqlStore) -> None:
    await sql_store.run(putting(numbered(QUOTED, 1)))
    async with asyncio.timeout(20), busy(sql_store):
        assert len(await sql_store.sales(machine="", limit=9)) == 1
        assert await sql_store.sale(QUOTED.sale_id) is None
        assert (await sql_store.totals())["sales"] == 1
        assert await sql_store.alarms() == ()
    assert (await sql_store.totals())["sales"] == 2


async def test_work_of_a_caller_who_left_before_his_turn_is_not_done(sql_store: SqlStore) -> None:
    async with busy(sql_store):
        left = asyncio.ensure_future(sql_store.run(putting(numbered(QUOTED, 1))))
        stayed = asyncio.ensure_future(sql_store.run(putting(numbered(QUOTED, 2))))
        await asyncio.sleep(0)
        left.cancel()
        await asyncio.gather(left, return_exceptions=True)
    await stayed
    assert {sale.sale_id for sale in await sql_store.sales(machine="", limit=9)} == {
        QUOTED.sale_id,
        f"{2:026d}",
    }


async def test_work_of_a_caller_who_left_in_the_middle_is_done_and_the_next_is_served(
    sql_store: SqlStore,
) -> None:
    async with busy(sql_store) as working:
        working.cancel()
    await sql_store.run(putting(numbered(QUOTED, 1)))
    assert (await sql_store.totals())["sales"] == 2


async def test_closing_finishes_what_was_asked_for(url: str, opened: Opener) -> None:
    store = opened(url)
    asked = [asyncio.ensure_future(store.run(putting(numbered(QUOTED, number)))) for number in range(300)]
    await asyncio.sleep(0)
    store.close()
    assert await asyncio.gather(*asked) == [None] * 300
    with pytest.raises(StoreFailed, match="closed"):
        await store.run(putting(QUOTED))
    assert (await opened(url).totals())["sales"] == 300


async def test_what_happens_to_a_loop_does_not_stop_the_writer(sqlite_url: str, opened: Opener) -> None:
    store = opened(sqlite_url)

    async def abandon() -> None:
        asked = [asyncio.ensure_future(store.run(putting(numbered(QUOTED, n)))) for n in range(50)]
        await asyncio.sleep(0)
        assert not any(each.done() for each in asked)

    await asyncio.to_thread(asyncio.run, abandon())
    await store.run(putting(QUOTED))
    assert await store.sale(QUOTED.sale_id) is not None


async def test_at_rest_the_log_is_emptied_and_nothing_is_lost(sqlite_url: str) -> None:
    store = open_store(sqlite_url, incarnation=lambda: INCARNATION, idle_s=0.01)
    path = Path(sqlite_url.removeprefix("sqlite:///"))
    await store.run(putting(*(numbered(QUOTED, number) for number in range(200))))
    onlooker = create_engine(sqlite_url)
    async with asyncio.timeout(20):
        while await asyncio.to_thread(rests, onlooker) < 2:  # the first was at the opening
            await asyncio.sleep(0.01)
    assert commits(Path(f"{path}-wal")) == 1  # the small one that pays for the new log
    assert f"{199:026d}".encode() in path.read_bytes()
    assert (await store.totals())["sales"] == 200
    onlooker.dispose()
    store.close()


def rests(engine: Any) -> int:
    with engine.connect() as db:
        return int(db.scalar(select(tables.books.c.rests)))


# ---------------------------------------------------------------- what only grows


@pytest.mark.parametrize("table", ["ledger", "fact", "trail"])
async def test_a_line_once_written_stays(table: str, url: str, opened: Opener) -> None:
    def work(tx: Tx) -> None:
        tx.put(QUOTED)
        tx.post(QUOTED.sale_id, payment_verified(350), 1)
        tx.note(fact(1))
        tx.record(QUOTED, LINE)

    await opened(url).run(work)
    engine = create_engine(url)
    for statement in (f"UPDATE {table} SET wall_ms = 0", f"DELETE FROM {table}"):
        with engine.begin() as db, pytest.raises(DBAPIError, match=f"{table} is append-only"):
            db.execute(text(statement))
    engine.dispose()


async def test_an_entry_changed_behind_our_back_shows(url: str, opened: Opener) -> None:
    store = opened(url)

    def work(tx: Tx) -> None:
        tx.put(QUOTED)
        for number in range(5):
            tx.post(QUOTED.sale_id, payment_verified(100 + number), number)

    await store.run(work)
    assert (await store.check()).entries == 5
    engine = create_engine(url)
    trigger = "ledger_no_update" if engine.dialect.name == "sqlite" else "ledger_only_grows ON ledger"
    with engine.begin() as db:
        db.execute(text(f"DROP TRIGGER {trigger}"))
        db.execute(text("UPDATE ledger SET fen = fen + 1 WHERE id = 3"))
    engine.dispose()
    found = (await store.check()).faults
    assert f"ledger entry 3 of sale {QUOTED.sale_id} is not what was written" in found


async def test_an_entry_needs_a_sale(sql_store: SqlStore) -> None:
    with pytest.raises(StoreFailed, match="refuse"):
        await sql_store.run(lambda tx: tx.post("x" * 26, payment_verified(350), 1))
    await sql_store.run(putting(QUOTED))


# ---------------------------------------------------------------- hostile values


async def test_text_that_a_database_cannot_hold_is_marked_and_comes_back_but_once(
    sql_store: SqlStore,
) -> None:
    alarm = StandingAlarm(machine=VM, name="jam", lane=1, code="\0", text="a\0b", since_wall_ms=1)

    def work(tx: Tx) -> None:
        tx.put(QUOTED)
        tx.note(Fact(wall_ms=1, machine=VM, sale_id=QUOTED.sale_id, who="edge", what="\0"))
        tx.set_alarm(alarm)

    await sql_store.run(work)
    assert await sql_store.alarms() == (replace(alarm, code="\ufffd", text="a\ufffdb"),)
    found = await sql_store.sale(QUOTED.sale_id)
    assert found is not None
    assert found[1][0].what == "\ufffd"


@pytest.mark.parametrize(
    "row", [replace(QUOTED, lane=2**63), replace(QUOTED, why="\ud800")], ids=["int", "text"]
)
async def test_a_value_that_no_column_holds_fails_its_own_work_only(row: Sale, sql_store: SqlStore) -> None:
    other = numbered(QUOTED, 1)
    done = await asyncio.gather(
        sql_store.run(putting(row)), sql_store.run(putting(other)), return_exceptions=True
    )
    assert isinstance(done[0], StoreFailed)
    assert await sql_store.sales(machine="", limit=9) == (other,)


async def test_a_refusal_names_no_code_and_no_body(sql_store: SqlStore) -> None:
    secret = replace(VENDING, code_url="weixin://hunter2", body=b"hunter2")
    with pytest.raises(StoreFailed, match="refuse") as caught:
        await sql_store.run(putting(secret, replace(secret, sale_id="c" * 26)))
    assert "hunter2" not in "".join(traceback.format_exception(caught.value))


# ---------------------------------------------------------------- failure


async def test_a_server_that_dies_fails_everybody_and_loses_nothing(cluster: Cluster, opened: Opener) -> None:
    url = cluster.empty_database()
    store = opened(url)
    await store.run(putting(numbered(QUOTED, 1)))
    async with busy(store) as working:
        shared = [asyncio.ensure_future(store.run(putting(numbered(QUOTED, number)))) for number in (2, 3)]
        await asyncio.sleep(0)
        cluster.crash()
        cluster.start()
        assert (await store.totals())["sales"] == 1, "reading comes back by itself"
    answers = await asyncio.gather(working, *shared, return_exceptions=True)
    assert {type(answer) for answer in answers} == {StoreFailed}
    with pytest.raises(StoreFailed, match="Nothing more is written"):
        await store.run(putting(QUOTED))
    store.close()
    assert (await opened(url).totals())["sales"] == 1


async def test_books_that_failed_once_are_not_written_again(url: str, opened: Opener) -> None:
    """Something is wrong with the database, not with the work: no half of it stays, and nothing follows."""
    store, engine = opened(url), create_engine(url)
    await store.run(putting(QUOTED))
    with engine.begin() as db:
        db.execute(text("ALTER TABLE fact RENAME TO gone"))
    together = (putting(numbered(QUOTED, 1)), lambda tx: tx.note(fact(1)), putting(numbered(QUOTED, 2)))
    async with busy(store):
        asked = [asyncio.ensure_future(store.run(work)) for work in together]
        await asyncio.sleep(0)
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert {type(answer) for answer in answers} == {StoreFailed}
    assert len({str(answer) for answer in answers}) == 1
    assert "fact" in str(answers[0])
    with engine.begin() as db:
        db.execute(text("ALTER TABLE gone RENAME TO fact"))
    engine.dispose()
    with pytest.raises(StoreFailed, match="Nothing more is written"):
        await store.run(putting(QUOTED))
    assert await store.sales(machine="", limit=9) == (QUOTED,)
    store.close()
    await opened(url).run(putting(numbered(QUOTED, 3)))


# ---------------------------------------------------------------- speed


def test_no_question_of_the_engine_walks_through_all_sales(sqlite_url: str, opened: Opener) -> None:
    opened(sqlite_url).close()
    database = connect(sqlite_url)
    asked: list[tuple[str, Any]] = []
    with database.writer.begin():
        tx = SqlTx(database.writer)
        tx.put_journal(JournalRow(machine=VM, jid="j", boot=1, bits="1", upto=0))
        event.listen(
            database.writer,
            "before_cursor_execute",
            lambda _, __, statement, values, *more: asked.append((statement, values)),
        )
        tx.sale("x")
        tx.unfinished(VM)
        tx.unfinished()
        tx.open_rows(VM)
        tx.owner_of("T1")
        tx.counts(machine=VM, lane=1, since_wall_ms=1, but="")
        tx.journals(VM)
        tx.reported("j", 1)
        tx.bits_of("j", 1)
        looked = asked.copy()
        plans = [
            (statement, str(step[3]))
            for statement, values in looked
            for step in database.writer.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
        ]
    database.close()
    assert len(looked) >= 9
    walks = [
        plan for plan in plans if plan[1].startswith("SCAN") and "USING INDEX sale_unfinished" not in plan[1]
    ]
    assert walks == []
