"""Where facts wait for the engine, and what the shopper sees of them while a slow disk holds it up."""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from edge.core import machine as surroundings
from edge.core.command import LaneProven
from edge.core.machine import Machine
from edge.core.model import Sale, State
from edge.core.screen import Screen
from edge.core.service import ServiceEvent
from edge.ports import BridgeEvent, BusEvent, Clock, Display
from edge.senses import seen

LIMIT: Final = 1_000


@dataclass(frozen=True, slots=True)
class Redraw:
    """The screen may change by time alone."""


@dataclass(frozen=True, slots=True)
class Leaving:
    """The daemon was asked to stop: nothing new begins, a motor that runs is watched to its end."""


Event = BusEvent | BridgeEvent | ServiceEvent | LaneProven | Redraw | Leaving
Done = Callable[[], None] | None


class Mailbox:
    """Facts in the order in which they came, for one reader."""

    def __init__(self) -> None:
        self._waiting: Final[deque[tuple[Event, Done]]] = deque()
        self._filled: Final = asyncio.Event()

    def put(self, event: Event, done: Done) -> None:
        """Raises asyncio.QueueFull."""
        if len(self._waiting) >= LIMIT:
            raise asyncio.QueueFull
        self._waiting.append((event, done))
        self._filled.set()

    async def get(self) -> tuple[Event, Done]:
        """Wait for the next."""
        while not self._waiting:
            self._filled.clear()
            await self._filled.wait()
        return self._waiting.popleft()

    def ahead(self, machine: Machine) -> Machine:
        """The machine as it will be once all that waits was read: its line, its bus, its lanes."""
        for event, _ in self._waiting:
            if not isinstance(event, LaneProven | Redraw | Leaving):
                machine = seen(machine, event)
        return machine


class Front:
    """The screen. It knows what waits in the mailbox, so that no code outlives the news that ends it (I16).

    `ring` is called when the screen changes by time alone.
    """

    def __init__(self, display: Display, clock: Clock, mailbox: Mailbox, ring: Callable[[], None]) -> None:
        self._display: Final = display
        self._clock: Final = clock
        self._mailbox: Final = mailbox
        self._ring: Final = ring
        self._shown: Screen | None = None
        self._wake: asyncio.TimerHandle | None = None

    def draw(self, machine: Machine, sale: Sale | None, *, becomes: Sale | None = None) -> None:
        """Show what follows from the state. `becomes` is what the disk is still writing of some sale."""
        now = self._clock.now_ms()
        if sale is not None and becomes is not None and becomes.sale_id == sale.sale_id:
            sale = _unpayable(sale, now) if becomes.state is not State.OPEN else sale
        ahead = self._mailbox.ahead(machine)
        screen = surroundings.view(ahead, sale, now)
        if screen != self._shown:
            self._shown = screen
            self._display.show(screen)
        if self._wake is not None:
            self._wake.cancel()
        at = surroundings.next_change_ms(ahead, sale, now)
        delay_s = None if at is None else max(0.0, (at - now) / 1000 + 0.005)
        loop = asyncio.get_running_loop()
        self._wake = None if delay_s is None else loop.call_later(delay_s, self._ring)


def _unpayable(sale: Sale, now: int) -> Sale:
    """Its time to pay is over, whatever the row still says."""
    return replace(sale, pay_until_ms=now) if sale.state is State.OPEN else sale
