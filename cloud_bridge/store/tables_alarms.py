"""The tables around alarms: how long each stood, who looks after it, and who had which day's digest.

Money does not hang on them. What stands now is in `tables.alarm`; here is what people did about it.
"""

from typing import Any, Final

from sqlalchemy import Column, Index, Table, Text, text
from sqlalchemy.types import TypeEngine

from cloud_bridge.store.tables import WHOLE, Words, metadata
from cloud_bridge.store.tables_desk import delivery

# Literal, so that a query which repeats the words can use the index.
STILL_STANDS: Final = text("over_wall_ms = 0")


def _column(name: str, kind: TypeEngine[Any], *, key: bool = False) -> "Column[Any]":
    return Column(name, kind, primary_key=key, nullable=False, autoincrement=False)


spell: Final = Table(  # from when to when an alarm stood; 0: it still does
    "alarm_spell",
    metadata,
    _column("machine", Text(), key=True),
    _column("name", Text(), key=True),
    _column("lane", WHOLE, key=True),
    _column("since_wall_ms", WHOLE, key=True),
    _column("over_wall_ms", WHOLE),
    _column("text", Words()),
    sqlite_strict=True,
)
Index(
    "alarm_spell_standing",
    spell.c.since_wall_ms,
    sqlite_where=STILL_STANDS,
    postgresql_where=STILL_STANDS,
)
Index("alarm_spell_over", spell.c.over_wall_ms)

care: Final = Table(
    "alarm_care",
    metadata,
    _column("machine", Text(), key=True),
    _column("name", Text(), key=True),
    _column("lane", WHOLE, key=True),
    _column("acked_by", Words()),
    _column("acked_why", Words()),
    _column("acked_wall_ms", WHOLE),
    _column("snoozed_by", Words()),
    _column("snoozed_why", Words()),
    _column("snoozed_until_wall_ms", WHOLE),
    sqlite_strict=True,
)
digest: Final = Table(
    "alarm_digest",
    metadata,
    _column("sink", Text(), key=True),
    _column("day", Text(), key=True),
    sqlite_strict=True,
)

# Reports read what became of the vends that ended between two instants.
Index("delivery_ended", delivery.c.ended_wall_ms, delivery.c.machine, delivery.c.lane, delivery.c.outcome)
