"""The way of a product behind the motor of an XY machine: elevator, microwave, delivery door (section 4)."""

from typing import Final, Protocol

from hw_sim.boards.board import Faults

_SUCCESS, _UP_ERROR, _DOOR_ERROR = 0x02, 0x12, 0x27
_UP, _DOWN, _OPENS, _TAKE, _CLOSES = 0x10, 0x11, 0x26, 0x24, 0x14
_INTO, _HEATS, _LEFT = 0x18, 0x22, 0x23
_HEATED_S: Final = 60


class Fitted(Protocol):
    """What a machine has."""

    @property
    def lift(self) -> bool:
        """An elevator."""

    @property
    def microwave(self) -> bool:
        """A microwave behind it."""


def after_the_motor(fitted: Fitted, faults: Faults, result: int) -> tuple[list[tuple[int, int | None]], int]:
    """Codes on the way, each with what stands in the selection's place (None: the selection), and the end."""
    if not fitted.lift or result != _SUCCESS:
        return [], result
    way: list[tuple[int, int | None]] = [(_UP, None)]
    if faults.strikes("lift_stuck"):
        return way, _UP_ERROR
    way.append((_DOWN, None))
    if fitted.microwave:
        way += [(_INTO, None), (_HEATS, None), (_LEFT, _HEATED_S)]
    way.append((_OPENS, None))
    if faults.strikes("door_stuck"):
        return way, _DOOR_ERROR
    return [*way, (_TAKE, None), (_CLOSES, None)], result
