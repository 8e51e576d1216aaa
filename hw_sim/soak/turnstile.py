"""Turnstiles between a bridge and what it calls: units pass one by one, until the one at which somebody dies.

A unit is what leaves the program at once: an HTTP request, an answer to one, a record of TLS, which is a
packet of MQTT that nobody on the way can read. The unit at which somebody dies goes nowhere.
"""

import asyncio
import contextlib
import re
import tomllib
from collections.abc import Awaitable, Callable
from typing import Any, Final, Self

_HOST: Final = "127.0.0.1"
_APPLICATION_DATA: Final = 23  # RFC 8446 §5.1
_LENGTH: Final = re.compile(rb"(?i)\r\ncontent-length: *(\d+)\r\n")

Unit = Callable[[asyncio.StreamReader], Awaitable[bytes]]


class Turnstile:
    """Passes on what comes to `port` to port `to`, and back; `out` and `back` are the names of the units."""

    def __init__(self, unit: Unit, *, out: str, back: str = "") -> None:
        self.port = 0
        self.to = 0
        self.names: Final = (out, back)
        self._unit: Final = unit
        self._armed, self._left = "", 0
        self._strike: Callable[[], None] = lambda: None
        self._talks: Final[set[asyncio.Task[Any]]] = set()
        self._server: asyncio.Server | None = None

    def arm(self, name: str, k: int, strike: Callable[[], None]) -> None:
        """Call `strike` when the `k`-th unit from now on is here, and hold that one back."""
        self._armed, self._left, self._strike = name, k, strike

    def disarm(self) -> None:
        """Let everything pass."""
        self._armed = ""

    async def open(self) -> None:
        """Listen."""
        self._server = await asyncio.start_server(self._meet, _HOST, 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Cut off everybody."""
        assert self._server is not None
        self._server.close()
        for talk in tuple(self._talks):
            talk.cancel()
        await asyncio.gather(*self._talks, return_exceptions=True)

    async def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talk = asyncio.current_task()
        assert talk is not None
        self._talks.add(talk)
        talk.add_done_callback(self._talks.discard)
        with contextlib.closing(writer), contextlib.suppress(OSError):
            far_reader, far_writer = await asyncio.open_connection(_HOST, self.to)
            with contextlib.closing(far_writer):
                out, back = self.names
                ways = ((out, reader, far_writer), (back, far_reader, writer))
                tasks = [asyncio.ensure_future(self._carry(*way)) for way in ways]
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    async def _carry(self, name: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while True:
                unit = await self._unit(reader)
                if self._falls(name, unit):
                    return
                writer.write(unit)
                await writer.drain()

    def _falls(self, name: str, unit: bytes) -> bool:
        handshake = self._unit is tls_record and unit[0] != _APPLICATION_DATA
        if not self._armed or name != self._armed or handshake:
            return False
        self._left -= 1
        if self._left:
            return False
        self._armed = ""
        self._strike()
        return True


async def http_message(reader: asyncio.StreamReader) -> bytes:
    """The next whole request or answer. Raises asyncio.IncompleteReadError at the end."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = _LENGTH.search(head)
    return head + await reader.readexactly(int(length[1]) if length else 0)


async def tls_record(reader: asyncio.StreamReader) -> bytes:
    """The next whole record. Raises asyncio.IncompleteReadError at the end."""
    head = await reader.readexactly(5)
    return head + await reader.readexactly(int.from_bytes(head[3:]))


class Turnstiles:
    """One before the payment platform, `call` and `answer`, and one before the broker, `publish`.

    Inside `async with` they are open; give `rewrite` to a Cast.
    """

    def __init__(self) -> None:
        self._platform: Final = Turnstile(http_message, out="call", back="answer")
        self._broker: Final = Turnstile(tls_record, out="publish")

    async def __aenter__(self) -> Self:
        for each in (self._platform, self._broker):
            await each.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        for each in (self._platform, self._broker):
            await each.close()

    def rewrite(self, name: str, text: str) -> str:
        """Set the bridge's way through both; other files stay."""
        if name != "bridge.toml":
            return text
        settings = tomllib.loads(text)
        url, self._broker.to = settings["wechat"]["base_url"], settings["mqtt"]["port"]
        self._platform.to = int(url.rpartition(":")[2])
        text = text.replace(f'base_url = "{url}"', f'base_url = "http://{_HOST}:{self._platform.port}"')
        return text.replace(f"\nport = {self._broker.to}\n", f"\nport = {self._broker.port}\n")

    def of(self, name: str) -> Turnstile:
        """The one that counts these."""
        return self._broker if name in self._broker.names else self._platform
