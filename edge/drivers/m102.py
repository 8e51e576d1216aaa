"""M102, M109E and MP2404 motor boards: twenty bytes either way, and the state of the last run until the next.

The state bears no number, so after a restart it is ours only where the board showed another motor, or none,
before the order. Factory firmware adds unsent digits to its check sum (motor board protocols, section 4).
"""

import enum
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from edge.core.judge import Ending, Evidence, Recovery, Witness
from edge.core.model import Baseline, Outcome, Uncertain, VendOrder, Withheld
from edge.drivers.checks import crc16_modbus
from edge.drivers.evidence import failed, rejected
from edge.drivers.limits import LineSettings, expect_range
from edge.drivers.stream import NO_START
from edge.drivers.talk import Ask, Heard, OnlyAnswers, Pause, Say, Talk
from edge.ports import Capabilities, ClimateReported, LaneReported, VendProgress

LENGTH: Final = 20
REPLY_MS: Final = 800
SCAN_MS: Final = 300
POLL_MS: Final = 500
START_S: Final = 2
SALT: Final = b"18633695826"
_IDENTITY, _POLL, _SCAN, _RUN, _CLIMATE = 0x01, 0x03, 0x04, 0x05, 0x07
_IDLE, _RUNNING, _DONE = 0, 1, 2
_NO_PROBE_C: Final = -52
_AT_REST: Final = -1  # as a baseline: no motor has run since the board started
SCANNED: Final = {0xAA: "", 0xBB: "motor_absent", 0xCC: "over_current"}
REFUSALS: Final = {1: "no_such_lane", 2: "busy"}
_OPEN, _SENSOR = 2, 4
FAULTS: Final = {
    1: "over_current",
    _OPEN: "motor_absent",
    3: "motor_timeout",
    _SENSOR: "sensor_fault",
    5: "lock_not_open",
    10: "motor_timeout",
}


class Check(enum.StrEnum):
    """Which check sum the board's firmware wants; the other kind is ignored without a word."""

    PLAIN = "plain"
    SALTED = "salted"


class Motor(enum.IntEnum):
    """What a lane is driven by."""

    LOCK = 0
    TWO_WIRE = 2
    THREE_WIRE = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class M102Settings(LineSettings):
    """One board. `address` 1..8; `motor_wires` 0 lock, 2 or 3 wires; `drop_sensor`: a curtain is fitted."""

    bus: ClassVar[str] = "m102"

    address: int = 1
    check: Check = Check.PLAIN
    motor_wires: int = 2
    drop_sensor: bool = True
    motor_s: int = 20

    def __post_init__(self) -> None:
        LineSettings.__post_init__(self)
        expect_range("address", self.address, low=1, high=8)
        expect_range("motor_s", self.motor_s, low=2, high=120)
        if self.motor_wires not in [*Motor]:
            raise ValueError(f"motor_wires: found {self.motor_wires}; allowed is 0, 2 or 3")
        self.expect_numbers(low=0, high=0xFF)


@dataclass(frozen=True, slots=True)
class Frame:
    """One good answer: the operation and its sixteen bytes."""

    operation: int
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """The answer to a poll. `curtain_ms`: how long the curtain was broken, 0: nothing seen."""

    state: int
    motor: int
    result: int
    peak_ma: int
    time: int
    curtain_ms: int

    @classmethod
    def of(cls, data: bytes) -> "Status":
        """From sixteen bytes. What unit `time` has is disputed: it is kept as it came."""
        return cls(
            state=data[0],
            motor=data[1],
            result=data[2],
            peak_ma=int.from_bytes(data[3:5], "big"),
            time=int.from_bytes(data[7:9], "big"),
            curtain_ms=data[9],
        )


def crc(body: bytes, check: Check) -> bytes:
    """Two bytes; the salted kind goes on over digits that are not sent."""
    return crc16_modbus(body + (SALT if check is Check.SALTED else b""))


def request(address: int, operation: int, data: bytes = b"", *, check: Check = Check.PLAIN) -> bytes:
    """The bytes of a request."""
    body = (bytes((address, operation)) + data).ljust(LENGTH - 2, b"\0")
    return body + crc(body, check)


def _measure(held: bytes, asked: bytes) -> int:
    return LENGTH if held[:1] == asked[:1] else NO_START


def _parse(raw: bytes) -> Frame | None:
    """Whether an answer bears the same kind of check is not confirmed: either is good."""
    body, told = raw[:-2], raw[-2:]
    return Frame(raw[1], raw[2:-2]) if told in (crc(body, Check.PLAIN), crc(body, Check.SALTED)) else None


