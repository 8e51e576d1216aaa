"""Indexes that pages read along: the ends of numbers, what went back or is lost, and a machine's lines.

A shopper reads out the last characters of a number. Its last four are in an index; the rest is compared.
"""

from typing import Any, Final

from sqlalchemy import Column, ColumnElement, Index, func, text

from cloud_bridge.store.tables import HAS_PAYMENT, fact, ledger, sale

TAIL: Final = 4
# Literal, so that a query which repeats the words can use the index.
GIVEN_BACK: Final = text("refunded_fen > 0")
LOST: Final = text("debit = 'shrinkage'")
OF_NO_SALE: Final = text("sale_id = ''")


def tail(column: "Column[Any]") -> "ColumnElement[str]":
    """A number's last four characters, in words that both databases know."""
    return func.substr(column, func.length(column) - text(str(TAIL - 1)))


Index("sale_tail", tail(sale.c.sale_id))
Index(
    "sale_payment_tail",
    tail(sale.c.transaction_id),
    sqlite_where=HAS_PAYMENT,
    postgresql_where=HAS_PAYMENT,
)
Index(
    "sale_given_back",
    sale.c.opened_wall_ms,
    sale.c.sale_id,
    sqlite_where=GIVEN_BACK,
    postgresql_where=GIVEN_BACK,
)
Index("ledger_lost", ledger.c.wall_ms, ledger.c.sale_id, sqlite_where=LOST, postgresql_where=LOST)
Index("fact_of_machine", fact.c.machine, fact.c.id, sqlite_where=OF_NO_SALE, postgresql_where=OF_NO_SALE)
