"""The hash chains of ledger and trail: a line that was changed, moved or taken out of the middle shows.

A line of the trail also binds the sale's row as it became, so that a row edited behind its back shows as
well, and so does a trail whose end was cut off.
"""

import hashlib
import json
from functools import cache
from typing import Final

from sqlalchemy import Select, Table, select

from cloud_bridge.core.ledger import Post
from cloud_bridge.core.sale import Sale
from cloud_bridge.core.trail import Change
from cloud_bridge.store import tables

# What money hangs on. A later field is not put in here: lines that are written must go on to fit.
_BOUND: Final = (
    *("sale_id", "machine", "state", "decision", "lane", "price_fen", "transaction_id", "paid_fen"),
    *("sent_count", "goods", "doubt", "case", "refund_no", "refunded_fen", "hand_refunds"),
)


@cache
def last_line(table: Table) -> "Select[str]":
    """The end of a chain; no row for an empty one."""
    return select(table.c.hash).order_by(table.c.id.desc()).limit(1)


def chained(before: str, sale_id: str, entry: Post, wall_ms: int) -> str:
    """The hash of a ledger's entry, bound to all before it."""
    return _bound(
        before, sale_id, entry.debit.value, entry.credit.value, str(entry.fen), entry.why, str(wall_ms)
    )


def chained_change(before: str, change: Change, row: str) -> str:
    """The hash of a line of the trail, bound to all before it and to the row that it is about."""
    words = (change.cause, change.by, change.before, change.after)
    kept = (tables.kept(each) for each in words)
    return _bound(before, str(change.wall_ms), change.sale_id, *kept, row)


def row_hash(sale: Sale) -> str:
    """A sale's row in 64 letters."""
    values = [getattr(sale, name) for name in _BOUND]
    kept = [tables.kept(each) if isinstance(each, str) else each for each in values]
    return hashlib.sha256(json.dumps(kept, separators=(",", ":")).encode()).hexdigest()


def _bound(*words: str) -> str:
    return hashlib.sha256("\0".join(words).encode()).hexdigest()
