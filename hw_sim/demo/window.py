"""What the programs of a demo say, gathered: the story, the machine's newest states, and a bell for both."""

import asyncio
import contextlib
import json
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, TypeVar

from hw_sim.demo.children import Line
from hw_sim.demo.story import Fact, Story
from hw_sim.demo.telling import fact_of, fact_of_message
from wire.inbound import Inbound
from wire.topics import BadTopic, Branch, parse

T = TypeVar("T")

_LOOK_EVERY_S: Final = 0.05


class Window:
    """`states` has the newest of each retained `state/` topic; `heard` is told the program and its line.

    `letters` has the newest message of each kind that went to a machine.
    """

    def __init__(self) -> None:
        self.story: Final = Story()
        self.states: Final[dict[str, Mapping[str, Any]]] = {}
        self.letters: Final[dict[str, Inbound]] = {}
        self.heard: Callable[[str, Line], None] = lambda program, line: None
        self._news: Final = asyncio.Event()

    def take_line(self, program: str, line: Line) -> None:
        """A program wrote a line."""
        self._tell(fact_of(program, line))
        self.heard(program, line)
        self._news.set()

    def take_message(self, inbound: Inbound, t_ms: float) -> None:
        """A message came by on the broker; whoever is on this computer may have sent it."""
        with contextlib.suppress(BadTopic, ValueError, RecursionError):
            topic = parse(inbound.topic)
            if topic.branch is Branch.STATE:
                state = json.loads(inbound.payload)
                self.states[topic.kind] = state if isinstance(state, dict) else {}
            elif not inbound.retained:
                if topic.branch is Branch.DOWN:
                    self.letters[topic.kind] = inbound
                self._tell(fact_of_message(topic, inbound.payload, t_ms))
            self.heard("mqtt", {"topic": inbound.topic})
            self._news.set()

    async def until(self, what: str, look: Callable[[], T | None], timeout_s: float) -> T:
        """Look after each piece of news, and now and then, until there is something. Raises TimeoutError."""
        try:
            async with asyncio.timeout(timeout_s):
                while (found := look()) is None:
                    self._news.clear()
                    await _at_most(_LOOK_EVERY_S, self._news.wait())
                return found
        except TimeoutError as error:
            raise TimeoutError(f"waited {timeout_s:g} s for {what}") from error

    def _tell(self, fact: Fact | None) -> None:
        if fact is not None:
            self.story.tell(fact)


def now_ms() -> float:
    """Unix milliseconds, of the clock that all programs here share."""
    return time.time_ns() / 1e6


async def _at_most(seconds: float, wait: Awaitable[object]) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(wait, seconds)
