"""Each report of one day among a million sales, from the books to the table that page and files show.

Beside it the same report of thirty days: what a roll-up by day would have to beat.
"""

import asyncio
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

from bench.figure import Figure
from bench.pages import SALES, fill_books
from cloud_bridge.core.report import By, Report
from cloud_bridge.engine_reports import Reports, yesterday
from cloud_bridge.ports_bills import days_from
from cloud_bridge.ports_reports import Wish
from cloud_bridge.store.books import SqlStore, open_store

ASKED: Final = 40
MOST_MS: Final = 100
_ASKED_FOR: Final = (
    (Report.TAKINGS, None),
    *((Report.SALES, by) for by in (By.MACHINE, By.PRODUCT, By.HOUR, By.WAY)),
    (Report.REFUNDS, By.REASON),
    (Report.LANES, None),
    (Report.SHRINKAGE, By.MACHINE),
    (Report.ENTRIES, None),
)


def figures() -> list[Figure]:
    """A row for each report."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "books.db"
        fill_books(path)
        _deliver(path)
        with closing(open_store(f"sqlite:///{path}", incarnation=lambda: "b" * 26)) as store:
            return list(_rows(store))


def _rows(store: SqlStore) -> Iterator[Figure]:
    day = yesterday(time.time_ns() // 1_000_000)
    for report, by in _ASKED_FOR:
        wish = Wish(report=report, first=day, last=day, by=by)
        took_ms = sorted(_took_ms(store, wish) for _ in range(ASKED))
        month_ms = _took_ms(store, Wish(report=report, first=days_from(day, -29), last=day, by=by))
        ours = took_ms[int(0.95 * ASKED)]
        yield Figure(
            name=f"report {report}{f' by {by}' if by else ''} of a day, {SALES:,} sales, p95",
            ours=f"{ours:.0f} ms",
            beside=f"{statistics.median(took_ms):.0f} ms median, {month_ms:.0f} ms for 30 days",
            ratio=ours / MOST_MS,
            goal=f"at most {MOST_MS} ms",
            met=ours <= MOST_MS,
        )


def _took_ms(store: SqlStore, wish: Wish) -> float:
    begun_s = time.perf_counter()
    asyncio.run(Reports(store.reports).table(wish))
    return 1000 * (time.perf_counter() - begun_s)


def _deliver(path: Path) -> None:
    """A delivery for each paid sale, and for each refund the money that went back."""
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA synchronous = OFF")
        db.execute(
            "INSERT INTO delivery (sale_id, machine, lane, paid_wall_ms, due_wall_ms, outcome, "
            "ended_wall_ms, refund_no, back_wall_ms, report, report_tries, report_wall_ms) "
            "SELECT sale_id, machine, lane, opened_wall_ms, opened_wall_ms + 60000, "
            "CASE state WHEN 'vended' THEN 'delivered' ELSE 'failed' END, "
            "changed_wall_ms, '', 0, '', 0, 0 FROM sale WHERE paid_fen > 0"
        )
        db.execute(
            "INSERT INTO ledger (sale_id, debit, credit, fen, why, wall_ms, hash) SELECT sale_id, "
            "'refunds_pending', 'platform_clearing', 350, 'refunded', changed_wall_ms + 60000, '' "
            "FROM sale WHERE refunded_fen > 0"
        )
        db.commit()
