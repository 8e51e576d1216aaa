"""The way of a message from the network's thread into the event loop, with a bound on what waits."""

import asyncio
import threading
from collections import deque

from wire.inbound import Inbound


class Inbox:
    """At most `limit` messages between thread and consumer, wherever on the way they are."""

    def __init__(self, limit: int) -> None:
        self._places = threading.Semaphore(limit)
        self._waiting: deque[Inbound] = deque()
        self._arrived = asyncio.Event()
        self.overflowed = 0

    def reserve(self) -> bool:
        """From the network's thread, before `put` is posted to the loop: True when there is a place."""
        if self._places.acquire(blocking=False):
            return True
        self.overflowed += 1
        return False

    def put(self, inbound: Inbound) -> None:
        """In the loop: take the reserved place."""
        self._waiting.append(inbound)
        self._arrived.set()

    async def take(self) -> Inbound:
        """In the loop: wait for the oldest message and free its place."""
        while not self._waiting:
            self._arrived.clear()
            await self._arrived.wait()
        self._places.release()
        return self._waiting.popleft()
