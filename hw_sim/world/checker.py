"""The invariants of a sale, held against what really happened: motors, pieces, money, rows.

Shares no code with what it checks: it knows the words of rows and story, the pieces that fell and the money
that moved, and nothing of the tables that decide.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from hw_sim.world.story import Entry

_CODE: Final = "weixin:"
_SAID: Final = {
    "says what is not durable": "I13",
    "is told what was not counted": "I12",
    "offers what it cannot vend": "I16",
}
MONEY_WORDS: Final = frozenset({"vended", "refunded", "case"})


@dataclass(frozen=True, slots=True)
class Violation:
    """An invariant that did not hold."""

    invariant: str
    sale_id: str
    words: str
    at_s: float

    def __str__(self) -> str:
        return f"{self.invariant} at {self.at_s:.3f} s: {self.sale_id or 'the world'}: {self.words}"


@dataclass(slots=True)
class Truth:
    """What really happened to one sale."""

    machine: str = ""
    lane: int = 0
    ordered_s: list[float] = field(default_factory=list)
    started_s: list[float] = field(default_factory=list)
    fell: int = 0
    unseen: bool = False
    paid_fen: int = 0
    refunded_fen: int = 0
    requested_s: float | None = None
    doubt_s: float | None = None
    refund_s: float | None = None


class Checker:
    """Watches a story as it is told; `finish` compares the books with it."""

    def __init__(self, prices: Mapping[int, int], bound_s: float) -> None:
        self.violations: Final[list[Violation]] = []
        self.truths: Final[defaultdict[str, Truth]] = defaultdict(Truth)
        self._prices: Final = prices
        self._bound_s: Final = bound_s
        self._ordered: dict[tuple[str, int], str] = {}
        self._turning: dict[tuple[str, int], str] = {}

    # ------------------------------------------------------------ while it happens

    def take(self, entry: Entry) -> None:
        """One line of the story."""
        if any(isinstance(value, str) and _CODE in value for _, value in entry.fields):
            self._broken("I14", "", "a code stands in a log", entry)
        fields: dict[str, Any] = dict(entry.fields)
        match entry.what:
            case "orders":
                self._orders(entry, fields)
            case "motor starts":
                self._starts(entry, fields)
            case "piece falls" | "piece falls unseen":
                self._falls(entry, fields)
            case "payment.made":
                self.truths[fields["out_trade_no"]].paid_fen += fields["amount_fen"]
            case "refund.ended" if fields["status"] == "SUCCESS":
                self._refunded(entry, fields)
            case "hears of the sale":
                truth = self.truths[fields["sale_id"]]
                truth.requested_s = entry.at_s if truth.requested_s is None else truth.requested_s
            case "says what is not durable" | "is told what was not counted" | "offers what it cannot vend":
                self._broken(_SAID[entry.what], fields["sale_id"], entry.what, entry)
            case "row":
                self._row(entry, fields)

    def _orders(self, entry: Entry, fields: Mapping[str, Any]) -> None:
        truth = self.truths[fields["sale_id"]]
        truth.machine, truth.lane = entry.who, fields["lane"]
        truth.ordered_s.append(entry.at_s)
        self._ordered[entry.who, fields["lane"]] = fields["sale_id"]

    def _starts(self, entry: Entry, fields: Mapping[str, Any]) -> None:
        place = entry.who, fields["lane"]
        sale_id = self._ordered.get(place, "")
        if not sale_id:
            self._broken("I2", "", f"a motor of {place} starts for no sale", entry)
            return
        self._turning[place] = sale_id
        truth = self.truths[sale_id]
        truth.started_s.append(entry.at_s)
        if len(truth.started_s) > 1:
            self._broken("I1", sale_id, f"{len(truth.started_s)} motor starts", entry)
        if truth.paid_fen < self._prices[truth.lane]:
            self._broken("I2", sale_id, f"a motor starts with {truth.paid_fen} fen paid", entry)
        if truth.requested_s is not None and entry.at_s > truth.requested_s + self._bound_s:
            self._broken("I3", sale_id, "a motor starts after the bridge's bound", entry)
        if truth.refund_s is not None and truth.doubt_s is None:
            self._broken("I5", sale_id, "a motor starts after an undoubted refund", entry)

    def _falls(self, entry: Entry, fields: Mapping[str, Any]) -> None:
        sale_id = self._turning.get((entry.who, fields["lane"]), "")
        truth = self.truths[sale_id]
        truth.fell += 1
        truth.unseen = truth.unseen or entry.what == "piece falls unseen"
        if truth.refund_s is not None and truth.doubt_s is None:
            self._broken("I5", sale_id, "goods fall after an undoubted refund", entry)

    def _refunded(self, entry: Entry, fields: Mapping[str, Any]) -> None:
        sale_id = fields["out_trade_no"]
        truth = self.truths[sale_id]
        truth.refunded_fen += fields["amount_fen"]
        truth.refund_s = entry.at_s if truth.refund_s is None else truth.refund_s
        if truth.refunded_fen > truth.paid_fen:
            self._broken("I4", sale_id, f"{truth.refunded_fen} fen back of {truth.paid_fen}", entry)
        if truth.fell and not truth.unseen and (truth.doubt_s is None or truth.doubt_s > entry.at_s):
            self._broken("I5", sale_id, "goods and refund without doubt before it", entry)

    def _row(self, entry: Entry, fields: Mapping[str, Any]) -> None:
        truth = self.truths[fields["sale_id"]]
        if fields["doubt"] and truth.doubt_s is None:
            truth.doubt_s = entry.at_s
        before, after = fields["before"], fields["after"]
        if before == "refund" and after == "vend":
            self._broken("I11", fields["sale_id"], "a refund became a vend", entry)

    def _broken(self, invariant: str, sale_id: str, words: str, entry: Entry) -> None:
        self.violations.append(Violation(invariant, sale_id, words, entry.at_s))

    # ------------------------------------------------------------ in the end


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A sale as the bridge's books have it in the end."""

    sale_id: str
    state: str
    decision: str
    doubt: str
    case: str
    paid_fen: int
    refunded_fen: int
    goods: bool


