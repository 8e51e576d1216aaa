"""The turn, the start-up, reports and checks of an XY session in virtual time."""

from pathlib import Path

import pytest

from edge.core.machine import next_seq
from edge.core.model import Baseline
from edge.drivers.xy.session import Fact, Session
from edge.drivers.xy.settings import XySettings
from edge.ports import (
    BusDown,
    BusUp,
    CancelPressed,
    CashReported,
    ClimateReported,
    KeyPressed,
    LaneReported,
)
from tests.unit.drivers.xy_bench import ACK, POLL, STATUS_TEXT, Bench, commands, frame


def events(bench: Bench, kind: type) -> list[Fact]:
    return [fact for fact in bench.facts if isinstance(fact, kind)]


# ---------------------------------------------------------------- start-up


def test_the_first_poll_is_answered_with_a_synchronise() -> None:
    assert Bench().poll() == bytes.fromhex("fafb31010130")


def test_the_bus_is_up_when_lanes_and_status_were_told() -> None:
    bench = Bench().start()
    assert bench.facts == [
        LaneReported(lane=12, stock=5, capacity=8),
        ClimateReported(temperature_c=5, door_open=None),
        BusUp(identity="XY 0000012345"),
    ]
    assert bench.session.baseline(12) == Baseline(stock=5, seq=2)


def test_the_status_is_asked_only_when_the_board_has_told_its_lanes() -> None:
    bench = Bench()
    bench.poll()
    bench.ack()
    for lane in range(1, 4):
        assert bench.poll() == ACK
        assert bench.tell(0x11, lane.to_bytes(2, "big") + bytes(10)) == ACK
    assert bench.poll() == ACK
    assert commands(bench.poll()) == [(0x51, 2, b"")]


def test_a_board_that_never_pauses_is_asked_all_the_same() -> None:
    bench = Bench()
    bench.poll()
    bench.ack()
    for _ in range(8):
        bench.tell(0x23, "00000000")
        bench.poll()
    assert 0x51 in [cmd for cmd, _, _ in commands(bench.written)]


def test_a_machine_with_a_lift_must_have_it_free() -> None:
    bench = Bench(lift=True)
    bench.poll()
    bench.ack()
    bench.poll()
    assert [cmd for cmd, _, _ in commands(bench.poll())] == [0x51]
    bench.ack()
    bench.tell(0x52, STATUS_TEXT)
    assert [cmd for cmd, _, _ in commands(bench.poll())] == [0x53]
    bench.ack()
    bench.tell(0x54, "01")
    assert events(bench, BusUp) == []
    asked = b"".join(bench.poll() for _ in range(16))
    assert [cmd for cmd, _, _ in commands(asked)][:1] == [0x51]
    bench.ack()
    bench.tell(0x52, STATUS_TEXT)
    bench.poll()
    bench.ack()
    bench.tell(0x54, "00")
    assert len(events(bench, BusUp)) == 1


def test_a_question_that_stays_open_is_asked_again() -> None:
    bench = Bench()
    for _ in range(3):
        bench.poll()
        bench.ack()
    asked = []
    for _ in range(40):
        asked += commands(bench.poll())
        bench.ack()
    assert [cmd for cmd, _, _ in asked] == [0x51, 0x51]
    assert len({pack_no for _, pack_no, _ in asked}) == 2


def test_a_board_in_the_middle_of_a_vend_is_not_idle() -> None:
    bench = Bench()
    bench.poll()
    bench.tell(0x04, "01000c")  # somebody else's vend turns
    bench.start_from_ack()
    assert events(bench, BusUp) == []
    bench.tell(0x04, "02000c")
    assert len(events(bench, BusUp)) == 1


def test_the_status_is_asked_now_and_then() -> None:
    bench = Bench(status_every_s=10).start()
    polls = [commands(bench.poll()) for _ in range(60)]
    assert [each[0][0] for each in polls if each][:1] == [0x51]


# ---------------------------------------------------------------- the turn


def test_nothing_is_written_without_a_turn() -> None:
    bench = Bench().start()
    bench.session.ask(12, bench.now_ms)
    bench.wait(1, polling=False)
    assert bench.read(b"\x00\x01garbage") == b""
    assert bench.ack() == b""


def test_every_report_is_acknowledged_and_taken_once() -> None:
    bench = Bench().start()
    key = frame(0x05, 99, b"\x00\x17")
    assert [bench.read(key), bench.read(key)] == [ACK, ACK]
    assert events(bench, KeyPressed) == [KeyPressed(lane=23)]
    assert bench.read(frame(0x05, 100, b"\x00\x17")) == ACK
    assert len(events(bench, KeyPressed)) == 2
    assert bench.session.health().repeats == 1


def test_an_unknown_report_is_acknowledged() -> None:
    bench = Bench().start()
    assert bench.tell(0x67, "0121") == ACK
    assert bench.session.health().facts["other_frames"] == 1


