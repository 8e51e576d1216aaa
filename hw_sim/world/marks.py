"""What a campaign has to come past: rows of crash table and judge, reasons, doubts, kinds of trouble.

`EXEMPT` says of each mark and cell that no world reaches why it cannot, and what tries it instead.
"""

from collections.abc import Mapping
from typing import Any, Final

from edge.core.judge import Recovery
from edge.drivers.registry import BUSES
from hw_sim.world.cells import rules
from hw_sim.world.machine import Machine
from hw_sim.world.story import Entry
from hw_sim.world.trouble import KINDS
from hw_sim.world.world import World
from wire.inbound import Refusal

# How far a sale is, told by the last of these lines, and the row of the crash table for a cut then.
_PHASES: Final[Mapping[str, str]] = {
    "sale.open": "open",
    "authorises": "before the intent",
    "sale.intent": "after the intent",
    "frame leaves": "frame in the line",
    "motor starts": "motor turning",
    "piece falls": "after the drop",
    "piece falls unseen": "after the drop",
    "motor stops": "after the board's word",
    "sale.delivered": "outcome written",
    "sale.not_delivered": "outcome written",
    "sale.uncertain": "outcome written",
}
CUTS: Final = (
    "before the open row",
    *dict.fromkeys(_PHASES.values()),
    "during the intent",
    "reported",
    "bridge: before the payment is written",
    "bridge: paid, not published",
    "bridge: refund sent",
)
_REFUSED: Final = ("stale", "journal", "lane", "price", "busy", "brake_lane", "brake_machine", "platform")
_CLOSED: Final = ("cancel", "reselect", "restart", "lease", "no_answer", "unpaid", "bus", "refunded")
DOUBTS: Final = (
    *("no_memory", "no_answer", "board_restarted"),
    *("journal_lost", "journal_replaced", "journal_rolled_back", "journal_cloned"),
    *("machine_gone", "store_restored"),
)
JUDGED: Final = (
    *("our number, good", "our number, no sensor looks"),
    *("our number, jam", "our number, motor fault", "our number, nothing fell"),
    *("interrupted, the latch is set", "interrupted, nothing else is known"),
    *("still the baseline's", "another record", "a memory that is lost"),
    *("the counter moved by one", "the counter of drops did not move"),
    *("the counter of starts did not move", "the counter proves nothing"),
    *("a final report is still repeated", "the door opened", "it still runs"),
    *("no answer", "nothing is remembered"),
)
# What a real driver learns of a real board after a restart. Who keeps nothing may still be saying it.
RECOVERED: Final = tuple(f"recovery: {way}, {what}" for way in Recovery for what in ("proven", "doubt"))
MARKS: Final = (
    *(f"cut: {row}" for row in CUTS),
    *(f"refused: {why}" for why in _REFUSED),
    *(f"machine closed: {why}" for why in _CLOSED),
    *(f"doubt: {cause}" for cause in DOUBTS),
    *(f"not believed: {reason}" for reason in Refusal),
    *(f"trouble: {kind}" for kind in KINDS),
    *(f"judge: {row}" for row in JUDGED),
    *(f"bus: {name}" for name in BUSES),
    *RECOVERED,
    "books restored",
    "journal lost",
    "journal rolled back",
    "journal cloned",
)


class Marks:
    """Listens to a world and marks its story."""

    def __init__(self, world: World) -> None:
        self._story: Final = world.story
        self._machines: Final[dict[str, Machine]] = {machine.name: machine for machine in world.machines}
        self._office: Final = world.office
        self._phase: Final[dict[str, str]] = {}
        self._unpublished: Final[set[str]] = set()
        self._refunding: Final[set[str]] = set()
        world.story.watch(self.take)

    def take(self, entry: Entry) -> None:
        """One line of the story."""
        fields: dict[str, Any] = dict(entry.fields)
        machine = fields.get("machine", entry.who) if entry.what == "authorises" else entry.who
        if entry.what in _PHASES:
            self._phase[machine] = _PHASES[entry.what]
        match entry.what:
            case "killed" | "power cut" if entry.who in self._machines:
                self._cut(self._machines[entry.who])
            case "killed":
                self._bridge_cut()
            case "reports" if fields["kind"] == "sale.outcome":
                self._phase[entry.who] = "reported"
            case "row":
                self._row(fields)
            case "authorises":
                self._unpublished.discard(fields["sale_id"])
            case "refund.asked":
                self._refunding.add(fields["out_trade_no"])
            case "sale.closed":
                self._story.mark(f"machine closed: {fields['why']}")
            case "wire.refused":
                self._story.mark(f"not believed: {fields['reason']}")
            case "books restored" | "journal lost" | "journal rolled back" | "journal cloned":
                self._story.mark(entry.what)

    def _cut(self, machine: Machine) -> None:
        phase = self._phase.get(machine.name, "")
        if machine.disk.flushing and phase in ("", "reported", "outcome written"):
            self._story.mark("cut: before the open row")
        elif machine.disk.flushing and phase == "before the intent":
            self._story.mark("cut: during the intent")
        elif phase:
            self._story.mark(f"cut: {phase}")
        self._phase.pop(machine.name, None)

    def _row(self, fields: Mapping[str, Any]) -> None:
        sale_id = fields["sale_id"]
        if fields["doubt"]:
            self._story.mark(f"doubt: {fields['doubt']}")
        if fields["state"] == "closed":
            self._story.mark(f"refused: {fields['why']}")
        if fields["after"] == "vend" != fields["before"]:
            self._unpublished.add(sale_id)
        if fields["state"] == "refunded":
            self._refunding.discard(sale_id)

    def _bridge_cut(self) -> None:
        disk = self._office.disk
        now, soon = disk.tables.sales, disk.flushing.sales if disk.flushing is not None else {}
        paid = [key for key, sale in soon.items() if sale.paid_fen and not (key in now and now[key].paid_fen)]
        if paid:
            self._story.mark("cut: bridge: before the payment is written")
        if self._unpublished:
            self._story.mark("cut: bridge: paid, not published")
        if self._refunding:
            self._story.mark("cut: bridge: refund sent")
        self._unpublished.clear()
        self._refunding.clear()


def missed(marks: Mapping[str, int], reached: Mapping[str, int]) -> tuple[str, ...]:
    """Marks and rules that were not come past, and have no exemption."""
    wanted = (*MARKS, *rules())
    seen = {name for name, count in (*marks.items(), *reached.items()) if count}
    return tuple(name for name in wanted if name not in seen and name not in EXEMPT)


_FIRST: Final = "the end of the quote rings before: tests/unit/bridge/test_table.py"
_KEY: Final = "nobody who has a key says such a thing: tests/unit/wire/test_gate.py"
_ITS_OWN_WORD: Final = (
    "a machine that contradicts its own word has another journal: tests/unit/bridge/test_table.py"
)
_HEARD_FIRST: Final = (
    "a journal without the row is heard of first, and that closes the sale: tests/unit/bridge/test_table.py"
)
_BUS: Final = "a lost bus is an obstacle before it is asked: tests/unit/edge/test_sale_table.py"
EXEMPT: Final[Mapping[str, str]] = {
    "machine closed: bus": _BUS,
    "edge open BaselineFailed": _BUS,
    "bridge quoted pay_window": _FIRST,
    "bridge quoted bound": _FIRST,
    "bridge quoted unknown": _HEARD_FIRST,
    "bridge offered unknown": _HEARD_FIRST,
    "not believed: unknown_kind": _KEY,
    "not believed: bad_message": _KEY,
    "bridge vended not_delivered": _ITS_OWN_WORD,
}
