"""Open cases as rows, the trail of decisions, and sales that a person settled."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from alembic.util import CommandError

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
UNFINISHED = "state NOT IN ('vended', 'refunded', 'settled') AND (state <> 'closed' OR look_again)"


def upgrade() -> None:
    """Cases that are open in the rows of sales get a row of their own."""
    _open_case()
    _trail()
    op.drop_index("sale_unfinished", "sale")
    _index("sale_unfinished", "sale", "machine", "opened_wall_ms", "sale_id", where=UNFINISHED)
    op.execute(
        "INSERT INTO open_case (sale_id, machine, reason, evidence, opened_wall_ms, owner, resolution, "
        'resolved_by, resolved_why, resolved_wall_ms) SELECT sale_id, machine, "case", '
        "'opened before cases had rows', changed_wall_ms, '', '', '', '', 0 FROM sale WHERE \"case\" <> ''"
    )
    _append_only()


def downgrade() -> None:
    """Books are never made poorer."""
    raise CommandError("the books do not go back. Try: restore a backup")


def _text(name: str) -> "sa.Column[str]":
    return sa.Column(name, sa.Text(), nullable=False)


def _whole(name: str) -> "sa.Column[int]":
    return sa.Column(name, WHOLE, nullable=False)


def _table(name: str, *items: "sa.Column[Any] | sa.Constraint") -> None:
    op.create_table(name, *items, sqlite_strict=True)


def _index(name: str, table: str, *columns: str, where: str = "", unique: bool = False) -> None:
    only = sa.text(where) if where else None
    op.create_index(name, table, list(columns), unique=unique, sqlite_where=only, postgresql_where=only)


def _open_case() -> None:
    _table(
        "open_case",
        sa.Column("id", WHOLE, primary_key=True),
        *(_text(name) for name in ("sale_id", "machine", "reason", "evidence")),
        _whole("opened_wall_ms"),
        *(_text(name) for name in ("owner", "resolution", "resolved_by", "resolved_why")),
        _whole("resolved_wall_ms"),
        sa.ForeignKeyConstraint(["sale_id"], ["sale.sale_id"]),
    )
    _index("open_case_once", "open_case", "sale_id", "reason", where="resolution = ''", unique=True)
    _index("open_case_resolved", "open_case", "resolved_wall_ms")


def _trail() -> None:
    _table(
        "trail",
        sa.Column("id", WHOLE, primary_key=True),
        _whole("wall_ms"),
        *(_text(name) for name in ("sale_id", "cause", "by", "before", "after", "row", "hash")),
        sa.ForeignKeyConstraint(["sale_id"], ["sale.sale_id"]),
    )
    _index("trail_of_sale", "trail", "sale_id", "id")


def _append_only() -> None:
    if op.get_bind().dialect.name != "sqlite":
        op.execute(
            "CREATE TRIGGER trail_only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON trail "
            "FOR EACH STATEMENT EXECUTE FUNCTION append_only()"
        )
        return
    for change in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER trail_no_{change.lower()} BEFORE {change} ON trail "
            "BEGIN SELECT RAISE(ABORT, 'trail is append-only'); END"
        )
