"""What people did about money by hand: who asked, who agreed, and what became of it."""

from typing import Any, Final

from sqlalchemy import Column, Index, Table, Text, text
from sqlalchemy.types import TypeEngine

from cloud_bridge.core.approval import Act, Stand
from cloud_bridge.store.tables import WHOLE, Choice, Words, metadata, sale

# Literal, so that a query which repeats the words can use the index.
STILL_WAITS: Final = text("stand = 'waiting'")
FOR_A_REQUEST: Final = text("request_id <> ''")


def _column(name: str, kind: TypeEngine[Any], *, key: bool = False) -> "Column[Any]":
    return Column(name, kind, primary_key=key, nullable=False, autoincrement=key)


hand_act: Final = Table(
    "hand_act",
    metadata,
    _column("id", WHOLE, key=True),
    _column("act", Choice(Act)),
    _column("machine", Text()),
    _column("sale_id", Text()),
    _column("lane", WHOLE),
    _column("fen", WHOLE),
    _column("by", Words()),
    _column("why", Words()),
    _column("asked_wall_ms", WHOLE),
    _column("until_wall_ms", WHOLE),
    _column("stand", Choice(Stand)),
    _column("second", Words()),
    _column("second_why", Words()),
    _column("ended_wall_ms", WHOLE),
    sqlite_strict=True,
)
Index("hand_act_of_person", hand_act.c.by, hand_act.c.asked_wall_ms)
Index("hand_act_of_machine", hand_act.c.machine, hand_act.c.asked_wall_ms)
Index("hand_act_waiting", hand_act.c.id, sqlite_where=STILL_WAITS, postgresql_where=STILL_WAITS)
# What was given out for an act is found by the request that its machine took once.
Index("sale_request", sale.c.request_id, sqlite_where=FOR_A_REQUEST, postgresql_where=FOR_A_REQUEST)
