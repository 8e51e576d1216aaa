"""What the technician's screen shows and does, without a screen: lanes, trace, the functions behind its keys.

Each function is the one that the command of the same name uses. One thing is done at a time.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TextIO

from edge.drivers import trace
from edge.drivers.serial_port import Transport
from edge.drivers.service import Act, Served, Wish
from edge.ports import BusDown, BusUp, ClimateReported, Clock, LaneReported
from edge.tech import visit as asking
from edge.tech.bench import TechClock
from edge.tech.books import NoBooks, books, journal_of
from edge.tech.door import door_of, having
from edge.tech.listen import Since, begin
from edge.tech.noting import Noting, noted, who
from edge.tech.serving import read_faults, serve
from edge.tech.visit import LaneFound, Visit, visiting
from edge.tech.watch import Seen, Watch

KEPT: Final = 500  # frames that can be looked at; all are counted, and recorded


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A lane as the grid shows it. `mark` and `tone` say the same as `words`, for whoever sees only one."""

    lane: int
    mark: str
    words: str
    tone: str


class Desk:
    """One machine. `told` hears what a person should know, in words."""

    def __init__(self, settings: Any, *, config: Path | None, told: Callable[[str], None]) -> None:
        self.settings: Final = settings
        self.clock: Final[Clock] = TechClock()
        self.watch: Final = Watch(settings.bus)
        self.newest: Final[deque[Seen]] = deque(maxlen=KEPT)
        self.bytes_heard = 0
        self.recording: Path | None = None
        self._config: Final = config
        self._told: Final = told
        self._since: Final = Since(self.clock)
        self._file: TextIO | None = None
        self._file_since: Since | None = None
        self._visit: Visit | None = None
        self._looks: Final[dict[int, LaneFound]] = {}
        self._one: Final = asyncio.Lock()

    @contextlib.asynccontextmanager
    async def open(self, port: Transport | None = None) -> AsyncIterator[None]:
        """Have the port, and let the bus's driver work. Raises PortTaken."""
        door = door_of(journal_of(self._config)) if self._config is not None else None
        async with (
            having(self.settings.port, door, who=who(), what="tech ui", told=self._told),
            visiting(self.settings, self.clock, trace=self.heard, port=port) as visit,
        ):
            self._visit = visit
            try:
                yield
            finally:
                self._visit = None
                self.stop_recording()

    # ------------------------------------------------------------ the trace

    def heard(self, direction: str, data: bytes, now_ms: int) -> None:
        """A `Trace` hook: every piece is counted, and written down while it is recorded."""
        self.bytes_heard += len(data)
        self.newest.extend(self.watch.feed(self._since.piece(direction, data, now_ms)))
        if self._file is not None and self._file_since is not None:
            self._file.write(trace.line(self._file_since.piece(direction, data, now_ms)) + "\n")

    def record(self, folder: Path) -> Path:
        """Write all that moves from now on to a new file in `folder`. Raises OSError."""
        self.stop_recording()
        self._file_since = Since(self.clock)
        wall_ms = self._file_since.start_wall_ms
        file = folder / f"{self.settings.bus}-{wall_ms}.trace"
        head = trace.Head(bus=self.settings.bus, baud=self.settings.baud, start_wall_ms=wall_ms)
        self._file, self.recording = begin(file, head), file
        return file

    def stop_recording(self) -> None:
        """Close the file; harmless when nothing is recorded."""
        if self._file is not None:
            self._file.close()
        self._file = self.recording = None

    # ------------------------------------------------------------ what is shown

    @property
    def line(self) -> str:
        """The machine in a line."""
        told = self._visit.told if self._visit is not None else []
        news = [event for event in told if isinstance(event, BusUp | BusDown)]
        climate = next((event for event in reversed(told) if isinstance(event, ClimateReported)), None)
        state = "no answer yet"
        if news:
            last = news[-1]
            state = f"● {last.identity}" if isinstance(last, BusUp) else f"▲ {last.why}"
        words = [self.settings.bus, state]
        if climate is not None and climate.temperature_c is not None:
            words.append(f"{climate.temperature_c} °C")
        if climate is not None and climate.door_open is not None:
            words.append("■ door open" if climate.door_open else "door closed")
        return "  ".join(words)

    def cells(self) -> list[Cell]:
        """Each lane of board and planogram, by number."""
        told = self._visit.told if self._visit is not None else []
        known = {event.lane: event for event in told if isinstance(event, LaneReported)}
        return [cell(lane, known.get(lane), self._looks.get(lane)) for lane in sorted({*known, *self._looks})]

    # ------------------------------------------------------------ what is done

    async def scan(self) -> str:
        """Check every lane without turning. Raises NoAnswer."""
        async with self._one:
            self._looks.clear()
            async for found in asking.scan(self._there(), (), self._planned()):
                self._looks[found.lane] = found
            bad = [found for found in self._looks.values() if found.words]
            return f"{len(self._looks)} lanes, {len(bad)} to look at"

    async def turn(self, lane: int) -> str:
        """Turn one motor once. Raises NoAnswer, Refused."""
        async with self._one:
            note = noted(self._config, Noting(did="test-vend", lane=lane), self._told)
            note("asked")
            found = await asking.turn_once(self._there(), lane)
            note(str(found["outcome"]))
            return f"lane {lane}: {found['outcome']} {found['why']}".rstrip()

    async def temperature(self) -> str:
        """How warm it is, by the best word that the board has. Raises NoAnswer, Refused."""
        async with self._one:
            if Act.TEMPERATURE in _acts(self._there()):
                return _words(await serve(self._there(), Act.TEMPERATURE, Wish()))
            celsius = (await asking.status(self._there()))["temperature_c"]
            return "the board tells no temperature" if celsius is None else f"temperature_c={celsius}"

    async def faults(self) -> str:
        """What the board says is wrong. Raises NoAnswer, Refused."""
        async with self._one:
            if Act.FAULTS in _acts(self._there()):
                return _words(await read_faults(self._there(), self._config, self._told))
            found = await asking.status(self._there())
            wrong = {f"lane {lane['lane']}": lane["fault"] for lane in found["lanes"] if lane["fault"]}
            return _pairs({**found["troubles"], **wrong}) or "faults=none"

    def _there(self) -> Visit:
        if self._visit is None:
            raise asking.NoAnswer("the port is not open yet")
        return self._visit

    def _planned(self) -> frozenset[int] | None:
        if self._config is None:
            return None
        try:
            return books(journal_of(self._config)).planned
        except NoBooks as error:
            raise asking.Refused(str(error)) from error


