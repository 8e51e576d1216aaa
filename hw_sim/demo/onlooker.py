"""Somebody who hears everything on the broker and says nothing: the demo's window onto MQTT."""

import random
import time
from collections.abc import Callable
from typing import Final

from wire.broker import BrokerSettings
from wire.inbound import Inbound
from wire.link import Link
from wire.topics import Branch, everything

NAME: Final = "onlooker"

Hear = Callable[[Inbound, float], None]


class Onlooker:
    """Run `run` as a task; `hear` gets each message with the Unix milliseconds of its arrival."""

    def __init__(self, settings: BrokerSettings, hear: Hear) -> None:
        self._hear: Final = hear
        self._link: Final = Link(settings, log=Silence(), on_state=lambda up, why: None, random=random.random)

    async def run(self) -> None:
        """Keep the connection up until cancelled."""
        try:
            await self._link.run()
        finally:
            await self._link.close()

    async def listen(self) -> None:
        """Take messages until cancelled."""
        while True:
            inbound = await self._link.receive()
            self._hear(inbound, time.time_ns() / 1e6)
            self._link.ack(inbound)


def filters() -> tuple[str, ...]:
    """All branches of all machines."""
    return tuple(everything("+", branch) for branch in Branch)


class Silence:
    """A log for those whose own troubles are no part of the story."""

    def info(self, event: str, /, **fields: object) -> None:
        """Say nothing."""

    def warning(self, event: str, /, **fields: object) -> None:
        """Say nothing."""
