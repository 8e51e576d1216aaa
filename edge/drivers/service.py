"""What a technician may ask of a board beside vends: its drop sensor, light, temperature, lift, faults.

Each bus states what it can by the scripts that it has; they run on the same line as the vends, one at a time.
"""

import enum
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, Protocol, runtime_checkable

from edge.core.errors import BusError
from edge.drivers.talk import Ask, Talk


class Act(enum.StrEnum):
    """One kind of asking. The value is what a technician types."""

    DROP_SENSOR = "drop-sensor"
    LIGHT = "light"
    TEMPERATURE = "temperature"
    SET_TEMPERATURE = "temperature --set"
    LIFT = "lift"
    FAULTS = "faults"
    CLEAR_FAULTS = "faults --clear"


CHANGES: Final = frozenset({Act.LIGHT, Act.SET_TEMPERATURE, Act.LIFT, Act.CLEAR_FAULTS})
MOVES: Final = frozenset({Act.LIFT})


class Move(enum.StrEnum):
    """Where a lift, or what belongs to it, is to go."""

    HOME = "home"
    LAYER = "layer"
    POSITION = "position"
    OPEN = "open"
    CLOSE = "close"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is wanted. `output`: which relay, where the board does not know what hangs on it; 0: not said.

    `to`: the layer, or the position in the board's own steps.
    """

    on: bool = False
    celsius: int = 0
    move: Move = Move.HOME
    to: int = 0
    output: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """What the board said. `ok` False: something to look at. `told`: by name, the native code beside it."""

    ok: bool
    told: Mapping[str, object]


class Unable(Exception):
    """This board cannot do that: what it can, or what must be said beside it. Nothing was sent."""


class Unanswered(BusError):
    """The board did not answer, or refused: what it said, in words."""


@runtime_checkable
class Serves(Protocol):
    """A driver, as a technician sees it."""

    @property
    def acts(self) -> frozenset[Act]:
        """What it can do."""

    async def serve(self, act: Act, wish: Wish) -> Served:
        """Do it. Raises Unable, Unanswered, KeyError for an act that is not there."""


Script = Callable[[Any, Wish], Talk[Served]]
Services = Mapping[Act, Script]
NOTHING: Final[Services] = MappingProxyType({})


def answered(ask: Ask) -> Talk[Any]:
    """The frame that answers. Raises Unanswered."""
    heard = yield ask
    if heard.frame is None:
        raise Unanswered("the board did not answer")
    return heard.frame


def within(name: str, value: int, low: int, high: int) -> None:
    """Raises Unable when the board could not be told this number."""
    if not low <= value <= high:
        raise Unable(f"{name}: found {value}, allowed {low} to {high}")


def moves(wish: Wish, *able: Move) -> None:
    """Raises Unable where this lift knows no such move."""
    if wish.move not in able:
        raise Unable(f"lift: found {wish.move}, allowed {', '.join(able)}")


def numbered(name: str, code: int) -> str:
    """A fault by its name, with the board's own code."""
    return f"{name} ({code:02X})"


def faults(found: Iterator[tuple[str, str]]) -> Served:
    """A list of faults: where, what."""
    listed = dict(found)
    return Served(ok=not listed, told=listed or {"faults": "none"})
