"""The operators' pages in Chromium: they follow what happens, fit a phone, and run no word of a machine."""

import asyncio
import re
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import replace
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from cloud_bridge.ports import Fact, StoreFailed
from cloud_bridge.ports_looking import Health
from tests.unit.web.bridge import ALARM, CASE, LANE, MACHINE, SALE, START_WALL_MS, UNHEARD, Bridge
from tests.unit.web.serving import Site, site

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
        expect(page.locator("#line")).to_have_text(re.compile("^● "))
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert [line for line in said if "Failed to load resource" not in line] == []


def row(page: Page, machine: str) -> Locator:
    return page.locator(f'#fleet tr[data-key="{machine}"]')


def shape(sign: Locator) -> str:
    """What stands before a state's word."""
    return str(sign.evaluate("node => getComputedStyle(node, '::before').content.split('\"')[1]"))


# ---------------------------------------------------------------- the fleet


def test_a_row_says_how_its_machine_is_and_changes_with_it(served: Served, open_page: Open) -> None:
    served.do(lambda bridge: bridge.show(MACHINE))
    served.do(lambda bridge: bridge.show(UNHEARD))
    served.do(lambda bridge: bridge.standing.append(ALARM))
    served.do(lambda bridge: bridge.put(replace(SALE, state="vended", paid_fen=350)))
    page = open_page("/?view=list")
    cells = row(page, "vm-0001").locator("td")
    expect(cells).to_have_text(["Selling", "vm-0001", "4 °C", "5/16", "¥3.50", "1"])
    assert shape(cells.first) == "●"
    expect(row(page, "vm-0002").locator("td").first).to_have_text("Never heard of")
    stopped = replace(MACHINE, selling=False, reason="bus_silent", temperature_c=9)
    served.do(lambda bridge: bridge.show(stopped))
    expect(cells.first).to_have_text("Not selling: the board does not answer")
    expect(cells.nth(2)).to_have_text("9 °C")
    assert shape(cells.first) == "▲"
    served.do(lambda bridge: bridge.show(replace(stopped, online=False)))
    expect(cells.first).to_have_text(re.compile(r"Offline since 2026-11-\d\d \d\d:"))
    assert shape(cells.first) == "■"
    expect(page.locator("#count-stop")).to_have_text("2")
    served.do(lambda bridge: bridge.show(MACHINE))
    expect(cells.first).to_have_text("Selling")
    cells.last.locator("a").click()
    expect(page.locator("#alarm-list li")).to_contain_text("lane 14")


def crowd_of_machines(bridge: Bridge) -> None:
    for n in range(1, 13):
        lane = replace(LANE, stock=n % 9)
        bridge.show(replace(MACHINE, machine=f"vm-{n}", lanes=(lane,), selling=n % 4 != 0, reason=""))
    bridge.show(replace(MACHINE, machine="vm-5", online=False))


def test_machines_are_searched_filtered_and_sorted_and_the_address_keeps_it(
    served: Served, open_page: Open
) -> None:
    served.do(crowd_of_machines)
    page = open_page("/")
    shown = page.locator("#fleet tbody tr:visible td:nth-child(2)")
    expect(page.locator("#fleet")).to_have_class("grid")  # so few fit as cards
    expect(shown).to_have_text([f"vm-{n}" for n in range(1, 13)])
    page.locator("select[name=show]").select_option("stopped")
    expect(shown).to_have_text(["vm-4", "vm-8", "vm-12"])
    page.locator("select[name=sort]").select_option("stock")
    expect(shown).to_have_text(["vm-12", "vm-4", "vm-8"])
    page.reload()
    expect(shown).to_have_text(["vm-12", "vm-4", "vm-8"])
    page.locator("input[name=q]").fill("VM-99")
    expect(page.locator("#none-fits")).to_contain_text("Widen the search")
    page.goto(f"{served.site.url}/")
    page.locator(".tally a").last.click()
    expect(shown).to_have_text(["vm-5"])
    expect(page.locator("#line")).to_have_text("● Live")
    served.do(lambda bridge: bridge.show(replace(MACHINE, machine="vm-6", online=False)))
    expect(shown).to_have_text(["vm-5", "vm-6"])


# ---------------------------------------------------------------- one machine


