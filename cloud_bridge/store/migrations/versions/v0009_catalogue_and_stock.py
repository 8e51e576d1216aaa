"""What machines sell, edition by edition, how far it is rolled out, pictures, and what was put into lanes."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from alembic.util import CommandError

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
FLAG = sa.Boolean().with_variant(sa.Integer(), "sqlite")
GROWING = ("catalogue_edition", "catalogue_change", "catalogue_bundle", "stock_moved")


def upgrade() -> None:
    """Ten more tables; four of them only grow."""
    _editions()
    _rollouts()
    _table(
        "picture",
        *_keys("sha256"),
        *_texts("name", "by"),
        *_wholes("wall_ms"),
        sa.Column("png", sa.LargeBinary(), nullable=False),
    )
    _table(
        "stock_moved",
        _numbered(),
        *_texts("key", "machine"),
        *_wholes("lane"),
        *_texts("hand"),
        *_wholes("pieces"),
        *_texts("by", "why"),
        *_wholes("wall_ms"),
    )
    op.create_index("stock_moved_once", "stock_moved", ["key"], unique=True)
    op.create_index("stock_moved_of_lane", "stock_moved", ["machine", "lane", "hand", "pieces"])
    for table in GROWING:
        _only_grows(table)


def _editions() -> None:
    _table("catalogue_entry", *_keys("kind", "key"), *_texts("value"))
    _table("catalogue_edition", _counted("edition"), *_wholes("wall_ms"), *_texts("by", "why", "agreed"))
    _table("catalogue_change", _counted("edition"), *_keys("kind", "key"), *_texts("before", "after"))
    _table(
        "catalogue_bundle",
        *_keys("machine"),
        _counted("version"),
        *_wholes("wall_ms"),
        *_texts("phone", "slots"),
    )


def _rollouts() -> None:
    _table(
        "catalogue_standing",
        *_keys("machine"),
        *_texts("jid"),
        *_wholes("boot", "runs", "refused"),
        *_texts("why"),
        *_wholes("wall_ms"),
    )
    _table("catalogue_rollout", _counted("edition"), *_texts("stage"), *_wholes("minutes"), *_texts("why"))
    _table(
        "catalogue_stop",
        _counted("edition"),
        *_keys("machine"),
        *_wholes("wave"),
        *_texts("at"),
        *_wholes("since_wall_ms"),
        *_texts("why"),
    )
    _table(
        "catalogue_pending",
        _numbered(),
        *_texts("by", "why"),
        *_wholes("wall_ms", "effective_wall_ms", "minutes"),
        sa.Column("at_once", FLAG, nullable=False),
        *_texts("daring", "changes", "agreed", "state"),
    )
    waiting = sa.text("state = 'waiting'")
    op.create_index(
        "catalogue_pending_waiting",
        "catalogue_pending",
        ["id"],
        sqlite_where=waiting,
        postgresql_where=waiting,
    )


def downgrade() -> None:
    """Books are never made poorer."""
    raise CommandError("the books do not go back. Try: restore a backup")


def _only_grows(table: str) -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            f"CREATE TRIGGER {table}_only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION append_only()"
        )
        return
    for change in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER {table}_no_{change.lower()} BEFORE {change} ON {table} "
            f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
        )


def _numbered() -> "sa.Column[int]":
    return sa.Column("id", WHOLE, primary_key=True)


def _counted(name: str) -> "sa.Column[int]":
    return sa.Column(name, WHOLE, primary_key=True, autoincrement=False)


def _keys(*names: str) -> "tuple[sa.Column[str], ...]":
    return tuple(sa.Column(name, sa.Text(), primary_key=True) for name in names)


def _texts(*names: str) -> "tuple[sa.Column[str], ...]":
    return tuple(sa.Column(name, sa.Text(), nullable=False) for name in names)


def _wholes(*names: str) -> "tuple[sa.Column[int], ...]":
    return tuple(sa.Column(name, WHOLE, nullable=False) for name in names)


def _table(name: str, *items: "sa.Column[Any]") -> None:
    op.create_table(name, *items, sqlite_strict=True)
