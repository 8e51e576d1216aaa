"""Four witnesses of a run: machine's journal, bridge's books, payment platform, and the pieces that fell."""

from collections.abc import Mapping
from dataclasses import dataclass

_WAITING: frozenset[str] = frozenset({"open", "intent"})
_ENDED: frozenset[str] = frozenset({"vended", "refunded", "closed", "case"})


@dataclass(frozen=True, slots=True, kw_only=True)
class BridgeSale:
    """A sale as the bridge's books have it."""

    state: str
    paid_fen: int
    refunded_fen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """An order as the platform has it. `state` is the platform's own word."""

    state: str
    paid_fen: int
    refunded_fen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """By sale id: the journal's states, the bridge's sales, the platform's orders; and the physical truth."""

    journal: Mapping[str, str]
    bridge: Mapping[str, BridgeSale]
    platform: Mapping[str, Order]
    pieces_dropped: int


def in_progress(books: Books) -> bool:
    """Whether a sale still waits for something, at the machine or at the bridge."""
    at_machine = any(state in _WAITING for state in books.journal.values())
    return at_machine or any(sale.state not in _ENDED for sale in books.bridge.values())


def disagreements(books: Books) -> list[str]:
    """Every way in which the witnesses contradict each other or leave a fen unaccounted for; none is good."""
    found = [line for sale_id in sorted({*books.journal, *books.bridge}) for line in _about(books, sale_id)]
    for sale_id in sorted(set(books.platform) - set(books.journal)):
        found.append(f"{sale_id}: an order at the platform for a sale that the machine never opened")
    delivered = sum(state == "delivered" for state in books.journal.values())
    doubtful = sum(state == "uncertain" for state in books.journal.values())
    if not delivered <= books.pieces_dropped <= delivered + doubtful:
        found.append(f"the machine wrote {delivered} deliveries, but {books.pieces_dropped} pieces fell")
    return found


def _about(books: Books, sale_id: str) -> list[str]:
    journal, bridge, order = (
        books.journal.get(sale_id, "unknown"),
        books.bridge.get(sale_id),
        books.platform.get(sale_id),
    )
    if bridge is None:
        return [f"{sale_id}: {journal} at the machine, unknown to the bridge"] if journal != "closed" else []
    found = []
    if journal in _WAITING:
        found.append(f"{sale_id}: still {journal} at the machine")
    paid, refunded = (order.paid_fen, order.refunded_fen) if order else (0, 0)
    if (bridge.paid_fen, bridge.refunded_fen) != (paid, refunded):
        found.append(
            f"{sale_id}: bridge has {bridge.paid_fen} fen paid and {bridge.refunded_fen} refunded, "
            f"platform {paid} and {refunded}"
        )
    goods = journal == "delivered"
    if bridge.state == "vended" and not (goods and paid and not refunded):
        found.append(f"{sale_id}: vended, but {journal} at the machine, {paid} fen paid, {refunded} refunded")
    if bridge.state == "refunded" and (goods or paid != refunded):
        found.append(f"{sale_id}: refunded, but {journal} at the machine, {paid} fen paid, {refunded} back")
    if bridge.state == "closed" and (goods or paid or (order and order.state != "CLOSED")):
        state = order.state if order else "absent"
        found.append(
            f"{sale_id}: closed unpaid, but {journal} at the machine, {paid} fen paid, order {state}"
        )
    if bridge.state not in _ENDED:
        found.append(f"{sale_id}: still {bridge.state} at the bridge")
    return found
