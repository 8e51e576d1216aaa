"""Order requests through engine and journal: one scan, at most one sale, durable before it is told."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from edge.core.model import AnswerOverdue, CodeOffered, CodeRefused, PaymentConfirmed, State
from edge.core.pocket import CodesHeld, HeldCode, LeaseAsked
from edge.core.screen import Code, Done, Idle, Scanned, Vending
from edge.ports import CancelPressed, LinkDown, SaleMessage
from tests.unit.edge.world import Machine

OFFER = CodeOffered(code_url="", pay_s=180, price_fen=350)
CODES = (HeldCode(token="t-1", code_url="weixin://1"), HeldCode(token="t-2", code_url="weixin://2"))


def scan(machine: Machine, **changes: Any) -> LeaseAsked:
    who = machine.journal.session
    plain = LeaseAsked(
        request_id="r" * 26, session_jid=who.jid, session_boot=who.boot, lane=12, token="", replaces=""
    )
    return replace(plain, **changes)


def held(machine: Machine, **changes: Any) -> CodesHeld:
    who = machine.journal.session
    plain = CodesHeld(session_jid=who.jid, session_boot=who.boot, version=1, lane=12, codes=CODES)
    return replace(plain, **changes)


def paid(machine: Machine) -> PaymentConfirmed:
    who = machine.journal.session
    return PaymentConfirmed(session_jid=who.jid, session_boot=who.boot, lane=12, paid_fen=350, paid_hash="h")


def state(machine: Machine, sale_id: str) -> State | None:
    sale = machine.journal.sale(sale_id)
    return None if sale is None else sale.state


async def leased(machine: Machine, **changes: Any) -> str:
    await machine.ready()
    await machine.done(scan(machine, **changes))
    return machine.engine.machine.current


async def test_a_scan_goes_from_lease_to_product_like_every_sale(tmp_path: Path) -> None:
    async with Machine(tmp_path / "j.db") as machine:
        sale_id = await leased(machine)
        assert isinstance(machine.glass.view, Scanned)
        await machine.tell(sale_id, OFFER)
        assert isinstance(machine.glass.view, Scanned)
        await machine.tell(sale_id, paid(machine))
        await machine.until(lambda: isinstance(machine.glass.view, Vending))
        machine.bus.go.set()
        await machine.until(lambda: isinstance(machine.glass.view, Done))
        assert machine.cloud.kinds() == ["GrantLease", "ReportOutcome"]


async def test_a_lease_is_durable_with_its_request_before_it_is_granted(tmp_path: Path) -> None:
    async with Machine(tmp_path / "j.db") as machine:
        sale_id = await leased(machine)
        assert state(machine, sale_id) is State.OPEN
        assert machine.journal.requested("r" * 26) == sale_id
        assert [row.n for row in machine.journal.reports_after(0, 9)] == [1]
        assert machine.cloud.refused == []


async def test_a_request_that_comes_again_opens_no_second_sale(tmp_path: Path) -> None:
    async with Machine(tmp_path / "j.db") as machine:
        sale_id = await leased(machine)
        for _ in range(5):
            await machine.done(scan(machine))
        assert machine.engine.machine.current == sale_id
        assert machine.cloud.kinds() == ["GrantLease"]
        assert {answer.state for _, answer in machine.cloud.answers} == {"open"}


async def test_a_request_replayed_after_its_sale_is_answered_from_the_row(tmp_path: Path) -> None:
    async with Machine(tmp_path / "j.db") as machine:
        sale_id = await leased(machine)
        await machine.done(CancelPressed())
        await machine.done(scan(machine))
        assert machine.cloud.answers[-1][1].state == "closed"
        assert (machine.engine.machine.current, state(machine, sale_id)) == (sale_id, State.CLOSED)


async def test_a_request_replayed_after_a_restart_is_answered_from_the_row(tmp_path: Path) -> None:
    async with Machine(tmp_path / "j.db") as machine:
        sale_id, asked = await leased(machine), scan(machine)
    async with Machine(tmp_path / "j.db") as again:
        await again.ready()
        await again.done(asked)
        assert again.cloud.answers[-1][0] == sale_id
        assert (again.cloud.answers[-1][1].state, again.cloud.answers[-1][1].why) == ("closed", "restart")
        assert again.cloud.kinds() == ["ReportClosed"]


async def test_a_request_of_an_older_session_opens_nothing(tmp_path: Path) -> None:
    async with Machine(tmp_path / "j.db") as machine:
        await leased(machine, session_boot=machine.journal.session.boot - 1)
        assert machine.cloud.refused == [("r" * 26, "session")]
        assert machine.cloud.kinds() == []


async def test_twenty_scans_at_once_get_one_lease_and_nineteen_refusals(tmp_path: Path) -> None:
    async with Machine(tmp_path / "j.db") as machine:
        await machine.ready()
        for number in range(20):
            machine.engine.post(scan(machine, request_id=f"{number:026}".replace("0", "a").replace("1", "b")))
        await machine.done(LinkDown(why="link_down"))
        assert machine.cloud.kinds() == ["GrantLease"]
        assert [why for _, why in machine.cloud.refused] == ["busy"] * 19


async def test_an_empty_lane_is_refused_without_a_row(tmp_path: Path) -> None:
    async with Machine(tmp_path / "j.db") as machine:
        await leased(machine, lane=13)
        assert machine.cloud.refused == [("r" * 26, "sold_out")]
        assert machine.journal.requested("r" * 26) == ""


async def test_a_lease_that_the_bridge_does_not_follow_up_is_closed(tmp_path: Path) -> None:
    async with Machine(tmp_path / "j.db") as machine:
        sale_id = await leased(machine)
        await machine.done(SaleMessage(sale_id=sale_id, event=AnswerOverdue()))
        assert state(machine, sale_id) is State.CLOSED
        assert isinstance(machine.glass.view, Idle)


async def test_a_lease_whose_order_is_placed_waits_for_the_payment(tmp_path: Path) -> None:
    async with Machine(tmp_path / "j.db") as machine:
        sale_id = await leased(machine)
        await machine.tell(sale_id, OFFER)
        await machine.done(SaleMessage(sale_id=sale_id, event=AnswerOverdue()))
        assert state(machine, sale_id) is State.OPEN


async def test_a_lease_granted_too_late_is_closed_when_the_bridge_says_so(tmp_path: Path) -> None:
    async with Machine(tmp_path / "j.db") as machine:
        sale_id = await leased(machine)
        await machine.tell(sale_id, CodeRefused(why="late"))
        assert state(machine, sale_id) is State.CLOSED
        view = machine.glass.view
        assert isinstance(view, Idle)
        assert view.notice == ""


async def test_a_lane_that_the_board_says_cannot_vend_closes_the_lease(tmp_path: Path) -> None:
    async with Machine(tmp_path / "j.db") as machine:
        machine.bus.reason = "paused"
        sale_id = await leased(machine)
        await machine.until(lambda: state(machine, sale_id) is State.CLOSED)
        assert machine.cloud.kinds() == ["GrantLease", "ReportClosed"]


async def test_the_same_payer_replaces_his_sale_and_the_old_one_is_closed(tmp_path: Path) -> None:
    async with Machine(tmp_path / "j.db") as machine:
        first = await leased(machine)
        await machine.done(scan(machine, request_id="q" * 26, replaces=first))
        second = machine.engine.machine.current
        assert (state(machine, first), state(machine, second)) == (State.CLOSED, State.OPEN)
        assert machine.cloud.kinds() == ["GrantLease", "ReportClosed", "GrantLease"]


async def test_a_key_does_not_take_a_sale_from_who_pays_on_the_phone_but_cancel_does(tmp_path: Path) -> None:
    async with Machine(tmp_path / "j.db") as machine:
        sale_id = await leased(machine)
        assert await machine.select() == sale_id
        assert state(machine, sale_id) is State.OPEN
        await machine.done(CancelPressed())
        assert state(machine, sale_id) is State.CLOSED


async def test_a_code_made_ahead_is_shown_without_a_word_to_the_bridge(tmp_path: Path) -> None:
    async with Machine(tmp_path / "j.db") as machine:
        await machine.ready()
        await machine.done(held(machine))
        await machine.select()
        view = machine.glass.view
        assert isinstance(view, Code)
        assert view.code_url == "weixin://1"
        assert (machine.engine.machine.current, machine.cloud.kinds()) == ("", [])
        await machine.done(scan(machine, token="t-1"))
        assert isinstance(machine.glass.view, Scanned)


async def test_a_code_made_ahead_opens_one_sale(tmp_path: Path) -> None:
    async with Machine(tmp_path / "j.db") as machine:
        await machine.ready()
        await machine.done(held(machine))
        await machine.select()
        await machine.done(scan(machine, token="t-1"))
        await machine.done(CancelPressed())
        await machine.done(scan(machine, request_id="q" * 26, token="t-1"))
        assert machine.cloud.refused == [("q" * 26, "code")]


async def test_cancel_takes_a_code_made_ahead_away(tmp_path: Path) -> None:
    async with Machine(tmp_path / "j.db") as machine:
        await machine.ready()
        await machine.done(held(machine))
        await machine.select()
        await machine.done(CancelPressed())
        assert isinstance(machine.glass.view, Idle)
        await machine.done(scan(machine, token="t-1"))
        assert machine.cloud.refused == [("r" * 26, "code")]


async def test_without_a_code_made_ahead_a_selection_asks_the_bridge(tmp_path: Path) -> None:
    async with Machine(tmp_path / "j.db") as machine:
        await machine.ready()
        await machine.done(held(machine, codes=()))
        await machine.select()
        assert machine.cloud.kinds() == ["RequestCode"]


async def test_codes_for_an_older_session_are_not_held(tmp_path: Path) -> None:
    async with Machine(tmp_path / "j.db") as machine:
        await machine.ready()
        await machine.done(held(machine, session_boot=machine.journal.session.boot + 1))
        await machine.select()
        assert machine.cloud.kinds() == ["RequestCode"]


async def test_whoever_scans_and_cancels_all_the_time_is_refused_for_a_minute(tmp_path: Path) -> None:
    async with Machine(tmp_path / "j.db") as machine:
        await machine.ready()
        for number in range(21):
            word = "".join("abcdefghij"[int(digit)] for digit in f"{number:026}")
            await machine.done(scan(machine, request_id=word))
            await machine.done(CancelPressed())
        assert [why for _, why in machine.cloud.refused] == ["velocity"]
        machine.clock.at_ms += 60_000
        await machine.done(scan(machine))
        assert len(machine.cloud.refused) == 1
