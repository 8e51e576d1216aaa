"""Reports over HTTP, out of real books: the page explains a day, and each file says what the page says."""

import csv
import io
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import openpyxl
import pytest

from cloud_bridge.core.report import By, Report
from cloud_bridge.engine_reports import Reports
from cloud_bridge.ports_bills import DayResult
from cloud_bridge.ports_reports import Wish
from cloud_bridge.store.books import SqlStore
from cloud_bridge.web.bars import HEIGHT, WIDTH, bars
from cloud_bridge.web.report_files import as_csv, as_rows, as_xlsx
from cloud_bridge.web.report_words import ReportWords
from cloud_bridge.web.reports import report_routes
from tests.unit.desk.conftest import empty_books, store
from tests.unit.store.takings import DAY, a_day, rung_up
from tests.unit.store.test_reports import figures
from tests.unit.web.serving import Site, site
from tests.unit.web.test_alarms import Programs

__all__ = ["empty_books", "store"]
PAGE = f"/reports?first={DAY}&last={DAY}&language=en"


@pytest.fixture
async def served(store: SqlStore) -> AsyncIterator[Site]:
    await rung_up(store, a_day(25))
    async with site(rooms=(report_routes(Reports(store.reports)),), people=None) as found:
        yield found


def yuan(fen: int) -> str:
    return f"{'-' if fen < 0 else ''}¥{abs(fen) // 100}.{abs(fen) % 100:02d}"


async def taken(store: SqlStore, report: Report = Report.SALES, by: By | None = None) -> Any:
    return await Reports(store.reports).table(Wish(report=report, first=DAY, last=DAY, by=by))


# ---------------------------------------------------------------- the page


async def test_the_page_alone_explains_a_days_takings(served: Site, store: SqlStore) -> None:
    found = await Reports(store.reports).takings(Wish(report=Report.TAKINGS, first=DAY, last=DAY))
    result = DayResult(merchant="", day=DAY, figures=figures(bill=found.whole.paid_fen - 350))
    await store.on_bills(lambda tx: tx.put_bill_day(result, ()))
    page = (await served.get(PAGE)).body.decode()
    for fen in (found.whole.paid_fen, -found.whole.back_fen, found.left_fen, *dict(found.places).values()):
        assert yuan(fen) in page
    assert "Less: goods lost" in page
    assert "Still owed" in page
    assert "Refunds on their way" in page
    assert "Beside the platform" in page
    assert f'href="/bills/{DAY}"' in page
    assert "a product is stuck" in page
    assert "given back by hand" in page
    assert page.count("<rect") == 24
    assert len(page.encode()) < 150_000


async def test_a_day_without_a_bill_says_so_and_an_empty_one_too(served: Site) -> None:
    page = (await served.get(PAGE)).body.decode()
    assert f"No bill yet for {DAY}" in page
    empty = (await served.get("/reports?first=2020-01-01&language=en&report=sales")).body.decode()
    assert "Nothing in this time" in empty


async def test_every_number_leads_to_rows_that_are_there(served: Site) -> None:
    for report in ("sales", "refunds", "lanes", "shrinkage", "entries"):
        page = (await served.get(f"{PAGE}&report={report}")).body.decode().replace("&amp;", "&")
        links = set(re.findall(r'<a href="(/reports\?[^"]*report=entries[^"]*)"', page))
        assert bool(links) == (report not in ("lanes", "entries"))
        for link in sorted(links)[:4]:
            rows = (await served.get(link)).body.decode()
            assert 'href="/sales/' in rows, link


async def test_what_cannot_be_asked_is_refused(served: Site) -> None:
    for query, why in (
        ("first=2026-02-30", "first, last, key"),
        ("first=2026-01-31&last=2026-01-30", "found 0 days"),
        ("first=2020-01-01&last=2026-01-30", "allowed 1 to 366"),
        ("first=yesterday", "first"),
        ("report=everything", "report"),
        ("by=colour", "by"),
        ("report=entries&by=product&key=a", "allowed those of one product"),
        ("report=entries&by=hour&key=noon", "allowed an hour such as 08:00"),
        ("report=entries&by=day&key=noon", "key"),
    ):
        answer = await served.get(f"/api/reports?{query}")
        assert (answer.status, why in answer.json["message"]) == (400, True), query


