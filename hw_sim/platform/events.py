"""The platform's diary: calls, payments, refunds and notification attempts, for a timeline or a test.

No secrets, no QR links and no payer ids are written into it.
"""

from collections import deque
from collections.abc import Callable
from itertools import islice
from typing import Any, Final

KEPT: Final = 10_000
WHO: Final = "WeChat"


class Events:
    """Keeps the last 10,000 entries; each has its number in `n`. `tell` hears every entry at once."""

    def __init__(self, tell: Callable[[dict[str, Any]], None] | None = None) -> None:
        self._kept: deque[dict[str, Any]] = deque(maxlen=KEPT)
        self._tell = tell
        self._count = 0

    def add(self, now_ms: int, what: str, **facts: str | int | bool) -> None:
        """Write one entry: `{n, t_ms, who, what, ...facts}`."""
        self._count += 1
        entry = {"n": self._count, "t_ms": now_ms, "who": WHO, "what": what, **facts}
        self._kept.append(entry)
        if self._tell is not None:
            self._tell(entry)

    def since(self, number: int) -> list[dict[str, Any]]:
        """Give the kept entries after entry `number`, oldest first."""
        first = self._count - len(self._kept)
        return list(islice(self._kept, max(0, number - first), None))
