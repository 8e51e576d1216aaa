"""The operators' page in Chromium: it follows what happens, fits a phone, and runs no word of a machine."""

import asyncio
import os
import re
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from playwright.sync_api import Browser, Page, expect, sync_playwright

from cloud_bridge.ports import StoreFailed
from tests.unit.web.bridge import ALARM, CASE, LANE, MACHINE, SALE, UNHEARD, Bridge
from tests.unit.web.serving import Site, site

CHROMIUM = Path("/usr/bin/chromium")
NOISE = "<script>window.pwned = 1</script><img src=x onerror='window.pwned = 1'>"


class Served:
    """The application, served by a thread of its own."""

    def __init__(self) -> None:
        self._ready: Future[tuple[Site, asyncio.AbstractEventLoop, asyncio.Event]] = Future()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))
        self._thread.start()
        self.site, self._loop, self._stop = self._ready.result(10)

    async def _serve(self) -> None:
        async with site() as served:
            stop = asyncio.Event()
            self._ready.set_result((served, asyncio.get_running_loop(), stop))
            await stop.wait()

    def do(self, work: Callable[[Bridge], object]) -> None:
        """Let something happen at the bridge."""
        done: Future[object] = Future()
        self._loop.call_soon_threadsafe(lambda: done.set_result(work(self.site.bridge)))
        done.result(10)

    def end(self) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not CHROMIUM.exists():
        assert os.environ.get("CI") != "true", f"{CHROMIUM} is missing; try: apt-get install chromium"
        pytest.skip(f"{CHROMIUM} is not installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@pytest.fixture
def served() -> Iterator[Served]:
    served = Served()
    yield served
    served.end()


Open = Callable[..., Page]


@pytest.fixture
def open_page(browser: Browser, served: Served) -> Iterator[Open]:
    """Open a page; at the end nothing may have been thrown, blocked or complained about."""
    said: list[str] = []
    contexts = []

    def open_page(path: str = "/", width: int = 1440, **options: Any) -> Page:
        options = {"locale": "en-GB"} | options
        contexts.append(browser.new_context(viewport={"width": width, "height": 900}, **options))
        page = contexts[-1].new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto(served.site.url + path)
        expect(page.locator("#loading")).to_be_hidden()
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert [line for line in said if "Failed to load resource" not in line] == []


def test_a_machine_shows_what_it_sells_and_why_it_does_not(served: Served, open_page: Open) -> None:
    served.do(lambda bridge: bridge.show(MACHINE))
    page = open_page()
    card = page.locator("article.card")
    expect(card).to_contain_text("vm-0001")
    expect(card).to_contain_text("●Online")
    expect(card).to_contain_text("●Selling")
    expect(card).to_contain_text("session 7")
    expect(card).to_contain_text("temperature 4 °C")
    expect(card.locator("li.lane").nth(0)).to_have_text("12Cola¥3.505/8●Sells")
    expect(card.locator("li.lane").nth(1)).to_have_text("13Green tea¥3.500/8▲Sold out")
    expect(card.locator("li.lane").nth(2)).to_have_text("14Water¥3.50?■Fault")
    stopped = replace(MACHINE, online=False, selling=False, reason="bus_silent")
    served.do(lambda bridge: bridge.show(stopped))
    expect(card).to_contain_text("■Offline")
    expect(card).to_contain_text("▲Not selling: the board does not answer")


def test_lanes_that_sell_nothing_are_no_faults_and_are_not_counted(served: Served, open_page: Open) -> None:
    board = replace(LANE, product_zh="", product_en="", price_fen=0, reason="no_product")
    older = replace(board, lane=22, reason="unknown")  # a machine that has no other word for it
    quiet = replace(LANE, lane=15, stock=None, reason="unknown")
    lanes = (*MACHINE.lanes, quiet, replace(board, lane=21), older)
    served.do(lambda bridge: bridge.show(replace(MACHINE, lanes=lanes)))
    card = open_page().locator("article.card")
    expect(card.locator("summary")).to_have_text("4 lanes · ▲ 1 Sold out · ■ 1 Fault")
    expect(card.locator("li.lane")).to_have_count(4)
    expect(card.locator("li.lane").nth(3)).to_have_text("15Cola¥3.50?▲not told yet")
    expect(card.locator(".bare")).to_have_text("no product on lanes: 21, 22")
    served.do(lambda bridge: bridge.show(MACHINE))
    expect(card.locator(".bare")).to_be_hidden()


def test_a_sale_is_seen_from_its_first_second_to_its_last(served: Served, open_page: Open) -> None:
    page = open_page()
    expect(page.locator("#sales-empty")).to_be_visible()
    served.do(lambda bridge: bridge.put(replace(SALE, state="quoted"), "edge", "lane 12 chosen"))
    row = page.locator("#sale-list tr")
    expect(row).to_contain_text("◆Asking for a code")
    served.do(lambda bridge: bridge.put(SALE, "bridge", "order placed", after_ms=100))
    expect(row).to_contain_text("▲Waiting for payment")
    paid = replace(SALE, state="paid", decision="vend", paid_fen=350)
    served.do(lambda bridge: bridge.put(paid, "wechat", "paid ¥3.50", after_ms=5000))
    expect(row).to_contain_text("◆Paid, coming out")
    served.do(lambda bridge: bridge.put(replace(paid, why="no_memory"), "bridge", "in doubt", after_ms=6000))
    expect(row).to_contain_text("■Paid, outcome not known yet")
    expect(row).to_contain_text("the board kept no record")
    served.do(lambda bridge: bridge.put(replace(paid, state="vended"), "edge", "delivered", after_ms=8000))
    expect(row).to_contain_text("●Vended")
    expect(page.locator("#fact-list li").first).to_contain_text("delivered")
    expect(page.locator("#money")).to_contain_text("¥3.50vended")


def test_a_sales_timeline_goes_on_while_it_is_read(served: Served, open_page: Open) -> None:
    served.do(lambda bridge: bridge.put(SALE, "edge", "lane 12 chosen"))
    page = open_page()
    page.locator("#sale-list a").click()
    page.wait_for_url(f"**/sales/{SALE.sale_id}")
    expect(page.locator("#story-title")).to_contain_text("▲Waiting for payment")
    expect(page.locator("#story-facts")).to_contain_text(SALE.sale_id)
    expect(page.locator("#timeline li")).to_have_text("+0.0 smachinelane 12 chosen")
    vended = replace(SALE, state="vended", paid_fen=350)
    served.do(lambda bridge: bridge.put(vended, "wechat", "paid ¥3.50", after_ms=5210))
    expect(page.locator("#timeline li").nth(1)).to_have_text("+5.2 sWeChat Paypaid ¥3.50")
    expect(page.locator("#story-title")).to_contain_text("●Vended")


def test_a_sale_that_is_not_in_the_books_says_so(open_page: Open) -> None:
    page = open_page("/sales/unknown")
    expect(page.locator("#no-sale")).to_be_visible()
    expect(page.locator("#told")).to_be_hidden()


def test_what_needs_a_person_comes_first_as_a_count(served: Served, open_page: Open) -> None:
    page = open_page()
    expect(page.locator("h1:visible")).to_have_text("Nothing needs a person")
    case = replace(SALE, state="case", paid_fen=350, why="doubt")
    served.do(lambda bridge: bridge.put(case, "bridge", "held"))
    expect(page.locator("#count")).to_have_text("1 needs a person")
    served.do(lambda bridge: bridge.standing.append(ALARM))
    served.do(lambda bridge: bridge.put(case, "bridge", "held again"))
    expect(page.locator("#count")).to_have_text("2 need a person")
    expect(page).to_have_title("(2) Vending operations")
    expect(page.locator("#case-list li")).to_contain_text("nobody knows whether it came out")
    expect(page.locator("#alarm-list li")).to_contain_text("■E21 a product is stuck")
    page.locator("#todo-alarms a").click()
    expect(page.locator("#alarm-list")).to_be_in_viewport()


def test_an_old_open_case_is_found_beyond_the_sales_that_are_shown(served: Served, open_page: Open) -> None:
    def fill(bridge: Bridge) -> None:
        bridge.put(replace(SALE, sale_id="old", state="case", why="doubt"))
        for n in range(60):
            bridge.put(replace(SALE, sale_id=f"new{n}", opened_wall_ms=SALE.opened_wall_ms + 1000 + n))

    served.do(fill)
    page = open_page()
    expect(page.locator("#case-list a")).to_have_text("old")
    expect(page.locator("#sale-list tr")).to_have_count(50)


def test_a_case_says_why_since_when_who_looks_after_it_and_what_to_do(
    served: Served, open_page: Open
) -> None:
    held = replace(CASE, owner="ann", evidence=f"{CASE.sale_id}: in doubt: no_answer")
    strange = replace(CASE, sale_id="other", reason="never_heard_of", advice="call us")
    served.do(lambda bridge: bridge.open_cases.extend([held, strange]))
    page = open_page()
    expect(page.locator("#count")).to_have_text("2 need a person")
    expect(page.locator("#waiting")).to_have_text("2")
    first, second = page.locator("#case-list li").all()
    expect(first).to_contain_text("too many refunds; a person decides")
    expect(first).to_contain_text("Next: test the lane's drop sensor")
    expect(first).to_contain_text("vm-0001 · lane 12 · Cola · Paid ¥3.50")
    expect(first).to_contain_text("looked after by ann · in doubt: no answer came")
    expect(second).to_contain_text("Next: call us")
    page.locator("nav a").first.click()
    expect(page.locator("#case-list")).to_be_in_viewport()
    expect(first.locator("a")).to_have_attribute("href", f"/sales/{CASE.sale_id}")


def test_an_alarm_says_since_when_on_which_machine_and_lane_and_what_to_do(
    served: Served, open_page: Open
) -> None:
    words = f"{SALE.sale_id}: nobody knows whether the goods fell: no_memory"
    doubt = replace(ALARM, name="doubt", lane=0, code="", text=words)
    platform = replace(ALARM, machine="", name="platform_no_auth", lane=0, code="", text="")
    strange = replace(ALARM, name="never_heard_of", lane=3, code="", text="words of its own")

    def raise_them(bridge: Bridge) -> None:
        bridge.put(SALE)
        bridge.standing.extend([doubt, ALARM, platform, strange])

    served.do(raise_them)
    page = open_page()
    first, second, third, fourth = page.locator("#alarm-list li").all()
    expect(first).to_contain_text("■nobody knows whether it came out")
    expect(first).to_contain_text("vm-0001 · lane 12 · since ")
    expect(first.locator("time")).to_have_attribute("datetime", re.compile("^2026-11-"))
    expect(first).to_contain_text("nobody knows whether the goods fell: the board kept no record")
    expect(first).to_contain_text("Next: count the lane's pieces or ask the shopper")
    expect(first.locator("a")).to_have_attribute("href", f"/sales/{SALE.sale_id}")
    expect(second).to_contain_text("vm-0001 · lane 14")
    expect(second).to_contain_text("Next: free the product and test the lane")
    expect(second).to_contain_text("· wxvend tech explain E21")
    expect(third).to_contain_text("bridge · since")
    expect(third).to_contain_text("Next: run wxvend bridge check-config")
    expect(fourth).to_contain_text("never heard of")
    expect(fourth).to_contain_text("Next: look into the logs")
    chinese = open_page(locale="zh-CN").locator("#alarm-list li").first
    expect(chinese).to_contain_text("不知道商品是否掉出：主板没有记录")


def test_the_age_of_an_alarm_is_in_words(open_page: Open) -> None:
    page = open_page()
    ages = page.evaluate(
        """async () => { const { age } = await import("/static/dom.js");
          return [0, 59, 60, 47 * 60 + 59, 48 * 60, -5].map((minutes) => age(0, minutes * 60000)); }"""
    )
    assert ages == ["0 min", "59 min", "1 h", "47 h", "2 d", "0 min"]


CAUSES = [
    ("not_delivered.moved.motor_timeout", "the motor did not finish", "电机超时"),
    ("closed.lane.sold_out", "Sold out", "售罄"),
    ("closed.bus_silent", "the board does not answer", "主板无响应"),
    (
        "doubt.no_memory",
        "nobody knows whether it came out: the board kept no record",
        "出货结果不明: 主板没有记录",
    ),
    ("given up: lease", "given up: the lease ended", "已放弃：超时"),
    ("lane.code_2a", "board code 2a", "主板代码 2a"),
    ("ordered by ann: asked twice", "ordered by ann: asked twice", "由 ann 决定：asked twice"),
    ("something_new.here", "something new.here", "something new.here"),
    ("__proto__", "  proto  ", "  proto  "),
]
LINES = [
    ("¥3.50 goes back: not_delivered.moved.jam", "¥3.50 goes back: a product is stuck", "退回 ¥3.50：卡货"),
    (
        "alarm: vend_uncertain lane 12: no_answer",
        "alarm: a vend without a known result lane 12: no answer came",
        "告警：出货结果不明，货道 12：没有应答",
    ),
    (
        "lane 11 was chosen: 可乐: (大), ¥3.50",
        "lane 11 was chosen: 可乐: (大), ¥3.50",
        "选择货道 11：可乐: (大)，¥3.50",
    ),
    ("¥3.50 is paid (notice)", "¥3.50 is paid (by its notice)", "已付 ¥3.50（通知）"),
    (
        "doubt brakes: settled by ann: counted",
        "nobody knows whether it came out, too many refunds; a person decides: settled by ann: counted",
        "出货结果不明, 退款过多，等待人工：由 ann 结清：counted",
    ),
    ("words of its own\nand more", "words of its own\nand more", "words of its own\nand more"),
]


@pytest.mark.parametrize(("locale", "at"), [("en-GB", 1), ("zh-CN", 2)])
def test_causes_and_lines_are_told_in_the_readers_words(locale: str, at: int, open_page: Open) -> None:
    page = open_page(locale=locale)
    for way, rows in (("cause", CAUSES), ("told", LINES)):
        said = page.evaluate(
            """async ([way, rows]) => { const say = (await import("/static/told.js"))[way];
              return rows.map((row) => say(row[0])); }""",
            [way, rows],
        )
        assert said == [row[at] for row in rows]


def test_an_empty_page_says_what_to_do(served: Served, open_page: Open) -> None:
    page = open_page()
    expect(page.locator("#machines-empty")).to_contain_text("Add one to bridge.toml")
    expect(page.locator("#sales-empty")).to_contain_text("Choose a product at a machine")
    expect(page.locator("#alarms-empty")).to_be_visible()
    served.do(lambda bridge: bridge.show(UNHEARD))
    page.reload()
    expect(page.locator("article.card")).to_contain_text("Never heard of. Start wxvend edge on it")


def test_a_page_that_cannot_reach_the_bridge_says_so_and_recovers(served: Served, open_page: Open) -> None:
    page = open_page()
    expect(page.locator("#line")).to_have_text("● Live")
    served.do(lambda bridge: setattr(bridge, "broken", StoreFailed("disk")))
    served.do(lambda bridge: bridge.put(SALE, "edge", "lane 12 chosen"))
    expect(page.locator("#lost")).to_contain_text("The bridge does not answer")
    expect(page.locator("#line")).to_have_text("")
    served.do(lambda bridge: setattr(bridge, "broken", None))
    expect(page.locator("#lost")).to_be_hidden(timeout=15_000)
    expect(page.locator("#sale-list tr")).to_have_count(1)


def test_the_language_is_the_browsers_until_it_is_chosen(served: Served, open_page: Open) -> None:
    served.do(lambda bridge: bridge.show(MACHINE))
    page = open_page(locale="zh-CN")
    expect(page.locator("html")).to_have_attribute("lang", "zh")
    expect(page.locator("article.card")).to_contain_text("可乐")
    page.get_by_role("button", name="English").click()
    expect(page.locator("article.card")).to_contain_text("Cola")
    expect(page.locator("#h-machines")).to_have_text("Machines")
    page.reload()
    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(page.get_by_role("button", name="中文")).to_be_visible()


def test_it_can_be_worked_by_keyboard(served: Served, open_page: Open) -> None:
    def fill(bridge: Bridge) -> None:
        for n in range(3):
            bridge.put(replace(SALE, sale_id=f"sale{n}", opened_wall_ms=SALE.opened_wall_ms - n))

    served.do(fill)
    page = open_page()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.locator("#sale-list a").first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    expect(page.locator("#sale-list a").nth(1)).to_be_focused()
    served.do(lambda bridge: bridge.put(replace(SALE, sale_id="sale9"), "edge", "another"))
    expect(page.locator("#sale-list tr")).to_have_count(4)
    expect(page.locator("[title=sale1]")).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url("**/sales/sale1")


def test_the_saved_table_is_what_is_shown_and_runs_in_no_spreadsheet(served: Served, open_page: Open) -> None:
    served.do(
        lambda bridge: bridge.put(replace(SALE, product_en='=HYPERLINK("x")', state="vended", paid_fen=350))
    )
    served.do(lambda bridge: bridge.show(MACHINE))
    served.do(lambda bridge: bridge.show(UNHEARD))
    served.do(lambda bridge: bridge.put(replace(SALE, sale_id="other", machine="vm-0002")))
    page = open_page()
    page.locator("#only").select_option("vm-0001")
    with page.expect_download() as saving:
        page.locator("#csv").click()
    head, row, end = saving.value.path().read_text("utf-8-sig").split("\n")
    assert head.startswith('"State","Time","Machine","Product","Price"')
    assert '"Vended"' in row
    assert '"\'=HYPERLINK(""x"")"' in row
    assert row.rstrip().endswith(f'"{SALE.sale_id}"')
    assert end == ""


# ---------------------------------------------------------------- room


def crowd(bridge: Bridge) -> None:
    """A full and unkind page: long words, long names, every state, everything wrong at once."""
    long = "Wonderfullylongunbreakableproductname" * 3
    lanes = tuple(
        replace(LANE, lane=n, product_zh=long, product_en=long, reason="a_reason_x" * 9) for n in (1, 999)
    )
    bridge.show(replace(MACHINE, machine="vm-" + "0" * 29, reason="bus_silent", selling=False, lanes=lanes))
    bridge.show(MACHINE)
    bridge.show(UNHEARD)
    states = ["quoted", "offered", "closing", "closed", "paid", "vended", "refunded", "case", "x" * 80]
    for n, state in enumerate(states):
        sale = replace(SALE, sale_id=f"s{n:025d}", state=state, paid_fen=123456, refunded_fen=123456)
        bridge.put(replace(sale, product_zh=long, product_en=long, why="some_cause" * 12), "edge", long * 2)
    bridge.standing.append(replace(ALARM, text=long, machine="vm-" + "0" * 29))


@pytest.mark.parametrize("path", ["/", "/sales/s0000000000000000000000007"])
@pytest.mark.parametrize("width", [320, 360, 768, 1121, 1321, 1440, 1920])
@pytest.mark.parametrize("locale", ["zh-CN", "en-GB"])
def test_nothing_is_wider_than_the_window(
    path: str, width: int, locale: str, served: Served, open_page: Open
) -> None:
    served.do(crowd)
    page = open_page(path, width, locale=locale)
    served.do(lambda bridge: bridge.put(bridge.books["s0000000000000000000000007"], "who" * 20, "what" * 60))
    facts = page.locator("#timeline li" if path != "/" else "#fact-list li")
    expect(facts.filter(has_text="whatwhat")).to_have_count(1)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    wide = page.evaluate(
        """() => [...document.querySelectorAll("main *, header *")]
          .filter((node) => !node.closest(".spoken, thead"))
          .filter((node) => node.getBoundingClientRect().right > innerWidth + 1)
          .map((node) => `${node.tagName}.${node.className} ${node.textContent.slice(0, 40)}`)"""
    )
    assert wide == []


@pytest.mark.parametrize(("scheme", "ground"), [("light", "rgb(247, 246, 242)"), ("dark", "rgb(16, 20, 19)")])
def test_it_follows_the_light_of_the_room(scheme: str, ground: str, open_page: Open) -> None:
    page = open_page(color_scheme=scheme)
    expect(page.locator("body")).to_have_css("background-color", ground)


# ---------------------------------------------------------------- hostile text


def test_markup_from_a_machine_is_only_text(served: Served, open_page: Open) -> None:
    def poison(bridge: Bridge) -> None:
        lane = replace(LANE, product_zh=NOISE, product_en=NOISE, reason=NOISE)
        bridge.show(
            replace(MACHINE, machine=NOISE, selling=False, reason=NOISE, software=NOISE, lanes=(lane,))
        )
        sale = replace(SALE, machine=NOISE, product_zh=NOISE, product_en=NOISE, state=NOISE, why=NOISE)
        bridge.put(sale, NOISE, NOISE)
        bridge.put(replace(sale, sale_id="case", state="case"), NOISE, NOISE)
        bridge.standing.append(replace(ALARM, machine=NOISE, name=NOISE, code=NOISE, text=NOISE))

    served.do(poison)
    for path in ("/", f"/sales/{SALE.sale_id}"):
        page = open_page(path)
        served.do(lambda bridge: bridge.put(bridge.books[SALE.sale_id], NOISE, NOISE))
        expect(page.locator(".what").filter(has_text=NOISE).first).to_be_visible()
        assert page.locator("main img, main script").count() == 0
        assert page.evaluate("window.pwned") is None


TEXT = st.text() | st.sampled_from(
    [NOISE, "__proto__", "constructor", "toString", "\u202e", "\x00", "]]>", "&lt;"]
)


def test_any_text_is_drawn_as_it_is(open_page: Open) -> None:
    page = open_page()
    before = page.evaluate("document.querySelectorAll('*').length")
    draw = """async ([sale, fact, machine, alarm, held]) => {
      const sales = await import("/static/sales.js"), board = await import("/static/board.js");
      sales.drawSales([sale]); sales.drawTodo([held], [alarm]); sales.drawFacts([fact]);
      board.drawMachines([machine]); board.drawAlarms([alarm]);
      const words = document.querySelector("#sale-list .product").textContent;
      const kinds = [...new Set([...document.querySelectorAll("main *")].map((node) => node.tagName))];
      sales.drawSales([]); sales.drawTodo([], []); sales.drawFacts([]);
      board.drawMachines([]); board.drawAlarms([]);
      return [words, kinds, document.querySelectorAll("*").length];
    }"""

    @settings(max_examples=150, deadline=None)
    @given(text=TEXT, other=TEXT)
    def draws(text: str, other: str) -> None:
        sale = replace(SALE, machine=other, product_zh=text, product_en=text, state=other, why=text)
        lane = replace(LANE, product_zh=text, product_en=other, reason=other)
        machine = replace(MACHINE, machine=text, reason=other, selling=False, software=text, lanes=(lane,))
        fact = {"wall_ms": 0, "machine": text, "sale_id": other, "who": text, "what": other, "key": 1}
        alarm = replace(ALARM, machine=other, name=text, code=other, text=text)
        held = replace(
            CASE, sale_id=other, machine=text, reason=other, evidence=text, advice=text, owner=other
        )
        drawn = [asdict(sale), fact, asdict(machine), asdict(alarm), asdict(held)]
        words, kinds, after = page.evaluate(draw, drawn)
        assert words == text
        assert not {"SCRIPT", "IMG", "IFRAME", "SVG", "STYLE", "LINK"} & set(kinds)
        assert after == before

    draws()
