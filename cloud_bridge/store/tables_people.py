"""The tables of people: users, sessions, programs' tokens, what waits for a second admin, and what was done.

The audit only grows: triggers refuse to change or delete a line, and each is bound to all before it.
"""

import json
from typing import Any, Final

from sqlalchemy import Column, Dialect, Index, Table, Text, TypeDecorator
from sqlalchemy.types import TypeEngine

from cloud_bridge.core.people import Role
from cloud_bridge.store.tables import WHOLE, Flag, Words, metadata


class Names(TypeDecorator[frozenset[str]]):
    """Some names, kept as a list in JSON: one of them, the first merchant's, is empty."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: frozenset[str] | None, dialect: Dialect) -> str:
        """In their order, so that equal ones are kept equally."""
        return json.dumps(sorted(value or ()), ensure_ascii=False)

    def process_result_value(self, value: str | None, dialect: Dialect) -> frozenset[str]:
        """Back to a set. Raises ValueError for what is no list."""
        return frozenset(json.loads(value or "[]"))


class Roles(Names):
    """Some roles."""

    cache_ok = True

    def process_result_value(self, value: str | None, dialect: Dialect) -> frozenset[str]:
        """Raises ValueError for a role that this program does not know."""
        return frozenset(Role(each) for each in json.loads(value or "[]"))


def _column(name: str, kind: TypeEngine[Any], *, key: bool = False) -> "Column[Any]":
    return Column(name, kind, primary_key=key, nullable=False, autoincrement=key and name == "n")


def _scope() -> "tuple[Column[Any], ...]":
    return (
        _column("roles", Roles()),
        _column("machines", Names()),
        _column("merchants", Names()),
        _column("everywhere", Flag()),
    )


user: Final = Table(
    "person",
    metadata,
    _column("name", Text(), key=True),
    *_scope(),
    _column("password", Text()),
    _column("totp", Text()),
    _column("step", WHOLE),
    _column("disabled", Flag()),
    _column("made_wall_ms", WHOLE),
    _column("changed_wall_ms", WHOLE),
    sqlite_strict=True,
)
session: Final = Table(
    "person_session",
    metadata,
    _column("id", Text(), key=True),
    _column("name", Text()),
    _column("proven", Flag()),
    _column("made_wall_ms", WHOLE),
    _column("seen_wall_ms", WHOLE),
    sqlite_strict=True,
)
Index("person_session_of", session.c.name)
token: Final = Table(
    "person_token",
    metadata,
    _column("name", Text(), key=True),
    _column("id", Text()),
    *_scope(),
    _column("by", Words()),
    _column("made_wall_ms", WHOLE),
    sqlite_strict=True,
)
wish: Final = Table(
    "person_wish",
    metadata,
    _column("name", Text(), key=True),
    *_scope(),
    _column("enable", Flag()),
    _column("by", Words()),
    _column("why", Words()),
    _column("wall_ms", WHOLE),
    sqlite_strict=True,
)
audit: Final = Table(
    "audit",
    metadata,
    Column("id", WHOLE, primary_key=True, nullable=False, autoincrement=True),
    _column("wall_ms", WHOLE),
    _column("by", Words()),
    _column("action", Text()),
    _column("about", Words()),
    _column("machine", Text()),
    _column("why", Words()),
    _column("before", Words()),
    _column("after", Words()),
    _column("hash", Text()),
    sqlite_strict=True,
)
Index("audit_of", audit.c.about, audit.c.id)
