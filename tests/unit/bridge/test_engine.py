"""Sales through the real engine, in virtual time: what the shopper ends with, and what the books say."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

import pytest

from cloud_bridge.core.ledger import Account
from cloud_bridge.core.model import (
    AlarmReported,
    Born,
    OutcomeReported,
    RefundState,
    Session,
    State,
    TellAck,
    TellCode,
    TellPaid,
    TellQuery,
    TellRefund,
    TellRefused,
    ToMachine,
)
from cloud_bridge.core.timings import Limits, Timings
from cloud_bridge.ports import NoticeRejected, StoreFailed, Tx
from hw_sim.world.books import MemoryStore, Tables
from tests.unit.bridge.virtual import play
from tests.unit.bridge.wechat import Order
from tests.unit.bridge.world import COLA, SIGNED, TEA, World

T = TypeVar("T")


def test_a_sale_goes_from_selection_to_product_and_the_books_agree() -> None:
    async def scene() -> None:
        async with World() as world:
            sale_id = await world.paid()
            await world.ended(sale_id, State.VENDED)
            assert (world.machine.pieces, len(world.machine.motors)) == (1, 1)
            assert world.books(sale_id)[Account.SALES] == -350
            assert world.books(sale_id)[Account.PLATFORM_CLEARING] == 350
            await world.passed(7_200)
            assert world.wechat.refunds == {}

    play(scene())


def test_the_authorisation_is_published_before_the_notification_is_answered() -> None:
    async def scene() -> None:
        async with World() as world:
            sale_id = await world.offered()
            left: list[ToMachine] = []

            def lose(message: ToMachine) -> bool:
                left.append(message)
                return False

            world.wire.lose = lose
            payment = world.wechat.pay(sale_id)
            await world.engine.notice(SIGNED, world.wechat.notice(payment))
            assert [type(message) for message in left] == [TellPaid]
            assert world.row(sale_id).sent_count == 1

    play(scene())


def test_a_payment_that_nobody_told_us_about_is_found_by_the_query() -> None:
    async def scene() -> None:
        async with World() as world:
            sale_id = await world.offered()
            world.wechat.pay(sale_id)
            await world.ended(sale_id, State.VENDED)
            assert world.machine.pieces == 1

    play(scene())


def test_a_notification_that_comes_twice_vends_once() -> None:
    async def scene() -> None:
        async with World() as world:
            sale_id = await world.offered()
            payment = world.wechat.pay(sale_id)
            world.notify(payment)
            world.notify(payment)
            await world.ended(sale_id, State.VENDED)
            world.notify(payment)
            await world.passed(600)
            assert world.machine.motors == [sale_id]
            assert world.row(sale_id).paid_fen == 350
            assert world.row(sale_id).case == ""

    play(scene())


def test_a_jam_is_refunded_with_one_number_however_often_the_answer_is_lost() -> None:
    async def scene() -> None:
        async with World() as world:
            world.machine.outcome = "not_delivered"
            world.wechat.lost["refund"] = 3
            sale_id = await world.paid()
            sale = await world.ended(sale_id, State.REFUNDED)
            assert list(world.wechat.refunds) == [f"R{sale_id}"]
            assert (sale.refunded_fen, world.wechat.refunded_fen()) == (350, 350)
            assert world.wechat.calls["refund"] == 4
            await world.until(lambda: world.said(TellRefund) == 2)

    play(scene())


def test_an_abandoned_sale_is_closed_at_the_platform_and_the_machine_is_told() -> None:
    async def scene() -> None:
        async with World() as world:
            sale_id = await world.offered()
            await world.ended(sale_id, State.CLOSED)
            assert world.wechat.orders[sale_id].closed
            await world.until(lambda: world.said(TellRefused) > 0)
            await world.passed(300)
            assert not world.row(sale_id).look_again

    play(scene())


def test_a_payment_that_wins_the_race_against_the_close_still_vends_in_time() -> None:
    async def scene() -> None:
        async with World() as world:
            sale_id = await world.offered()
            world.wechat.paid_at_close = True
            await world.ended(sale_id, State.VENDED)
            assert world.row(sale_id).window_over

    play(scene())


def test_a_payment_that_arrives_after_the_close_is_refunded_and_nothing_drops() -> None:
    async def scene() -> None:
        async with World() as world:
            sale_id = await world.offered()
            await world.ended(sale_id, State.CLOSED)
            world.notify(world.wechat.pay(sale_id, late=True))
            await world.ended(sale_id, State.REFUNDED)
            assert (world.machine.pieces, world.wechat.refunded_fen()) == (0, 350)

    play(scene())


def test_a_late_payment_without_a_notification_is_found_by_the_last_look() -> None:
    async def scene() -> None:
        async with World() as world:
            sale_id = await world.offered()
            await world.ended(sale_id, State.CLOSED)
            world.wechat.pay(sale_id, late=True)
            await world.ended(sale_id, State.REFUNDED)

    play(scene())


def test_a_new_selection_closes_the_first_order_and_its_late_payment_goes_back() -> None:
    async def scene() -> None:
        async with World() as world:
            first = await world.offered()
            payment = world.wechat.pay(first)
            world.machine.close(first, "reselect")
            second = await world.offered(TEA)
            world.notify(payment)
            await world.ended(first, State.REFUNDED)
            world.notify(world.wechat.pay(second))
            await world.ended(second, State.VENDED)
            assert world.machine.motors == [second]

    play(scene())


def test_a_wrong_amount_goes_back_and_is_alarmed() -> None:
    async def scene() -> None:
        async with World() as world:
            sale_id = await world.offered()
            world.notify(world.wechat.pay(sale_id, 1))
            await world.ended(sale_id, State.REFUNDED)
            assert world.wechat.refunded_fen() == 1
            assert "amount_differs" in {alarm.name for alarm in await world.engine.alarms()}

    play(scene())


def test_a_second_payment_is_a_case_for_a_person_and_never_summed() -> None:
    async def scene() -> None:
        async with World() as world:
            sale_id = await world.paid()
            await world.ended(sale_id, State.VENDED)
            world.notify(world.wechat.pay(sale_id, late=True))
            await world.until(lambda: world.row(sale_id).case == "second_payment")
            assert world.row(sale_id).paid_fen == 350
            (seen,) = await world.engine.sales()
            assert (seen.state, seen.why) == ("case", "second_payment")

    play(scene())


def test_a_machine_without_a_link_gets_its_authorisation_when_it_is_back() -> None:
    async def scene() -> None:
        async with World() as world:
            sale_id = await world.offered()
            world.wire.up = False
            world.notify(world.wechat.pay(sale_id))
            await world.ended(sale_id, State.PAID)
            assert world.row(sale_id).sent_count == 0
            await world.passed(20)
            world.wire.up = True
            world.machine.born()
            await world.ended(sale_id, State.VENDED)

    play(scene())


def test_what_was_never_sent_goes_back_at_the_bound() -> None:
    async def scene() -> None:
        async with World() as world:
            sale_id = await world.offered()
            world.wire.up = False
            world.notify(world.wechat.pay(sale_id))
            sale = await world.ended(sale_id, State.REFUNDED)
            assert (sale.doubt, sale.why) == ("", "never_sent")

    play(scene())


def test_lost_authorisations_are_repeated_until_one_arrives() -> None:
    async def scene() -> None:
        async with World() as world:
            sale_id = await world.offered()
            lost = iter(range(4))
            world.wire.lose = lambda message: isinstance(message, TellPaid) and next(lost, 9) < 9
            world.notify(world.wechat.pay(sale_id))
            await world.ended(sale_id, State.VENDED)
            assert world.machine.motors == [sale_id]
            assert world.row(sale_id).sent_count >= 5

    play(scene())


def test_past_the_bound_the_machine_is_asked_and_its_row_decides() -> None:
    async def scene() -> None:
        async with World() as world:
            sale_id = await world.offered()
            world.wire.lose = lambda message: isinstance(message, TellPaid)
            world.notify(world.wechat.pay(sale_id))
            sale = await world.ended(sale_id, State.REFUNDED)
            assert sale.why == "closed.lease"
            assert sale.doubt == ""

    play(scene())


def test_a_machine_that_stays_silent_is_doubt_and_later_a_refund() -> None:
    async def scene() -> None:
        async with World() as world:
            sale_id = await world.offered()
            world.machine.outcome = "dropped_unseen"
            world.notify(world.wechat.pay(sale_id))
            await world.until(lambda: len(world.machine.motors) == 1)
            world.wire.up = False
            sale = await world.ended(sale_id, State.REFUNDED)
            assert sale.doubt == "machine_gone"
            assert world.store.tables.alarms == {}
            world.wire.up = True
            world.machine.rows[sale_id].state = "busy"
            world.machine.end(sale_id, "delivered", "")
            await world.until(lambda: world.row(sale_id).goods)
            world.check_books()
            assert world.books(sale_id)[Account.SHRINKAGE] == 350

    play(scene())


def test_a_machine_that_vended_in_doubt_and_says_so_in_time_keeps_the_sale() -> None:
    async def scene() -> None:
        async with World() as world:
            sale_id = await world.paid()
            await world.until(lambda: len(world.machine.motors) == 1)
            world.wire.up = False
            await world.until(lambda: world.row(sale_id).doubt != "")
            ((_, name, lane),) = world.store.tables.alarms
            assert (name, lane) == ("doubt", world.row(sale_id).lane)
            world.wire.up = True
            sale = await world.ended(sale_id, State.VENDED)
            assert sale.doubt == "machine_gone"
            assert world.wechat.refunds == {}
            assert world.store.tables.alarms == {}

    play(scene())


def test_a_power_cut_at_the_machine_before_it_was_paid_refunds_a_later_payment() -> None:
    async def scene() -> None:
        async with World() as world:
            sale_id = await world.offered()
            payment = world.wechat.pay(sale_id)
            world.machine.reboot()
            await world.until(lambda: world.row(sale_id).row_dead)
            world.notify(payment)
            await world.ended(sale_id, State.REFUNDED)
            assert world.machine.pieces == 0

    play(scene())


def test_a_lost_journal_is_doubt_not_evidence() -> None:
    async def scene() -> None:
        async with World() as world:
            sale_id = await world.paid()
            await world.until(lambda: len(world.machine.motors) == 1)
            world.machine.outcome = "dropped_unseen"
            world.machine.lose_journal()
            await world.until(lambda: world.row(sale_id).doubt == "journal_replaced")
            assert world.wechat.refunds == {}
            await world.ended(sale_id, State.REFUNDED)

    play(scene())


def test_a_cloned_journal_sells_nothing_any_more() -> None:
    async def scene() -> None:
        async with World() as world:
            await world.passed(1)
            born = replace(world.machine.session, bits="f" * 16)
            request = world.machine.select()
            await world.ended(request, State.OFFERED)
            clone = Born(machine="vm-0001", session=born, n=1, catalogue_version=7, software="test")
            await world.engine.heard(clone)
            second = world.machine.select(TEA)
            await world.ended(second, State.CLOSED)
            assert world.row(second).why == "journal"
            assert "journal_cloned" in {alarm.name for alarm in await world.engine.alarms()}

    play(scene())


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"price_fen": 349}, "price"),
        ({"catalogue_version": 6}, "price"),
        ({"lane": 14}, "lane"),
        ({"lease_s": 59}, "lease"),
        ({"lease_s": 601}, "lease"),
    ],
)
def test_a_selection_unlike_our_catalogue_gets_no_code(changes: dict[str, int], why: str) -> None:
    async def scene() -> None:
        async with World() as world:
            sale_id = world.machine.select(COLA, **changes)
            sale = await world.ended(sale_id, State.CLOSED)
            assert sale.why == why
            assert world.wechat.orders == {}
            await world.until(lambda: world.machine.rows[sale_id].state == "closed")

    play(scene())


def test_a_machine_holds_no_more_open_codes_than_it_has_lanes() -> None:
    async def scene() -> None:
        async with World() as world:
            await world.offered()
            await world.offered(TEA)
            third = world.machine.select()
            assert (await world.ended(third, State.CLOSED)).why == "busy"

    play(scene())


def test_an_unclear_order_is_repeated_with_the_same_bytes() -> None:
    async def scene() -> None:
        async with World() as world:
            world.wechat.lost["place"] = 3
            await world.offered()
            assert len(world.wechat.bodies) == 4
            assert len(set(world.wechat.bodies)) == 1

    play(scene())


def test_a_platform_that_does_not_answer_costs_the_sale_and_nothing_stays_open() -> None:
    async def scene() -> None:
        async with World() as world:
            world.wechat.lost["place"] = 1_000
            sale_id = world.machine.select()
            await world.ended(sale_id, State.CLOSED)
            assert world.wechat.orders[sale_id].closed

    play(scene())


def test_an_order_that_the_platform_refuses_is_refused_at_the_machine() -> None:
    async def scene() -> None:
        async with World() as world:
            world.wechat.refusals["place"] = "invalid"
            sale_id = world.machine.select()
            await world.until(lambda: world.machine.rows[sale_id].why == "platform")
            await world.ended(sale_id, State.CLOSED)

    play(scene())


def test_a_refund_that_the_platform_closes_is_asked_once_more_and_then_a_case() -> None:
    async def scene() -> None:
        async with World() as world:
            world.machine.outcome = "not_delivered"
            world.wechat.refund_ends = [RefundState.CLOSED, RefundState.CLOSED]
            sale_id = await world.paid()
            sale = await world.ended(sale_id, State.CASE)
            assert sale.case == "refund_closed"
            assert list(world.wechat.refunds) == [f"R{sale_id}", f"R2{sale_id}"]
            await world.until(lambda: world.machine.told[-1:] != [] and world.said(TellRefund) == 2)

    play(scene())


BORN = Born(
    machine="vm-0001",
    session=Session(jid="j" * 26, boot=1, bits="1" * 16),
    n=0,
    catalogue_version=7,
    software="test",
)


class Poised(MemoryStore):
    """Books that are durable and have not said so yet, whenever `hold` is set."""

    def __init__(self) -> None:
        super().__init__()
        self.hold = self.broken = False
        self.durable, self.go = asyncio.Event(), asyncio.Event()

    async def run(self, work: Callable[[Tx], T]) -> T:
        if self.broken:
            raise StoreFailed("the disk is gone")
        result = await super().run(work)
        if self.hold:
            self.durable.set()
            await self.go.wait()
        return result


@pytest.mark.parametrize("who", ["notice", "heard"])
def test_who_leaves_between_commit_and_act_takes_nothing_with_him(who: str) -> None:
    """What was decided is done, though the caller's connection is gone and nobody restarts the bridge."""

    async def scene() -> None:
        store = Poised()
        async with World(store) as world:
            sale_id = await world.offered()
            store.hold = True
            if who == "notice":
                body = world.wechat.notice(world.wechat.pay(sale_id))
                caller = asyncio.ensure_future(world.engine.notice(SIGNED, body))
            else:
                caller = asyncio.ensure_future(world.engine.heard(world.machine.reports[1]))
            await store.durable.wait()
            caller.cancel()
            await asyncio.wait([caller])
            assert caller.cancelled()
            told = world.said(TellPaid) + world.said(TellAck)
            store.hold = False
            store.go.set()
            await world.passed(0.1)
            assert world.said(TellPaid) + world.said(TellAck) > told

    play(scene())


