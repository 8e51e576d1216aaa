"""An XY machine's board as a state machine in injected time: it opens every exchange, the host closes it.

Bytes go in with `hear`, time with `tick`; both give back what the board writes. All times are milliseconds
of one clock. Sources: XY protocol V3.0, V3.2.11 and V3.2.131, sections 1 to 5.
"""

import random
from collections import deque
from dataclasses import dataclass
from typing import Final

from hw_sim.boards.board import Event, Faults
from hw_sim.boards.mechanics import Cabinet, Lane, Turn
from hw_sim.boards.xy_codec import ACK, POLL, Frame, Reader, frame, words
from hw_sim.boards.xy_faults import FAULTS
from hw_sim.boards.xy_further import Further
from hw_sim.boards.xy_lift import after_the_motor
from hw_sim.boards.xy_menu import Menu

ANSWER_MS: Final = 100  # the host must have begun to answer a POLL within this time
SENDINGS: Final = 5  # of one report, before it is given up
_SUCCESS, _NOTHING_FELL, _NO_STOP, _NO_MOTOR, _SENSOR = 0x02, 0x03, 0x04, 0x06, 0x0A


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardSettings:
    """Milliseconds: `poll_ms` between turns, `report_ms` before a waiting report, `turn_ms` of a motor.

    `late_ms` is how late `late_result` makes a result; with `counts_stock` the board reports a lane's stock
    after each run, and with `menu` it answers what its service menu keeps. `traced`: each frame is an event.
    `lift`: an elevator is fitted; `microwave`: it carries a meal into one.
    """

    poll_ms: int = 200
    report_ms: float = 20
    turn_ms: int = 1200
    late_ms: int = 8000
    counts_stock: bool = True
    menu: bool = False
    lift: bool = False
    microwave: bool = False
    traced: bool = True
    seed: int = 0


@dataclass(slots=True)
class _Run:
    """A motor that turns."""

    lane: Lane
    turn: Turn
    sensor: bool
    falls_ms: float
    ends_ms: float