async def test_a_name_of_goods_is_never_markup(served: Site, store: SqlStore) -> None:
    wild = replace(next(a_day(1)).sale, product_zh="<script>alert(1)</script>")
    await store.run(lambda tx: tx.put(wild))
    page = (await served.get(f"{PAGE}&report=sales&by=product")).body.decode()
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page


# ---------------------------------------------------------------- files


async def test_csv_and_xlsx_say_what_json_says(served: Site) -> None:
    for report in Report:
        query = f"report={report}&first={DAY}&last={DAY}&language=en"
        told = (await served.get(f"/api/reports?{query}")).json
        text = await served.get(f"/reports/csv?{query}")
        name = f"wxvend-{report}-{DAY}-{DAY}.csv"
        assert text.headers["content-disposition"] == f'attachment; filename="{name}"'
        rows = list(csv.reader(io.StringIO(text.body.decode("utf-8-sig"))))
        sheet = (await served.get(f"/reports/xlsx?{query}")).body
        cells = openpyxl.load_workbook(io.BytesIO(sheet)).worksheets[0]
        table = list(cells.iter_rows(values_only=True))
        whole = [*told["rows"], *([told["total"]] if told["total"] else [])]
        assert len(rows) == len(table) == len(whole) + 1
        for name in {"paid_fen", "back_fen", "lost_fen", "fen"} & whole[0].keys():
            place = list(whole[0]).index(name)
            expected = [row[name] for row in whole]
            assert [round(float(row[place]) * 100) for row in rows[1:]] == expected
            assert [round(float(str(row[place])) * 100) for row in table[1:]] == expected


async def test_no_cell_of_a_file_is_a_formula(store: SqlStore) -> None:
    await rung_up(store, a_day(10))
    table = await taken(store, by=By.PRODUCT)
    assert any(str(row[0]).startswith("=") for row in table.rows)
    text = as_csv(table, ReportWords("zh"))
    assert "'=矿泉水,'+Water" in text
    book = openpyxl.load_workbook(io.BytesIO(as_xlsx(table, ReportWords("zh"))))
    cells = [cell for row in book.worksheets[0].iter_rows() for cell in row]
    assert {cell.data_type for cell in cells} <= {"s", "n"}
    assert "=矿泉水" in {cell.value for cell in cells}


async def test_rates_and_instants_are_numbers_in_a_sheet(store: SqlStore) -> None:
    await rung_up(store, a_day(10))
    lanes = await taken(store, Report.LANES)
    sheet = openpyxl.load_workbook(io.BytesIO(as_xlsx(lanes, ReportWords("en")))).worksheets[0]
    rate = sheet.cell(2, sheet.max_column)
    assert (rate.number_format, rate.value) == ("0.0%", as_rows(lanes)["rows"][0]["failed_rate"])
    rows = await taken(store, Report.ENTRIES)
    sheet = openpyxl.load_workbook(io.BytesIO(as_xlsx(rows, ReportWords("en")))).worksheets[0]
    assert str(sheet.cell(2, 1).value).startswith(DAY)


# ---------------------------------------------------------------- who sees what


async def test_who_has_one_machine_sees_its_money_and_no_bill(store: SqlStore) -> None:
    await rung_up(store, a_day(25))
    async with site(rooms=(report_routes(Reports(store.reports)),), people=Programs()) as served:
        eye = {"Authorization": "Bearer eye"}
        query = f"/api/reports?report=sales&first={DAY}"
        rows = (await served.get(query, **eye)).json["rows"]
        assert [row["machine"] for row in rows] == ["vm-0001"]
        assert (await served.get(f"{query}&machine=vm-0002", **eye)).status == 404
        assert "Beside the platform" not in (await served.get(PAGE, **eye)).body.decode()
        assert (await served.get(query, Authorization="Bearer hand")).status == 403
        assert (await served.get(query)).status == 401


# ---------------------------------------------------------------- the chart


def test_bars_begin_at_zero_and_the_largest_fills_the_room() -> None:
    found = bars([("a", 100), ("b", 50), ("c", 0), ("d", -5)])
    assert [bar.height for bar in found] == [HEIGHT, HEIGHT / 2, 0, 0]
    assert all(bar.y + bar.height == HEIGHT for bar in found)
    assert found[-1].x + found[-1].width < WIDTH


def test_many_bars_have_few_labels_and_none_is_no_chart() -> None:
    assert sum(bool(bar.label) for bar in bars([(str(day), 1) for day in range(366)])) <= 12
    assert bars([]) == ()
