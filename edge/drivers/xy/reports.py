"""What an XY board tells by itself, in the machine's own words, and what is remembered of it.

Lanes, cash, climate and keys become bus events; credit, raw door byte and the like stay as health facts.
"""

from dataclasses import replace
from typing import Final

from edge.core.model import Baseline
from edge.drivers.xy import codes
from edge.drivers.xy.messages import (
    CapacityReport,
    CashTaken,
    Credit,
    DeliveryStatus,
    DisplayLine,
    KeyPress,
    LaneReport,
    MachineStatus,
    Message,
    StockReport,
    Version,
)
from edge.drivers.xy.settings import XySettings
from edge.ports import BusEvent, CancelPressed, CashReported, ClimateReported, KeyPressed, LaneReported

LANES: Final = range(1, 1000)  # single selections (XY protocol §2, selection addressing)


class Reports:
    """Translates reports and keeps the newest of each."""

    def __init__(self, settings: XySettings) -> None:
        self._settings = settings
        self._told: dict[int, LaneReport] = {}
        self._sold: dict[int, int] = {}
        self._machine_id = ""
        self._version = ""
        self.facts: dict[str, int] = {}

    @property
    def identity(self) -> str:
        """Who the board says it is: machine id and software version, as far as it told."""
        return " ".join(part for part in ("XY", self._machine_id, self._version) if part)

    def baseline(self, lane: int) -> Baseline:
        """The stock of the last report, and the count where it was asked for. The board keeps no sequence."""
        return Baseline(
            stock=self._told[lane].stock if lane in self._told else None, count=self._sold.pop(lane, None)
        )

    def sold(self, lane: int, count: int | None) -> None:
        """How often the lane ever sold, as the menu has just told, or not; the next baseline uses it up."""
        self._sold.pop(lane, None)
        if count is not None:
            self._sold[lane] = count

    def count(self, name: str) -> None:
        """Count something odd, for a technician."""
        self.facts[name] = self.facts.get(name, 0) + 1

    def take(self, message: Message) -> BusEvent | None:
        """Remember a report; the event it means, if it is one for the rest of the machine."""
        match message:
            case KeyPress(0):
                return CancelPressed()
            case KeyPress(lane):
                return KeyPressed(lane=lane)
            case LaneReport():
                return self._lane(message)
            case StockReport(lane, stock) if lane in self._told:
                return self._lane(replace(self._told[lane], stock=stock))
            case CapacityReport(lane, capacity) if lane in self._told:
                return self._lane(replace(self._told[lane], capacity=capacity))
            case CashTaken():
                return self._cash(message)
            case MachineStatus():
                return self._climate(message)
            case Version(text):
                self._version = text
            case Credit(amount):
                self.facts["credit_fen"] = self._fen(amount)
            case DisplayLine(_, row) if row is not None:
                self.facts["display_row"] = row
            case DeliveryStatus(status):
                self.facts["delivery_status"] = status
            case _:
                self.count("other_frames")
        return None

    def _fen(self, amount: int) -> int:
        return int(amount * 10 ** (2 - self._settings.decimal_places))

    def _lane(self, report: LaneReport) -> BusEvent | None:
        if report.lane not in LANES:
            self.count("odd_lanes")
            return None
        self._told[report.lane] = report
        # Status 03 was logged after a jam although only 0 and 1 are documented: anything but 0 is a fault.
        # In the weighing-cabinet edition, which adds the weight, it speaks of the scale.
        fault = "weight_timeout" if report.weight_g is not None else "paused"
        return LaneReported(
            lane=report.lane,
            stock=report.stock,
            capacity=report.capacity,
            fault=fault if report.status else "",
        )

    def _cash(self, taken: CashTaken) -> BusEvent:
        # A board echoes a `27` of the host's as `21`. This driver never sends `27`, so nothing comes twice.
        name = codes.CASH_NAMES.get(taken.mode, f"mode_{taken.mode}")
        return CashReported(mode=name, amount_fen=self._fen(taken.amount))

    def _climate(self, status: MachineStatus) -> BusEvent:
        self._machine_id = status.machine_id or self._machine_id
        self.facts |= {
            "door_raw": status.door,
            "note_validator": status.note_validator,
            "coin_acceptor": status.coin_acceptor,
            "card_reader": status.card_reader,
            "temperature_controller": status.temperature_controller,
        }
        open_value = self._settings.door_open_value
        return ClimateReported(
            temperature_c=status.temperature_c,
            door_open=None if open_value is None else status.door == open_value,
        )
