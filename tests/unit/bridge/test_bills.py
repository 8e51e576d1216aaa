"""The mornings after: bills against books and journals, what is done about a difference, and closed days."""

import asyncio
import random
from collections.abc import Callable, Coroutine
from pathlib import Path

import pytest

from cloud_bridge.core.bill import BillLine, LineState
from cloud_bridge.core.case import Resolution, Wish
from cloud_bridge.core.ledger import Account
from cloud_bridge.core.model import Payment, State
from cloud_bridge.engine_bills import MORNINGS, explain_in, recent
from cloud_bridge.ports_bills import Cause, DayResult, Kept, NotYet, bounds_ms, days_from
from tests.unit.bridge.days import HOUR_S, BusyLoop, Shop

Scene = Callable[[Shop], Coroutine[None, None, None]]


@pytest.fixture
def live(tmp_path: Path) -> Callable[[Scene], None]:
    """Live a scene in virtual time, from a shop's opening to its end."""

    def run(scene: Scene) -> None:
        async def whole() -> None:
            shop = Shop(tmp_path)
            async with shop.world:
                await scene(shop)
                shop.world.check_books()
            shop.books.close()

        with asyncio.Runner(loop_factory=BusyLoop) as runner:
            runner.run(whole())

    return run


def kinds(kept: Kept) -> dict[str, str]:
    """What was found, and its cause."""
    return {each.difference.kind.value: each.cause.name if each.cause else "" for each in kept[1]}


async def alarms(shop: Shop) -> dict[str, str]:
    return {alarm.name: alarm.text for alarm in await shop.books.alarms()}


def without(sale_id: str, *, refunds: bool = False) -> Callable[[list[BillLine]], list[BillLine]]:
    return lambda lines: [
        line for line in lines if (line.sale_id, bool(line.refund_no)) != (sale_id, refunds)
    ]


def test_a_day_without_a_difference_is_closed_on_the_first_morning(live: Callable[[Scene], None]) -> None:
    async def scene(shop: Shop) -> None:
        for outcome in ("delivered", "not_delivered", "delivered"):
            await shop.sold(outcome)
        await shop.morning()
        result, found = await shop.reckoner().reconcile(shop.day)
        assert (result.closed, result.fault, found) == (True, "", ())
        assert result.figures is not None
        assert result.figures.paid["matched"] == shop.wechat.paid_fen() == 3 * 350
        assert result.figures.refunds["matched"] == shop.wechat.refunded_fen() == 350
        assert (result.figures.lines, result.figures.pieces) == (4, 2)
        assert await alarms(shop) == {}

    live(scene)


def test_matching_a_day_twice_changes_nothing(live: Callable[[Scene], None]) -> None:
    async def scene(shop: Shop) -> None:
        sale_id = await shop.sold()
        await shop.sold("not_delivered")
        shop.wechat.give_back_by_hand(sale_id, 350)
        await shop.morning()
        reckoner = shop.reckoner()
        await reckoner.look()
        first = await reckoner.reconcile(shop.day)
        before = shop.books.dump()
        assert await reckoner.reconcile(shop.day) == first
        await reckoner.look()
        assert shop.books.dump() == before

    live(scene)


def test_a_payment_that_nobody_heard_of_is_asked_for_and_given_back(live: Callable[[Scene], None]) -> None:
    async def scene(shop: Shop) -> None:
        sale_id = await shop.world.offered()
        await shop.world.ended(sale_id, State.CLOSED)
        await shop.world.passed(HOUR_S)  # nobody looks any more
        shop.wechat.pay(sale_id, late=True)
        await shop.morning()
        reckoner = shop.reckoner()
        kept = await reckoner.reconcile(shop.day)
        assert kinds(kept) == {"paid_unnoticed": "platform"}
        assert kept[0].closed
        await shop.world.ended(sale_id, State.REFUNDED)
        assert kinds(await reckoner.reconcile(shop.day)) == {"paid_unnoticed": "platform"}

    live(scene)


