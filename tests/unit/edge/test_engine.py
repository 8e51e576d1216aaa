"""The engine with the real journal: decide, commit, act, in this order, through every way a sale can go."""

import asyncio
import sqlite3
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from edge.core.model import (
    Answer,
    AnswerOverdue,
    Baseline,
    ClearAlarm,
    CodeOffered,
    CodeRefused,
    Delivered,
    Kind,
    LeaseEnded,
    NotDelivered,
    PaymentConfirmed,
    Queried,
    RaiseAlarm,
    RefundTold,
    State,
    Uncertain,
    VendEnded,
    Withheld,
)
from edge.core.screen import Asking, Code, Done, Idle, OutOfOrder, Refund, Vending
from edge.engine import Leaving
from edge.journal import confirm
from edge.ports import (
    BusDown,
    BusUp,
    CancelPressed,
    ClimateReported,
    JournalFailed,
    LaneReported,
    LinkDown,
    SaleMessage,
    VendProgress,
)
from tests.unit.edge.world import Bus, Machine, catalogue

CODE = CodeOffered(code_url="weixin://wxpay/bizpayurl?pr=x", pay_s=180, price_fen=350)


def paid(machine: Machine, *, lane: int = 12, fen: int = 350) -> PaymentConfirmed:
    who = machine.journal.session
    return PaymentConfirmed(
        session_jid=who.jid, session_boot=who.boot, lane=lane, paid_fen=fen, paid_hash="h"
    )


async def offered(machine: Machine) -> str:
    await machine.ready()
    sale_id = await machine.select()
    await machine.tell(sale_id, CODE)
    await machine.until(lambda: isinstance(machine.glass.view, Code))
    return sale_id


async def vending(machine: Machine) -> str:
    sale_id = await offered(machine)
    await machine.tell(sale_id, paid(machine))
    await machine.until(lambda: bool(machine.bus.vends))
    return sale_id


def state(machine: Machine, sale_id: str) -> State | None:
    sale = machine.journal.sale(sale_id)
    return None if sale is None else sale.state


def is_(machine: Machine, sale_id: str, wanted: State) -> bool:
    return state(machine, sale_id) is wanted


async def test_a_sale_goes_from_selection_to_product_in_three_commits(tmp_path: Path) -> None:
    async with Machine(tmp_path / "j.db") as machine:
        sale_id = await offered(machine)
        assert [type(screen.view) for screen in machine.glass.screens][-2:] == [Asking, Code]
        await machine.tell(sale_id, paid(machine))
        await machine.until(lambda: bool(machine.bus.vends))
        assert isinstance(machine.glass.view, Vending)
        machine.bus.go.set()
        await machine.until(lambda: isinstance(machine.glass.view, Done))
        assert state(machine, sale_id) is State.DELIVERED
        assert machine.cloud.kinds() == ["RequestCode", "ReportOutcome"]
        assert [heading.n for heading, _, _ in machine.cloud.reports] == [1, 2]


async def test_the_intent_is_durable_before_the_dispenser_hears_of_it(tmp_path: Path) -> None:
    async with Machine(tmp_path / "j.db") as machine:
        await vending(machine)
        (row,) = machine.bus.durable_at_vend
        assert row is not None
        assert (row.state, row.seq, row.paid_hash) == (State.INTENT, 1, "h")


async def test_a_payment_told_ten_times_starts_one_motor(tmp_path: Path) -> None:
    async with Machine(tmp_path / "j.db") as machine:
        sale_id = await offered(machine)
        for _ in range(10):
            await machine.tell(sale_id, paid(machine))
        await machine.until(lambda: bool(machine.bus.vends))
        machine.bus.go.set()
        await machine.until(lambda: state(machine, sale_id) is State.DELIVERED)
        await machine.tell(sale_id, paid(machine))
        assert len(machine.bus.vends) == 1
        assert machine.cloud.answers[-1][1].state == "delivered"


