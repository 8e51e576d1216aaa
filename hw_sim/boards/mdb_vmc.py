"""A vending machine's own controller on an MDB bus, with a slave adapter between it and the host.

What the machine does comes from the MDB/ICP notes (sections 2 to 5, 8); what crosses the host's port, from
the notes on the adapters. The bus in between, with its 5 ms, is the adapter's affair and is not played here.
"""

import re
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

from hw_sim.boards.answering import NEVER, AnsweringBoard, Run, Timing
from hw_sim.boards.mechanics import Cabinet

OWN_FAULTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "impatient": "a request is cancelled after five seconds",
        "repeats_request": "a request is made twice",
        "no_result": "approved, the motor turns, and neither success nor failure follows",
        "disabled": "the machine does not sell",
    }
)
_REQUEST_MS, _IMPATIENT_MS = 100, 5_000
_AMOUNT: Final = re.compile(r"\d{1,7}(\.\d{1,3})?")


class Vmc(AnsweringBoard):
    """Item numbers are lane numbers. An adapter's half says `tell` and hears `allowed`, `refused`."""

    def __init__(
        self, cabinet: Cabinet, timing: Timing | None = None, *, patience_ms: float = 245_000
    ) -> None:
        super().__init__(cabinet, timing, more=OWN_FAULTS)
        self._patience_ms: Final = patience_ms
        self.asking: int | None = None
        self._request_ms = NEVER
        self._gives_up_ms = NEVER
        self._approved = False

    # ------------------------------------------------------------ what an adapter adds

    @abstractmethod
    def tell(self, what: str, now_ms: float, *, lane: int = 0) -> None:
        """Hand to the host: enabled | request | cancel | success | failure | complete | reset."""

    # ------------------------------------------------------------ the machine

    @property
    def next_ms(self) -> float:
        """It speaks by itself."""
        return min(super().next_ms, self._request_ms, self._gives_up_ms)

    def key(self, lane: int) -> None:
        """A shopper keys a selection; 0 pulls the lever."""
        if not lane:
            self._gives_up_ms = 0 if self.asking is not None and not self._approved else NEVER
        elif self.asking is None and not self.faults.on("disabled"):
            self.asking, self._request_ms, self._approved = lane, 0, False

    def tick(self, now_ms: float) -> list[bytes]:
        """Ask, and lose patience."""
        if not self.powered:
            return []
        if self._request_ms == 0:
            self._request_ms = now_ms + _REQUEST_MS
        if now_ms >= self._request_ms and self.asking is not None:
            self._request_ms = NEVER
            patience = _IMPATIENT_MS if self.faults.strikes("impatient") else self._patience_ms
            self._gives_up_ms = now_ms + patience
            for _ in range(2 if self.faults.strikes("repeats_request") else 1):
                self.tell("request", now_ms, lane=self.asking)
        if now_ms >= self._gives_up_ms and self.asking is not None:
            self._gives_up_ms = NEVER
            self.tell("cancel", now_ms)
        return super().tick(now_ms)

    def allowed(self, now_ms: float) -> None:
        """The host has approved: this is what starts the motor."""
        if self.asking is None or self._approved:
            return
        self._approved, self._gives_up_ms = True, NEVER
        if self.start(self.asking, now_ms, sensor=True) is None:
            self._finish("failure", now_ms)

    def refused(self, now_ms: float) -> None:
        """The host has denied, or answered a cancellation."""
        if self.asking is not None and not self._approved:
            self._rest()
            self.tell("complete", now_ms)

    def ended(self, run: Run, now_ms: float) -> None:
        """Success or failure, and the session is over."""
        if self.faults.strikes("no_result"):
            self._rest()
            return
        self._finish("success" if run.good else "failure", now_ms)

    def woke(self) -> None:
        """Power is back: the reader is reset, what was asked for is forgotten."""
        self._rest()
        now_ms = self.events[-1].t_ms if self.events else 0
        self.tell("reset", now_ms)
        self.tell("enabled", now_ms)

    def price(self, lane: int) -> int:
        """What the machine itself asks for a lane, in fen."""
        return self.cabinet.lanes[lane].price if lane in self.cabinet.lanes else 0

    def _finish(self, what: str, now_ms: float) -> None:
        lane = self.asking or 0
        self._rest()
        self.tell(what, now_ms, lane=lane)
        self.tell("complete", now_ms)

    def _rest(self) -> None:
        self.asking, self._approved = None, False
        self._request_ms = self._gives_up_ms = NEVER