class XyBoard:
    """One board with its cabinet. Deterministic: the only chance is `settings.seed`."""

    def __init__(self, cabinet: Cabinet, settings: BoardSettings | None = None) -> None:
        self.cabinet: Final = cabinet
        self.faults: Final = Faults(FAULTS)
        self.events: Final[list[Event]] = []
        self.powered = True
        self.in_lift = False  # a product that did not come out of the elevator
        self._menu: Final = Menu(cabinet, self.faults)
        self._further: Final = Further(cabinet)
        self._settings: Final = settings or BoardSettings()
        self._random: Final = random.Random(self._settings.seed)
        self._begin(0)

    def _begin(self, now_ms: float) -> None:
        """As after power-on: nothing is remembered but what lies on the spirals."""
        self._reader = Reader()
        self._poll_ms = self._settings.poll_ms
        self._reports: deque[tuple[int, bytes]] = deque([(0x31, b"")])
        self._pack = 1
        self._host_pack: tuple[int, int] = (0, 0)
        self._sendings = 0
        self._open_ms: float | None = None  # since when an answer of the host is awaited
        self._report_out = False
        self._next_ms: float = now_ms
        self._run: _Run | None = None
        self._carry = b""

    # ------------------------------------------------------------ what people and tests do

    def key(self, lane: int) -> None:
        """A shopper keys a selection; 0 cancels."""
        self._report(0x05, lane.to_bytes(2, "big"))

    def fill(self, lane: int, pieces: int) -> None:
        """A lane is refilled or emptied, and reported."""
        self.cabinet.lanes[lane].stock = pieces
        self._report_lane(self.cabinet.lanes[lane])

    def pause(self, lane: int, paused: bool) -> None:
        """A lane is taken out of sale at the board."""
        self.cabinet.lanes[lane].paused = paused
        self._report_lane(self.cabinet.lanes[lane])

    def fill_all(self) -> None:
        """The key at the board: every lane is full (17), and each is reported."""
        self._report(0x17, b"")
        for lane in self.cabinet.lanes.values():
            self.fill(lane.number, lane.capacity)

    def tell(self, command: int, text: bytes) -> None:
        """The board says something by itself, such as an elevator that checks itself (67)."""
        self._report(command, text)

    def power(self, on: bool, now_ms: float) -> None:
        """Cut or restore the power. A motor that turns stops where it is."""
        if on and not self.powered:
            self._begin(now_ms)
        self.powered = on
        self._run = None if not on else self._run
        self._tell("power", now_ms, on=on)

    def restart(self, now_ms: float) -> None:
        """Power gone for a blink."""
        self.power(False, now_ms)
        self.power(True, now_ms)

    # ------------------------------------------------------------ time

    @property
    def resting(self) -> bool:
        """Whether it only gives the host the turn: nothing to tell, nothing that moves."""
        return self._open_ms is None and self._run is None and not self._reports

    @property
    def next_ms(self) -> float:
        """When `tick` has something to do."""
        times = [self._next_ms]
        if self._open_ms is not None:
            times = [self._open_ms + ANSWER_MS]
        if self._run is not None:
            times.append(self._run.ends_ms if not self._run.turn.falls else self._run.falls_ms)
        return min(times)

    def tick(self, now_ms: float) -> list[bytes]:
        """Do what is due; the pieces of bytes to write, in order."""
        if not self.powered:
            self._next_ms = now_ms + self._poll_ms
            return []
        self._turn_on(now_ms)
        if self._open_ms is not None and now_ms - self._open_ms >= ANSWER_MS:
            self._unanswered(now_ms)
        if self._open_ms is None and now_ms >= self._next_ms:
            return self._speak(now_ms)
        return []

    def _speak(self, now_ms: float) -> list[bytes]:
        """Open an exchange: a report when one waits, else give the host the turn."""
        if self.faults.on("silent"):
            self.faults.strikes("silent")
            self._next_ms = now_ms + self._poll_ms
            return []
        self._open_ms = now_ms
        self._report_out = bool(self._reports)
        raw = POLL
        if self._reports:
            command, text = self._reports[0]
            raw = frame(command, self._pack, text)
            self._sendings += 1
        return self._write(raw, now_ms)

    def _unanswered(self, now_ms: float) -> None:
        self._open_ms = None
        self._next_ms = now_ms + self._poll_ms - ANSWER_MS
        if self._report_out and self._sendings >= SENDINGS:
            self._finish_report()

    # ------------------------------------------------------------ what the host says

    def hear(self, data: bytes, now_ms: float) -> list[bytes]:
        """Take bytes from the host; the pieces of bytes to write, in order."""
        if not self.powered or self.faults.on("silent"):
            return []
        written: list[bytes] = []
        for heard, raw in self._reader.take(data):
            self._trace(raw, now_ms, "to_board")
            written += self._heard(heard, now_ms)
        return written

    def _heard(self, heard: Frame, now_ms: float) -> list[bytes]:
        if self._open_ms is None or now_ms - self._open_ms > ANSWER_MS:
            return []  # out of turn: as if it had not been said
        if heard.command == 0x42:
            return self._acknowledged(now_ms)
        if self._report_out:
            return []  # a report is answered by an acknowledgement and nothing else
        self._open_ms = None
        self._next_ms = now_ms + self._settings.report_ms
        known, self._host_pack = self._host_pack, (heard.command, heard.pack)
        if known != self._host_pack or self.faults.on("run_duplicates"):
            self._obey(heard, now_ms)
        if self.faults.strikes("lose_command_ack"):
            return []
        if self._reports and self.faults.strikes("merge"):
            self._carry = self._trace(ACK, now_ms, "to_host")
            return self._speak(now_ms)
        return self._write(ACK, now_ms)

    def _acknowledged(self, now_ms: float) -> list[bytes]:
        if self._report_out and self.faults.strikes("lose_host_ack"):
            return []
        self._open_ms = None
        if self._report_out:
            self._finish_report()
        self._next_ms = now_ms + (self._settings.report_ms if self._reports else self._poll_ms)
        return []

    def _finish_report(self) -> None:
        self._reports.popleft()
        self._report_out = False
        self._sendings = 0
        self._pack = self._pack % 255 + 1

    def _obey(self, heard: Frame, now_ms: float) -> None:
        text = heard.text
        match heard.command:
            case 0x01 if len(text) == 2:
                self._report(0x02, bytes((self._lane_status(int.from_bytes(text, "big")),)) + text)
            case 0x03 if len(text) == 2:
                self._buy(int.from_bytes(text, "big"), now_ms)
            case 0x06 if len(text) == 4:
                self._drive(int.from_bytes(text[2:], "big"), sensor=text[0] == 1, now_ms=now_ms)
            case 0x16 if len(text) == 1 and 1 <= text[0] <= 20:
                self._poll_ms = 100 * text[0]
            case 0x31:
                for lane in self.cabinet.lanes.values():
                    self._report_lane(lane)
            case 0x51:
                self._report(0x52, self._status())
            case 0x53:
                self._report(0x54, bytes((self.in_lift,)))
            case 0x70 if len(text) >= 2 and text[1] <= 1 and self._settings.menu:
                turned = self.cabinet.lanes.get(self._menu.turns(text) or 0)
                if turned is not None and turned.motor:
                    self.cabinet.turn(turned)
                self._report(0x71, self._menu.answer(text))
            case _:
                for command, told in self._further.hear(heard.command, text):
                    self._report(command, told)

    # ------------------------------------------------------------ what the board says

    def _report(self, command: int, text: bytes) -> None:
        self._reports.append((command, text))

    def _report_lane(self, lane: Lane) -> None:
        fields = lane.number.to_bytes(2, "big") + lane.price.to_bytes(4, "big")
        fields += bytes((lane.stock, lane.capacity)) + lane.goods.to_bytes(2, "big") + bytes((lane.paused,))
        self._report(0x11, fields)

    def _lane_status(self, number: int) -> int:
        lane = self.cabinet.lanes.get(number)
        if lane is None:
            return 3
        if self.in_lift:
            return 5
        if lane.stock == 0:
            return 2
        return 4 if lane.paused else 1

    def _status(self) -> bytes:
        text = bytes((0, 1, 2, 0)) + self.cabinet.temperature_c.to_bytes(1, "big", signed=True)
        text += bytes((self.cabinet.door_open,)) + (0).to_bytes(4, "big") + (3000).to_bytes(4, "big")
        text += b"0000012345" + self.cabinet.temperature_c.to_bytes(1, "big", signed=True) + b"\xaa" * 7
        return text + b"\xaa" * 8 if self.faults.on("long_52") else text

    def _vend_status(self, code: int, lane: int) -> None:
        tail = b"\x01" if self.faults.on("long_04") else b""
        self._report(0x04, bytes((code,)) + lane.to_bytes(2, "big") + tail)

    # ------------------------------------------------------------ the motor

    def _buy(self, number: int, now_ms: float) -> None:
        """As keyed by a shopper: the board answers whether it can, and then does."""
        status = self._lane_status(number)
        self._report(0x02, bytes((status,)) + number.to_bytes(2, "big"))
        if status == 1:
            self._drive(number, sensor=True, now_ms=now_ms)

    def _drive(self, number: int, *, sensor: bool, now_ms: float) -> None:
        lane = self.cabinet.lanes.get(number)
        if lane is None or not lane.motor or self.faults.strikes("motor_missing"):
            self._vend_status(_NO_MOTOR, number)
            return
        if sensor and self.faults.strikes("sensor_fault"):
            self._vend_status(_SENSOR, number)
            return
        turn = self.cabinet.turn(
            lane,
            jam=self.faults.strikes("jam"),
            stuck=self.faults.strikes("no_drop"),
            blind=self.faults.strikes("blind_sensor"),
        )
        length_ms = self._settings.turn_ms
        late_ms = self._settings.late_ms if self.faults.strikes("late_result") else 0
        self._tell("motor", now_ms, lane=number, running=True)
        self._vend_status(0x01, number)
        falls_ms, ends_ms = now_ms + length_ms * 3 // 4, now_ms + length_ms + late_ms
        self._run = _Run(lane, turn, sensor, falls_ms, ends_ms)

    def _turn_on(self, now_ms: float) -> None:
        run = self._run
        if run is None:
            return
        if run.turn.falls and now_ms >= run.falls_ms:
            self.cabinet.drop(run.lane)
            self._tell("dropped", now_ms, lane=run.lane.number, stock=run.lane.stock, seen=run.turn.seen)
            run.turn = Turn(falls=False, seen=run.turn.seen, stops=run.turn.stops)
        if now_ms >= run.ends_ms:
            self._run = None
            self._tell("motor", now_ms, lane=run.lane.number, running=False)
            run.lane.sold += _result(run) == _SUCCESS
            run.lane.jammed = _result(run) == _NOTHING_FELL
            if not self.faults.strikes("no_result"):
                self._end(run)
            if self._settings.counts_stock:
                self._report_lane(run.lane)

    def _end(self, run: _Run) -> None:
        """The result, after the way that a product takes through elevator and microwave."""
        way, result = after_the_motor(self._settings, self.faults, _result(run))
        for code, value in way:
            self._vend_status(code, run.lane.number if value is None else value)
        self.in_lift = self.in_lift or (result != _SUCCESS and _result(run) == _SUCCESS)
        self._vend_status(result, run.lane.number)

    # ------------------------------------------------------------ the line

    def _write(self, raw: bytes, now_ms: float) -> list[bytes]:
        out, self._carry = self._carry + self._trace(raw, now_ms, "to_host"), b""
        if self.faults.strikes("garbage"):
            out = self._random.randbytes(3) + out
        if self.faults.strikes("split_writes"):
            return [out[:3], out[3:]]
        return [out]

    def _trace(self, raw: bytes, now_ms: float, way: str) -> bytes:
        if self._settings.traced:
            self._tell("frame", now_ms, dir=way, hex=raw.hex(), words=words(raw))
        return raw

    def _tell(self, what: str, now_ms: float, **fields: object) -> None:
        self.events.append(Event(what=what, t_ms=now_ms, fields=tuple(fields.items())))


def _result(run: _Run) -> int:
    if not run.turn.stops:
        return _NO_STOP
    return _SUCCESS if run.turn.seen or not run.sensor else _NOTHING_FELL
