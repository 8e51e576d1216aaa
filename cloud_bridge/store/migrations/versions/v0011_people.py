"""Users, sessions, tokens of programs, what waits for a second admin, and the audit of what people did."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from alembic.util import CommandError

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
FLAG = sa.Boolean().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Five more tables; the last of them only grows."""
    _table(
        "person",
        _key("name"),
        *_scope(),
        *(_text(name) for name in ("password", "totp")),
        _whole("step"),
        _flag("disabled"),
        *(_whole(name) for name in ("made_wall_ms", "changed_wall_ms")),
    )
    _table(
        "person_session",
        _key("id"),
        _text("name"),
        _flag("proven"),
        *(_whole(name) for name in ("made_wall_ms", "seen_wall_ms")),
    )
    op.create_index("person_session_of", "person_session", ["name"])
    _table("person_token", _key("name"), _text("id"), *_scope(), _text("by"), _whole("made_wall_ms"))
    _table(
        "person_wish",
        _key("name"),
        *_scope(),
        _flag("enable"),
        *(_text(name) for name in ("by", "why")),
        _whole("wall_ms"),
    )
    _audit()


def downgrade() -> None:
    """Books are never made poorer."""
    raise CommandError("the books do not go back. Try: restore a backup")


def _audit() -> None:
    _table(
        "audit",
        sa.Column("id", WHOLE, primary_key=True),
        _whole("wall_ms"),
        *(_text(name) for name in ("by", "action", "about", "machine", "why", "before", "after", "hash")),
    )
    op.create_index("audit_of", "audit", ["about", "id"])
    if op.get_bind().dialect.name != "sqlite":
        op.execute(
            "CREATE TRIGGER audit_only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON audit "
            "FOR EACH STATEMENT EXECUTE FUNCTION append_only()"
        )
        return
    for change in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER audit_no_{change.lower()} BEFORE {change} ON audit "
            "BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END"
        )


def _scope() -> "tuple[sa.Column[Any], ...]":
    return (*(_text(name) for name in ("roles", "machines", "merchants")), _flag("everywhere"))


def _key(name: str) -> "sa.Column[str]":
    return sa.Column(name, sa.Text(), primary_key=True)


def _text(name: str) -> "sa.Column[str]":
    return sa.Column(name, sa.Text(), nullable=False)


def _whole(name: str) -> "sa.Column[int]":
    return sa.Column(name, WHOLE, nullable=False)


def _flag(name: str) -> "sa.Column[bool]":
    return sa.Column(name, FLAG, nullable=False)


def _table(name: str, *items: "sa.Column[Any]") -> None:
    op.create_table(name, *items, sqlite_strict=True)
