"""Matched days on the page of money in Chromium: closed or not, both sides, and the day's own page."""

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import Future

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.unit.web.serving import Site, site
from tests.unit.web.test_bill_report import DAY, Days


@pytest.fixture
def served() -> Iterator[Site]:
    ready: Future[tuple[Site, asyncio.AbstractEventLoop, asyncio.Event]] = Future()

    async def serve() -> None:
        async with site(bills=Days()) as made:
            stop = asyncio.Event()
            ready.set_result((made, asyncio.get_running_loop(), stop))
            await stop.wait()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    made, loop, stop = ready.result(10)
    yield made
    loop.call_soon_threadsafe(stop.set)
    thread.join(10)


def opened(browser: Browser, url: str, locale: str, width: int) -> Page:
    page = browser.new_context(locale=locale, viewport={"width": width, "height": 900}).new_page()
    page.goto(url)
    return page


@pytest.mark.parametrize(
    ("locale", "open_words"), [("en-GB", "Open · 1 without a cause"), ("zh-CN", "未结 · 1 未解释")]
)
def test_each_day_says_whether_it_is_closed_and_what_both_sides_come_to(
    browser: Browser, served: Site, locale: str, open_words: str
) -> None:
    page = opened(browser, f"{served.url}/money", locale, 1280)
    rows = page.locator("#bill-list li")
    expect(rows).to_have_count(3)
    expect(rows.nth(0)).to_contain_text(open_words)
    expect(rows.nth(0)).to_contain_text("¥10.51 / ¥10.50")
    expect(rows.nth(1)).to_have_class("calm")
    expect(rows.nth(2)).to_contain_text("north 2026-11-22")
    expect(rows.nth(2)).to_contain_text("line 7: <b>no</b>")


@pytest.mark.parametrize("width", [360, 1280])
def test_a_days_own_page_is_reached_from_its_row_styled_and_fits(
    browser: Browser, served: Site, width: int
) -> None:
    page = opened(browser, f"{served.url}/money", "en-GB", width)
    page.locator("#bill-list li a").first.click()
    expect(page.locator("h1")).to_have_text(f"Daily reconciliation {DAY}")
    assert page.locator(".state").evaluate("node => getComputedStyle(node).color") == "rgb(179, 38, 30)"
    assert page.evaluate("document.documentElement.scrollWidth") <= width
