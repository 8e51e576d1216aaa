"""The machine's memory: SQLite in WAL mode with synchronous=FULL, one writer thread, one flush a commit.

A process that finds a damaged or missing journal moves it aside and begins a new one; sales then stay
stopped until a person confirms. Source of the pragmas: SQLite's notes on WAL, synchronous and checkpoints.
"""

import asyncio
import os
import queue
import sqlite3
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Protocol, Self

from edge.core.model import Sale, Session, State
from edge.journal_file import lock as lock_file
from edge.journal_file import private
from edge.journal_rows import COLUMNS, chained, last_hash, row_hash, to_report, to_row, to_sale
from edge.journal_rows import entry as entry_text
from edge.journal_starts import begun, told_to_leave
from edge.ports import Change, JournalFailed, OutboxRow

APPLICATION_ID: Final = 0x77785645  # "wxVE"
SCHEMA_VERSION: Final = 1
_SCHEMA: Final = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value ANY NOT NULL) STRICT;
CREATE TABLE sale (
    sale_id TEXT PRIMARY KEY, lane INTEGER NOT NULL, price_fen INTEGER NOT NULL,
    catalogue_version INTEGER NOT NULL, jid TEXT NOT NULL, boot INTEGER NOT NULL, bits TEXT NOT NULL,
    opened_wall_ms INTEGER NOT NULL, state TEXT NOT NULL, why TEXT NOT NULL, evidence TEXT NOT NULL,
    seq INTEGER, base_seq INTEGER, base_stock INTEGER, base_count INTEGER, paid_hash TEXT NOT NULL
) STRICT;
CREATE INDEX sale_unfinished ON sale (opened_wall_ms) WHERE state IN ('open', 'intent');
CREATE TABLE outbox (
    n INTEGER PRIMARY KEY, kind TEXT NOT NULL, sale_id TEXT NOT NULL, payload BLOB NOT NULL
) STRICT;
CREATE TABLE chain (id INTEGER PRIMARY KEY, entry TEXT NOT NULL, hash TEXT NOT NULL) STRICT;
"""
# Made where it is missing: a journal from before has none, and a program from before leaves it alone.
_REQUESTS: Final = (
    "CREATE TABLE IF NOT EXISTS request (request_id TEXT PRIMARY KEY, sale_id TEXT NOT NULL) STRICT"
)
_OF_A_DAY: Final = "CREATE INDEX IF NOT EXISTS sale_opened ON sale (opened_wall_ms, sale_id)"
# What a row must be before; every other state follows an intent alone.
_BEFORE: Final = {State.INTENT: (State.OPEN,), State.CLOSED: (State.OPEN, State.INTENT)}
_PRIMARY_CODE: Final = 0xFF
_KEPT: Final = "kept."
Job = Callable[[sqlite3.Connection], None]
Finish = Callable[[BaseException | None], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fresh:
    """The ids of a new session; made by the shell, so that tests and simulations choose them.

    `host`: the boot id of the computer, empty where nobody can tell.
    """

    jid: str
    bits: str
    wall_ms: int
    host: str = ""


def open_journal(path: Path, fresh: Fresh, *, confirm_new: bool = False) -> "SqliteJournal":
    """Lock, check and open the journal at `path`, beginning a new session.

    Raises JournalFailed when another daemon holds it, or when a file that may be good cannot be read or
    written now.
    """
    lock = lock_file(path)
    try:
        new = not path.exists() or not _sound(path)
        aside = _move_aside(path, fresh.wall_ms) if new else None
        if new:
            os.close(private(path))
        db = _connect(path)
        if new:
            create(db, fresh.jid, confirmed=confirm_new)
        session = begin_session(db, fresh.bits)
        begun(db, session.boot, fresh.host, fresh.wall_ms)
        return SqliteJournal(db, session, _ThreadWriter(path), lock=lock, aside=aside)
    except (sqlite3.Error, OSError) as error:
        os.close(lock)
        raise JournalFailed(f"journal {path}: {error}") from error


def confirm(path: Path) -> None:
    """A person says that a new journal is meant. Raises JournalFailed while a daemon holds it."""
    if not path.exists():
        raise JournalFailed(f"journal {path}: found none. Try: wxvend edge init")
    lock = lock_file(path)
    try:
        db = _connect(path)
        with db:
            db.execute("INSERT OR REPLACE INTO meta VALUES ('confirmed', 1)")
        db.close()
    except sqlite3.Error as error:
        raise JournalFailed(f"journal {path}: {error}") from error
    finally:
        os.close(lock)


class Writer(Protocol):
    """Where jobs change the file: one after the other, away from the loop."""

    def submit(self, job: Job, finish: Finish) -> None:
        """Do it; `finish` is told, on any thread, once it is durable or has failed."""

    def close(self) -> None:
        """Finish what was asked."""


class SqliteJournal:
    """Implements `edge.ports.Journal`. Reads happen on the loop's own connection, writes at the writer."""

    def __init__(
        self,
        db: sqlite3.Connection,
        session: Session,
        writer: Writer,
        *,
        lock: int = -1,
        aside: Path | None = None,
    ) -> None:
        """`lock`: a file handle to let go in the end; `aside`: where a damaged file that was found is now."""
        self.session: Final = session
        self.aside: Final = aside
        self._lock: Final = lock
        self._reader: Final = db
        self._writer: Final = writer
        self._failed = False
        self._acks: tuple[int, int] = (0, 0)
        meta = dict(db.execute("SELECT key, value FROM meta").fetchall())
        self.confirmed: Final = bool(meta.get("confirmed", 0))
        self.last_n: int = db.execute("SELECT coalesce(max(n), 0) FROM outbox").fetchone()[0]
        self.last_seq: int = int(meta.get("seq", 0))
        self.catalogue: bytes | None = meta.get("catalogue")
        self.kept: dict[str, str] = {
            name.removeprefix(_KEPT): words for name, words in meta.items() if name.startswith(_KEPT)
        }

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Finish what was asked, then let go of the file and the lock."""
        self._writer.close()
        self._reader.close()
        if self._lock >= 0:
            os.close(self._lock)

    # ------------------------------------------------------------ reading

    def sale(self, sale_id: str) -> Sale | None:
        """A row of any session."""
        rows = self._read(f"SELECT {COLUMNS} FROM sale WHERE sale_id = ?", (sale_id,))  # noqa: S608
        return to_sale(rows[0]) if rows else None

    def requested(self, request_id: str) -> str:
        """The sale that was opened for this scan, or empty."""
        rows = self._read("SELECT sale_id FROM request WHERE request_id = ?", (request_id,))
        return str(rows[0][0]) if rows else ""

    def unfinished(self) -> tuple[Sale, ...]:
        """Rows in OPEN or INTENT, oldest first."""
        sql = f"SELECT {COLUMNS} FROM sale WHERE state IN ('open', 'intent') ORDER BY opened_wall_ms"  # noqa: S608
        return tuple(to_sale(row) for row in self._read(sql, ()))

    def opened_between(self, from_ms: int, until_ms: int, after: str, limit: int) -> tuple[Sale, ...]:
        """Rows of any session, by sale id."""
        sql = (
            f"SELECT {COLUMNS} FROM sale WHERE opened_wall_ms >= ? AND opened_wall_ms < ? AND sale_id > ? "  # noqa: S608
            "ORDER BY sale_id LIMIT ?"
        )
        return tuple(to_sale(row) for row in self._read(sql, (from_ms, until_ms, after, limit)))

    def reports_after(self, n: int, limit: int) -> tuple[OutboxRow, ...]:
        """Numbered reports above `n`, in order."""
        sql = "SELECT n, kind, sale_id, payload FROM outbox WHERE n > ? ORDER BY n LIMIT ?"
        return tuple(to_report(row) for row in self._read(sql, (n, limit)))

    def _read(self, sql: str, values: tuple[object, ...]) -> list[tuple[object, ...]]:
        try:
            return self._reader.execute(sql, values).fetchall()
        except sqlite3.Error as error:
            self._failed = True
            raise JournalFailed(str(error)) from error

    def row_hash(self, sale: Sale) -> str:
        """SHA-256 of the durable part of a row."""
        return row_hash(sale)

    # ------------------------------------------------------------ writing

    def acknowledged(self, n: int, upto: int) -> None:
        """Ride with the next commit: losing it costs a repeat, which the bridge takes calmly."""
        self._acks = (max(self._acks[0], n), max(self._acks[1], upto))

    async def commit(self, change: Change) -> None:
        """One transaction, one flush. After a failure every later call fails too: fail-stop."""
        acks = self._acks
        await self._submit(lambda db: _apply(db, change, acks))
        self.last_n = max([self.last_n, *(row.n for row in change.rows)])
        self.last_seq = self.last_seq if change.seq is None else change.seq
        self.catalogue = self.catalogue if change.catalogue is None else change.catalogue
        self.kept = {**self.kept, **change.kept}

    async def rest(self) -> None:
        """Checkpoint, then one small commit, so that no sale pays for the log's new header."""
        await self._submit(_checkpoint)

    async def told_to_leave(self) -> None:
        """This session ends because somebody wants it: the next start is after no power cut."""
        await self._submit(lambda db: told_to_leave(db, self.session.boot))

    async def _submit(self, job: Job) -> None:
        if self._failed:
            raise JournalFailed("the journal failed before; restart")
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()

        def finish(error: BaseException | None) -> None:
            loop.call_soon_threadsafe(_settle, done, error)

        self._writer.submit(job, finish)
        try:
            await done
        except (sqlite3.Error, OSError) as error:
            self._failed = True
            raise JournalFailed(str(error)) from error


