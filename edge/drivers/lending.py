"""A port that can be lent: closed while somebody else works at the bus, opened again afterwards.

To the driver a lent port is an adapter that was pulled out: it tells that the bus is down, sends nothing, and
identifies the board anew when the port is back. Two never talk at once: the port is closed before it is lent,
and the lock on the device keeps us out for as long as the borrower has it open.
"""

import asyncio
from typing import Final

from edge.drivers.serial_port import Listener, Transport


class LendablePort:
    """Implements `Transport` over the port that it is given."""

    def __init__(self, port: Transport) -> None:
        self._port: Final = port
        self._lent: Final = asyncio.Event()
        self._ours: Final = asyncio.Event()
        self._closed: Final = asyncio.Event()
        self._ours.set()
        self._closed.set()

    async def lend(self) -> None:
        """Close the port; returns when the device and its lock are free."""
        self._ours.clear()
        self._lent.set()
        await self._closed.wait()

    def take_back(self) -> None:
        """Open it again as soon as nobody else has it. Harmless when it was not lent."""
        self._lent.clear()
        self._ours.set()

    async def serve(self, listener: Listener) -> None:
        """Keep the port open until cancelled, but for the times when it is lent. Raises BusBroken."""
        while True:
            await self._ours.wait()
            self._closed.clear()
            try:
                await self._until_lent(listener)
            finally:
                self._closed.set()
            listener.on_lost("lent")

    async def _until_lent(self, listener: Listener) -> None:
        serving = asyncio.create_task(self._port.serve(listener), name="bus.line")
        lent = asyncio.create_task(self._lent.wait(), name="bus.lent")
        try:
            await asyncio.wait({serving, lent}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            serving.cancel()
            lent.cancel()
            await asyncio.wait({serving, lent})
        if not serving.cancelled():
            serving.result()  # it ends by itself only with what broke it

    def write(self, data: bytes) -> None:
        """Write at once; while it is lent, nothing is written."""
        if not self._closed.is_set():
            self._port.write(data)

    def discard_input(self) -> None:
        """Drop what has arrived and was not read yet."""
        if not self._closed.is_set():
            self._port.discard_input()
