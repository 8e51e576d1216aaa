"""Checks that the settings of all buses share: each field's type and range, named when it is wrong."""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

LANES: tuple[int, int] = (1, 9999)


def expect_types(settings: Any) -> None:
    """Every field is what its annotation says. Raises ValueError: field, what was found, what is allowed."""
    for each in fields(settings):
        value, allowed = getattr(settings, each.name), each.type
        if isinstance(allowed, str) or getattr(allowed, "__origin__", None) is tuple:
            continue
        # A bool is an int to Python, not to an installer.
        if not isinstance(value, allowed) or (isinstance(value, bool) and allowed is not bool):
            raise ValueError(
                f"{each.name}: found {value!r}; allowed is {getattr(allowed, '__name__', allowed)}"
            )


def expect_range(name: str, value: int, *, low: int, high: int) -> None:
    """A number within its bounds, both allowed. Raises ValueError."""
    if not low <= value <= high:
        raise ValueError(f"{name}: found {value}; allowed is {low} to {high}")


@dataclass(frozen=True, slots=True, kw_only=True)
class LineSettings:
    """What every board has that speaks only when it is asked. Raises ValueError.

    port: path of the serial port; a name under /dev/serial/by-path survives re-plugging.
    lanes: the numbers on the machine's front; such a board cannot list them by itself.
    lane_offset: what to take off a lane's number to get the board's own number of the motor.
    """

    port: Path
    lanes: tuple[int, ...]
    lane_offset: int = 0
    baud: int = 9_600

    def __post_init__(self) -> None:
        expect_types(self)
        expect_range("baud", self.baud, low=1200, high=921_600)
        if not self.lanes or len(set(self.lanes)) != len(self.lanes):
            raise ValueError(f"lanes: found {list(self.lanes)}; allowed is each lane of the machine once")
        for lane in self.lanes:
            expect_range("lanes", lane, low=LANES[0], high=LANES[1])

    def expect_numbers(self, *, low: int, high: int) -> None:
        """Each lane has a number on the board. Raises ValueError."""
        for lane in self.lanes:
            expect_range(f"lanes: {lane} less lane_offset", lane - self.lane_offset, low=low, high=high)
