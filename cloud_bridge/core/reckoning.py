"""Whether the ledger says of a sale what its row says: what is owed, what is going back, what was sold."""

from collections.abc import Iterator, Mapping

from cloud_bridge.core.ledger import Account
from cloud_bridge.core.model import Decision, State
from cloud_bridge.core.sale import Sale

OVER = frozenset({State.VENDED, State.REFUNDED, State.SETTLED})


def faults(sale: Sale, books: Mapping[Account, int]) -> Iterator[str]:
    """In words, each thing that does not fit. `books` is debit less credit of each account for this sale."""
    if sum(books.values()):
        yield f"debits and credits differ by {sum(books.values())} fen"
    owed, pending = _expected(sale)
    for account, fen in ((Account.CUSTOMER_LIABILITY, owed), (Account.REFUNDS_PENDING, pending)):
        found = books.get(account, 0)
        if found != -fen:
            yield f"{account.value}: found {-found} fen, expected {fen} of a sale that is {sale.state.value}"
    sold, meant = -books.get(Account.SALES, 0), sale.paid_fen if sale.state is State.VENDED else None
    if meant is not None and sold != meant:
        yield f"sales: found {sold} fen, expected {meant} of a sale that is vended"


def _expected(sale: Sale) -> tuple[int, int]:
    """What is owed to the shopper, and what is on its way back to him."""
    if sale.state in OVER or sale.paid_fen == 0:
        return 0, 0
    return (0, sale.paid_fen) if sale.decision is Decision.REFUND else (sale.paid_fen, 0)
