"""The flight recorder: the last minutes of bus traffic, written down when a vend failed or is in doubt.

It stands between the engine and a driver, hears both, and decides nothing. Files are written by a thread, off
the loop, because a board waits no longer than 100 ms; a bad disk costs a line in the log and no sale.
"""

import asyncio
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edge.core.model import Baseline, NotDelivered, Outcome, Uncertain, VendOrder
from edge.drivers.trace import Head, Piece, Ring, head_lines, line
from edge.ports import BusEvent, BusHealth, Capabilities, Clock, Dispenser, Notes

KEEP_MS: Final = 300_000
KEEP_BYTES: Final = 262_144
FILES: Final = 50
WAITING: Final = 4  # traces that wait for the disk; what comes beyond them is not kept
_TRIES: Final = 9  # a sale may be in doubt more than once: its vend, then each restart
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9_-]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Flight:
    """What is written of one vend."""

    sale_id: str
    head: Head
    pieces: tuple[Piece, ...]


class FlightRecorder:
    """Keeps the newest `FILES` traces in `folder`, made at the first one. Time comes from `clock`."""

    def __init__(self, folder: Path, *, bus: str, baud: int, clock: Clock, notes: Notes) -> None:
        self.trace: Final = Ring(keep_ms=KEEP_MS, limit=KEEP_BYTES)
        self._folder: Final = folder
        self._bus: Final = bus
        self._baud: Final = baud
        self._clock: Final = clock
        self._notes: Final = notes
        self._waiting: Final[asyncio.Queue[Flight]] = asyncio.Queue(WAITING)

    def beside(self, dispenser: Dispenser) -> Dispenser:
        """The same dispenser, whose failures are written down."""
        return _Recorded(dispenser, self.note)

    def note(self, order: VendOrder, outcome: Outcome) -> None:
        """Take what moved until now, when this outcome is one that somebody will ask about."""
        match outcome:
            case NotDelivered(why=why) | Uncertain(why=why):
                note = f"lane {order.lane}: {type(outcome).__name__} {why}"
            case _:
                return
        began_ms, pieces = self.trace.pieces()
        wall_ms = (
            self._clock.wall_ms() - (self._clock.now_ms() - began_ms) if pieces else self._clock.wall_ms()
        )
        head = Head(bus=self._bus, baud=self._baud, start_wall_ms=wall_ms, note=note)
        try:
            self._waiting.put_nowait(Flight(sale_id=order.sale_id, head=head, pieces=pieces))
        except asyncio.QueueFull:
            self._notes.warning("trace.dropped", sale=order.sale_id, why="the disk is behind")

    async def run(self) -> None:
        """Write what waits, until cancelled."""
        while True:
            flight = await self._waiting.get()
            try:
                file = await asyncio.to_thread(write, self._folder, flight)
            except OSError as error:
                self._notes.warning("trace.not_written", sale=flight.sale_id, why=error.strerror)
            else:
                self._notes.info("trace.written", sale=flight.sale_id, file=file)
            self._waiting.task_done()

    async def written(self) -> None:
        """Wait until nothing waits for the disk any more."""
        await self._waiting.join()


def write(folder: Path, flight: Flight) -> str:
    """Write a trace, whole or not at all, and drop the oldest beyond `FILES`; its name. Raises OSError."""
    folder.mkdir(mode=0o700, exist_ok=True)
    stem = _UNSAFE.sub("_", flight.sale_id) or "_"
    names = [f"{stem}.trace", *(f"{stem}-{number}.trace" for number in range(2, _TRIES + 1))]
    name = next((name for name in names if not (folder / name).exists()), names[-1])
    part = folder / f"{name}.part"
    text = "\n".join([*head_lines(flight.head), *map(line, flight.pieces)]) + "\n"
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(handle, "w", encoding="ascii", errors="replace") as out:
        out.write(text)
    part.replace(folder / name)
    oldest_first = sorted(folder.glob("*.trace"), key=lambda file: (file.stat().st_mtime_ns, file.name))
    for file in oldest_first[: max(0, len(oldest_first) - FILES)]:
        file.unlink(missing_ok=True)
    return name


class _Recorded:
    """Implements `Dispenser`: the driver behind it does everything, `note` hears how orders ended."""

    def __init__(self, dispenser: Dispenser, note: Callable[[VendOrder, Outcome], None]) -> None:
        self._behind: Final = dispenser
        self._note: Final = note

    @property
    def capabilities(self) -> Capabilities:
        return self._behind.capabilities

    async def run(self, post: Callable[[BusEvent], None]) -> None:
        await self._behind.run(post)

    async def check(self, lane: int) -> str:
        return await self._behind.check(lane)

    async def baseline(self, lane: int) -> Baseline:
        return await self._behind.baseline(lane)

    async def vend(self, order: VendOrder) -> Outcome:
        outcome = await self._behind.vend(order)
        self._note(order, outcome)
        return outcome

    async def recover(self, order: VendOrder) -> Outcome:
        outcome = await self._behind.recover(order)
        self._note(order, outcome)
        return outcome

    async def resync(self) -> None:
        await self._behind.resync()

    def dismiss(self, lane: int) -> None:
        self._behind.dismiss(lane)

    def health(self) -> BusHealth:
        return self._behind.health()
