"""ADH814 motor boards (RS-485 or RS-232): one start, then polls, and a result that stays until it is cleared.

The board refuses a start while a result is latched, so no frame can turn a motor twice; what a latched result
says after a restart is the run that was interrupted. Frames carry neither a length nor a number: an answer's
length follows from the command (ADH814 notes, section 3 of the motor board protocols).
"""

from dataclasses import dataclass
from typing import ClassVar, Final

from edge.core.judge import Ending, Evidence, Record, Recovery, Witness
from edge.core.model import Baseline, Outcome, Uncertain, VendOrder, Withheld
from edge.drivers.checks import crc16_modbus
from edge.drivers.evidence import failed, rejected
from edge.drivers.limits import LineSettings, expect_range
from edge.drivers.stream import MORE, NO_START
from edge.drivers.talk import Ask, Heard, OnlyAnswers, Pause, Say, Talk
from edge.ports import Capabilities, ClimateReported, LaneReported, VendProgress

REPLY_MS: Final = 500
POLL_MS: Final = 300
START_S: Final = 2
_IDENTIFY, _POLL, _RUN, _CLEAR = 0xA1, 0xA3, 0xA5, 0xA6
# Command to the length of its answer, address and check included.
_LENGTHS: Final = {
    0xA1: 20,
    0xA2: 22,
    0xA3: 13,
    0xA4: 7,
    0xA5: 5,
    0xB5: 5,
    0xA6: 4,
    0x21: 5,
    0x34: 5,
    0x35: 5,
}
_IDLE, _RUNNING, _FINISHED = 0, 1, 2
_STARTED: Final = 0
REFUSALS: Final = {1: "no_such_lane", 2: "refused", 3: "result_pending"}
_NO_DROP: Final = 0b100
FAULTS: Final = {1: "over_current", 2: "motor_absent", 3: "motor_timeout"}
_OPEN: Final = 2
_PROBE_FAULTS: Final = (-40, 120)


@dataclass(frozen=True, slots=True, kw_only=True)
class Adh814Settings(LineSettings):
    """One board. `address` 1..4; `drop_sensor`: one is fitted; `motor_s`: longest run that is waited for."""

    bus: ClassVar[str] = "adh814"

    baud: int = 38_400
    address: int = 1
    drop_sensor: bool = True
    motor_s: int = 30

    def __post_init__(self) -> None:
        LineSettings.__post_init__(self)
        expect_range("address", self.address, low=1, high=4)
        expect_range("motor_s", self.motor_s, low=2, high=120)
        self.expect_numbers(low=0, high=0xFE)


@dataclass(frozen=True, slots=True)
class Frame:
    """One good answer: the command it answers and its data."""

    command: int
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """The answer to a poll. Currents in mA, `tenths` of a second; `temperature_c` None without a probe."""

    state: int
    motor: int
    fault: int
    seen: bool
    peak_ma: int
    average_ma: int
    tenths: int
    temperature_c: int | None

    @classmethod
    def of(cls, data: bytes) -> "Status":
        """Nine bytes."""
        celsius = int.from_bytes(data[8:9], "big", signed=True)
        return cls(
            state=data[0],
            motor=data[1],
            fault=data[2] & 0b11,
            seen=not data[2] & _NO_DROP,
            peak_ma=int.from_bytes(data[3:5], "big"),
            average_ma=int.from_bytes(data[5:7], "big"),
            tenths=data[7],
            temperature_c=None if celsius in _PROBE_FAULTS else celsius,
        )


def request(address: int, command: int, data: bytes = b"") -> bytes:
    """The bytes of a command."""
    body = bytes((address, command)) + data
    return body + crc16_modbus(body)


def _measure(held: bytes, asked: bytes) -> int:
    if len(held) < 2 or len(asked) < 2:
        return MORE if asked else NO_START
    sender = asked[0] if asked[1] == _IDENTIFY else 0
    return _LENGTHS[asked[1]] if held[0] == sender and held[1] == asked[1] else NO_START


def _parse(raw: bytes) -> Frame | None:
    return Frame(raw[1], raw[2:-2]) if crc16_modbus(raw[:-2]) == raw[-2:] else None


