"""What the address of a report asks for, and the addresses of others that begin from it."""

from dataclasses import dataclass, replace
from typing import Annotated, Any, Final
from urllib.parse import urlencode

from fastapi import Query, Request
from fastapi.exceptions import HTTPException

from cloud_bridge.core.ledger import Account
from cloud_bridge.core.people import Person
from cloud_bridge.core.report import By, Report
from cloud_bridge.ports_bills import day_of, days_from
from cloud_bridge.ports_reports import Wish
from cloud_bridge.web.who import object_of

# name -> from how many days before today to how many
PERIODS: Final = {"today": (0, 0), "yesterday": (1, 1), "week": (7, 1), "month": (30, 1)}
_Day = Annotated[str, Query(pattern=r"^([0-9]{4}-[0-9]{2}-[0-9]{2})?$", description="Such as 2026-01-31.")]
_Machine = Annotated[str, Query(max_length=64, description="Only this machine's; empty: of all.")]
_Key = Annotated[list[str], Query(max_length=2, description="Only entries of this line of a report `by`.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A report as an address names it."""

    report: Report
    first: str
    last: str
    by: By | None = None
    machine: str = ""
    key: tuple[str, ...] = ()
    account: Account | None = None

    def link(self, **changes: object) -> str:
        """What follows the question mark in the address of another report."""
        names = ("report", "first", "last", "by", "machine", "key", "account")
        values: dict[str, Any] = {name: getattr(self, name) for name in names} | changes
        return urlencode({name: value for name, value in values.items() if value}, doseq=True)

    def on(self, report: Report, by: By | None = None) -> "Wanted":
        """Another report of the same time and machine."""
        return replace(self, report=report, by=by, key=(), account=None)

    def wish(self, asking: Person) -> Wish:
        """As the books are asked, of his own machines alone. Raises HTTPException 400, 404."""
        machines = None if asking.everywhere else asking.machines
        if self.machine:
            object_of(asking, self.machine)
            machines = frozenset({self.machine})
        try:
            return Wish(
                report=self.report,
                first=self.first,
                last=self.last,
                by=self.by,
                machines=machines,
                key=self.key,
                account=self.account,
            )
        except (ValueError, OverflowError) as error:
            raise HTTPException(400, f"first, last, key: {error}") from error


def wanted(
    request: Request,
    *,
    report: Report = Report.TAKINGS,
    first: _Day = "",
    last: _Day = "",
    by: By | None = None,
    machine: _Machine = "",
    key: _Key = [],  # noqa: B006  read, never changed
    account: Account | None = None,
) -> Wanted:
    """For `Depends`. Without a day it is yesterday's report."""
    first = first or last or days_from(day_of(request.app.state.clock.wall_ms()), -1)
    return Wanted(
        report=report,
        first=first,
        last=last or first,
        by=by,
        machine=machine,
        key=tuple(key),
        account=account,
    )


def periods(wall_ms: int) -> dict[str, tuple[str, str]]:
    """First and last day of what is asked for most often, by its name."""
    today = day_of(wall_ms)
    return {
        name: (days_from(today, -first), days_from(today, -last)) for name, (first, last) in PERIODS.items()
    }
