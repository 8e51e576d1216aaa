"""TCN lifter boards, `02 .. 03`: one delivery at a time, watched by its state.

The board says whether something is going on and what went wrong, not what went before: idle after a restart
proves nothing (TCN protocols, part B).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from edge.core.judge import Ending, Evidence, Recovery, Witness
from edge.core.model import Baseline, Outcome, Uncertain, VendOrder, Withheld
from edge.drivers.checks import sum8, xor8
from edge.drivers.evidence import failed, rejected
from edge.drivers.limits import LineSettings, expect_range
from edge.drivers.stream import MORE, NO_START
from edge.drivers.talk import Ask, Heard, OnlyAnswers, Pause, Say, Talk
from edge.ports import Capabilities, LaneReported, VendProgress

REPLY_MS: Final = 3_000
POLL_MS: Final = 700
START_S: Final = 6
_STX, _ETX = 0x02, 0x03
_AROUND: Final = 4
_QUERY, _DELIVER = 0x01, 0x02
_IDLE, _TAKE, _FAULT = 0, 2, 4
_STEPS: Final = {1: "dispensing", 2: "take_product", 3: "preparing", 5: "self_test"}
_NO_ANSWER: Final = 127  # of the motors' board: what it did is not known
REFUSED: Final = {
    35: "product_in_elevator",
    37: "motor_absent",
    43: "refused",
    44: "refused",
    45: "door_open",
    64: "no_such_lane",
}
FAILED: Final = {
    1: "delivery_door_closing_error",
    2: "delivery_door_closing_error",
    9: "delivery_door_opening_error",
    **dict.fromkeys((*range(11, 20), *range(21, 30)), "sensor_fault"),
    34: "no_drop",
    36: "jam",
    80: "motor_timeout",
    _NO_ANSWER: "board_absent",
}
_LAYERS: Final = range(47, 62)  # timeout, over-current, open, for each of five layers in turn
_LAYER_NAMES: Final = ("motor_timeout", "over_current", "motor_absent")


@dataclass(frozen=True, slots=True, kw_only=True)
class TcnLifterSettings(LineSettings):
    """One board. `address` is its group, 0 for a lifter; `motor_s`: longest delivery that is waited for.

    `idle_is_delivered`: only True where it was proven on this board that it goes from a delivery to idle
    without the state "take the product". A board that restarts is idle, too: unproven, idle is doubt.
    """

    bus: ClassVar[str] = "tcn-lifter"

    address: int = 0
    idle_is_delivered: bool = False
    motor_s: int = 90

    def __post_init__(self) -> None:
        LineSettings.__post_init__(self)
        expect_range("address", self.address, low=0, high=15)
        expect_range("motor_s", self.motor_s, low=10, high=300)
        self.expect_numbers(low=1, high=0xFF)


@dataclass(frozen=True, slots=True)
class Frame:
    """One good answer: function and what follows the address."""

    function: int
    data: bytes

    @property
    def state(self) -> int:
        """What is going on."""
        return self.data[0]

    @property
    def error(self) -> int:
        """What went wrong, 0: nothing. Some boards give it several bytes; the first that is set counts."""
        return next((byte for byte in self.data[1:] if byte), 0)


def request(function: int, address: int, data: bytes = b"") -> bytes:
    """The bytes of a request."""
    inner = bytes((address,)) + data
    body = bytes((_STX, len(inner) + 2, function)) + inner + bytes((sum8(inner), _ETX))
    return body + bytes((xor8(body),))


def _measure(held: bytes, _: bytes) -> int:
    """Start and end bytes occur inside data: only length, end and both checks make a frame."""
    if held[0] != _STX:
        return NO_START
    if len(held) < 2:
        return MORE
    return held[1] + _AROUND if 3 <= held[1] <= 40 else NO_START


def _parse(raw: bytes) -> Frame | None:
    good = raw[-2] == _ETX and xor8(raw) == 0 and sum8(raw[3:-3]) == raw[-3]
    return Frame(raw[2], raw[4:-3]) if good else None


class TcnLifter(OnlyAnswers):
    """Implements `edge.drivers.talk.Bus`."""

    gap_ms = 50
    settle_ms = 1_000
    idle_ms = 3_000

    def __init__(self, settings: TcnLifterSettings) -> None:
        self._settings: Final = settings
        # A delivery is refused while one is going on, afterwards it is not: none is ever repeated.
        can = Capabilities(
            bus="tcn-lifter",
            witness=Witness(recovery=Recovery.RUN_STATE, drop_sensor=True),
            repeat_is_harmless=False,
            seq_bits=8,
            start_s=START_S,
            motor_s=settings.motor_s,
            keypad=False,
        )
        super().__init__(can, _measure, _parse)

    # ------------------------------------------------------------ scripts

    def identify(self) -> Talk[str | None]:
        """There is no name to ask for, and no list of channels."""
        heard = yield self._query()
        if heard.frame is None or heard.frame.state not in (_IDLE, _TAKE, _FAULT):
            return None
        for lane in self._settings.lanes:
            yield Say(LaneReported(lane=lane, stock=None, capacity=None))
        return "TCN lifter"

    def look(self) -> Talk[bool]:
        """Whether it is there."""
        heard = yield self._query()
        return heard.frame is not None

    def check(self, lane: int) -> Talk[str]:
        """Idle, and nothing wrong."""
        if lane not in self._settings.lanes:
            return "no_such_lane"
        heard = yield self._query()
        if heard.frame is None:
            return "no_answer"
        if heard.frame.error:
            return error_name(heard.frame.error)
        return "" if heard.frame.state == _IDLE else "busy"

    def baseline(self, lane: int) -> Talk[Baseline | None]:
        """Idle and without an error: an error that is there later is this delivery's."""
        heard = yield self._query()
        frame = heard.frame
        return Baseline() if frame is not None and (frame.state, frame.error) == (_IDLE, 0) else None

    def vend(self, order: VendOrder) -> Talk[Outcome]:
        """One delivery, then the state until it is over."""
        channel = order.lane - self._settings.lane_offset
        heard = yield Ask(
            frame=request(_DELIVER, self._settings.address, bytes((channel, 0, 0))),
            wait_ms=REPLY_MS,
            answers=_of(_DELIVER),
            start_before_ms=order.start_before_ms,
        )
        if heard.withheld:
            return Withheld(why=heard.withheld)
        if heard.frame is not None and heard.frame.error:
            return _failure(heard.frame)
        return (yield from self._watch(order, heard, ours=heard.frame is not None, live=True))

    def recover(self, order: VendOrder) -> Talk[Outcome]:
        """What is going on, or went wrong; idle says nothing."""
        heard = yield Pause(0)
        return (yield from self._watch(order, heard, ours=False, live=False))

    # ------------------------------------------------------------ helpers

    def _watch(self, order: VendOrder, heard: Heard, *, ours: bool, live: bool) -> Talk[Outcome]:
        """Query until it is over. `ours`: the delivery was taken, or was seen going on."""
        until_ms = heard.now_ms + 1000 * self._settings.motor_s
        step, frame = "", None
        while heard.now_ms < until_ms:
            heard = yield self._query()
            frame = heard.frame
            if frame is not None:
                outcome = self._concluded(order, frame, ours=ours)
                if outcome is not None:
                    return outcome
                ours = True
                if live and _STEPS.get(frame.state, "") not in ("", step):
                    step = _STEPS[frame.state]
                    yield Say(VendProgress(sale_id=order.sale_id, step=step))
            heard = yield Pause(POLL_MS)
        return self.judged(order, Evidence(answered=frame is not None, running=frame is not None))

    def _concluded(self, order: VendOrder, frame: Frame, *, ours: bool) -> Outcome | None:
        """None while it goes on. The board was idle and well before, so trouble is this delivery's."""
        if frame.error:
            return _failure(frame)
        finished = frame.state == _IDLE and ours and self._settings.idle_is_delivered
        if frame.state == _TAKE or finished:
            return self.judged(order, Evidence(repeated=Ending.DROPPED, words=_words(frame)))
        if frame.state == _IDLE:
            return self.judged(order, Evidence(words=_words(frame)))
        return None

    def _query(self) -> Ask:
        return Ask(frame=request(_QUERY, self._settings.address), wait_ms=REPLY_MS // 3, answers=_of(_QUERY))


def error_name(code: int) -> str:
    """An error's name (the vendor's list, in decimal)."""
    if code in _LAYERS:
        return _LAYER_NAMES[(code - _LAYERS.start) % 3]
    return REFUSED.get(code) or FAILED.get(code) or "elevator_fault"


def _failure(frame: Frame) -> Outcome:
    why = error_name(frame.error)
    if frame.error == _NO_ANSWER:
        return Uncertain(why="no_answer", evidence=_words(frame))
    if frame.error in REFUSED or why == "motor_absent":
        return rejected(why, _words(frame))
    return failed(why, _words(frame))


def _of(function: int) -> Callable[[Any], bool]:
    return lambda frame: frame.function == function and len(frame.data) >= 2


def _words(frame: Frame) -> str:
    return f"state {frame.state}, error {frame.error}"
