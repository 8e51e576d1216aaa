"""What the daily match of bills, books and journals keeps, and the ledger by sale and by time."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from alembic.util import CommandError

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
FLAG = sa.Boolean().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Four more tables, and two indexes of the ledger."""
    _table(
        "bill_day",
        *_keys("merchant", "day"),
        *(_text(name) for name in ("sha1", "file")),
        _flag("closed"),
        *(_text(name) for name in ("fault", "rounds")),
        _whole("matched_wall_ms"),
        _text("figures"),
    )
    op.create_index("bill_day_newest", "bill_day", ["day"])
    _table(
        "bill_difference",
        *_keys("merchant", "day", "key"),
        *(_text(name) for name in ("kind", "sale_id", "machine", "number")),
        *(_whole(name) for name in ("bill_fen", "books_fen")),
        _text("at"),
        _whole("since_wall_ms"),
        *(_text(name) for name in ("cause", "why", "by")),
    )
    _table(
        "machine_row",
        *_keys("machine", "sale_id"),
        *(_text(name) for name in ("day", "state")),
        _whole("price_fen"),
    )
    op.create_index("machine_row_of_day", "machine_row", ["day", "sale_id"])
    _table("machine_day", *_keys("machine", "day"), _text("jid"), _flag("whole"))
    op.create_index("ledger_of_sale", "ledger", ["sale_id"])
    op.create_index("ledger_when", "ledger", ["wall_ms"])


def downgrade() -> None:
    """Books are never made poorer."""
    raise CommandError("the books do not go back. Try: restore a backup")


def _keys(*names: str) -> "tuple[sa.Column[str], ...]":
    return tuple(sa.Column(name, sa.Text(), primary_key=True) for name in names)


def _text(name: str) -> "sa.Column[str]":
    return sa.Column(name, sa.Text(), nullable=False)


def _whole(name: str) -> "sa.Column[int]":
    return sa.Column(name, WHOLE, nullable=False)


def _flag(name: str) -> "sa.Column[bool]":
    return sa.Column(name, FLAG, nullable=False)


def _table(name: str, *items: "sa.Column[Any]") -> None:
    op.create_table(name, *items, sqlite_strict=True)