class Adh814(OnlyAnswers):
    """Implements `edge.drivers.talk.Bus`."""

    gap_ms = 20
    settle_ms = 1_000
    idle_ms = 2_000

    def __init__(self, settings: Adh814Settings) -> None:
        self._settings: Final = settings
        # A second start is refused while a result is latched, so a repeat is harmless.
        can = Capabilities(
            bus="adh814",
            witness=Witness(recovery=Recovery.LATCHED, drop_sensor=settings.drop_sensor),
            repeat_is_harmless=True,
            seq_bits=8,
            start_s=START_S,
            motor_s=settings.motor_s,
            keypad=False,
        )
        super().__init__(can, _measure, _parse)

    # ------------------------------------------------------------ scripts

    def identify(self) -> Talk[str | None]:
        """Name and lanes. A latched result is left alone: it may be an interrupted vend's."""
        heard = yield self._ask(_IDENTIFY)
        if heard.frame is None:
            return None
        identity: str = heard.frame.data.decode("ascii", "replace").strip("\0 ")
        status = yield from self._poll()
        if status is None or status.state == _RUNNING:
            return None
        yield Say(_climate(status))
        for lane in self._settings.lanes:
            yield Say(LaneReported(lane=lane, stock=None, capacity=None))
        return identity

    def look(self) -> Talk[bool]:
        """Temperature, and whether it is there."""
        status = yield from self._poll()
        if status is None:
            return False
        yield Say(_climate(status))
        return True

    def check(self, lane: int) -> Talk[str]:
        """It cannot say more than that it is there, and idle."""
        if lane not in self._settings.lanes:
            return "no_such_lane"
        status = yield from self._poll()
        if status is None:
            return "no_answer"
        return "busy" if status.state == _RUNNING else ""

    def baseline(self, lane: int) -> Talk[Baseline | None]:
        """A clear latch: what is latched from now on is the intent's. What was there is in the journal."""
        status = yield from self._poll()
        if status is not None and status.state == _FINISHED:
            yield self._ask(_CLEAR)
            status = yield from self._poll()
        return Baseline() if status is not None and status.state == _IDLE else None

    def vend(self, order: VendOrder) -> Talk[Outcome]:
        """One start, then polls. A start without an answer is asked about, never repeated."""
        motor = order.lane - self._settings.lane_offset
        heard = yield self._ask(_RUN, bytes((motor,)), start_before_ms=order.start_before_ms)
        if heard.withheld:
            return Withheld(why=heard.withheld)
        if heard.frame is not None and heard.frame.data[0] != _STARTED:
            why = REFUSALS.get(heard.frame.data[0], "refused")
            return rejected(why, f"motor {motor}: A5 answered {heard.frame.data[0]:02X}")
        if heard.frame is not None:
            yield Say(VendProgress(sale_id=order.sale_id, step="dispensing"))
        return (yield from self._watch(order, heard))

    def recover(self, order: VendOrder) -> Talk[Outcome]:
        """What is latched, once nothing turns any more."""
        heard = yield Pause(0)
        return (yield from self._watch(order, heard))

    # ------------------------------------------------------------ helpers

    def _watch(self, order: VendOrder, heard: Heard) -> Talk[Outcome]:
        """Poll until the run is over. Idle: the board restarted and lost its latch, or it never began."""
        until_ms = heard.now_ms + 1000 * self._settings.motor_s
        status: Status | None = None
        while heard.now_ms < until_ms:
            heard = yield self._ask(_POLL)
            status = Status.of(heard.frame.data) if heard.frame is not None else None
            if status is not None and status.state != _RUNNING:
                return self._concluded(order, status)
            heard = yield Pause(POLL_MS)
        return self.judged(
            order,
            Evidence(answered=status is not None, running=status is not None),
        )

    def _concluded(self, order: VendOrder, status: Status) -> Outcome:
        words = _words(status)
        if status.state != _FINISHED:
            return self.judged(order, Evidence(words=words))
        ours = status.motor == order.lane - self._settings.lane_offset
        if ours and status.fault == _OPEN:
            return rejected(FAULTS[_OPEN], words)
        if ours and status.fault and status.seen and self._settings.drop_sensor:
            return Uncertain(why="contradictory", evidence=words)  # a fault, and yet the beam saw a piece
        if ours and status.fault:
            return failed(FAULTS[status.fault], words)
        record = Record(seq=order.seq if ours else -1, ending=_ending(status))
        return self.judged(order, Evidence(records=(record,), words=words))

    def _poll(self) -> Talk[Status | None]:
        heard = yield self._ask(_POLL)
        return Status.of(heard.frame.data) if heard.frame is not None else None

    def _ask(self, command: int, data: bytes = b"", *, start_before_ms: int | None = None) -> Ask:
        return Ask(
            frame=request(self._settings.address, command, data),
            wait_ms=REPLY_MS,
            start_before_ms=start_before_ms,
        )


def _ending(status: Status) -> Ending:
    if status.fault:  # of another motor's run
        return Ending.MOTOR_FAULT
    return Ending.DROPPED if status.seen else Ending.RAN


def _climate(status: Status) -> ClimateReported:
    return ClimateReported(temperature_c=status.temperature_c, door_open=None)


def _words(status: Status) -> str:
    """The poll's answer as evidence for a person."""
    state = {_IDLE: "idle", _FINISHED: "finished"}.get(status.state, f"state {status.state:02X}")
    fault = f"fault {status.fault} {FAULTS[status.fault]}" if status.fault else "no fault"
    fell = "a piece seen" if status.seen else "nothing seen"
    return f"motor {status.motor}: {state}, {fault}, {fell}, {status.peak_ma} mA, {status.tenths / 10} s"
