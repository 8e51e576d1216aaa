"""The event stream: facts as they happen and machines as they change, for pages and programs that look on."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Final

from fastapi.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from cloud_bridge.core.people import Person
from cloud_bridge.ports import Changes, Clock, Fact, Roster, Service
from cloud_bridge.web.answers import NO_STORE, encode, failure
from cloud_bridge.web.limits import Limits
from cloud_bridge.web.rows import as_list, row
from cloud_bridge.web.speaker import Speaker

ABOUT: Final = (
    "Server-sent events. `hello`: `{wall_ms}`, the bridge's clock. `fact`: one line of a timeline as it "
    "happens. `machine`: a machine as `/api/machines` has it, when it changes. A comment now and then shows "
    "that the line is alive. A slow reader loses the oldest facts, then the line: read `/api/sales` again "
    "after each `hello`. `of` asks for less: `facts` alone, or `rows` beside them, a few members of many "
    "machines in one event, as the fleet's page draws them in `language`; `machine` for news of one alone."
)
AGAIN_MS: Final = 2000
# For a page, changes of so long a time travel together: no eye sees it, and the page draws once for all.
TOGETHER_S: Final = 0.15


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What somebody looks at. `of` empty: facts and machines. `language` is for rows."""

    of: str = ""
    machine: str = ""
    language: str = ""

    def shows(self, asking: Person, machine: str) -> bool:
        """Whether news of this machine are wanted, and his to see."""
        return (not self.machine or self.machine == machine) and asking.sees(machine)


class Events:
    """Gives one stream for each onlooker, so many at a time."""

    def __init__(self, *, service: Service, roster: Roster, clock: Clock, limits: Limits) -> None:
        self._service: Final = service
        self._roster: Final = roster
        self._clock: Final = clock
        self._limits: Final = limits
        self._open = 0

    def stream(self, asking: Person, look: Look) -> Response:
        """A stream until its reader is gone: of what is his to see."""
        return _Stream(self, asking, look)

    async def send(self, asking: Person, look: Look, scope: Scope, receive: Receive, send: Send) -> None:
        """As `stream`, for whoever asked so."""
        if self._open >= self._limits.streams:
            await self._full()(scope, receive, send)
            return
        self._open += 1
        try:
            headers = NO_STORE | {"X-Accel-Buffering": "no"}
            lines = self._lines(asking, look)
            await StreamingResponse(lines, headers=headers, media_type="text/event-stream")(
                scope, receive, send
            )
        finally:
            self._open -= 1

    def _full(self) -> Response:
        message = f"found {self._open} streams open, allowed {self._limits.streams}. Try: again in a minute"
        return failure(503, "full", message, **{"Retry-After": "60"})

    async def _lines(self, asking: Person, look: Look) -> AsyncIterator[bytes]:
        waiting: dict[asyncio.Task[_News], AsyncIterator[_News]] = {}

        def wait_for(source: AsyncIterator[_News]) -> None:
            waiting[asyncio.create_task(_next(source), name="onlooker")] = source

        try:
            wait_for(self._service.facts())
            if look.of != "facts":
                wait_for(_Together(self._roster.changes(), TOGETHER_S if look.of or look.machine else 0))
            yield f"retry: {AGAIN_MS}\n".encode() + event("hello", {"wall_ms": self._clock.wall_ms()})
            while True:
                done, _ = await asyncio.wait(
                    waiting, timeout=self._limits.heartbeat_s, return_when=asyncio.FIRST_COMPLETED
                )
                if not done:
                    yield b": alive\n\n"
                for task in done:
                    wait_for(waiting.pop(task))
                    for line in self._told(task.result(), asking, look):
                        yield line
        finally:
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)

    def _told(self, news: "_News", asking: Person, look: Look) -> Iterator[bytes]:
        if isinstance(news, Fact):
            if look.shows(asking, news.machine):
                yield event("fact", news)
            return
        wanted = (self._roster.machine(machine) for machine in news if look.shows(asking, machine))
        found = [machine for machine in wanted if machine is not None]
        if look.of == "rows":
            speaker = Speaker(look.language, self._clock.wall_ms())
            if found:
                yield event("rows", [as_list(row(machine, speaker)) for machine in found])
            return
        for machine in found:
            yield event("machine", machine)


class _Stream(Response):
    """An event stream as an answer."""

    def __init__(self, events: Events, asking: Person, look: Look) -> None:
        super().__init__()
        self._events = events
        self._asking = asking
        self._look = look

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._events.send(self._asking, self._look, scope, receive, send)


class _Together(AsyncIterator["_News"]):
    """Machines that changed, and all that change within `wait_s` of the first."""

    def __init__(self, changes: Changes, wait_s: float) -> None:
        self._changes: Final = changes
        self._wait_s: Final = wait_s

    async def __anext__(self) -> "_News":
        first = await anext(self._changes)
        if self._wait_s:
            await asyncio.sleep(self._wait_s)
        return tuple(dict.fromkeys((first, *self._changes.rest())))


_News = Fact | tuple[str, ...]


async def _next(source: AsyncIterator[_News]) -> _News:
    return await anext(source)


def event(name: str, value: object) -> bytes:
    """One event. JSON in ASCII has no line end, so nothing in it can begin another."""
    return f"event: {name}\ndata: ".encode() + encode(value) + b"\n\n"
