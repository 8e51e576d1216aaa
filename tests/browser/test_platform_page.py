"""The simulated platform's page in Chromium: a phone pays, money goes back, faults and time are driven."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.chrome import launched
from tests.contract.simulated import Simulated
from tests.contract.test_wechatpayv3_client import Shop as TheirShop
from tests.contract.test_wechatpayv3_client import _client


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulated]:
    with Simulated(tmp_path_factory.mktemp("platform") / "keys", "--refund-delay-ms", "100") as simulated:
        yield simulated


@pytest.fixture(scope="module")
def number(platform: Simulated) -> str:
    """An order, by a client that others wrote."""
    client = _client(platform.keys, "public_key", TheirShop(url="http://127.0.0.1:9/notify"))
    client._core._gate_way = platform.url
    status, body = client.pay(description="<b>可乐</b>", out_trade_no="page-order-1", amount={"total": 350})
    assert status == 200, body
    return "page-order-1"


@pytest.fixture(params=[(1280, 760), (390, 844)], ids=["laptop", "phone"])
def page(request: pytest.FixtureRequest, platform: Simulated, number: str) -> Iterator[Page]:
    wrong: list[str] = []
    width, height = request.param
    with launched() as browser:
        page = browser.new_page(viewport={"width": width, "height": height})
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.goto(f"{platform.url}/_sim/")
        expect(page.locator("#orders tbody tr")).to_have_count(1)
        yield page
    assert wrong == []


def test_a_day_at_the_platform_is_driven_by_hand(page: Page, platform: Simulated, number: str) -> None:
    row = page.locator("#orders tbody tr", has_text=number)
    expect(row).to_contain_text("<b>可乐</b>")  # shown as it is, and never run
    if row.locator("button", has_text="付款").count():
        row.locator("button", has_text="付款").click()
        expect(row).to_contain_text("SUCCESS")
    row.locator("button", has_text="退一半").click()
    page.locator("[data-ms='60000']").click()  # parts of one order are a minute apart
    expect(page.locator("#ahead")).not_to_have_text("–")
    page.locator("[aria-controls=refunds]").click()
    expect(page.locator("#refunds tbody tr").first).to_contain_text("SUCCESS")
    page.locator("[aria-controls=faults]").click()
    page.locator("#arm select").select_option("answer_lost")
    page.locator("#arm [name=only]").fill("create")
    page.locator("#arm [name=share]").fill("10")
    page.locator("#arm button").first.click()
    expect(page.locator("#faults tbody tr")).to_contain_text("10 %")
    page.locator("#clear").click()
    expect(page.locator("#faults tbody tr")).to_have_count(0)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_a_wish_that_cannot_be_is_said_in_words(page: Page, platform: Simulated) -> None:
    page.locator("[aria-controls=faults]").click()
    page.locator("#arm [name=only]").fill("nothing")
    page.locator("#arm button").first.click()
    expect(page.locator("#said")).to_contain_text("only: found nothing, allowed create")


def test_a_days_bill_is_shown_before_the_merchant_may_fetch_it(page: Page, platform: Simulated) -> None:
    page.locator("[aria-controls=bills]").click()
    page.locator("#ask-bill button").click()
    expect(page.locator("#bill")).to_contain_text("交易时间,公众账号ID,")
    page.locator("#ask-bill select").select_option("funds")
    page.locator("#ask-bill button").click()
    expect(page.locator("#bill")).to_contain_text("资金流水总笔数")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
