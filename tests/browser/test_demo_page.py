"""The virtual machine in a real browser: choose, let the phone read, pay, take; what goes wrong is seen."""

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect

WXVEND = str(Path(sys.executable).with_name("wxvend"))
PATIENCE_MS = 20_000
SMALL: ViewportSize = {"width": 1280, "height": 720}
PHONE: ViewportSize = {"width": 360, "height": 740}


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("page") / "demo"
    command = [WXVEND, "demo", "--port", "0", "--no-browser", "--keep", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        assert process.stdout is not None
        found = re.search(r"http://\S+/", process.stdout.readline())
        assert found is not None
        yield found[0]
        process.send_signal(signal.SIGINT)


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    """A page that shows a machine ready to sell; nothing may have gone wrong in it at the end."""
    opened = browser.new_page(viewport=SMALL)
    opened.set_default_timeout(PATIENCE_MS)
    expect.set_options(timeout=PATIENCE_MS)
    wrong: list[str] = []
    opened.on("pageerror", lambda error: wrong.append(str(error)))
    opened.on("console", lambda said: wrong.append(said.text) if said.type in ("error", "warning") else None)
    opened.goto(address)
    expect(opened.locator("#lamp")).to_have_class("lamp go")
    yield opened
    opened.close()
    assert wrong == []


def choose(page: Page, lane: int) -> None:
    page.locator(f'.lane[data-lane="{lane}"]').click()
    expect(page.locator("#read")).to_contain_text("weixin://wxpay/bizpayurl?pr=")
    expect(page.locator("#pay")).to_be_enabled()


def stock(page: Page, lane: int) -> int:
    return int(page.locator(f'.lane[data-lane="{lane}"]').get_attribute("data-stock") or 0)


def facts(page: Page, who: str) -> list[str]:
    return page.locator(f"#facts .{who} div").all_inner_texts()


def test_a_shopper_chooses_scans_pays_and_takes_the_product(page: Page) -> None:
    before = stock(page, 11)
    choose(page, 11)
    assert page.locator("#amount").inner_text() == "¥3.50"
    assert "Corner Shop" in page.locator("#merchant").inner_text()
    expect(page.locator("#books")).to_have_class("wait")
    page.locator("#pay").click()
    expect(page.locator('.lane[data-lane="11"]')).to_have_class(re.compile("turning"))
    expect(page.locator("#tray")).to_have_class(re.compile("full"))
    expect(page.locator("#pieces .piece")).to_have_count(1)
    expect(page.locator("#status")).to_have_text("paid")
    expect(page.locator('.lane[data-lane="11"]')).to_have_attribute("data-stock", str(before - 1))
    expect(page.locator("#books")).to_have_class("go")
    expect(page.locator("#books")).to_contain_text("all four books agree")
    assert any("run the motor of lane 11" in words for words in facts(page, "bus"))
    assert {"machine says sale.requested", "bridge says sale.paid"} <= set(facts(page, "mqtt"))
    assert any(words.startswith("notification TRANSACTION.SUCCESS") for words in facts(page, "wechat"))
    assert "authorised to vend" in facts(page, "bridge")
    page.locator("#tray").click()
    expect(page.locator("#pieces .piece")).to_have_count(0)


def test_a_frame_and_a_message_unfold(page: Page) -> None:
    choose(page, 12)
    frame = page.locator("#facts .bus details", has_text="selection keyed: lane 12").first
    frame.locator("summary").click()
    expect(frame.locator("code")).to_have_text(re.compile("^fa fb 05 "))
    message = page.locator("#facts .mqtt details", has_text="sale.code").last
    message.locator("summary").click()
    expect(message.locator("code")).to_contain_text("wxvend/v1/demo-01/down/sale.code")
    assert "weixin:" not in page.locator("#facts").inner_text()
    page.locator('[data-key="cancel"]').click()
    expect(page.locator("#read")).to_have_text("no code in sight")


def test_a_jam_is_announced_beforehand_and_ends_in_a_refund(page: Page) -> None:
    switch = page.locator('[data-fault="jam"]')
    switch.click()
    expect(switch).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#warn")).to_contain_text("the money goes back")
    choose(page, 21)
    page.locator("#pay").click()
    expect(page.locator("#status")).to_have_text("the money is back")
    expect(page.locator("#tray")).not_to_have_class(re.compile("full"))
    expect(switch).to_have_attribute("aria-pressed", "false")
    expect(page.locator("#books")).to_have_class("go")


def test_a_payment_that_comes_too_late_goes_back(page: Page) -> None:
    choose(page, 22)
    page.locator("#pay-late").click()
    expect(page.locator("#status")).to_have_text("the money is back")
    assert not any("run the motor of lane 22" in words for words in facts(page, "bus"))
    expect(page.locator("#books")).to_have_class("go")


def test_a_power_cut_while_the_motor_turns_ends_with_books_that_agree_and_one_run(page: Page) -> None:
    choose(page, 34)
    page.locator("#pay").click()
    expect(page.locator('.lane[data-lane="34"]')).to_have_class(re.compile("turning"))
    page.locator('[data-fault="power"]').click()
    expect(page.locator("#lamp")).to_have_class("lamp stop")
    expect(page.locator("#lamp")).to_have_class("lamp go")
    expect(page.locator("#books")).to_have_class("go", timeout=2 * PATIENCE_MS)
    assert sum("→ run the motor of lane 34" in words for words in facts(page, "bus")) == 1
    page.locator("#tray").click()


def test_a_lane_is_filled_up_again(page: Page) -> None:
    choose(page, 13)
    page.locator("#pay").click()
    expect(page.locator('.lane[data-lane="13"]')).to_have_attribute("data-stock", "4")
    page.locator("#refill").click()
    expect(page.locator('.lane[data-lane="13"]')).to_have_attribute("data-stock", "5")
    page.locator("#tray").click()


def test_a_number_is_keyed_and_the_phone_put_away(page: Page) -> None:
    for key in "33":
        page.locator(f'[data-key="{key}"]').click()
    expect(page.locator("#amount")).to_have_text("¥6.90")
    page.locator("#put-away").click()
    expect(page.locator("#status")).to_have_text("put away")
    expect(page.locator("#pay")).to_be_disabled()
    page.locator('[data-key="cancel"]').click()
    expect(page.locator("#read")).to_have_text("no code in sight")


def test_nothing_scrolls_on_a_small_laptop_and_nothing_sideways_on_a_phone(page: Page) -> None:
    size = "[document.documentElement.scrollWidth, document.documentElement.scrollHeight]"
    assert page.evaluate(size) == [1280, 720]
    page.set_viewport_size(PHONE)
    width, _ = page.evaluate(size)
    assert width == 360
    lane = page.locator('.lane[data-lane="34"]').bounding_box()
    assert lane is not None
    assert lane["x"] + lane["width"] <= 360


def test_the_screen_on_the_page_is_the_picture_that_the_machine_drew(page: Page) -> None:
    natural = (
        "[document.getElementById('screen').naturalWidth, document.getElementById('screen').naturalHeight]"
    )
    page.wait_for_function("document.getElementById('screen').naturalWidth > 0")
    assert page.evaluate(natural) == [480, 800]
    assert page.locator("#screen").get_attribute("src") == page.locator("#seen").get_attribute("src")
