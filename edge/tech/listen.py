"""Bytes of a port as they come: of a tap that only hears, or of the bus's driver that asks."""

import asyncio
import contextlib
from pathlib import Path
from typing import Any, Final, TextIO

from edge.drivers import trace
from edge.drivers.registry import Trace, make_dispenser
from edge.drivers.serial_port import SerialPort
from edge.ports import Clock
from edge.tech.choice import PortTaken


class Tap:
    """Implements `edge.drivers.serial_port.Listener`: hears and says nothing."""

    def __init__(self, clock: Clock, hook: Trace) -> None:
        self._clock: Final = clock
        self._hook: Final = hook

    def on_opened(self) -> None:
        """Nothing to do."""

    def on_data(self, data: bytes) -> None:
        """Pass on what was heard."""
        self._hook("rx", data, self._clock.now_ms())

    def on_lost(self, why: str) -> None:
        """End: a trace with a hole would be read as silence. Raises PortTaken."""
        raise PortTaken(f"the port is gone: {why}")


async def listen(settings: Any, clock: Clock, hook: Trace, *, drive: bool, seconds: float | None) -> None:
    """Hear for so long, None: until cancelled. With `drive` the driver asks, and moves nothing by itself.

    The port must be had before. Raises PortTaken when it is gone.
    """
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            if drive:
                await make_dispenser(settings, clock, trace=hook).run(lambda _: None)
            else:
                await SerialPort(str(settings.port), baud=settings.baud).serve(Tap(clock, hook))


class Since:
    """A `Trace` hook that counts time from its making and passes on pieces."""

    def __init__(self, clock: Clock) -> None:
        self._began_ms: Final = clock.now_ms()
        self.start_wall_ms: Final = clock.wall_ms()

    def piece(self, direction: str, data: bytes, now_ms: int) -> trace.Piece:
        """What moved, in the trace's time."""
        return trace.Piece(at_ms=max(0, now_ms - self._began_ms), direction=direction, data=data)


def begin(file: Path, head: trace.Head) -> TextIO:
    """A new trace with its head, a line written as soon as it is whole. Raises FileExistsError, OSError."""
    out = file.open("x", encoding="ascii", errors="replace", buffering=1)
    out.write("\n".join(trace.head_lines(head)) + "\n")
    return out
