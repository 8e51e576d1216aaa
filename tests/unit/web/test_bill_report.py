"""A matched day as page and table: what an accountant reads, in both languages, and only what is so."""

import csv
import html
import io
import json
import re
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from cloud_bridge.app_bills import wrong_day
from cloud_bridge.cli_bills import as_json, bar_line, show
from cloud_bridge.core.bill import RULE, Difference, Kind, Side
from cloud_bridge.ports_bills import Cause, DayResult, Figures, Found, Kept
from cloud_bridge.web.bill_report import as_csv, as_html
from cloud_bridge.web.bill_words import REPORT_WORDS
from cloud_bridge.web.words import WORDS
from tests.unit.web.serving import site

DAY = "2026-11-24"
AT_MS = 1_795_572_300_000
PAID = Side(
    lines=3,
    bill=1_051,
    books=1_050,
    matched=350,
    bill_only=350,
    bill_differs=351,
    books_only=350,
    books_differs=350,
)
FIGURES = Figures(
    paid=asdict(PAID),
    refunds=asdict(Side()),
    lines=3,
    fee_fen_5=-21_000,
    pieces=2,
    funds={"交易": 1_051, "扣除交易手续费": -6},
)
OPEN = Found(
    difference=Difference(
        kind=Kind.AMOUNT, sale_id="s<1>", machine="vm-0001", number="=T1", bill_fen=351, books_fen=350, at=DAY
    ),
    since_wall_ms=AT_MS,
)
EXPLAINED = Found(
    difference=Difference(kind=Kind.NOT_IN_BILL, sale_id="s2", machine="vm-0001", books_fen=350),
    since_wall_ms=AT_MS,
    cause=Cause(name="person", why="seen & <settled>", by="ann"),
)
RESULT = DayResult(
    merchant="", day=DAY, sha1="a" * 40, file="f.csv.gz", matched_wall_ms=AT_MS, figures=FIGURES
)


class Days:
    """Days as the books keep them."""

    kept: tuple[Kept, ...] = (
        (RESULT, (OPEN, EXPLAINED)),
        (replace(RESULT, day="2026-11-23", closed=True), (EXPLAINED,)),
        (replace(RESULT, day="2026-11-22", merchant="north", fault="line 7: <b>no</b>", figures=None), ()),
    )

    async def bill_days(self, limit: int) -> tuple[Kept, ...]:
        return self.kept[:limit]


def shown(page: str) -> str:
    return " ".join(re.sub(r"<style>.*?</style>|<[^>]*>", " ", page, flags=re.S).split())


def test_the_statement_leads_from_the_bill_to_the_books() -> None:
    words = shown(as_html(RESULT, (OPEN, EXPLAINED), "en"))
    for line in (
        "Total of the bill ¥10.51 ¥0.00",
        "less: in the bill, not in the books −¥3.50 ¥0.00",
        "less: amounts that differ, as billed −¥3.51",
        "plus: amounts that differ, as booked ¥3.50",
        "plus: in the books, not in the bill ¥3.50",
        "Total of the books ¥10.50 ¥0.00",
    ):
        assert line in words
    assert "another day" not in words  # nothing is there, so nothing is said
    assert PAID.bill - PAID.bill_only - PAID.bill_differs + PAID.books_differs + PAID.books_only == PAID.books


def test_what_is_open_stands_first_and_says_that_it_is() -> None:
    page = as_html(RESULT, (EXPLAINED, OPEN), "en")
    words = shown(page)
    assert "■ Open · 1 without a cause" in words
    assert words.index("the amount differs") < words.index("explained by a person")
    assert "ann: seen &amp; &lt;settled&gt;" in page
    assert "s<1>" not in page


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("kind", Kind)
def test_each_class_rule_and_cause_has_words(kind: Kind, language: str) -> None:
    assert f"why.{kind}" in WORDS
    assert f"rule.{RULE[kind]}" in REPORT_WORDS
    for name in ("neighbour", "platform", "books", "case", "person"):
        found = replace(OPEN, difference=replace(OPEN.difference, kind=kind), cause=Cause(name=name))
        word = html.escape(REPORT_WORDS[f"cause.{name}"][["zh", "en"].index(language)])
        assert word in as_html(RESULT, (found,), language)


def test_a_closed_day_and_one_that_could_not_be_matched_say_so() -> None:
    assert "● 已结" in as_html(replace(RESULT, closed=True), (), "zh")
    assert "没有差异。" in as_html(replace(RESULT, closed=True), (), "zh")
    failed = replace(RESULT, fault="line 7, 订单金额: found '<x>'", figures=None, matched_wall_ms=0)
    page = as_html(failed, (), "zh")
    assert "■ 未能对账: line 7, 订单金额: found &#x27;&lt;x&gt;&#x27;" in page
    assert "1970" not in page
    assert "nothing was traded" in as_html(replace(RESULT, sha1=""), (), "en")


