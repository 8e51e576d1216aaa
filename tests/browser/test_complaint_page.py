"""Complaints on the operators' page in Chromium: evidence, the one right button, and nothing for nobody."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import replace
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.complaints import ANSWERED, DELIVERED, Complaints
from tests.unit.web.serving import Site, site

PERSON = "X-Forwarded-User"
NOISE = "<script>window.pwned = 1</script><img src=x onerror='window.pwned = 1'>"


class Served:
    """The application, served by a thread of its own."""

    def __init__(self) -> None:
        self.complaints = Complaints()
        self._ready: Future[tuple[Site, asyncio.AbstractEventLoop, asyncio.Event]] = Future()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))
        self._thread.start()
        self.site, self._loop, self._stop = self._ready.result(10)

    async def _serve(self) -> None:
        async with site(complaints=self.complaints, person_header=PERSON) as served:
            stop = asyncio.Event()
            self._ready.set_result((served, asyncio.get_running_loop(), stop))
            await stop.wait()

    def end(self) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)


@pytest.fixture
def served() -> Iterator[Served]:
    served = Served()
    yield served
    served.end()


Open = Callable[..., Page]


@pytest.fixture
def open_page(browser: Browser, served: Served) -> Iterator[Open]:
    said: list[str] = []
    contexts = []

    def open_page(path: str, *, person: str = "", width: int = 1440, locale: str = "en-GB") -> Page:
        headers = {PERSON: person} if person else {}
        options: dict[str, Any] = {"locale": locale, "extra_http_headers": headers}
        contexts.append(browser.new_context(viewport={"width": width, "height": 900}, **options))
        page = contexts[-1].new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("dialog", lambda dialog: dialog.accept())
        page.goto(served.site.url + path)
        expect(page.locator("#line")).not_to_be_empty()
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert [line for line in said if "Failed to load resource" not in line] == []


def path(complaint_id: str = DELIVERED.complaint_id) -> str:
    return f"/complaints/{complaint_id}"


def test_the_list_says_who_waits_and_what_to_do(served: Served, open_page: Open) -> None:
    page = open_page("/cases")
    expect(page.locator("#complaints-empty")).to_be_visible()
    served.complaints.stories[DELIVERED.complaint_id] = DELIVERED
    page.reload()
    line = page.locator("#complaint-list li")
    expect(line).to_contain_text("New")
    expect(line).to_contain_text("vm-0001 · lane 12 · Cola · ¥3.50 · the goods came out")
    expect(line).to_contain_text("Compare, then send the prepared answer")
    expect(line).to_contain_text("overdue")
    line.get_by_role("link", name="Look and answer").click()
    expect(page.locator("#complaint-words")).to_have_text(DELIVERED.words)


def test_a_person_sends_the_prepared_answer_with_one_button(served: Served, open_page: Open) -> None:
    served.complaints.stories[DELIVERED.complaint_id] = DELIVERED
    page = open_page(path(), person="ann")
    expect(page.locator("#prepared")).to_have_text(DELIVERED.prepared)
    expect(page.locator("#evidence li")).to_have_count(5)
    expect(page.locator("article button:visible")).to_have_text(["Send this answer", "Show the phone"])
    page.locator("#do-it").click()
    expect(page.locator("#outcome")).to_have_text("It is on its way")
    assert served.complaints.asked == [("answer", DELIVERED.complaint_id, "", "ann")]


def test_an_answer_in_own_words_needs_words(served: Served, open_page: Open) -> None:
    served.complaints.stories[DELIVERED.complaint_id] = replace(DELIVERED, next="answer", verdict="unknown")
    page = open_page(path(), person="ann", locale="zh-CN")
    page.locator("#do-it").click()
    expect(page.locator("#answer-words")).to_be_focused()
    page.locator("#answer-words").fill("正在核实，请稍候")
    page.locator("#do-it").click()
    expect(page.locator("#outcome")).to_have_text("已提交")
    assert served.complaints.asked == [("answer", DELIVERED.complaint_id, "正在核实，请稍候", "ann")]


def test_what_is_answered_can_be_settled_and_a_refusal_is_shown(served: Served, open_page: Open) -> None:
    served.complaints.stories[DELIVERED.complaint_id] = ANSWERED
    served.complaints.why_not = "it is settled at the platform"
    page = open_page(path(), person="ann")
    expect(page.locator("#act-list li")).to_contain_text("answer: 您好")
    page.locator("#do-it").click()
    expect(page.locator("#outcome")).to_have_text("Not done: it is settled at the platform")


def test_nobody_sees_no_button_but_the_command(served: Served, open_page: Open) -> None:
    served.complaints.stories[DELIVERED.complaint_id] = DELIVERED
    page = open_page(path())
    expect(page.locator("article button:visible")).to_have_count(0)
    command = f"wxvend bridge answer {DELIVERED.complaint_id} --prepared --by …"
    expect(page.locator("#command")).to_have_text(command)


def test_a_sale_that_nobody_decided_comes_first(served: Served, open_page: Open) -> None:
    served.complaints.stories[DELIVERED.complaint_id] = replace(DELIVERED, next="resolve", verdict="unknown")
    page = open_page(path(), person="ann")
    expect(page.locator("#to-sale")).to_have_attribute("href", f"/sales/{DELIVERED.sale_id}#decide")
    expect(page.locator("#do-it")).to_have_count(0)


def test_a_phone_is_shown_when_it_is_asked_for(served: Served, open_page: Open) -> None:
    served.complaints.stories[DELIVERED.complaint_id] = DELIVERED
    page = open_page(path(), person="ann")
    page.locator("#show-phone").click()
    expect(page.locator("#outcome")).to_have_text("13900001234")
    assert served.complaints.asked == [("phone", DELIVERED.complaint_id, "ann")]


def test_no_word_of_a_payer_runs(served: Served, open_page: Open) -> None:
    served.complaints.stories[DELIVERED.complaint_id] = replace(DELIVERED, words=NOISE, prepared=NOISE)
    page = open_page(path(), person="ann")
    expect(page.locator("#complaint-words")).to_have_text(NOISE)
    assert page.evaluate("window.pwned") is None


@pytest.mark.parametrize("width", [1440, 360])
def test_it_fits_a_laptop_and_a_phone(served: Served, open_page: Open, width: int) -> None:
    served.complaints.stories[DELIVERED.complaint_id] = DELIVERED
    for where in ("/cases", path()):
        page = open_page(where, person="ann", width=width, locale="zh-CN")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
