"""The hash chain of the ledger: a line that was changed, moved or taken out of the middle shows."""

import hashlib

from sqlalchemy import Connection, Select, select

from cloud_bridge.core.ledger import Post
from cloud_bridge.ports import StoreFailed
from cloud_bridge.store.tables import ledger


def last_line() -> "Select[str]":
    """The end of the chain; no row for an empty ledger."""
    return select(ledger.c.hash).order_by(ledger.c.id.desc()).limit(1)


def chained(before: str, sale_id: str, entry: Post, wall_ms: int) -> str:
    """The hash of an entry, bound to all before it."""
    line = (before, sale_id, entry.debit.value, entry.credit.value, str(entry.fen), entry.why, str(wall_ms))
    return hashlib.sha256("\0".join(line).encode()).hexdigest()


def verify(db: Connection) -> int:
    """How many entries the ledger has. Raises StoreFailed naming the first one that does not fit."""
    before, count = "", 0
    for row in db.execution_options(yield_per=1000).execute(select(ledger).order_by(ledger.c.id)):
        entry = Post(debit=row.debit, credit=row.credit, fen=row.fen, why=row.why)
        before, count = chained(before, row.sale_id, entry, row.wall_ms), count + 1
        if before != row.hash:
            raise StoreFailed(f"ledger entry {row.id} is not what was written")
    return count
