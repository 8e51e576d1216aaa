"""ADH814: golden bytes from the protocol's notes, the stream, and whole vends against the simulated board."""

from pathlib import Path

import pytest

from edge.core.model import Delivered, Kind, NotDelivered, Uncertain, Withheld
from edge.drivers.adh814 import Adh814, Adh814Settings, Frame, Status, request
from edge.drivers.asking import AskingDispenser
from edge.ports import BusDown, BusUp, ClimateReported, LaneReported, VendProgress
from hw_sim.boards.adh814 import Adh814Board
from hw_sim.boards.mechanics import Cabinet
from tests.unit.drivers.line import Shop

LANES = (11, 12, 13)
SETTINGS = Adh814Settings(port=Path("/dev/null"), lanes=LANES)
GOOD = bytes.fromhex("00a3020c000190 00dc1e0660c8")


def shop() -> Shop:
    board = Adh814Board(Cabinet.of(LANES))
    return Shop(board, lambda clock, wire: AskingDispenser(Adh814(SETTINGS), clock, port=wire))


@pytest.mark.parametrize(
    ("command", "data", "frame"),
    [
        (0xA1, "", "01a1c198"),
        (0xA3, "", "01a34059"),
        (0xA5, "0c", "01a50c5b55"),
        (0xA6, "", "01a6805a"),
        (0xA4, "010005", "01a4010005ab33"),
    ],
)
def test_commands_are_the_bytes_of_the_notes(command: int, data: str, frame: str) -> None:
    assert request(1, command, bytes.fromhex(data)) == bytes.fromhex(frame)


def frames(reads: str, *, asked: str = "01a34059") -> list[Frame]:
    decoder = Adh814(SETTINGS).decoder()
    decoder.expect(bytes.fromhex(asked))
    return [frame for part in reads.split() for frame in decoder.feed(bytes.fromhex(part))]


@pytest.mark.parametrize(
    "reads",
    [
        " ".join(f"{byte:02x}" for byte in GOOD),  # byte by byte
        "ffa3" + GOOD.hex(),  # noise first
        "01a34059" + GOOD.hex(),  # the line's echo first
        "00a3020c00019000dc1e0660c9 " + GOOD.hex(),  # a bad check first
        GOOD.hex() + GOOD.hex()[:8],  # and the beginning of another
    ],
)
def test_a_poll_is_found_in_whatever_comes(reads: str) -> None:
    (frame,) = frames(reads)
    assert Status.of(frame.data) == Status(
        state=2, motor=12, fault=0, seen=True, peak_ma=400, average_ma=220, tenths=30, temperature_c=6
    )


def test_an_answer_to_another_command_is_no_answer() -> None:
    assert frames("00a5000a90") == []
    assert frames("00a5000a90", asked="01a50c5b55") == [Frame(0xA5, b"\0")]


def test_a_timeout_without_a_drop_is_read() -> None:
    (frame,) = frames("00a3020c07019000dc500623a8")
    status = Status.of(frame.data)
    assert (status.fault, status.seen) == (3, False)


@pytest.mark.parametrize(("raw", "celsius"), [("d8", None), ("78", None), ("fe", -2), ("06", 6)])
def test_a_probe_that_is_open_or_shorted_is_no_temperature(raw: str, celsius: int | None) -> None:
    assert Status.of(bytes(8) + bytes.fromhex(raw)).temperature_c == celsius


def test_it_comes_up_with_name_lanes_and_temperature() -> None:
    told = shop().up().told
    assert BusUp(identity="ADH814-V2.06") in told
    assert [event.lane for event in told if isinstance(event, LaneReported)] == list(LANES)
    assert ClimateReported(temperature_c=5, door_open=None) in told


def test_a_vend_turns_once_and_the_next_one_clears_the_latch_first() -> None:
    here = shop().up()
    for number in (1, 2):
        assert isinstance(here.vend(), Delivered)
        assert (here.starts, here.fallen) == (number, number)
    assert VendProgress(sale_id="S1", step="dispensing") in here.told
    assert here.wire.written.count(request(1, 0xA6)) == 1


@pytest.mark.parametrize(
    ("fault", "kind", "why"),
    [
        ("no_drop", Kind.MOVED, "no_drop"),
        ("blind_sensor", Kind.MOVED, "no_drop"),
        ("jam", Kind.MOVED, "motor_timeout"),
        ("motor_missing", Kind.REJECTED, "motor_absent"),
    ],
)
def test_a_failure_is_named_by_what_is_known_to_have_moved(fault: str, kind: Kind, why: str) -> None:
    here = shop().up()
    here.board.faults.set(fault, times=1)
    outcome = here.vend()
    assert isinstance(outcome, NotDelivered)
    assert (outcome.kind, outcome.why) == (kind, why)


