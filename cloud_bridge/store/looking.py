"""Looking into the books without being their writer: for commands, also while the daemon runs."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from sqlalchemy import Connection

from cloud_bridge.core.case import Case
from cloud_bridge.core.complaint import Complaint, Doing
from cloud_bridge.core.logins import Token, User
from cloud_bridge.core.sale import Sale
from cloud_bridge.ports import StandingAlarm
from cloud_bridge.ports_bills import Kept
from cloud_bridge.ports_people import Line
from cloud_bridge.store.bills import read_day
from cloud_bridge.store.books import read_alarms, read_cases
from cloud_bridge.store.catalogue import SqlCatalogueTx
from cloud_bridge.store.database import DATABASE_ERRORS, look, shown, snapshot
from cloud_bridge.store.desk import read_complaints
from cloud_bridge.store.people import CheckedAudit, check_audit, every_deed, read_users
from cloud_bridge.store.reports import SqlReports
from cloud_bridge.store.schema import StoreUnusable, refuse_other_schemas
from cloud_bridge.store.tx import reason
from cloud_bridge.store.verify import Checked, check

T = TypeVar("T")


def cases(url: str, *, resolved: int) -> tuple[tuple[Case, Sale], ...]:
    """As `SqlStore.cases`. Raises StoreUnusable."""
    with _looking(url) as db:
        return read_cases(db, resolved)


def alarms(url: str) -> tuple[StandingAlarm, ...]:
    """As `SqlStore.alarms`. Raises StoreUnusable."""
    with _looking(url) as db:
        return read_alarms(db)


def bill_day(url: str, merchant: str, day: str) -> Kept | None:
    """What is kept of a matched day. Raises StoreUnusable."""
    with _looking(url) as db:
        return read_day(db, merchant, day)


def checked(url: str) -> Checked:
    """Whether the books are as they were written, and fit together. Raises StoreUnusable."""
    with _looking(url) as db:
        return check(db)


def complaints(url: str, *, settled: int) -> tuple[tuple[Complaint, tuple[Doing, ...], Sale | None], ...]:
    """As `SqlStore.complaints`. Raises StoreUnusable."""
    with _looking(url) as db:
        return read_complaints(db, settled)


def reports(url: str) -> SqlReports:
    """As `SqlStore.reports`; each of them raises StoreUnusable."""

    async def read(work: Callable[[Connection], T]) -> T:
        with _looking(url) as db:
            return work(db)

    return SqlReports(read)


def people(url: str) -> tuple[tuple[User, ...], tuple[Token, ...]]:
    """Users and programs' tokens, by name. Raises StoreUnusable."""
    with _looking(url) as db:
        return read_users(db)


def audit_checked(url: str, head: str) -> CheckedAudit:
    """As `check_audit`. Raises StoreUnusable."""
    with _looking(url) as db:
        return check_audit(db, head)


@contextmanager
def deeds(url: str) -> Iterator[Iterator[Line]]:
    """The whole audit, the oldest line first. Raises StoreUnusable."""
    with _looking(url) as db:
        yield every_deed(db)


def catalogue(url: str, work: Callable[[SqlCatalogueTx], T]) -> T:
    """As `SqlStore.read_catalogue`. Raises StoreUnusable."""
    with _looking(url) as db:
        return work(SqlCatalogueTx(db))


@contextmanager
def _looking(url: str) -> Iterator[Connection]:
    """One moment of the books."""
    try:
        engine = look(url)
        try:
            with snapshot(engine) as db:
                refuse_other_schemas(db)
                yield db
        finally:
            engine.dispose()
    except StoreUnusable as error:
        raise StoreUnusable(f"books {shown(url)}: {error}") from error
    except DATABASE_ERRORS as error:
        raise StoreUnusable(f"books {shown(url)}: cannot be read: {reason(error)}") from error
