"""What went wrong, read from a journal without the daemon's lock: failed vends, power cuts, alarms."""

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edge.core.model import State
from edge.core.tally import Mishap
from edge.journal_starts import power_cuts
from edge.ports import JournalFailed

NEWEST: Final = 100  # failed vends of a day that are listed one by one
_FAILED: Final = (
    "SELECT lane, state, why, opened_wall_ms FROM sale WHERE opened_wall_ms >= ? AND opened_wall_ms < ? "
    "AND state IN ('not_delivered', 'uncertain') ORDER BY opened_wall_ms DESC LIMIT ?"
)
_ALARMS: Final = "SELECT payload FROM outbox WHERE kind = 'alarm' ORDER BY n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mishaps:
    """`failed`: of the period, oldest first. `cuts_ms`: all power cuts, by when the power was back.

    `alarms`: every alarm that was told, raised or over, oldest first, as the bytes that were sent.
    """

    failed: tuple[Mishap, ...]
    cuts_ms: tuple[int, ...]
    alarms: tuple[bytes, ...]


def mishaps(path: Path, from_ms: int, until_ms: int) -> Mishaps:
    """What went wrong in a period, by the machine's own clock. Raises JournalFailed."""
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as db:
            db.execute("BEGIN")  # one moment, whatever the daemon writes meanwhile
            rows = db.execute(_FAILED, (from_ms, until_ms, NEWEST)).fetchall()
            return Mishaps(
                failed=tuple(
                    Mishap(lane=lane, state=State(state), why=why, at_wall_ms=at_ms)
                    for lane, state, why, at_ms in reversed(rows)
                ),
                cuts_ms=power_cuts(db),
                alarms=tuple(row[0] for row in db.execute(_ALARMS)),
            )
    except sqlite3.Error as error:
        raise JournalFailed(f"journal {path}: {error}") from error
