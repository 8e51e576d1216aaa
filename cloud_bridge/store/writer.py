"""The one thread that writes. Whoever waits while it flushes shares the next flush.

Each piece of work stands in a savepoint of the common transaction, so that its failure undoes itself alone.
A database that failed once is not written again: what the system still holds in memory proves nothing.
"""

import asyncio
import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, Generic, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from cloud_bridge.ports import StoreFailed, Tx
from cloud_bridge.store.tx import SqlTx, StoreBroken, reason

T = TypeVar("T")
_TOGETHER: Final = 128
_WAITING: Final = 4096
_WORK_BETWEEN_RESTS: Final = 2000
# As both databases spell it. The library's own savepoints are put together anew each time.
_SAVE, _UNDO, _KEEP = "SAVEPOINT work", "ROLLBACK TO SAVEPOINT work", "RELEASE SAVEPOINT work"


@dataclass(frozen=True, slots=True)
class _Job(Generic[T]):
    """What one caller asked for, and where he waits."""

    work: Callable[[Tx], T]
    done: Future[T] = field(default_factory=Future)

    def attempt(self, db: Connection) -> Callable[[], None]:
        """Do the work, or undo it; hands back how to tell the caller once the common commit is durable."""
        db.exec_driver_sql(_SAVE)
        try:
            result = self.work(SqlTx(db))
        except (StoreBroken, SQLAlchemyError):
            raise
        except Exception as error:  # the caller's own: he gets it back
            db.exec_driver_sql(_UNDO)
            db.exec_driver_sql(_KEEP)  # undone, and not held any longer
            return partial(self.done.set_exception, error)
        db.exec_driver_sql(_KEEP)
        return partial(self.done.set_result, result)


class Writer:
    """Runs work on `db`. `rest` is called when nobody has asked for `idle_s` seconds, or for too long."""

    def __init__(self, db: Connection, *, rest: Callable[[], None], idle_s: float) -> None:
        self._db: Final = db
        self._rest: Final = rest
        self._idle_s: Final = idle_s
        self._jobs: Final[queue.SimpleQueue[_Job[Any] | None]] = queue.SimpleQueue()
        self._room: Final = asyncio.BoundedSemaphore(_WAITING)
        self._closed = False
        self._broken = ""
        self._since_rest = 0
        self._thread: Final = threading.Thread(target=self._serve, name="store", daemon=True)
        self._thread.start()

    async def run(self, work: Callable[[Tx], T]) -> T:
        """The result of `work`, durable. Raises StoreFailed, and what `work` raises."""
        async with self._room:
            if self._closed:
                raise StoreFailed("the books are closed")
            job = _Job(work)
            self._jobs.put(job)
            return await asyncio.wrap_future(job.done)

    def close(self) -> None:
        """Finish what was asked for; take nothing more."""
        self._closed = True
        self._jobs.put(None)
        self._thread.join()

    # ------------------------------------------------------------ the thread

    def _serve(self) -> None:
        going = True
        while going:
            jobs, going = self._next()
            if self._broken:
                self._refuse(jobs)
            elif jobs:
                self._commit(jobs)
            if not self._broken and (self._since_rest >= _WORK_BETWEEN_RESTS or not jobs):
                self._take_a_rest()

    def _next(self) -> tuple[list[_Job[Any]], bool]:
        """Everything that waits, or nothing after an idle while; and whether more may come."""
        jobs: list[_Job[Any]] = []
        try:
            job = self._jobs.get(timeout=self._idle_s if self._since_rest else None)
            while job is not None:
                if job.done.set_running_or_notify_cancel():
                    jobs.append(job)
                if len(jobs) == _TOGETHER:
                    return jobs, True
                job = self._jobs.get_nowait()
        except queue.Empty:
            return jobs, True
        return jobs, False

    def _commit(self, jobs: Sequence[_Job[Any]]) -> None:
        try:
            with self._db.begin():
                told = [job.attempt(self._db) for job in jobs]
        except Exception as error:  # the top of this thread: nobody else would tell the callers
            self._broken = f"the books failed: {reason(error)}. Nothing more is written. Try: restart"
            self._refuse(jobs, error)
            return
        self._since_rest += len(jobs)
        for tell in told:
            tell()

    def _refuse(self, jobs: Sequence[_Job[Any]], cause: Exception | None = None) -> None:
        for job in jobs:
            failed = StoreFailed(self._broken)
            failed.__cause__ = cause
            job.done.set_exception(failed)

    def _take_a_rest(self) -> None:
        self._since_rest = 0
        try:
            self._rest()
        except Exception as error:  # as above; the next caller hears of it
            self._broken = f"the books failed at rest: {reason(error)}. Try: restart"
