"""Disks in virtual time: what was not flushed when the power went is there or is not, and nothing between.

The machine's journal runs its real statements in an SQLite database in memory; the image after each commit is
what its disk holds from the flush on. That a real file survives torn and lost writes is shown elsewhere.
"""

import asyncio
import sqlite3
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final, TypeVar

from cloud_bridge.ports import Tx
from edge.journal import Finish, Job, SqliteJournal, begin_session, create
from hw_sim.world.books import MemoryStore, MemoryTx, Tables

T = TypeVar("T")
_Answer = tuple["asyncio.Future[Any]", Any, Exception | None]


@dataclass(slots=True, kw_only=True)
class Speed:
    """Seconds a flush takes: usually, and with the chance `slow` up to `slow_s`."""

    flush_s: float = 0.004
    slow: float = 0.0
    slow_s: float = 5.0

    def draw(self, chance: Random) -> float:
        """How long this one takes."""
        if self.slow and chance.random() < self.slow:
            return chance.random() * self.slow_s
        return self.flush_s * (0.5 + chance.random())


@dataclass(slots=True)
class JournalDisk:
    """The journal's image as it would be read after a power cut, and the one that is being flushed.

    `rows` are the durable sales and their states; `became` hears of each change. `made`: it held a journal.
    """

    speed: Speed = field(default_factory=Speed)
    image: bytes = b""
    flushing: bytes = b""
    rows: dict[str, str] = field(default_factory=dict)
    made: bool = False
    became: Callable[[dict[str, str], dict[str, str]], None] = lambda before, after: None

    def hold(self, image: bytes, rows: dict[str, str]) -> None:
        """This is what the disk holds from now on."""
        before, self.image, self.rows, self.flushing = self.rows, image, rows, b""
        self.became(before, rows)

    def chain(self) -> list[tuple[str, str]]:
        """The entries of its hash chain, in order."""
        if not self.image:
            return []
        found = _opened(self.image).execute("SELECT entry, hash FROM chain ORDER BY id").fetchall()
        return [(str(text), str(digest)) for text, digest in found]

    def lose(self) -> None:
        """Nothing is left of it."""
        self.image, self.rows = b"", {}

    def swap(self, image: bytes) -> None:
        """Another journal lies here now."""
        self.image, self.made = image, self.made or bool(image)
        self.rows = states(_opened(image)) if image else {}

    def confirm(self) -> None:
        """A person says that this journal is meant, as `edge.journal.confirm` does."""
        if self.image:
            db = _opened(self.image)
            db.execute("INSERT OR REPLACE INTO meta VALUES ('confirmed', 1)")
            self.image = db.serialize()

    def cut(self, chance: Random) -> None:
        """Power or process is gone: a flush under way has happened or has not."""
        if self.flushing and chance.random() < 0.5:
            self.hold(self.flushing, states(_opened(self.flushing)))
        self.flushing = b""


class DiskWriter:
    """`edge.journal.Writer` in virtual time. As in WAL mode, `reader` sees a commit once it is flushed."""

    def __init__(
        self, reader: sqlite3.Connection, disk: JournalDisk, chance: Random, told: Callable[[str], None]
    ) -> None:
        self._reader: Final = reader
        self._db: Final = _opened(disk.image)
        self._disk: Final = disk
        self._chance: Final = chance
        self._told: Final = told
        self._waiting: Final[deque[tuple[Job, Finish]]] = deque()
        self._busy = False

    def submit(self, job: Job, finish: Finish) -> None:
        """One after the other, each durable after its own flush."""
        self._waiting.append((job, finish))
        if not self._busy:
            self._next()

    def _next(self) -> None:
        self._busy = bool(self._waiting)
        if not self._busy:
            return
        job, finish = self._waiting.popleft()
        try:
            job(self._db)
        except sqlite3.Error as error:
            finish(error)
            self._next()
            return
        self._disk.flushing = self._db.serialize()
        self._told("journal.flush")
        loop = asyncio.get_running_loop()
        loop.call_later(self._disk.speed.draw(self._chance), self._flushed, finish)

    def close(self) -> None:
        """Nothing waits here."""

    def _flushed(self, finish: Finish) -> None:
        self._reader.deserialize(self._disk.flushing)
        self._disk.hold(self._disk.flushing, states(self._reader))
        self._told("journal.flushed")
        finish(None)
        self._next()


def open_world_journal(
    disk: JournalDisk, chance: Random, *, jid: str, bits: str, told: Callable[[str], None]
) -> SqliteJournal:
    """Begin a session on what the disk holds; the first journal of a disk may sell at once."""
    db = _opened(disk.image)
    if not disk.image:
        create(db, jid, confirmed=not disk.made)
        disk.made = True
    session = begin_session(db, bits)
    disk.hold(db.serialize(), states(db))
    return SqliteJournal(db, session, DiskWriter(db, disk, chance, told))


def _opened(image: bytes) -> sqlite3.Connection:
    db = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    if image:
        db.deserialize(image)
    return db


def states(db: sqlite3.Connection) -> dict[str, str]:
    """The sales of a journal and their states."""
    return dict(db.execute("SELECT sale_id, state FROM sale").fetchall())


@dataclass(slots=True)
class BooksDisk:
    """The bridge's books as they would be read after a power cut, and the ones that are being flushed."""

    incarnation: str
    speed: Speed = field(default_factory=Speed)
    tables: Tables = field(default_factory=Tables)
    flushing: Tables | None = None
    changed: Callable[[Tables, Tables], None] = lambda before, after: None

    def cut(self, chance: Random) -> None:
        """Power or process is gone: a flush under way has happened or has not."""
        if self.flushing is not None and chance.random() < 0.5:
            self.flushed(self.flushing)
        self.flushing = None

    def flushed(self, tables: Tables) -> None:
        """These are the books from now on."""
        before, self.tables, self.flushing = self.tables, tables, None
        self.changed(before, tables)


class WorldStore(MemoryStore):
    """Callers that come while a flush is under way share the next one."""

    def __init__(self, disk: BooksDisk, chance: Random, told: Callable[[str], None]) -> None:
        super().__init__(disk.incarnation)
        self.tables = disk.tables
        self._disk: Final = disk
        self._chance: Final = chance
        self._told: Final = told
        self._waiting: list[tuple[Callable[[Tx], Any], asyncio.Future[Any]]] = []
        self._busy = False

    async def run(self, work: Callable[[Tx], T]) -> T:
        """Durable when this returns; an exception of `work` undoes its own writes and nobody else's."""
        done: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiting.append((work, done))
        if not self._busy:
            self._busy = True
            asyncio.get_running_loop().call_soon(self._begin)
        return await done

    def _begin(self) -> None:
        batch, self._waiting = self._waiting, []
        tables = self.tables
        answers: list[_Answer] = []
        for work, done in batch:
            trial = tables.copy()
            try:
                answers.append((done, work(MemoryTx(trial)), None))
            except Exception as error:
                answers.append((done, None, error))
            else:
                tables = trial
        self._disk.flushing = tables
        self._told("books.flush")
        loop = asyncio.get_running_loop()
        loop.call_later(self._disk.speed.draw(self._chance), self._flushed, tables, answers)

    def _flushed(self, tables: Tables, answers: list[_Answer]) -> None:
        self.tables = tables
        self._disk.flushed(tables)
        self._told("books.flushed")
        for done, result, error in answers:
            if done.done():
                continue
            if error is None:
                done.set_result(result)
            else:
                done.set_exception(error)
        self._busy = bool(self._waiting)
        if self._busy:
            self._begin()
