"""Spirals, motors and a drop sensor: what really happens in the cabinet, whatever the board believes.

The pieces that fell and the motors that started are the physical truth against which every book is held.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(slots=True)
class Lane:
    """One spiral. `stock` and `capacity` are pieces; `sold` and `jammed` are what a board keeps of it."""

    number: int
    stock: int = 5
    capacity: int = 8
    price: int = 350
    goods: int = 1001
    paused: bool = False
    motor: bool = True
    fallen: int = 0
    starts: int = 0
    sold: int = 0
    jammed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """How a motor run will end: whether a piece falls, what the sensor sees, whether the motor stops."""

    falls: bool
    seen: bool
    stops: bool = True


@dataclass(slots=True)
class Cabinet:
    """All lanes by number. `lift`: where it stands, in the board's steps; `relays`: those that are on."""

    lanes: dict[int, Lane] = field(default_factory=dict)
    door_open: bool = False
    temperature_c: int = 5
    target_c: int = 5
    light: bool = False
    lift: int = 0
    relays: set[int] = field(default_factory=set)

    @classmethod
    def of(cls, numbers: Iterable[int], *, stock: int = 5, capacity: int = 8) -> "Cabinet":
        """Lanes with these numbers, each filled alike."""
        return cls({number: Lane(number, stock=stock, capacity=capacity) for number in numbers})

    @property
    def pieces_dropped(self) -> int:
        """Pieces that lie in the tray or were taken from it."""
        return sum(lane.fallen for lane in self.lanes.values())

    @property
    def motor_starts(self) -> int:
        """Motors that began to turn."""
        return sum(lane.starts for lane in self.lanes.values())

    def turn(self, lane: Lane, *, jam: bool = False, stuck: bool = False, blind: bool = False) -> Turn:
        """Start the motor. `jam`: it never stops; `stuck`: nothing falls; `blind`: nothing is seen."""
        lane.starts += 1
        falls = lane.stock > 0 and not (jam or stuck)
        return Turn(falls=falls, seen=falls and not blind, stops=not jam)

    def drop(self, lane: Lane) -> None:
        """A piece leaves the spiral."""
        lane.stock -= 1
        lane.fallen += 1