class _ThreadWriter:
    """One thread with a connection of its own: the only place that changes the file."""

    def __init__(self, path: Path) -> None:
        self._jobs: Final[queue.SimpleQueue[tuple[Job, Finish] | None]] = queue.SimpleQueue()
        self._thread: Final = threading.Thread(target=self._work, args=(path,), name="journal", daemon=True)
        self._thread.start()

    def submit(self, job: Job, finish: Finish) -> None:
        self._jobs.put((job, finish))

    def close(self) -> None:
        self._jobs.put(None)
        self._thread.join()

    def _work(self, path: Path) -> None:
        db = _connect(path)
        while (task := self._jobs.get()) is not None:
            job, finish = task
            try:
                job(db)
            except Exception as error:
                finish(error)
            else:
                finish(None)
        db.close()


# ---------------------------------------------------------------- the file


def _connect(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=5)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    db.execute("PRAGMA wal_autocheckpoint = 0")
    return db


def _sound(path: Path) -> bool:
    """Whether the file is a whole journal of a version we know. What keeps us from looking is an error."""
    try:
        db = _connect(path)
        try:
            application = db.execute("PRAGMA application_id").fetchone()[0]
            version = db.execute("PRAGMA user_version").fetchone()[0]
            check = db.execute("PRAGMA integrity_check(1)").fetchone()[0]
        finally:
            db.close()
    except sqlite3.DatabaseError as error:
        # A full disk, a lock or a read-only file says nothing about what is in it: never move that aside.
        if error.sqlite_errorcode & _PRIMARY_CODE not in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            raise
        return False
    if application == APPLICATION_ID and version > SCHEMA_VERSION:
        raise JournalFailed(f"journal {path}: schema {version} is newer than this program's {SCHEMA_VERSION}")
    return bool(application == APPLICATION_ID and version == SCHEMA_VERSION and check == "ok")


