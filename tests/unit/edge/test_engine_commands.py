"""Commands through the real engine and the real journal: told once, durable first, dead with their time."""

from dataclasses import replace
from pathlib import Path

from edge.core.command import TICKET_MS, CommandAnswer, CommandAsked, ReportCommand
from edge.core.lanes import FAILURES_STOP_A_LANE
from edge.core.machine import lane_reason, stop_reason
from edge.core.model import CodeOffered, PaymentConfirmed, State
from edge.core.screen import Code, Identify, OutOfOrder
from edge.engine_mailbox import Leaving
from tests.unit.edge.world import Machine


def command(machine: Machine, what: str, *, number: int = 1, **more: object) -> CommandAsked:
    session = machine.journal.session
    values = {"command_id": f"c{number}", "session_jid": session.jid, "session_boot": session.boot}
    return CommandAsked(**{**values, "what": what, "by": "ann", "why": "", **more})  # type: ignore[arg-type]


async def ticketed(machine: Machine, asked: CommandAsked) -> CommandAsked:
    """The command with the ticket that the machine gives for it."""
    await machine.done(asked)
    answer = machine.cloud.replies[-1]
    assert answer.ticket, answer.why
    return replace(asked, ticket=answer.ticket)


async def obeyed(machine: Machine, what: str, *, number: int = 1, **more: object) -> ReportCommand:
    await machine.done(await ticketed(machine, command(machine, what, number=number, **more)))
    await machine.until(lambda: bool(reports(machine)) and reports(machine)[-1].asked.what == what)
    return reports(machine)[-1]


def reports(machine: Machine) -> list[ReportCommand]:
    return [report for _, _, report in machine.cloud.reports if isinstance(report, ReportCommand)]


async def test_a_stop_outlives_a_restart_and_so_does_its_end(tmp_path: Path) -> None:
    async with Machine(tmp_path / "edge.db") as machine:
        await machine.ready()
        told = await obeyed(machine, "stop", why="spoiled goods")
        assert (told.before, told.after) == ("selling", "stopped")
        assert machine.journal.kept == {"stopped": "spoiled goods"}
        assert machine.glass.view == OutOfOrder(reason="stopped")
    async with Machine(tmp_path / "edge.db") as again:
        await again.ready()
        assert stop_reason(again.engine.machine) == "stopped"
        assert await again.select() == ""
        assert (await obeyed(again, "start")).after == "selling"
    async with Machine(tmp_path / "edge.db") as last:
        await last.ready()
        assert stop_reason(last.engine.machine) == ""
        assert await last.select()


async def test_a_stop_ends_the_open_sale_and_a_payment_that_comes_after_it_moves_nothing(
    tmp_path: Path,
) -> None:
    async with Machine(tmp_path / "edge.db") as machine:
        await machine.ready()
        sale_id = await machine.select()
        await machine.tell(sale_id, CodeOffered(code_url="weixin://x", pay_s=60, price_fen=350))
        await machine.until(lambda: isinstance(machine.glass.view, Code))
        await obeyed(machine, "stop")
        row = machine.journal.sale(sale_id)
        assert row is not None
        assert (row.state, row.why) == (State.CLOSED, "stopped")
        session = machine.journal.session
        paid = PaymentConfirmed(
            session_jid=session.jid, session_boot=session.boot, lane=12, paid_fen=350, paid_hash="h"
        )
        await machine.tell(sale_id, paid)
        assert machine.bus.vends == []
        assert machine.cloud.answers[-1][1].state == "closed"


async def test_a_command_without_a_ticket_or_with_an_old_one_does_nothing(tmp_path: Path) -> None:
    async with Machine(tmp_path / "edge.db") as machine:
        await machine.ready()
        held_back = await ticketed(machine, command(machine, "stop"))
        machine.clock.at_ms += TICKET_MS
        await machine.done(held_back)
        assert machine.cloud.replies[-1] == CommandAnswer(asked=held_back, why="late")
        await machine.done(replace(held_back, ticket="0" * 32))
        assert machine.cloud.replies[-1].why == "late"
        assert stop_reason(machine.engine.machine) == ""
        assert reports(machine) == []


async def test_a_command_said_five_times_is_done_once(tmp_path: Path) -> None:
    async with Machine(tmp_path / "edge.db") as machine:
        await machine.ready()
        asked = await ticketed(machine, command(machine, "identify"))
        for _ in range(5):
            await machine.done(asked)
            await machine.done(replace(asked, ticket=""))
        assert len(reports(machine)) == 1
        assert machine.glass.view == Identify()


