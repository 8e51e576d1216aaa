"""What a person may ask of a machine, decided by values alone: each command, each refusal, each ticket."""

from dataclasses import replace

import pytest

from edge.core.command import (
    COMMANDS,
    IDENTIFY_MS,
    TICKET_MS,
    TICKETS,
    CommandAsked,
    done,
    is_good,
    may_leave,
    refusal,
    standing,
    when,
    with_ticket,
)
from edge.core.lanes import FAILURES_STOP_A_LANE, Lane
from edge.core.machine import Machine, at_start, lane_reason, next_change_ms, stop_reason, view, with_stop
from edge.core.model import Sale, Session, State
from edge.core.screen import Identify, Idle, OutOfOrder, Product

HERE = Session(jid="j" * 26, boot=3, bits="b" * 16)
NOW = 1_000_000
COLA = Product(lane=12, name_zh="可乐", name_en="Cola", price_fen=350)


def asked(what: str, **more: object) -> CommandAsked:
    values = {"command_id": "c" * 26, "session_jid": HERE.jid, "session_boot": HERE.boot, "by": "ann"}
    return CommandAsked(**{**values, "what": what, "why": "", **more})  # type: ignore[arg-type]


def machine(lane: Lane | None = None) -> Machine:
    new = at_start("vm-0001", (20, 400), confirmed=True)
    for reason in ("starting", "link_down"):
        new = with_stop(new, reason, False)
    lanes = {12: lane or Lane(stock=5)}
    return Machine(machine=new.machine, products={12: COLA}, lanes=lanes, stops=new.stops, vends_a_minute=20)


def sale(state: State, lease_until_ms: int = NOW + 240_000) -> Sale:
    return Sale(
        sale_id="s" * 26,
        lane=12,
        price_fen=350,
        catalogue_version=1,
        session=HERE,
        opened_wall_ms=0,
        state=state,
        lease_until_ms=lease_until_ms,
    )


# ---------------------------------------------------------------- tickets


def test_a_ticket_is_good_for_its_own_command_and_for_ten_seconds_of_the_machines_clock() -> None:
    tickets = with_ticket({}, "c" * 26, "t1", NOW)
    mine = asked("stop", ticket="t1")
    assert is_good(tickets, mine, NOW + TICKET_MS - 1)
    assert not is_good(tickets, mine, NOW + TICKET_MS)
    assert not is_good(tickets, asked("stop", ticket="t2"), NOW)
    assert not is_good(tickets, asked("stop", ticket="t1", command_id="d" * 26), NOW)
    assert not is_good({}, asked("stop", ticket=""), NOW)


def test_a_command_that_asks_again_gets_a_new_ticket_and_its_old_one_is_void() -> None:
    tickets = with_ticket(with_ticket({}, "c" * 26, "old", NOW), "c" * 26, "new", NOW + 1)
    assert not is_good(tickets, asked("stop", ticket="old"), NOW + 2)
    assert is_good(tickets, asked("stop", ticket="new"), NOW + 2)


def test_whoever_asks_for_many_tickets_pushes_out_the_oldest_and_holds_no_memory() -> None:
    tickets = with_ticket({}, "first", "t", NOW)
    for number in range(TICKETS * 3):
        tickets = with_ticket(tickets, f"c{number}", "t", NOW)
    assert len(tickets) == TICKETS
    assert "first" not in tickets
    assert len(with_ticket(tickets, "later", "t", NOW + TICKET_MS)) == 1


# ---------------------------------------------------------------- refusals


@pytest.mark.parametrize("other", [{"session_boot": 2}, {"session_boot": 4}, {"session_jid": "k" * 26}])
@pytest.mark.parametrize("what", COMMANDS)
def test_a_command_for_another_session_is_refused_whatever_it_is(what: str, other: dict[str, object]) -> None:
    assert refusal(machine(), asked(what, lane=12, fills=((12, 1),), **other), HERE, ()) == "session"


@pytest.mark.parametrize(
    ("command", "why"),
    [
        (asked("stop"), ""),
        (asked("start"), ""),
        (asked("identify"), ""),
        (asked("reboot"), ""),
        (asked("open_the_door"), "unknown_command"),
        (asked("clear_lane", lane=12), ""),
        (asked("clear_lane", lane=13), "no_such_lane"),
        (asked("refill", fills=((12, 5),)), ""),
        (asked("refill", fills=((12, 5), (13, 5))), "no_such_lane"),
        (asked("refill"), "no_such_lane"),
    ],
    ids=lambda value: value if isinstance(value, str) else f"{value.what} {value.lane}",
)
def test_what_cannot_be_done_is_refused_by_name(command: CommandAsked, why: str) -> None:
    assert refusal(machine(), command, HERE, ()) == why


