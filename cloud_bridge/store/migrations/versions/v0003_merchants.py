"""Whose money a sale's is, by the merchant's name in the settings, and since when a refund is on its way.

Sales from before are the first merchant's; their refunds on the way count from their last change.
"""

import sqlalchemy as sa
from alembic import op
from alembic.util import CommandError

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Two more columns of a sale."""
    op.add_column("sale", sa.Column("merchant", sa.Text(), nullable=False, server_default=""))
    op.add_column("sale", sa.Column("refund_since_wall_ms", WHOLE, nullable=False, server_default="0"))
    op.execute("UPDATE sale SET refund_since_wall_ms = changed_wall_ms WHERE refund_no <> ''")


def downgrade() -> None:
    """Books are never made poorer."""
    raise CommandError("the books do not go back. Try: restore a backup")