def compare(
    truths: Mapping[str, Truth],
    rows: Mapping[str, Row],
    journals: Mapping[str, str],
    at_s: float,
) -> Iterable[Violation]:
    """After everything healed: each paid sale has ended, and the books say what happened.

    `journals` has each sale's state in its machine's journal, absent where the journal was lost.
    """
    for sale_id, truth in truths.items():
        if sale_id:
            for invariant, words in _about(truth, rows.get(sale_id), journals.get(sale_id, "")):
                yield Violation(invariant, sale_id, words, at_s)


def _about(truth: Truth, row: Row | None, journal: str) -> Iterable[tuple[str, str]]:
    if row is None:
        if truth.paid_fen:
            yield "I7", f"{truth.paid_fen} fen paid, and the books do not know the sale"
        return
    if truth.paid_fen and row.state not in MONEY_WORDS and not row.case:
        yield "I7", f"{truth.paid_fen} fen paid, and the sale is {row.state} {row.decision} {row.doubt}"
    if truth.paid_fen and not (truth.fell or truth.refunded_fen == truth.paid_fen or row.case):
        yield "I7", "paid, and neither goods, nor money, nor a case"
    if truth.paid_fen != row.paid_fen and not row.case:
        yield "I13", f"the books have {row.paid_fen} fen paid, the platform {truth.paid_fen}"
    if row.state == "vended" and not truth.fell:
        yield "I6", "vended, and nothing fell"
    if row.state == "refunded" and truth.refunded_fen != row.refunded_fen:
        yield "I6", f"refunded {row.refunded_fen}, and the platform gave {truth.refunded_fen} back"
    # Where the drop sensor is blind, the board itself says so: that is what the brakes are for.
    if truth.fell and truth.refunded_fen and not row.doubt and not truth.unseen:
        yield "I5", "goods and refund, and no doubt in the books"
    if journal in ("open", "intent"):
        yield "I7", f"the machine's row is still {journal}"
    if journal == "delivered" and not truth.fell:
        yield "I6", "delivered, and nothing fell"
    if journal in ("closed", "not_delivered") and truth.fell and not truth.unseen:
        yield "I10", f"a piece fell, and the journal says {journal}"
    if journal == "delivered" and row.state not in ("vended", "case") and not row.doubt:
        yield "I13", f"delivered at the machine, {row.state} at the bridge"


def unbalanced(
    entries: Iterable[tuple[str, str, str, int]], ended: Iterable[str], at_s: float
) -> Iterable[Violation]:
    """The ledger: `entries` are (sale, debit, credit, fen); `ended` sales owe nothing to a shopper."""
    owed: Counter[str] = Counter()
    for sale_id, debit, credit, fen in entries:
        if fen <= 0 or debit == credit:
            yield Violation("I9", sale_id, f"an entry of {fen} fen from {credit} to {debit}", at_s)
        for account, signed in ((debit, -fen), (credit, fen)):
            if account in ("customer_liability", "refunds_pending"):
                owed[sale_id] += signed
    for sale_id in ended:
        if owed[sale_id]:
            yield Violation("I9", sale_id, f"ended, and {owed[sale_id]} fen are still owed", at_s)
