"""Clocks of a computer: one that only runs forward and drifts, one for people that may show anything."""

from typing import Final

from hw_sim.world.loop import WorldLoop

BEGAN_WALL_MS: Final = 1_790_000_000_000  # when a world begins, for everybody whose clock is right


class WorldClock:
    """Implements both programs' `ports.Clock`; `rate` is its speed, `wall_error_ms` how wrong it shows."""

    def __init__(self, loop: WorldLoop, *, rate: float = 1.0) -> None:
        self._loop: Final = loop
        self._rate: Final = rate
        self._booted_s = loop.time()
        self.wall_error_ms = 0

    def boot(self) -> None:
        """The computer starts: its forward clock begins anew."""
        self._booted_s = self._loop.time()

    def now_ms(self) -> int:
        """Milliseconds since the start of the computer, by its own quartz."""
        return 1_000 + int(1000 * (self._loop.time() - self._booted_s) * self._rate)

    def wall_ms(self) -> int:
        """What it shows people."""
        return true_wall_ms(self._loop) + self.wall_error_ms


def true_wall_ms(loop: WorldLoop) -> int:
    """The time of day, in Unix milliseconds."""
    return BEGAN_WALL_MS + int(1000 * loop.time())
