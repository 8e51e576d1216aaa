"""TCN spring boards: six bytes of which every second is the complement of the one before it.

Nothing in an answer says which command it belongs to, and the board keeps nothing. After a start without an
answer the line is left alone for as long as one may still come (TCN protocols, part A).
"""

from dataclasses import dataclass
from typing import ClassVar, Final

from edge.core.judge import Ending, Evidence, Recovery, Witness
from edge.core.model import Baseline, Outcome, VendOrder, Withheld
from edge.drivers.checks import sum8
from edge.drivers.evidence import failed, rejected
from edge.drivers.limits import LineSettings, expect_range
from edge.drivers.stream import MORE, NO_START
from edge.drivers.talk import Ask, OnlyAnswers, Pause, Say, Talk
from edge.ports import Capabilities, ClimateReported, LaneReported

LENGTH: Final = 5
REPLY_MS: Final = 1_000
SELF_CHECK_MS: Final = 1_600
LATE_MS: Final = 10_000
EARLY_MS: Final = 300  # no motor comes round so soon: a good word within this time is an older command's
DOUBTED_MS: Final = 3_000  # how long bad news must stand alone: it may be an older command's, too
START_S: Final = 2
ON, OFF = 0xAA, 0x55
_SELF_CHECK, _EXISTS, _TEMPERATURE, _DOOR = 0x64, 0x78, 0xDC, 0xDF
_DONE, _FAULT = 0x5D, 0x5C
_SEEN, _SHORT_TURN, _NO_VIBRATION = 0xAA, 0xCC, 0x33
_NO_PROBE: Final = 0xEB
_MOTORS: Final = {1: "motor_driver", 2: "motor_driver", 3: "over_current", 4: "motor_absent"}
_BLOCKED: Final = 0x03  # a sensor that saw something all through the vend: the motor has turned
_CODES: Final = {
    0x04: "no_drop",
    0x50: "motor_timeout",
    0x56: "no_such_lane",
    0x5A: "no_drop",
    0xFF: "no_such_lane",
}
_NOT_MOVED: Final = frozenset({"no_such_lane", "motor_absent", "sensor_fault"})


@dataclass(frozen=True, slots=True, kw_only=True)
class TcnSettings(LineSettings):
    """One board. `board` 0 is the main one; `drop_sensor`: stop on it, and believe it alone.

    `self_check`: try the sensor before each vend. `motor_s`: longest wait for a result.
    """

    bus: ClassVar[str] = "tcn"

    board: int = 0
    drop_sensor: bool = True
    self_check: bool = True
    motor_s: int = 35

    def __post_init__(self) -> None:
        LineSettings.__post_init__(self)
        expect_range("board", self.board, low=0, high=15)
        expect_range("motor_s", self.motor_s, low=10, high=180)
        self.expect_numbers(low=1, high=0x63)


@dataclass(frozen=True, slots=True)
class Frame:
    """One good answer. `ok` False: `code` names a fault."""

    ok: bool
    code: int
    data: int


def request(board: int, command: int, parameter: int) -> bytes:
    """The bytes of a request."""
    pairs = ((byte, byte ^ 0xFF) for byte in (board, command, parameter))
    return bytes(byte for pair in pairs for byte in pair)


def _measure(held: bytes, asked: bytes) -> int:
    """An answer of the board that was asked; our own bytes, come back, go on with a complement."""
    if asked and held[0] != asked[0]:
        return NO_START
    if len(held) < 2:
        return MORE
    return LENGTH if held[1] in (_DONE, _FAULT) else NO_START


def _parse(raw: bytes) -> Frame | None:
    return Frame(raw[1] == _DONE, raw[2], raw[3]) if sum8(raw[:4]) == raw[4] else None


