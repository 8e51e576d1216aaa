"""An index by which the sale of a request is found: what was given out for nothing is given out once."""

import sqlalchemy as sa
from alembic import op
from alembic.util import CommandError

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """One more index."""
    asked = sa.text("request_id <> ''")
    op.create_index("sale_request", "sale", ["request_id"], sqlite_where=asked, postgresql_where=asked)


def downgrade() -> None:
    """Books are never made poorer."""
    raise CommandError("the books do not go back. Try: restore a backup")