def test_a_payment_of_a_sale_that_the_books_lost_becomes_a_case(live: Callable[[Scene], None]) -> None:
    async def scene(shop: Shop) -> None:
        lost = "k3vq7c2mzs5n4x6ahb7tdyfjwe"
        body = b'["%s", 350, "vm-0001", 0]' % lost.encode()
        await shop.wechat.place(lost, body)
        shop.wechat.pay(lost)
        await shop.morning()
        kept = await shop.reckoner().reconcile(shop.day)
        assert kinds(kept) == {"paid_unknown": "platform"}
        assert shop.world.row(lost).foreign

    live(scene)


def test_another_systems_number_is_left_to_a_person(live: Callable[[Scene], None]) -> None:
    async def scene(shop: Shop) -> None:
        await shop.sold()
        web = BillLine("WEB-2026-0001", "", 9_900, "T-web", LineState.SUCCESS, shop.day)
        shop.bills.spoil = lambda lines: [*lines, web]
        await shop.morning()
        calls = shop.wechat.calls.copy()
        kept = await shop.reckoner().reconcile(shop.day)
        assert kinds(kept) == {"not_ours": ""}
        assert shop.wechat.calls == calls
        assert not kept[0].closed
        assert (await alarms(shop))["bill_differences"] == f"{shop.day}: 1 without a cause, ¥99.00"
        cause = Cause(name="person", why="the web shop", by="ann")
        assert await explain_in(shop.books, ("", shop.day), kept[1][0].difference.key, cause) == ""
        again = await shop.reckoner().reconcile(shop.day)
        assert again[0].closed
        assert again[1][0].cause == cause
        assert await alarms(shop) == {}

    live(scene)


def test_a_forged_payment_freezes_the_sale_at_once(live: Callable[[Scene], None]) -> None:
    async def scene(shop: Shop) -> None:
        sale_id = await shop.world.offered()
        forged = Payment(
            sale_id=sale_id,
            transaction_id="T-forged",
            paid_fen=350,
            machine="vm-0001",
            merchant_ok=True,
            source="notice",
            paid_at="",
        )
        shop.world.notify(forged)
        await shop.world.ended(sale_id, State.VENDED)
        await shop.morning()
        kept = await shop.reckoner().reconcile(shop.day)
        assert kinds(kept) == {"not_in_bill": ""}
        assert shop.world.row(sale_id).case == "bill_missing"
        assert "bill_missing" in await alarms(shop)
        wish = Wish(sale_id=sale_id, resolution=Resolution.CLOSED, by="ann", why="a forged notice")
        assert await shop.world.engine.resolve(wish) == ""
        again = await shop.reckoner().reconcile(shop.day)
        assert kinds(again) == {"not_in_bill": "case"}
        assert again[0].closed

    live(scene)


def test_a_payment_around_midnight_is_found_in_the_neighbours_bill(live: Callable[[Scene], None]) -> None:
    async def scene(shop: Shop) -> None:
        sale_id = await shop.sold()
        moved = next(line for line in shop.wechat.lines(shop.day) if line.sale_id == sale_id)
        shop.bills.written = {shop.day: [], days_from(shop.day, 1): [moved]}
        await shop.morning()
        reckoner = shop.reckoner()
        assert kinds(await reckoner.reconcile(shop.day)) == {"not_in_bill": ""}
        assert shop.world.row(sale_id).case == ""  # the platform knows it: there is time
        await shop.morning(2)
        await reckoner.look()
        kept = await reckoner.reconcile(shop.day)
        assert kinds(kept) == {"not_in_bill": "neighbour"}
        assert kept[0].closed
        next_day = await reckoner.reconcile(days_from(shop.day, 1))
        assert next_day[0].closed
        assert next_day[0].figures is not None
        assert next_day[0].figures.paid["elsewhen"] == 350

    live(scene)


def test_a_payment_that_no_bill_ever_has_is_frozen_on_the_second_morning(
    live: Callable[[Scene], None],
) -> None:
    async def scene(shop: Shop) -> None:
        sale_id = await shop.sold()
        await shop.sold()
        shop.bills.spoil = without(sale_id)
        await shop.morning()
        await shop.reckoner().reconcile(shop.day)
        assert shop.world.row(sale_id).case == ""
        await shop.morning(2)
        await shop.reckoner().reconcile(shop.day)
        assert shop.world.row(sale_id).case == "bill_missing"

    live(scene)