class Tcn(OnlyAnswers):
    """Implements `edge.drivers.talk.Bus`."""

    gap_ms = 100
    settle_ms = 2_000
    idle_ms = 5_000

    def __init__(self, settings: TcnSettings) -> None:
        self._settings: Final = settings
        # A repeated start turns again: none is ever repeated.
        can = Capabilities(
            bus="tcn",
            witness=Witness(recovery=Recovery.NONE, drop_sensor=settings.drop_sensor),
            repeat_is_harmless=False,
            seq_bits=8,
            start_s=START_S,
            motor_s=settings.motor_s + LATE_MS // 1000,
            keypad=False,
        )
        super().__init__(can, _measure, _parse)

    # ------------------------------------------------------------ scripts

    def identify(self) -> Talk[str | None]:
        """There is no name to ask for; each channel is asked whether it exists."""
        if not (yield from self.look()):
            return None
        for lane in self._settings.lanes:
            heard = yield self._ask(_EXISTS + lane - self._settings.lane_offset, OFF)
            if heard.frame is None:
                return None
            fault = "" if heard.frame.ok else "no_such_lane"
            yield Say(LaneReported(lane=lane, stock=None, capacity=None, fault=fault))
        return "TCN spring board"

    def look(self) -> Talk[bool]:
        """Temperature and door."""
        heard = yield self._ask(_TEMPERATURE, OFF)
        if heard.frame is None:
            return False
        probe = heard.frame.code
        heard = yield self._ask(_DOOR, OFF)
        door = heard.frame.code != 1 if heard.frame is not None and heard.frame.ok else None
        celsius = None if probe == _NO_PROBE else probe - 256 * (probe > 127)
        yield Say(ClimateReported(temperature_c=celsius, door_open=door))
        return True

    def check(self, lane: int) -> Talk[str]:
        """Whether the channel exists, and the drop sensor is well."""
        if lane not in self._settings.lanes:
            return "no_such_lane"
        heard = yield self._ask(_EXISTS + lane - self._settings.lane_offset, OFF)
        if heard.frame is None:
            return "no_answer"
        if not heard.frame.ok:
            return "no_such_lane"
        if not (self._settings.drop_sensor and self._settings.self_check):
            return ""
        heard = yield self._ask(_SELF_CHECK, ON, wait_ms=SELF_CHECK_MS)
        if heard.frame is None:
            return "no_answer"
        return "" if heard.frame.ok else "sensor_fault"

    def baseline(self, lane: int) -> Talk[Baseline | None]:
        """The board keeps nothing that could be compared; it must be there."""
        heard = yield self._ask(_EXISTS + lane - self._settings.lane_offset, OFF)
        return Baseline() if heard.frame is not None else None

    def vend(self, order: VendOrder) -> Talk[Outcome]:
        """One start; the next answer of this board is its result, unless it comes too soon to be."""
        heard = yield Ask(
            frame=request(
                self._settings.board,
                order.lane - self._settings.lane_offset,
                ON if self._settings.drop_sensor else OFF,
            ),
            wait_ms=EARLY_MS,
            answers=_is_fault,
            start_before_ms=order.start_before_ms,
        )
        if heard.withheld:
            return Withheld(why=heard.withheld)
        if heard.frame is None:
            heard = yield Ask(wait_ms=1000 * self._settings.motor_s)
        said: Frame | None = heard.frame
        if said is not None and said.data != _SEEN and self._settings.drop_sensor:
            heard = yield Ask(wait_ms=DOUBTED_MS, answers=_is_result)
            said = heard.frame or said
        if said is None:
            yield Pause(LATE_MS)  # an answer that comes later still would be taken for the next one's
            return self.judged(order, Evidence(answered=False))
        return self._concluded(order, said)

    def recover(self, order: VendOrder) -> Talk[Outcome]:
        """Hear a result that still comes; once the board answers something else, nothing will be known."""
        heard = yield Pause(0)
        until_ms = heard.now_ms + 1000 * self._settings.motor_s
        while heard.now_ms < until_ms:
            heard = yield self._ask(_DOOR, OFF)  # while a motor turns the board does not listen
            if heard.frame is not None and heard.frame.ok and heard.frame.data == _SEEN:
                words = _words(heard.frame)
                return self.judged(order, Evidence(repeated=Ending.DROPPED, words=words))
            if heard.frame is not None:
                return self.judged(order, Evidence())
        return self.judged(order, Evidence(answered=False))

    # ------------------------------------------------------------ helpers

    def _concluded(self, order: VendOrder, frame: Frame) -> Outcome:
        words = _words(frame)
        seen = self._settings.drop_sensor and frame.data == _SEEN
        if seen or (frame.ok and not self._settings.drop_sensor):
            ending = Ending.DROPPED if seen else Ending.RAN
            return self.judged(order, Evidence(repeated=ending, words=words))
        if frame.ok:
            return failed("motor_timeout" if frame.data == _SHORT_TURN else "no_drop", words)
        why = fault_name(frame.code)
        stood = why in _NOT_MOVED and frame.code != _BLOCKED
        return rejected(why, words) if stood else failed(why, words)

    def _ask(self, command: int, parameter: int, *, wait_ms: int = REPLY_MS) -> Ask:
        return Ask(frame=request(self._settings.board, command, parameter), wait_ms=wait_ms)


def fault_name(code: int) -> str:
    """A fault's name. Bits 7-4 are the motor's, bits 3-0 the drop sensor's."""
    if code in _CODES:
        return _CODES[code]
    if code >> 4 in _MOTORS:
        return _MOTORS[code >> 4]
    return "sensor_fault" if code in (1, 2, 3) else f"code_{code:02x}"


def _is_fault(frame: Frame) -> bool:
    return not frame.ok


def _is_result(frame: Frame) -> bool:
    return frame.ok and frame.data in (_SEEN, _SHORT_TURN, _NO_VIBRATION)


def _words(frame: Frame) -> str:
    return f"{'5D' if frame.ok else '5C'} {frame.code:02X} {frame.data:02X}"