def test_a_board_that_turns_a_motor_is_not_asked_for_a_self_test_but_a_persons_word_is_taken() -> None:
    moving = (sale(State.INTENT),)
    assert refusal(machine(), asked("clear_lane", lane=12), HERE, moving) == "busy"
    assert refusal(machine(), asked("clear_lane", lane=12, on_site=True), HERE, moving) == ""


def test_while_a_technician_has_the_port_nobody_far_away_restarts_the_machine_or_asks_its_board() -> None:
    serviced = replace(machine(), service="anna has the port")
    for command in (asked("reboot"), asked("clear_lane", lane=12)):
        assert refusal(serviced, command, HERE, ()) == "busy"
    assert refusal(serviced, asked("clear_lane", lane=12, on_site=True), HERE, ()) == ""
    assert refusal(serviced, asked("stop"), HERE, ()) == ""


def test_a_second_new_start_is_refused_while_the_first_waits() -> None:
    waiting = done(machine(), asked("reboot"), NOW)
    assert refusal(waiting, asked("reboot"), HERE, ()) == "leaving"


# ---------------------------------------------------------------- what is done


def test_a_stop_ends_selling_and_a_start_ends_the_stop_and_no_other_reason() -> None:
    stopped = done(machine(), asked("stop"), NOW)
    assert (stop_reason(machine()), stop_reason(stopped)) == ("", "stopped")
    assert view(stopped, None, NOW).view == OutOfOrder(reason="stopped")
    assert stop_reason(done(stopped, asked("start"), NOW)) == ""
    offline = with_stop(stopped, "link_down", True)
    started = done(offline, asked("start"), NOW)
    assert stop_reason(started) == standing(started, asked("start")) == "link_down"


def test_a_cleared_lane_sells_again_and_the_boards_own_fault_stands() -> None:
    out = Lane(stock=5, failures=FAILURES_STOP_A_LANE, suspect="lane_jam")
    command = asked("clear_lane", lane=12)
    assert lane_reason(machine(out), 12) == standing(machine(out), command) == "fault"
    assert standing(done(machine(out), command, NOW), command) == "sells"
    broken = machine(Lane(stock=5, failures=FAILURES_STOP_A_LANE, fault="motor_fault"))
    assert standing(done(broken, command, NOW), command) == "fault"


def test_a_refill_counts_as_a_hand_in_its_lanes_and_says_nothing_about_the_boards_stock() -> None:
    out = Lane(stock=0, told=0, failures=FAILURES_STOP_A_LANE)
    filled = done(machine(out), asked("refill", fills=((12, 5),)), NOW)
    assert (filled.lanes[12].failures, filled.lanes[12].stock) == (0, 0)


def test_the_name_is_shown_for_twenty_seconds_but_never_before_a_sale() -> None:
    shown = done(machine(), asked("identify"), NOW)
    assert view(shown, None, NOW).view == Identify()
    assert next_change_ms(shown, None, NOW) == NOW + IDENTIFY_MS
    assert isinstance(view(shown, None, NOW + IDENTIFY_MS).view, Idle)
    assert not isinstance(view(shown, sale(State.OPEN), NOW).view, Identify)


def test_a_new_start_waits_for_whoever_is_buying_and_says_until_when() -> None:
    command = asked("reboot")
    open_, moving, over = sale(State.OPEN, NOW + 65_000), sale(State.INTENT), sale(State.DELIVERED)
    assert when(command, (over,), NOW) == "now"
    assert when(command, (open_,), NOW) == "when the open sale ends, in 1:05 at the latest"
    assert when(command, (moving,), NOW) == "when the product is out"
    waiting = done(machine(), command, NOW)
    assert [may_leave(waiting, (each,)) for each in (open_, moving, over)] == [False, False, True]
    assert not may_leave(replace(waiting, service="anna has the port"), ())
    assert not may_leave(machine(), ())
    assert view(waiting, None, NOW).view == OutOfOrder(reason="leaving")
