"""What the engine asks of the world around it. Adapters implement these; the engine knows no adapter.

The dispenser has two shapes behind one port: it is told to vend (`vend`), and it reports facts by itself
(the `post` callback given to `run`). Every method runs on the daemon's one event loop.
"""

import enum
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from edge.core.model import Baseline, Outcome, VendOrder
from edge.core.screen import Screen


class Clock(Protocol):
    """Two clocks: one that only ever runs forward, also through suspend, and one for people."""

    def now_ms(self) -> int:
        """Milliseconds of CLOCK_BOOTTIME. The only clock a decision may use."""

    def wall_ms(self) -> int:
        """Unix milliseconds, for display, logs and reports."""


# ---------------------------------------------------------------- the dispenser


class Recovery(enum.StrEnum):
    """How a bus can learn, without moving anything, what became of an interrupted operation."""

    LATCHED = "latched"
    TOKEN = "token"  # noqa: S105 - a sequence number, not a secret
    HISTORY = "history"
    READ_ONCE = "read_once"
    RUN_STATE = "run_state"
    COUNTERS = "counters"
    DOOR = "door"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What a bus can do and prove. `start_s` is T_start, `motor_s` T_motor, `seq_bits` the width of `seq`."""

    bus: str
    recovery: Recovery
    memory_survives_power_loss: bool
    repeat_is_harmless: bool
    seq_bits: int
    start_s: int
    motor_s: int
    keypad: bool
    drop_sensor: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class BusUp:
    """The board is identified and idle; its lanes are known."""

    identity: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BusDown:
    """The board does not answer. `why` is a name such as `silent` or `port`."""

    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyPressed:
    """A shopper keyed a selection on the machine's own keypad."""

    lane: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelPressed:
    """A shopper cancelled on the machine's own keypad."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneReported:
    """A lane as the board sees it. `stock` and `capacity` are pieces; None where the board cannot tell."""

    lane: int
    stock: int | None
    capacity: int | None
    fault: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClimateReported:
    """Cabinet temperature in degrees Celsius, None where it was not read; door as the board says it."""

    temperature_c: int | None
    door_open: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CashReported:
    """The machine's own payment devices took money; display and audit only."""

    mode: str
    amount_fen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class VendProgress:
    """The board tells how far an operation is; `step` is a name such as `dispensing`."""

    sale_id: str
    step: str


BusEvent = (
    BusUp
    | BusDown
    | KeyPressed
    | CancelPressed
    | LaneReported
    | ClimateReported
    | CashReported
    | VendProgress
)


@dataclass(frozen=True, slots=True, kw_only=True)
class BusHealth:
    """Counters since the start, and the slowest answer to the machine in milliseconds."""

    frames: int = 0
    bad_checks: int = 0
    repeats: int = 0
    polls: int = 0
    slowest_answer_ms: float = 0.0
    facts: dict[str, int] = field(default_factory=dict)


class Dispenser(Protocol):
    """One machine bus. Raises nothing from `run` but a broken set-up; faults arrive as events."""

    @property
    def capabilities(self) -> Capabilities:
        """What this bus can do and prove."""

    async def run(self, post: Callable[[BusEvent], None]) -> None:
        """Open the port and serve the bus until cancelled; reopen it when it fails."""

    async def check(self, lane: int) -> str:
        """Ask whether the lane can vend now; "" when it can, else a reason's name. Never moves anything."""

    async def baseline(self, lane: int) -> Baseline:
        """The board's evidence for a lane. Raises edge.drivers.errors.BusError when it cannot be had."""

    async def vend(self, order: VendOrder) -> Outcome:
        """Run the motor once and watch until the outcome, at most `motor_s` seconds. Never raises."""

    async def recover(self, order: VendOrder) -> Outcome:
        """Flush, settle, then learn what became of an interrupted order. Never moves anything."""

    async def resync(self) -> None:
        """After doubt: flush, settle, identify the board again; BusUp follows when it is idle."""

    def health(self) -> BusHealth:
        """Counters for dashboards and technicians."""


# ---------------------------------------------------------------- the screen


class Display(Protocol):
    """Where the shopper looks. Drawing happens off the loop; the newest screen wins."""

    def show(self, screen: Screen) -> None:
        """Ask for this screen; returns at once. Screens asked for while one is being drawn are skipped."""
