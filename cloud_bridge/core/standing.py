"""A person takes an alarm away that nothing else ends; and what first has to be done before he may."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

MOST_WORDS: Final = 200
IMPOSSIBLE: Final = "impossible"
# A journal that is not believed: while it is the machine's own, the machine sells nothing.
OF_A_JOURNAL: Final = ("journal_rolled_back", "journal_cloned")


@dataclass(frozen=True, slots=True, kw_only=True)
class Clearing:
    """Which alarm, on which machine (empty: the bridge's own), on all its lanes; who says so, and why."""

    name: str
    machine: str
    by: str
    why: str


def clearing(asked: Mapping[str, str]) -> Clearing:
    """From its fields. Raises ValueError for a reason that says nothing."""
    if not (0 < len(asked["why"].strip()) <= MOST_WORDS and asked["why"].isprintable()):
        found = asked["why"][:20]
        raise ValueError(f"why: found {found!r}, allowed 1 to {MOST_WORDS} characters on one line")
    return Clearing(name=asked["name"], machine=asked["machine"], by=asked["by"], why=asked["why"])


def obstacle(asked: Clearing, *, open_cases: int, doubted: bool, running: bool) -> str:
    """Why it must stay, or empty. `doubted`: the machine's journal is still one that is not believed."""
    if open_cases:
        return "a case of this name is open, and its alarm ends with it. Try: wxvend bridge cases"
    if asked.name in OF_A_JOURNAL and doubted:
        return "the machine still speaks with that journal and sells nothing. Try: give it a new one first"
    if asked.name == IMPOSSIBLE and running:
        return "this bridge opens no sale any more. Try: stop it, clear the alarm, start it"
    return ""


def told(asked: Clearing) -> str:
    """The line of the timeline that stays."""
    return f"{asked.by} cleared the alarm {asked.name}: {asked.why}"