def test_a_report_in_pieces_is_acknowledged_when_it_is_whole() -> None:
    bench = Bench().start()
    whole = frame(0x05, 99, b"\x00\x17")
    assert bench.read(whole[:5]) == b""
    assert bench.read(whole[5:], after_ms=5) == ACK


def test_a_report_glued_to_an_acknowledgement_is_taken() -> None:
    bench = Bench().start()
    bench.session.ask(12, bench.now_ms)
    bench.poll()
    assert bench.read(ACK + frame(0x02, 99, b"\x01\x00\x0c"), after_ms=3) == ACK
    assert bench.results() == [""]


def test_only_the_last_poll_of_a_read_has_the_turn() -> None:
    bench = Bench()
    assert commands(bench.read(POLL + POLL)) == [(0x31, 1, b"")]


def test_a_command_waits_when_the_turn_is_out_of_step() -> None:
    bench = Bench().start()
    bench.session.ask(12, bench.now_ms)
    assert bench.read(frame(0x05, 99, b"\x00\x17") + POLL) == ACK + ACK
    assert [cmd for cmd, _, _ in commands(bench.poll())] == [0x01]


def test_a_poll_that_was_begun_before_a_silence_is_forgotten() -> None:
    bench = Bench()
    bench.read(POLL[:3])
    assert bench.read(POLL[3:], after_ms=51) == b""
    assert bench.poll() != b""


def test_a_question_is_repeated_with_its_number_five_times_in_all() -> None:
    bench = Bench().start()
    bench.session.ask(12, bench.now_ms)
    sent = [commands(bench.poll()) for _ in range(6)]
    assert sent == [[(0x01, 3, b"\x00\x0c")]] * 5 + [[]]
    assert events(bench, BusDown) == [BusDown(why="no_ack")]
    assert bench.results() == ["bus_down"]


def test_a_board_that_never_acknowledges_is_tried_again_after_a_pause() -> None:
    bench = Bench()
    sent = b"".join(bench.poll() for _ in range(30))
    packs = [pack_no for cmd, pack_no, _ in commands(sent) if cmd == 0x31]
    assert packs[:5] == [1] * 5
    assert packs[5:10] == [2] * 5
    assert events(bench, BusDown) == [BusDown(why="no_ack")]


def test_the_pack_number_goes_on_after_each_exchange_and_never_is_zero() -> None:
    bench = Bench().start()
    packs = []
    for _ in range(300):
        bench.session.ask(12, bench.now_ms)
        packs += [pack_no for _, pack_no, _ in commands(bench.poll())]
        bench.ack()
        bench.tell(0x02, "01000c")
    assert packs[:254] == [*range(3, 256), 1]
    assert 0 not in packs


# ---------------------------------------------------------------- silence


def test_a_silent_board_is_down_once_and_up_when_it_is_back() -> None:
    bench = Bench().start()
    bench.wait(2.9, polling=False)
    assert events(bench, BusDown) == []
    bench.wait(5, polling=False)
    assert events(bench, BusDown) == [BusDown(why="silent")]
    assert bench.session.baseline(12) is None
    bench.start()
    assert len(events(bench, BusUp)) == 2
    assert events(bench, BusDown)[1:] == [BusDown(why="identifying")]


def test_a_board_that_never_spoke_is_down() -> None:
    bench = Bench()
    bench.wait(3, polling=False)
    assert bench.facts == [BusDown(why="silent")]


def test_a_lost_port_is_down_and_its_silence_is_no_second_fault() -> None:
    bench = Bench().start()
    bench.session.lost(bench.now_ms)
    bench.wait(20, polling=False)
    assert events(bench, BusDown) == [BusDown(why="port")]
    bench.session.opened(bench.now_ms)
    bench.start()
    assert len(events(bench, BusUp)) == 2


def test_a_board_that_starts_again_is_synchronised_on_its_next_poll() -> None:
    bench = Bench().start()
    bench.wait(3)
    assert bench.tell(0x31) == ACK
    assert events(bench, BusDown) == [BusDown(why="board_restarted")]
    bench.start()
    assert len(events(bench, BusUp)) == 2


def test_a_synchronise_that_answers_ours_does_not_start_over() -> None:
    bench = Bench()
    bench.poll()
    bench.ack()
    bench.tell(0x31)
    bench.poll()
    assert [cmd for cmd, _, _ in commands(bench.poll())] == [0x51]


def test_a_resync_settles_and_then_identifies_the_board_again() -> None:
    bench = Bench().start()
    bench.session.resync(bench.now_ms)
    for _ in range(4):
        assert bench.poll() == ACK
    bench.start()
    assert len(events(bench, BusUp)) == 2
    assert events(bench, BusDown) == []


def test_a_board_that_is_back_but_acknowledges_nothing_is_told_apart_from_a_silent_one() -> None:
    bench = Bench()
    bench.wait(3, polling=False)
    for _ in range(30):
        bench.poll()
    assert events(bench, BusDown) == [BusDown(why=why) for why in ("silent", "identifying", "no_ack")]


# ---------------------------------------------------------------- reports


