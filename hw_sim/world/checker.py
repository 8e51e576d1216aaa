"""The invariants of a sale, held against what really happened: motors, pieces, money, rows.

Shares no code with what it checks: it knows the words of rows and story, the pieces that fell and the money
that moved, and nothing of the tables that decide. What only shows in the end is in `reckoning`.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from hw_sim.world.story import Entry
from hw_sim.world.witness import Witness

_SAID: Final = {
    "says what is not durable": "I13",
    "is told what was not counted": "I12",
    "offers what it cannot vend": "I16",
    "closes what can be paid": "I6",
}
_WAITING: Final = frozenset({"quoted", "offered", "closing", "closed"})
_AFTER_PAYMENT: Final = frozenset({"paid", "vended", "refunded", "case"})
_ORDERED: Final = frozenset({"intent", "delivered", "not_delivered", "uncertain"})
_PUT_BACK: Final = frozenset({"journal rolled back", "journal cloned"})
# Which state of the bridge's row may follow which; "" is no row.
BRIDGE_MOVES: Final[Mapping[str, frozenset[str]]] = {
    "": frozenset({"quoted", "closing", "closed", "paid", "case"}),  # closing: given up in the same flush
    "quoted": frozenset({"offered", "closing"}) | _AFTER_PAYMENT,
    "offered": frozenset({"closing", "closed"}) | _AFTER_PAYMENT,
    "closing": frozenset({"closed"}) | _AFTER_PAYMENT,
    "closed": _AFTER_PAYMENT,
    "paid": frozenset({"vended", "refunded", "case"}),
    "case": frozenset({"paid", "vended", "refunded", "settled"}),
    "vended": frozenset(),
    "refunded": frozenset(),
    "settled": frozenset(),
}
MACHINE_MOVES: Final[Mapping[str, frozenset[str]]] = {
    "": frozenset({"open"}),
    "open": frozenset({"intent", "closed"}),
    "intent": frozenset({"closed", "delivered", "not_delivered", "uncertain"}),
}
DECISIONS: Final = frozenset({("", "vend"), ("", "refund"), ("vend", "refund")})


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
    """What really happened to one sale. `asked` is the machine and lane that the bridge was told of.

    `past`: the bridge counts on it that no motor starts any more. `row` is the machine and the state that
    stood on its disk last; `put_back`: it stood for a motor order as an older copy took that disk's place.
    What a person gives back in the portal is legal beside goods, and is money that went back like any other:
    `by_hand` are its numbers, `by_hand_fen` what came of them. `second_fen`: a payment more than the sale's.
    """

    asked: tuple[str, int] | None = None
    row: tuple[str, str] = ("", "")
    put_back: bool = False
    lane: int = 0
    started_s: list[float] = field(default_factory=list)
    fell: int = 0
    unseen: bool = False
    past: bool = False
    paid_fen: int = 0
    paid_s: float | None = None
    refunded_fen: int = 0
    refund_numbers: set[str] = field(default_factory=set)
    by_hand: set[str] = field(default_factory=set)
    by_hand_fen: int = 0
    second_fen: int = 0
    requested_s: float | None = None
    doubt_s: float | None = None
    refund_s: float | None = None


class Checker:
    """Watches a story as it is told. `secrets` are words that no program may say."""

    def __init__(
        self, prices: Mapping[int, int], *, bound_s: float, gone_s: float, secrets: tuple[str, ...] = ()
    ) -> None:
        self.violations: Final[list[Violation]] = []
        self.truths: Final[defaultdict[str, Truth]] = defaultdict(Truth)
        self.witness: Final = Witness(gone_s)
        self.restored_s = 0.0  # when books came back from a backup, the last time
        self._prices: Final = prices
        self._bound_s: Final = bound_s
        self._secrets: Final = secrets
        self._ordered: dict[tuple[str, int], str] = {}
        self._turning: dict[tuple[str, int], str] = {}

    def take(self, entry: Entry) -> None:
        """One line of the story."""
        fields: dict[str, Any] = dict(entry.fields)
        self.witness.take(entry, fields)
        self._no_secrets(entry)
        match entry.what:
            case "orders":
                self.truths[fields["sale_id"]].lane = fields["lane"]
                self._ordered[entry.who, fields["lane"]] = fields["sale_id"]
            case "motor starts":
                self._starts(entry, fields)
            case "piece falls" | "piece falls unseen":
                self._falls(entry, fields)
            case "payment.made":
                truth = self.truths[fields["out_trade_no"]]
                truth.paid_fen += fields["amount_fen"]
                truth.paid_s = entry.at_s if truth.paid_s is None else truth.paid_s
            case "refund.asked":
                self._refund_asked(entry, fields)
            case "refund.ended":
                self._refund_ended(entry, fields)
            case "gives back by hand":
                self.truths[fields["out_trade_no"]].by_hand.add(fields["out_refund_no"])
            case "second payment":
                self.truths[fields["out_trade_no"]].second_fen += fields["amount_fen"]
            case "second payment returned":
                self.truths[fields["out_trade_no"]].second_fen = 0
            case "hears of the sale":
                truth = self.truths[fields["sale_id"]]
                truth.asked = truth.asked or (fields["machine"], fields["lane"])
                truth.requested_s = entry.at_s if truth.requested_s is None else truth.requested_s
            case "row":
                self._row(entry, fields)
            case "durable":
                self._durable(entry, fields)
            case what if what in _PUT_BACK:
                for truth in self.truths.values():
                    machine, state = truth.row
                    truth.put_back = truth.put_back or (machine == entry.who and state in _ORDERED)
            case "books restored":
                self.restored_s = entry.at_s
            case what if what in _SAID:
                self._broken(_SAID[what], fields["sale_id"], what, entry)

    def _no_secrets(self, entry: Entry) -> None:
        for _, value in entry.fields:
            if isinstance(value, str) and any(secret in value for secret in self._secrets):
                self._broken("I14", "", f"a secret stands in {entry.what}", entry)

    # ------------------------------------------------------------ motors and pieces

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
        if truth.asked not in (None, place):
            self._broken("I2", sale_id, f"a motor of {place} starts for a sale of {truth.asked}", entry)
        if truth.past or (truth.requested_s is not None and entry.at_s > truth.requested_s + self._bound_s):
            self._broken("I3", sale_id, "a motor starts after the bridge's bound", entry)
        if truth.refund_s is not None and truth.doubt_s is None:
            self._broken("I5", sale_id, "a motor starts after an undoubted refund", entry)

    def _falls(self, entry: Entry, fields: Mapping[str, Any]) -> None:
        sale_id = self._turning.get((entry.who, fields["lane"]), "")
        truth = self.truths[sale_id]
        truth.fell += 1
        truth.unseen = truth.unseen or entry.what == "piece falls unseen"
        if truth.fell > 1:
            self._broken("I10", sale_id, f"{truth.fell} pieces fell", entry)
        if truth.refund_s is not None and truth.doubt_s is None:
            self._broken("I5", sale_id, "goods fall after an undoubted refund", entry)

    # ------------------------------------------------------------ money

    def _refund_asked(self, entry: Entry, fields: Mapping[str, Any]) -> None:
        sale_id, number = fields["out_trade_no"], fields["out_refund_no"]
        live = self.truths[sale_id].refund_numbers
        # A call that was long on its way may still come for a number that is closed there for good.
        if live - {number} and fields["status"] != "CLOSED":
            self._broken("I4", sale_id, "a refund is asked for while one under another number lives", entry)
        if fields["status"] in ("PROCESSING", "SUCCESS"):
            live.add(number)

    def _refund_ended(self, entry: Entry, fields: Mapping[str, Any]) -> None:
        sale_id = fields["out_trade_no"]
        truth = self.truths[sale_id]
        if fields["status"] != "SUCCESS":
            truth.refund_numbers.discard(fields["out_refund_no"])
            return
        truth.refunded_fen += fields["amount_fen"]
        if truth.refunded_fen > truth.paid_fen:
            self._broken("I4", sale_id, f"{truth.refunded_fen} fen back of {truth.paid_fen}", entry)
        if fields["out_refund_no"] in truth.by_hand:
            truth.by_hand_fen += fields["amount_fen"]
            return
        truth.refund_s = entry.at_s if truth.refund_s is None else truth.refund_s
        if truth.fell and not truth.unseen and (truth.doubt_s is None or truth.doubt_s > entry.at_s):
            self._broken("I5", sale_id, "goods and refund without doubt before it", entry)

    # ------------------------------------------------------------ rows

    def _row(self, entry: Entry, fields: Mapping[str, Any]) -> None:
        sale_id, truth = fields["sale_id"], self.truths[fields["sale_id"]]
        if fields["doubt"] and truth.doubt_s is None:
            truth.doubt_s = entry.at_s
            why = self.witness.against(fields["doubt"], sale_id, fields["machine"], truth.paid_s, entry.at_s)
            if why:
                self._broken("I8", sale_id, f"in doubt for {fields['doubt']}, and {why}", entry)
        truth.past = fields["past"]
        was, state = fields["was"], fields["state"]
        if state not in BRIDGE_MOVES[was] | {was}:
            self._broken("I11", sale_id, f"the bridge's row goes from {was or 'nothing'} to {state}", entry)
        before, after = fields["before"], fields["after"]
        if before != after and (before, after) not in DECISIONS:
            self._broken("I11", sale_id, f"the decision goes from {before} to {after or 'nothing'}", entry)

    def _durable(self, entry: Entry, fields: Mapping[str, Any]) -> None:
        before, after = fields["was"], fields["state"]
        self.truths[fields["sale_id"]].row = entry.who, after
        if after != before and after not in MACHINE_MOVES.get(before, frozenset()):
            words = f"the machine's row goes from {before or 'nothing'} to {after}"
            self._broken("I11", fields["sale_id"], words, entry)

    def _broken(self, invariant: str, sale_id: str, words: str, entry: Entry) -> None:
        self.violations.append(Violation(invariant, sale_id, words, entry.at_s))