def test_a_machines_page_is_its_front_and_says_what_is_wrong(served: Served, open_page: Open) -> None:
    quiet = replace(LANE, lane=25, stock=None, reason="unknown")
    empty = replace(LANE, lane=21, product_zh="", product_en="", price_fen=0, reason="no_product")
    served.do(lambda bridge: bridge.show(replace(MACHINE, lanes=(*MACHINE.lanes, empty, quiet))))
    served.do(lambda bridge: bridge.standing.append(ALARM))
    page = open_page("/machines/vm-0001")
    expect(page.locator(".head .sign").first).to_have_text("Selling")
    expect(page.locator(".told")).to_contain_text("temperature 4 °C")
    shelves = page.locator(".shelf")
    expect(shelves).to_have_count(2)
    expect(shelves.first.locator("li")).to_have_text(
        [
            re.compile(words, re.DOTALL)
            for words in ("12.*¥3.50.*Cola.*5/8.*Sells", "13.*Green tea.*0/8.*Sold out", "14.*Fault")
        ]
    )
    expect(shelves.last.locator("li")).to_have_text(re.compile("25.*not told yet", re.DOTALL))
    expect(page.locator(".bare")).to_have_text("no product on lanes: 21")
    expect(page.locator("#alarm-list li")).to_contain_text("E21 a product is stuck")
    served.do(lambda bridge: bridge.show(replace(MACHINE, temperature_c=8, lanes=(replace(LANE, stock=1),))))
    expect(page.locator(".told")).to_contain_text("temperature 8 °C")
    expect(shelves.locator("li")).to_have_text(re.compile("1/8.*Running low", re.DOTALL))


def test_a_machines_page_follows_its_sale_and_shows_how_it_has_been(served: Served, open_page: Open) -> None:
    day = [
        Health(since_wall_ms=START_WALL_MS - at * 600_000, online=at != 3, temperature_c=4 + at % 2)
        for at in range(9, 0, -1)
    ]
    served.do(lambda bridge: bridge.show(MACHINE))
    served.do(lambda bridge: bridge.steps.update({"vm-0001": tuple(day)}))
    page = open_page("/machines/vm-0001")
    expect(page.locator("figcaption")).to_have_text("temperature: 4–5 °C · Link: Offline × 1")
    expect(page.locator(".graph rect")).to_have_count(1)
    served.do(lambda bridge: bridge.put(SALE, "edge", "the order is placed"))
    expect(page.locator(".now")).to_contain_text("Waiting for payment")
    expect(page.locator("#fact-list li")).to_contain_text("the order is placed")
    served.do(
        lambda bridge: bridge.put(replace(SALE, state="vended", paid_fen=350), "edge", "the goods are out")
    )
    expect(page.locator(".now")).to_have_count(0)
    served.do(
        lambda bridge: bridge.say(
            Fact(wall_ms=START_WALL_MS, machine="vm-0001", sale_id="", who="edge", what="session 8 begins")
        )
    )
    expect(page.locator("#service-list li")).to_contain_text("session 8 begins")


# ---------------------------------------------------------------- sales


def test_a_sale_is_seen_from_its_first_second_to_its_last(served: Served, open_page: Open) -> None:
    page = open_page("/sales")
    expect(page.locator("#sales-empty")).to_be_visible()
    served.do(lambda bridge: bridge.put(replace(SALE, state="quoted"), "edge", "lane 12 chosen"))
    state = page.locator("#sale-list td.state")
    expect(state).to_have_text("Asking for a code")
    served.do(lambda bridge: bridge.put(SALE, "bridge", "order placed", after_ms=100))
    expect(state).to_have_text("Waiting for payment")
    assert shape(state.locator(".sign")) == "▲"
    paid = replace(SALE, state="paid", decision="vend", paid_fen=350)
    served.do(lambda bridge: bridge.put(paid, "wechat", "paid ¥3.50", after_ms=5000))
    expect(state).to_have_text("Paid, coming out")
    served.do(lambda bridge: bridge.put(replace(paid, why="no_memory"), "bridge", "in doubt", after_ms=6000))
    expect(state).to_have_text("Paid, outcome not known yet")
    expect(page.locator("#sale-list td.why")).to_have_text("the board kept no record")
    served.do(lambda bridge: bridge.put(replace(paid, state="vended"), "edge", "delivered", after_ms=8000))
    expect(state).to_have_text("Vended")
    assert shape(state.locator(".sign")) == "●"
    expect(page.locator("#fact-list li").first).to_contain_text("delivered")