@pytest.mark.parametrize("who", ["notice", "heard"])
def test_books_that_fail_end_the_engine(who: str) -> None:
    async def scene() -> None:
        store = Poised()
        world = World(store)
        world.start()
        running = next(iter(world._tasks))
        await world.engine.ready()
        store.broken = True
        world.wechat.orders["s" * 26] = Order(body=b"", price_fen=350, machine="vm-0001")
        body = world.wechat.notice(world.wechat.pay("s" * 26))
        asked = world.engine.notice(SIGNED, body) if who == "notice" else world.engine.heard(BORN)
        with pytest.raises(StoreFailed):
            await asked
        await asyncio.wait([running])
        assert isinstance(running.exception(), ExceptionGroup)
        store.broken = False
        with pytest.raises(StoreFailed, match="has ended"):
            await world.engine.heard(BORN)

    play(scene())


def test_a_platform_that_takes_no_signature_of_ours_is_an_alarm_until_it_does() -> None:
    async def scene() -> None:
        async with World() as world:
            await world.offered()
            world.wechat.unclear = "sign_error"
            await world.passed(60)
            (alarm,) = await world.engine.alarms()
            assert (alarm.machine, alarm.name) == ("", "platform_sign_error")
            await world.restart()
            world.wechat.unclear = ""
            await world.passed(120)
            assert await world.engine.alarms() == ()

    play(scene())