def _move_aside(path: Path, wall_ms: int) -> Path | None:
    """Keep what is there for a person; also a log whose database is gone."""
    aside = path.with_name(f"{path.name}.damaged-{wall_ms}")
    moved = False
    for suffix in ("", "-wal", "-shm"):
        part = path.with_name(path.name + suffix)
        if part.exists():
            part.rename(aside.with_name(aside.name + suffix))
            moved = True
    return aside if moved else None


def create(db: sqlite3.Connection, jid: str, *, confirmed: bool) -> None:
    """Make an empty journal."""
    db.execute("BEGIN IMMEDIATE")
    for statement in _SCHEMA.split(";"):
        db.execute(statement)
    rows = [("jid", jid), ("boot", 0), ("confirmed", int(confirmed))]
    db.executemany("INSERT INTO meta VALUES (?, ?)", rows)
    db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    db.execute("COMMIT")


def begin_session(db: sqlite3.Connection, bits: str) -> Session:
    """Count this start."""
    db.execute("BEGIN IMMEDIATE")
    db.execute(_REQUESTS)
    db.execute(_OF_A_DAY)
    db.execute("UPDATE meta SET value = value + 1 WHERE key = 'boot'")
    db.execute("INSERT OR REPLACE INTO meta VALUES ('bits', ?)", (bits,))
    db.execute("COMMIT")
    meta = dict(db.execute("SELECT key, value FROM meta WHERE key IN ('jid', 'boot')").fetchall())
    return Session(jid=meta["jid"], boot=meta["boot"], bits=bits)


