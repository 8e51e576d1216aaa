"""What happened in a world: line by line, as a hash, for whoever watches; and where power may fail."""

import hashlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from hw_sim.world.loop import WorldLoop


@dataclass(frozen=True, slots=True)
class Entry:
    """One line. `at_s` is true time since the world began."""

    at_s: float
    who: str
    what: str
    fields: tuple[tuple[str, object], ...] = ()

    def __str__(self) -> str:
        fields = " ".join(f"{name}={value}" for name, value in self.fields)
        return f"{self.at_s:11.3f}  {self.who:<10} {self.what} {fields}".rstrip()


class Story:
    """`watch` adds a listener; `step` names a moment at which a host may be cut, and counts them."""

    def __init__(self, loop: WorldLoop) -> None:
        self.entries: Final[list[Entry]] = []
        self.marks: Final[Counter[str]] = Counter()
        self.steps = 0
        self.steps_seen: Final[list[Callable[[int, str, str], None]]] = []
        self._loop: Final = loop
        self._hash: Final = hashlib.blake2b(digest_size=16)
        self._watchers: Final[list[Callable[[Entry], None]]] = []

    def watch(self, watcher: Callable[[Entry], None]) -> None:
        """Tell it each line as it happens."""
        self._watchers.append(watcher)

    def add(self, who: str, what: str, **fields: object) -> None:
        """Something happened."""
        entry = Entry(self._loop.time(), who, what, tuple(fields.items()))
        self.entries.append(entry)
        self._hash.update(str(entry).encode())
        for watcher in self._watchers:
            watcher(entry)

    def mark(self, name: str) -> None:
        """Count that the world came past here."""
        self.marks[name] += 1

    def step(self, who: str, name: str) -> None:
        """Here a power cut would make a difference."""
        self.steps += 1
        self.marks[name] += 1
        for seen in tuple(self.steps_seen):
            seen(self.steps, who, name)

    def log(self, who: str) -> "StoryLog":
        """A logger for a program."""
        return StoryLog(self, who)

    @property
    def digest(self) -> str:
        """The hash of all that happened, in order."""
        return self._hash.hexdigest()


class StoryLog:
    """Implements the loggers of all rooms."""

    def __init__(self, story: Story, who: str) -> None:
        self._story: Final = story
        self._who: Final = who

    def info(self, event: str, /, **fields: Any) -> None:
        """A fact."""
        self._story.add(self._who, event, **fields)

    def warning(self, event: str, /, **fields: Any) -> None:
        """A fact that should not have happened."""
        self._story.add(self._who, event, **fields)
