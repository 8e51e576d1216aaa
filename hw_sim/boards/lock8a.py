"""A cabinet lock board of the `8A` family, from the notes on its protocol alone.

CMD board lock FN BCC, BCC the XOR of all before it; a lane is a compartment, and its motor a coil
"""

from collections.abc import Iterator, Mapping
from functools import reduce
from operator import xor
from types import MappingProxyType
from typing import Final

from hw_sim.boards.answering import AnsweringBoard, Run, Timing
from hw_sim.boards.mechanics import Cabinet

OWN_FAULTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "inverted": "the contact says 00 when the door is open",
        "reports": "a change is told unasked (82)",
        "shut_at_once": "the customer shuts the door at once",
    }
)
_NAMES: Final = {0x8A: "open", 0x80: "state?", 0x82: "changed", 0x90: "open several"}


class Lock8aBoard(AnsweringBoard):
    """`offset` is what a lane's number is above its lock's. Each compartment holds one thing at a time."""

    def __init__(
        self, cabinet: Cabinet, timing: Timing | None = None, *, address: int = 1, offset: int = 0
    ) -> None:
        super().__init__(cabinet, timing or Timing(turn_ms=700), more=OWN_FAULTS)
        self._address: Final = address
        self._offset: Final = offset
        self.open: Final[set[int]] = set()
        self._asked = 0

    def shut(self, lane: int) -> None:
        """The customer has taken his thing and shut the door."""
        self.open.discard(lane)

    def key(self, lane: int) -> None:
        """Whoever wants something shuts the door that he finds open first."""
        self.shut(lane)

    def requests(self, held: bytes) -> Iterator[tuple[int, bytes]]:
        """Five bytes with the right check."""
        at = 0
        while at + 5 <= len(held):
            raw = held[at : at + 5]
            good = raw[0] in _NAMES and raw[1] == self._address and reduce(xor, raw) == 0
            used = 5 if good else 1
            yield used, raw if good else b""
            at += used

    def answer(self, request: bytes, now_ms: float) -> None:
        """Obey."""
        command, _, lock, _, _ = request
        lane = lock + self._offset
        if command == 0x80:
            self._say(command, lock, now_ms)
        elif command == 0x8A and self.run is None and self.start(lane, now_ms, sensor=True) is None:
            self._say(command, lock, now_ms, after_ms=self.timing.turn_ms)

    def fell(self, run: Run) -> None:
        """The door springs open in the pulse, whatever becomes of the board then."""
        if run.seen:
            self.open.add(run.lane.number)

    def ended(self, run: Run, now_ms: float) -> None:
        """The pulse is over."""
        lane = run.lane.number
        self._say(0x8A, lane - self._offset, now_ms)
        if run.seen and self.faults.on("reports"):
            self._say(0x82, lane - self._offset, now_ms, after_ms=10)
        if self.faults.strikes("shut_at_once"):
            self.shut(lane)

    def woke(self) -> None:
        """A door stays as it is."""

    def words(self, raw: bytes) -> str:
        """The command's name."""
        return _NAMES.get(raw[0], "unknown")

    def _say(self, command: int, lock: int, now_ms: float, *, after_ms: float = 0) -> None:
        is_open = lock + self._offset in self.open
        feedback = 0x11 if is_open != self.faults.on("inverted") else 0x00
        body = bytes((command, self._address, lock, feedback))
        self.reply(body + bytes((reduce(xor, body),)), now_ms, after_ms=after_ms)