def test_a_sales_timeline_goes_on_while_it_is_read(served: Served, open_page: Open) -> None:
    served.do(lambda bridge: bridge.put(SALE, "edge", "lane 12 chosen"))
    page = open_page("/sales")
    page.locator("#sale-list td.sale a").click()
    page.wait_for_url(f"**/sales/{SALE.sale_id}")
    expect(page.locator("#story-title")).to_have_text("Waiting for payment Cola")
    expect(page.locator("#story-facts")).to_contain_text(SALE.sale_id)
    expect(page.locator("#timeline li")).to_have_text("+0.0 smachinelane 12 chosen")
    vended = replace(SALE, state="vended", paid_fen=350)
    served.do(lambda bridge: bridge.put(vended, "wechat", "paid ¥3.50", after_ms=5210))
    expect(page.locator("#timeline li").nth(1)).to_have_text("+5.2 sWeChat Paypaid ¥3.50")
    expect(page.locator("#story-title")).to_contain_text("Vended")


def many(bridge: Bridge) -> None:
    for n in range(60):
        sale = replace(SALE, sale_id=f"s{n:025d}", opened_wall_ms=SALE.opened_wall_ms + n)
        bridge.put(replace(sale, state="refunded" if n == 3 else "vended", refunded_fen=350 if n == 3 else 0))


def test_a_list_goes_on_where_it_ended_and_narrows_to_what_is_asked(served: Served, open_page: Open) -> None:
    served.do(many)
    page = open_page("/sales")
    rows = page.locator("#sale-list tr")
    expect(rows).to_have_count(50)
    page.get_by_role("link", name="Older sales").click()
    expect(rows).to_have_count(10)
    expect(rows.last.locator("td.sale a")).to_have_attribute("title", f"s{0:025d}")
    page.get_by_role("link", name="Newest sales").click()
    expect(rows).to_have_count(50)
    page.locator("select[name=kind]").select_option("refunded")
    page.get_by_role("button", name="Find").click()
    expect(rows).to_have_count(1)
    page.locator("select[name=machine]").evaluate("node => node.append(new Option('vm-0002'))")
    page.locator("select[name=machine]").select_option("vm-0002")
    page.get_by_role("button", name="Find").click()
    expect(page.locator(".empty").first).to_have_text("No sale fits these conditions.")


def test_a_sale_is_found_by_the_end_of_its_number(served: Served, open_page: Open) -> None:
    served.do(many)
    page = open_page("/sales")
    page.locator("#q").fill("00 42")
    page.keyboard.press("Enter")
    expect(page.locator("#sale-list td.sale a")).to_have_attribute("title", f"s{42:025d}")
    for asked, said in [("042", "Type at least the last 4"), ("9999", "No number ends so")]:
        page.locator("#q").fill(asked)
        page.keyboard.press("Enter")
        expect(page.locator(".empty").first).to_contain_text(said)


# ---------------------------------------------------------------- what needs a person


def test_what_needs_a_person_is_a_count_that_leads_there(served: Served, open_page: Open) -> None:
    page = open_page()
    expect(page.locator("#waiting")).to_be_empty()
    served.do(lambda bridge: bridge.standing.append(ALARM))
    served.do(
        lambda bridge: bridge.put(replace(SALE, state="case", paid_fen=350, why="doubt"), "bridge", "held")
    )
    expect(page.locator("#waiting")).to_have_text("2")
    expect(page).to_have_title(re.compile(r"^\(2\) "))
    page.locator("nav a", has=page.locator("#waiting")).click()
    expect(page.locator("#count")).to_have_text("2 need a person")
    expect(page.locator("#case-list li")).to_contain_text("nobody knows whether it came out")
    expect(page.locator("#alarm-list li")).to_contain_text("E21 a product is stuck")
    served.do(lambda bridge: bridge.standing.clear())
    served.do(lambda bridge: bridge.put(replace(SALE, state="settled"), "operator", "decided"))
    expect(page.locator("#count")).to_have_text("Nothing needs a person")


