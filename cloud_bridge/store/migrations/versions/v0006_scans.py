"""The scan that a sale was opened for; sales from before were opened by a selection."""

import sqlalchemy as sa
from alembic import op
from alembic.util import CommandError

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """One more column of a sale."""
    op.add_column("sale", sa.Column("request_id", sa.Text(), nullable=False, server_default=""))


def downgrade() -> None:
    """Books are never made poorer."""
    raise CommandError("the books do not go back. Try: restore a backup")