def test_an_amount_that_differs_freezes_the_sale(live: Callable[[Scene], None]) -> None:
    async def scene(shop: Shop) -> None:
        sale_id = await shop.sold()
        shop.bills.spoil = lambda lines: [line._replace(fen=line.fen + 1) for line in lines]
        await shop.morning()
        kept = await shop.reckoner().reconcile(shop.day)
        assert kinds(kept) == {"amount": ""}
        assert shop.world.row(sale_id).case == "bill_amount"
        assert kept[1][0].difference.bill_fen == kept[1][0].difference.books_fen + 1

    live(scene)


def test_a_refund_by_hand_is_written_down(live: Callable[[Scene], None]) -> None:
    async def scene(shop: Shop) -> None:
        sale_id = await shop.sold()
        shop.wechat.give_back_by_hand(sale_id, 350)
        await shop.morning()
        kept = await shop.reckoner().reconcile(shop.day)
        assert kinds(kept) == {"refund_unknown": "platform"}
        assert kept[0].closed
        assert shop.world.row(sale_id).refunded_fen == 350
        assert shop.world.books(sale_id)[Account.SHRINKAGE] == 350

    live(scene)


def test_a_refund_that_no_bill_has_is_asked_for_and_believed_when_the_platform_confirms_it(
    live: Callable[[Scene], None],
) -> None:
    async def scene(shop: Shop) -> None:
        sale_id = await shop.sold("not_delivered")
        await shop.world.ended(sale_id, State.REFUNDED)
        shop.bills.spoil = without(sale_id, refunds=True)
        await shop.morning()
        assert kinds(await shop.reckoner().reconcile(shop.day)) == {"refund_not_in_bill": ""}
        await shop.morning(2)
        assert kinds(await shop.reckoner().reconcile(shop.day)) == {"refund_not_in_bill": "platform"}

    live(scene)


def test_a_refund_that_the_platform_denies_is_frozen(live: Callable[[Scene], None]) -> None:
    async def scene(shop: Shop) -> None:
        sale_id = await shop.sold("not_delivered")
        await shop.world.ended(sale_id, State.REFUNDED)
        shop.bills.written[shop.day] = without(sale_id, refunds=True)(shop.wechat.lines(shop.day))
        del shop.wechat.refunds[f"R{sale_id}"]
        await shop.morning()
        await shop.reckoner().reconcile(shop.day)
        assert shop.world.row(sale_id).case == "bill_refund"

    live(scene)


def test_goods_that_nobody_paid_are_an_alarm(live: Callable[[Scene], None]) -> None:
    async def scene(shop: Shop) -> None:
        sale_id = await shop.world.offered()
        await shop.world.ended(sale_id, State.CLOSED)
        shop.fleet.forged = lambda row: row._replace(state="delivered")
        await shop.morning()
        kept = await shop.reckoner().reconcile(shop.day)
        assert kinds(kept) == {"delivered_unpaid": ""}
        assert shop.world.row(sale_id).case == "goods_unpaid"

    live(scene)


def test_a_machine_that_is_away_keeps_the_day_open_until_it_is_heard(live: Callable[[Scene], None]) -> None:
    async def scene(shop: Shop) -> None:
        for _ in range(5):  # two pages
            await shop.sold()
        shop.fleet.silent = True
        await shop.morning()
        kept = await shop.reckoner().reconcile(shop.day)
        assert kinds(kept) == {"journal_missing": ""}
        assert not kept[0].closed
        shop.fleet.silent = False
        kept = await shop.reckoner().reconcile(shop.day)
        assert kinds(kept) == {"journal_missing": "books"}
        assert kept[0].closed
        assert kept[0].figures is not None
        assert kept[0].figures.pieces == 5

    live(scene)


def test_a_journal_that_is_not_believed_is_as_good_as_none(live: Callable[[Scene], None]) -> None:
    async def scene(shop: Shop) -> None:
        await shop.sold()
        await shop.morning()
        shop.world.machine.jid = "z" * 26  # another journal, of which the bridge was told nothing
        kept = await shop.reckoner().reconcile(shop.day)
        assert kinds(kept) == {"journal_missing": ""}
        shop.world.machine.jid = "j" * 26

    live(scene)


