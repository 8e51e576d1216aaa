"""The timers of all sales in one heap: each sale has each timer at most once, the newest wish counts."""

import heapq
from collections.abc import Iterable
from typing import Final

from cloud_bridge.core.sale import Timer

_SLACK: Final = 1_000

Key = tuple[str, Timer]


class Timers:
    """Instants are monotonic milliseconds. Nothing here waits: the engine asks what is due."""

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, Key]] = []
        self._due: Final[dict[Key, tuple[int, int]]] = {}
        self._rings: Final[dict[Key, int]] = {}
        self._given = 0

    def at(self, key: Key, due_ms: int) -> None:
        """Ring then, whatever was set before."""
        self._given += 1
        self._due[key] = (due_ms, self._given)
        heapq.heappush(self._heap, (due_ms, self._given, key))
        if len(self._heap) > 2 * len(self._due) + _SLACK:
            self._heap = [(*due, key) for key, due in self._due.items()]
            heapq.heapify(self._heap)

    def nth(self, key: Key, *, anew: bool) -> int:
        """Which ring of its schedule comes next, 0 first; `anew` begins again."""
        following = 0 if anew else self._rings.get(key, -1) + 1
        self._rings[key] = following
        return following

    def stop(self, sale_id: str, timers: Iterable[Timer]) -> None:
        """These are not needed any more."""
        for timer in timers:
            self._due.pop((sale_id, timer), None)
            self._rings.pop((sale_id, timer), None)

    def due_ms(self, key: Key) -> int | None:
        """When it rings, or None when it is not set."""
        due = self._due.get(key)
        return None if due is None else due[0]

    def next_ms(self) -> int | None:
        """When the next one rings, or None when none is set."""
        while self._heap and self._due.get(self._heap[0][2]) != self._heap[0][:2]:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def ring(self, now_ms: int) -> tuple[Key, ...]:
        """Take out everything that is due, oldest first."""
        rung: list[Key] = []
        while True:
            due_ms = self.next_ms()
            if due_ms is None or due_ms > now_ms:
                return tuple(rung)
            key = heapq.heappop(self._heap)[2]
            del self._due[key]
            rung.append(key)

    def __len__(self) -> int:
        return len(self._due)
