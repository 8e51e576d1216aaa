"""Fuzzing for a given time: hypothesis draws, batch after batch, each batch from a new seed."""

import time
from collections import Counter
from typing import Any, Final

from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.fuzz.targets import Target

BATCH: Final = 200
_SETTINGS: Final = settings(
    max_examples=BATCH,
    deadline=None,
    database=None,
    phases=(Phase.generate, Phase.shrink),
    suppress_health_check=list(HealthCheck),
)


def fuzz(target: Target, seconds: float, first_seed: int = 0) -> Counter[str]:
    """How often each name was given. Raises what an input raised, the smallest such input shown."""
    counts: Counter[str] = Counter()

    def look(value: Any) -> None:
        counts[target.read(value)] += 1

    number, end_s = first_seed, time.monotonic() + seconds
    while not counts or time.monotonic() < end_s:
        seed(number)(_SETTINGS(given(target.inputs)(look)))()
        number += 1
    return counts
