"""The platform in the test's own loop, somebody who talks HTTP to it, and an address for its notices."""

import asyncio
import io
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from hw_sim.platform.serve import Options, run_platform
from tests.unit.sim_platform.bench import NUMBER, Bench

TIMEOUT_S = 20
CREATE = "/v3/pay/transactions/native"


class Told(io.StringIO):
    """What the platform says on its output; `first` waits for a line."""

    def __init__(self) -> None:
        super().__init__()
        self._news = asyncio.Event()

    def flush(self) -> None:
        self._news.set()

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.getvalue().splitlines()]

    async def first(self, **wanted: Any) -> dict[str, Any]:
        async with asyncio.timeout(TIMEOUT_S):
            while True:
                self._news.clear()
                for line in self.lines():
                    if wanted.items() <= line.items():
                        return line
                await self._news.wait()


@dataclass(slots=True)
class Shop:
    """A merchant's notification address that answers what it is told to, and keeps what came."""

    url: str = ""
    answer: bytes = b"HTTP/1.1 204 No Content\r\n\r\n"
    came: list[tuple[bytes, bytes]] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
            self.came.append((head, await reader.readexactly(length)))
            writer.write(self.answer)
        finally:
            writer.close()


@asynccontextmanager
async def listening(serve: Callable[[Any, Any], Awaitable[None]]) -> AsyncIterator[str]:
    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/notify"


@dataclass(slots=True)
class Served:
    """The running platform, and a bench to sign calls with."""

    port: int
    told: Told
    bench: Bench
    stop: asyncio.Event
    running: asyncio.Task[None]

    async def halt(self) -> None:
        self.stop.set()
        await self.running

    async def raw(self, data: bytes, *, close: bool = False) -> bytes:
        """Send bytes as they are; everything that comes back until the line is closed."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(data)
        if close:
            writer.close()
            return b""
        async with asyncio.timeout(TIMEOUT_S):
            try:
                return await reader.read()
            except ConnectionError:
                return b""
            finally:
                writer.close()

    async def http(self, method: str, target: str, body: bytes = b"", **headers: str) -> tuple[int, bytes]:
        lines = [
            f"{method} {target} HTTP/1.1",
            "Host: x",
            "Connection: close",
            f"Content-Length: {len(body)}",
        ]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        whole = await self.raw("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body)
        head, _, rest = whole.partition(b"\r\n\r\n")
        return int(head.split()[1]) if head else 0, rest

    async def signed(self, method: str, target: str, body: bytes = b"") -> tuple[int, bytes]:
        headers = {"Accept": "application/json", "User-Agent": "x", "Content-Type": "application/json"}
        claim = self.bench.authorization(method, target, body)
        return await self.http(method, target, body, Authorization=claim, **headers)

    async def order(self, number: str = NUMBER, **changed: Any) -> tuple[int, bytes]:
        body = json.dumps(self.bench.order_body(number, **changed)).encode()
        return await self.signed("POST", CREATE, body)

    async def desk(self, name: str, /, **wish: Any) -> Any:
        status, body = await self.http("POST", f"/_sim/{name}", json.dumps(wish).encode())
        assert status == 200, body
        return json.loads(body)


@asynccontextmanager
async def started(options: Options, bench: Bench) -> AsyncIterator[Served]:
    stop, told = asyncio.Event(), Told()
    running = asyncio.create_task(run_platform(options, told, stop))
    ready = await told.first(event="ready")
    served = Served(int(ready["url"].rpartition(":")[2]), told, bench, stop, running)
    yield served
    await served.halt()