def test_a_machine_whose_journal_denies_a_sale_is_told_to_a_person(live: Callable[[Scene], None]) -> None:
    async def scene(shop: Shop) -> None:
        sale_id = await shop.sold()
        shop.fleet.forged = lambda row: row._replace(state="closed")
        await shop.morning()
        kept = await shop.reckoner().reconcile(shop.day)
        assert kinds(kept) == {"not_delivered": ""}
        assert shop.world.row(sale_id).case == "bill_goods"

    live(scene)


def test_without_a_bill_nothing_is_matched_and_late_is_an_alarm(live: Callable[[Scene], None]) -> None:
    async def scene(shop: Shop) -> None:
        await shop.sold()
        shop.bills.not_yet = NotYet(why="statement_creating", detail="账单生成中")
        await shop.morning()
        reckoner = shop.reckoner()
        result, _ = await reckoner.reconcile(shop.day)
        assert (result.closed, result.fault) == (False, "statement_creating 账单生成中")
        assert await alarms(shop) == {}
        await shop.world.passed(4 * HOUR_S)
        await reckoner.reconcile(shop.day)
        assert "bill_late" in await alarms(shop)
        shop.bills.not_yet = None
        assert (await reckoner.reconcile(shop.day))[0].closed
        assert await alarms(shop) == {}

    live(scene)


def test_a_day_that_is_fine_does_not_hush_one_that_is_not(live: Callable[[Scene], None]) -> None:
    async def scene(shop: Shop) -> None:
        await shop.sold()
        await shop.morning()
        shop.bills.spoiled_day = shop.day
        reckoner = shop.reckoner()
        await reckoner.look()  # three days, the spoiled one first
        assert (await alarms(shop))["bill_late"] == f"{shop.day}: wrong_file"
        long_ago = days_from(shop.day, -50)
        shop.bills.spoiled_day = long_ago
        await reckoner.look()
        await reckoner.reconcile(long_ago)
        assert await alarms(shop) == {}

    live(scene)


def test_a_refund_over_midnight_stands_in_the_bill_of_the_day_before(live: Callable[[Scene], None]) -> None:
    async def scene(shop: Shop) -> None:
        sale_id = await shop.sold("not_delivered")
        await shop.world.ended(sale_id, State.REFUNDED)
        await shop.sold()
        lines = shop.wechat.lines(shop.day)
        back = [line for line in lines if line.refund_no]
        shop.bills.written = {
            days_from(shop.day, -1): back,  # as if the platform had taken it on the evening before
            shop.day: [line for line in lines if not line.refund_no],
        }
        await shop.morning()
        reckoner = shop.reckoner()
        await reckoner.reconcile(days_from(shop.day, -1))
        kept = await reckoner.reconcile(shop.day)
        assert kinds(kept) == {"refund_not_in_bill": "neighbour"}
        assert kept[0].closed

    live(scene)


def test_a_bill_that_cannot_be_read_leaves_the_last_figures_and_an_alarm(
    live: Callable[[Scene], None],
) -> None:
    async def scene(shop: Shop) -> None:
        await shop.sold()
        await shop.morning()
        reckoner = shop.reckoner()
        good, _ = await reckoner.reconcile(shop.day)
        shop.bills.broken = "line 7, 订单金额: found 'x'"
        bad, _ = await reckoner.reconcile(shop.day)
        assert bad.figures == good.figures
        assert bad.fault == "line 7, 订单金额: found 'x'"
        assert "line 7" in (await alarms(shop))["bill_late"]

    live(scene)


def test_each_day_is_matched_three_mornings_and_an_open_one_each_hour(live: Callable[[Scene], None]) -> None:
    async def scene(shop: Shop) -> None:
        await shop.sold()
        reckoner = shop.reckoner()
        for nth in range(1, MORNINGS + 2):
            await shop.morning(nth)
            await reckoner.look()
            await reckoner.look()
        days = {result.day: result.rounds.split() for result, _ in await shop.books.bill_days(99)}
        assert days[shop.day] == [days_from(shop.day, nth) for nth in range(1, MORNINGS + 1)]
        before = shop.bills.fetched
        await shop.world.passed(HOUR_S)
        await reckoner.look()
        assert shop.bills.fetched == before

    live(scene)


