"""The machine's side of `bench.xy_poll`, as a program of its own: a simulated board, and a disk that stalls.

    python -m bench.xy_board PTY_FD JOURNAL POLLS STALL_MS

It writes each POLL to the terminal and measures until the first byte of the answer; a lock on the journal's
database makes each commit of the daemon wait as a stalled disk does. Prints the times in milliseconds, JSON.
"""

import json
import os
import select
import sqlite3
import sys
import threading
import time
from pathlib import Path
from typing import Final

from hw_sim.boards.mechanics import Cabinet
from hw_sim.boards.xy import BoardSettings, XyBoard
from hw_sim.boards.xy_codec import POLL

POLL_MS: Final = 20
_BREATH_S: Final = 0.03  # between two stalls, so that something is ever written
_LONGEST_S: Final = 180.0


def main(arguments: list[str]) -> None:
    """Serve the terminal until so many POLLs were answered, or missed."""
    terminal, journal, polls, stall_ms = int(arguments[0]), Path(arguments[1]), *map(int, arguments[2:])
    if stall_ms:
        threading.Thread(target=_stall, args=(journal, stall_ms / 1000), daemon=True).start()
    board = XyBoard(Cabinet.of((12, 13, 14)), BoardSettings(poll_ms=POLL_MS, traced=False))
    json.dump(_measure(board, terminal, polls), sys.stdout)


def _measure(board: XyBoard, terminal: int, polls: int) -> list[float]:
    """How long each POLL waited for its answer; infinite for one that got none before the next."""
    times: list[float] = []
    asked_s: float | None = None
    ends_s = time.monotonic() + _LONGEST_S
    while len(times) < polls and time.monotonic() < ends_s:
        for piece in board.tick(_now_ms()):
            if piece == POLL:
                times += [1e9] if asked_s is not None else []
                asked_s = time.perf_counter()
            os.write(terminal, piece)
        ready, _, _ = select.select([terminal], [], [], 0.001)
        if ready:
            data = os.read(terminal, 4096)
            if asked_s is not None:
                times.append(1000 * (time.perf_counter() - asked_s))
                asked_s = None
            for piece in board.hear(data, _now_ms()):
                os.write(terminal, piece)
    return times


def _now_ms() -> float:
    return 1000 * time.monotonic()


def _stall(journal: Path, stall_s: float) -> None:
    """Hold the journal as a disk does that does not come back."""
    disk = sqlite3.connect(journal, isolation_level=None, timeout=30)
    while True:
        disk.execute("BEGIN IMMEDIATE")
        time.sleep(stall_s)
        disk.execute("ROLLBACK")
        time.sleep(_BREATH_S)


if __name__ == "__main__":
    main(sys.argv[1:])
