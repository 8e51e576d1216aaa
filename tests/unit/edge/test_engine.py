"""The engine with the real journal: decide, commit, act, in this order, through every way a sale can go."""

import asyncio
import sqlite3
from functools import partial
from pathlib import Path

import pytest

from edge.core.model import (
    CodeOffered,
    CodeRefused,
    Delivered,
    Kind,
    LeaseEnded,
    NotDelivered,
    PaymentConfirmed,
    Queried,
    RefundTold,
    State,
    Uncertain,
)
from edge.core.screen import Asking, Code, Done, Idle, OutOfOrder, Refund, Vending
from edge.engine import Leaving
from edge.ports import BusDown, BusUp, CancelPressed, JournalFailed, LinkDown, SaleMessage, VendProgress
from tests.unit.edge.world import Bus, Machine, catalogue

CODE = CodeOffered(code_url="weixin://wxpay/bizpayurl?pr=x", pay_s=180)


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


def ended(machine: Machine, sale_id: str) -> bool:
    return state(machine, sale_id) is State.NOT_DELIVERED


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
            await machine.until(partial(ended, machine, sale_id))
            bus.vends.clear()
        before = machine.engine.machine.current
        assert await machine.select() == before
        view = machine.glass.view
        assert isinstance(view, Refund | Idle)
        assert machine.cloud.states["lane/12"]["reason"] == "fault"


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
