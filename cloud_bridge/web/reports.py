"""Reports for people and programs: one page that explains a time's money, and each report as a file.

Whoever sees money sees reports, of his own machines; the bills' side only whoever sees all of them.
"""

import asyncio
from dataclasses import dataclass
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from cloud_bridge.core.people import Action, Person
from cloud_bridge.core.report import By, Report
from cloud_bridge.core.report_tables import Table
from cloud_bridge.ports_reports import ReportDesk
from cloud_bridge.web.answers import NO_STORE, answer
from cloud_bridge.web.report_files import as_csv, as_rows, as_xlsx
from cloud_bridge.web.report_query import Wanted, periods, wanted
from cloud_bridge.web.report_view import bill_steps, chart, drawn, places, statement
from cloud_bridge.web.report_words import ReportWords
from cloud_bridge.web.site import language, render
from cloud_bridge.web.who import needs

SHOWN: Final = (Report.TAKINGS, Report.SALES, Report.REFUNDS, Report.LANES, Report.SHRINKAGE)
# By what a report may be asked; the first is what it is without a word.
MAY_BE_BY: Final = {
    Report.SALES: (By.MACHINE, By.PRODUCT, By.HOUR, By.DAY, By.WAY),
    Report.REFUNDS: (By.REASON, By.MACHINE, By.PRODUCT, By.DAY),
    Report.SHRINKAGE: (By.MACHINE, By.PRODUCT, By.REASON, By.DAY),
}
_XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_OnMoney = Annotated[Person, Depends(needs(Action.SEE_MONEY))]
_Query = Annotated[Wanted, Depends(wanted)]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportRows:
    """A report's rows, each by the names of its columns, and their sum in the same form, if it has one."""

    report: Report
    rows: list[dict[str, str | int | float]]
    total: dict[str, str | int | float] | None


def report_routes(desk: ReportDesk) -> APIRouter:
    """`/reports`, `/reports/csv`, `/reports/xlsx` and `/api/reports`."""
    api = APIRouter()

    @api.get("/reports", include_in_schema=False)
    async def page(request: Request, asking: _OnMoney, query: _Query) -> Response:
        words = ReportWords(language(request))
        if query.report is Report.TAKINGS:
            shown = await _takings(desk, asking, query, words)
        else:
            shown = await _report(desk, asking, query, words)
        return render(
            request,
            "reports.html",
            query=query,
            reports=SHOWN,
            bys=MAY_BE_BY.get(query.report, ()),
            periods=periods(request.app.state.clock.wall_ms()),
            **shown,
        )

    @api.get("/api/reports", response_model=ReportRows)
    async def rows(asking: _OnMoney, query: _Query) -> Response:
        """A report's rows and their sum: amounts in fen, instants in Unix milliseconds."""
        return answer(as_rows(await desk.table(query.wish(asking))))

    @api.get("/reports/csv", include_in_schema=False)
    async def as_text(request: Request, asking: _OnMoney, query: _Query) -> Response:
        table = await desk.table(query.wish(asking))
        return _file(as_csv(table, ReportWords(language(request))).encode(), "text/csv; charset=utf-8", query)

    @api.get("/reports/xlsx", include_in_schema=False)
    async def as_sheet(request: Request, asking: _OnMoney, query: _Query) -> Response:
        table = await desk.table(query.wish(asking))
        return _file(await asyncio.to_thread(as_xlsx, table, ReportWords(language(request))), _XLSX, query)

    return api


async def _takings(desk: ReportDesk, asking: Person, query: Wanted, words: ReportWords) -> dict[str, Any]:
    """Everything that explains a time's money, each from its own report."""
    found = await desk.takings(query.wish(asking))
    over_time = query.on(Report.SALES, By.HOUR if query.first == query.last else By.DAY)
    shares = [query.on(Report.SALES, By.MACHINE), query.on(Report.REFUNDS, By.REASON)]
    tables = [await desk.table(each.wish(asking)) for each in shares]
    return {
        "found": found,
        "statement": statement(found, query),
        "places": places(found, query),
        "bill": bill_steps(found) if found.bill.days else (),
        "missing": found.bill.missing,
        "bars": chart(await desk.lines(over_time.wish(asking)), query),
        "tables": [
            ("best_machines", drawn(tables[0], shares[0], words, "machines")),
            ("why_back", drawn(tables[1], shares[1], words, "reasons")),
        ],
    }


async def _report(desk: ReportDesk, asking: Person, query: Wanted, words: ReportWords) -> dict[str, Any]:
    wish = query.wish(asking)
    table: Table = await desk.table(wish)
    timed = query.report is Report.SALES and query.by in (By.HOUR, By.DAY)
    return {
        "found": None,
        "bars": chart(await desk.lines(wish), query) if timed and _fits(query) else (),
        "tables": [("", drawn(table, query, words))] if table.rows else [],
    }


def _fits(query: Wanted) -> bool:
    """The chart shows hours of one day, or days of several."""
    return (query.by is By.HOUR) == (query.first == query.last)


def _file(content: bytes, kind: str, query: Wanted) -> Response:
    ending = "csv" if kind.startswith("text/") else "xlsx"
    name = f"wxvend-{query.report}-{query.first}-{query.last}.{ending}"
    named = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, headers=NO_STORE | named, media_type=kind)
