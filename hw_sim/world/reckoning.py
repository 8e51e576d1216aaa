"""After everything healed: what the books, the journals, the platform and the cabinets say, side by side."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from hw_sim.world.checker import Truth, Violation

ENDED: Final = frozenset({"vended", "refunded", "case", "settled"})
_OWED: Final = ("customer_liability", "refunds_pending")


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


def for_the_bill(truths: Mapping[str, Truth], rows: Mapping[str, Row], restored_s: float) -> frozenset[str]:
    """Payments that restored books have forgotten and nobody will tell them of: the daily bill finds them."""
    return frozenset(
        sale_id
        for sale_id, truth in truths.items()
        if truth.paid_s is not None
        and truth.paid_s < restored_s
        and (sale_id not in rows or not rows[sale_id].paid_fen)
    )


def compare(
    truths: Mapping[str, Truth],
    rows: Mapping[str, Row],
    journals: Mapping[str, str],
    at_s: float,
) -> Iterable[Violation]:
    """Each paid sale has ended, and the books say what happened.

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
    yield from _money(truth, row)
    yield from _goods(truth, row, journal)


def _money(truth: Truth, row: Row) -> Iterable[tuple[str, str]]:
    if truth.paid_fen and row.state not in ENDED and not row.case:
        yield "I7", f"{truth.paid_fen} fen paid, and the sale is {row.state} {row.decision} {row.doubt}"
    by_hand = bool(row.case) or row.state == "settled"
    if truth.paid_fen and not (truth.fell or truth.refunded_fen == truth.paid_fen or by_hand):
        yield "I7", "paid, and neither goods, nor money, nor a case"
    if truth.paid_fen != row.paid_fen and not row.case:
        yield "I7", f"the books have {row.paid_fen} fen paid, the platform {truth.paid_fen}"
    if row.state == "refunded" and truth.refunded_fen != row.refunded_fen:
        yield "I6", f"refunded {row.refunded_fen}, and the platform gave {truth.refunded_fen} back"
    if truth.second_fen and "second_payment" not in row.case.split():
        yield "I7", f"{truth.second_fen} fen paid a second time, and no case of that"
    # Where the drop sensor is blind, the board itself says so: that is what the brakes are for.
    if truth.fell and truth.refunded_fen > truth.by_hand_fen and not row.doubt and not truth.unseen:
        yield "I5", "goods and refund, and no doubt in the books"


def _goods(truth: Truth, row: Row, journal: str) -> Iterable[tuple[str, str]]:
    if row.state == "vended" and not truth.fell:
        yield "I6", "vended, and nothing fell"
    if journal == "delivered" and not truth.fell:
        yield "I6", "delivered, and nothing fell"
    if journal in ("open", "intent"):
        yield "I7", f"the machine's row is still {journal}"
    seen = truth.fell and not truth.unseen
    if journal in ("closed", "not_delivered") and seen and not truth.put_back:
        yield "I10", f"a piece fell, and the journal says {journal}"
    known = row.state in ("vended", "settled") or row.doubt or row.case
    if truth.fell and not (known or truth.unseen):
        yield "I10", f"a piece fell, and the books say {row.state}"
    if journal == "delivered" and row.state not in ("vended", "case", "settled") and not row.doubt:
        yield "I13", f"delivered at the machine, {row.state} at the bridge"


def conserved(fallen: int, truths: Mapping[str, Truth], at_s: float) -> Iterable[Violation]:
    """`fallen` pieces lie in the trays, each of them for a sale."""
    seen = sum(truth.fell for truth in truths.values())
    strays = truths[""].fell if "" in truths else 0
    if fallen != seen or strays:
        yield Violation("I10", "", f"{fallen} pieces fell, {seen - strays} of them for a sale", at_s)


def unbalanced(
    entries: Iterable[tuple[str, str, str, int]], ended: Iterable[str], at_s: float
) -> Iterable[Violation]:
    """The ledger: `entries` are (sale, debit, credit, fen); `ended` sales owe nothing to a shopper."""
    owed: Counter[str] = Counter()
    for sale_id, debit, credit, fen in entries:
        if fen <= 0 or debit == credit:
            yield Violation("I9", sale_id, f"an entry of {fen} fen from {credit} to {debit}", at_s)
        for account, signed in ((debit, -fen), (credit, fen)):
            if account in _OWED:
                owed[sale_id] += signed
    for sale_id in ended:
        if owed[sale_id]:
            yield Violation("I9", sale_id, f"ended, and {owed[sale_id]} fen are still owed", at_s)


def broken_chain(machine: str, entries: Sequence[tuple[str, str]], at_s: float) -> Iterable[Violation]:
    """A journal's hash chain: each entry's hash covers its text and the hash before it."""
    before = ""
    for number, (text, found) in enumerate(entries, 1):
        before = hashlib.sha256(f"{before}\0{text}".encode()).hexdigest()
        if before != found:
            yield Violation("I14", "", f"{machine}: entry {number} of its journal was changed", at_s)
            return


def more_than_delay(rows: Iterable[Row], alarms: Iterable[str], at_s: float) -> Iterable[Violation]:
    """With nothing but attackers in a world, late is all that anything may be (I15)."""
    for row in rows:
        if row.case or row.doubt not in ("", "machine_gone"):
            yield Violation("I15", row.sale_id, f"an attacker brought {row.case or row.doubt}", at_s)
    for name in alarms:
        if name not in _FOR_DELAY:
            yield Violation("I15", "", f"an attacker raised the alarm {name}", at_s)


_FOR_DELAY: Final = frozenset({"doubt", "brake_lane", "brake_machine"})
