"""The tables of what a shop's people work with: deliveries, complaints, alarms that were told on.

Money does not hang on them: they can be made anew from sales, platform and alarms that stand.
"""

from typing import Any, Final

from sqlalchemy import Column, ForeignKey, Index, Table, Text, text
from sqlalchemy.types import TypeEngine

from cloud_bridge.core.complaint import Act, Standing, Verdict
from cloud_bridge.core.delivery import Outcome, Report
from cloud_bridge.store.tables import WHOLE, Choice, Flag, Words, metadata

# Literal, so that a query which repeats the words can use the index.
IS_WAITING: Final = text("outcome = 'waiting'")
HAS_FAILED: Final = text("outcome = 'failed'")
IS_DELIVERED: Final = text("outcome = 'delivered'")
IS_UNREPORTED: Final = text("outcome = 'delivered' AND report = ''")
REPORT_IS_DUE: Final = text("report = 'due'")
IS_OPEN: Final = text("standing <> 'processed'")
IS_DUE: Final = text("outcome = ''")


def _column(name: str, kind: TypeEngine[Any], *more: ForeignKey, key: bool = False) -> "Column[Any]":
    return Column(name, kind, *more, primary_key=key, nullable=False, autoincrement=False)


def _index(name: str, *columns: "Column[Any]", where: Any = None) -> None:
    Index(name, *columns, sqlite_where=where, postgresql_where=where)


delivery: Final = Table(
    "delivery",
    metadata,
    _column("sale_id", Text(), ForeignKey("sale.sale_id"), key=True),
    _column("machine", Text()),
    _column("lane", WHOLE),
    _column("paid_wall_ms", WHOLE),
    _column("due_wall_ms", WHOLE),
    _column("outcome", Choice(Outcome)),
    _column("ended_wall_ms", WHOLE),
    _column("refund_no", Text()),
    _column("back_wall_ms", WHOLE),
    _column("report", Choice(Report)),
    _column("report_tries", WHOLE),
    _column("report_wall_ms", WHOLE),
    sqlite_strict=True,
)
_index("delivery_waiting", delivery.c.due_wall_ms, where=IS_WAITING)
_index("delivery_failed", delivery.c.ended_wall_ms, where=HAS_FAILED)
_index(
    "delivery_of_lane",
    delivery.c.machine,
    delivery.c.lane,
    delivery.c.ended_wall_ms,
    where=IS_DELIVERED,
)
_index("delivery_unreported", delivery.c.ended_wall_ms, where=IS_UNREPORTED)
_index("delivery_report", delivery.c.report_wall_ms, where=REPORT_IS_DUE)

complaint: Final = Table(
    "complaint",
    metadata,
    _column("complaint_id", Text(), key=True),
    _column("merchant", Text()),
    _column("standing", Choice(Standing)),
    _column("sale_id", Words()),
    _column("transaction_id", Words()),
    _column("amount_fen", WHOLE),
    _column("problem", Words()),
    _column("words", Words()),
    _column("phone_sealed", Words()),
    _column("pictures", Words()),
    _column("full_refunded", Flag()),
    _column("spoke", Flag()),
    _column("stale", Flag()),
    _column("times", WHOLE),
    _column("made_wall_ms", WHOLE),
    _column("seen_wall_ms", WHOLE),
    _column("waits_since_wall_ms", WHOLE),
    _column("changed_wall_ms", WHOLE),
    _column("verdict", Choice(Verdict)),
    sqlite_strict=True,
)
_index("complaint_open", complaint.c.made_wall_ms, where=IS_OPEN)
_index("complaint_made", complaint.c.made_wall_ms)
_index("complaint_of_sale", complaint.c.sale_id)

act: Final = Table(
    "complaint_act",
    metadata,
    _column("complaint_id", Text(), ForeignKey("complaint.complaint_id"), key=True),
    _column("key", Text(), key=True),
    _column("kind", Choice(Act)),
    _column("words", Words()),
    _column("by", Words()),
    _column("asked_wall_ms", WHOLE),
    _column("done_wall_ms", WHOLE),
    _column("outcome", Words()),
    _column("tries", WHOLE),
    sqlite_strict=True,
)
_index("complaint_act_due", act.c.asked_wall_ms, where=IS_DUE)

told: Final = Table(
    "alarm_told",
    metadata,
    _column("sink", Text(), key=True),
    _column("machine", Text(), key=True),
    _column("name", Text(), key=True),
    _column("lane", WHOLE, key=True),
    _column("since_wall_ms", WHOLE),
    sqlite_strict=True,
)
