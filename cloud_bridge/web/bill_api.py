"""Matched days for programs and for people: a list of days, and each as the page or table it is filed as."""

from dataclasses import dataclass
from typing import Annotated, Protocol

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.exceptions import HTTPException
from fastapi.responses import Response

from cloud_bridge.core.people import Action, Person
from cloud_bridge.ports_bills import Kept
from cloud_bridge.web.answers import NO_STORE, answer
from cloud_bridge.web.bill_report import as_csv, as_html
from cloud_bridge.web.site import language
from cloud_bridge.web.who import needs

DAYS = 60
_Day = Annotated[str, Path(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")]
_OnMoney = Annotated[Person, Depends(needs(Action.SEE_MONEY))]
_Merchant = Annotated[str, Query(max_length=64)]


class DayBooks(Protocol):
    """Where matched days are kept."""

    async def bill_days(self, limit: int) -> tuple[Kept, ...]:
        """The newest days first, with their differences. Raises StoreFailed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DayView:
    """A matched day in a line. `open` of its `differences` have no cause yet."""

    merchant: str
    day: str
    closed: bool
    fault: str
    matched_wall_ms: int
    lines: int
    bill_paid_fen: int
    books_paid_fen: int
    bill_refunds_fen: int
    books_refunds_fen: int
    differences: int
    open: int


def view(kept: Kept) -> DayView:
    """A day as a page lists it."""
    result, found = kept
    paid = result.figures.paid if result.figures else {}
    refunds = result.figures.refunds if result.figures else {}
    return DayView(
        merchant=result.merchant,
        day=result.day,
        closed=result.closed,
        fault=result.fault,
        matched_wall_ms=result.matched_wall_ms,
        lines=result.figures.lines if result.figures else 0,
        bill_paid_fen=paid.get("bill", 0),
        books_paid_fen=paid.get("books", 0),
        bill_refunds_fen=refunds.get("bill", 0),
        books_refunds_fen=refunds.get("books", 0),
        differences=len(found),
        open=sum(each.cause is None for each in found),
    )


def bill_routes(books: DayBooks) -> APIRouter:
    """What is served of matched days."""
    api = APIRouter()

    @api.get("/api/bills", response_model=list[DayView])
    async def bills(asking: _OnMoney) -> Response:
        """The newest matched days first."""
        days = await books.bill_days(DAYS)
        return answer([view(kept) for kept in days if asking.sees_merchant(kept[0].merchant)])

    async def found(asking: Person, merchant: str, day: str) -> Kept:
        for kept in await books.bill_days(10 * DAYS):
            if (kept[0].merchant, kept[0].day) == (merchant, day) and asking.sees_merchant(merchant):
                return kept
        raise HTTPException(404, f"day: found {day}, which was not matched. Try: wxvend bridge reconcile")

    @api.get("/bills/{day}", include_in_schema=False)
    async def page(request: Request, asking: _OnMoney, day: _Day, merchant: _Merchant = "") -> Response:
        kept = await found(asking, merchant, day)
        content = as_html(*kept, language(request), style="/static/report.css")
        return Response(content, headers=NO_STORE, media_type="text/html")

    @api.get("/bills/{day}/table", include_in_schema=False)
    async def table(asking: _OnMoney, day: _Day, merchant: _Merchant = "") -> Response:
        kept = await found(asking, merchant, day)
        named = {"Content-Disposition": f'attachment; filename="reconcile-{day}.csv"'}
        return Response(as_csv(*kept), headers=NO_STORE | named, media_type="text/csv; charset=utf-8")

    return api
