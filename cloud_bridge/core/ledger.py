"""The books: double entry in fen, append-only. Who owes what to whom after each step of a sale."""

import enum
from collections.abc import Iterable
from dataclasses import dataclass


class Account(enum.StrEnum):
    """The five accounts a sale can touch."""

    PLATFORM_CLEARING = "platform_clearing"
    CUSTOMER_LIABILITY = "customer_liability"
    SALES = "sales"
    REFUNDS_PENDING = "refunds_pending"
    SHRINKAGE = "shrinkage"


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


def balances(entries: Iterable[Post]) -> dict[Account, int]:
    """Debit less credit per account, in fen; the sum over all accounts is always 0."""
    totals = dict.fromkeys(Account, 0)
    for entry in entries:
        totals[entry.debit] += entry.fen
        totals[entry.credit] -= entry.fen
    return totals