def test_a_case_says_why_since_when_who_looks_after_it_and_what_to_do(
    served: Served, open_page: Open
) -> None:
    held = replace(CASE, owner="ann", evidence=f"{CASE.sale_id}: in doubt: no_answer")
    strange = replace(CASE, sale_id="other", reason="never_heard_of", advice="call us")
    served.do(lambda bridge: bridge.open_cases.extend([held, strange]))
    served.do(lambda bridge: bridge.put(replace(SALE, paid_fen=350), "edge", "lane 12 chosen"))
    page = open_page("/cases")
    expect(page.locator("#count")).to_have_text("2 need a person")
    first, second = page.locator("#case-list li").all()
    expect(first).to_contain_text("too many refunds; a person decides")
    expect(first).to_contain_text("Next: test the lane's drop sensor")
    expect(first).to_contain_text("vm-0001 · lane 12 · Cola · Paid ¥3.50")
    expect(first).to_contain_text("looked after by ann · Evidence: in doubt: no answer came")
    expect(second).to_contain_text("Next: call us")
    first.get_by_role("link", name="Look and decide").click()
    page.wait_for_url(f"**/sales/{CASE.sale_id}#decide")
    expect(page.locator("#decide li")).to_contain_text("Next: test the lane's drop sensor")


def test_an_alarm_says_since_when_on_which_machine_and_lane_and_what_to_do(
    served: Served, open_page: Open
) -> None:
    words = f"{SALE.sale_id}: nobody knows whether the goods fell: no_memory"
    doubt = replace(ALARM, name="doubt", lane=0, code="", text=words)
    platform = replace(ALARM, machine="", name="platform_no_auth", lane=0, code="", text="")
    strange = replace(ALARM, name="never_heard_of", lane=3, code="", text="words of its own")
    served.do(lambda bridge: bridge.standing.extend([doubt, ALARM, platform, strange]))
    page = open_page("/cases")
    first, second, third, fourth = page.locator("#alarm-list li").all()
    expect(first).to_contain_text("nobody knows whether it came out")
    expect(first).to_contain_text("vm-0001 · since ")
    expect(first.locator("time")).to_have_attribute("datetime", re.compile("^2026-11-"))
    expect(first).to_contain_text("nobody knows whether the goods fell: the board kept no record")
    expect(first).to_contain_text("Next: count the lane's pieces or ask the shopper")
    expect(first.locator("a").nth(1)).to_have_attribute("href", f"/sales/{SALE.sale_id}")
    expect(second).to_contain_text("vm-0001 · lane 14")
    expect(second).to_contain_text("Next: free the product and test the lane")
    expect(second).to_contain_text("· wxvend tech explain E21")
    expect(third).to_contain_text("bridge · since")
    expect(third).to_contain_text("Next: run wxvend bridge check-config")
    expect(fourth).to_contain_text("never heard of")
    expect(fourth).to_contain_text("Next: look into the logs")
    chinese = open_page("/cases", locale="zh-CN").locator("#alarm-list li").first
    expect(chinese).to_contain_text("不知道商品是否掉出：主板没有记录")


# ---------------------------------------------------------------- money


def test_every_sum_leads_to_the_sales_behind_it(served: Served, open_page: Open) -> None:
    def sell(bridge: Bridge) -> None:
        bridge.put(replace(SALE, state="vended", paid_fen=350))
        bridge.put(replace(SALE, sale_id="back", state="refunded", paid_fen=690, refunded_fen=690))
        before = SALE.opened_wall_ms - 86_400_000
        bridge.put(replace(SALE, sale_id="before", state="vended", paid_fen=200, opened_wall_ms=before))

    served.do(sell)
    page = open_page("/money")
    expect(page.locator("#money dd")).to_have_text(["¥3.50", "¥10.40", "¥3.50", "¥6.90", "¥0.00"])
    expect(page.locator("#days tbody tr").nth(1).locator("td").nth(2)).to_have_text("¥2.00")
    expect(page.locator(".bars rect")).to_have_count(7)
    page.locator("#money dd a", has_text="¥6.90").click()
    expect(page.locator("#sale-list td.sale a")).to_have_text("…back")
    expect(page.locator("select[name=kind]")).to_have_value("refunded")
    page.go_back()
    page.locator("#days tbody tr").nth(1).locator("a").first.click()
    expect(page.locator("#money dd").first).to_have_text("¥2.00")
    page.locator("#parts tbody a").last.click()
    expect(page.locator("#sale-list td.sale a")).to_have_text("…before")


# ---------------------------------------------------------------- every page


