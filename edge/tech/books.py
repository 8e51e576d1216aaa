"""What a technician may know of the machine's journal: what is planned, what is unfinished, how many of each.

Looks only; the daemon may run. Sale ids, prices and payers stay where they are.
"""

import json
import sqlite3
import tomllib
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any


class NoBooks(Exception):
    """The journal cannot be read: which, and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """`planned`: the lanes of the catalogue, None before the first; `states`: sales by their state."""

    planned: frozenset[int] | None
    states: dict[str, int]
    reports: int

    @property
    def unfinished(self) -> int:
        """Sales of which nobody has said yet what became of them."""
        return self.states.get("open", 0) + self.states.get("intent", 0)


def journal_of(config: Path) -> Path:
    """Where these settings have their journal. Raises NoBooks."""
    try:
        return config.absolute().parent / str(tomllib.loads(config.read_text("utf-8"))["journal"])
    except (OSError, ValueError, KeyError) as error:
        raise NoBooks(f"{config}: found no journal ({error}). Try: wxvend edge check-config") from error


def books(journal: Path) -> Books:
    """Count the journal's rows. Raises NoBooks."""
    try:
        with closing(sqlite3.connect(f"{journal.absolute().as_uri()}?mode=ro", uri=True)) as db:
            db.execute("BEGIN")
            states = dict(db.execute("SELECT state, count(*) FROM sale GROUP BY state ORDER BY state"))
            (reports,) = db.execute("SELECT count(*) FROM outbox").fetchone()
            kept = db.execute("SELECT value FROM meta WHERE key = 'catalogue'").fetchone()
        return Books(planned=_planned(kept), states=states, reports=reports)
    except (sqlite3.Error, ValueError, KeyError, TypeError) as error:
        raise NoBooks(f"journal {journal}: {error}") from error


def _planned(kept: Any) -> frozenset[int] | None:
    return frozenset(int(lane["lane"]) for lane in json.loads(kept[0])["lanes"]) if kept else None
