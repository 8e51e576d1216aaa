"""${message}"""

import sqlalchemy as sa
from alembic import op

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = None
depends_on = None


def upgrade() -> None:
    """What changes, and why no reader of older rows is misled."""
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    """Books are never made poorer."""
    raise NotImplementedError("the books do not go back. Try: restore a backup")
