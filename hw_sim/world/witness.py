"""Whether a recorded doubt has one of the six causes of the promise, as only the world can know (I8).

(1) power lost in a motor run, (2) a reply lost or a restart, on a board without memory, (3) evidence
overwritten, (4) a journal lost, rolled back or cloned, (5) a silent machine, (6) restored books.
"""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any, Final

from hw_sim.world.story import Entry

_ENDS: Final = frozenset({"killed", "power cut", "daemon failed", "board blinks"})
_DEAF: Final = frozenset({"bytes are lost", "the board stumbles"})
_JOURNAL: Final = frozenset({"journal lost", "journal rolled back", "journal cloned"})
_ON_THE_WAY: Final = frozenset(
    {"loses", "holds", "withholds", "cut off", "broker stops", "stores", *_ENDS, *_JOURNAL}
)
_LASTS_S: Final = 900.0  # what is held back hurts for as long as it may be held
_STEP_S: Final = 15.0  # how long an exchange that was spoiled may keep both sides out of step
_NAMES: Final = {
    "journal_rolled_back": frozenset({"journal rolled back", "journal cloned"}),
    "journal_cloned": frozenset({"journal cloned", "journal rolled back"}),
}


class Witness:
    """`take` each line of a story; `against` says what speaks against a cause, or nothing."""

    def __init__(self, gone_s: float) -> None:
        self._gone_s: Final = gone_s
        self._last: Final[defaultdict[str, dict[str, float]]] = defaultdict(dict)  # host -> what -> when
        self._answered: Final[dict[tuple[str, str], float]] = {}  # by machine and sale
        self._opened: Final[dict[str, float]] = {}

    def take(self, entry: Entry, fields: Mapping[str, Any]) -> None:
        """One line of the story."""
        if entry.what in _ON_THE_WAY or entry.what in _DEAF or entry.what == "books restored":
            self._last[entry.who][entry.what] = entry.at_s
        elif entry.what == "durable" and fields["state"] == "open":
            self._opened.setdefault(fields["sale_id"], entry.at_s)
        elif entry.what == "hears" and fields.get("believed", True):
            self._answered[fields["machine"], fields["sale_id"]] = entry.at_s

    def against(self, cause: str, sale_id: str, machine: str, paid_s: float | None, now_s: float) -> str:
        """Why `cause` cannot be true at this moment, or ""."""
        if cause in ("store_restored", "refund_found"):
            return "" if self._last["bridge"].get("books restored") is not None else "no books were restored"
        if cause.startswith("journal_"):
            allowed = _NAMES.get(cause, _JOURNAL)
            # Another journal takes over after the sale was opened: one from before is over.
            since_s = self._opened.get(sale_id, 0.0) if cause == "journal_replaced" else 0.0
            struck = any(self._last[machine].get(what, -1.0) >= since_s for what in sorted(allowed))
            return "" if struck else "nothing befell its journal"
        if cause == "machine_gone":
            return self._silent(sale_id, machine, now_s)
        since_s = paid_s if paid_s is not None else 0.0
        hurt = [self._last[machine].get(what, -1.0) >= since_s for what in _ENDS]
        hurt.append(self._last[machine].get("bytes are lost", -_STEP_S) >= since_s - _STEP_S)
        stumbled = "the board stumbles" in self._last[machine]
        return "" if any(hurt) or stumbled else "its board was never interrupted or misheard"

    def _silent(self, sale_id: str, machine: str, now_s: float) -> str:
        """It said nothing of this sale for so long, and there was a reason for that."""
        if now_s - self._answered.get((machine, sale_id), -self._gone_s) < self._gone_s:
            return "it answered not long ago"
        since_s = now_s - self._gone_s - _LASTS_S
        places = (machine, "bridge", "broker")
        if any(
            at_s >= since_s
            for place in places
            for what, at_s in self._last[place].items()
            if what in _ON_THE_WAY
        ):
            return ""
        return "nothing kept its words from the bridge"