def test_an_empty_merchant_account_is_waited_for() -> None:
    async def scene() -> None:
        async with World() as world:
            world.machine.outcome = "not_delivered"
            world.wechat.refusals["refund"] = "not_enough"
            sale_id = await world.paid()
            await world.until(lambda: world.row(sale_id).case == "refund_not_enough")
            del world.wechat.refusals["refund"]
            sale = await world.ended(sale_id, State.REFUNDED)
            assert sale.case == ""
            names = {alarm.name for alarm in await world.engine.alarms()}
            assert "refund_not_enough" not in names

    play(scene())


def test_a_person_may_order_a_refund_that_the_brakes_hold() -> None:
    async def scene() -> None:
        async with World(limits=Limits(lane=1, machine=1, fleet=1)) as world:
            world.machine.outcome = "not_delivered"
            first, second = await world.offered(), await world.offered(TEA)
            world.notify(world.wechat.pay(first))
            await world.ended(first, State.REFUNDED)
            world.notify(world.wechat.pay(second))
            sale = await world.ended(second, State.CASE)
            assert sale.case == "brakes"
            third = world.machine.select()
            assert (await world.ended(third, State.CLOSED)).why == "brake_lane"
            await world.engine.order_refund(second, "ann")
            await world.ended(second, State.REFUNDED)

    play(scene())


