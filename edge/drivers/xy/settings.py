"""What an installer may say about an XY machine, with ranges and the reasons for the defaults."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final

from edge.drivers.limits import expect_range, expect_types

_RANGES: Final = (
    ("baud", 1200, 921_600),
    ("decimal_places", 0, 2),
    ("silence_s", 1, 60),
    ("check_s", 1, 30),
    ("first_progress_s", 1, 60),
    ("take_product_s", 1, 120),
    ("settle_s", 1, 60),
    ("status_every_s", 0, 3600),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class XySettings:
    """One XY machine. Raises ValueError naming the field, what was found and what is allowed.

    port: path of the serial port; a name under /dev/serial/by-path survives re-plugging.
    drop_sensor, lift: drive with them; must match the board's own menu (types 24 and 12).
    board_drops_repeats: only True where it was proven on this board that a second `06` with the same
        PackNo does not turn the motor again; until then a lost answer ends in doubt, never in a repeat.
    take_product_is_delivered: code 24, then silence or FF, is a sale (V3.0) and not a failure (V3.2.11).
    host_keeps_stock: lanes that the board calls sold out or paused may be vended (V3.2.11).
    door_open_value: the door byte of `52` that means open; None where nobody has looked yet.
    service_menu: the board answers `70` (V3.2.11): a recovery reads what its menu keeps of the lane.
    sales_count_vends: only True where it was proven on this board that its sales of a lane (menu type 47)
        grow by one with each `06` that delivered, and where it sells nothing by itself.
    decimal_places: the board's own setting (menu type 10), for cash reports.
    silence_s: without a frame for so long the board counts as gone.
    check_s, first_progress_s: answer to a check; first `04` after a `06`.
    motor_s: longest time between two signs of progress; None: 60 s, or 180 s with a lift.
    take_product_s: how long after code 24 the board must be quiet.
    settle_s: how long frames of an earlier process get to drain before evidence is read.
    status_every_s: how often to ask for temperature and door; 0: only at start.
    """

    bus: ClassVar[str] = "xy"

    port: Path
    baud: int = 57_600
    drop_sensor: bool = True
    lift: bool = False
    board_drops_repeats: bool = False
    take_product_is_delivered: bool = True
    host_keeps_stock: bool = False
    service_menu: bool = False
    sales_count_vends: bool = False
    door_open_value: int | None = None
    decimal_places: int = 2
    silence_s: int = 3
    check_s: int = 3
    first_progress_s: int = 5
    motor_s: int | None = None
    take_product_s: int = 10
    settle_s: int = 1
    status_every_s: int = 60

    def __post_init__(self) -> None:
        expect_types(self)
        for name, low, high in _RANGES:
            expect_range(name, getattr(self, name), low=low, high=high)
        if self.sales_count_vends and not self.service_menu:
            raise ValueError("sales_count_vends: found true without service_menu; allowed is both or neither")
        if self.motor_s is not None:
            expect_range("motor_s", self.motor_s, low=5, high=600)
        if self.door_open_value is not None:
            expect_range("door_open_value", self.door_open_value, low=0, high=255)

    @property
    def progress_ms(self) -> int:
        """Longest time between two signs of progress (protocol §8: 60 s, with a lift 180 s)."""
        return 1000 * (self.motor_s or (180 if self.lift else 60))

    @property
    def longest_vend_ms(self) -> int:
        """However much progress the board reports, a vend ends after this time."""
        return 3 * self.progress_ms
