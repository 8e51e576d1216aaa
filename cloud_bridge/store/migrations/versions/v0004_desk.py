"""What a shop's people work with: deliveries with their deadlines, complaints, and alarms that were told on.

Sales that were paid before have a delivery as their row shows it, without a deadline that anybody missed.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from alembic.util import CommandError

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
FLAG = sa.Boolean().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Four more tables."""
    _delivery()
    _complaint()
    _told()


def downgrade() -> None:
    """Books are never made poorer."""
    raise CommandError("the books do not go back. Try: restore a backup")


def _text(name: str, **more: Any) -> "sa.Column[str]":
    return sa.Column(name, sa.Text(), nullable=False, **more)


def _whole(name: str, **more: Any) -> "sa.Column[int]":
    return sa.Column(name, WHOLE, nullable=False, **more)


def _flag(name: str) -> "sa.Column[bool]":
    return sa.Column(name, FLAG, nullable=False)


def _table(name: str, *items: "sa.Column[Any] | sa.Constraint") -> None:
    op.create_table(name, *items, sqlite_strict=True)


def _index(name: str, table: str, *columns: str, where: str = "") -> None:
    only = sa.text(where) if where else None
    op.create_index(name, table, list(columns), sqlite_where=only, postgresql_where=only)


def _delivery() -> None:
    _table(
        "delivery",
        _text("sale_id", primary_key=True),
        _text("machine"),
        *(_whole(name) for name in ("lane", "paid_wall_ms", "due_wall_ms")),
        _text("outcome"),
        _whole("ended_wall_ms"),
        _text("refund_no"),
        _whole("back_wall_ms"),
        _text("report"),
        *(_whole(name) for name in ("report_tries", "report_wall_ms")),
        sa.ForeignKeyConstraint(["sale_id"], ["sale.sale_id"]),
    )
    _index("delivery_waiting", "delivery", "due_wall_ms", where="outcome = 'waiting'")
    _index("delivery_failed", "delivery", "ended_wall_ms", where="outcome = 'failed'")
    _index("delivery_of_lane", "delivery", "machine", "lane", "ended_wall_ms", where="outcome = 'delivered'")
    fresh = "outcome = 'delivered' AND report = ''"
    _index("delivery_unreported", "delivery", "ended_wall_ms", where=fresh)
    _index("delivery_report", "delivery", "report_wall_ms", where="report = 'due'")
    op.execute(
        "INSERT INTO delivery (sale_id, machine, lane, paid_wall_ms, due_wall_ms, outcome, ended_wall_ms, "
        "refund_no, back_wall_ms, report, report_tries, report_wall_ms) "
        "SELECT sale_id, machine, lane, opened_wall_ms, changed_wall_ms, CASE WHEN state = 'vended' "
        "THEN 'delivered' WHEN decision = 'refund' THEN 'failed' WHEN state = 'settled' THEN 'settled' "
        "ELSE 'unknown' END, changed_wall_ms, refund_no, "
        "CASE WHEN state = 'refunded' THEN changed_wall_ms ELSE 0 END, '', 0, 0 FROM sale WHERE paid_fen > 0"
    )


def _complaint() -> None:
    _table(
        "complaint",
        _text("complaint_id", primary_key=True),
        *(_text(name) for name in ("merchant", "standing", "sale_id", "transaction_id")),
        _whole("amount_fen"),
        *(_text(name) for name in ("problem", "words", "phone_sealed", "pictures")),
        *(_flag(name) for name in ("full_refunded", "spoke", "stale")),
        _whole("times"),
        *(_whole(f"{name}_wall_ms") for name in ("made", "seen", "waits_since", "changed")),
        _text("verdict"),
    )
    _index("complaint_open", "complaint", "made_wall_ms", where="standing <> 'processed'")
    _index("complaint_made", "complaint", "made_wall_ms")
    _index("complaint_of_sale", "complaint", "sale_id")
    _table(
        "complaint_act",
        _text("complaint_id", primary_key=True),
        _text("key", primary_key=True),
        *(_text(name) for name in ("kind", "words", "by")),
        *(_whole(name) for name in ("asked_wall_ms", "done_wall_ms")),
        _text("outcome"),
        _whole("tries"),
        sa.ForeignKeyConstraint(["complaint_id"], ["complaint.complaint_id"]),
    )
    _index("complaint_act_due", "complaint_act", "asked_wall_ms", where="outcome = ''")


def _told() -> None:
    _table(
        "alarm_told",
        *(_text(name, primary_key=True) for name in ("sink", "machine", "name")),
        _whole("lane", primary_key=True),
        _whole("since_wall_ms"),
    )
