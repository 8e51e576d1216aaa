"""Facts for whoever looks on: bounded, so that a slow reader loses the oldest and never slows the engine."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterable
from typing import Final
from weakref import WeakSet

from cloud_bridge.ports import Fact

_KEPT: Final = 256


class Reader(AsyncIterator[Fact]):
    """One onlooker. It is forgotten when nobody holds it any more."""

    def __init__(self) -> None:
        self._facts: Final[deque[Fact]] = deque(maxlen=_KEPT)
        self._more: Final = asyncio.Event()

    def give(self, fact: Fact) -> None:
        """Add a fact; the oldest goes when there are too many."""
        self._facts.append(fact)
        self._more.set()

    async def __anext__(self) -> Fact:
        while not self._facts:
            self._more.clear()
            await self._more.wait()
        return self._facts.popleft()


class Facts:
    """Publish once, read by many."""

    def __init__(self) -> None:
        self._readers: Final[WeakSet[Reader]] = WeakSet()

    def publish(self, facts: Iterable[Fact]) -> None:
        """Hand these to every reader. Never waits."""
        for fact in facts:
            for reader in self._readers:
                reader.give(fact)

    def read(self) -> Reader:
        """Facts from this call on."""
        reader = Reader()
        self._readers.add(reader)
        return reader