def test_over_current_though_a_piece_was_seen_is_doubt() -> None:
    here = shop().up()
    here.board.faults.set("over_current", times=1)
    outcome = here.vend()
    assert isinstance(outcome, Uncertain)
    assert outcome.why == "contradictory"
    assert here.fallen == 1


@pytest.mark.parametrize(
    "fault", ["lose_reply", "bad_check", "garbage", "split_writes", "stale_reply", "echo"]
)
def test_a_spoiled_answer_to_the_start_costs_neither_a_sale_nor_a_second_turn(fault: str) -> None:
    here = shop().up()
    order = here.order()
    here.board.faults.set(fault, times=1)
    assert isinstance(here.do(here.dispenser.vend(order)), Delivered)
    assert here.starts == 1


def test_a_start_that_was_not_heard_is_doubt_and_is_never_repeated() -> None:
    here = shop().up()
    order = here.order()
    here.board.faults.set("lose_command", times=1)
    assert isinstance(here.do(here.dispenser.vend(order)), Uncertain)
    assert here.starts == 0


def test_no_start_leaves_once_the_lease_has_ended() -> None:
    here = shop().up()
    order = here.order(lease_s=0)
    assert here.do(here.dispenser.vend(order)) == Withheld(why="lease")
    here.wait(60)
    assert here.starts == 0


def test_no_start_leaves_while_the_adapter_is_unplugged() -> None:
    here = shop().up()
    order = here.order()
    here.wire.pull()
    assert here.do(here.dispenser.vend(order)) == Withheld(why="bus_down")


def test_a_board_that_restarts_in_the_run_and_forgets_is_doubt() -> None:
    here = shop().up()
    here.board.faults.set("forgets")
    here.board.faults.set("restart_in_run", times=1)
    outcome = here.vend()
    assert isinstance(outcome, Uncertain)
    assert here.starts == 1


@pytest.mark.parametrize(("fault", "ends"), [("", Delivered), ("jam", NotDelivered)])
@pytest.mark.parametrize("wait_s", [0.2, 5.0])
def test_a_new_daemon_learns_the_result_that_is_latched(fault: str, ends: type, wait_s: float) -> None:
    here = shop().up()
    if fault:
        here.board.faults.set(fault, times=1)
    order = here.order()
    here.loop.spawn(here.loop.nature, here.dispenser.vend(order), "cut short")
    here.wait(wait_s)
    here.start()
    assert isinstance(here.do(here.dispenser.recover(order)), ends)
    assert here.starts == 1


def test_a_latched_result_of_another_motor_proves_nothing() -> None:
    here = shop().up()
    assert isinstance(here.vend(11), Delivered)
    order = here.order(12)
    assert isinstance(here.vend(11), Delivered)
    here.start()
    outcome = here.do(here.dispenser.recover(order))
    assert isinstance(outcome, Uncertain)
    assert outcome.why == "overwritten"


def test_an_empty_latch_proves_nothing() -> None:
    here = shop().up()
    order = here.order()
    here.start()
    outcome = here.do(here.dispenser.recover(order))
    assert isinstance(outcome, Uncertain)
    assert outcome.why == "no_memory"


def test_a_board_that_falls_silent_is_down_and_comes_back() -> None:
    here = shop().up()
    here.board.faults.set("silent")
    here.wait(20)
    assert BusDown(why="silent") in here.told
    assert here.do(here.dispenser.check(12)) == "bus_down"
    here.board.faults.set("silent", times=0)
    here.wait(20)
    assert here.do(here.dispenser.check(12)) == ""


def test_a_lane_that_is_not_in_the_settings_is_refused_without_a_question() -> None:
    here = shop().up()
    assert here.do(here.dispenser.check(99)) == "no_such_lane"


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"lanes": ()}, "lanes"),
        ({"lanes": (12, 12)}, "each lane of the machine once"),
        ({"lanes": (300,)}, "lanes: 300 less lane_offset: found 300; allowed is 0 to 254"),
        ({"address": 5}, "address: found 5; allowed is 1 to 4"),
        ({"baud": True}, "baud: found True"),
    ],
)
def test_wrong_settings_are_named(wrong: dict[str, object], words: str) -> None:
    fields: dict[str, object] = {"port": Path("/dev/null"), "lanes": LANES}
    with pytest.raises(ValueError, match=words):
        Adh814Settings(**(fields | wrong))  # type: ignore[arg-type]
