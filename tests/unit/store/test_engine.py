"""The engine on real books, the power cut after any commit: the file is opened again, the end is the same."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

import pytest
from sqlalchemy import create_engine, select

from cloud_bridge.core.case import Case
from cloud_bridge.core.ledger import Post
from cloud_bridge.core.sale import Sale
from cloud_bridge.ports import Fact, StandingAlarm, Tx
from cloud_bridge.store import tables
from cloud_bridge.store.books import open_store
from cloud_bridge.store.tx import to_sale
from hw_sim.world.books import Tables
from tests.unit.bridge.test_restart import found_by_query, jammed, reselected, run, vended
from tests.unit.bridge.virtual import VirtualLoop
from tests.unit.bridge.world import World
from tests.unit.store.conftest import INCARNATION

T = TypeVar("T")


class SqlBooks:
    """Implements `PluggedBooks` on a file. After a cut it is opened anew, as the next process would."""

    def __init__(self, path: Path) -> None:
        self._url = f"sqlite:///{path}"
        self._store = open_store(self._url, incarnation=lambda: INCARNATION)
        self._onlooker = create_engine(self._url)
        self._seen: tuple[int, Tables] = (-1, Tables())
        self._asked = 0
        self.incarnation = self._store.incarnation
        self.commits = self.cut_at = 0
        self.cut = asyncio.Event()
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        loop.mind(lambda: self._asked > 0)

    async def run(self, work: Callable[[Tx], T]) -> T:
        result = await self._wait(self._store.run(work))
        self.commits += 1
        if self.commits == self.cut_at:
            self._store.close()
            self._store = open_store(self._url, incarnation=lambda: "another")
            assert self._store.incarnation == INCARNATION
            self.cut.set()
            await asyncio.Event().wait()
        return result

    async def sales(self, *, machine: str, limit: int) -> tuple[Sale, ...]:
        return await self._wait(self._store.sales(machine=machine, limit=limit))

    async def sale(self, sale_id: str) -> tuple[Sale, tuple[Fact, ...]] | None:
        return await self._wait(self._store.sale(sale_id))

    async def alarms(self) -> tuple[StandingAlarm, ...]:
        return await self._wait(self._store.alarms())

    async def cases(self, *, resolved: int = 0) -> tuple[tuple[Case, Sale], ...]:
        return await self._wait(self._store.cases(resolved=resolved))

    async def totals(self) -> Mapping[str, int]:
        return await self._wait(self._store.totals())

    def close(self) -> None:
        self._store.close()
        self._onlooker.dispose()

    @property
    def tables(self) -> Tables:
        if self._seen[0] != self.commits:
            self._seen = (self.commits, self._read())
        return self._seen[1]

    def _read(self) -> Tables:
        with self._onlooker.connect() as db:
            sales = [to_sale(row) for row in db.execute(select(tables.sale))]
            lines = db.execute(select(tables.ledger).order_by(tables.ledger.c.id)).all()
        ledger = [
            (row.sale_id, Post(debit=row.debit, credit=row.credit, fen=row.fen, why=row.why)) for row in lines
        ]
        return Tables(sales={sale.sale_id: sale for sale in sales}, ledger=ledger)

    async def _wait(self, asked: Coroutine[Any, Any, T]) -> T:
        """Virtual time stands still while a thread works."""
        self._asked += 1
        try:
            return await asked
        finally:
            self._asked -= 1


@pytest.mark.parametrize(
    "script", [vended, jammed, found_by_query, reselected], ids=lambda script: script.__name__
)
def test_a_bridge_that_dies_after_any_commit_finds_its_books_and_the_sale_its_end(
    script: Callable[[World], Awaitable[str]], tmp_path: Path
) -> None:
    numbers, made = count(), list[SqlBooks]()

    def books() -> SqlBooks:
        made.append(SqlBooks(tmp_path / f"{next(numbers)}.db"))
        return made[-1]

    expected, commits, starts = run(script, 0, books)
    assert (expected, starts) == (run(script, 0)[0], 1), "the books in memory tell another story"
    for cut_at in range(1, commits):
        end, _, starts = run(script, cut_at, books)
        assert (end, starts) == (expected, 2), f"cut after commit {cut_at}"
    for each in made:
        each.close()
