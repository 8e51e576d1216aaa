"""The real application on the real server, and a client that says exactly the bytes it is given."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
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
        return Caller(*await asyncio.open_connection("127.0.0.1", self.port, limit=1 << 24))

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


@dataclass(slots=True)
class Caller:
    """A connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    def send(self, raw: bytes) -> None:
        self.writer.write(raw)

    async def head(self) -> Answer:
        """An answer up to its body."""
        async with asyncio.timeout(WAIT_S):
            first, *lines = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").strip().split("\r\n")
        pairs = (line.split(": ", 1) for line in lines)
        return Answer(int(first.split()[1]), {name.lower(): value for name, value in pairs}, b"")

    async def answer(self) -> Answer:
        """A whole answer with a Content-Length, or none."""
        answer = await self.head()
        async with asyncio.timeout(WAIT_S):
            answer.body = await self.reader.readexactly(int(answer.headers.get("content-length", 0)))
        return answer

    async def line(self) -> str:
        """A line of an event stream that says something; chunk sizes and empty lines are passed over."""
        async with asyncio.timeout(WAIT_S):
            while True:
                line = (await self.reader.readline()).decode()
                assert line, "the stream ended"
                if ":" in line:
                    return line.strip()

    async def closed(self) -> bytes:
        """Everything until the server closes."""
        async with asyncio.timeout(WAIT_S):
            with contextlib.suppress(ConnectionResetError):
                return await self.reader.read()
        return b""


@contextlib.asynccontextmanager
async def site(limits: Limits | None = None, **more: Any) -> AsyncIterator[Site]:
    """Serve on a free port for the time of a test."""
    bridge, log = Bridge(), Lines()
    app = make_app(
        service=bridge, roster=bridge, clock=WallClock(), log=log, notify_path=NOTIFY, limits=limits, **more
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


def request(method: str, path: str, body: bytes = b"", **headers: str) -> bytes:
    """The bytes of a request; `_` in a header's name stands for `-`."""
    heads = {"Host": "127.0.0.1", **{name.replace("_", "-"): value for name, value in headers.items()}}
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in heads.items())]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def notice(body: bytes, **headers: str) -> bytes:
    """The bytes of a notification."""
    return request("POST", NOTIFY, body, **{"Content_Length": str(len(body)), **headers})
