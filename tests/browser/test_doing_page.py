"""What a person does on the pages: each button says what follows, asks once, and tells what became of it."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import pytest
from playwright.sync_api import Browser, Dialog, Page, expect

from cloud_bridge.core.approval import Act, HandAct, Stand
from cloud_bridge.core.command import CommandWish, Fill, Outcome, What
from cloud_bridge.core.people import Person
from cloud_bridge.ports_doing import Handled
from cloud_bridge.web.doing import doing_routes
from tests.browser.test_bridge_page import Served
from tests.unit.web.bridge import CASE, MACHINE, SALE, START_WALL_MS
from tests.unit.web.serving import site

WAITING = HandAct(
    id=7,
    act=Act.REFUND,
    machine="vm-0001",
    sale_id=SALE.sale_id,
    lane=12,
    fen=20_100,
    by="ann",
    why="nothing fell",
    asked_wall_ms=START_WALL_MS,
    until_wall_ms=START_WALL_MS + 3_600_000,
    stand=Stand.WAITING,
)


@dataclass(slots=True)
class Doing:
    """Does what the test says, and remembers what it was asked for."""

    asked: list[tuple[object, ...]] = field(default_factory=list)
    outcome: Outcome = field(default_factory=lambda: Outcome(done=True, before="selling", after="stopped"))
    handled: Handled = field(default_factory=lambda: Handled(done=True))

    async def command(self, wish: CommandWish) -> Outcome:
        self.asked.append((wish.what, wish.why, wish.lane, wish.on_site, wish.fills))
        return self.outcome

    async def refund(self, person: Person, sale_id: str, why: str) -> Handled:
        self.asked.append(("refund", sale_id, why))
        return self.handled

    async def vended(self, person: Person, sale_id: str, why: str) -> Handled:
        self.asked.append(("vended", sale_id, why))
        return self.handled

    async def close(self, person: Person, sale_id: str, why: str, reason: str) -> Handled:
        self.asked.append(("close", sale_id, why))
        return self.handled

    async def free_vend(self, person: Person, machine: str, lane: int, why: str) -> Handled:
        self.asked.append(("free", machine, lane, why))
        return self.handled

    async def give(self, person: Person, number: int) -> Handled:
        self.asked.append(("give", number))
        return self.handled

    async def acts(self, person: Person, *, limit: int = 50) -> tuple[HandAct, ...]:
        done = replace(WAITING, id=6, stand=Stand.DONE, second="bob", second_why="seen")
        return (WAITING, done, replace(done, id=5, act=Act.FREE_VEND, sale_id="", fen=350))

    async def agree(self, person: Person, number: int, why: str) -> Handled:
        self.asked.append(("agree", number))
        return self.handled

    async def decline(self, person: Person, number: int, why: str) -> str:
        self.asked.append(("decline", number))
        return ""


class Shop(Served):
    """The pages with somebody behind them who does things."""

    def __init__(self) -> None:
        self.doing = Doing()
        super().__init__()

    async def _serve(self) -> None:
        async with site(rooms=(doing_routes(self.doing),)) as served:
            stop = asyncio.Event()
            self._ready.set_result((served, asyncio.get_running_loop(), stop))
            await stop.wait()


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    served = Shop()
    served.do(lambda bridge: bridge.show(MACHINE))
    served.do(lambda bridge: bridge.put(replace(SALE, state="case", why="brakes", paid_fen=350)))
    served.do(lambda bridge: bridge.open_cases.append(CASE))
    yield served
    served.end()


@pytest.fixture
def page(browser: Browser, shop: Shop) -> Iterator[Page]:
    shop.doing.asked.clear()
    shop.doing.outcome, shop.doing.handled = Doing().outcome, Doing().handled
    context = browser.new_context(locale="en-GB", viewport={"width": 1280, "height": 800})
    opened = context.new_page()
    wrong: list[str] = []
    opened.on("pageerror", lambda error: wrong.append(str(error)))
    yield opened
    context.close()
    assert wrong == []


def answers(page: Page, *, yes: bool) -> list[str]:
    """What the page asked, each time answered the same."""
    asked: list[str] = []

    def answer(dialog: Dialog) -> None:
        asked.append(dialog.message)
        dialog.accept() if yes else dialog.dismiss()

    page.on("dialog", answer)
    return asked


def test_a_stop_wants_a_reason_says_what_follows_and_is_done_once(page: Page, shop: Shop) -> None:
    page.goto(f"{shop.site.url}/machines/vm-0001")
    asked = answers(page, yes=True)
    page.get_by_role("button", name="Stop selling").click()
    expect(page.locator("#doing-outcome")).to_have_text("Say why first.")
    page.fill("#doing-why", "spoiled goods")
    page.get_by_role("button", name="Stop selling").click()
    expect(page.locator("#doing-outcome")).to_have_text("Done · stopped")
    assert len(asked) == 1
    assert "also after a restart" in asked[0]
    assert shop.doing.asked == [(What.STOP, "spoiled goods", 0, False, ())]


def test_who_says_no_does_nothing(page: Page, shop: Shop) -> None:
    page.goto(f"{shop.site.url}/machines/vm-0001")
    assert answers(page, yes=False) == []
    page.get_by_role("button", name="Show its name").click()
    assert shop.doing.asked == []


def test_a_machine_that_does_not_answer_is_told_apart_from_one_that_is_away(page: Page, shop: Shop) -> None:
    page.goto(f"{shop.site.url}/machines/vm-0001")
    answers(page, yes=True)
    shop.doing.outcome = Outcome(done=False, why="no_answer", certain=False)
    page.get_by_role("button", name="Show its name").click()
    expect(page.locator("#doing-outcome")).to_contain_text("Nobody knows whether it was done")
    shop.doing.outcome = Outcome(done=False, why="offline")
    page.get_by_role("button", name="Show its name").click()
    expect(page.locator("#doing-outcome")).to_contain_text("nothing was done")
    shop.doing.outcome = Outcome(done=False, why="self_test.motor_fault")
    page.get_by_role("button", name="Bring the lane back 14").click()
    expect(page.locator("#doing-outcome")).to_contain_text("self-test did not pass: motor_fault")
    shop.doing.outcome = Outcome(done=True, after="sells")
    page.get_by_label("I stand before it").check()
    page.get_by_role("button", name="Bring the lane back 14").click()
    expect(page.locator("#doing-outcome")).to_have_text("Done · sells")
    assert shop.doing.asked[-1] == (What.CLEAR_LANE, "", 14, True, ())


def test_fill_all_puts_what_there_is_room_for_and_is_confirmed_with_its_count(page: Page, shop: Shop) -> None:
    page.goto(f"{shop.site.url}/machines/vm-0001")
    asked = answers(page, yes=True)
    shop.doing.outcome = Outcome(done=True)
    page.locator("#refill summary").click()
    page.get_by_role("button", name="Fill all").click()
    page.fill("#fill-14", "4")
    page.locator("#refill").get_by_role("button", name="Note the refill").click()
    expect(page.locator("#doing-outcome")).to_have_text("Done")
    assert asked == ["15 pieces, lanes 3: will be counted into the stock"]
    fills = (Fill(lane=12, count=3), Fill(lane=13, count=8), Fill(lane=14, count=4))
    assert shop.doing.asked == [(What.REFILL, "", 0, False, fills)]


def test_a_refund_says_its_fen_and_a_large_one_waits_for_a_second_person(page: Page, shop: Shop) -> None:
    page.goto(f"{shop.site.url}/sales/{SALE.sale_id}")
    asked = answers(page, yes=True)
    page.fill("#doing-why", "nothing fell")
    page.get_by_role("button", name="Refund ¥3.50").click()
    expect(page.locator("#doing-outcome")).to_have_text("Done")
    assert asked[0].startswith("¥3.50 goes back to the payer. This is never undone: Cola")
    shop.doing.handled = Handled(waits=7, waits_why="¥201.00 is more than ¥200.00")
    page.get_by_role("button", name="The goods are out").click()
    expect(page.locator("#doing-outcome")).to_contain_text("Waits for a second person: ¥201.00 is more")
    acts = [("refund", SALE.sale_id, "nothing fell"), ("vended", SALE.sale_id, "nothing fell")]
    assert shop.doing.asked == acts


def test_the_second_person_sees_what_waits_and_agrees_once(page: Page, shop: Shop) -> None:
    page.goto(f"{shop.site.url}/approvals")
    asked = answers(page, yes=True)
    page.get_by_role("button", name="Agree").click()
    expect(page.locator("#doing-outcome")).to_have_text("Done")
    assert "Refund by hand ¥201.00, vm-0001" in asked[0]
    page.get_by_role("button", name="Give it out now").click()
    expect(page.locator("#doing-outcome")).to_have_text("Done")
    assert "vm-0001, Lane 12, ¥3.50: whoever stands there" in asked[1]
    page.goto(f"{shop.site.url}/machines/vm-0001")
    page.fill("#doing-why", "a coin was lost")
    shop.doing.handled = Handled(waits=8, waits_why="a product goes out for nothing")
    page.select_option("#free-lane", "13")
    page.get_by_role("button", name="Ask for a free vend").click()
    expect(page.locator("#doing-outcome")).to_contain_text("Waits for a second person")
    gift = ("free", "vm-0001", 13, "a coin was lost")
    assert shop.doing.asked == [("agree", 7), ("give", 5), gift]


def test_a_vended_sale_offers_no_refund_and_says_where_money_goes_back(page: Page, shop: Shop) -> None:
    vended = replace(SALE, sale_id="b" * 26, state="vended", why="", paid_fen=350)
    shop.do(lambda bridge: bridge.put(vended))
    page.goto(f"{shop.site.url}/sales/{vended.sale_id}")
    expect(page.locator("#no-refund")).to_contain_text(
        "merchant platform of WeChat Pay, by the payment number"
    )
    expect(page.locator("#doing")).to_have_count(0)


def test_what_became_of_it_is_in_sight_where_the_reason_is(page: Page, shop: Shop) -> None:
    page.set_viewport_size({"width": 390, "height": 500})
    page.goto(f"{shop.site.url}/machines/vm-0001")
    page.locator("#refill summary").click()
    page.get_by_role("button", name="Stop selling").click()
    expect(page.locator("#doing-outcome")).to_be_in_viewport()


@pytest.mark.parametrize("path", ["/machines/vm-0001", f"/sales/{SALE.sale_id}", "/approvals"])
def test_nothing_sticks_out_on_a_phone(page: Page, shop: Shop, path: str) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{shop.site.url}{path}?language=zh")
    expect(page.locator("#doing")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
