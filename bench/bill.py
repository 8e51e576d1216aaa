"""A day of a million sales: its bill matched with books and machines' journals, in time and in memory.

The match runs in a process of its own, so that its memory is its own. Time is the processor's, because the
work is one thread's and a busy computer would only tell how busy it is; the wall's stands beside it.
"""

import json
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from bench.figure import Figure
from cloud_bridge.ports_bills import bounds_ms
from cloud_bridge.store.books import open_store
from hw_sim.platform.bill_text import BOM, EOL, TRADE_COLUMNS, TRADE_SUMMARY

SALES: Final = 1_000_000
DAY: Final = "2026-11-24"
MCHID: Final = "1900000109"
SECONDS, MIB = 60, 300
_APART: Final = 618_033  # no divisor of a million: the bill's order is not the books'
_LINE: Final = (
    "`{day} 12:00:00,`wxd678efh567hg6787,`1900000109,`0,`vm-0001,`T{sale},`{sale},`oUpF8uMuAJO_M2pxb1Q9,"
    "`NATIVE,`SUCCESS,`OTHERS,`CNY,`3.50,`0.00,`0,`0,`0.00,`0.00,`,`,`可乐,`vm-0001,`0.02000,`0.60%,`3.50,`0.00,`"
)


def figures() -> list[Figure]:
    """Two rows: time and memory."""
    with TemporaryDirectory() as folder:
        _write_bill(Path(folder) / "bill.csv")
        _fill_books(Path(folder) / "books.db")
        ran = subprocess.run(
            [sys.executable, "-m", "bench.bill_run", folder], capture_output=True, check=True, text=True
        )
        told = json.loads(ran.stdout)
    assert told["matched"] == SALES * 350, told
    name = f"a bill of {SALES:,} lines"
    return [
        Figure(
            name=f"{name}: processor seconds to match",
            ours=f"{told['cpu_s']:.1f} s",
            beside=f"{told['wall_s']:.1f} s on the wall",
            ratio=told["cpu_s"] / SECONDS,
            goal=f"{SECONDS} s",
            met=told["cpu_s"] <= SECONDS,
        ),
        Figure(
            name=f"{name}: most memory",
            ours=f"{told['rss_mib']:.0f} MiB",
            beside=f"{told['idle_mib']:.0f} MiB before",
            ratio=told["rss_mib"] / MIB,
            goal=f"{MIB} MiB",
            met=told["rss_mib"] <= MIB,
        ),
    ]


def _sale_id(number: int) -> str:
    return f"{number:026d}".translate(str.maketrans("0123456789", "abcdefghij"))


def _write_bill(path: Path) -> None:
    def lines() -> Iterator[str]:
        yield BOM + ",".join(TRADE_COLUMNS)
        for at in range(SALES):
            yield _LINE.format(day=DAY, sale=_sale_id(at * _APART % SALES))
        yield ",".join(TRADE_SUMMARY)
        yuan, fees = SALES * 350 // 100, SALES * 2_000
        yield f"`{SALES}.0,`{yuan}.00,`0.00,`0.00,`{fees // 100_000}.{fees % 100_000:05d},`{yuan}.00,`0.00"

    with path.open("w", encoding="utf-8", newline="") as file:
        file.writelines(f"{line}{EOL}" for line in lines())


def _fill_books(path: Path) -> None:
    """Sold, paid and delivered, each sale; two entries of the ledger and a machine's row for it."""
    open_store(f"sqlite:///{path}", incarnation=lambda: "b" * 26).close()
    begin_ms, _ = bounds_ms(DAY)
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA synchronous = OFF")
        db.execute("CREATE TEMP TABLE number (n INTEGER PRIMARY KEY, sale_id TEXT)")
        rows = ((number, _sale_id(number)) for number in range(SALES))
        db.executemany("INSERT INTO number VALUES (?, ?)", rows)
        given = {
            "sale_id": "sale_id",
            "machine": "'vm-0001'",
            "opened_wall_ms": f"{begin_ms} + n * 80",
            "state": "'vended'",
            "decision": "'vend'",
            "price_fen": "350",
            "paid_fen": "350",
            "transaction_id": "'T' || sale_id",
            "paid_at": f"'{DAY}T12:00:00+08:00'",
            "goods": "1",
        }
        columns = db.execute("SELECT name, type FROM pragma_table_info('sale')").fetchall()
        empty = {"INTEGER": "0", "BLOB": "x''"}
        values = [given.get(name, empty.get(kind, "''")) for name, kind in columns]
        names = ", ".join(f'"{name}"' for name, _ in columns)
        db.execute(f"INSERT INTO sale ({names}) SELECT {', '.join(values)} FROM number")
        for debit, credit in (("platform_clearing", "customer_liability"), ("customer_liability", "sales")):
            db.execute(
                "INSERT INTO ledger (sale_id, debit, credit, fen, why, wall_ms, hash) "
                f"SELECT sale_id, '{debit}', '{credit}', 350, '', {begin_ms} + n * 80, '' FROM number"
            )
        db.execute(
            "INSERT INTO machine_row (machine, sale_id, day, state, price_fen) "
            f"SELECT 'vm-0001', sale_id, '{DAY}', 'delivered', 350 FROM number"
        )
        db.execute(f"INSERT INTO machine_day VALUES ('vm-0001', '{DAY}', '', 1)")
        db.commit()
