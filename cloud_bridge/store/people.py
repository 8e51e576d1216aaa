"""Rows of people and of what they did: a transaction that sees them, reading the audit, and verifying it."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Final

from sqlalchemy import Connection, delete, insert, select, update

from cloud_bridge.core.logins import Session, Token, User, Wish
from cloud_bridge.ports import Tx
from cloud_bridge.ports_people import Deed, Line
from cloud_bridge.store import tables, tables_people
from cloud_bridge.store.tx import SqlTx
from cloud_bridge.store.tx import fields as columns

_MOST: Final = 1000
_BOUND: Final = tuple(field.name for field in fields(Deed))


class SqlPeopleTx(SqlTx):
    """Implements `ports_people.PeopleTx`."""

    @classmethod
    def of(cls, tx: Tx) -> "SqlPeopleTx":
        """The same transaction, seeing more."""
        assert isinstance(tx, SqlTx)
        return cls(tx.db)

    def deed(self, deed: Deed) -> None:
        """Append one line to the audit, chained to the one before."""
        digest = bound(self._end_of(tables_people.audit), deed)
        self._do(insert(tables_people.audit), columns(deed) | {"hash": digest})

    # ------------------------------------------------------------ users

    def users(self) -> tuple[User, ...]:
        """Every user, by name."""
        found = select(tables_people.user).order_by(tables_people.user.c.name)
        return tuple(User(**row._asdict()) for row in self._all(found))

    def user(self, name: str) -> User | None:
        """One of them."""
        row = self._first(select(tables_people.user).where(tables_people.user.c.name == name))
        return None if row is None else User(**row._asdict())

    def put_user(self, user: User) -> None:
        """Insert or replace."""
        self._put(tables_people.user, columns(user))

    # ------------------------------------------------------------ sessions

    def sessions(self) -> tuple[Session, ...]:
        """Every session that nobody took away."""
        return tuple(Session(**row._asdict()) for row in self._all(select(tables_people.session)))

    def put_session(self, session: Session) -> None:
        """Insert or replace."""
        self._put(tables_people.session, columns(session))

    def touch_session(self, session_id: str, seen_wall_ms: int) -> None:
        """Somebody was seen; nothing happens to one that was taken away."""
        row = tables_people.session
        self._do(update(row).where(row.c.id == session_id).values(seen_wall_ms=seen_wall_ms))

    def drop_session(self, session_id: str) -> None:
        """Take one away."""
        self._do(delete(tables_people.session).where(tables_people.session.c.id == session_id))

    def drop_sessions(self, name: str) -> None:
        """Take all of a user's away."""
        self._do(delete(tables_people.session).where(tables_people.session.c.name == name))

    # ------------------------------------------------------------ tokens and wishes

    def tokens(self) -> tuple[Token, ...]:
        """Every token, by name."""
        found = select(tables_people.token).order_by(tables_people.token.c.name)
        return tuple(Token(**row._asdict()) for row in self._all(found))

    def put_token(self, token: Token) -> None:
        """Insert or replace, by its name."""
        self._put(tables_people.token, columns(token))

    def drop_token(self, name: str) -> None:
        """Take one away."""
        self._do(delete(tables_people.token).where(tables_people.token.c.name == name))

    def wishes(self) -> tuple[Wish, ...]:
        """What waits for a second admin, the oldest first."""
        row = tables_people.wish.c
        found = select(tables_people.wish).order_by(row.wall_ms, row.name)
        return tuple(Wish(**each._asdict()) for each in self._all(found))

    def put_wish(self, wish: Wish) -> None:
        """Insert or replace, by the user's name."""
        self._put(tables_people.wish, columns(wish))

    def drop_wish(self, name: str) -> None:
        """Take one away."""
        self._do(delete(tables_people.wish).where(tables_people.wish.c.name == name))


def write_deed(tx: SqlTx, deed: Deed) -> None:
    """Append one line to the audit in a transaction of any kind."""
    SqlPeopleTx(tx.db).deed(deed)


def bound(before: str, deed: Deed) -> str:
    """The hash of a line, bound to all before it. Fields are kept apart by JSON, whatever stands in them."""
    values = [getattr(deed, name) for name in _BOUND]
    kept = [tables.kept(each) if isinstance(each, str) else each for each in values]
    return hashlib.sha256(json.dumps([before, *kept], separators=(",", ":")).encode()).hexdigest()


# ---------------------------------------------------------------- reading


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedAudit:
    """What was looked at: how many lines, the hash of the last one, and what does not fit."""

    lines: int
    head: str
    faults: tuple[str, ...]


def read_users(db: Connection) -> tuple[tuple[User, ...], tuple[Token, ...]]:
    """Users and tokens, by name."""
    tx = SqlPeopleTx(db)
    return tx.users(), tx.tokens()


def read_deeds(db: Connection, before: int, limit: int) -> tuple[Line, ...]:
    """As `Audit.deeds`."""
    row = tables_people.audit.c
    found = select(tables_people.audit).order_by(row.id.desc()).limit(limit)
    if before:
        found = found.where(row.id < before)
    return tuple(Line(**each._asdict()) for each in db.execute(found))


def every_deed(db: Connection) -> Iterator[Line]:
    """The whole audit, the oldest line first."""
    found = select(tables_people.audit).order_by(tables_people.audit.c.id)
    for row in db.execution_options(yield_per=_MOST).execute(found):
        yield Line(**row._asdict())


def check_audit(db: Connection, head: str = "") -> CheckedAudit:
    """Whether every line is as it was written. `head` is a last line's hash that was kept elsewhere before.

    A chain alone cannot tell that its end was cut off; a kept hash that is in it no more can.
    """
    found: list[str] = []
    before, count, seen = "", 0, not head
    for line in every_deed(db):
        count += 1
        if bound(before, line) != line.hash:
            found.append(f"audit line {line.id} is not what was written")
        if count != line.id and len(found) == 0:
            found.append(f"audit line {line.id}: found {count - 1} lines before it")
        before = line.hash
        seen = seen or line.hash == head
    if not seen:
        found.append(f"no line has the hash {head[:16]}...: the audit was cut off or written anew")
    return CheckedAudit(lines=count, head=before, faults=tuple(found))