def _apply(db: sqlite3.Connection, change: Change, acks: tuple[int, int]) -> None:
    db.execute("BEGIN IMMEDIATE")
    try:
        if change.sale is not None:
            _put(db, change.sale)
            if change.sale.state is State.OPEN and change.sale.request_id:
                db.execute("INSERT INTO request VALUES (?, ?)", (change.sale.request_id, change.sale.sale_id))
            entry = entry_text(change.sale)
            db.execute(
                "INSERT INTO chain (entry, hash) VALUES (?, ?)", (entry, chained(last_hash(db), entry))
            )
        rows = [(row.n, row.kind, row.sale_id, row.payload) for row in change.rows]
        db.executemany("INSERT INTO outbox VALUES (?, ?, ?, ?)", rows)
        if change.seq is not None:
            db.execute("INSERT OR REPLACE INTO meta VALUES ('seq', ?)", (change.seq,))
        if change.catalogue is not None:
            db.execute("INSERT OR REPLACE INTO meta VALUES ('catalogue', ?)", (change.catalogue,))
        kept = [(f"{_KEPT}{name}", words) for name, words in change.kept.items()]
        db.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", kept)
        db.execute("INSERT OR REPLACE INTO meta VALUES ('held_upto', ?)", (acks[1],))
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


def _put(db: sqlite3.Connection, sale: Sale) -> None:
    """A new row, or the next state of one that may still have it: compare and set (G-UNIQUE)."""
    marks = ", ".join("?" * len(to_row(sale)))
    if sale.state is State.OPEN:
        db.execute(f"INSERT INTO sale ({COLUMNS}) VALUES ({marks})", to_row(sale))  # noqa: S608
        return
    before = _BEFORE.get(sale.state, (State.INTENT,))
    states = ", ".join(f"'{state}'" for state in before)
    sql = f"UPDATE sale SET ({COLUMNS}) = ({marks}) WHERE sale_id = ? AND state IN ({states})"  # noqa: S608
    if db.execute(sql, (*to_row(sale), sale.sale_id)).rowcount != 1:
        raise sqlite3.IntegrityError(f"sale {sale.sale_id}: its row cannot become {sale.state}")


def _checkpoint(db: sqlite3.Connection) -> None:
    db.execute("PRAGMA wal_checkpoint(RESTART)")
    db.execute("INSERT OR REPLACE INTO meta VALUES ('rested', 1)")


def _settle(done: "asyncio.Future[None]", error: BaseException | None) -> None:
    if done.done():
        return
    if error is None:
        done.set_result(None)
    else:
        done.set_exception(error)
