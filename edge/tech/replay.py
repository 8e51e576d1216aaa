"""A trace played to the bus's own driver: what did it understand, and would it have said the same?

Time is the trace's own and passes at once. What the driver writes is looked for among what was written then;
where it is found, the board's words that followed it then are given as the answer. What it never asks is
skipped after a while, and the board's words come unasked.
"""

import asyncio
import selectors
from collections import Counter
from collections.abc import Coroutine, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from edge.drivers.registry import make_dispenser
from edge.drivers.serial_port import Listener
from edge.drivers.trace import Piece
from edge.ports import BusEvent

PATIENCE_S: Final = 3.0  # how much later than then the driver may say it
LIMIT: Final = 2_000_000  # pieces that are held; a longer trace is cut


@dataclass(slots=True)
class Turn:
    """What was written, and what was heard until the next writing."""

    wrote: bytes
    wrote_ms: int
    heard: list[Piece] = field(default_factory=list)


class _Hurry(selectors.DefaultSelector):
    """Never waits: the time that should pass has passed."""

    now_s = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        """What is ready, at once."""
        self.now_s += max(0.0, timeout or 0.0)
        return super().select(0)


class _TapeLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._hurry: Final = _Hurry()
        super().__init__(self._hurry)

    def time(self) -> float:
        return self._hurry.now_s


class _Tape:
    """Implements `Transport` and `Clock` over the turns of a trace."""

    def __init__(self, loop: asyncio.AbstractEventLoop, turns: list[Turn]) -> None:
        self._loop: Final = loop
        self._turns: Final = turns
        self._wrote: Final[asyncio.Queue[bytes]] = asyncio.Queue()
        self.same = self.other = self.never = 0

    def now_ms(self) -> int:
        return round(1000 * self._loop.time())

    def wall_ms(self) -> int:
        return self.now_ms()

    def write(self, data: bytes) -> None:
        self._wrote.put_nowait(data)

    def discard_input(self) -> None:
        """Nothing lies in wait."""

    async def serve(self, listener: Listener) -> None:
        listener.on_opened()
        last_ms = 0
        for turn in self._turns:
            if turn.wrote:
                await self._said(turn.wrote, within_s=PATIENCE_S + (turn.wrote_ms - last_ms) / 1000)
            last_ms = turn.wrote_ms
            for piece in turn.heard:
                await asyncio.sleep((piece.at_ms - last_ms) / 1000)
                last_ms = piece.at_ms
                listener.on_data(piece.data)
        raise _TapeEnds

    async def _said(self, wanted: bytes, *, within_s: float) -> None:
        """Until the driver says the same, or was given time enough."""
        try:
            async with asyncio.timeout(within_s):
                while await self._wrote.get() != wanted:
                    self.other += 1
            self.same += 1
        except TimeoutError:
            self.never += 1


class _TapeEnds(Exception):
    """All was played."""


def understood(settings: Any, pieces: Iterable[Piece]) -> Iterator[dict[str, Any]]:
    """What the driver told, each kind of fact with its count and newest words; then its counters."""
    turns = turns_of(pieces)
    loop = _TapeLoop()
    told = Counter[str]()
    newest: dict[str, BusEvent] = {}

    def post(event: BusEvent) -> None:
        told[type(event).__name__] += 1
        newest[type(event).__name__] = event

    tape = _Tape(loop, turns)
    dispenser = make_dispenser(settings, tape, port=tape)
    try:
        loop.run_until_complete(_until_it_ends(dispenser.run(post)))
    finally:
        loop.close()
    for name, count in told.items():
        yield {"fact": name, "count": count, **asdict(newest[name])}
    health = dispenser.health()
    yield {"frames": health.frames, "bad_checks": health.bad_checks, **health.facts}
    yield {"said_the_same": tape.same, "said_otherwise": tape.other, "never_said": tape.never}


async def _until_it_ends(work: Coroutine[Any, Any, None]) -> None:
    try:
        await work
    except _TapeEnds:
        return
    except ExceptionGroup as group:
        if group.split(_TapeEnds)[1] is not None:
            raise


def turns_of(pieces: Iterable[Piece]) -> list[Turn]:
    """What was heard before anything was written, then each writing with what was heard after it."""
    turns = [Turn(wrote=b"", wrote_ms=0)]
    for number, piece in enumerate(pieces):
        if number >= LIMIT:
            break
        if piece.direction == "tx":
            turns.append(Turn(wrote=piece.data, wrote_ms=piece.at_ms))
        else:
            turns[-1].heard.append(piece)
    return turns