def test_nobody_is_asked_and_nothing_done_without_the_daemon(live: Callable[[Scene], None]) -> None:
    async def scene(shop: Shop) -> None:
        sale_id = await shop.sold()
        shop.wechat.give_back_by_hand(sale_id, 350)
        await shop.morning()
        calls = shop.wechat.calls.copy()
        kept = await shop.reckoner(alone=True).reconcile(shop.day)
        assert set(kinds(kept)) == {"refund_unknown", "journal_missing"}
        assert shop.wechat.calls == calls

    live(scene)


def test_what_cannot_be_explained_says_why() -> None:
    class Empty:
        async def on_bills(self, work: Callable[[object], str]) -> str:
            return work(self)

        def bill_day(self, merchant: str, day: str) -> Kept | None:
            result = DayResult(merchant="", day="2026-11-24")
            return (result, ()) if day == "2026-11-24" else None

    for day in ("2026-11-24", "2026-11-25"):
        cause = Cause(name="person", why="x", by="ann")
        said = asyncio.run(explain_in(Empty(), ("", day), "amount:s1:T1", cause))  # type: ignore[arg-type]
        assert said == f"no such difference. Try: wxvend bridge reconcile --date {day}"


def test_bills_are_asked_for_from_ten_in_beijing_on() -> None:
    begin_ms, _ = bounds_ms("2026-11-25")
    assert recent(begin_ms + 36_000_000 - 1) == ("2026-11-23", "2026-11-22")
    assert recent(begin_ms + 36_000_000) == ("2026-11-24", "2026-11-23", "2026-11-22")


# ---------------------------------------------------------------- any day


async def a_day_with_faults(shop: Shop, seed: int) -> None:
    """Sales of every kind; then, whatever happened, bill, books and ledger are equal to the fen."""
    rng = random.Random(seed)
    for _ in range(8):
        what = rng.choice(("good", "jam", "doubt", "lost notice", "late", "by hand", "nobody pays"))
        if what in ("good", "jam", "by hand"):
            sale_id = await shop.sold("not_delivered" if what == "jam" else "delivered")
            if what == "by hand":
                shop.wechat.give_back_by_hand(sale_id, rng.choice((100, 350)))
        elif what == "doubt":
            await shop.sold("uncertain")
        else:
            sale_id = await shop.world.offered()
            if what == "lost notice":
                shop.wechat.pay(sale_id)
            else:
                await shop.world.ended(sale_id, State.CLOSED)
                await shop.world.passed(HOUR_S)
                if what == "late":
                    shop.wechat.pay(sale_id, late=True)
        await shop.world.passed(rng.randrange(60, 900))


@pytest.mark.parametrize("seed", range(2))
def test_a_day_with_faults_ends_with_totals_equal_to_bill_and_ledger(
    live: Callable[[Scene], None], seed: int
) -> None:
    async def scene(shop: Shop) -> None:
        await a_day_with_faults(shop, seed)
        for nth in range(1, MORNINGS + 1):
            await shop.morning(nth)
            await shop.reckoner().look()
            await shop.world.passed(HOUR_S)
        days: list[Kept] = [await shop.reckoner().reconcile(days_from(shop.day, nth)) for nth in range(2)]
        assert [result.closed for result, _ in days] == [True, True], [kinds(each) for each in days]
        figures = [result.figures for result, _ in days if result.figures]
        paid, back = shop.wechat.paid_fen(), shop.wechat.refunded_fen()
        assert sum(each.paid["bill"] for each in figures) == paid
        assert sum(each.refunds["bill"] for each in figures) == back
        sales = shop.world.tables.sales
        clearing = sum(shop.world.books(sale_id)[Account.PLATFORM_CLEARING] for sale_id in sales)
        assert clearing == paid - back

    live(scene)
