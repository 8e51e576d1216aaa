"""A cable between a client and its broker that a test may cut, hold, or speak into."""

import asyncio
import contextlib
from typing import Self


class Cable:
    """Listens on `port` and passes every byte on to `to_port`, until it is told otherwise."""

    def __init__(self, to_port: int) -> None:
        self._to_port = to_port
        self._server: asyncio.Server | None = None
        self._ends: list[tuple[asyncio.StreamWriter, asyncio.StreamWriter]] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._flows = asyncio.Event()
        self._flows.set()
        self.connections = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.cut()

    @property
    def port(self) -> int:
        assert self._server is not None
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    def cut(self) -> None:
        """Both ends are gone, without a word."""
        for pair in self._ends:
            for end in pair:
                end.transport.abort()
        self._ends.clear()

    def hold(self, held: bool) -> None:
        """What the broker says waits in the cable while it is held."""
        self._flows.clear() if held else self._flows.set()

    def inject(self, data: bytes) -> None:
        """Say something in the broker's name."""
        self._ends[-1][0].write(data)

    async def _accept(self, reader: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            back, broker = await asyncio.open_connection("127.0.0.1", self._to_port)
        except OSError:
            client.transport.abort()
            return
        self._ends.append((client, broker))
        for work in (self._carry(reader, broker, held=False), self._carry(back, client, held=True)):
            task = asyncio.ensure_future(work)
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, held: bool) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(1 << 16):
                if held:
                    await self._flows.wait()
                writer.write(data)
                await writer.drain()
        writer.transport.abort()