def test_a_payment_of_a_sale_that_the_books_lost_is_settled_by_asking() -> None:
    async def scene() -> None:
        books = MemoryStore()
        async with World(books) as world:
            sale_id = await world.paid()
            await world.ended(sale_id, State.VENDED)
            payment = world.wechat.pay(sale_id, late=True)
            books.tables, books.incarnation = Tables(), "store-2"
            await world.restart()
            world.notify(payment)
            sale = await world.ended(sale_id, State.VENDED)
            assert sale.foreign
            assert sale.sent_count == 0
            assert world.machine.motors == [sale_id]

    play(scene())


def test_books_from_a_backup_send_nothing_for_what_they_only_remember() -> None:
    async def scene() -> None:
        books = MemoryStore()
        async with World(books) as world:
            sale_id = await world.offered()
            backup = books.tables.copy()
            world.notify(world.wechat.pay(sale_id))
            await world.ended(sale_id, State.VENDED)
            books.tables, books.incarnation = backup, "store-2"
            told = world.said(TellPaid)
            await world.restart()
            await world.ended(sale_id, State.VENDED)
            assert world.said(TellPaid) == told
            assert world.said(TellQuery) > 0

    play(scene())


def test_a_notification_that_is_not_believed_changes_nothing() -> None:
    async def scene() -> None:
        async with World() as world:
            sale_id = await world.offered()
            commits = world.store.commits
            with pytest.raises(NoticeRejected):
                await world.engine.notice({"signature": "forged"}, b"{}")
            assert world.store.commits == commits
            assert world.row(sale_id).state is State.OFFERED
            assert world.engine.counts["notice_rejected.signature"] == 1

    play(scene())


