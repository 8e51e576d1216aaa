"""A keypad beside a machine whose board has none: keys in ASCII on a serial line of their own."""

import asyncio
from typing import Final

from edge.drivers.serial_port import Listener
from hw_sim.world.loop import Host, WorldLoop

_KEY_S: Final = 0.01


class Keys:
    """`press` is the shopper's side, `plug` the daemon's. Nothing is kept for a port that nobody opened."""

    def __init__(self, loop: WorldLoop) -> None:
        self._loop: Final = loop
        self._port: KeyPort | None = None

    def plug(self, host: Host) -> "KeyPort":
        """The port as a daemon of this host sees it; an older one hears nothing any more."""
        self._port = KeyPort(host)
        return self._port

    def press(self, lane: int) -> None:
        """Key a number and enter it; 0: cancel."""
        if self._port is not None:
            said = f"{lane}#".encode() if lane else b"*"
            self._loop.on(self._port.host, _KEY_S, self._port.hear, said)


class KeyPort:
    """Implements `edge.drivers.serial_port.Transport`."""

    def __init__(self, host: Host) -> None:
        self.host: Final = host
        self._life: Final = host.life
        self._listener: Listener | None = None

    async def serve(self, listener: Listener) -> None:
        """Open, and stay open until cancelled."""
        self._listener = listener
        listener.on_opened()
        await asyncio.Event().wait()

    def write(self, data: bytes) -> None:
        """A keypad is told nothing."""

    def discard_input(self) -> None:
        """Nothing waits here unread."""

    def hear(self, data: bytes) -> None:
        """Keys."""
        if self._listener is not None and self._life == self.host.life:
            self._listener.on_data(data)
