"""Conversations with a board that speaks only when it is spoken to, as scripts without a port or a clock.

A script is a generator: it yields what to do next (`Ask`, `Pause`, `Say`) and is sent what was `Heard`. Who
runs it (`edge.drivers.asking`) has the port, the time and the rule that a frame which moves something leaves
only while its lease lives. A test runs it with a list of answers.
"""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeVar

from edge.core.judge import Evidence
from edge.core.model import Baseline, Outcome, VendOrder
from edge.drivers.evidence import judged
from edge.drivers.stream import Measure, Parse, Scanner
from edge.ports import BusEvent, Capabilities

T = TypeVar("T")


def anything(frame: Any) -> bool:
    """Any good frame is the answer."""
    return frame is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """Write `frame` once and wait `wait_ms` for a frame that `answers`; other frames are strays.

    Without `frame` nothing is written: a second word to something said before. Where the other side gives
    the turn, `turn` makes the bytes from the frame that gives it (None: not this one), and the wait begins
    again with the writing. `start_before_ms` marks a frame that can move something: at or after that instant
    it is not written any more.
    """

    frame: bytes = b""
    turn: Callable[[Any], bytes | None] | None = None
    wait_ms: int
    answers: Callable[[Any], bool] = anything
    start_before_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Pause:
    """Let so many milliseconds pass; what arrives meanwhile is dropped."""

    ms: int


@dataclass(frozen=True, slots=True)
class Say:
    """Tell the engine a fact at once."""

    event: BusEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What came of a step. `frame` None: no answer in time, or none was asked for.

    `withheld`: the frame was not written, its lease had ended or the port is closed; the reason's name.
    `now_ms` is the boot-time clock after the step.
    """

    frame: Any
    now_ms: int
    withheld: str = ""


Talk = Generator[Ask | Pause | Say, Heard, T]


class Decoder(Protocol):
    """Finds frames of the board in a stream; holds a bounded number of bytes."""

    frames: int
    bad_checks: int
    skipped_bytes: int

    def expect(self, request: bytes) -> None:
        """These bytes were just written: where frames carry no length, the answer's follows from them."""

    def feed(self, data: bytes) -> list[Any]:
        """The frames that these bytes complete, in order."""

    def forget(self) -> None:
        """Drop what was begun."""


class Bus(Protocol):
    """One protocol in which the host asks. Pure: every method that talks is a script.

    `gap_ms` is the least silence between two frames, `settle_ms` how long frames of an earlier process get to
    drain before evidence is read, `idle_ms` how often `look` is run while nothing else is going on. `quiet`:
    who is there may say nothing at all for hours, so that nobody waits for a first word.
    """

    gap_ms: int
    settle_ms: int
    idle_ms: int
    quiet: bool

    @property
    def capabilities(self) -> Capabilities:
        """What this bus can do and prove."""

    def decoder(self) -> Decoder:
        """A new one, for one opening of the port."""

    def identify(self) -> Talk[str | None]:
        """Who is there, and its lanes as `Say`; None while it does not answer or is not idle."""

    def look(self) -> Talk[bool]:
        """Ask how it is, and `Say` what changed; False when it did not answer."""

    def check(self, lane: int) -> Talk[str]:
        """Whether the lane can vend now: "" or a reason's name. Never moves anything."""

    def baseline(self, lane: int) -> Talk[Baseline | None]:
        """The evidence before a vend; None when it cannot be had."""

    def vend(self, order: VendOrder) -> Talk[Outcome]:
        """One run of the motor, watched to its end."""

    def recover(self, order: VendOrder) -> Talk[Outcome]:
        """What became of an interrupted order, without moving anything."""

    def reply(self, frame: Any) -> bytes:
        """What to write at once when this frame has come, asked for or not; empty for nothing."""

    def stray(self, frame: Any) -> tuple[BusEvent, ...]:
        """What a frame means that nobody asked for."""

    def dismiss(self, lane: int) -> bytes:
        """A sale of this lane ended without a vend: what to write at once; empty where nobody asked."""

    def alike(self, frame: bytes) -> bool:
        """Whether the answer to this frame may be the same bytes: then it is told from an echo by others."""


class OnlyAnswers:
    """The half of a `Bus` that is the same wherever the board never speaks by itself.

    `measure` and `parse` find its frames (`edge.drivers.stream`).
    """

    quiet = False

    def __init__(self, capabilities: Capabilities, measure: Measure, parse: Parse) -> None:
        self.capabilities: Final = capabilities
        self._measure: Final = measure
        self._parse: Final = parse

    def decoder(self) -> Scanner:
        """A new one, for one opening of the port."""
        return Scanner(self._measure, self._parse)

    def judged(self, order: VendOrder, evidence: Evidence) -> Outcome:
        """What became of an order, from what was read."""
        return judged(self.capabilities.witness, order, evidence)

    def reply(self, frame: Any) -> bytes:
        """An answer is not answered."""
        return b""

    def stray(self, frame: Any) -> tuple[BusEvent, ...]:
        """Nothing comes unasked."""
        return ()

    def dismiss(self, lane: int) -> bytes:
        """The board asked for nothing."""
        return b""

    def alike(self, frame: bytes) -> bool:
        """Both sides' frames differ."""
        return False
