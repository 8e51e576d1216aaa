"""What people did about money by hand, and who agreed to it."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from alembic.util import CommandError

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """One more table; what was done by hand before stands in the trail alone."""
    op.create_table(
        "hand_act",
        _whole("id", primary_key=True, autoincrement=True),
        *(_text(name) for name in ("act", "machine", "sale_id")),
        *(_whole(name) for name in ("lane", "fen")),
        *(_text(name) for name in ("by", "why")),
        *(_whole(name) for name in ("asked_wall_ms", "until_wall_ms")),
        *(_text(name) for name in ("stand", "second", "second_why")),
        _whole("ended_wall_ms"),
        sqlite_strict=True,
    )
    op.create_index("hand_act_of_person", "hand_act", ["by", "asked_wall_ms"])
    op.create_index("hand_act_of_machine", "hand_act", ["machine", "asked_wall_ms"])
    waiting = sa.text("stand = 'waiting'")
    op.create_index("hand_act_waiting", "hand_act", ["id"], sqlite_where=waiting, postgresql_where=waiting)


def downgrade() -> None:
    """Books are never made poorer."""
    raise CommandError("the books do not go back. Try: restore a backup")


def _text(name: str, **more: Any) -> "sa.Column[str]":
    return sa.Column(name, sa.Text(), nullable=False, **more)


def _whole(name: str, **more: Any) -> "sa.Column[int]":
    return sa.Column(name, WHOLE, nullable=False, **more)
