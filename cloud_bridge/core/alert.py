"""Telling alarms on: what is new since somebody was last told. One word for a fault, none for a repeat."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

Key = tuple[str, str, int]  # machine, name, lane
ANEW: Final = -1  # told, and forgotten by who was told


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """An alarm that began to stand or, with `over` and no text, does not stand any more.

    `begun` above 1: it comes and goes, so often within the hour. `again_wall_ms`: nobody was to be told
    before then.
    """

    machine: str
    name: str
    lane: int
    since_wall_ms: int
    text: str = ""
    over: bool = False
    begun: int = 1
    again_wall_ms: int = 0

    @property
    def key(self) -> Key:
        """Which alarm it is."""
        return self.machine, self.name, self.lane

    @property
    def stamp(self) -> int:
        """What is kept of having told it: another stamp is news again."""
        return max(self.since_wall_ms, self.again_wall_ms)


def news(standing: Iterable[News], told: Mapping[Key, int]) -> tuple[News, ...]:
    """What to tell: ends first, then beginnings, the oldest first.

    An alarm that ended and began again since is told as one that stands: its age is the news. One that comes
    and goes was told as that.
    """
    now = {each.key: each for each in standing}
    over = (
        News(machine=key[0], name=key[1], lane=key[2], since_wall_ms=since, over=True)
        for key, since in told.items()
        if key not in now
    )
    begun = (each for each in now.values() if _is_news(each, told.get(each.key, ANEW)))
    ends = sorted(over, key=lambda each: (each.since_wall_ms, each.key))
    return (*ends, *sorted(begun, key=lambda each: (each.since_wall_ms, each.key)))


def known(standing: Iterable[News], told: Mapping[Key, int]) -> tuple[News, ...]:
    """What began once more and was told as coming and going: to be kept, and not to be told."""
    return tuple(
        each
        for each in standing
        if told.get(each.key, each.stamp) != each.stamp and not _is_news(each, told[each.key])
    )


def _is_news(each: News, told_ms: int) -> bool:
    if told_ms == ANEW:
        return True
    return told_ms < each.again_wall_ms if each.begun > 1 else told_ms != each.stamp
