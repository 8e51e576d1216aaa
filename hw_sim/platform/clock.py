"""What time it is at the platform, which a tester may push ahead to see windows end and repeats come.

Orders, refunds and repeats follow `now_ms`. Signatures follow `wall_ms` alone: whoever checks them has a
clock of its own, and allows five minutes.
"""

from collections.abc import Callable
from typing import Final

FARTHEST_AHEAD_MS: Final = 400 * 24 * 3_600_000


class Clock:
    """Unix milliseconds, twice. `wall_ms` is asked for the time of the world outside.

    `stands`: the platform's own time goes on only when it is pushed.
    """

    def __init__(self, wall_ms: Callable[[], int], *, stands: bool = False) -> None:
        self.wall_ms = wall_ms
        self.ahead_ms = 0
        self._stood_ms = wall_ms() if stands else None

    def now_ms(self) -> int:
        """Tell the platform's own time."""
        return (self.wall_ms() if self._stood_ms is None else self._stood_ms) + self.ahead_ms

    def advance(self, by_ms: int) -> None:
        """Push the platform's time ahead, by 400 days in all. Raises ValueError for more, or a step back."""
        left_ms = FARTHEST_AHEAD_MS - self.ahead_ms
        if not 0 <= by_ms <= left_ms:
            raise ValueError(f"advance_ms: found {by_ms}, allowed 0 to {left_ms}")
        self.ahead_ms += by_ms
