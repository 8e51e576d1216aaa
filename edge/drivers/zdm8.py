"""ZDM8 matrix boards on Modbus RTU: springs, belts, locks, with or without a lift.

Reading a result puts the board back to idle, so a result can be read once only. Nothing but a vend and its
recovery reads it (Modbus board protocols, part A).
"""

from dataclasses import dataclass
from typing import ClassVar, Final

from edge.core.judge import Ending, Evidence, Record, Recovery, Witness
from edge.core.model import Baseline, Outcome, Uncertain, VendOrder, Withheld
from edge.drivers import modbus
from edge.drivers.evidence import failed, rejected
from edge.drivers.limits import LineSettings, expect_range
from edge.drivers.modbus import READ, WRITE, WRITE_ONE
from edge.drivers.talk import Ask, Heard, OnlyAnswers, Pause, Say, Talk
from edge.ports import Capabilities, ClimateReported, LaneReported, VendProgress

REPLY_MS: Final = 500
POLL_MS: Final = 300
START_S: Final = 2
_VERSION, _STATUS, _CLIMATE, _DOOR, _SENSOR = 0x0001, 0x0003, 0x0004, 0x0005, 0x0008
_LENGTHS: Final = {_VERSION: 4, _CLIMATE: 4}
_COUNTS: Final = frozenset({2, 4})
_SHIP: Final = 0x2001
_IDLE, _BUSY, _GOOD, _BAD = 0, 1, 2, 3
_SLOW: Final = 0x08  # exception: accepted, and takes its time
EXCEPTIONS: Final = {1: "refused", 2: "refused", 3: "refused", 4: "refused", 6: "busy", 7: "refused"}
_NO_DROP: Final = 0x06
_NO_ANSWER: Final = 0x08  # of the board behind this one: what it did is not known
NOT_MOVED: Final = {
    0x01: "no_such_lane",
    0x02: "motor_absent",
    0x05: "sensor_fault",
    0x07: "lane_type",
    0x12: "product_in_elevator",
}
MOVED: Final = {
    0x03: "over_current",
    0x04: "motor_timeout",
    0x10: "elevator_fault",
    0x11: "elevator_fault",
    0x13: "elevator_fault",
    0x14: "elevator_fault",
    0x15: "delivery_door_open",
    0x16: "delivery_door_open",
    **dict.fromkeys(range(0x17, 0x1D), "elevator_fault"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Zdm8Settings(LineSettings):
    """One board. Lane 23 is row 2, column 3: the board counts both from 0, hence `lane_offset` 11.

    `lane_type`: 1 spring, 2 lock, 3 belt, 4 motor by time. `drop_sensor` and `lift` must be fitted.
    """

    bus: ClassVar[str] = "zdm8"

    lane_offset: int = 11
    address: int = 1
    lane_type: int = 1
    drop_sensor: bool = True
    lift: bool = False
    motor_s: int = 60

    def __post_init__(self) -> None:
        LineSettings.__post_init__(self)
        expect_range("address", self.address, low=1, high=247)
        expect_range("lane_type", self.lane_type, low=1, high=4)
        expect_range("motor_s", self.motor_s, low=5, high=300)
        self.expect_numbers(low=0, high=99)


def read(address: int, register: int, words: int) -> bytes:
    """Ask for a register. The register chooses a command: words asked for and sent need not agree."""
    return modbus.request(address, READ, modbus.words(register, words))


class Zdm8(OnlyAnswers):
    """Implements `edge.drivers.talk.Bus`."""

    gap_ms = 20
    settle_ms = 1_000
    idle_ms = 3_000

    def __init__(self, settings: Zdm8Settings) -> None:
        self._settings: Final = settings
        # A start is refused while the board is busy, afterwards it is not: none is ever repeated.
        can = Capabilities(
            bus="zdm8",
            witness=Witness(recovery=Recovery.READ_ONCE, drop_sensor=settings.drop_sensor),
            repeat_is_harmless=False,
            seq_bits=8,
            start_s=START_S,
            motor_s=settings.motor_s,
            keypad=False,
        )
        super().__init__(can, modbus.measure(_COUNTS), modbus.parse)

    def alike(self, frame: bytes) -> bool:
        """A register that is set is answered for with the bytes that set it."""
        return frame[1] == WRITE_ONE

    # ------------------------------------------------------------ scripts

    def identify(self) -> Talk[str | None]:
        """Version and lanes. The run status is not read: a result in it may be an interrupted vend's."""
        heard = yield self._read(_VERSION, 2)
        if heard.frame is None or heard.frame.exception:
            return None
        year, month, layers, columns = heard.frame.data[:4]
        yield from self.look()
        for lane in self._settings.lanes:
            yield Say(LaneReported(lane=lane, stock=None, capacity=None))
        return f"ZDM8 20{year:02x}-{month:02x}, {layers} x {columns}"

    def look(self) -> Talk[bool]:
        """Temperature and door."""
        heard = yield self._read(_CLIMATE, 2)
        if heard.frame is None or heard.frame.exception:
            return False
        celsius = int.from_bytes(heard.frame.data[:2], "big", signed=True) // 10
        heard = yield self._read(_DOOR, 1)
        door = heard.frame.data if heard.frame is not None else b""
        yield Say(ClimateReported(temperature_c=celsius, door_open=door[1] == 0 if len(door) > 1 else None))
        return True

    def check(self, lane: int) -> Talk[str]:
        """With a drop sensor it must be there and clear, or the board would refuse."""
        if lane not in self._settings.lanes:
            return "no_such_lane"
        heard = yield self._read(_SENSOR, 1)
        if heard.frame is None:
            return "no_answer"
        clear = heard.frame.data[-1:] == b"\x01"
        return "" if clear or not self._settings.drop_sensor else "sensor_fault"

    def baseline(self, lane: int) -> Talk[Baseline | None]:
        """Idle, with no result left: what is read after the intent is the intent's."""
        for _ in range(2):
            status = yield from self._status()
            if status is not None and status[0] == _IDLE:
                return Baseline()
        return None

    def vend(self, order: VendOrder) -> Talk[Outcome]:
        """One start, then the status until it says more than busy. Its echo is no delivery."""
        settings, lane = self._settings, order.lane - self._settings.lane_offset
        wishes = bytes((lane, settings.lane_type, settings.drop_sensor, settings.lift))
        heard = yield Ask(
            frame=modbus.request(settings.address, WRITE, modbus.words(_SHIP, 2) + b"\x04" + wishes),
            wait_ms=REPLY_MS,
            answers=modbus.answers(WRITE, lambda _: True),
            start_before_ms=order.start_before_ms,
        )
        if heard.withheld:
            return Withheld(why=heard.withheld)
        if heard.frame is not None and heard.frame.exception not in (0, _SLOW):
            code = heard.frame.exception
            return rejected(EXCEPTIONS.get(code, "refused"), f"exception {code:02X}")
        if heard.frame is not None:
            yield Say(VendProgress(sale_id=order.sale_id, step="dispensing"))
        return (yield from self._watch(order, heard))

    def recover(self, order: VendOrder) -> Talk[Outcome]:
        """Read the status: a result that is still there is the interrupted vend's, for baseline was idle."""
        heard = yield Pause(0)
        return (yield from self._watch(order, heard))

    # ------------------------------------------------------------ helpers

    def _watch(self, order: VendOrder, heard: Heard) -> Talk[Outcome]:
        """Read the status until the run is over. A lost answer may have been the only result there was."""
        until_ms = heard.now_ms + 1000 * self._settings.motor_s
        status: bytes | None = None
        while heard.now_ms < until_ms:
            status = yield from self._status()
            if status is not None and status[0] != _BUSY:
                return self._concluded(order, state=status[0], error=status[1])
            heard = yield Pause(POLL_MS)
        return self.judged(
            order,
            Evidence(answered=status is not None, running=status is not None),
        )

    def _concluded(self, order: VendOrder, *, state: int, error: int) -> Outcome:
        words = f"state {state}, error {error:02X}"
        if state not in (_GOOD, _BAD):
            return self.judged(order, Evidence(words=words))
        if state == _BAD and error == _NO_ANSWER:
            return Uncertain(why="no_answer", evidence=words)
        if state == _BAD and error != _NO_DROP:
            if error in NOT_MOVED:
                return rejected(NOT_MOVED[error], words)
            return failed(MOVED.get(error, f"code_{error:02x}"), words)
        seen = state == _GOOD and self._settings.drop_sensor
        record = Record(seq=order.seq, ending=Ending.DROPPED if seen else Ending.RAN)
        return self.judged(order, Evidence(records=(record,), words=words))

    def _status(self) -> Talk[bytes | None]:
        heard = yield self._read(_STATUS, 1)
        if heard.frame is None or heard.frame.exception:
            return None
        data: bytes = heard.frame.data
        return data

    def _read(self, register: int, words: int) -> Ask:
        return Ask(
            frame=read(self._settings.address, register, words),
            wait_ms=REPLY_MS,
            answers=modbus.answers(READ, lambda data: len(data) == _LENGTHS.get(register, 2)),
        )
