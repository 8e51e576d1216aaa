"""The tables of the books. The steps in `migrations/versions` make them; a test holds both to be the same.

Columns bear the names of the fields they keep, so a row is `Sale(**row)` and back. Ledger, trail and timeline
only grow: triggers refuse to change or delete a line. A new column is a new step beside the last one, never a
change of a step that a merchant may have run.
"""

import enum
from typing import Any, Final, TypeVar

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    TypeDecorator,
    text,
)
from sqlalchemy.types import TypeEngine

from cloud_bridge.core.ledger import Account
from cloud_bridge.core.model import Decision, State

E = TypeVar("E", bound=enum.StrEnum)


def kept(words: str) -> str:
    """Words as the tables keep them."""
    return words.replace("\0", "\N{REPLACEMENT CHARACTER}")


class Words(TypeDecorator[str]):
    """Text that others wrote. A NUL, which PostgreSQL cannot keep, would come back for ever: it is shown."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Mark what cannot be kept."""
        return value and kept(value)


class Flag(TypeDecorator[bool]):
    """Yes or no. A STRICT table of SQLite knows only numbers."""

    impl = Boolean
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """A number on SQLite."""
        return dialect.type_descriptor(Integer() if dialect.name == "sqlite" else Boolean())

    def process_result_value(self, value: object, dialect: Dialect) -> bool:
        """Back to yes or no."""
        return bool(value)


class Choice(TypeDecorator[E]):
    """One of the names of an enumeration, kept as its word."""

    impl = Text
    cache_ok = True

    def __init__(self, choices: type[E]) -> None:
        super().__init__()
        self.choices = choices

    def process_bind_param(self, value: E | None, dialect: Dialect) -> str | None:
        """A plain word for the driver."""
        return None if value is None else value.value

    def process_result_value(self, value: str | None, dialect: Dialect) -> E | None:
        """Raises ValueError for a word that this program does not know."""
        return None if value is None else self.choices(value)


WHOLE: Final = BigInteger().with_variant(Integer(), "sqlite")
# Literal, so that a query which repeats the words can use the index.
UNFINISHED: Final = text(
    "state NOT IN ('vended', 'refunded', 'settled') AND (state <> 'closed' OR look_again)"
)
HAS_PAYMENT: Final = text("transaction_id <> ''")
HAS_EVIDENCE: Final = text("evidence_wall_ms > 0")
IS_CURRENT: Final = text("current")
IS_OPEN: Final = text("resolution = ''")

metadata: Final = MetaData()


def _column(name: str, kind: TypeEngine[Any], *more: ForeignKey, key: bool = False) -> "Column[Any]":
    return Column(name, kind, *more, primary_key=key, nullable=False, autoincrement=key and name == "id")


books: Final = Table(
    "books",
    metadata,
    _column("id", WHOLE, key=True),
    _column("incarnation", Text()),
    _column("rests", WHOLE),
    CheckConstraint("id = 1", name="one_row"),
    sqlite_strict=True,
)
sale: Final = Table(
    "sale",
    metadata,
    _column("sale_id", Text(), key=True),
    _column("machine", Text()),
    _column("store", Text()),
    _column("opened_wall_ms", WHOLE),
    _column("state", Choice(State)),
    _column("decision", Choice(Decision)),
    _column("why", Words()),
    _column("jid", Text()),
    _column("boot", WHOLE),
    _column("bits", Text()),
    _column("lane", WHOLE),
    _column("price_fen", WHOLE),
    _column("catalogue_version", WHOLE),
    _column("product_zh", Words()),
    _column("product_en", Words()),
    _column("lease_s", WHOLE),
    _column("start_s", WHOLE),
    _column("pay_until_wall_ms", WHOLE),
    _column("body", LargeBinary()),
    _column("code_url", Words()),
    _column("place_tries", WHOLE),
    _column("window_over", Flag()),
    _column("past", Flag()),
    _column("row_dead", Flag()),
    _column("look_again", Flag()),
    _column("foreign", Flag()),
    _column("transaction_id", Text()),
    _column("paid_fen", WHOLE),
    _column("paid_at", Words()),
    _column("sent_count", WHOLE),
    _column("answered", Flag()),
    _column("goods", Flag()),
    _column("doubt", Words()),
    _column("case", Words()),
    _column("refund_no", Text()),
    _column("refund_accepted", Flag()),
    _column("refund_tries", WHOLE),
    _column("refunded_fen", WHOLE),
    _column("hand_refunds", Words()),
    _column("evidence_wall_ms", WHOLE),
    _column("changed_wall_ms", WHOLE),
    _column("merchant", Text()),
    _column("request_id", Text()),
    _column("refund_since_wall_ms", WHOLE),
    sqlite_strict=True,
)
Index("sale_opened", sale.c.opened_wall_ms, sale.c.sale_id)
Index("sale_of_machine", sale.c.machine, sale.c.opened_wall_ms, sale.c.sale_id)
Index(
    "sale_unfinished",
    sale.c.machine,
    sale.c.opened_wall_ms,
    sale.c.sale_id,
    sqlite_where=UNFINISHED,
    postgresql_where=UNFINISHED,
)
Index(
    "sale_payment", sale.c.transaction_id, unique=True, sqlite_where=HAS_PAYMENT, postgresql_where=HAS_PAYMENT
)
Index("sale_evidence", sale.c.evidence_wall_ms, sqlite_where=HAS_EVIDENCE, postgresql_where=HAS_EVIDENCE)

