"""What a technician's doings leave behind: who, when, what, and what came of it, beside the journal.

What is not noted is not done; and nothing is done while a sale is unfinished, because it could bury what the
board knows of that sale.
"""

import getpass
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from edge.tech.bench import TechClock
from edge.tech.books import NoBooks, books, journal_of
from edge.tech.visit import Refused

SERVICE_LOG: Final = "service.jsonl"


@dataclass(frozen=True, slots=True, kw_only=True)
class Noting:
    """What is noted of a work that changes something; `result` says in a word what came of it."""

    did: str
    lane: int = 0
    result: Callable[[Any], str] = str


def noted(config: Path | None, noting: Noting, told: Callable[[str], None]) -> Callable[[str], None]:
    """Notes beside the journal, where settings name one; without them `told` hears so. Raises Refused."""
    if config is None:
        told("without --config nobody looks whether a sale is unfinished, and nothing is noted")
        return forget
    settled(config)
    file = journal_of(config).parent / SERVICE_LOG
    clock = TechClock()

    def note(result: str) -> None:
        line = {"wall_ms": clock.wall_ms(), "who": who(), "did": noting.did, "lane": noting.lane}
        try:
            _append(file, json.dumps(line | {"result": result}, ensure_ascii=False) + "\n")
        except OSError as error:
            raise Refused(f"{file}: {error.strerror}: what is not noted is not done. Try: as root") from error

    return note


def settled(config: Path) -> None:
    """Raises Refused while a sale is unfinished: what the board knows of it could be buried, or read away."""
    try:
        unfinished = books(journal_of(config)).unfinished
    except NoBooks as error:
        raise Refused(str(error)) from error
    if unfinished:
        raise Refused(
            f"{unfinished} sale unfinished in the journal, and this could bury what the board knows of it. "
            "Try: systemctl start wxvend-edge, and again once it is settled"
        )


def _append(file: Path, line: str) -> None:
    """What root makes is the folder owner's: the daemon writes here, too."""
    handle = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    with open(handle, "a", encoding="utf-8") as out:
        if os.geteuid() == 0:
            folder = file.parent.stat()
            os.fchown(handle, folder.st_uid, folder.st_gid)
        out.write(line)


def forget(_: str) -> None:
    """Where nothing is to be noted."""


def who() -> str:
    """Whoever types, by the name of the account."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "?"
