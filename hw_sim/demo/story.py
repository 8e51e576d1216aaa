"""What happened, fact by fact, as the programs themselves told it."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

KEPT: Final = 2_000
WAITING: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One line. `t_ms` is Unix milliseconds, `who` shopper | edge | bus | mqtt | bridge | wechat | board.

    `detail` is what can be unfolded: a frame in hex, a message with its topic. `mark` names the few facts
    that a stopwatch looks for.
    """

    t_ms: float
    who: str
    what: str
    detail: str = ""
    mark: str = ""


class Story:
    """Keeps the newest facts and tells them to whoever listens; a slow listener loses the oldest."""

    def __init__(self) -> None:
        self.facts: list[Fact] = []
        self._listeners: list[asyncio.Queue[Fact]] = []

    def tell(self, fact: Fact) -> None:
        """Add a fact."""
        self.facts.append(fact)
        del self.facts[:-KEPT]
        for listener in self._listeners:
            if listener.full():
                listener.get_nowait()
            listener.put_nowait(fact)

    async def listen(self) -> AsyncIterator[Fact]:
        """Facts from now on."""
        listener: asyncio.Queue[Fact] = asyncio.Queue(WAITING)
        self._listeners.append(listener)
        try:
            while True:
                yield await listener.get()
        finally:
            self._listeners.remove(listener)

    def since(self, t_ms: float) -> list[Fact]:
        """Facts from that moment on, in the order of their clocks."""
        return sorted((fact for fact in self.facts if fact.t_ms >= t_ms), key=lambda fact: fact.t_ms)
