"""The first books: sales, ledger, timeline, journals of machines, standing alarms."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from alembic.util import CommandError

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
FLAG = sa.Boolean().with_variant(sa.Integer(), "sqlite")
APPLICATION_ID = 0x77785642  # "wxVB"


def upgrade() -> None:
    """All tables. STRICT on SQLite: the type of a column is a fact there, too."""
    _books()
    _sale()
    _ledger_and_timeline()
    _machines()
    if op.get_bind().dialect.name == "sqlite":
        op.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        _append_only_on_sqlite()
    else:
        _append_only_on_postgresql()


def downgrade() -> None:
    """Books are never made poorer."""
    raise CommandError("the books do not go back. Try: restore a backup")


def _text(name: str) -> "sa.Column[str]":
    return sa.Column(name, sa.Text(), nullable=False)


def _whole(name: str) -> "sa.Column[int]":
    return sa.Column(name, WHOLE, nullable=False)


def _flag(name: str) -> "sa.Column[bool]":
    return sa.Column(name, FLAG, nullable=False)


def _table(name: str, *items: "sa.Column[Any] | sa.Constraint") -> None:
    op.create_table(name, *items, sqlite_strict=True)


def _index(name: str, table: str, *columns: str, where: str = "", unique: bool = False) -> None:
    only = sa.text(where) if where else None
    op.create_index(name, table, list(columns), unique=unique, sqlite_where=only, postgresql_where=only)


def _books() -> None:
    _table(
        "books",
        sa.Column("id", WHOLE, primary_key=True),
        _text("incarnation"),
        _whole("rests"),
        sa.CheckConstraint("id = 1", name="one_row"),
    )


def _sale() -> None:
    _table(
        "sale",
        sa.Column("sale_id", sa.Text(), primary_key=True),
        _text("machine"),
        _text("store"),
        _whole("opened_wall_ms"),
        _text("state"),
        _text("decision"),
        _text("why"),
        _text("jid"),
        _whole("boot"),
        _text("bits"),
        _whole("lane"),
        _whole("price_fen"),
        _whole("catalogue_version"),
        _text("product_zh"),
        _text("product_en"),
        _whole("lease_s"),
        _whole("start_s"),
        _whole("pay_until_wall_ms"),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        _text("code_url"),
        _whole("place_tries"),
        *(_flag(name) for name in ("window_over", "past", "row_dead", "look_again", "foreign")),
        _text("transaction_id"),
        _whole("paid_fen"),
        _text("paid_at"),
        _whole("sent_count"),
        _flag("answered"),
        _flag("goods"),
        _text("doubt"),
        _text("case"),
        _text("refund_no"),
        _flag("refund_accepted"),
        _whole("refund_tries"),
        _whole("refunded_fen"),
        _text("hand_refunds"),
        _whole("evidence_wall_ms"),
        _whole("changed_wall_ms"),
    )
    _index("sale_opened", "sale", "opened_wall_ms", "sale_id")
    _index("sale_of_machine", "sale", "machine", "opened_wall_ms", "sale_id")
    unfinished = "state NOT IN ('vended', 'refunded') AND (state <> 'closed' OR look_again)"
    _index("sale_unfinished", "sale", "machine", "opened_wall_ms", "sale_id", where=unfinished)
    _index("sale_payment", "sale", "transaction_id", where="transaction_id <> ''", unique=True)
    _index("sale_evidence", "sale", "evidence_wall_ms", where="evidence_wall_ms > 0")


def _ledger_and_timeline() -> None:
    _table(
        "ledger",
        sa.Column("id", WHOLE, primary_key=True),
        _text("sale_id"),
        _text("debit"),
        _text("credit"),
        _whole("fen"),
        _text("why"),
        _whole("wall_ms"),
        _text("hash"),
        sa.ForeignKeyConstraint(["sale_id"], ["sale.sale_id"]),
        sa.CheckConstraint("fen > 0 AND debit <> credit", name="moves_money"),
    )
    _table(
        "fact",
        sa.Column("id", WHOLE, primary_key=True),
        _whole("wall_ms"),
        _text("machine"),
        _text("sale_id"),
        _text("who"),
        _text("what"),
    )
    _index("fact_of_sale", "fact", "sale_id", "id")


def _machines() -> None:
    _table(
        "journal",
        sa.Column("jid", sa.Text(), primary_key=True),
        _text("machine"),
        _whole("boot"),
        _text("bits"),
        _whole("upto"),
        _text("doubt"),
        _flag("current"),
    )
    _index("journal_of_machine", "journal", "machine")
    _index("journal_current", "journal", "machine", where="current", unique=True)
    _table(
        "session",
        sa.Column("jid", sa.Text(), primary_key=True),
        sa.Column("boot", WHOLE, primary_key=True, autoincrement=False),
        _text("bits"),
        sa.ForeignKeyConstraint(["jid"], ["journal.jid"]),
    )
    _table(
        "report",
        sa.Column("jid", sa.Text(), primary_key=True),
        sa.Column("n", WHOLE, primary_key=True, autoincrement=False),
        sa.ForeignKeyConstraint(["jid"], ["journal.jid"]),
    )
    _table(
        "alarm",
        sa.Column("machine", sa.Text(), primary_key=True),
        sa.Column("name", sa.Text(), primary_key=True),
        sa.Column("lane", WHOLE, primary_key=True, autoincrement=False),
        _text("code"),
        _text("text"),
        _whole("since_wall_ms"),
    )


def _append_only_on_sqlite() -> None:
    for table in ("ledger", "fact"):
        for change in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{change.lower()} BEFORE {change} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            )


def _append_only_on_postgresql() -> None:
    op.execute(
        "CREATE FUNCTION append_only() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$"
    )
    for table in ("ledger", "fact"):
        op.execute(
            f"CREATE TRIGGER {table}_only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION append_only()"
        )