class QibixxVmc(Vmc):
    """The machine behind an adapter that speaks lines of text."""

    _on = False

    def requests(self, held: bytes) -> Iterator[tuple[int, bytes]]:
        """Lines."""
        at = 0
        while (end := held.find(b"\n", at)) >= 0:
            yield end + 1 - at, held[at:end].rstrip(b"\r") or b""
            at = end + 1

    def answer(self, request: bytes, now_ms: float) -> None:
        """Obey."""
        match request.decode("ascii", "replace").split(","):
            case ["V"]:
                self._line("v,4.0.2.0,0123456789", now_ms)
            case ["C", "1"]:
                self._on = True
                for line in ("c,1", "c,STATUS,INACTIVE", "c,STATUS,DISABLED"):
                    self._line(line, now_ms)
                self.tell("enabled", now_ms)
            case ["C", "0"]:
                self._on = False
                self._line("c,0", now_ms)
            case ["C", "SETCONF", _]:
                self._line('c,ERR,"cashless is on"' if self._on else "c,SET,OK", now_ms)
            case ["C", "VEND", amount] if _AMOUNT.fullmatch(amount):
                if self.asking is None:
                    self._line("c,ERR,VEND -3", now_ms)
                    return
                self._line("r,ACK", now_ms)
                self.allowed(now_ms)
            case ["C", "VEND", "-1"] | ["C", "STOP"]:
                self._line("r,ACK" if self.asking is not None else "c,ERR,VEND -3", now_ms)
                self.refused(now_ms)
            case ["C", "START", *_]:
                self._line("c,STATUS,IDLE,655.34", now_ms)
            case _:
                self._line("c,ERR,-1", now_ms)

    def tell(self, what: str, now_ms: float, *, lane: int = 0) -> None:
        """As the adapter's lines."""
        if not self._on:
            return
        lines = {
            "enabled": "" if self.faults.on("disabled") else "c,STATUS,ENABLED",
            "request": f"c,STATUS,VEND,{self.price(lane) / 100:.2f},{lane}",
            "cancel": "c,STATUS,IDLE,0.00",
            "success": "c,VEND,SUCCESS",
            "failure": "c,ERR,VEND 3",
            "complete": "c,STATUS,ENABLED",
            "reset": "c,STATUS,INACTIVE",
        }
        if what == "cancel":  # the adapter denies by itself
            self._rest()
        if lines[what]:
            self._line(lines[what], now_ms)

    def words(self, raw: bytes) -> str:
        """The line itself."""
        return raw.decode("ascii", "replace").strip()

    def _line(self, text: str, now_ms: float) -> None:
        self.reply(text.encode() + b"\n", now_ms)


class WaferstarVmc(Vmc):
    """The machine behind an adapter that hands blocks through, 16-bit money."""

    def requests(self, held: bytes) -> Iterator[tuple[int, bytes]]:
        """A reader's blocks, by their first byte: 03 funds2, 05 amount2, 06, 07, each with its check."""
        at = 0
        while at < len(held):
            length = {0x03: 4, 0x05: 4, 0x06: 2, 0x07: 2}.get(held[at], 1)
            if at + length > len(held):
                break
            raw = held[at : at + length]
            good = length > 1 and sum(raw[:-1]) % 256 == raw[-1]
            used = length if good else 1
            yield used, raw if good else b""
            at += used

    def answer(self, request: bytes, now_ms: float) -> None:
        """Delivered to the machine with its next poll."""
        if request[0] == 0x05:
            self.allowed(now_ms)
        elif request[0] == 0x06:
            self.refused(now_ms)

    def tell(self, what: str, now_ms: float, *, lane: int = 0) -> None:
        """As the machine's blocks."""
        item = lane.to_bytes(2, "big")
        blocks = {
            "enabled": b"\x14\x01",
            "request": b"\x13\x00" + self.price(lane).to_bytes(2, "big") + item,
            "cancel": b"\x13\x01",
            "success": b"\x13\x02" + item,
            "failure": b"\x13\x03",
            "complete": b"\x13\x04",
            "reset": b"\x10",
        }
        raw = blocks[what]
        self.reply(raw + bytes((sum(raw) % 256,)), now_ms)

    def words(self, raw: bytes) -> str:
        """The command's name."""
        names = {0x10: "reset", 0x13: "vend", 0x14: "reader", 0x05: "approved", 0x06: "denied", 0x07: "end"}
        return names.get(raw[0], raw.hex(" "))
