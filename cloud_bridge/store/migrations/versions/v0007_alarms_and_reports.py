"""How long alarms stood, who looks after them, who had which digest; and indexes that reports read along."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from alembic.util import CommandError

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Three more tables, one more index; what stands now has stood since it was raised."""
    _alarms()
    op.create_index("delivery_ended", "delivery", ["ended_wall_ms", "machine", "lane", "outcome"])
    op.execute(
        "INSERT INTO alarm_spell (machine, name, lane, since_wall_ms, over_wall_ms, text) "
        "SELECT machine, name, lane, since_wall_ms, 0, text FROM alarm"
    )


def downgrade() -> None:
    """Books are never made poorer."""
    raise CommandError("the books do not go back. Try: restore a backup")


def _text(name: str, **more: Any) -> "sa.Column[str]":
    return sa.Column(name, sa.Text(), nullable=False, **more)


def _whole(name: str, **more: Any) -> "sa.Column[int]":
    return sa.Column(name, WHOLE, nullable=False, **more)


def _key() -> tuple["sa.Column[Any]", ...]:
    return (
        *(_text(name, primary_key=True) for name in ("machine", "name")),
        _whole("lane", primary_key=True),
    )


def _alarms() -> None:
    op.create_table(
        "alarm_spell",
        *_key(),
        _whole("since_wall_ms", primary_key=True),
        _whole("over_wall_ms"),
        _text("text"),
        sqlite_strict=True,
    )
    standing = sa.text("over_wall_ms = 0")
    op.create_index(
        "alarm_spell_standing",
        "alarm_spell",
        ["since_wall_ms"],
        sqlite_where=standing,
        postgresql_where=standing,
    )
    op.create_index("alarm_spell_over", "alarm_spell", ["over_wall_ms"])
    op.create_table(
        "alarm_care",
        *_key(),
        *(_text(name) for name in ("acked_by", "acked_why")),
        _whole("acked_wall_ms"),
        *(_text(name) for name in ("snoozed_by", "snoozed_why")),
        _whole("snoozed_until_wall_ms"),
        sqlite_strict=True,
    )
    op.create_table(
        "alarm_digest",
        *(_text(name, primary_key=True) for name in ("sink", "day")),
        sqlite_strict=True,
    )
