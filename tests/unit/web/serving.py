"""The real application on the real server, and a client that says exactly the bytes it is given."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

from cloud_bridge.web.app import make_app
from cloud_bridge.web.limits import Limits
from cloud_bridge.web.server import serve_web
from tests.unit.web.bridge import Bridge, Lines, WallClock

NOTIFY = "/notify/wechat"
WAIT_S = 10.0


@dataclass(slots=True)
class Site:
    """A served application."""

    bridge: Bridge
    log: Lines
    url: str
    port: int

    async def open(self) -> "Caller":
        return await Caller.call(self.port)

    async def say(self, raw: bytes) -> "Answer":
        """One exchange on a connection of its own."""
        caller = await self.open()
        caller.send(raw)
        return await caller.answer()

    async def get(self, path: str, **headers: str) -> "Answer":
        return await self.say(request("GET", path, b"", **headers))

    async def post(self, body: bytes, **headers: str) -> "Answer":
        return await self.say(notice(body, **headers))


@dataclass(slots=True)
class Answer:
    """Status, headers in lower case, body."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Caller(asyncio.Protocol):
    """A connection. What was heard before a reset counts."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport
        self._heard = b""
        self._gone = False
        self._more = asyncio.Event()

    @classmethod
    async def call(cls, port: int) -> "Caller":
        _, caller = await asyncio.get_running_loop().create_connection(cls, "127.0.0.1", port)
        return caller

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self._heard += data
        self._more.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self._gone = True
        self._more.set()

    def send(self, raw: bytes) -> None:
        self.transport.write(raw)

    async def answer(self) -> Answer:
        """A whole answer with a Content-Length, or none."""
        answer = await self.head()
        size = int(answer.headers.get("content-length", 0))
        await self._until(lambda: len(self._heard) >= size)
        answer.body, self._heard = self._heard[:size], self._heard[size:]
        return answer

    async def head(self) -> Answer:
        """An answer up to its body."""
        first, *lines = (await self._up_to(b"\r\n\r\n")).decode("latin-1").strip().split("\r\n")
        pairs = (line.split(": ", 1) for line in lines)
        return Answer(int(first.split()[1]), {name.lower(): value for name, value in pairs}, b"")

    async def line(self) -> str:
        """A line of an event stream that says something; chunk sizes and empty lines are passed over."""
        while ":" not in (line := (await self._up_to(b"\n")).decode()):
            pass
        return line.strip()

    async def closed(self) -> bytes:
        """Everything until the server closes."""
        async with asyncio.timeout(WAIT_S):
            while not self._gone:
                await self._wait()
        return self._heard

    async def _up_to(self, end: bytes) -> bytes:
        await self._until(lambda: end in self._heard)
        found, _, self._heard = self._heard.partition(end)
        return found

    async def _until(self, enough: Callable[[], bool]) -> None:
        async with asyncio.timeout(WAIT_S):
            while not enough():
                assert not self._gone, f"closed after {self._heard[-200:]!r}"
                await self._wait()

    async def _wait(self) -> None:
        self._more.clear()
        await self._more.wait()


@contextlib.asynccontextmanager
async def site(limits: Limits | None = None, **more: Any) -> AsyncIterator[Site]:
    """Serve on a free port for the time of a test."""
    bridge, log = Bridge(), Lines()
    app = make_app(
        service=bridge,
        roster=bridge,
        trends=bridge,
        looking=bridge,
        clock=WallClock(),
        log=log,
        notify_path=NOTIFY,
        limits=limits,
        **more,
    )
    started: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    serving = asyncio.create_task(serve_web(app, "127.0.0.1", 0, started.set_result, limits))
    try:
        url = await started
        yield Site(bridge, log, url, int(url.rpartition(":")[2]))
    finally:
        serving.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await serving


async def until(true: Callable[[], bool]) -> None:
    """Let others work until something has become true."""
    async with asyncio.timeout(WAIT_S):
        while not true():
            await asyncio.sleep(0)


def request(method: str, path: str, body: bytes = b"", **headers: str) -> bytes:
    """The bytes of a request; `_` in a header's name stands for `-`."""
    heads = {"Host": "127.0.0.1", **{name.replace("_", "-"): value for name, value in headers.items()}}
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in heads.items())]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def notice(body: bytes, **headers: str) -> bytes:
    """The bytes of a notification."""
    return request("POST", NOTIFY, body, **{"Content_Length": str(len(body)), **headers})