ledger: Final = Table(
    "ledger",
    metadata,
    _column("id", WHOLE, key=True),
    _column("sale_id", Text(), ForeignKey("sale.sale_id")),
    _column("debit", Choice(Account)),
    _column("credit", Choice(Account)),
    _column("fen", WHOLE),
    _column("why", Words()),
    _column("wall_ms", WHOLE),
    _column("hash", Text()),
    CheckConstraint("fen > 0 AND debit <> credit", name="moves_money"),
    sqlite_strict=True,
)
fact: Final = Table(
    "fact",
    metadata,
    _column("id", WHOLE, key=True),
    _column("wall_ms", WHOLE),
    _column("machine", Text()),
    _column("sale_id", Text()),
    _column("who", Text()),
    _column("what", Words()),
    sqlite_strict=True,
)
Index("fact_of_sale", fact.c.sale_id, fact.c.id)

case: Final = Table(
    "open_case",
    metadata,
    _column("id", WHOLE, key=True),
    _column("sale_id", Text(), ForeignKey("sale.sale_id")),
    _column("machine", Text()),
    _column("reason", Text()),
    _column("evidence", Words()),
    _column("opened_wall_ms", WHOLE),
    _column("owner", Words()),
    _column("resolution", Text()),
    _column("resolved_by", Words()),
    _column("resolved_why", Words()),
    _column("resolved_wall_ms", WHOLE),
    sqlite_strict=True,
)
Index(
    "open_case_once",
    case.c.sale_id,
    case.c.reason,
    unique=True,
    sqlite_where=IS_OPEN,
    postgresql_where=IS_OPEN,
)
Index("open_case_resolved", case.c.resolved_wall_ms)
trail: Final = Table(
    "trail",
    metadata,
    _column("id", WHOLE, key=True),
    _column("wall_ms", WHOLE),
    _column("sale_id", Text(), ForeignKey("sale.sale_id")),
    _column("cause", Words()),
    _column("by", Words()),
    _column("before", Words()),
    _column("after", Words()),
    _column("row", Text()),
    _column("hash", Text()),
    sqlite_strict=True,
)
Index("trail_of_sale", trail.c.sale_id, trail.c.id)

journal: Final = Table(
    "journal",
    metadata,
    _column("jid", Text(), key=True),
    _column("machine", Text()),
    _column("boot", WHOLE),
    _column("bits", Text()),
    _column("upto", WHOLE),
    _column("doubt", Text()),
    _column("current", Flag()),
    sqlite_strict=True,
)
Index("journal_of_machine", journal.c.machine)
Index("journal_current", journal.c.machine, unique=True, sqlite_where=IS_CURRENT, postgresql_where=IS_CURRENT)
session: Final = Table(
    "session",
    metadata,
    _column("jid", Text(), ForeignKey("journal.jid"), key=True),
    _column("boot", WHOLE, key=True),
    _column("bits", Text()),
    sqlite_strict=True,
)
report: Final = Table(  # taken above a gap; what lies below `upto` needs no line
    "report",
    metadata,
    _column("jid", Text(), ForeignKey("journal.jid"), key=True),
    _column("n", WHOLE, key=True),
    sqlite_strict=True,
)
alarm: Final = Table(
    "alarm",
    metadata,
    _column("machine", Text(), key=True),
    _column("name", Text(), key=True),
    _column("lane", WHOLE, key=True),
    _column("code", Words()),
    _column("text", Words()),
    _column("since_wall_ms", WHOLE),
    sqlite_strict=True,
)
