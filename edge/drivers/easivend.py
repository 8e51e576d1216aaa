"""Easivend channel boards: `ED` requests, `EE` answers, and a number that makes a repeated start harmless.

A start is answered twice, at once and when the motor is through. The board keeps number and result of its
last start, so a lost result can be asked for (motor board protocols, section 2).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from edge.core.judge import Ending, Evidence, Record, Recovery, Witness
from edge.core.model import Baseline, Outcome, VendOrder, Withheld
from edge.drivers.checks import xor8
from edge.drivers.evidence import failed, rejected
from edge.drivers.limits import LineSettings
from edge.drivers.stream import NO_START
from edge.drivers.talk import Ask, OnlyAnswers, Pause, Say, Talk
from edge.ports import Capabilities, LaneReported, VendProgress

LENGTH: Final = 8
FIRST_MS: Final = 1_000
SECOND_MS: Final = 15_000
START_S: Final = 2
TRIES: Final = 3
_VEND, _CHECK, _RESULT = 0x70, 0x71, 0x73
_NOBODY: Final = 0  # no start ever bears this number
_FAILED, _BUSY, _NOT_IN_PLACE, _NO_TURN, _NOT_BACK, _UNSEEN, _SENSOR = 1, 2, 4, 8, 0x10, 0x20, 0x80
NAMES: Final = (
    (_NO_TURN, "motor_absent"),
    (_SENSOR, "sensor_fault"),
    (_NOT_BACK, "motor_timeout"),
    (_UNSEEN, "no_drop"),
    (_NOT_IN_PLACE, "motor_not_in_place"),
    (_BUSY, "busy"),
    (_FAILED, "failed"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class EasivendSettings(LineSettings):
    """One board. `drop_sensor`: ask for the drop to be confirmed; one must be fitted."""

    bus: ClassVar[str] = "easivend"

    drop_sensor: bool = True

    def __post_init__(self) -> None:
        LineSettings.__post_init__(self)
        self.expect_numbers(low=1, high=80)


@dataclass(frozen=True, slots=True)
class Frame:
    """One good answer. `status` is a set of bits, 0: all is well."""

    seq: int
    command: int
    channel: int
    status: int


def request(command: int, channel: int, *, seq: int = _NOBODY, confirm: bool = False) -> bytes:
    """The bytes of a request."""
    body = bytes((0xED, LENGTH, seq, command, channel, 0, confirm))
    return body + bytes((xor8(body),))


def _measure(held: bytes, _: bytes) -> int:
    return LENGTH if held[0] == 0xEE else NO_START


def _parse(raw: bytes) -> Frame | None:
    """The status stands in byte 5; an early build puts it where the length belongs."""
    if xor8(raw):
        return None
    return Frame(raw[2], raw[3], raw[4], raw[5] if raw[1] == LENGTH else raw[1])


class Easivend(OnlyAnswers):
    """Implements `edge.drivers.talk.Bus`."""

    gap_ms = 20
    settle_ms = 1_000
    idle_ms = 3_000

    def __init__(self, settings: EasivendSettings) -> None:
        self._settings: Final = settings
        # A start whose number is the last one's is only reported on.
        can = Capabilities(
            bus="easivend",
            witness=Witness(recovery=Recovery.TOKEN, marks_start=True, drop_sensor=settings.drop_sensor),
            repeat_is_harmless=True,
            seq_bits=8,
            start_s=START_S,
            motor_s=(FIRST_MS + SECOND_MS) // 1000,
            keypad=False,
        )
        super().__init__(can, _measure, _parse)

    # ------------------------------------------------------------ scripts

    def identify(self) -> Talk[str | None]:
        """There is no name to ask for: every channel is checked, and told with what is wrong with it."""
        for lane in self._settings.lanes:
            heard = yield self._ask(_CHECK, lane)
            if heard.frame is None or heard.frame.status & _BUSY:
                return None
            yield Say(LaneReported(lane=lane, stock=None, capacity=None, fault=name(heard.frame.status)))
        return "Easivend channel board"

    def look(self) -> Talk[bool]:
        """Whether it is there."""
        heard = yield self._ask(_CHECK, self._settings.lanes[0])
        return heard.frame is not None

    def check(self, lane: int) -> Talk[str]:
        """`71`: the channel is fitted and in place."""
        if lane not in self._settings.lanes:
            return "no_such_lane"
        heard = yield self._ask(_CHECK, lane)
        return name(heard.frame.status) if heard.frame is not None else "no_answer"

    def baseline(self, lane: int) -> Talk[Baseline | None]:
        """The number of the last start, where the board tells it."""
        heard = yield self._ask(_RESULT, lane)
        return Baseline(seq=heard.frame.seq or None) if heard.frame is not None else None

    def vend(self, order: VendOrder) -> Talk[Outcome]:
        """One start; the first answer only says that it was heard. A lost second one is asked for."""
        heard = yield Ask(
            frame=request(
                _VEND, self._channel(order.lane), seq=order.seq, confirm=self._settings.drop_sensor
            ),
            wait_ms=FIRST_MS,
            answers=_of(_VEND, order.seq),
            start_before_ms=order.start_before_ms,
        )
        if heard.withheld:
            return Withheld(why=heard.withheld)
        if heard.frame is not None:
            yield Say(VendProgress(sale_id=order.sale_id, step="dispensing"))
        heard = yield Ask(wait_ms=SECOND_MS, answers=_of(_VEND, order.seq))
        if heard.frame is not None:
            return self._said(order, heard.frame)
        return (yield from self.recover(order))

    def recover(self, order: VendOrder) -> Talk[Outcome]:
        """Ask for the last result under a number that is nobody's: what comes back bears the run's own."""
        frame: Frame | None = None
        for _ in range(TRIES):
            heard = yield self._ask(_RESULT, order.lane)
            frame = heard.frame
            if frame is not None and not frame.status & _BUSY:
                break
            yield Pause(SECOND_MS // TRIES)
        if frame is None:
            return self.judged(order, Evidence(answered=False))
        if frame.seq == order.seq and frame.status not in (_FAILED, _FAILED | _BUSY, _BUSY):
            return self._said(order, frame)
        kept = frame.seq != _NOBODY and frame.seq == order.baseline.seq
        records = (Record(seq=frame.seq, ending=_ending(frame.status)),) if frame.seq else ()
        evidence = Evidence(records=records, kept=kept, words=_words(frame))
        return self.judged(order, evidence)

    # ------------------------------------------------------------ helpers

    def _channel(self, lane: int) -> int:
        return lane - self._settings.lane_offset

    def _ask(self, command: int, lane: int) -> Ask:
        channel = self._channel(lane)
        return Ask(frame=request(command, channel), wait_ms=FIRST_MS, answers=_of(command))

    def _said(self, order: VendOrder, frame: Frame) -> Outcome:
        """What the board says of a run that bears our number."""
        words = _words(frame)
        if frame.status & _NO_TURN:
            return rejected("motor_absent", words)
        if frame.status & ~_UNSEEN & ~_FAILED:
            return failed(name(frame.status), words)
        record = Record(seq=frame.seq, ending=_ending(frame.status, sensor=self._settings.drop_sensor))
        return self.judged(order, Evidence(records=(record,), words=words))


def name(status: int) -> str:
    """What the status bits say is wrong, the weightiest first; "" for nothing."""
    return next((words for bit, words in NAMES if status & bit), "")


def _of(command: int, seq: int | None = None) -> Callable[[Any], bool]:
    """An answer to this command, under this number where one is given."""
    return lambda frame: frame.command == command and seq in (None, frame.seq)


def _ending(status: int, *, sensor: bool = True) -> Ending:
    if status == _FAILED:  # and it does not say why: nobody saw the end
        return Ending.INTERRUPTED
    if status & ~_UNSEEN & ~_FAILED:
        return Ending.MOTOR_FAULT
    return Ending.DROPPED if not status and sensor else Ending.RAN


def _words(frame: Frame) -> str:
    return (
        f"number {frame.seq}, channel {frame.channel}: {frame.status:02X} {name(frame.status) or 'success'}"
    )