async def test_a_new_selection_closes_the_old_sale_and_its_payment_is_answered(tmp_path: Path) -> None:
    async with Machine(tmp_path / "j.db") as machine:
        first = await offered(machine)
        second = await machine.select()
        assert first != second
        assert state(machine, first) is State.CLOSED
        await machine.tell(first, paid(machine))
        assert machine.bus.vends == []
        assert machine.cloud.answers[-1] == (first, machine.cloud.answers[-1][1])
        assert machine.cloud.answers[-1][1].why == "reselect"


async def test_a_selection_during_a_vend_is_refused_and_the_vend_goes_on(tmp_path: Path) -> None:
    async with Machine(tmp_path / "j.db") as machine:
        sale_id = await vending(machine)
        assert await machine.select() == sale_id
        assert state(machine, sale_id) is State.INTENT


async def test_cancel_takes_the_code_away_and_tells_the_bridge(tmp_path: Path) -> None:
    async with Machine(tmp_path / "j.db") as machine:
        sale_id = await offered(machine)
        await machine.done(CancelPressed())
        assert state(machine, sale_id) is State.CLOSED
        assert isinstance(machine.glass.view, Idle)
        assert machine.cloud.kinds() == ["RequestCode", "ReportClosed"]


async def test_a_payment_after_the_lease_moves_nothing(tmp_path: Path) -> None:
    async with Machine(tmp_path / "j.db") as machine:
        sale_id = await offered(machine)
        machine.clock.at_ms += 240_000
        await machine.tell(sale_id, paid(machine))
        assert state(machine, sale_id) is State.CLOSED
        assert machine.bus.vends == []


async def test_a_lease_that_ends_while_the_evidence_is_read_moves_nothing(tmp_path: Path) -> None:
    async with Machine(tmp_path / "j.db") as machine:
        sale_id = await offered(machine)
        machine.bus.read.clear()
        await machine.tell(sale_id, paid(machine))
        machine.clock.at_ms += 240_000
        machine.bus.read.set()
        await machine.until(lambda: state(machine, sale_id) is State.CLOSED)
        assert machine.bus.vends == []


async def test_a_jam_ends_as_a_refund_on_the_screen_with_a_reference(tmp_path: Path) -> None:
    bus = Bus(outcome=NotDelivered(kind=Kind.MOVED, why="jam", evidence="04 04"))
    async with Machine(tmp_path / "j.db", bus=bus) as machine:
        sale_id = await vending(machine)
        bus.go.set()
        await machine.until(lambda: isinstance(machine.glass.view, Refund))
        view = machine.glass.view
        assert isinstance(view, Refund)
        assert view.reference == sale_id[-4:].upper()
        await machine.tell(sale_id, RefundTold(state="done"))
        assert machine.glass.view == Refund(product=view.product, reference=view.reference, state="done")


async def test_two_failures_in_a_row_stop_the_lane(tmp_path: Path) -> None:
    bus = Bus(outcome=NotDelivered(kind=Kind.MOVED, why="jam", evidence=""))
    bus.go.set()
    async with Machine(tmp_path / "j.db", bus=bus) as machine:
        for _ in range(2):
            sale_id = await vending(machine)
            await machine.until(partial(is_, machine, sale_id, State.NOT_DELIVERED))
            bus.vends.clear()
        before = machine.engine.machine.current
        assert await machine.select() == before
        view = machine.glass.view
        assert isinstance(view, Refund | Idle)
        assert machine.cloud.states["lane/12"]["reason"] == "fault"
        told = machine.cloud.reports
        raised = RaiseAlarm(name="lane_jam", text="lane 12: 2 failures in a row", lane=12, fault="jam")
        assert told[-1][1:] == (None, raised)
        assert told[-1][0].n == machine.journal.last_n
        await machine.done(LaneReported(lane=12, stock=5, capacity=8))
        assert told[-1][1:] == (None, raised)
        await machine.done(LaneReported(lane=12, stock=8, capacity=8))
        assert told[-1][1:] == (None, ClearAlarm(name="lane_jam", lane=12))
        assert await machine.select() != before


