"""The cable between a machine and its broker, which can be pulled: then what is on its way waits."""

import asyncio
import contextlib
from typing import Any, Final

_HOST: Final = "127.0.0.1"
_READ: Final = 1 << 16


class Cable:
    """Carries bytes both ways. Neither end notices a pull; whatever they say arrives once it is mended."""

    def __init__(self) -> None:
        self._whole: Final = asyncio.Event()
        self._whole.set()
        self._ends: Final[set[asyncio.StreamWriter]] = set()
        self._talks: Final[set[asyncio.Task[Any]]] = set()
        self._server: asyncio.Server | None = None
        self._broker_port = 0

    async def lay(self, broker_port: int) -> int:
        """The port at which the machine finds the broker from now on."""
        self._broker_port = broker_port
        self._server = await asyncio.start_server(self._connect, _HOST, 0)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    def pull(self) -> None:
        """Let nothing through."""
        self._whole.clear()

    def mend(self) -> None:
        """Let everything through, what was held back first."""
        self._whole.set()

    async def close(self) -> None:
        """Take it away."""
        if self._server is not None:
            self._server.close()
        self.mend()
        for end in tuple(self._ends):
            end.close()
        await asyncio.gather(*self._talks)

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talk = asyncio.current_task()
        assert talk is not None
        self._talks.add(talk)
        talk.add_done_callback(self._talks.discard)
        with contextlib.closing(writer), contextlib.suppress(OSError):
            there, to_there = await asyncio.open_connection(_HOST, self._broker_port)
            ends = {writer, to_there}
            self._ends.update(ends)
            await asyncio.gather(self._carry(reader, to_there), self._carry(there, writer))
            self._ends.difference_update(ends)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(_READ):
                await self._whole.wait()
                writer.write(data)
                await writer.drain()
        writer.close()
