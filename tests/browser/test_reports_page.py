"""Alarms and reports in Chromium: a person takes an alarm, and finds each fen of a day."""

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from cloud_bridge.engine_reports import Reports
from cloud_bridge.store.books import open_store
from cloud_bridge.web.alarms import alarm_routes
from cloud_bridge.web.reports import report_routes
from tests.unit.store.takings import DAY, a_day, rung_up
from tests.unit.web.serving import Site, site
from tests.unit.web.test_alarms import Care

SIZES = ((1280, 800, "en", "light"), (390, 844, "zh", "dark"))


class Served:
    """The application over real books, served by a thread of its own."""

    def __init__(self, folder: Path) -> None:
        self.care = Care()
        self._folder = folder
        self._ready: Future[tuple[Site, asyncio.AbstractEventLoop, asyncio.Event]] = Future()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))
        self._thread.start()
        self.site, self._loop, self._stop = self._ready.result(10)

    async def _serve(self) -> None:
        store = open_store(f"sqlite:///{self._folder}/books.db", incarnation=lambda: "s" * 26, idle_s=600)
        await rung_up(store, a_day(24))
        rooms = (alarm_routes(self.care), report_routes(Reports(store.reports)))
        async with site(rooms=rooms) as served:
            stop = asyncio.Event()
            self._ready.set_result((served, asyncio.get_running_loop(), stop))
            await stop.wait()
        store.close()

    def end(self) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    served = Served(tmp_path_factory.mktemp("books"))
    yield served
    served.end()


def fits(page: Page) -> bool:
    """Nothing has to be moved sideways."""
    return bool(page.evaluate("document.documentElement.scrollWidth <= innerWidth"))


def test_a_person_takes_an_alarm_and_must_say_why(browser: Browser, served: Served) -> None:
    said: list[str] = []
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(f"{served.site.url}/alarms?language=en")
    form = page.locator("form.care").nth(1)
    form.get_by_role("button", name="I look after it").click()
    expect(form.locator("output")).to_have_text("Say why first")
    assert served.care.asked == []
    form.get_by_placeholder("Why, or what you will do").fill("on my way")
    form.get_by_role("button", name="I look after it").press("Enter")
    expect(form.locator("output")).to_have_text("It is on its way")
    form.get_by_placeholder("Why, or what you will do").fill("a holiday")
    form.get_by_role("combobox").select_option("1 day")
    form.get_by_role("button", name="Snooze").click()
    expect(form.locator("input")).to_have_value("")
    first, second = served.care.asked
    assert (first.name, first.lane, first.why, first.snooze_min) == ("lane_jam", 12, "on my way", 0)
    assert (second.why, second.snooze_min) == ("a holiday", 1440)
    assert said == []
    page.close()


@pytest.mark.parametrize(("width", "height", "language", "light"), SIZES)
def test_a_day_is_explained_from_the_page_alone(
    browser: Browser, served: Served, width: int, height: int, language: str, light: str
) -> None:
    said: list[str] = []
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=light)  # type: ignore[arg-type]
    page = context.new_page()
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(f"{served.site.url}/reports?first={DAY}&language={language}")
    left = page.locator("table.statement").nth(0).locator("tr.sum td").nth(1).inner_text()
    assert page.locator("table.statement").nth(1).locator("tr.sum td").nth(1).inner_text() == left
    assert page.locator("#machines tfoot td").nth(5).inner_text() == left
    assert page.locator("figure.chart rect").count() == 24
    assert fits(page)
    page.locator("#reasons tbody a").first.click()
    page.wait_for_url("**report=entries**")
    assert fits(page)
    page.locator("tbody a[href^='/sales/']").first.wait_for()
    for report in ("sales", "refunds", "lanes", "shrinkage"):
        page.goto(f"{served.site.url}/reports?report={report}&first={DAY}")
        expect(page.locator("#table")).to_be_visible()
        assert fits(page)
    with page.expect_download() as saved:
        page.get_by_role("link", name="CSV", exact=True).click()
    assert saved.value.suggested_filename == f"wxvend-shrinkage-{DAY}-{DAY}.csv"
    assert [words for words in said if "404" not in words] == []
    context.close()