def test_reports_are_acknowledged_after_the_commit_and_a_birth_with_the_highest_number() -> None:
    async def scene() -> None:
        async with World() as world:
            await world.offered()
            await world.until(lambda: world.machine.acked == {1})
            world.machine.born()
            await world.until(lambda: world.said(TellAck) == 3)
            acks = [message for message in world.machine.told if isinstance(message, TellAck)]
            assert [(ack.n, ack.upto) for ack in acks] == [(0, 0), (1, 1), (0, 1)]

    play(scene())


def test_a_request_repeated_by_the_machine_gets_the_same_code() -> None:
    async def scene() -> None:
        async with World() as world:
            sale_id = await world.offered()
            await world.engine.heard(world.machine.reports[1])
            await world.until(lambda: world.said(TellCode) == 2)
            codes = {m.code_url for m in world.machine.told if isinstance(m, TellCode)}
            assert codes == {f"weixin://{sale_id}"}
            assert len(world.wechat.orders) == 1

    play(scene())


def test_onlookers_see_a_sale_as_it_happens_and_read_it_again_later() -> None:
    async def scene() -> None:
        async with World() as world:
            facts = world.engine.facts()
            sale_id = await world.paid()
            await world.ended(sale_id, State.VENDED)
            seen = [await anext(facts) for _ in range(6)]
            found = await world.engine.sale(sale_id)
            assert found is not None
            view, kept = found
            assert (view.state, view.paid_fen) == ("vended", 350)
            assert [fact for fact in seen if fact.sale_id == sale_id] == list(kept)[:5]
            assert "weixin" not in "".join(fact.what for fact in kept)

    play(scene())


