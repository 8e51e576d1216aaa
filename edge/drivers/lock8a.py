"""Cabinet lock boards of the `8A` family: a locker's door opens, and stands open until somebody shuts it.

A door found open after an order was delivered to; one found shut says nothing, it may have been opened and
shut again. Which value means open depends on the contact: look at one door first (lock board notes).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from edge.core.judge import Ending, Evidence, Recovery, Witness
from edge.core.model import Baseline, Outcome, VendOrder, Withheld
from edge.drivers.checks import xor8
from edge.drivers.evidence import failed
from edge.drivers.limits import LineSettings, expect_range
from edge.drivers.stream import MORE, NO_START
from edge.drivers.talk import Ask, OnlyAnswers, Pause, Say, Talk
from edge.ports import Capabilities, LaneReported

REPLY_MS: Final = 500
PULSE_MS: Final = 2_000  # the answer comes behind the pulse
START_S: Final = 2
TRIES: Final = 3
LENGTH: Final = 5
_OPEN, _STATUS, _REPORT, _VERSION = 0x8A, 0x80, 0x82, 0x82
_OPEN_FN, _STATUS_FN = 0x11, 0x33
_OPEN_VALUES: Final = (0x00, 0x11)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock8aSettings(LineSettings):
    """One board. `address` is on its switches, 1..32; a lane less `lane_offset` is its lock, 1..48.

    `open_value`: the feedback that means an open door, 0x11 or 0x00; open one, read, and set it.
    """

    bus: ClassVar[str] = "lock8a"

    address: int = 1
    open_value: int = 0x11

    def __post_init__(self) -> None:
        LineSettings.__post_init__(self)
        expect_range("address", self.address, low=1, high=32)
        if self.open_value not in _OPEN_VALUES:
            raise ValueError(f"open_value: found {self.open_value}; allowed is 0 or 17 (0x11)")
        self.expect_numbers(low=1, high=48)


@dataclass(frozen=True, slots=True)
class Frame:
    """One good answer about one lock; `command` 82: told unasked."""

    command: int
    lock: int
    feedback: int


def request(command: int, address: int, lock: int, function: int) -> bytes:
    """The bytes of a request."""
    body = bytes((command, address, lock, function))
    return body + bytes((xor8(body),))


def _measure(held: bytes, asked: bytes) -> int:
    """No start and no length: what the board's number stands behind may be an answer."""
    if len(held) < 2:
        return MORE
    known = held[0] == _REPORT or held[:1] == asked[:1]
    return LENGTH if known and held[1:2] == asked[1:2] else NO_START


def _parse(raw: bytes) -> Frame | None:
    return Frame(raw[0], raw[2], raw[3]) if xor8(raw) == 0 else None


class Lock8a(OnlyAnswers):
    """Implements `edge.drivers.talk.Bus`."""

    gap_ms = 30
    settle_ms = 1_500
    idle_ms = 3_000

    def __init__(self, settings: Lock8aSettings) -> None:
        self._settings: Final = settings
        self._open: Final[dict[int, bool]] = {}  # the doors as they were told
        # A second pulse opens a door that the customer has shut: none is ever repeated.
        can = Capabilities(
            bus="lock8a",
            witness=Witness(recovery=Recovery.DOOR, drop_sensor=True),
            repeat_is_harmless=False,
            seq_bits=8,
            start_s=START_S,
            motor_s=PULSE_MS // 1000 + START_S,
            keypad=False,
        )
        super().__init__(can, _measure, _parse)

    def alike(self, frame: bytes) -> bool:
        """A lock that has opened answers with the very bytes that it was asked with."""
        return frame[0] == _OPEN

    # ------------------------------------------------------------ scripts

    def identify(self) -> Talk[str | None]:
        """Each lock's state; a door that stands open cannot be sold."""
        for lane in self._settings.lanes:
            state = yield from self._state(lane)
            if state is None:
                return None
            yield self._told(lane, state)
        return f"lock board {self._settings.address}"

    def look(self) -> Talk[bool]:
        """Each lock's state again, and what changed: a door may have been shut."""
        for lane in self._settings.lanes:
            state = yield from self._state(lane)
            if state is None:
                return False
            if state != self._open.get(lane):
                yield self._told(lane, state)
        return True

    def check(self, lane: int) -> Talk[str]:
        """Shut."""
        if lane not in self._settings.lanes:
            return "no_such_lane"
        state = yield from self._state(lane)
        if state is None:
            return "no_answer"
        return "door_open" if state else ""

    def baseline(self, lane: int) -> Talk[Baseline | None]:
        """A shut door: an open one is this order's."""
        state = yield from self._state(lane)
        return None if state is None or state else Baseline()

    def vend(self, order: VendOrder) -> Talk[Outcome]:
        """One pulse; the answer behind it says whether the door is open."""
        heard = yield Ask(
            frame=self._request(_OPEN, order.lane, _OPEN_FN),
            wait_ms=PULSE_MS,
            answers=self._of(_OPEN, order.lane),
            start_before_ms=order.start_before_ms,
        )
        if heard.withheld:
            return Withheld(why=heard.withheld)
        if heard.frame is None:
            return (yield from self.recover(order))
        state = yield from self._state(order.lane)
        if heard.frame.feedback == self._settings.open_value or state:
            return self._opened(order, f"feedback {heard.frame.feedback:02X}")
        if state is None:
            return self.judged(order, Evidence(answered=False))
        return failed("lock_not_open", f"feedback {heard.frame.feedback:02X}, then shut")

    def recover(self, order: VendOrder) -> Talk[Outcome]:
        """Open now: it was opened. Shut proves nothing."""
        for _ in range(TRIES):
            state = yield from self._state(order.lane)
            if state is not None:
                words = "door open" if state else "door shut"
                return self.judged(order, Evidence(fell=state, words=words))
            yield Pause(REPLY_MS)
        return self.judged(order, Evidence(answered=False))

    # ------------------------------------------------------------ helpers

    def _told(self, lane: int, state: bool) -> Say:
        """What the engine is told of a door, and from then on knows."""
        self._open[lane] = state
        return Say(LaneReported(lane=lane, stock=None, capacity=None, fault="door_open" if state else ""))

    def _opened(self, order: VendOrder, words: str) -> Outcome:
        return self.judged(order, Evidence(repeated=Ending.DROPPED, words=words))

    def _state(self, lane: int) -> Talk[bool | None]:
        """Whether the door stands open; None: no answer."""
        heard = yield Ask(
            frame=self._request(_STATUS, lane, _STATUS_FN),
            wait_ms=REPLY_MS,
            answers=self._of(_STATUS, lane),
        )
        return heard.frame.feedback == self._settings.open_value if heard.frame is not None else None

    def _request(self, command: int, lane: int, function: int) -> bytes:
        return request(command, self._settings.address, lane - self._settings.lane_offset, function)

    def _of(self, command: int, lane: int) -> Callable[[Any], bool]:
        lock = lane - self._settings.lane_offset
        return lambda frame: (frame.command, frame.lock) == (command, lock) and frame.feedback in _OPEN_VALUES
