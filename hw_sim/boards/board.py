"""What every simulated board is to terminal, world and tests: bytes and time in, bytes and events out."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from hw_sim.boards.mechanics import Cabinet


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What happened, for whoever watches: frame | motor | dropped | power."""

    what: str
    t_ms: float
    fields: tuple[tuple[str, object], ...] = ()


class Faults:
    """What a board can be made to do wrong, by name; each for some times, or until it is taken back."""

    def __init__(self, known: Mapping[str, str]) -> None:
        self.known = known
        self._left: dict[str, int] = {}

    def set(self, name: str, *, times: int = -1) -> None:
        """Switch a fault on for so many times; -1: until it is cleared, 0: off. Raises ValueError."""
        if name not in self.known:
            raise ValueError(f"fault: found {name!r}, allowed {', '.join(self.known)}")
        self._left.pop(name, None)
        if times:
            self._left[name] = times

    def on(self, name: str) -> bool:
        """Whether the fault would strike, without using it up."""
        return name in self._left

    def strikes(self, name: str) -> bool:
        """Whether the fault strikes now; one of its times is used up."""
        left = self._left.get(name, 0)
        if left > 0:
            self.set(name, times=left - 1)
        return left != 0

    @property
    def names(self) -> tuple[str, ...]:
        """Those that are on."""
        return tuple(self._left)


class Board(Protocol):
    """One board with its cabinet. Deterministic; all times are milliseconds of one clock."""

    powered: bool

    @property
    def cabinet(self) -> Cabinet:
        """Spirals, motors, the truth."""

    @property
    def faults(self) -> Faults:
        """What is made to go wrong."""

    @property
    def events(self) -> list[Event]:
        """What has happened and was not taken yet."""

    @property
    def next_ms(self) -> float:
        """When `tick` has something to do."""

    def tick(self, now_ms: float) -> list[bytes]:
        """Do what is due; the pieces of bytes to write, in order."""

    def hear(self, data: bytes, now_ms: float) -> list[bytes]:
        """Take bytes from the host; the pieces of bytes to write, in order."""

    def key(self, lane: int) -> None:
        """A shopper keys a selection; 0 cancels. Nothing happens where there is no keypad."""

    def fill(self, lane: int, pieces: int) -> None:
        """A lane is refilled or emptied."""

    def pause(self, lane: int, paused: bool) -> None:
        """A lane is taken out of sale at the board."""

    def power(self, on: bool, now_ms: float) -> None:
        """Cut or restore the power. A motor that turns stops where it is."""

    def restart(self, now_ms: float) -> None:
        """Power gone for a blink."""
