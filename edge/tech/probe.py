"""Which bus answers on a port? Listen first; only where all is silent, ask, and only what changes nothing.

A board of another kind hears these questions, too: none of them is, or holds, a command that moves or sets
something in any protocol here. Where somebody talks whom nobody here knows, not a byte is sent.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from edge.drivers.serial_port import Transport
from edge.tech.choice import PortTaken
from edge.tech.decode import Frames
from edge.tech.shapes import SHAPES, TO_BOARD

WAIT_S: Final = 1.0  # the slowest board answers within 800 ms
GAP_S: Final = 0.25  # boards drop an unfinished frame within 200 ms
_OPEN_S: Final = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Listen:
    """Who speaks unasked at this speed, and how long to wait for it in seconds."""

    baud: int
    buses: tuple[str, ...]
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A frame that only asks. `answers`: whether a whole good frame is the answer to it."""

    bus: str
    baud: int
    frame: bytes
    what: str
    answers: Callable[[bytes], bool]
    more: str = ""  # what the settings need beside the bus's name


def _has(*bytes_at: tuple[int, int], length: int = 0) -> Callable[[bytes], bool]:
    def fits(raw: bytes) -> bool:
        return length in (0, len(raw)) and all(len(raw) > at and raw[at] == byte for at, byte in bytes_at)

    return fits


# A machine polls every 200 ms to 2 s (XY), 1.5 s (Junpeng); the other two speeds only have to be silent.
LISTENS: Final = (
    Listen(baud=57_600, buses=("xy",), seconds=2.2),
    Listen(baud=9_600, buses=("junpeng", "mdb-waferstar"), seconds=2.2),
    Listen(baud=115_200, buses=("mdb-qibixx",), seconds=0.5),
    Listen(baud=38_400, buses=(), seconds=0.5),
)


def _question(bus: str, frame: str, what: str, answers: Callable[[bytes], bool]) -> Question:
    return Question(bus=bus, baud=9_600, frame=bytes.fromhex(frame), what=what, answers=answers)


QUESTIONS: Final = (
    _question("jinma", "01 01 00 01", "connected?", _has((2, 0x00), length=5)),
    _question("tcn-lifter", "02 03 01 00 00 03 03", "status?", _has((2, 0x01))),
    _question("tcn", "00 FF DF 20 55 AA", "door?", _has(length=5)),
    _question("easivend", "ED 08 00 71 01 00 00 95", "channel 1 there?", _has((0, 0xEE), (3, 0x71))),
    _question("ziman", "A8 08 04 01 02 02 B9 FE", "cabinet status?", _has((2, 0x04), length=9)),
    _question("m102", "01 01" + " 00" * 16 + " 71 88", "name?", _has((1, 0x01), length=20)),
    Question(
        bus="m102",
        baud=9_600,
        frame=bytes.fromhex("01 01" + " 00" * 16 + " EF 91"),
        what="name? (the other check sum)",
        answers=_has((1, 0x01), length=20),
        more='check = "salted"',
    ),
    _question("zdm8", "01 03 00 01 00 02 95 CB", "hardware's version?", _has((1, 0x03), (2, 0x04))),
    _question("relay", "01 01 00 00 00 08 3D CC", "which relays are on?", _has((1, 0x01), (2, 0x01))),
    _question("lock8a", "80 01 01 33 B3", "state of lock 1?", _has((0, 0x80), length=5)),
    Question(
        bus="adh814",
        baud=9_600,
        frame=bytes.fromhex("01 A1 C1 98"),
        what="name? (older boards)",
        answers=_has((1, 0xA1), length=20),
        more="baud = 9600",
    ),
    Question(
        bus="adh814",
        baud=38_400,
        frame=bytes.fromhex("01 A1 C1 98"),
        what="name?",
        answers=_has((1, 0xA1), length=20),
    ),
    Question(
        bus="mdb-qibixx",
        baud=115_200,
        frame=b"V\n",
        what="version?",
        answers=lambda raw: raw.startswith(b"v,"),
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """`bus` is empty when nobody is known there; `how` says what was heard, `asked` how many questions."""

    bus: str
    how: str
    asked: int
    more: str = ""


async def probe(port: Callable[[int], Transport]) -> Answer:
    """Who is there; `port` gives the port at a speed. At most half a minute. Raises PortTaken."""
    noise = 0
    for listen in LISTENS:
        async with _opened(port(listen.baud)) as line:
            if bus := await line.talking(listen):
                return Answer(bus=bus, how=f"speaks by itself at {listen.baud} Bd", asked=0)
            noise += len(line.heard)
    if noise:
        return Answer(bus="", how=f"{noise} bytes of nobody known: nothing was sent", asked=0)
    return await _asked(port)


async def _asked(port: Callable[[int], Transport]) -> Answer:
    asked = 0
    for baud, questions in groupby(QUESTIONS, key=lambda question: question.baud):
        async with _opened(port(baud)) as line:
            for question in questions:
                asked += 1
                if await line.answered(question):
                    how = f"answered {question.what!r} at {baud} Bd"
                    return Answer(bus=question.bus, how=how, asked=asked, more=question.more)
    return Answer(bus="", how="nobody speaks, nobody answers", asked=asked)


def _good(bus: str, heard: bytes) -> list[bytes]:
    """Whole good frames of the other side. A line of text counts only as what an adapter says."""
    frames = Frames(SHAPES[bus])
    found = [*frames.feed(heard), *frames.end()]
    good = [each.raw for each in found if each.valid and each.direction != TO_BOARD]
    return [raw for raw in good if bus != "mdb-qibixx" or raw[:2] in (b"c,", b"v,")]


@contextlib.asynccontextmanager
async def _opened(port: Transport) -> AsyncIterator["_Line"]:
    line = _Line(port)
    serving = asyncio.create_task(port.serve(line), name="probe")
    try:
        if not await line.until(lambda: line.opened, _OPEN_S):
            raise PortTaken(f"the port does not open: {line.lost or 'no answer'}")
        yield line
    finally:
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)


class _Line:
    """Implements `edge.drivers.serial_port.Listener`: keeps what is heard."""

    def __init__(self, port: Transport) -> None:
        self._port: Final = port
        self._news: Final = asyncio.Event()
        self.heard = b""
        self.opened = False
        self.lost = ""

    def on_opened(self) -> None:
        self.opened = True
        self._news.set()

    def on_data(self, data: bytes) -> None:
        self.heard += data
        self._news.set()

    def on_lost(self, why: str) -> None:
        self.lost = why
        self._news.set()

    async def until(self, enough: Callable[[], bool], seconds: float) -> bool:
        """Whether it came about in time. Raises PortTaken when the port goes."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not enough():
                    if self.lost:
                        raise PortTaken(f"the port is gone: {self.lost}")
                    self._news.clear()
                    await self._news.wait()
        return enough()

    async def talking(self, listen: Listen) -> str:
        """Whose frames come by themselves; empty for nobody's."""

        def heard() -> str:
            return next((bus for bus in listen.buses if any(_good(bus, self.heard))), "")

        await self.until(lambda: bool(heard()), listen.seconds)
        return heard()

    async def answered(self, question: Question) -> bool:
        """Ask once. The line's own echo is no answer."""
        self.heard = b""
        self._port.write(question.frame)

        def has_come() -> bool:
            heard = self.heard.removeprefix(question.frame)
            return any(question.answers(raw) for raw in _good(question.bus, heard))

        came = await self.until(has_come, WAIT_S)
        await asyncio.sleep(GAP_S)
        return came
