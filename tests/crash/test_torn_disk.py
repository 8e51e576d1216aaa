"""The power goes at any operation of the disk: what was acknowledged is there, and nothing is corrupt."""

import asyncio
import sqlite3
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import apsw
import pytest

from cloud_bridge.store.books import open_store
from edge.core.model import State
from edge.ports import Change
from tests.crash.torn_disk import Bench
from tests.process.store_child import a_sale as a_book_sale
from tests.unit.edge.test_journal import a_sale, opened, report

BUDGET_S: Final = 10.0
ENOUGH: Final = 300
SALES: Final = 8


def recorded(work: Callable[[], None]) -> list[str]:
    """What SQLite ran meanwhile, whoever asked for it, with the values in it."""
    said: list[str] = []
    connect = sqlite3.connect

    def traced(*arguments: Any, **options: Any) -> sqlite3.Connection:
        db: sqlite3.Connection = connect(*arguments, **options)
        db.set_trace_callback(said.append)
        return db

    with pytest.MonkeyPatch.context() as patch:
        for module in (sqlite3, sqlite3.dbapi2):
            patch.setattr(module, "connect", traced)
        work()
    return [each for each in said if not each.startswith("--")]


def journal(folder: Path) -> list[str]:
    """A machine's days: sales from opening to outcome, rests between them, and new sessions."""

    async def sell(number: int) -> None:
        with opened(folder / "edge.db", confirm_new=True) as journal:
            sale = a_sale(journal.session, number)
            for n, state in enumerate((State.OPEN, State.INTENT, State.DELIVERED), start=3 * number + 1):
                await journal.commit(Change(sale=replace(sale, state=state, seq=number), rows=(report(n),)))
            if number % 3 == 0:
                await journal.rest()

    def days() -> None:
        for number in range(SALES):
            asyncio.run(sell(number))

    return recorded(days)


def books(folder: Path) -> list[str]:
    """A bridge's days, from empty books: sales with ledger and facts, some in one flush, and rests."""

    async def sell(first: int) -> None:
        store = open_store(f"sqlite:///{folder}/books.db", incarnation=lambda: "s" * 26, idle_s=600)
        try:
            await store.run(a_book_sale(first))
            await asyncio.gather(*(store.run(a_book_sale(first + more)) for more in (1, 2)))
        finally:
            store.close()

    def days() -> None:
        for number in range(0, 3 * SALES, 3):
            asyncio.run(sell(number))

    return recorded(days)


RECORDED: Final[Mapping[str, Callable[[Path], list[str]]]] = {"journal": journal, "books": books}


@pytest.mark.parametrize("what", RECORDED)
def test_a_power_cut_at_any_operation_loses_no_commit_and_corrupts_nothing(what: str, tmp_path: Path) -> None:
    bench = Bench(RECORDED[what](tmp_path))
    assert len(set(bench.story.states)) > SALES
    begun_s, seed = time.monotonic(), 0
    while seed < ENOUGH or time.monotonic() - begun_s < BUDGET_S:
        bench.trial(seed)
        seed += 1


@pytest.mark.parametrize("what", RECORDED)
def test_without_the_flush_at_each_commit_the_disk_is_seen_to_lose_one(what: str, tmp_path: Path) -> None:
    """The measure itself: take the flushes away, and it tells."""
    statements = [
        each.replace("synchronous = FULL", "synchronous = OFF") for each in RECORDED[what](tmp_path)
    ]
    bench = Bench(statements)

    def trials() -> None:
        for seed in range(ENOUGH):
            bench.trial(seed)

    with pytest.raises((AssertionError, apsw.CorruptError)):  # a commit is gone, or the whole file is
        trials()
