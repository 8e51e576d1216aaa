"""Connections to the books, durable as they are set up here, and the lock that makes one process the writer.

SQLite: a write-ahead log flushed at each commit, checkpointed by us alone. PostgreSQL: whatever its
administrator chose for others, our commits wait for the disk.
"""

import contextlib
import fcntl
import os
import socket
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TextIO

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, text, update
from sqlalchemy.exc import ArgumentError, OperationalError, SQLAlchemyError

from cloud_bridge.store.schema import StoreUnusable
from cloud_bridge.store.tables import books

DATABASE_ERRORS: Final = (SQLAlchemyError, sqlite3.Error, OSError)
READERS: Final = 4
_BUSY_S: Final = 5
_DRIVERS: Final = ("sqlite", "sqlite+pysqlite", "postgresql", "postgresql+psycopg")
_LOCK_KEY: Final = 0x7778_7662  # one bridge for one database
_POSTGRES_ARGS: Final[Mapping[str, object]] = {
    "connect_timeout": 5,
    "tcp_user_timeout": 30_000,
    "options": "-c synchronous_commit=on -c lock_timeout=5s -c statement_timeout=30s",
}
_SNAPSHOT: Final[Mapping[str, Mapping[str, Any]]] = {
    "sqlite": {},
    "postgresql": {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """One connection that writes, an engine for reading, and the lock that `close` lets go."""

    writer: Connection
    engine: Engine
    unlock: Callable[[], None]

    def snapshot(self) -> Connection:
        """A connection whose reads all see one moment, and which keeps no writer waiting."""
        return snapshot(self.engine)

    def close(self) -> None:
        """Let go of everything, the lock last."""
        with contextlib.suppress(Exception):  # a connection that broke has nothing left to say
            self.writer.close()
        self.engine.dispose()
        self.unlock()


def snapshot(engine: Engine) -> Connection:
    """A connection whose reads all see one moment."""
    return engine.connect().execution_options(**_SNAPSHOT[engine.dialect.name])


def connect(url: str) -> Database:
    """Open `url` for this process alone. Raises StoreUnusable and DATABASE_ERRORS."""
    where = _parsed(url)
    return _sqlite(where) if where.get_backend_name() == "sqlite" else _postgresql(where)


def look(url: str) -> Engine:
    """Read `url` beside whoever writes it. Nothing is made and nothing is changed. Raises StoreUnusable."""
    where = _parsed(url)
    if where.get_backend_name() != "sqlite":
        return _postgresql_engine(where)
    path = Path(str(where.database)).resolve()
    if not path.exists():
        raise StoreUnusable(f"found no file {path}. Try: wxvend bridge run")
    engine = create_engine(
        where.set(database=str(path)), connect_args={"timeout": _BUSY_S}, hide_parameters=True
    )
    event.listen(engine, "connect", lambda db, _: db.execute("PRAGMA query_only = ON"))
    return engine


def shown(url: str) -> str:
    """The address without what may be secret in it, for messages."""
    try:
        return make_url(url).set(query={}).render_as_string(hide_password=True)
    except ArgumentError:
        return "?"


def _parsed(url: str) -> URL:
    try:
        where = make_url(url)
    except ArgumentError as error:
        raise StoreUnusable("no address of a database. Try: sqlite:////var/lib/wxvend/bridge.db") from error
    if where.drivername not in _DRIVERS:
        raise StoreUnusable(f"found {where.drivername}, allowed {', '.join(_DRIVERS)}")
    in_memory = where.database in (None, "", ":memory:") or str(where.database).startswith("file:")
    if where.get_backend_name() == "sqlite" and (in_memory or where.query):
        raise StoreUnusable("found no plain file. Try: sqlite:////var/lib/wxvend/bridge.db")
    return where


# ---------------------------------------------------------------- SQLite


def _sqlite(where: URL) -> Database:
    path = Path(str(where.database)).resolve()
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = _lock_file(path.with_name(path.name + ".lock"))
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))  # not for everybody's eyes
        engine = create_engine(
            where.set(database=str(path)),
            connect_args={"timeout": _BUSY_S, "check_same_thread": False},
            pool_size=READERS + 1,
            max_overflow=0,
            hide_parameters=True,
        )
        event.listen(engine, "connect", _prepare)
        event.listen(engine, "begin", _begin)
        writer = engine.connect().execution_options(writes=True)
    except BaseException:
        handle.close()
        raise
    return Database(writer=writer, engine=engine, unlock=handle.close)


