"""The tables of the daily match: a day's result, its differences, and what machines said of their journals.

All of it can be made anew from the bills on the disk, the books and the machines, but for what a person said.
"""

from typing import Any, Final

from sqlalchemy import Column, Index, Table, Text
from sqlalchemy.types import TypeEngine

from cloud_bridge.store import tables
from cloud_bridge.store.tables import WHOLE, Flag, Words, metadata


def _column(name: str, kind: TypeEngine[Any], *, key: bool = False) -> "Column[Any]":
    return Column(name, kind, primary_key=key, nullable=False, autoincrement=False)


bill_day: Final = Table(
    "bill_day",
    metadata,
    _column("merchant", Text(), key=True),
    _column("day", Text(), key=True),
    _column("sha1", Text()),
    _column("file", Words()),
    _column("closed", Flag()),
    _column("fault", Words()),
    _column("rounds", Text()),
    _column("matched_wall_ms", WHOLE),
    _column("figures", Words()),
    sqlite_strict=True,
)
Index("bill_day_newest", bill_day.c.day)
bill_difference: Final = Table(
    "bill_difference",
    metadata,
    _column("merchant", Text(), key=True),
    _column("day", Text(), key=True),
    _column("key", Words(), key=True),
    _column("kind", Text()),
    _column("sale_id", Words()),
    _column("machine", Text()),
    _column("number", Words()),
    _column("bill_fen", WHOLE),
    _column("books_fen", WHOLE),
    _column("at", Words()),
    _column("since_wall_ms", WHOLE),
    _column("cause", Text()),
    _column("why", Words()),
    _column("by", Words()),
    sqlite_strict=True,
)
machine_row: Final = Table(
    "machine_row",
    metadata,
    _column("machine", Text(), key=True),
    _column("sale_id", Text(), key=True),
    _column("day", Text()),
    _column("state", Text()),
    _column("price_fen", WHOLE),
    sqlite_strict=True,
)
Index("machine_row_of_day", machine_row.c.day, machine_row.c.sale_id)
machine_day: Final = Table(
    "machine_day",
    metadata,
    _column("machine", Text(), key=True),
    _column("day", Text(), key=True),
    _column("jid", Text()),
    _column("whole", Flag()),
    sqlite_strict=True,
)
Index("ledger_of_sale", tables.ledger.c.sale_id)
Index("ledger_when", tables.ledger.c.wall_ms)
