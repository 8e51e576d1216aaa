"""How many calls a second the platform takes, as documented; past that it answers 429 and does nothing."""

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Final

from hw_sim.platform.answers import ApiError

PER_SECOND: Final[Mapping[str, int]] = MappingProxyType(
    {"create": 500, "query": 600, "refund": 150, "query_refund": 600, "certificates": 1000}
)
FAILING_PER_SECOND: Final[Mapping[str, int]] = MappingProxyType({"refund": 6})


class Limits:
    """Counts the calls of the second that runs."""

    def __init__(self) -> None:
        self._second = 0
        self._calls: Counter[str] = Counter()
        self._failed: Counter[str] = Counter()

    @contextmanager
    def counted(self, operation: str, now_ms: int) -> Iterator[None]:
        """Count a call, and whether it fails inside. Raises ApiError 429 FREQUENCY_LIMITED."""
        if now_ms // 1000 != self._second:
            self._second = now_ms // 1000
            self._calls.clear()
            self._failed.clear()
        if self._calls[operation] >= PER_SECOND.get(operation, self._calls[operation] + 1) or self._failed[
            operation
        ] >= FAILING_PER_SECOND.get(operation, self._failed[operation] + 1):
            raise ApiError(429, "FREQUENCY_LIMITED", "频率超限，请稍后重试")
        self._calls[operation] += 1
        try:
            yield
        except ApiError:
            self._failed[operation] += 1
            raise