def test_an_empty_page_says_what_to_do(served: Served, open_page: Open) -> None:
    for path, mark, words in [
        ("/", "#machines-empty", "Add one to bridge.toml"),
        ("/sales", "#sales-empty", "Choose a product at a machine"),
        ("/cases", "#alarms-empty", "No alarm stands"),
        ("/cases", "#todo-empty", "No sale waits for a decision"),
    ]:
        expect(open_page(path).locator(mark)).to_contain_text(words)
    served.do(lambda bridge: bridge.show(UNHEARD))
    page = open_page("/machines/vm-0002")
    expect(page.locator("#content")).to_contain_text("Never heard of. Start wxvend edge on it")


def test_a_page_that_cannot_reach_the_bridge_says_so_and_recovers(served: Served, open_page: Open) -> None:
    page = open_page("/sales")
    expect(page.locator("#line")).to_have_text("● Live")
    served.do(lambda bridge: setattr(bridge, "broken", StoreFailed("disk")))
    served.do(lambda bridge: bridge.put(SALE, "edge", "lane 12 chosen"))
    expect(page.locator("#lost")).to_contain_text("The bridge does not answer")
    expect(page.locator("#line")).to_have_text("")
    served.do(lambda bridge: setattr(bridge, "broken", None))
    expect(page.locator("#lost")).to_be_hidden(timeout=15_000)
    expect(page.locator("#sale-list tr")).to_have_count(1)


def test_the_language_is_the_browsers_until_it_is_chosen(served: Served, open_page: Open) -> None:
    served.do(lambda bridge: bridge.put(SALE))
    page = open_page("/sales", locale="zh-CN")
    expect(page.locator("html")).to_have_attribute("lang", "zh")
    expect(page.locator("#sale-list td.product")).to_have_text("可乐")
    page.get_by_role("link", name="English").click()
    expect(page.locator("#sale-list td.product")).to_have_text("Cola")
    page.goto(f"{served.site.url}/cases")
    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(page.get_by_role("link", name="中文")).to_be_visible()


def test_times_are_the_readers_and_say_their_offset(served: Served, open_page: Open) -> None:
    served.do(lambda bridge: bridge.put(SALE))
    for zone, shown, whole in [
        ("Asia/Shanghai", "2026-11-18 19:06:40", "2026-11-18 19:06:40 +08:00"),
        ("America/St_Johns", "2026-11-18 07:36:40", "2026-11-18 07:36:40 -03:30"),
    ]:
        time = open_page("/sales", timezone_id=zone).locator("#sale-list time")
        expect(time).to_have_text(shown)
        expect(time).to_have_attribute("title", whole)


def test_it_can_be_worked_by_keyboard_while_it_changes(served: Served, open_page: Open) -> None:
    def fill(bridge: Bridge) -> None:
        for n in range(3):
            bridge.put(replace(SALE, sale_id=f"sale{n}", opened_wall_ms=SALE.opened_wall_ms - n))

    served.do(fill)
    page = open_page("/sales")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    ids = page.locator("#sale-list td.machine a")
    ids.first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    expect(ids.nth(1)).to_be_focused()
    page.locator("[title=sale1]").focus()
    served.do(lambda bridge: bridge.put(replace(SALE, sale_id="sale9"), "edge", "another"))
    expect(page.locator("#sale-list tr")).to_have_count(4)
    expect(page.locator("[title=sale1]")).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url("**/sales/sale1")
    page.locator("#q").wait_for(state="detached")


def test_what_a_person_types_survives_what_changes(served: Served, open_page: Open) -> None:
    page = open_page("/sales")
    page.locator("#q").fill("7kq2")
    served.do(lambda bridge: bridge.put(SALE, "edge", "another"))
    expect(page.locator("#sale-list tr")).to_have_count(1)
    expect(page.locator("#q")).to_have_value("7kq2")
    expect(page.locator("#q")).to_be_focused()


def test_the_saved_table_is_what_is_shown_and_runs_in_no_spreadsheet(served: Served, open_page: Open) -> None:
    served.do(
        lambda bridge: bridge.put(replace(SALE, product_en='=HYPERLINK("x")', state="vended", paid_fen=350))
    )
    served.do(lambda bridge: bridge.show(MACHINE))
    served.do(lambda bridge: bridge.put(replace(SALE, sale_id="other", machine="vm-0002")))
    page = open_page("/sales?machine=vm-0001", timezone_id="Asia/Shanghai")
    with page.expect_download() as saving:
        page.locator("[data-csv]").click()
    head, line, end = saving.value.path().read_text("utf-8-sig").split("\n")
    assert head.startswith('"State","Time","Machine","Product","Price"')
    assert line.startswith('"Vended","2026-11-18 19:06:40 +08:00","vm-0001 · 12",')
    assert '"\'=HYPERLINK(""x"")"' in line
    assert line.rstrip().endswith(f'"{SALE.sale_id}"')
    assert end == ""


