"""A TCN spring board, from the notes on its protocol alone (TCN protocols, part A).

host: board, command, parameter, each followed by its complement; board: number, 5D or 5C, code, data, SUM8
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

from hw_sim.boards.answering import AnsweringBoard, Run, Timing
from hw_sim.boards.mechanics import Cabinet

OWN_FAULTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "sensor_fault": "the drop sensor shows no change (02): self-check and vends with it fail",
        "over_current": "the motor is shorted (30)",
        "seen_with_fault": "a fault is told although the product was seen (data AA)",
        "probe_open": "no temperature probe (EB)",
    }
)
_NAMES: Final = {0x64: "sensor check", 0xDC: "temperature?", 0xDD: "light", 0xDF: "door?"}
_SHORT, _OPEN, _TOO_LONG, _SENSOR, _UNSEEN = 0x30, 0x40, 0x50, 0x02, 0x00


class TcnBoard(AnsweringBoard):
    """`offset` is what a lane's number is above its channel's."""

    def __init__(
        self, cabinet: Cabinet, timing: Timing | None = None, *, number: int = 0, offset: int = 0
    ) -> None:
        super().__init__(cabinet, timing, more=OWN_FAULTS)
        self._number: Final = number
        self._offset: Final = offset

    def requests(self, held: bytes) -> Iterator[tuple[int, bytes]]:
        """Six bytes, each second the complement of the first."""
        at = 0
        while at < len(held):
            raw = held[at : at + 6]
            if held[at] == self._number and len(raw) < 6:
                break
            good = raw[0] == self._number and all(raw[i] ^ raw[i + 1] == 0xFF for i in (0, 2, 4))
            used = 6 if good else 1
            yield used, raw if good else b""
            at += used

    def answer(self, request: bytes, now_ms: float) -> None:
        """Obey."""
        command, parameter = request[2], request[4]
        match command:
            case _ if 1 <= command <= 0x63:
                self._dispense(command, sensor=parameter == 0xAA, now_ms=now_ms)
            case 0x64:
                broken = self.faults.on("sensor_fault")
                self._say(now_ms, 0x5C if broken else 0x5D, _SENSOR if broken else 0, after_ms=200)
            case 0xDC:
                probe = 0xEB if self.faults.on("probe_open") else self.cabinet.temperature_c % 256
                self._say(now_ms, 0x5D, probe, 0xEB)
            case 0xDD:
                self.cabinet.light = parameter == 0xAA
                self._say(now_ms, 0x5D, 0)
            case 0xCE:
                self.cabinet.target_c = parameter
                self._say(now_ms, 0x5D, 0)
            case 0xDF:
                self._say(now_ms, 0x5D, 0 if self.cabinet.door_open else 1)
            case _ if 0x78 < command < 0xC9:
                lane = self.cabinet.lanes.get(command - 0x78 + self._offset)
                self._say(now_ms, 0x5D if lane is not None and lane.motor else 0x5C, 0)
            case _:
                self._say(now_ms, 0x5D, 0)

    def ended(self, run: Run, now_ms: float) -> None:
        """The answer to the start, and the only word about it there will ever be."""
        seen = 0xAA if run.sensor and run.seen else 0
        if self.faults.strikes("over_current"):
            self._say(now_ms, 0x5C, _SHORT)
        elif not run.turn.stops:
            self._say(now_ms, 0x5C, _TOO_LONG)
        elif self.faults.strikes("seen_with_fault"):
            self._say(now_ms, 0x5C, _TOO_LONG, seen)
        else:
            self._say(now_ms, 0x5D, _UNSEEN, seen)

    def woke(self) -> None:
        """Nothing is remembered anyway."""

    def words(self, raw: bytes) -> str:
        """The command's name."""
        if len(raw) == 5:
            return "done" if raw[1] == 0x5D else f"fault {raw[2]:02X}"
        return "dispense" if raw[2] <= 0x63 else _NAMES.get(raw[2], "setting or query")

    def _dispense(self, channel: int, *, sensor: bool, now_ms: float) -> None:
        if self.run is not None:
            return  # it does not listen while a motor turns
        if sensor and self.faults.on("sensor_fault"):
            self._say(now_ms, 0x5C, _SENSOR)
        elif self.start(channel + self._offset, now_ms, sensor=sensor) is None:
            self._say(now_ms, 0x5C, _OPEN)

    def _say(self, now_ms: float, kind: int, code: int, data: int = 0, *, after_ms: float = 0) -> None:
        body = bytes((self._number, kind, code, data))
        self.reply(body + bytes((sum(body) % 256,)), now_ms, after_ms=after_ms)
