"""Indexes for pages: ends of numbers that are read out, refunds, losses, and a machine's own lines."""

import sqlalchemy as sa
from alembic import op
from alembic.util import CommandError

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Five more indexes."""
    op.create_index("sale_tail", "sale", [sa.text("substr(sale_id, length(sale_id) - 3)")])
    _some(
        "sale_payment_tail",
        "sale",
        "transaction_id <> ''",
        "substr(transaction_id, length(transaction_id) - 3)",
    )
    _some("sale_given_back", "sale", "refunded_fen > 0", "opened_wall_ms", "sale_id")
    _some("ledger_lost", "ledger", "debit = 'shrinkage'", "wall_ms", "sale_id")
    _some("fact_of_machine", "fact", "sale_id = ''", "machine", "id")


def downgrade() -> None:
    """Books are never made poorer."""
    raise CommandError("the books do not go back. Try: restore a backup")


def _some(name: str, table: str, where: str, *columns: str) -> None:
    """An index of some rows only."""
    shown = [sa.text(each) if "(" in each else each for each in columns]
    op.create_index(name, table, shown, sqlite_where=sa.text(where), postgresql_where=sa.text(where))
