"""What all boards share that speak only when they are spoken to: the line, the motors, the power.

A board of this kind adds its frames, its memory and its answers. Mechanics and line know no protocol.
"""

import random
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from hw_sim.boards.board import Event, Faults
from hw_sim.boards.mechanics import Cabinet, Lane, Turn

NEVER: Final = float("inf")
COMMON_FAULTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "jam": "the motor does not come round and nothing falls",
        "no_drop": "the motor turns and nothing falls",
        "blind_sensor": "a piece falls and the drop sensor sees nothing",
        "motor_missing": "the lane has no motor, nothing turns",
        "late_result": "the result comes seconds late",
        "restart_in_run": "the board loses power for a blink while the motor turns",
        "silent": "the board says nothing and hears nothing",
        "lose_command": "a command is not heard",
        "lose_reply": "a command is carried out and the answer is lost",
        "stale_reply": "an old answer comes before the new one",
        "bad_check": "one bit of an answer is wrong",
        "split_writes": "each answer arrives in two pieces",
        "garbage": "noise before an answer",
        "echo": "the line gives the host its own bytes back",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Milliseconds: `reply_ms` before an answer, `turn_ms` of a motor, `late_ms` of a late result.

    `traced`: each frame is an event.
    """

    reply_ms: float = 5
    turn_ms: int = 1200
    late_ms: int = 8000
    traced: bool = True
    seed: int = 0


@dataclass(slots=True)
class Run:
    """A motor that turns. `sensor`: the run was asked to look for a drop."""

    lane: Lane
    turn: Turn
    sensor: bool
    falls_ms: float
    ends_ms: float
    seen: bool = False
    blinks_ms: float = NEVER

    @property
    def good(self) -> bool:
        """The motor came round, and a piece was seen where somebody looked."""
        return self.turn.stops and (self.seen or not self.sensor)


class AnsweringBoard(ABC):
    """Implements `Board` but for what a protocol says. `more` are its own faults."""

    def __init__(
        self, cabinet: Cabinet, timing: Timing | None = None, *, more: Mapping[str, str] | None = None
    ) -> None:
        self.cabinet: Final = cabinet
        self.faults: Final = Faults({**COMMON_FAULTS, **(more or {})})
        self.events: Final[list[Event]] = []
        self.powered = True
        self.timing: Final = timing or Timing()
        self._random: Final = random.Random(self.timing.seed)
        self._out: deque[tuple[float, bytes]] = deque()
        self._last_reply = b""
        self._held = b""
        self.run: Run | None = None

    # ------------------------------------------------------------ what a protocol adds

    @abstractmethod
    def requests(self, held: bytes) -> Iterator[tuple[int, bytes]]:
        """The requests in the bytes held: how many bytes each uses up, and its frame (noise: none)."""

    @abstractmethod
    def answer(self, request: bytes, now_ms: float) -> None:
        """Obey a request that was heard."""

    @abstractmethod
    def ended(self, run: Run, now_ms: float) -> None:
        """A motor has come to its end."""

    @abstractmethod
    def woke(self) -> None:
        """Power is back: what this board's memory does not keep is gone."""

    def fell(self, run: Run) -> None:  # noqa: B027 - most have nothing to add
        """A piece has just left its spiral."""

    def words(self, raw: bytes) -> str:
        """A frame in words, for whoever watches."""
        return raw.hex(" ")

    # ------------------------------------------------------------ what people and tests do

    def key(self, lane: int) -> None:  # noqa: B027 - most have nothing to add
        """There is no keypad."""

    def fill(self, lane: int, pieces: int) -> None:
        """A lane is refilled or emptied; the board does not know."""
        self.cabinet.lanes[lane].stock = pieces

    def pause(self, lane: int, paused: bool) -> None:
        """A lane is taken out of sale; the board does not know."""
        self.cabinet.lanes[lane].paused = paused

    def power(self, on: bool, now_ms: float) -> None:
        """Cut or restore the power. A motor that turns stops where it is."""
        if on and not self.powered:
            self._held, self._last_reply = b"", b""
            self._out.clear()
            self.woke()
        self.powered = on
        self.run = self.run if on else None
        self._tell("power", now_ms, on=on)

    def restart(self, now_ms: float) -> None:
        """Power gone for a blink."""
        self.power(False, now_ms)
        self.power(True, now_ms)

    # ------------------------------------------------------------ line and time

    @property
    def next_ms(self) -> float:
        """When `tick` has something to do."""
        times = [self._out[0][0]] if self._out else []
        if self.run is not None:
            times += [self.run.falls_ms if self.run.turn.falls else self.run.ends_ms, self.run.blinks_ms]
        return min(times, default=NEVER)

    def hear(self, data: bytes, now_ms: float) -> list[bytes]:
        """Take bytes from the host; the pieces of bytes to write, in order."""
        if not self.powered or self.faults.on("silent"):
            return []
        echo = [data] if self.faults.on("echo") else []
        self._held += data
        for used, raw in self.requests(self._held):
            self._held = self._held[used:]
            if not raw:
                continue
            self._trace(raw, now_ms, "to_board")
            if not self.faults.strikes("lose_command"):
                self._advance(now_ms)
                self.answer(raw, now_ms)
        return echo + self.tick(now_ms)

    def tick(self, now_ms: float) -> list[bytes]:
        """Do what is due; the pieces of bytes to write, in order."""
        self._advance(now_ms)
        written: list[bytes] = []
        while self._out and self._out[0][0] <= now_ms:
            written += self._written(self._out.popleft()[1], now_ms)
        return written if self.powered else []

    def reply(self, raw: bytes, now_ms: float, *, after_ms: float = 0) -> None:
        """Put an answer on its way."""
        if self.faults.strikes("lose_reply"):
            return
        if self._last_reply and self.faults.strikes("stale_reply"):
            self._out.append((now_ms + self.timing.reply_ms, self._last_reply))
        self._out.append((now_ms + self.timing.reply_ms + after_ms, raw))
        self._last_reply = raw

    def _written(self, raw: bytes, now_ms: float) -> list[bytes]:
        if self.faults.on("silent"):
            return []
        self._trace(raw, now_ms, "to_host")
        if self.faults.strikes("bad_check"):
            at = self._random.randrange(len(raw))
            raw = raw[:at] + bytes((raw[at] ^ 1 << self._random.randrange(8),)) + raw[at + 1 :]
        if self.faults.strikes("garbage"):
            raw = self._random.randbytes(3) + raw
        if self.faults.strikes("split_writes"):
            return [raw[:3], raw[3:]]
        return [raw]

    # ------------------------------------------------------------ motors

    def start(self, number: int, now_ms: float, *, sensor: bool) -> Run | None:
        """Turn a lane's motor; None when there is no such motor, and nothing turns."""
        lane = self.cabinet.lanes.get(number)
        if lane is None or not lane.motor or self.faults.strikes("motor_missing"):
            return None
        turn = self.cabinet.turn(
            lane,
            jam=self.faults.strikes("jam"),
            stuck=self.faults.strikes("no_drop"),
            blind=self.faults.strikes("blind_sensor"),
        )
        late_ms = self.timing.late_ms if self.faults.strikes("late_result") else 0
        run = Run(lane, turn, sensor, now_ms + self.timing.turn_ms * 3 // 4, 0)
        run.ends_ms = now_ms + self.timing.turn_ms + late_ms
        if self.faults.strikes("restart_in_run"):
            run.blinks_ms = now_ms + self._random.uniform(0, self.timing.turn_ms)
        self.run = run
        self._tell("motor", now_ms, lane=number, running=True)
        return run

    def _advance(self, now_ms: float) -> None:
        run = self.run
        if run is None or not self.powered:
            return
        if run.turn.falls and now_ms >= run.falls_ms and run.falls_ms <= run.blinks_ms:
            self.cabinet.drop(run.lane)
            run.seen = run.turn.seen
            run.turn = Turn(falls=False, seen=run.turn.seen, stops=run.turn.stops)
            self.fell(run)
            self._tell("dropped", now_ms, lane=run.lane.number, stock=run.lane.stock, seen=run.seen)
        if now_ms >= run.blinks_ms:
            self._tell("motor", now_ms, lane=run.lane.number, running=False)
            self.restart(now_ms)
        elif now_ms >= run.ends_ms:
            self.run = None
            self._tell("motor", now_ms, lane=run.lane.number, running=False)
            self.ended(run, now_ms)

    def _trace(self, raw: bytes, now_ms: float, way: str) -> None:
        if self.timing.traced:
            self._tell("frame", now_ms, dir=way, hex=raw.hex(), words=self.words(raw))

    def _tell(self, what: str, now_ms: float, **fields: object) -> None:
        self.events.append(Event(what=what, t_ms=now_ms, fields=tuple(fields.items())))
