"""How machines have been in the last day, a few numbers each, in memory: for a line that a person looks at.

Pure. A step keeps the worst of the link and the last temperature; a day without change is one step long.
"""

from collections import deque
from typing import Final

from cloud_bridge.ports_looking import Health

STEP_MS: Final = 600_000
STEPS: Final = 144


class Trend:
    """One machine's last day."""

    def __init__(self) -> None:
        self._steps: Final[deque[Health]] = deque(maxlen=STEPS)

    def note(self, wall_ms: int, *, online: bool, temperature_c: int | None) -> None:
        """It is so now. A link that was down at any time of a step was down in it."""
        since_ms = wall_ms - wall_ms % STEP_MS
        last = self._steps[-1] if self._steps else None
        if last is not None and last.since_wall_ms >= since_ms:
            self._steps[-1] = Health(
                since_wall_ms=last.since_wall_ms,
                online=last.online and online,
                temperature_c=temperature_c,
            )
            return
        self._steps.append(Health(since_wall_ms=since_ms, online=online, temperature_c=temperature_c))

    def steps(self, wall_ms: int) -> tuple[Health, ...]:
        """Those of the last day, the oldest first."""
        oldest_ms = wall_ms - STEPS * STEP_MS
        return tuple(step for step in self._steps if step.since_wall_ms > oldest_ms)