def test_the_page_needs_nothing_from_elsewhere() -> None:
    page = as_html(RESULT, (OPEN,), "zh")
    assert not re.search(r"(src|href|@import|url\()", page)
    assert '<html lang="zh">' in page


def test_the_table_has_a_row_for_each_difference_and_no_formula() -> None:
    text = as_csv(RESULT, (OPEN, EXPLAINED))
    assert text.startswith("\ufeffday,merchant,class,rule,")
    head, first, second = csv.reader(io.StringIO(text.removeprefix("\ufeff")))
    row = dict(zip(head, first, strict=True))
    assert (row["class"], row["rule"], row["number"]) == ("amount", "alarm", "'=T1")
    assert (row["bill_yuan"], row["books_yuan"], row["since"]) == (
        "3.51",
        "3.50",
        "2026-11-25 10:05:00 +08:00",
    )
    assert dict(zip(head, second, strict=True))["by"] == "ann"


def test_progress_is_a_line_with_rate_and_time_left() -> None:
    assert bar_line("trade", 10_000_000, 40_000_000, 5.0) == (
        "trade  [######                  ]  10.0 of 40.0 MB  2.0 MB/s  15 s left"
    )
    assert bar_line("trade", 10_000_000, 0, 5.0) == "trade  10.0 MB  2.0 MB/s"
    assert bar_line("lines", 20_000, 0, 2.0) == "lines  20,000  10,000/s"
    assert bar_line("trade", 0, 0, 0.0) == "trade  0.0 MB  0.0 MB/s"


def test_what_is_no_day_or_no_merchant_is_said_with_what_is_allowed() -> None:
    assert wrong_day("", DAY, {"": 1}) == ""
    assert wrong_day("", "31.1.2026", {"": 1}) == "date: found '31.1.2026', allowed a day such as 2026-01-31"
    assert wrong_day("other", DAY, {"": 1, "main": 2}) == "merchant: found 'other', allowed '', 'main'"


async def test_days_are_served_for_programs_and_for_spreadsheets() -> None:
    async with site(bills=Days()) as made:
        (first, *_) = (await made.get("/api/bills")).json
        assert (first["day"], first["open"], first["differences"], first["lines"]) == (DAY, 1, 2, 3)
        table = await made.get(f"/bills/{DAY}/table")
        assert table.headers["content-disposition"] == f'attachment; filename="reconcile-{DAY}.csv"'
        assert table.body.startswith("\ufeffday,".encode())
        assert (await made.get("/bills/2026-11-22")).status == 404
        assert (await made.get("/bills/2026-11-22?merchant=north")).status == 200
        assert (await made.get("/bills/yesterday")).status in (400, 404)


def test_the_terminal_says_totals_then_each_difference_with_its_key_while_it_is_open(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    show((RESULT, (OPEN, EXPLAINED)), tmp_path)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"{DAY}  open  2 differences, 1 without a cause"
    assert lines[2].split() == ["payments", "¥10.51", "¥10.50", "¥3.50"]
    assert lines[4:7] == [
        "!! amount s<1> bill ¥3.51 books ¥3.50",
        "     no cause yet: alarm",
        "     key: amount:s<1>:=T1",
    ]
    assert lines[7:9] == ["ok not_in_bill s2 books ¥3.50", "     person: seen & <settled>"]
    assert lines[-1] == f"report: {tmp_path}/reconcile-{DAY}.csv"
    show((replace(RESULT, fault="statement_creating", figures=None), ()), tmp_path)
    assert "not matched: statement_creating" in capsys.readouterr().out


def test_programs_get_one_object_with_stable_keys(tmp_path: Path) -> None:
    told = json.loads(as_json((RESULT, (OPEN, EXPLAINED)), tmp_path))
    assert {"day", "closed", "fault", "figures", "differences", "reports", "sha1"} <= set(told)
    first, second = told["differences"]
    assert (first["key"], first["rule"], first["cause"]) == ("amount:s<1>:=T1", "alarm", None)
    assert second["cause"] == {"name": "person", "why": "seen & <settled>", "by": "ann"}


def test_a_flow_of_funds_that_is_not_what_was_traded_is_said_with_the_gap() -> None:
    assert "Flow of funds less trades" not in shown(as_html(RESULT, (), "en"))
    off = replace(FIGURES, funds={"交易": 1_000, "退款": -100})
    words = shown(as_html(replace(RESULT, figures=off), (), "en"))
    assert "Flow of funds less trades −¥1.51" in words