async def test_a_replayed_stop_does_not_undo_a_later_start(tmp_path: Path) -> None:
    async with Machine(tmp_path / "edge.db") as machine:
        await machine.ready()
        stop = await ticketed(machine, command(machine, "stop"))
        await machine.done(stop)
        await obeyed(machine, "start", number=2)
        await machine.done(stop)
        await machine.done(replace(stop, ticket=""))
        assert stop_reason(machine.engine.machine) == ""


async def test_a_command_of_the_session_before_is_refused_after_a_restart(tmp_path: Path) -> None:
    async with Machine(tmp_path / "edge.db") as machine:
        await machine.ready()
        old = await ticketed(machine, command(machine, "stop"))
    async with Machine(tmp_path / "edge.db") as again:
        await again.ready()
        await again.done(old)
        assert again.cloud.replies[-1].why == "session"
        assert stop_reason(again.engine.machine) == ""


async def test_a_lane_comes_back_after_its_self_test_and_stays_out_when_the_board_says_no(
    tmp_path: Path,
) -> None:
    async with Machine(tmp_path / "edge.db") as machine:
        await machine.ready()
        engine = machine.engine
        out = replace(engine.machine.lanes[12], failures=FAILURES_STOP_A_LANE, suspect="lane_jam")
        engine.machine = replace(engine.machine, lanes={**engine.machine.lanes, 12: out})
        machine.bus.reason = "motor_fault"
        await machine.done(await ticketed(machine, command(machine, "clear_lane", lane=12)))
        await machine.until(lambda: machine.cloud.replies[-1].why != "")
        assert machine.cloud.replies[-1].why == "self_test.motor_fault"
        assert lane_reason(engine.machine, 12) == "fault"
        machine.bus.reason = ""
        told = await obeyed(machine, "clear_lane", number=2, lane=12)
        assert (told.after, lane_reason(engine.machine, 12)) == ("sells", "")


async def test_a_persons_word_clears_a_lane_without_asking_the_board(tmp_path: Path) -> None:
    async with Machine(tmp_path / "edge.db") as machine:
        await machine.ready()
        engine = machine.engine
        out = replace(engine.machine.lanes[12], failures=FAILURES_STOP_A_LANE, suspect="lane_jam")
        engine.machine = replace(engine.machine, lanes={**engine.machine.lanes, 12: out})
        machine.bus.reason = "motor_fault"
        told = await obeyed(machine, "clear_lane", lane=12, on_site=True)
        assert (told.before, told.after) == ("fault", "sells")
        assert "ClearAlarm" in machine.cloud.kinds()


async def test_a_refill_is_a_numbered_report_with_its_counts(tmp_path: Path) -> None:
    async with Machine(tmp_path / "edge.db") as machine:
        await machine.ready()
        told = await obeyed(machine, "refill", fills=((12, 3), (13, 8)))
        heading = next(head for head, _, report in machine.cloud.reports if report is told)
        assert heading.n == machine.journal.last_n
        assert told.asked.fills == ((12, 3), (13, 8))


async def test_a_new_start_lets_the_open_sale_end_and_takes_no_other(tmp_path: Path) -> None:
    async with Machine(tmp_path / "edge.db") as machine:
        await machine.ready()
        sale_id = await machine.select()
        told = await obeyed(machine, "reboot")
        assert told.said.startswith("when the open sale ends")
        row = machine.journal.sale(sale_id)
        assert row is not None
        assert row.state is State.OPEN
        assert await machine.select() == sale_id
        session = machine.journal.session
        await machine.tell(sale_id, CodeOffered(code_url="weixin://x", pay_s=60, price_fen=350))
        paid = PaymentConfirmed(
            session_jid=session.jid, session_boot=session.boot, lane=12, paid_fen=350, paid_hash="h"
        )
        await machine.tell(sale_id, paid)
        await machine.until(lambda: len(machine.bus.vends) == 1)
        assert "leaving" not in machine.engine.machine.stops
        machine.bus.go.set()
        await machine.engine.still()
        assert "leaving" in machine.engine.machine.stops


async def test_a_machine_that_leaves_by_signal_is_not_held_up_by_a_wish_for_a_new_start(
    tmp_path: Path,
) -> None:
    async with Machine(tmp_path / "edge.db") as machine:
        await machine.ready()
        await machine.select()
        await obeyed(machine, "reboot")
        await machine.done(Leaving())
        await machine.engine.still()
