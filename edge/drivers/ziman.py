"""Ziman boards, `A8 .. FE`: each request bears a number, and recent results can be looked up by it.

The answer to a start comes when the motor has finished. In what order the board tells its recent results is
not documented, so nothing here depends on it (motor board protocols, section 1).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from edge.core.judge import Ending, Evidence, Record, Recovery, Witness
from edge.core.model import Baseline, Outcome, VendOrder, Withheld
from edge.drivers.checks import sum8
from edge.drivers.limits import LineSettings, expect_range
from edge.drivers.stream import MORE, NO_START
from edge.drivers.talk import Ask, OnlyAnswers, Pause, Say, Talk
from edge.ports import Capabilities, ClimateReported, LaneReported

REPLY_MS: Final = 1_000
ANOTHER_MS: Final = 500
START_S: Final = 2
HISTORY: Final = 5
SEQ_BITS: Final = 7  # 1..127: the numbers above are for questions
QUESTION: Final = 200
_HEAD, _TAIL = 0xA8, 0xFE
_AROUND: Final = 6
_STATUS, _ROTATE, _EXISTS, _RECENT = 0x04, 0x05, 0x07, 0x08


@dataclass(frozen=True, slots=True, kw_only=True)
class ZimanSettings(LineSettings):
    """One board. Lane 23 less `lane_offset` is row 2, column 3; `motor_s`: longest wait for a result."""

    bus: ClassVar[str] = "ziman"

    motor_s: int = 15

    def __post_init__(self) -> None:
        LineSettings.__post_init__(self)
        expect_range("motor_s", self.motor_s, low=5, high=60)
        self.expect_numbers(low=11, high=2559)


@dataclass(frozen=True, slots=True)
class Frame:
    """One good answer; `number` is the request's that it answers, or of an earlier operation."""

    function: int
    number: int
    data: bytes


def request(function: int, number: int, data: bytes) -> bytes:
    """The bytes of a request."""
    body = bytes((_HEAD, len(data) + _AROUND, function, number)) + data
    return body + bytes((sum8(body), _TAIL))


def _measure(held: bytes, _: bytes) -> int:
    if held[0] != _HEAD:
        return NO_START
    if len(held) < 2:
        return MORE
    return held[1] if _AROUND <= held[1] <= 0x20 else NO_START


def _parse(raw: bytes) -> Frame | None:
    good = raw[-1] == _TAIL and sum8(raw[:-2]) == raw[-2]
    return Frame(raw[2], raw[3], raw[4:-2]) if good else None