@pytest.mark.parametrize(
    ("cmd", "text", "event"),
    [
        (0x05, "0000", CancelPressed()),
        (0x05, "0017", KeyPressed(lane=23)),
        (0x11, "000d0000015e000803e903", LaneReported(lane=13, stock=0, capacity=8, fault="paused")),
        (0x11, "000d", LaneReported(lane=13, stock=None, capacity=None)),
        (
            0x11,
            "000d0000015e000803e901000000fa",
            LaneReported(lane=13, stock=0, capacity=8, fault="weight_timeout"),
        ),
        (0x21, "010000015e", CashReported(mode="note", amount_fen=350)),
        (0x21, "08000000c8", CashReported(mode="swallowed", amount_fen=200)),
        (0x21, "63000000c8", CashReported(mode="mode_99", amount_fen=200)),
    ],
)
def test_a_report_becomes_an_event(cmd: int, text: str, event: Fact) -> None:
    bench = Bench().start()
    bench.tell(cmd, text)
    assert bench.facts[-1] == event


def test_money_is_fen_whatever_decimals_the_board_counts_with() -> None:
    bench = Bench(decimal_places=0).start()
    bench.tell(0x21, "0200000003")
    assert bench.facts[-1] == CashReported(mode="coin", amount_fen=300)


@pytest.mark.parametrize(("value", "door_open"), [(None, None), (1, True), (0, False)])
def test_the_polarity_of_the_door_is_a_setting(value: int | None, door_open: bool | None) -> None:
    bench = Bench(door_open_value=value).start()
    assert ClimateReported(temperature_c=5, door_open=door_open) in bench.facts
    assert bench.session.health().facts["door_raw"] == 1


def test_credit_row_delivery_and_version_are_kept() -> None:
    bench = Bench().start()
    bench.tell(0x23, "0000015e")
    bench.tell(0x24, "48656c6c6f20202020202020202020200002")
    bench.tell(0x54, "02")
    bench.tell(0x32, "56332e3200")
    facts = bench.session.health().facts
    assert (facts["credit_fen"], facts["display_row"], facts["delivery_status"]) == (350, 2, 2)
    bench.wait(4, polling=False)
    bench.start()
    assert bench.facts[-1] == BusUp(identity="XY 0000012345 V3.2")


def test_a_lane_outside_the_document_is_counted_not_told() -> None:
    bench = Bench().start()
    told = len(bench.facts)
    bench.tell(0x11, "ffff")
    assert len(bench.facts) == told
    assert bench.session.health().facts["odd_lanes"] == 1


# ---------------------------------------------------------------- checks


@pytest.mark.parametrize(
    ("status", "reason"),
    [("01", ""), ("02", "sold_out"), ("04", "paused"), ("17", "main_motor_fault"), ("99", "code_99")],
)
def test_a_check_ends_with_the_reason_of_the_board(status: str, reason: str) -> None:
    bench = Bench().start()
    bench.session.ask(12, bench.now_ms)
    assert commands(bench.poll()) == [(0x01, 3, b"\x00\x0c")]
    bench.ack()
    bench.tell(0x02, f"{status}000c")
    assert bench.results() == [reason]
    assert bench.moved() == 0


def test_a_host_that_keeps_the_stock_may_sell_what_the_board_calls_sold_out() -> None:
    bench = Bench(host_keeps_stock=True).start()
    bench.session.ask(12, bench.now_ms)
    bench.tell(0x02, "02000c")
    assert bench.results() == [""]


def test_an_answer_for_another_lane_is_no_answer() -> None:
    bench = Bench().start()
    bench.session.ask(12, bench.now_ms)
    bench.poll()
    bench.ack()
    bench.tell(0x02, "01000d")
    bench.wait(3)
    assert bench.results() == ["no_answer"]


def test_a_check_of_a_board_that_is_not_there_says_so_at_once() -> None:
    bench = Bench()
    bench.session.ask(12, bench.now_ms)
    bench.facts += bench.session.facts()
    assert bench.results() == ["bus_down"]


def test_a_vend_after_a_check_takes_the_next_turn_when_its_number_avoids_the_last_one() -> None:
    bench = Bench().start()
    bench.session.ask(12, bench.now_ms)
    ((_, asked, _),) = commands(bench.poll())
    bench.ack()
    bench.tell(0x02, "01000c")
    baseline = bench.session.baseline(12)
    assert baseline is not None
    assert baseline.seq == asked
    bench.drive(seq=next_seq(asked - 1, 8, baseline))
    assert [cmd for cmd, _, _ in commands(bench.poll())] == [0x06]


def test_the_first_command_of_a_start_is_no_repeat_of_the_one_before() -> None:
    """A board that drops repeats by command and PackNo would never report its lanes to the second daemon."""
    numbers = []
    for boot in (1, 2):
        session = Session(XySettings(port=Path("/dev/null")), pack_no=boot)
        session.opened(0)
        ((command, number, _),) = commands(session.receive(POLL, 500))
        assert command == 0x31
        numbers.append(number)
    assert len(set(numbers)) == 2
