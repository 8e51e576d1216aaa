"""What every room is given by the computer: clocks, and the daemon's log."""

from typing import Protocol


class Clock(Protocol):
    """Two clocks: one that only ever runs forward, also through suspend, and one for people."""

    def now_ms(self) -> int:
        """Milliseconds of CLOCK_BOOTTIME. The only clock a decision may use."""

    def wall_ms(self) -> int:
        """Unix milliseconds, for display, logs and reports."""


class Notes(Protocol):
    """The daemon's log: one line `area.fact key=value` a call."""

    def info(self, event: str, /, **fields: object) -> object:
        """A fact that an operator may want to know."""

    def warning(self, event: str, /, **fields: object) -> object:
        """A fact that should not have happened."""
