"""The login, one's own account and people in Chromium: one story of a small shop, from the first login on."""

import asyncio
import io
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import zxingcpp
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from cloud_bridge.core.people import Role
from cloud_bridge.engine_totp import STEP_S, code_at
from cloud_bridge.matrix import matrix
from cloud_bridge.web.account import account_routes
from cloud_bridge.web.people import people_routes
from tests.browser.chrome import launched
from tests.unit.people.house import PASSWORD, SECRET, House, house
from tests.unit.web.serving import Site, site


class Shop:
    """The application with people, served by a thread of its own."""

    def __init__(self) -> None:
        self._ready: Future[tuple[House, Site, asyncio.AbstractEventLoop, asyncio.Event]] = Future()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))
        self._thread.start()
        self.home, self.site, self._loop, self._stop = self._ready.result(30)

    async def _serve(self) -> None:
        with tempfile.TemporaryDirectory() as folder, house(Path(folder)) as home:
            await home.user("ann", Role.ADMIN, Role.FINANCE, second=False)
            await home.user("bob", Role.ADMIN)
            await home.user("carl", Role.TECHNICIAN, machines="vm-0001", second=False)
            rooms = (
                account_routes(home.people, picture=matrix),
                people_routes(home.people, home.store, home.clock),
            )
            async with site(people=home.people, rooms=rooms) as served:
                stop = asyncio.Event()
                self._ready.set_result((home, served, asyncio.get_running_loop(), stop))
                await stop.wait()

    def code(self, secret: str) -> str:
        """What a phone shows a step later."""
        self.home.clock.at_ms += STEP_S * 1000
        return code_at(secret, self.home.clock.at_ms // 1000 // STEP_S)

    def end(self) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)


@pytest.fixture
def shop() -> Iterator[Shop]:
    shop = Shop()
    yield shop
    shop.end()


@pytest.fixture
def browser() -> Iterator[Browser]:
    """One for each test: those of this module have a loop of their own."""
    with launched() as started:
        yield started


def opened(browser: Browser, said: list[str], **options: Any) -> Page:
    page = browser.new_context(
        viewport={"width": 1280, "height": 900}, **{"locale": "en-GB"} | options
    ).new_page()
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("dialog", lambda dialog: dialog.accept())
    return page


def enter(page: Page, name: str, password: str = PASSWORD, code: str = "") -> None:
    page.fill("#login [name=name]", name)
    page.fill("#login [name=password]", password)
    page.fill("#login [name=code]", code)
    page.keyboard.press("Enter")


def seen(page: Page, selector: str) -> str:
    """What a phone reads from a part of the page."""
    picture = Image.open(io.BytesIO(page.locator(selector).screenshot()))
    (found,) = zxingcpp.read_barcodes(picture)
    return str(found.text)


def test_people_come_set_up_their_phones_and_give_each_other_rights(shop: Shop, browser: Browser) -> None:
    said: list[str] = []
    url, ann = shop.site.url, opened(browser, said)
    ann.goto(f"{url}/people")
    assert ann.url == f"{url}/login?next=/people"
    enter(ann, "ann", "not her password")
    expect(ann.locator("#login output")).to_have_text("Name, password or code is wrong")
    expect(ann.locator("#login [name=password]")).to_be_focused()
    enter(ann, "ann")
    expect(ann.locator("#no-right")).to_be_visible()  # an admin without a second factor only looks

    ann.goto(f"{url}/account")
    expect(ann.locator(".lost").nth(1)).to_contain_text("second factor")
    ann.fill("#offer [name=password]", PASSWORD)
    ann.keyboard.press("Enter")
    expect(ann.locator("#code svg")).to_be_visible()
    told = urlsplit(seen(ann, "#code"))
    (secret,) = parse_qs(told.query)["secret"]
    assert (told.scheme, told.path, ann.inner_text("#secret")) == ("otpauth", "/wxvend:ann", secret)
    ann.fill("#take [name=code]", shop.code(secret))
    ann.keyboard.press("Enter")
    expect(ann.locator(".sign.go")).to_contain_text("with a second factor")

    ann.goto(f"{url}/people")
    carl = ann.locator("li[data-key=user-carl]")
    carl.locator("summary").click()
    carl.locator("input[value=operator]").check()
    carl.locator(".rights [name=why]").fill("he runs the north now")
    carl.locator(".rights button").click()
    wish = ann.locator("li[data-key=wish-carl]")
    expect(wish).to_contain_text("another admin has to agree")

    bob = opened(browser, said, locale="zh-CN")
    bob.goto(f"{url}/people")
    enter(bob, "bob", code=shop.code(SECRET))
    bob.locator("li[data-key=wish-carl]").get_by_role("button", name="同意").click()
    expect(bob.locator("li[data-key=user-carl]")).to_contain_text("运营")
    ann.reload()
    expect(ann.locator("li[data-key=wish-carl]")).to_have_count(0)

    bob.locator("li[data-key=user-ann] summary").click()
    bob.locator("li[data-key=user-ann] .out [name=why]").fill("她离开了")
    bob.locator("li[data-key=user-ann] .out button").click()
    expect(bob.locator("li[data-key=user-ann]")).to_contain_text("已停用")
    ann.goto(f"{url}/audit")
    assert ann.url.startswith(f"{url}/login")
    bob.goto(f"{url}/audit")
    expect(bob.locator("#deeds tbody tr").first).to_contain_text("停用用户")
    bob.goto(f"{url}/account")
    bob.locator("#logout").click()
    expect(bob.locator("#login")).to_be_visible()
    assert [line for line in said if "Failed to load resource" not in line] == []