class M102(OnlyAnswers):
    """Implements `edge.drivers.talk.Bus`."""

    gap_ms = 100
    settle_ms = 1_000
    idle_ms = 900  # the adapter and some boards go to sleep after a few seconds of silence

    def __init__(self, settings: M102Settings) -> None:
        self._settings: Final = settings
        # A start while one runs is refused, afterwards it is not: none is ever repeated.
        can = Capabilities(
            bus="m102",
            witness=Witness(recovery=Recovery.RUN_STATE, drop_sensor=settings.drop_sensor),
            repeat_is_harmless=False,
            seq_bits=8,
            start_s=START_S,
            motor_s=settings.motor_s,
            keypad=False,
        )
        super().__init__(can, _measure, _parse)

    def alike(self, frame: bytes) -> bool:
        """A board at rest says nothing but zeros, as it was asked."""
        return frame[1] in (_POLL, _CLIMATE)

    # ------------------------------------------------------------ scripts

    def identify(self) -> Talk[str | None]:
        """Name, state, and each lane's wiring without a turn."""
        heard = yield self._ask(_IDENTITY)
        if heard.frame is None:
            return None
        identity = heard.frame.data[:12].decode("ascii", "replace").strip("\0 ")
        status = yield from self._poll()
        if status is None or status.state == _RUNNING:
            return None
        for lane in self._settings.lanes:
            fault = yield from self.check(lane)
            yield Say(LaneReported(lane=lane, stock=None, capacity=None, fault=fault))
        return f"M102 {identity}"

    def look(self) -> Talk[bool]:
        """Temperature, and whether it is there."""
        heard = yield self._ask(_CLIMATE)
        if heard.frame is None:
            return False
        celsius = (int.from_bytes(heard.frame.data[:2], "big", signed=True) - 20) // 10
        known = None if celsius <= _NO_PROBE_C else celsius
        yield Say(ClimateReported(temperature_c=known, door_open=None))
        return True

    def check(self, lane: int) -> Talk[str]:
        """Scan one motor; it does not turn."""
        if lane not in self._settings.lanes:
            return "no_such_lane"
        heard = yield self._ask(_SCAN, bytes((self._motor(lane),)), wait_ms=SCAN_MS)
        if heard.frame is None:
            return "no_answer"
        return SCANNED.get(heard.frame.data[0], f"code_{heard.frame.data[0]:02x}")

    def baseline(self, lane: int) -> Talk[Baseline | None]:
        """Whose run the board shows now, as `count`: a run of another lane's later is not that one."""
        status = yield from self._poll()
        if status is None or status.state == _RUNNING:
            return None
        return Baseline(count=status.motor if status.state == _DONE else _AT_REST)

    def vend(self, order: VendOrder) -> Talk[Outcome]:
        """One start, then polls. Where the start's answer is lost, only what then turns can be ours."""
        settings, motor = self._settings, self._motor(order.lane)
        data = bytes((motor, settings.motor_wires, settings.drop_sensor))
        heard = yield self._ask(_RUN, data, start_before_ms=order.start_before_ms)
        if heard.withheld:
            return Withheld(why=heard.withheld)
        if heard.frame is None:
            return (yield from self._watch(order, heard, ours=False))
        if heard.frame.data[0]:
            why = REFUSALS.get(heard.frame.data[0], "refused")
            return rejected(why, f"motor {motor}: run answered {heard.frame.data[0]:02X}")
        yield Say(VendProgress(sale_id=order.sale_id, step="dispensing"))
        return (yield from self._watch(order, heard, ours=True))

    def recover(self, order: VendOrder) -> Talk[Outcome]:
        """What the board shows, once nothing turns any more."""
        heard = yield Pause(0)
        return (yield from self._watch(order, heard, ours=False))

    # ------------------------------------------------------------ helpers

    def _watch(self, order: VendOrder, heard: Heard, *, ours: bool) -> Talk[Outcome]:
        """Poll until the run is over. `ours`: the board has taken our start; seeing it turn says so, too."""
        motor = self._motor(order.lane)
        until_ms = heard.now_ms + 1000 * self._settings.motor_s
        ours = ours or order.baseline.count not in (None, motor)
        status: Status | None = None
        while heard.now_ms < until_ms:
            heard = yield self._ask(_POLL)
            status = Status.of(heard.frame.data) if heard.frame is not None else None
            if status is not None and status.state != _RUNNING:
                return self._concluded(order, status, ours=ours and status.motor == motor)
            ours = ours or (status is not None and status.motor == motor)
            heard = yield Pause(POLL_MS)
        return self.judged(
            order,
            Evidence(answered=status is not None, running=status is not None),
        )

    def _concluded(self, order: VendOrder, status: Status, *, ours: bool) -> Outcome:
        words = _words(status)
        if status.state != _DONE or not ours:
            return self.judged(order, Evidence(words=words))
        if status.result and status.curtain_ms and self._settings.drop_sensor:
            return Uncertain(why="contradictory", evidence=words)  # a fault, and yet the curtain saw a piece
        if status.result in (_OPEN, _SENSOR):
            return rejected(FAULTS[status.result], words)
        if status.result:
            return failed(FAULTS.get(status.result, f"code_{status.result:02x}"), words)
        seen = status.curtain_ms > 0 or not self._settings.drop_sensor
        ending = Ending.DROPPED if seen else Ending.RAN
        return self.judged(order, Evidence(repeated=ending, words=words))

    def _motor(self, lane: int) -> int:
        return lane - self._settings.lane_offset

    def _poll(self) -> Talk[Status | None]:
        heard = yield self._ask(_POLL)
        return Status.of(heard.frame.data) if heard.frame is not None else None

    def _ask(
        self,
        operation: int,
        data: bytes = b"",
        *,
        wait_ms: int = REPLY_MS,
        start_before_ms: int | None = None,
    ) -> Ask:
        return Ask(
            frame=request(self._settings.address, operation, data, check=self._settings.check),
            wait_ms=wait_ms,
            answers=_of(operation),
            start_before_ms=start_before_ms,
        )


def _of(operation: int) -> Callable[[Any], bool]:
    return lambda frame: frame.operation == operation


def _words(status: Status) -> str:
    """The poll's answer as evidence for a person."""
    state = {_IDLE: "idle", _RUNNING: "running", _DONE: "done"}.get(status.state, f"state {status.state}")
    fault = f"result {status.result} {FAULTS.get(status.result, '')}".strip() if status.result else "ok"
    return f"motor {status.motor}: {state}, {fault}, curtain {status.curtain_ms} ms, peak {status.peak_ma} mA"
