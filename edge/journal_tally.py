"""Counting a journal's sales without the daemon's lock: looks only, and the daemon may run."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

from edge.core.model import State
from edge.core.tally import Tally
from edge.journal import APPLICATION_ID
from edge.ports import JournalFailed

_SQL: Final = (
    "SELECT lane, price_fen, state, why, count(*), sum(opened_wall_ms >= ?), max(opened_wall_ms) FROM sale "
    "WHERE opened_wall_ms < ? GROUP BY lane, price_fen, state, why ORDER BY lane, price_fen, state, why"
)


def tally(path: Path, from_ms: int, until_ms: int) -> tuple[tuple[Tally, ...], bytes]:
    """Every row opened before `until_ms`, counted, the period beginning at `from_ms`; and the catalogue.

    Unix milliseconds of the machine's own clock. The catalogue is as it was signed, empty when there is
    none. Raises JournalFailed when the file cannot be read or is no journal.
    """
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as db:
            if db.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
                raise JournalFailed(f"journal {path}: found another file, allowed a machine's journal")
            db.execute("BEGIN")  # one moment, whatever the daemon writes meanwhile
            rows = db.execute(_SQL, (from_ms, until_ms)).fetchall()
            kept = db.execute("SELECT value FROM meta WHERE key = 'catalogue'").fetchone()
    except sqlite3.Error as error:
        raise JournalFailed(f"journal {path}: {error}") from error
    return tuple(map(_tally, rows)), bytes(kept[0]) if kept else b""


def _tally(row: tuple[int, int, str, str, int, int, int]) -> Tally:
    lane, price_fen, state, why, count, of_period, last_wall_ms = row
    return Tally(
        lane=lane,
        price_fen=price_fen,
        state=State(state),
        why=why,
        count=count,
        of_period=of_period,
        last_wall_ms=last_wall_ms,
    )
