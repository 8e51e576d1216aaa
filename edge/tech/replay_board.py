"""A trace's host played to a simulated board: does the board of this bus answer as the real one did then?

The board is a program of its own behind a pseudo-terminal; its motors turn in its model only. What was
written then is written again, and the answers are compared by name: numbers may differ, a fault may not.
"""

import asyncio
import contextlib
import tempfile
from collections import Counter, deque
from collections.abc import AsyncIterator, Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from edge.drivers.serial_port import SerialPort
from edge.drivers.trace import Piece
from edge.drivers.xy.codec import ACK
from edge.tech.bench import hear, say, start_board
from edge.tech.decode import Frames
from edge.tech.replay import Turn, turns_of
from edge.tech.shapes import SHAPES, TO_BOARD

SHORTEST_S: Final = 0.3  # for an answer that came at once then
MORE_S: Final = 1.0  # than it took then
LONGEST_S: Final = 90.0
SPEAKS_S: Final = 3.0  # in which a machine that polls says something
_ROUTINE: Final = frozenset({"Poll", "Ack", "Sync"})  # a board that has just started says `31` once
_LEADS: Final = "xy"
CANNOT: Final = ("junpeng", "mdb-qibixx", "mdb-waferstar")  # their turns bear numbers that are gone


class _Ear:
    """Implements `Listener`: keeps what the board says, whole frames by name."""

    def __init__(self, bus: str) -> None:
        self._bus: Final = bus
        self._news: Final = asyncio.Event()
        self.heard = b""
        self.opened = False

    def on_opened(self) -> None:
        self.opened = True
        self._news.set()

    def on_data(self, data: bytes) -> None:
        self.heard += data
        self._news.set()

    def on_lost(self, why: str) -> None:
        """The board has ended: nothing more is heard."""

    async def until(self, count: int, within_s: float) -> None:
        """Until so many frames have come, or the time is over."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                while len(names(self._bus, self.heard)) < count or not self.opened:
                    self._news.clear()
                    await self._news.wait()


def names(bus: str, heard: bytes) -> list[str]:
    """The board's frames by name."""
    frames = Frames(SHAPES[bus])
    found = [*frames.feed(heard), *frames.end()]
    return [each.name for each in found if each.valid and each.direction != TO_BOARD]


async def compared(
    bus: str, baud: int, pieces: Iterable[Piece], lanes: tuple[int, ...]
) -> AsyncIterator[dict[str, Any]]:
    """Each difference, then the sums. Raises `edge.tech.bench.NoBoard`."""
    turns = turns_of(pieces)
    with tempfile.TemporaryDirectory(prefix="wxvend-replay-") as folder:
        link = Path(folder) / "board"
        child = await start_board(bus, link, lanes)
        port, ear = SerialPort(str(link), baud=baud), _Ear(bus)
        serving: asyncio.Task[None] | None = None
        try:
            await hear(child, "ready")
            serving = asyncio.create_task(port.serve(ear), name="replay")
            await ear.until(0, SPEAKS_S)
            play = _led if bus == _LEADS else _asked
            async for told in play(bus, port, ear, turns):
                yield told
            say(child, {"do": "books"})
            books = await hear(child, "books")
            yield {name: books[name] for name in ("motor_starts", "pieces_dropped")}
        finally:
            if serving is not None:
                serving.cancel()
                await asyncio.gather(serving, return_exceptions=True)
            child.terminate()
            await child.wait()


async def _asked(bus: str, port: SerialPort, ear: _Ear, turns: list[Turn]) -> AsyncIterator[dict[str, Any]]:
    """A board that only answers: question by question, each given the time that its answer took then."""
    asked = same = 0
    for turn in turns[1:]:
        then = names(bus, b"".join(piece.data for piece in turn.heard))
        took_s = (turn.heard[-1].at_ms - turn.wrote_ms) / 1000 if turn.heard else 0.0
        ear.heard = b""
        port.write(turn.wrote)
        await ear.until(max(1, len(then)), min(LONGEST_S, took_s + MORE_S) if then else SHORTEST_S)
        now, asked = names(bus, ear.heard), asked + 1
        if now == then:
            same += 1
            continue
        yield {"at_ms": turn.wrote_ms, "asked": turn.wrote.hex(), "then": then, "now": now}
    yield {"asked": asked, "answered_the_same": same, "answered_otherwise": asked - same}


async def _led(bus: str, port: SerialPort, ear: _Ear, turns: list[Turn]) -> AsyncIterator[dict[str, Any]]:
    """A machine that leads: its polls get what was written then, its reports are acknowledged and counted."""
    then, now = Counter[str](), Counter[str]()
    for turn in turns:
        then.update(_reports(bus, b"".join(piece.data for piece in turn.heard)))
    commands = deque(turn.wrote for turn in turns[1:] if turn.wrote != ACK)
    rest_s = min(LONGEST_S, MORE_S + _after_the_last(turns))
    loop = asyncio.get_running_loop()
    until_s = loop.time() + LONGEST_S
    while loop.time() < until_s:
        await ear.until(1, SPEAKS_S)
        said, ear.heard = ear.heard, b""
        now.update(_reports(bus, said))
        if commands and names(bus, said)[-1:] == ["Poll"]:
            port.write(commands.popleft())
            until_s = loop.time() + (LONGEST_S if commands else rest_s)
        elif names(bus, said) != ["Ack"]:
            port.write(ACK)
        if not commands and now == then:
            until_s = min(until_s, loop.time() + MORE_S)
    different = sorted(name for name in {*then, *now} if then[name] != now[name])
    for name in different:
        yield {"report": name, "then": then[name], "now": now[name]}
    yield {"asked": sum(turn.wrote != ACK for turn in turns[1:]), "reports_otherwise": len(different)}


def _after_the_last(turns: list[Turn]) -> float:
    """Seconds of the trace behind its last command, for a motor takes a while."""
    asked_ms = max((turn.wrote_ms for turn in turns[1:] if turn.wrote != ACK), default=0)
    heard_ms = max((piece.at_ms for turn in turns for piece in turn.heard), default=0)
    return max(0, heard_ms - asked_ms) / 1000


def _reports(bus: str, heard: bytes) -> Iterator[str]:
    return (name for name in names(bus, heard) if name not in _ROUTINE)
