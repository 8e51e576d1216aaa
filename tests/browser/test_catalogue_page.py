"""A person changes what machines sell, and counts what lies in them, on the pages alone."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from cloud_bridge.web.catalogue import catalogue_routes
from cloud_bridge.web.catalogue_pages import catalogue_pages
from cloud_bridge.web.stock import stock_routes
from tests.browser.test_bridge_page import Served
from tests.unit.goods.books import ONE, shelf
from tests.unit.goods.shop import Kiosk
from tests.unit.web.bridge import MACHINE, Bridge
from tests.unit.web.serving import site

LANES_HEAD = "machine,lane,product,price_fen,sold_out_at,par,capacity,template,route"


class Shop(Served):
    """The pages on real books of one machine."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        super().__init__()

    async def _serve(self) -> None:
        with Kiosk(self.folder, shelf(ONE)) as kiosk:
            await kiosk.catalogues.open()
            kiosk.away = {ONE}
            rooms = (
                catalogue_pages(kiosk.catalogues),
                catalogue_routes(kiosk.catalogues, kiosk.clock),
                stock_routes(kiosk.stocks, Bridge(views={ONE: MACHINE}), kiosk.clock),
            )
            async with site(rooms=rooms) as served:
                stop = asyncio.Event()
                self._ready.set_result((served, asyncio.get_running_loop(), stop))
                await stop.wait()


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    served = Shop(tmp_path_factory.mktemp("books"))
    yield served
    served.end()


@pytest.fixture
def page(browser: Browser, shop: Shop) -> Iterator[Page]:
    context = browser.new_context(locale="en-GB", viewport={"width": 1280, "height": 800})
    opened = context.new_page()
    wrong: list[str] = []
    opened.on("pageerror", lambda error: wrong.append(str(error)))
    opened.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
    opened.on("dialog", lambda dialog: dialog.accept())
    yield opened
    context.close()
    assert wrong == []


def test_a_price_a_lane_and_a_table_are_changed_and_taken_back_on_the_page(
    page: Page, shop: Shop, tmp_path: Path
) -> None:
    page.goto(f"{shop.site.url}/catalogue")
    said = page.locator("#cat-outcome")
    price = page.locator("tr[data-entry=cola] input[name=price_fen]")
    price.fill("3.9o")
    page.locator("#products-form button[type=submit]").click()
    expect(said).to_have_text("Say why.")
    page.locator("#products-form input[name=why]").fill("dearer sugar")
    page.locator("#products-form button[type=submit]").click()
    expect(said).to_contain_text("an amount is written as 3.50")
    price.fill("3.90")
    with page.expect_navigation():  # the page is loaded anew once the words were read
        page.locator("#products-form button[type=submit]").click()
        expect(said).to_have_text(f"Saved as version 2; goes to machines: {ONE}")
    expect(page.locator("#edition")).to_have_text("Version 2")

    page.goto(f"{shop.site.url}/catalogue/machines/{ONE}")
    fresh = page.locator("tr[data-new]").first
    fresh.locator("input[name=lane]").fill("14")
    fresh.locator("select").select_option("cola")
    page.locator("tr[data-entry='vm-0001/12']").get_by_role("button").click()
    page.locator("#lanes-form input[name=why]").fill("one moved")
    with page.expect_navigation():
        page.locator("#lanes-form button[type=submit]").click()
        expect(said).to_contain_text("Saved as version 3")

    table = tmp_path / "lanes.csv"
    table.write_text(f"{LANES_HEAD}\n{ONE},11,juice,,,,,,\n{ONE},14,cola,,,9,8,,\n")
    page.goto(f"{shop.site.url}/catalogue")
    page.locator("#import-form input[type=file]").set_input_files(table)
    page.locator("#import-form input[name=why]").fill("by table")
    page.locator("#import-form button[type=submit]").click()
    expect(page.locator("#mistakes li")).to_have_text(
        [
            "file 1, row 2, column product: found 'juice', allowed the code of a product",
            "file 1, row 3, column par: found 9, allowed at most the capacity of 8",
        ]
    )
    page.locator("#history").get_by_role("button", name="Back to version 1").click()
    expect(said).to_contain_text("Saved as version 4")
    expect(page.locator("#history li").first).to_contain_text("¥3.90 ¥3.50")


def test_pieces_that_somebody_counts_are_in_the_books_with_his_name(page: Page, shop: Shop) -> None:
    page.goto(f"{shop.site.url}/stock")
    form = page.locator("form.count[data-lane='11']")
    form.locator("select").select_option("corrected")
    form.locator("input").fill("7")
    form.get_by_role("button").click()
    expect(page.locator("#stock-outcome")).to_have_text("Entered.")
    expect(page.locator("#moves tbody tr").first).to_contain_text("corrected")
    expect(page.locator(f"tr[data-key='stock-{ONE}-11'] td").nth(4)).to_have_text("7")
