"""A Modbus relay board with flash-on, from the notes on such boards alone (Modbus boards, part B)."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

from hw_sim.boards.adh814 import crc
from hw_sim.boards.answering import AnsweringBoard, Run, Timing
from hw_sim.boards.mechanics import Cabinet

OWN_FAULTS: Final[Mapping[str, str]] = MappingProxyType(
    {"no_flash": "an older board: flash-on is answered with exception 02"}
)


class RelayBoard(AnsweringBoard):
    """`offset` is what a lane's number is above its relay's, counted from 1."""

    def __init__(
        self, cabinet: Cabinet, timing: Timing | None = None, *, address: int = 1, offset: int = 0
    ) -> None:
        super().__init__(cabinet, timing or Timing(turn_ms=700), more=OWN_FAULTS)
        self._address: Final = address
        self._offset: Final = offset

    def requests(self, held: bytes) -> Iterator[tuple[int, bytes]]:
        """Eight bytes with the right CRC."""
        at = 0
        while at + 8 <= len(held):
            raw = held[at : at + 8]
            good = raw[0] == self._address and crc(raw[:-2]) == raw[-2:]
            used = 8 if good else 1
            yield used, raw if good else b""
            at += used

    def answer(self, request: bytes, now_ms: float) -> None:
        """Obey."""
        function, register = request[1], int.from_bytes(request[2:4], "big")
        if function == 0x01:
            self._say(self._coils(count=int.from_bytes(request[4:6], "big")), now_ms)
        elif function == 0x05 and 0x0200 <= register < 0x0300 and not self.faults.on("no_flash"):
            run = self.start(register - 0x0200 + 1 + self._offset, now_ms, sensor=False)
            if run is not None:  # what falls, falls while the contact is closed
                run.ends_ms = now_ms + 100 * int.from_bytes(request[4:6], "big")
                run.falls_ms = (now_ms + run.ends_ms) / 2
            self._say(request[1:6], now_ms)
        elif function == 0x05 and register < 0x0100:
            relay = {register + 1}
            self.cabinet.relays = self.cabinet.relays | relay if request[4] else self.cabinet.relays - relay
            self._say(request[1:6], now_ms)
        else:
            self._say(bytes((function | 0x80, 2)), now_ms)

    def ended(self, run: Run, now_ms: float) -> None:
        """The contact opens again; nobody is told."""

    def woke(self) -> None:
        """All contacts are open."""
        self.cabinet.relays = set()

    def words(self, raw: bytes) -> str:
        """What is done."""
        return {0x01: "contacts?", 0x05: "flash on"}.get(raw[1], f"function {raw[1]:02X}")

    def _coils(self, *, count: int) -> bytes:
        bits = sum(1 << relay - 1 for relay in self.cabinet.relays)
        bits |= 1 << (self.run.lane.number - self._offset - 1) if self.run is not None else 0
        data = bits.to_bytes((count + 7) // 8, "little")
        return bytes((0x01, len(data))) + data

    def _say(self, body: bytes, now_ms: float) -> None:
        whole = bytes((self._address,)) + body
        self.reply(whole + crc(whole), now_ms)
