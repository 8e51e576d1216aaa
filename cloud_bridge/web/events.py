"""The event stream: facts as they happen and machines as they change, for pages and programs that look on."""

import asyncio
from collections.abc import AsyncIterator
from typing import Final

from fastapi.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from cloud_bridge.ports import Clock, Fact, Roster, Service
from cloud_bridge.web.answers import NO_STORE, encode, failure
from cloud_bridge.web.limits import Limits

ABOUT: Final = (
    "Server-sent events. `hello`: `{wall_ms}`, the bridge's clock. `fact`: one line of a timeline as it "
    "happens. `machine`: a machine as `/api/machines` has it, when it changes. A comment now and then shows "
    "that the line is alive. A slow reader loses the oldest facts, then the line: read `/api/sales` again "
    "after each `hello`."
)
_AGAIN_MS: Final = 2000


class Events:
    """Gives one stream for each onlooker, so many at a time."""

    def __init__(self, *, service: Service, roster: Roster, clock: Clock, limits: Limits) -> None:
        self._service: Final = service
        self._roster: Final = roster
        self._clock: Final = clock
        self._limits: Final = limits
        self._open = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send a stream until its reader is gone."""
        if self._open >= self._limits.streams:
            await self._full()(scope, receive, send)
            return
        self._open += 1
        try:
            headers = NO_STORE | {"X-Accel-Buffering": "no"}
            stream = StreamingResponse(self._lines(), headers=headers, media_type="text/event-stream")
            await stream(scope, receive, send)
        finally:
            self._open -= 1

    def _full(self) -> Response:
        message = f"found {self._open} streams open, allowed {self._limits.streams}. Try: again in a minute"
        return failure(503, "full", message, **{"Retry-After": "60"})

    async def _lines(self) -> AsyncIterator[bytes]:
        facts, changes = self._service.facts(), self._roster.changes()
        waiting: dict[asyncio.Task[Fact | str], AsyncIterator[Fact | str]] = {}

        def wait_for(source: AsyncIterator[Fact | str]) -> None:
            waiting[asyncio.create_task(_next(source), name="onlooker")] = source

        try:
            wait_for(facts)
            wait_for(changes)
            yield f"retry: {_AGAIN_MS}\n".encode() + event("hello", {"wall_ms": self._clock.wall_ms()})
            while True:
                done, _ = await asyncio.wait(
                    waiting, timeout=self._limits.heartbeat_s, return_when=asyncio.FIRST_COMPLETED
                )
                if not done:
                    yield b": alive\n\n"
                for task in done:
                    wait_for(waiting.pop(task))
                    yield self._told(task.result())
        finally:
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)

    def _told(self, news: Fact | str) -> bytes:
        if isinstance(news, Fact):
            return event("fact", news)
        found = [machine for machine in self._roster.machines() if machine.machine == news]
        return b"".join(event("machine", machine) for machine in found)


async def _next(source: AsyncIterator[Fact | str]) -> Fact | str:
    return await anext(source)


def event(name: str, value: object) -> bytes:
    """One event. JSON in ASCII has no line end, so nothing in it can begin another."""
    return f"event: {name}\ndata: ".encode() + encode(value) + b"\n\n"
