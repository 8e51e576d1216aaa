"""Telling alarms on: what is new since somebody was last told. One word for a fault, none for a repeat."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

Key = tuple[str, str, int]  # machine, name, lane


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """An alarm that began to stand or, with `over` and no text, does not stand any more."""

    machine: str
    name: str
    lane: int
    since_wall_ms: int
    text: str = ""
    over: bool = False

    @property
    def key(self) -> Key:
        """Which alarm it is."""
        return self.machine, self.name, self.lane


def news(standing: Iterable[News], told: Mapping[Key, int]) -> tuple[News, ...]:
    """What to tell: ends first, then beginnings, the oldest first.

    An alarm that ended and began again since is told as one that stands: its age is the news.
    """
    now = {each.key: each for each in standing}
    over = (
        News(machine=key[0], name=key[1], lane=key[2], since_wall_ms=since, over=True)
        for key, since in told.items()
        if key not in now
    )
    begun = (each for key, each in now.items() if told.get(key) != each.since_wall_ms)
    ends = sorted(over, key=lambda each: (each.since_wall_ms, each.key))
    return (*ends, *sorted(begun, key=lambda each: (each.since_wall_ms, each.key)))