class Ziman(OnlyAnswers):
    """Implements `edge.drivers.talk.Bus`."""

    gap_ms = 30
    settle_ms = 1_000
    idle_ms = 3_000

    def __init__(self, settings: ZimanSettings) -> None:
        self._settings: Final = settings
        # The result byte is the motor's word; no drop sensor is spoken of.
        # What a board does with a repeated number is not documented: none is ever repeated.
        can = Capabilities(
            bus="ziman",
            witness=Witness(recovery=Recovery.HISTORY),
            repeat_is_harmless=False,
            seq_bits=SEQ_BITS,
            start_s=START_S,
            motor_s=settings.motor_s,
            keypad=False,
        )
        super().__init__(can, _measure, _parse)

    def alike(self, frame: bytes) -> bool:
        """A motor that exists is answered for with its place."""
        return frame[2] == _EXISTS

    # ------------------------------------------------------------ scripts

    def identify(self) -> Talk[str | None]:
        """There is no name to ask for; each motor is asked for, and a silent one is told as a fault."""
        if not (yield from self.look()):
            return None
        for lane in self._settings.lanes:
            fault = yield from self.check(lane)
            yield Say(LaneReported(lane=lane, stock=None, capacity=None, fault=fault))
        return "Ziman board"

    def look(self) -> Talk[bool]:
        """Temperature, and whether it is there."""
        heard = yield self._ask(_STATUS, b"\x02\x02", length=3)
        if heard.frame is None:
            return False
        yield Say(ClimateReported(temperature_c=heard.frame.data[1], door_open=None))
        return True

    def check(self, lane: int) -> Talk[str]:
        """Whether the motor exists: one that does not is not answered for."""
        if lane not in self._settings.lanes:
            return "no_such_lane"
        heard = yield self._ask(_EXISTS, self._place(lane), length=2)
        return "" if heard.frame is not None else "motor_absent"

    def baseline(self, lane: int) -> Talk[Baseline | None]:
        """Every number that the board's records still bear: a new one must be none of them."""
        there = yield from self.look()
        records = yield from self._recent()
        return Baseline(taken=tuple(frame.number for frame in records)) if there else None

    def vend(self, order: VendOrder) -> Talk[Outcome]:
        """One start, under the order's number; the answer is the result."""
        heard = yield Ask(
            frame=request(_ROTATE, order.seq, self._place(order.lane)),
            wait_ms=1000 * self._settings.motor_s,
            answers=lambda frame: (
                _is_result(frame) and (frame.function, frame.number) == (_ROTATE, order.seq)
            ),
            start_before_ms=order.start_before_ms,
        )
        if heard.withheld:
            return Withheld(why=heard.withheld)
        if heard.frame is None:
            return (yield from self.recover(order))
        return self._concluded(order, [heard.frame])

    def recover(self, order: VendOrder) -> Talk[Outcome]:
        """Look for our number among the recent results; while a motor turns there is none yet."""
        there = yield from self.look()
        records = yield from self._recent()
        if not _find(records, order.seq):
            yield Pause(1000 * self._settings.motor_s)
            there = (yield from self.look()) or there
            records = yield from self._recent()
        if not there and not records:
            return self.judged(order, Evidence(answered=False))
        return self._concluded(order, records)

    # ------------------------------------------------------------ helpers

    def _recent(self) -> Talk[list[Frame]]:
        """Up to five results; fewer is an answer, too."""
        records: list[Frame] = []
        ask = Ask(frame=request(_RECENT, QUESTION, b"\x01\x01"), wait_ms=REPLY_MS, answers=_is_result)
        while len(records) < HISTORY:
            heard = yield ask
            if heard.frame is None:
                break
            records.append(heard.frame)
            ask = Ask(wait_ms=ANOTHER_MS, answers=_is_result)
        return records

    def _concluded(self, order: VendOrder, frames: list[Frame]) -> Outcome:
        ours = _find(frames, order.seq)
        words = ", ".join(_words(frame) for frame in (ours or frames)) or "no recent results"
        place = self._place(order.lane)
        records = tuple(
            Record(
                seq=frame.number,
                ending=Ending.RAN if frame.data[3] == 1 else Ending.MOTOR_FAULT,
                lane=order.lane if frame.data[:2] == place else 0,
            )
            for frame in frames
        )
        return self.judged(order, Evidence(records=records, words=words))

    def _place(self, lane: int) -> bytes:
        return bytes(divmod(lane - self._settings.lane_offset, 10))

    def _ask(self, function: int, data: bytes, *, length: int) -> Ask:
        return Ask(
            frame=request(function, QUESTION, data), wait_ms=REPLY_MS, answers=_answers(function, length)
        )


def _answers(function: int, length: int) -> Callable[[Any], bool]:
    return lambda frame: (frame.function, frame.number, len(frame.data)) == (function, QUESTION, length)


def _is_result(frame: Any) -> bool:
    return frame.function in (_ROTATE, 0x09) and len(frame.data) == 4


def _find(frames: list[Frame], number: int) -> list[Frame]:
    return [frame for frame in frames if frame.number == number]


def _words(frame: Frame) -> str:
    row, column, duration, good = frame.data
    ended = "ok" if good == 1 else "failed"
    return f"number {frame.number}, row {row} column {column}: {ended} in {duration}"
