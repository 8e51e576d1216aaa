"""Jinma control boards, `01` frames: a start, then polls for the running or the last operation.

Whether a result is told once or again and again is not known, so it is read only by whoever will use it: none
is read at the start, and what is left over is read away before an order (Jinma protocol, part A).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from edge.core.judge import Ending, Evidence, Record, Recovery, Witness
from edge.core.model import Baseline, Outcome, Uncertain, VendOrder, Withheld
from edge.drivers.checks import xor8
from edge.drivers.evidence import failed, rejected
from edge.drivers.limits import LineSettings, expect_range
from edge.drivers.stream import MORE, NO_START
from edge.drivers.talk import Ask, Heard, OnlyAnswers, Pause, Say, Talk
from edge.ports import Capabilities, ClimateReported, LaneReported, VendProgress

REPLY_MS: Final = 1_000
POLL_MS: Final = 200
START_S: Final = 5
LONGEST: Final = 0x40
_CONNECT, _CHANNEL, _DISPENSE, _POLL, _CABINET, _BOARD = 0x00, 0x01, 0x03, 0x05, 0x10, 0x20
_CONNECTED: Final = 1
_RUNNING, _NOTHING = 0xFF, 0x00
_OTHER_MONEY: Final = 1  # it was not paid in cash: the board must not look at its own credit
_NORMAL: Final = 0x02
_SEEN, _UNSEEN, _NO_SENSOR = 1, 2, 0
STATES: Final = {
    0x00: "no_such_lane",
    0x01: "lane_fault",
    0x03: "motor_absent",
    0x04: "motor_absent",
    0x05: "motor_timeout",
    0x06: "motor_timeout",
    0x07: "motor_driver",
    0x08: "motor_not_in_place",
    0x09: "jam",
    0x0E: "over_current",
}
_NOT_MOVED: Final = frozenset({"no_such_lane", "motor_absent"})
_PROBE_VALID: Final = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class JinmaSettings(LineSettings):
    """One cabinet, counted from 1. Lane 23 less `lane_offset` is layer 2, position 3."""

    bus: ClassVar[str] = "jinma"

    cabinet: int = 1
    drop_sensor: bool = True
    motor_s: int = 30

    def __post_init__(self) -> None:
        LineSettings.__post_init__(self)
        expect_range("cabinet", self.cabinet, low=1, high=16)
        expect_range("motor_s", self.motor_s, low=5, high=120)
        self.expect_numbers(low=11, high=169)


@dataclass(frozen=True, slots=True)
class Frame:
    """One good answer."""

    command: int
    data: bytes


def request(command: int, data: bytes = b"") -> bytes:
    """The bytes of a request; the leading 01 is not checked."""
    body = bytes((1 + len(data), command)) + data
    return b"\x01" + body + bytes((xor8(body),))


def _measure(held: bytes, _: bytes) -> int:
    if held[0] != 0x01:
        return NO_START
    if len(held) < 2:
        return MORE
    return held[1] + 3 if 1 <= held[1] <= LONGEST else NO_START


def _parse(raw: bytes) -> Frame | None:
    return Frame(raw[2], raw[3:-1]) if xor8(raw[1:]) == 0 else None


class Jinma(OnlyAnswers):
    """Implements `edge.drivers.talk.Bus`."""

    gap_ms = 50
    settle_ms = 1_000
    idle_ms = 3_000

    def __init__(self, settings: JinmaSettings) -> None:
        self._settings: Final = settings
        # What a board does with a repeated start is not documented: none is ever repeated.
        can = Capabilities(
            bus="jinma",
            witness=Witness(recovery=Recovery.READ_ONCE, drop_sensor=settings.drop_sensor),
            repeat_is_harmless=False,
            seq_bits=8,
            start_s=START_S,
            motor_s=settings.motor_s,
            keypad=False,
        )
        super().__init__(can, _measure, _parse)

    # ------------------------------------------------------------ scripts

    def identify(self) -> Talk[str | None]:
        """Connected and not in maintenance; its version, and each channel's state."""
        heard = yield self._ask(_CONNECT)
        if heard.frame is None or heard.frame.data != bytes((_CONNECTED,)):
            return None
        heard = yield self._ask(_BOARD, length=30)
        software = heard.frame.data[-11:].decode("ascii", "replace").strip("\0 ") if heard.frame else ""
        yield from self.look()
        for lane in self._settings.lanes:
            fault = yield from self.check(lane)
            yield Say(LaneReported(lane=lane, stock=None, capacity=None, fault=fault))
        return f"Jinma {software}".strip()

    def look(self) -> Talk[bool]:
        """Temperature and door of the cabinet."""
        heard = yield self._ask(_CABINET, bytes((self._settings.cabinet,)), length=10)
        if heard.frame is None:
            return False
        _, _, probe, raw, _, door = heard.frame.data[:6]
        celsius = raw if raw < 128 else -(raw % 128)  # sign and magnitude
        known = celsius if probe == _PROBE_VALID else None
        yield Say(ClimateReported(temperature_c=known, door_open=bool(door)))
        return True

    def check(self, lane: int) -> Talk[str]:
        """The channel's state."""
        if lane not in self._settings.lanes:
            return "no_such_lane"
        heard = yield self._ask(_CHANNEL, self._place(lane), length=7)
        if heard.frame is None:
            return "no_answer"
        return "" if heard.frame.data[2] == _NORMAL else state_name(heard.frame.data[2])

    def baseline(self, lane: int) -> Talk[Baseline | None]:
        """No operation going on, and no result left: what is told after the intent is the intent's."""
        for _ in range(3):
            heard = yield self._ask(_POLL)
            frame = heard.frame
            if frame is not None and _is_nothing(frame):
                return Baseline()
        # A board that tells its last result for ever is told apart by nothing: its results prove nothing.
        return Baseline(count=1) if frame is not None and _is_result(frame) else None

    def vend(self, order: VendOrder) -> Talk[Outcome]:
        """One start, not for cash; then polls."""
        settings = self._settings
        data = self._place(order.lane) + bytes((_OTHER_MONEY, 0, 0, 0, 0, settings.drop_sensor))
        heard = yield Ask(
            frame=request(_DISPENSE, data),
            wait_ms=REPLY_MS,
            answers=_of(_DISPENSE, 4),
            start_before_ms=order.start_before_ms,
        )
        if heard.withheld:
            return Withheld(why=heard.withheld)
        if heard.frame is not None and heard.frame.data[2]:
            state = state_name(heard.frame.data[3]) if heard.frame.data[2] == 1 else ""
            why = state if state in _NOT_MOVED else "refused"  # whatever is wrong, this start was not taken
            return rejected(why, f"start answered {heard.frame.data[2]}, channel {heard.frame.data[3]:02X}")
        if heard.frame is not None:
            yield Say(VendProgress(sale_id=order.sale_id, step="dispensing"))
        return (yield from self._watch(order, heard, ours=heard.frame is not None))

    def recover(self, order: VendOrder) -> Talk[Outcome]:
        """Poll for what runs, or for the result that nobody has read."""
        heard = yield Pause(0)
        return (yield from self._watch(order, heard, ours=False))

    # ------------------------------------------------------------ helpers

    def _watch(self, order: VendOrder, heard: Heard, *, ours: bool) -> Talk[Outcome]:
        """Poll until a result is there. `ours`: the start was taken, or the operation was seen going on."""
        until_ms = heard.now_ms + 1000 * self._settings.motor_s
        ours = ours or order.baseline.count is None
        frame: Frame | None = None
        while heard.now_ms < until_ms:
            heard = yield self._ask(_POLL)
            frame = heard.frame
            if frame is not None and _is_result(frame) and ours:
                return self._concluded(order, frame)
            if frame is not None and not _is_running(frame):
                return self.judged(order, Evidence(words=frame.data.hex(" ")))
            ours = ours or frame is not None
            heard = yield Pause(POLL_MS)
        return self.judged(order, Evidence(answered=frame is not None, running=frame is not None))

    def _concluded(self, order: VendOrder, frame: Frame) -> Outcome:
        result, state, drop = frame.data[1], frame.data[2], frame.data[7]
        words = f"result {result}, channel {state:02X}, drop {drop}"
        why = state_name(state) if result else ""
        if drop == _SEEN:
            return self._judged(order, Ending.DROPPED, words)
        if why in _NOT_MOVED:
            return rejected(why, words)
        if self._settings.drop_sensor and drop != _UNSEEN:
            return Uncertain(why="sensor_fault", evidence=words)  # it turned, and nobody could see
        if why:
            return failed(why, words)
        return self._judged(order, Ending.RAN, words)

    def _judged(self, order: VendOrder, ending: Ending, words: str) -> Outcome:
        return self.judged(
            order,
            Evidence(records=(Record(seq=order.seq, ending=ending),), words=words),
        )

    def _place(self, lane: int) -> bytes:
        layer, position = divmod(lane - self._settings.lane_offset, 10)
        return bytes((self._settings.cabinet, (layer - 1) * 16 + position))

    def _ask(self, command: int, data: bytes = b"", *, length: int | None = None) -> Ask:
        return Ask(frame=request(command, data), wait_ms=REPLY_MS, answers=_of(command, length))


def state_name(state: int) -> str:
    """A channel state's name."""
    return STATES.get(state, f"code_{state:02x}")


def _of(command: int, length: int | None) -> Callable[[Any], bool]:
    return lambda frame: frame.command == command and length in (None, len(frame.data))


def _is_nothing(frame: Frame) -> bool:
    return len(frame.data) == 2 and frame.data[1] == _NOTHING


def _is_running(frame: Frame) -> bool:
    return len(frame.data) == 2 and frame.data[1] == _RUNNING


def _is_result(frame: Frame) -> bool:
    """LEN 09: a dispense has finished."""
    return len(frame.data) == 8 and frame.data[0] == _DISPENSE