def _lock_file(path: Path) -> TextIO:
    """Held until it is closed or the process dies; it names its holder."""
    handle = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600), "r+")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        with handle:
            holder = handle.read(200).strip() or "another process"
        raise StoreUnusable(f"held by {holder}. Try: stop it first") from error
    handle.truncate()
    handle.write(f"{_this_process()}\n")
    handle.flush()
    return handle


def _prepare(db: sqlite3.Connection, _: object) -> None:
    db.isolation_level = None  # `_begin` says when a transaction begins, not the driver
    for pragma in ("synchronous = FULL", "wal_autocheckpoint = 0", "foreign_keys = ON"):
        db.execute(f"PRAGMA {pragma}")


def _begin(db: Connection) -> None:
    writes = db.get_execution_options().get("writes", False)
    db.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def begin_log(db: Connection) -> None:
    """From now on the file has a write-ahead log. Only for a file that is known to be ours."""
    if db.dialect.name == "sqlite":
        db.connection.cursor().execute("PRAGMA journal_mode = WAL")  # not inside a transaction


def check_pages(db: Connection) -> None:
    """Raises StoreUnusable for a file that is damaged."""
    if db.dialect.name == "sqlite":
        found = db.exec_driver_sql("PRAGMA quick_check(1)").scalar()
        if found != "ok":
            raise StoreUnusable(f"the file is damaged: {found}. Try: restore a backup")


def empty_log(db: Connection) -> None:
    """Move the log's pages into the file, without waiting for readers; the next commit begins a new log.

    That one pays a second flush for it: a commit of nobody's, made here, and not a sale.
    """
    if db.dialect.name == "sqlite":
        db.connection.cursor().execute("PRAGMA wal_checkpoint(PASSIVE)")
        with db.begin():
            db.execute(update(books).values(rests=books.c.rests + 1))


# ---------------------------------------------------------------- PostgreSQL


def _postgresql_engine(where: URL) -> Engine:
    try:
        return create_engine(
            where,
            connect_args={**_POSTGRES_ARGS, "application_name": f"wxvend bridge, {_this_process()}"},
            pool_size=READERS + 1,
            max_overflow=0,
            pool_pre_ping=True,
            hide_parameters=True,
        )
    except ModuleNotFoundError as error:
        raise StoreUnusable(f"found no {error.name}. Try: pip install 'wxvend[postgres]'") from error


def _postgresql(where: URL) -> Database:
    engine = _postgresql_engine(where)
    writer = engine.connect()
    try:
        with writer.begin():
            _lock_database(writer)
    except BaseException:
        writer.close()
        engine.dispose()
        raise
    return Database(writer=writer, engine=engine, unlock=lambda: None)


def _lock_database(db: Connection) -> None:
    """Held as long as the connection lives: who loses it cannot write either.

    The server may take a moment to notice that a bridge is gone whose successor is already here.
    """
    try:
        with db.begin_nested():
            db.execute(text("SET LOCAL lock_timeout = '1s'"))
            db.execute(text("SELECT pg_advisory_lock(:key)"), {"key": _LOCK_KEY})
    except OperationalError as error:
        holder = db.scalar(
            text(
                "SELECT application_name FROM pg_locks JOIN pg_stat_activity USING (pid) "
                "WHERE locktype = 'advisory' AND granted AND objid = :key AND datname = current_database()"
            ),
            {"key": _LOCK_KEY},
        )
        raise StoreUnusable(f"held by {holder or 'another process'}. Try: stop it first") from error


def _this_process() -> str:
    return f"process {os.getpid()} on {socket.gethostname()}"
