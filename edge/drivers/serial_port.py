"""The one file that knows the serial libraries: it opens a port, moves bytes, and opens it again.

It decides nothing. Bytes are handed over and written in the loop's own callback, with nothing awaited in
between, because a board may wait no longer than 100 ms for an answer.
"""

import asyncio
import logging
import os
import stat
from typing import Any, Final, Protocol

import serial
import serial_asyncio

from edge.core.errors import BusBroken

FIRST_PAUSE_S: Final = 0.25
LONGEST_PAUSE_S: Final = 5.0

log = logging.getLogger(__name__)


class Listener(Protocol):
    """Who lives behind a port. Called on the loop; must not block. What it raises ends `serve`."""

    def on_opened(self) -> None:
        """The port is open, its input was discarded."""

    def on_data(self, data: bytes) -> None:
        """Bytes arrived."""

    def on_lost(self, why: str) -> None:
        """The port could not be opened, or has gone; it will be tried again."""


class Transport(Protocol):
    """What a driver may do with its port."""

    async def serve(self, listener: Listener) -> None:
        """Keep the port open until cancelled. Raises BusBroken when the path is no serial port."""

    def write(self, data: bytes) -> None:
        """Write at once; bytes that the line cannot take now are dropped, they would be too late."""

    def discard_input(self) -> None:
        """Drop what has arrived and was not read yet."""


class SerialPort:
    """A serial port by path, 8N1, opened exclusively: a second program is refused by the lock."""

    def __init__(self, path: str, *, baud: int) -> None:
        self._path = path
        self._baud = baud
        self._line: _Line | None = None

    async def serve(self, listener: Listener) -> None:
        """Keep the port open until cancelled. Raises BusBroken when the path is no serial port."""
        pause_s = FIRST_PAUSE_S
        while True:
            try:
                self._line = await self._open(listener)
            except OSError as error:  # pyserial's own exception is one, too
                self._refuse_what_is_no_port(error)
                why = str(error)
            else:
                pause_s = FIRST_PAUSE_S
                why = await self._serve_open(self._line, listener)
            log.warning("bus.port_lost port=%s why=%r", self._path, why)
            listener.on_lost(why)
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)

    def write(self, data: bytes) -> None:
        """Write at once; bytes that the line cannot take now are dropped, they would be too late."""
        if self._line is not None:
            self._line.write(data)

    def discard_input(self) -> None:
        """Drop what has arrived and was not read yet."""
        if self._line is not None:
            self._line.discard_input()

    async def _open(self, listener: Listener) -> "_Line":
        line = _Line(listener)
        # `exclusive` locks the port against every program that locks. TIOCEXCL would outlive a killed
        # process wherever somebody else holds the other end, as on a pseudo-terminal.
        await serial_asyncio.create_serial_connection(
            asyncio.get_running_loop(), lambda: line, self._path, baudrate=self._baud, exclusive=True
        )
        return line

    async def _serve_open(self, line: "_Line", listener: Listener) -> str:
        try:
            line.discard_input()
            log.info("bus.port_open port=%s baud=%d", self._path, self._baud)
            listener.on_opened()
            return await asyncio.shield(line.lost)
        finally:
            self._line = None
            await line.close()

    def _refuse_what_is_no_port(self, error: OSError) -> None:
        """A missing path may be an unplugged adapter; another kind of file never becomes a port."""
        try:
            mode = os.stat(self._path).st_mode
        except OSError:
            return
        if not stat.S_ISCHR(mode):
            raise BusBroken(
                f"port: {self._path} is not a serial port; give a device such as /dev/ttyUSB0"
            ) from error


class _Line(asyncio.Protocol):
    """One opening of the port, until it is lost."""

    def __init__(self, listener: Listener) -> None:
        self.lost: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._gone = asyncio.Event()
        self._listener = listener
        self._transport: Any = None
        self._port: serial.Serial | None = None

    def connection_made(self, transport: Any) -> None:
        self._transport, self._port = transport, transport.serial

    def data_received(self, data: bytes) -> None:
        try:
            self._listener.on_data(data)
        except Exception as error:  # a callback has no task to fail: hand the error to the one that serves
            self._lose(error)

    def connection_lost(self, exc: Exception | None) -> None:
        self._port = None
        self._lose(str(exc or "closed"))
        self._gone.set()

    def write(self, data: bytes) -> None:
        if self._port is None:
            return
        try:
            written = os.write(self._port.fileno(), data)
        except BlockingIOError:
            written = 0
        except OSError as error:
            self._lose(str(error))
            return
        if written < len(data):
            log.warning("bus.write_cut wanted=%d written=%d", len(data), written)

    def discard_input(self) -> None:
        if self._port is not None:
            self._port.reset_input_buffer()

    async def close(self) -> None:
        """Close and wait until the descriptor and its lock are free."""
        if self._transport is None:
            return
        if not self._transport.is_closing():  # the library cannot stand a second end
            self._transport.abort()
        await self._gone.wait()

    def _lose(self, why: str | Exception) -> None:
        if self.lost.done():
            return
        if isinstance(why, Exception):
            self.lost.set_exception(why)
        else:
            self.lost.set_result(why)
