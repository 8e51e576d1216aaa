"""Each start of the daemon, and whether the one before was told to leave: so power cuts are counted.

The computer's own boot id tells a power cut from a daemon that was killed: only the first changes it.
"""

import sqlite3
from typing import Final

# Made where it is missing, as the journal's later tables are.
_STARTS: Final = (
    "CREATE TABLE IF NOT EXISTS start (boot INTEGER PRIMARY KEY, host TEXT NOT NULL, "
    "wall_ms INTEGER NOT NULL, told INTEGER NOT NULL) STRICT"
)
# A start after one that nobody ended, on a computer that had started anew.
_CUTS: Final = (
    "SELECT now.wall_ms FROM start AS now JOIN start AS before ON before.boot = now.boot - 1 "
    "WHERE NOT before.told AND before.host <> '' AND now.host <> '' AND now.host <> before.host "
    "ORDER BY now.boot"
)


def begun(db: sqlite3.Connection, boot: int, host: str, wall_ms: int) -> None:
    """Note a start; `host` is the computer's boot id, empty where it has none."""
    db.execute("BEGIN IMMEDIATE")
    db.execute(_STARTS)
    db.execute("INSERT OR REPLACE INTO start VALUES (?, ?, ?, 0)", (boot, host, wall_ms))
    db.execute("COMMIT")


def told_to_leave(db: sqlite3.Connection, boot: int) -> None:
    """Note that this start was ended by somebody."""
    db.execute("UPDATE start SET told = 1 WHERE boot = ?", (boot,))


def power_cuts(db: sqlite3.Connection) -> tuple[int, ...]:
    """When the power was back after each cut, in Unix milliseconds; none where no start was ever noted."""
    there = db.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'start'").fetchone()
    return tuple(row[0] for row in db.execute(_CUTS)) if there else ()