async def test_doubt_stops_all_selling_until_the_board_is_identified_again(tmp_path: Path) -> None:
    bus = Bus(outcome=Uncertain(why="no_answer", evidence=""))
    bus.go.set()
    async with Machine(tmp_path / "j.db", bus=bus) as machine:
        sale_id = await vending(machine)
        await machine.until(lambda: bus.resyncs == 1)
        assert state(machine, sale_id) is State.UNCERTAIN
        assert machine.cloud.kinds()[-2:] == ["ReportOutcome", "RaiseAlarm"]
        assert await machine.select() == sale_id
        await machine.done(BusUp(identity="test"))
        over = machine.cloud.reports[-1][2]
        assert over == ClearAlarm(name="vend_uncertain", lane=12)
        assert await machine.select() != sale_id


async def test_a_power_cut_closes_open_sales_and_judges_an_interrupted_one(tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    async with Machine(path) as machine:
        moving = await vending(machine)
    async with Machine(path) as again:
        await again.until(lambda: state(again, moving) is State.DELIVERED)
        assert again.bus.vends == []
        assert [order.sale_id for order in again.bus.recovered] == [moving]
        await again.ready()
        open_sale = await again.select()
    async with Machine(path) as third:
        await third.until(lambda: state(third, open_sale) is State.CLOSED)
        row = third.journal.sale(open_sale)
        assert row is not None
        assert row.why == "restart"
        assert third.journal.session.boot == 3


async def test_an_authorisation_of_an_earlier_boot_is_answered_and_never_vended(tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    async with Machine(path) as machine:
        sale_id = await offered(machine)
        old = paid(machine)
    async with Machine(path) as again:
        await again.ready()
        await again.tell(sale_id, old)
        assert again.bus.vends == []
        assert again.cloud.answers == [(sale_id, again.cloud.answers[0][1])]
        assert again.cloud.answers[0][1].state == "closed"


async def test_a_sale_this_journal_never_opened_is_answered_as_unknown(tmp_path: Path) -> None:
    async with Machine(tmp_path / "j.db") as machine:
        await machine.ready()
        for event in (paid(machine), Queried(), CODE):
            await machine.tell("z" * 26, event)
        assert [answer.state for _, answer in machine.cloud.answers] == ["unknown"] * 3
        assert machine.bus.vends == []


@pytest.mark.parametrize(
    ("event", "reason"),
    [(LinkDown(why="link_down"), "link_down"), (BusDown(why="silent"), "bus_silent")],
)
async def test_no_code_is_offered_without_link_and_bus(
    tmp_path: Path, event: LinkDown | BusDown, reason: str
) -> None:
    async with Machine(tmp_path / "j.db") as machine:
        await machine.ready()
        await machine.done(event)
        assert machine.glass.view == OutOfOrder(reason=reason)
        assert await machine.select() == ""
        assert machine.cloud.reports == []


async def test_a_paid_vend_goes_on_when_the_link_is_lost(tmp_path: Path) -> None:
    async with Machine(tmp_path / "j.db") as machine:
        sale_id = await offered(machine)
        await machine.done(LinkDown(why="link_down"))
        await machine.tell(sale_id, paid(machine))
        machine.bus.go.set()
        await machine.until(lambda: state(machine, sale_id) is State.DELIVERED)


async def test_a_lane_that_the_board_refuses_never_shows_its_code(tmp_path: Path) -> None:
    async with Machine(tmp_path / "j.db", bus=Bus(reason="sold_out")) as machine:
        await machine.ready()
        sale_id = await machine.select()
        await machine.until(lambda: state(machine, sale_id) is State.CLOSED)
        await machine.tell(sale_id, CODE)
        assert not any(isinstance(screen.view, Code) for screen in machine.glass.screens)
        view = machine.glass.view
        assert isinstance(view, Idle)
        assert view.notice == "sold_out"


async def test_a_refusal_of_the_bridge_ends_the_sale(tmp_path: Path) -> None:
    async with Machine(tmp_path / "j.db") as machine:
        await machine.ready()
        sale_id = await machine.select()
        await machine.tell(sale_id, CodeRefused(why="price"))
        row = machine.journal.sale(sale_id)
        assert row is not None
        assert (row.state, row.why) == (State.CLOSED, "price")


async def test_an_older_catalogue_never_comes_back(tmp_path: Path) -> None:
    async with Machine(tmp_path / "j.db") as machine:
        await machine.done(catalogue(5))
        await machine.done(catalogue(4))
        assert machine.engine.machine.catalogue_version == 5
    async with Machine(tmp_path / "j.db") as again:
        await again.done(catalogue(5))
        assert again.engine.machine.catalogue_version == 5


async def test_progress_of_the_board_reaches_the_screen(tmp_path: Path) -> None:
    async with Machine(tmp_path / "j.db") as machine:
        sale_id = await vending(machine)
        await machine.done(VendProgress(sale_id=sale_id, step="dispensing"))
        view = machine.glass.view
        assert isinstance(view, Vending)
        assert view.step == "dispensing"


async def test_a_lease_timer_that_wakes_early_changes_nothing(tmp_path: Path) -> None:
    async with Machine(tmp_path / "j.db") as machine:
        sale_id = await offered(machine)
        await machine.tell(sale_id, LeaseEnded())
        assert state(machine, sale_id) is State.OPEN


async def test_a_journal_that_cannot_be_written_stops_the_daemon_before_anything_moves(
    tmp_path: Path,
) -> None:
    async with Machine(tmp_path / "j.db") as machine:
        sale_id = await offered(machine)
        with sqlite3.connect(machine.path) as spoiler:
            spoiler.execute("DROP TABLE chain")
        machine.engine.post(SaleMessage(sale_id=sale_id, event=paid(machine)))
        with pytest.raises(JournalFailed):
            await machine.running
        assert machine.bus.vends == []


async def test_a_new_journal_sells_nothing_until_a_person_confirms(tmp_path: Path) -> None:
    async with Machine(tmp_path / "j.db", confirm_new=False) as machine:
        await machine.ready()
        assert await machine.select() == ""
        assert machine.glass.view == OutOfOrder(reason="journal_new")


async def test_a_delivery_is_evidence_in_the_books(tmp_path: Path) -> None:
    async with Machine(tmp_path / "j.db", bus=Bus(outcome=Delivered(evidence="04 status 02"))) as machine:
        sale_id = await vending(machine)
        machine.bus.go.set()
        await machine.until(lambda: state(machine, sale_id) is State.DELIVERED)
        row = machine.journal.sale(sale_id)
        assert row is not None
        assert row.evidence == "04 status 02"
        await machine.until(lambda: machine.cloud.states["sales"]["delivered"] == 1)
        assert machine.cloud.states["lane/12"]["stock"] == 4


async def test_a_daemon_that_is_asked_to_stop_gives_up_an_unpaid_sale(tmp_path: Path) -> None:
    async with Machine(tmp_path / "edge.db") as machine:
        sale_id = await offered(machine)
        await machine.done(Leaving())
        async with asyncio.timeout(5):
            await machine.engine.still()
        assert state(machine, sale_id) is State.CLOSED
        assert machine.cloud.kinds()[-1] == "ReportClosed"


async def test_a_daemon_that_is_asked_to_stop_sees_a_running_motor_to_its_end(tmp_path: Path) -> None:
    async with Machine(tmp_path / "edge.db") as machine:
        sale_id = await vending(machine)
        await machine.done(Leaving())
        leaving = asyncio.ensure_future(machine.engine.still())
        await machine.done(CancelPressed())
        assert not leaving.done()
        machine.bus.go.set()
        async with asyncio.timeout(5):
            await leaving
        assert state(machine, sale_id) is State.DELIVERED


async def test_a_daemon_that_is_asked_to_stop_begins_no_sale(tmp_path: Path) -> None:
    async with Machine(tmp_path / "edge.db") as machine:
        await machine.ready()
        await machine.done(Leaving())
        assert await machine.select() == ""
        assert machine.glass.view == OutOfOrder(reason="leaving")


async def test_a_board_that_was_idle_before_the_doubt_is_not_believed_after_it(tmp_path: Path) -> None:
    bus = Bus(outcome=Uncertain(why="no_answer", evidence=""))
    async with Machine(tmp_path / "j.db", bus=bus) as machine:
        sale_id = await vending(machine)
        ended = SaleMessage(sale_id=sale_id, event=VendEnded(outcome=bus.outcome))
        machine.engine.post(ended)
        machine.engine.post(BusUp(identity="said before anybody asked again"))
        await machine.until(lambda: bus.resyncs == 1)
        await machine.until(lambda: "board_doubt" in machine.engine.machine.stops)
        assert await machine.select() == sale_id


async def test_an_open_door_stops_selling_and_refuses_what_is_paid_meanwhile(tmp_path: Path) -> None:
    async with Machine(tmp_path / "j.db") as machine:
        sale_id = await offered(machine)
        await machine.done(ClimateReported(temperature_c=5, door_open=True))
        await machine.tell(sale_id, paid(machine))
        row = machine.journal.sale(sale_id)
        assert row is not None
        assert (row.state, row.why) == (State.CLOSED, "door_open")
        assert machine.bus.vends == []
        assert await machine.select() == sale_id
        await machine.done(ClimateReported(temperature_c=5, door_open=False))
        assert await machine.select() != sale_id


@pytest.mark.parametrize("why", ["link_down", "bridge_silent"])
async def test_what_is_paid_is_vended_however_the_link_is(tmp_path: Path, why: str) -> None:
    async with Machine(tmp_path / "j.db") as machine:
        sale_id = await offered(machine)
        await machine.done(LinkDown(why=why))
        await machine.tell(sale_id, paid(machine))
        await machine.until(lambda: bool(machine.bus.vends))
        assert state(machine, sale_id) is State.INTENT


async def test_a_code_for_another_price_is_never_shown(tmp_path: Path) -> None:
    async with Machine(tmp_path / "j.db") as machine:
        await machine.ready()
        sale_id = await machine.select()
        await machine.tell(sale_id, replace(CODE, price_fen=349))
        row = machine.journal.sale(sale_id)
        assert row is not None
        assert (row.state, row.why) == (State.CLOSED, "price")
        assert not any(isinstance(screen.view, Code) for screen in machine.glass.screens)


async def test_a_journal_made_anew_is_an_alarm_until_a_person_confirms(tmp_path: Path) -> None:
    async with Machine(tmp_path / "j.db", confirm_new=False) as machine:
        await machine.engine.recovered()
        ((heading, sale, alarm),) = machine.cloud.reports
        assert (heading.n, sale) == (1, None)
        assert isinstance(alarm, RaiseAlarm)
        assert alarm.name == "journal_new"
    confirm(tmp_path / "j.db")
    async with Machine(tmp_path / "j.db") as again:
        await again.engine.recovered()
        assert again.cloud.reports == []


async def test_a_machine_sells_no_faster_than_its_own_cap(tmp_path: Path) -> None:
    bus = Bus()
    bus.go.set()
    async with Machine(tmp_path / "j.db", bus=bus, vends_a_minute=2) as machine:
        for _ in range(2):
            sale_id = await vending(machine)
            await machine.until(partial(is_, machine, sale_id, State.DELIVERED))
            bus.vends.clear()
        assert await machine.select() == sale_id
        machine.clock.at_ms += 60_000
        assert await machine.select() != sale_id


async def test_a_wrong_amount_or_lane_moves_nothing_and_raises_an_alarm(tmp_path: Path) -> None:
    async with Machine(tmp_path / "j.db") as machine:
        for wrong in (paid(machine, fen=349), paid(machine, lane=13)):
            sale_id = await offered(machine)
            await machine.tell(sale_id, wrong)
            assert machine.cloud.kinds()[-2:] == ["ReportClosed", "RaiseAlarm"]
            assert [heading.n for heading, _, _ in machine.cloud.reports[-2:]] == [
                machine.journal.last_n - 1,
                machine.journal.last_n,
            ]
        assert machine.bus.vends == []


async def test_evidence_that_cannot_be_had_closes_the_paid_sale(tmp_path: Path) -> None:
    async with Machine(tmp_path / "j.db", bus=Bus(base=None)) as machine:
        sale_id = await offered(machine)
        await machine.tell(sale_id, paid(machine))
        await machine.until(partial(is_, machine, sale_id, State.CLOSED))
        assert machine.bus.vends == []
        assert machine.cloud.kinds() == ["RequestCode", "ReportClosed"]


async def test_a_cancel_after_the_payment_closes_first_and_the_motor_never_runs(tmp_path: Path) -> None:
    async with Machine(tmp_path / "j.db") as machine:
        sale_id = await offered(machine)
        machine.bus.read.clear()
        await machine.tell(sale_id, paid(machine))
        await machine.done(CancelPressed())
        machine.bus.read.set()
        await machine.tell(sale_id, Queried())
        await machine.until(lambda: bool(machine.cloud.answers))
        assert machine.cloud.answers[-1][1] == Answer(state="closed", why="cancel")
        assert machine.bus.vends == []


async def test_a_motor_frame_that_was_withheld_is_a_closed_sale(tmp_path: Path) -> None:
    bus = Bus(outcome=Withheld(why="lease"))
    bus.go.set()
    async with Machine(tmp_path / "j.db", bus=bus) as machine:
        sale_id = await vending(machine)
        await machine.until(partial(is_, machine, sale_id, State.CLOSED))
        assert machine.cloud.kinds() == ["RequestCode", "ReportClosed"]


async def test_the_order_for_the_dispenser_ends_with_the_lease_and_has_a_number_of_its_own(
    tmp_path: Path,
) -> None:
    bus = Bus(base=Baseline(seq=2, stock=5))
    bus.go.set()
    async with Machine(tmp_path / "j.db", bus=bus) as machine:
        orders = []
        for _ in range(3):
            began_ms = machine.clock.at_ms
            sale_id = await vending(machine)
            await machine.until(partial(is_, machine, sale_id, State.DELIVERED))
            orders += bus.vends
            bus.vends.clear()
            assert orders[-1].start_before_ms == began_ms + 240_000
            assert machine.journal.last_seq == orders[-1].seq
            machine.clock.at_ms += 20_000
        assert [order.seq for order in orders] == [1, 3, 4]


async def test_no_answer_of_the_bridge_in_time_closes_the_sale(tmp_path: Path) -> None:
    async with Machine(tmp_path / "j.db") as machine:
        await machine.ready()
        sale_id = await machine.select()
        await machine.tell(sale_id, AnswerOverdue())
        assert state(machine, sale_id) is State.CLOSED
        await machine.tell(sale_id, CODE)
        assert machine.cloud.answers[-1][1] == Answer(state="closed", why="no_answer")


async def test_questions_about_old_sales_do_not_pile_up_in_memory(tmp_path: Path) -> None:
    async with Machine(tmp_path / "j.db") as machine:
        await machine.ready()
        sales = [await machine.select() for _ in range(40)]
        for sale_id in sales[:-1]:
            await machine.tell(sale_id, Queried())
        assert [answer.why for _, answer in machine.cloud.answers] == ["reselect"] * 39
        assert len(machine.engine._sales) < 20
