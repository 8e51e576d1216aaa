"""The tables of what machines sell and of what lies in their lanes.

Editions, their changes, bundles and events of the stock only grow; an entry is what its editions made of it.
"""

from typing import Any, Final

from sqlalchemy import Column, Index, LargeBinary, Table, Text, text
from sqlalchemy.types import TypeEngine

from cloud_bridge.core.catalogue import Kind
from cloud_bridge.core.rollout import At, Stage
from cloud_bridge.core.stock import Hand
from cloud_bridge.store.tables import WHOLE, Choice, Flag, Words, metadata

IS_WAITING: Final = text("state = 'waiting'")


def _column(name: str, kind: TypeEngine[Any], *, key: bool = False) -> "Column[Any]":
    return Column(name, kind, primary_key=key, nullable=False, autoincrement=key and name == "id")


entry: Final = Table(
    "catalogue_entry",
    metadata,
    _column("kind", Choice(Kind), key=True),
    _column("key", Text(), key=True),
    _column("value", Words()),
    sqlite_strict=True,
)
edition: Final = Table(
    "catalogue_edition",
    metadata,
    _column("edition", WHOLE, key=True),
    _column("wall_ms", WHOLE),
    _column("by", Words()),
    _column("why", Words()),
    _column("agreed", Words()),
    sqlite_strict=True,
)
change: Final = Table(  # an empty value: the entry was not there, or is not any more
    "catalogue_change",
    metadata,
    _column("edition", WHOLE, key=True),
    _column("kind", Choice(Kind), key=True),
    _column("key", Text(), key=True),
    _column("before", Words()),
    _column("after", Words()),
    sqlite_strict=True,
)
bundle: Final = Table(
    "catalogue_bundle",
    metadata,
    _column("machine", Text(), key=True),
    _column("version", WHOLE, key=True),
    _column("wall_ms", WHOLE),
    _column("phone", Words()),
    _column("slots", Words()),
    sqlite_strict=True,
)
standing: Final = Table(
    "catalogue_standing",
    metadata,
    _column("machine", Text(), key=True),
    _column("jid", Text()),
    _column("boot", WHOLE),
    _column("runs", WHOLE),
    _column("refused", WHOLE),
    _column("why", Words()),
    _column("wall_ms", WHOLE),
    sqlite_strict=True,
)
rollout: Final = Table(
    "catalogue_rollout",
    metadata,
    _column("edition", WHOLE, key=True),
    _column("stage", Choice(Stage)),
    _column("minutes", WHOLE),
    _column("why", Words()),
    sqlite_strict=True,
)
stop: Final = Table(
    "catalogue_stop",
    metadata,
    _column("edition", WHOLE, key=True),
    _column("machine", Text(), key=True),
    _column("wave", WHOLE),
    _column("at", Choice(At)),
    _column("since_wall_ms", WHOLE),
    _column("why", Words()),
    sqlite_strict=True,
)
pending: Final = Table(
    "catalogue_pending",
    metadata,
    _column("id", WHOLE, key=True),
    _column("by", Words()),
    _column("why", Words()),
    _column("wall_ms", WHOLE),
    _column("effective_wall_ms", WHOLE),
    _column("minutes", WHOLE),
    _column("at_once", Flag()),
    _column("daring", Words()),
    _column("changes", Words()),
    _column("agreed", Words()),
    _column("state", Text()),
    sqlite_strict=True,
)
Index("catalogue_pending_waiting", pending.c.id, sqlite_where=IS_WAITING, postgresql_where=IS_WAITING)
picture: Final = Table(
    "picture",
    metadata,
    _column("sha256", Text(), key=True),
    _column("name", Words()),
    _column("by", Words()),
    _column("wall_ms", WHOLE),
    _column("png", LargeBinary()),
    sqlite_strict=True,
)
moved: Final = Table(
    "stock_moved",
    metadata,
    _column("id", WHOLE, key=True),
    _column("key", Text()),
    _column("machine", Text()),
    _column("lane", WHOLE),
    _column("hand", Choice(Hand)),
    _column("pieces", WHOLE),
    _column("by", Words()),
    _column("why", Words()),
    _column("wall_ms", WHOLE),
    sqlite_strict=True,
)
Index("stock_moved_once", moved.c.key, unique=True)
Index("stock_moved_of_lane", moved.c.machine, moved.c.lane, moved.c.hand, moved.c.pieces)