def test_an_operator_who_decides_about_doubt_is_waited_for() -> None:
    async def scene() -> None:
        async with World(timings=Timings(doubt_s=0)) as world:
            world.machine.outcome = "uncertain"
            sale_id = await world.paid()
            await world.until(lambda: world.row(sale_id).case == "doubt")
            await world.passed(7_200)
            assert world.wechat.refunds == {}
            await world.engine.order_refund(sale_id, "ann")
            await world.ended(sale_id, State.REFUNDED)

    play(scene())


def test_a_machine_that_starts_anew_begins_without_the_alarms_it_only_remembers() -> None:
    async def scene() -> None:
        async with World() as world:
            await world.passed(1)
            for n, (name, lane) in enumerate((("lane_jam", COLA.lane), ("amount_differs", 0)), start=1):
                alarm = AlarmReported(
                    machine=world.machine.name,
                    session=world.machine.session,
                    n=n,
                    name=name,
                    raised=True,
                    code="",
                    text="",
                    lane=lane,
                )
                world.machine.reports[n] = alarm
                await world.engine.heard(alarm)
            assert {alarm.name for alarm in await world.engine.alarms()} == {"lane_jam", "amount_differs"}
            world.machine.reboot()
            await world.passed(1)
            assert {alarm.name for alarm in await world.engine.alarms()} == {"amount_differs"}

    play(scene())


def test_what_the_board_saw_stands_in_the_timeline_once() -> None:
    async def scene() -> None:
        async with World() as world:
            sale_id = await world.paid()
            await world.ended(sale_id, State.VENDED)
            seen = OutcomeReported(
                machine=world.machine.name,
                session=world.machine.session,
                n=90,
                sale_id=sale_id,
                outcome="delivered",
                why="",
                evidence="lane 12: dispensing, result 02",
            )
            await world.engine.heard(seen)  # a repeat changes nothing, and says nothing again
            other = await world.paid()
            await world.until(lambda: other in world.machine.motors)
            await world.engine.heard(replace(seen, n=91, sale_id=other))
            lines = [fact for fact in world.tables.facts if fact.what.startswith("evidence")]
            assert [(fact.sale_id, fact.what) for fact in lines] == [
                (other, "evidence: lane 12: dispensing, result 02")
            ]

    play(scene())
