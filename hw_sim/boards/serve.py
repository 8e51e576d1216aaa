"""Serve a board until told to stop: its path first, then what happens, a JSON line each; wishes on stdin."""

import asyncio
import json
import os
import signal
import stat
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, TextIO

from hw_sim.boards.board import Board
from hw_sim.boards.control import as_line, books, obey
from hw_sim.boards.keypad import PtyKeypad
from hw_sim.boards.mechanics import Cabinet
from hw_sim.boards.pty import PtyBoard, SteadyClock
from hw_sim.boards.shelf import MODELS, Wanted, make_board


async def serve_board(
    bus: str,
    cabinet: Cabinet,
    wanted: Wanted,
    *,
    faults: Mapping[str, int],
    link: Path | None,
    keypad: Path | None,
    trace: bool,
    out: TextIO,
) -> None:
    """Run one board. `faults` is name to times (-1: for ever). Raises ValueError for an unknown fault.

    `keypad`: keys go there, for a board that has none. Without `trace` polls, acknowledgements and a frame
    once more are not told, until something happens.
    """
    told: set[str] = set()

    def say(line: Mapping[str, Any]) -> None:
        frame = str(line.get("hex", ""))
        if not trace and frame and (frame.startswith(MODELS[bus].routine) or frame in told):
            return
        if frame:
            told.add(frame)
        else:
            told.clear()  # something happened: what is said now is about that
        out.write(json.dumps(line, ensure_ascii=False) + "\n")
        out.flush()

    board = make_board(bus, cabinet, wanted)
    for name, times in faults.items():
        board.faults.set(name, times=times)
    async with PtyBoard(board, link=link, on_event=lambda event: say(as_line(event))) as served:
        say({"event": "ready", "bus": bus, "path": served.path})
        keys = PtyKeypad(keypad) if keypad is not None else None
        await _until_told(served, say, press=keys.press if keys is not None else None)
        if keys is not None:
            keys.close()
    say(books(board, SteadyClock().now_ms()))


async def _until_told(
    served: PtyBoard, say: Callable[[Mapping[str, Any]], None], *, press: Callable[[int], None] | None
) -> None:
    """Serve wishes until SIGTERM, or until the program that holds the other end of the pipe is gone."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    handle = sys.stdin.fileno()
    if stat.S_ISFIFO(os.fstat(handle).st_mode) or os.isatty(handle):
        loop.add_reader(handle, _Wishes(handle, served, say=say, gone=stop.set, press=press).readable)
    await stop.wait()


class _Wishes:
    """Cuts what comes in into lines."""

    def __init__(
        self,
        handle: int,
        served: PtyBoard,
        *,
        say: Callable[[Mapping[str, Any]], None],
        gone: Callable[[], None],
        press: Callable[[int], None] | None,
    ) -> None:
        self._handle = handle
        self._served = served
        self._say = say
        self._gone = gone
        self._press = press
        self._held = b""

    def readable(self) -> None:
        data = os.read(self._handle, 4096)
        if not data:
            asyncio.get_running_loop().remove_reader(self._handle)
            self._gone()
        *lines, self._held = (self._held + data).split(b"\n")
        for line in lines:
            self._served.do(partial(self._obey, line))

    def _obey(self, line: bytes, board: Board, now_ms: float) -> None:
        answer = obey(line.decode("utf-8", "replace"), board, now_ms, self._press)
        if answer is not None:
            self._say(answer)
