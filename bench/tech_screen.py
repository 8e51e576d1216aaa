"""The technician's screen beside a line at full speed: 115200 Bd of polls and answers, and not a frame lost.

The bytes come at the pace of the line, as a machine without a pause would send them, and the bus's own
driver answers; the real screen draws at 80 by 24 meanwhile. In the end as many frames are counted as were
said by both sides, and the newest one stands on the screen.
"""

import asyncio
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from textual.widgets import Static

from bench.figure import Figure
from edge.drivers.registry import BUSES
from edge.drivers.serial_port import Listener
from edge.tech.ui import TechScreen

BAUD: Final = 115_200
SECONDS: Final = 5.0
STEP_S: Final = 0.01
FRAME: Final = bytes.fromhex("fafb410040")
GOAL_LAG_S: Final = 0.25  # ten pictures a second, and one more for the terminal


@dataclass(slots=True)
class _Line:
    """A `Transport` that says polls at the line's own pace."""

    sent: int = 0
    answered: int = 0
    behind_s: float = 0.0

    async def serve(self, listener: Listener) -> None:
        listener.on_opened()
        began = time.perf_counter()
        total = int(SECONDS * BAUD / 10) // len(FRAME)
        while self.sent < total:
            await asyncio.sleep(STEP_S)
            due = min(total, int((time.perf_counter() - began) * BAUD / 10) // len(FRAME))
            if due > self.sent:
                listener.on_data(FRAME * (due - self.sent))
                self.sent = due
        self.behind_s = time.perf_counter() - began - SECONDS
        await asyncio.Event().wait()

    def write(self, data: bytes) -> None:
        """The driver says one frame at a time."""
        self.answered += 1

    def discard_input(self) -> None:
        """Nothing lies in wait."""


def figures() -> list[Figure]:
    """One row: frames shown or counted beside frames sent."""
    return [asyncio.run(_figure())]


async def _figure() -> Figure:
    master, slave = os.openpty()  # a port that can be claimed; the bytes come from `_Line`
    line = _Line()
    settings = BUSES["xy"]().settings(port=Path(os.ttyname(slave)), baud=BAUD)
    app = TechScreen(settings, config=None, folder=Path(), port=line)
    async with app.run_test(size=(80, 24)):
        began, used = time.perf_counter(), time.process_time()
        while not line.behind_s and time.perf_counter() - began < 4 * SECONDS:
            await asyncio.sleep(STEP_S)
        cpu = (time.process_time() - used) / (time.perf_counter() - began)
        lag_s = await _lag(app)
    os.close(master)
    os.close(slave)
    counted, said = app.desk.watch.counters.frames, line.sent + line.answered
    return Figure(
        name=f"technician's screen at {BAUD} Bd for {SECONDS:.0f} s",
        ours=f"{counted} frames, newest shown in {1000 * lag_s:.0f} ms, {100 * cpu:.0f} % of a core",
        beside=f"{line.sent} polls, {line.answered} answers",
        ratio=counted / said,
        goal="none lost, shown within 250 ms",
        met=counted == said and lag_s <= GOAL_LAG_S,
    )


async def _lag(app: TechScreen) -> float:
    """How long until the newest frame stands on the screen."""
    began = time.perf_counter()
    newest = f"{app.desk.newest[-1].at_ms / 1000:.3f}"
    while newest not in str(app.query_one("#trace", Static).render()):
        await asyncio.sleep(0.005)
        if time.perf_counter() - began > SECONDS:
            break
    return time.perf_counter() - began
