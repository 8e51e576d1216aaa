"""A board on a pseudo-terminal: to a driver it is a serial port with a machine behind it."""

import asyncio
import contextlib
import os
import pty
import time
import tty
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from hw_sim.boards.board import Board, Event

_READ: Final = 4096
LONGEST_S: Final = 60.0  # between two looks at a board that waits to be asked


class SteadyClock:
    """Unix milliseconds that are never stepped: read once, then counted on."""

    def __init__(self) -> None:
        self._offset_ms = time.time_ns() / 1e6 - time.monotonic_ns() / 1e6

    def now_ms(self) -> float:
        """Milliseconds."""
        return self._offset_ms + time.monotonic_ns() / 1e6


class PtyBoard:
    """Serves `board` at `path` from `start` to `stop`; `on_event` is told what happens."""

    def __init__(
        self, board: Board, *, link: Path | None = None, on_event: Callable[[Event], None] | None = None
    ) -> None:
        self.board: Final = board
        self.path = ""
        self._link: Final = link
        self._on_event: Final = on_event
        self._clock: Final = SteadyClock()
        self._master = -1
        self._slave = -1
        self._timer: asyncio.Handle | None = None

    def start(self) -> None:
        """Open the pseudo-terminal; `path` is where a driver finds the board."""
        self._master, self._slave = pty.openpty()
        tty.setraw(self._slave)  # our own end stays open, so a driver that leaves is not a hang-up
        os.set_blocking(self._master, False)
        self.path = os.ttyname(self._slave)
        if self._link is not None:
            self._link.unlink(missing_ok=True)
            self._link.symlink_to(self.path)
        loop = asyncio.get_running_loop()
        loop.add_reader(self._master, self._readable)
        self._timer = loop.call_soon(self._tick)

    def stop(self) -> None:
        """Pull the plug."""
        if self._timer is not None:
            self._timer.cancel()
        asyncio.get_running_loop().remove_reader(self._master)
        os.close(self._master)
        os.close(self._slave)
        if self._link is not None:
            self._link.unlink(missing_ok=True)

    def do(self, act: Callable[[Board, float], None]) -> None:
        """Let something happen at the board now."""
        act(self.board, self._clock.now_ms())
        self._tick()

    async def __aenter__(self) -> Self:
        self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.stop()

    def _readable(self) -> None:
        with contextlib.suppress(BlockingIOError):
            data = os.read(self._master, _READ)
            self._write(self.board.hear(data, self._clock.now_ms()))
            self._tick()

    def _tick(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._write(self.board.tick(self._clock.now_ms()))
        self._tell()
        wait_s = min(LONGEST_S, max(0.0, self.board.next_ms - self._clock.now_ms()) / 1000)
        self._timer = asyncio.get_running_loop().call_later(wait_s, self._tick)

    def _write(self, pieces: list[bytes]) -> None:
        for piece in pieces:
            with contextlib.suppress(BlockingIOError):  # nobody reads; a real line loses it, too
                os.write(self._master, piece)

    def _tell(self) -> None:
        events, self.board.events[:] = list(self.board.events), []
        if self._on_event is not None:
            for event in events:
                self._on_event(event)
