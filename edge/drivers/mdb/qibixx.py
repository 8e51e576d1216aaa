"""Adapters of the Qibixx kind: the MDB reader lives in the adapter, the host reads and writes lines of text.

Settings are lost when the adapter loses power, so each start sends them all, while the reader is off (Qibixx
ASCII protocol, part A).
"""

import re
from typing import Any, Final

from edge.drivers.mdb.cashless import (
    Answered,
    Asked,
    Cancelled,
    Disabled,
    Enabled,
    Failed,
    Restarted,
    Succeeded,
)
from edge.drivers.mdb.settings import QibixxSettings
from edge.drivers.talk import Ask, Talk

REPLY_MS: Final = 1_000
LONGEST: Final = 200
_AMOUNT: Final = re.compile(r"\d{1,7}(\.\d{1,3})?")
_ITEM: Final = re.compile(r"\d{1,5}")
_SAID: Final = {
    "c,1": Answered(True),
    "c,0": Answered(True),
    "c,STATUS,ONLINE": Answered(True),
    "c,STATUS,OFFLINE": Answered(True),
    "c,SET,OK": Answered(True),
    "c,STATUS,INACTIVE": Restarted(),
    "c,STATUS,DISABLED": Disabled(),
    "c,STATUS,ENABLED": Enabled(),
    "c,VEND,SUCCESS": Succeeded(),
    "c,ERR,VEND 3": Failed(),
}


class Lines:
    """Finds lines and what they say; counts the lines that say nothing known as skipped bytes."""

    def __init__(self, decimal_places: int) -> None:
        self._places: Final = decimal_places
        self._held = ""
        self.frames = 0
        self.bad_checks = 0
        self.skipped_bytes = 0

    def expect(self, request: bytes) -> None:
        """Lines need no hint."""

    def feed(self, data: bytes) -> list[Any]:
        """The facts that these bytes complete. A line has no check: what is not known is dropped."""
        self._held += data.decode("ascii", "replace")
        *lines, self._held = re.split(r"[\r\n]+", self._held)
        if len(self._held) > LONGEST:
            self.forget()
        found = []
        for line in filter(None, lines):
            fact = said(line, self._places)
            if fact is None:
                self.skipped_bytes += len(line)
            else:
                self.frames += 1
                found.append(fact)
        return found

    def forget(self) -> None:
        """Drop what was begun."""
        self.skipped_bytes += len(self._held)
        self._held = ""


def said(line: str, decimal_places: int) -> Any | None:
    """What a line of the adapter means; None for one that is not known."""
    if line in _SAID:
        return _SAID[line]
    match line.split(","):
        case ["c", "STATUS", "VEND", price, item] if _AMOUNT.fullmatch(price) and _ITEM.fullmatch(item):
            units = _units(price, decimal_places)
            return Asked(units, int(item)) if units is not None else None
        case ["c", "STATUS", "IDLE", *_]:
            return Cancelled()  # back in the session: where nothing was approved, the request is gone
        case ["c", "ERR", *_]:
            return Answered(False)
        case ["v", *_] | ["h", *_]:
            return Answered(True)
    return None


def _units(text: str, decimal_places: int) -> int | None:
    """A decimal text in the machine's units; None when it has more places than they."""
    whole, _, part = text.partition(".")
    if len(part.rstrip("0")) > decimal_places:
        return None
    return int(whole + part.rstrip("0").ljust(decimal_places, "0"))


class Qibixx:
    """Implements `edge.drivers.mdb.cashless.Adapter`."""

    name = "mdb-qibixx"
    starts_off = True

    def __init__(self, settings: QibixxSettings) -> None:
        self._settings: Final = settings

    def decoder(self) -> Lines:
        """A new one, for one opening of the port."""
        return Lines(self._settings.decimal_places)

    def start(self) -> Talk[str | None]:
        """Off, settings, on; then the machine has to find its reader, and enables it."""
        yield _line("C,0")
        for name, value in self._wanted():
            heard = yield _line(f"C,SETCONF,{name}={value}")
            if not isinstance(heard.frame, Answered):
                return None
        heard = yield _line("C,1")
        return "Qibixx adapter" if heard.frame is not None else None

    def is_there(self) -> Talk[bool]:
        """Ask for its version."""
        heard = yield _line("V")
        return heard.frame is not None

    def begin(self) -> bytes:
        """The largest credit: the machine lets the customer choose."""
        return _bytes(f"C,START,{self._amount(0xFFFE)}")

    def approve(self, price: int) -> bytes:
        """Exactly what was asked."""
        return _bytes(f"C,VEND,{self._amount(price)}")

    def deny(self) -> bytes:
        """As documented; a session that stands goes on."""
        return _bytes("C,VEND,-1")

    def end(self) -> bytes:
        """The adapter ends sessions itself."""
        return b""

    def _wanted(self) -> tuple[tuple[str, str], ...]:
        settings = self._settings
        return (
            ("mdb-addr", f"0x{settings.address:02x}"),
            ("mdb-currency-code", f"0x{settings.currency:04x}"),
            ("mdb-decimal-places", str(settings.decimal_places)),
            ("mdb-scale-factor", str(settings.scale)),
            ("mdb-timeout-vend", str(settings.patience_s)),
            ("mdb-always-idle", str(int(not settings.sessions))),
        )

    def _amount(self, units: int) -> str:
        places = self._settings.decimal_places
        digits = str(units).rjust(places + 1, "0")
        return f"{digits[:-places]}.{digits[-places:]}" if places else digits


def _bytes(text: str) -> bytes:
    return text.encode("ascii") + b"\n"


def _line(text: str) -> Ask:
    return Ask(frame=_bytes(text), wait_ms=REPLY_MS, answers=lambda fact: isinstance(fact, Answered))