def _acts(visit: Visit) -> frozenset[Act]:
    return getattr(visit.dispenser, "acts", frozenset())


def _words(served: Served) -> str:
    return _pairs(served.told)


def _pairs(told: Any) -> str:
    return "  ".join(f"{name}={'not told' if value is None else value}" for name, value in told.items())


def cell(lane: int, told: LaneReported | None, found: LaneFound | None) -> Cell:
    """The scan's word stands above the board's own report."""
    if found is not None and found.planned is False and not found.reason:
        return Cell(lane=lane, mark="▲", words="unplanned", tone="wait")
    if found is not None and found.words:
        return Cell(lane=lane, mark="■", words=_short(found), tone="stop")
    if told is not None and told.fault:
        return Cell(lane=lane, mark="■", words=told.fault, tone="stop")
    if told is not None and told.stock == 0:
        return Cell(lane=lane, mark="▲", words="empty", tone="wait")
    words = "ok" if found is not None else "?"
    if told is not None and told.stock is not None:
        words = f"{told.stock} in"
    return Cell(lane=lane, mark="●", words=words, tone="go" if found is not None else "info")


def _short(found: LaneFound) -> str:
    """What fits into a cell."""
    if found.reason == "no_such_lane":
        return "not there"
    return found.reason or "unseen"