# ---------------------------------------------------------------- room


def crowd(bridge: Bridge) -> None:
    """Full and unkind pages: long words, long names, every state, everything wrong at once."""
    long = "Wonderfullylongunbreakableproductname" * 3
    lanes = tuple(
        replace(LANE, lane=n, product_zh=long, product_en=long, reason="a_reason_x" * 9) for n in (1, 999)
    )
    bridge.show(replace(MACHINE, machine="vm-" + "0" * 29, reason="bus_silent", selling=False, lanes=lanes))
    bridge.show(replace(MACHINE, online=False))
    bridge.show(UNHEARD)
    states = ["quoted", "offered", "closing", "closed", "paid", "vended", "refunded", "case", "x" * 80]
    for n, state in enumerate(states):
        sale = replace(SALE, sale_id=f"s{n:025d}", state=state, paid_fen=123456, refunded_fen=123456)
        sale = replace(sale, machine="vm-" + "0" * 29)
        bridge.put(
            replace(sale, product_zh=long, product_en=long, why="some_cause" * 12), "who" * 20, long * 2
        )
    bridge.standing.append(replace(ALARM, text=long, machine="vm-" + "0" * 29))


LONG = f"vm-{0:029d}"
CROWDED = [
    ("/", "en-GB"),
    ("/?view=list", "zh-CN"),
    (f"/machines/{LONG}", "en-GB"),
    ("/sales", "zh-CN"),
    (f"/sales/s{7:025d}", "en-GB"),
    ("/cases", "zh-CN"),
    ("/money", "en-GB"),
    ("/more", "zh-CN"),
]


@pytest.mark.parametrize(("path", "locale"), CROWDED)
def test_nothing_is_wider_than_the_window(path: str, locale: str, served: Served, open_page: Open) -> None:
    served.do(crowd)
    page = open_page(path, locale=locale)
    for width in (320, 390, 768, 1121, 1280, 1440, 1920):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        wide = page.evaluate(
            """() => [...document.querySelectorAll("main *, header *")]
              .filter((node) => !node.closest(".spoken, thead, option, svg"))
              .filter((node) => node.getBoundingClientRect().right > innerWidth + 1)
              .map((node) => `${node.tagName}.${node.className} ${node.textContent.slice(0, 40)}`)"""
        )
        assert wide == [], width


@pytest.mark.parametrize(("scheme", "ground"), [("light", "rgb(247, 246, 242)"), ("dark", "rgb(16, 20, 19)")])
def test_it_follows_the_light_of_the_room(scheme: str, ground: str, open_page: Open) -> None:
    page = open_page(color_scheme=scheme)
    expect(page.locator("body")).to_have_css("background-color", ground)


# ---------------------------------------------------------------- hostile text


def test_markup_from_a_machine_is_only_text(served: Served, open_page: Open) -> None:
    def poison(bridge: Bridge) -> None:
        lane = replace(LANE, product_zh=NOISE, product_en=NOISE, reason=NOISE)
        for machine in ("vm-0001", NOISE):
            bridge.show(
                replace(MACHINE, machine=machine, selling=False, reason=NOISE, software=NOISE, lanes=(lane,))
            )
        sale = replace(SALE, product_zh=NOISE, product_en=NOISE, state=NOISE, why=NOISE)
        bridge.put(sale, NOISE, NOISE)
        bridge.put(replace(sale, sale_id="case", machine=NOISE, state="case", paid_fen=350), NOISE, NOISE)
        bridge.standing.append(replace(ALARM, machine=NOISE, name=NOISE, code=NOISE, text=NOISE))

    served.do(poison)
    for path in ("/", "/machines/vm-0001", "/sales", f"/sales/{SALE.sale_id}", "/cases", "/money"):
        page = open_page(path)
        served.do(lambda bridge: bridge.show(replace(MACHINE, selling=False, reason=NOISE, software=NOISE)))
        served.do(lambda bridge: bridge.put(bridge.books[SALE.sale_id], NOISE, NOISE))
        page.wait_for_timeout(400)
        expect(page.get_by_text("window.pwned").first).to_be_attached()
        assert page.locator("main img, main script:not([src])").count() == 0
        assert page.evaluate("window.pwned") is None
