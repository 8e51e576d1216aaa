"""A keypad on a serial port of its own, for boards that have none: digits, `#` to enter, `*` to cancel."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edge.drivers.limits import LANES, expect_range, expect_types
from edge.drivers.serial_port import Transport
from edge.ports import BusEvent, CancelPressed, Clock, KeyPressed

FORGET_MS: Final = 8_000  # a number that was begun and left is nobody's any more
_MOST_DIGITS: Final = len(str(LANES[1]))
_ENTER: Final = b"#\r\n"
_CANCEL: Final = b"*\x1b\x08\x7f"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeypadSettings:
    """Where the keypad is. It sends what is printed on its keys, in ASCII."""

    port: Path
    baud: int = 9_600

    def __post_init__(self) -> None:
        expect_types(self)
        expect_range("baud", self.baud, low=1200, high=921_600)


class Keypad:
    """Turns keys into what a shopper wants."""

    def __init__(self, clock: Clock, port: Transport) -> None:
        self._clock: Final = clock
        self._port: Final = port
        self._post: Callable[[BusEvent], None] | None = None
        self._digits = ""
        self._last_ms = 0

    async def run(self, post: Callable[[BusEvent], None]) -> None:
        """Serve until cancelled. Raises BusBroken when the port's path is no serial port."""
        self._post = post
        await self._port.serve(self)

    def on_opened(self) -> None:
        """Nothing was begun."""
        self._digits = ""

    def on_lost(self, why: str) -> None:
        """The port is gone; `why` is in the log. It is opened again by itself."""
        self._digits = ""

    def on_data(self, data: bytes) -> None:
        """Keys."""
        now_ms = self._clock.now_ms()
        if now_ms - self._last_ms > FORGET_MS:
            self._digits = ""
        self._last_ms = now_ms
        for key in data:
            self._key(key)

    def _key(self, key: int) -> None:
        if 0x30 <= key <= 0x39:
            self._digits = (self._digits + chr(key))[-_MOST_DIGITS:]
        elif key in _ENTER and self._digits:
            lane, self._digits = int(self._digits), ""
            self._tell(KeyPressed(lane=lane))
        elif key in _CANCEL and self._digits:
            self._digits = ""
        elif key in _CANCEL:
            self._tell(CancelPressed())

    def _tell(self, event: BusEvent) -> None:
        if self._post is not None:
            self._post(event)
