"""The books: double entry in fen, append-only. Who owes what to whom after each step of a sale."""

import enum
from collections.abc import Iterable
from dataclasses import dataclass

from cloud_bridge.core.model import Decision


class Account(enum.StrEnum):
    """The accounts a sale can touch. SETTLED_BY_HAND: what a person looked after outside of these books."""

    PLATFORM_CLEARING = "platform_clearing"
    CUSTOMER_LIABILITY = "customer_liability"
    SALES = "sales"
    REFUNDS_PENDING = "refunds_pending"
    SHRINKAGE = "shrinkage"
    SETTLED_BY_HAND = "settled_by_hand"


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """One entry: `fen` moves from `credit` to `debit`."""

    debit: Account
    credit: Account
    fen: int
    why: str

    def __post_init__(self) -> None:
        assert self.fen > 0, f"an entry of {self.fen} fen"
        assert self.debit is not self.credit, f"both sides are {self.debit}"


def payment_verified(fen: int) -> Post:
    """Money came in, and the shopper is owed goods or money."""
    return Post(
        debit=Account.PLATFORM_CLEARING, credit=Account.CUSTOMER_LIABILITY, fen=fen, why="payment verified"
    )


def goods_out(fen: int) -> Post:
    """The shopper has the goods."""
    return Post(debit=Account.CUSTOMER_LIABILITY, credit=Account.SALES, fen=fen, why="vended")


def refund_decided(fen: int) -> Post:
    """The shopper is owed money, and it is on its way."""
    return Post(
        debit=Account.CUSTOMER_LIABILITY, credit=Account.REFUNDS_PENDING, fen=fen, why="refund decided"
    )


def refund_confirmed(fen: int) -> Post:
    """The platform gave the money back."""
    return Post(debit=Account.REFUNDS_PENDING, credit=Account.PLATFORM_CLEARING, fen=fen, why="refunded")


def goods_lost(fen: int) -> Post:
    """The money went back and the goods turned out to have fallen as well."""
    return Post(debit=Account.SHRINKAGE, credit=Account.SALES, fen=fen, why="goods fell after a refund")


def refunded_by_hand(fen: int) -> Post:
    """Somebody gave money back for goods that had been sold."""
    return Post(debit=Account.SHRINKAGE, credit=Account.PLATFORM_CLEARING, fen=fen, why="refunded by hand")


def settled_by_hand(fen: int, decision: Decision) -> Post:
    """A person looked after what was owed: these books owe it no more."""
    owed = Account.REFUNDS_PENDING if decision is Decision.REFUND else Account.CUSTOMER_LIABILITY
    return Post(debit=owed, credit=Account.SETTLED_BY_HAND, fen=fen, why="settled by hand")


def refunded_after_settling(fen: int) -> Post:
    """A person had settled it, and the platform gave money back for it."""
    return Post(
        debit=Account.SETTLED_BY_HAND,
        credit=Account.PLATFORM_CLEARING,
        fen=fen,
        why="refunded after it was settled",
    )


def balances(entries: Iterable[Post]) -> dict[Account, int]:
    """Debit less credit per account, in fen; the sum over all accounts is always 0."""
    totals = dict.fromkeys(Account, 0)
    for entry in entries:
        totals[entry.debit] += entry.fen
        totals[entry.credit] -= entry.fen
    return totals
