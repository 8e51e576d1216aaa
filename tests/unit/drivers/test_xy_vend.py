"""A vend on the XY bus in virtual time: one `06` while the lease lives, and what its `04` frames mean."""

import pytest

from edge.core.model import Delivered, Kind, NotDelivered, Outcome, Uncertain, Withheld
from edge.drivers.xy import codes
from edge.drivers.xy.messages import MenuAnswer
from edge.ports import BusDown, BusUp, VendProgress
from tests.unit.drivers.xy_bench import ACK, POLL, Bench, commands, frame


def only(bench: Bench) -> str | Outcome:
    (result,) = bench.results()
    assert not isinstance(result, MenuAnswer)
    return result


def steps(bench: Bench) -> list[str]:
    return [fact.step for fact in bench.facts if isinstance(fact, VendProgress)]


def ups(bench: Bench) -> int:
    return sum(isinstance(fact, BusUp) for fact in bench.facts)


# ---------------------------------------------------------------- the frame


def test_the_motor_frame_is_the_documents_with_the_orders_number() -> None:
    bench = Bench().start()
    bench.drive(lane=12, seq=2)
    bench.poll()  # number 2 was the last one: a question goes first
    bench.ack()
    assert bench.poll() == bytes.fromhex("FA FB 06 05 02 01 00 00 0C 0D")


def test_a_lift_and_no_sensor_are_said_as_the_installer_set_them() -> None:
    bench = Bench(drop_sensor=False).start()
    bench.drive(lane=261, seq=9)
    assert commands(bench.poll()) == [(0x06, 9, b"\x00\x00\x01\x05")]


def test_the_motor_frame_waits_for_a_turn_and_is_written_once() -> None:
    bench = Bench().start()
    bench.drive()
    assert bench.moved() == 0
    bench.wait(1, polling=False)
    assert bench.tell(0x23, "00000000") == ACK  # a report is answered by an acknowledgement and nothing else
    assert bench.moved() == 0
    bench.poll()
    for _ in range(20):
        assert bench.poll() == ACK
    assert bench.moved() == 1


def test_the_motor_frame_never_has_the_number_of_the_frame_before_it() -> None:
    bench = Bench().start()
    bench.drive(seq=2)  # the status question of the start-up was number 2
    assert commands(bench.poll()) == [(0x51, 3, b"")]
    bench.ack()
    assert commands(bench.poll()) == [(0x06, 2, b"\x01\x00\x00\x0c")]


def test_a_board_that_is_not_known_is_never_told_to_move() -> None:
    bench = Bench()
    bench.drive()
    assert only(bench) == Withheld(why="bus_down")
    bench.start()
    bench.wait(2)
    assert bench.moved() == 0


# ---------------------------------------------------------------- the lease


@pytest.mark.parametrize(("left_ms", "moved"), [(201, 1), (200, 0), (1, 0), (0, 0), (-5000, 0)])
def test_no_first_byte_is_offered_at_or_after_the_end_of_the_lease(left_ms: int, moved: int) -> None:
    bench = Bench().start()
    bench.drive(start_before_ms=bench.now_ms + left_ms)
    bench.poll(after_ms=200)
    assert bench.moved() == moved
    if not moved:
        assert only(bench) == Withheld(why="lease")


def test_a_lease_that_ends_while_the_board_is_silent_withholds_the_frame_by_itself() -> None:
    bench = Bench().start()
    bench.drive(start_before_ms=bench.now_ms + 500)
    bench.wait(1, polling=False)
    assert only(bench) == Withheld(why="lease")
    bench.wait(1)
    assert bench.moved() == 0


def test_a_board_that_drops_repeats_gets_the_same_bytes_five_times_at_most() -> None:
    bench = Bench(board_drops_repeats=True).start()
    bench.drive(seq=9)
    sent = [bench.poll() for _ in range(9)]
    assert len(set(sent[:5])) == 1
    assert [commands(each) for each in sent[5:]] == [[]] * 4
    assert bench.moved() == 5


def test_a_repeat_ends_with_the_lease_and_then_only_an_outcome_counts() -> None:
    bench = Bench(board_drops_repeats=True).start()
    bench.drive(start_before_ms=bench.now_ms + 500)
    bench.poll(after_ms=200)
    bench.poll(after_ms=200)
    for _ in range(5):
        assert bench.poll(after_ms=200) == ACK
    assert bench.moved() == 2
    assert bench.results() == []
    bench.tell(0x04, "02000c")
    assert isinstance(only(bench), Delivered)


def test_a_word_of_the_board_proves_the_frame_arrived_and_ends_its_repeats() -> None:
    bench = Bench(board_drops_repeats=True).start()
    bench.drive()
    bench.poll()
    bench.tell(0x04, "01000c")
    for _ in range(5):
        assert bench.poll() == ACK
    assert bench.moved() == 1


def test_an_unproven_board_never_gets_the_frame_twice_and_silence_is_doubt() -> None:
    bench = Bench().start()
    bench.drive()
    bench.poll()
    bench.wait(4.9)
    assert bench.results() == []
    bench.wait(0.3)
    outcome = only(bench)
    assert isinstance(outcome, Uncertain)
    assert outcome.why == "no_answer"
    assert bench.moved() == 1


# ---------------------------------------------------------------- what comes back


def test_a_delivery_is_told_step_by_step() -> None:
    bench = Bench().start().driven()
    bench.tell(0x04, "01000c")
    bench.tell(0x04, "02000c")
    assert steps(bench) == ["dispensing"]
    assert only(bench) == Delivered(evidence="lane 12: 06 written, ack, 04 01, 04 02")


@pytest.mark.parametrize(("code", "why"), sorted(codes.FAILURE_NAMES.items()))
def test_every_other_result_gives_the_money_back(code: int, why: str) -> None:
    bench = Bench().start().driven()
    bench.tell(0x04, "01000c")
    bench.tell(0x04, bytes((code, 0, 12)))
    outcome = only(bench)
    assert isinstance(outcome, NotDelivered)
    assert outcome.why == why
    assert outcome.kind is (Kind.REJECTED if code == codes.MOTOR_ABSENT else Kind.MOVED)


@pytest.mark.parametrize("code", [codes.SENSOR_FAULT, codes.MOTOR_ABSENT])
def test_what_is_found_before_the_motor_turns_is_a_rejection(code: int) -> None:
    bench = Bench().start().driven()
    bench.tell(0x04, bytes((code, 0, 12)))
    outcome = only(bench)
    assert isinstance(outcome, NotDelivered)
    assert outcome.kind is Kind.REJECTED


@pytest.mark.parametrize("code", [0x05, 0x08, 0x33, 0x99, 0x00])
def test_a_code_that_nobody_knows_is_progress_and_the_wait_goes_on(code: int) -> None:
    bench = Bench(status_every_s=0).start().driven()
    bench.tell(0x04, bytes((code, 0, 12)))
    assert steps(bench) == [f"code_{code:02x}"]
    bench.wait(59)
    assert bench.results() == []
    bench.wait(2)
    assert isinstance(only(bench), Uncertain)


def test_progress_extends_the_wait_but_not_for_ever() -> None:
    bench = Bench(status_every_s=0).start().driven()
    waited_s = 0
    while not bench.results() and waited_s < 600:
        bench.tell(0x04, "01000c")
        bench.wait(30)
        waited_s += 30
    assert 150 <= waited_s <= 210
    assert isinstance(only(bench), Uncertain)


def test_a_repeated_result_is_acknowledged_and_counted_once() -> None:
    bench = Bench().start().driven()
    result = frame(0x04, 99, b"\x02\x00\x0c")
    assert [bench.read(result) for _ in range(3)] == [ACK] * 3
    assert len(bench.results()) == 1


def test_a_result_of_another_lane_says_nothing_about_this_one() -> None:
    bench = Bench().start().driven(lane=12)
    bench.tell(0x04, "02000d")
    bench.tell(0x04, "03000d")
    assert bench.results() == []
    bench.tell(0x04, "02000c")
    assert isinstance(only(bench), Delivered)


def test_a_stale_result_from_before_the_frame_says_nothing() -> None:
    bench = Bench().start()
    bench.drive()
    bench.tell(0x04, "02000c")  # before our `06` was written
    assert bench.results() == []
    bench.poll()
    bench.ack()
    bench.tell(0x04, "03000c")
    assert isinstance(only(bench), NotDelivered)


def test_heating_seconds_are_no_lane() -> None:
    bench = Bench().start().driven(lane=12)
    bench.tell(0x04, "23005a")
    assert steps(bench) == ["heating_left"]
    bench.tell(0x04, "23000d")
    bench.tell(0x04, "02000c01")
    assert isinstance(only(bench), Delivered)


@pytest.mark.parametrize(("then", "setting"), [("ff", True), ("", True), ("ff", False), ("", False)])
def test_take_the_product_is_a_delivery_where_the_installer_says_so(then: str, setting: bool) -> None:
    bench = Bench(take_product_is_delivered=setting).start().driven()
    bench.tell(0x04, "24000c")
    if then:
        bench.tell(0x04, "ff000c")
    else:
        bench.wait(10.5)
    expected = Delivered if setting else NotDelivered if then else Uncertain
    assert isinstance(only(bench), expected)


def test_an_end_without_a_result_is_a_failure() -> None:
    bench = Bench().start().driven()
    bench.tell(0x04, "01000c")
    bench.tell(0x04, "ff000c")
    outcome = only(bench)
    assert isinstance(outcome, NotDelivered)
    assert outcome.why == "ended"


def test_the_late_end_of_the_vend_before_is_not_taken_for_this_ones() -> None:
    bench = Bench().start().driven(seq=10)
    bench.tell(0x04, "02000c")
    bench.driven(seq=11)
    bench.tell(0x04, "ff000c")
    assert len(bench.results()) == 1
    bench.tell(0x04, "03000c")
    outcome = bench.results()[-1]
    assert isinstance(outcome, NotDelivered)
    assert outcome.why == "jam"


# ---------------------------------------------------------------- what breaks in the middle


def test_a_board_that_restarts_in_the_middle_is_doubt_unless_it_still_tells() -> None:
    bench = Bench().start().driven()
    bench.tell(0x31)
    bench.wait(3.2, polling=False)
    outcome = only(bench)
    assert isinstance(outcome, Uncertain)
    assert outcome.why == "board_restarted"
    again = Bench().start().driven()
    again.tell(0x31)
    again.tell(0x04, "02000c")
    assert isinstance(only(again), Delivered)


def test_a_motor_that_turned_when_the_board_restarted_keeps_nobody_waiting() -> None:
    bench = Bench().start().driven()
    bench.tell(0x04, "01000c")
    bench.tell(0x31)
    assert commands(bench.poll())[0][0] == 0x31
    bench.start_from_ack()
    assert ups(bench) == 1  # a result may still come
    bench.wait(3)
    assert isinstance(only(bench), Uncertain)
    assert ups(bench) == 2


def test_a_board_that_was_only_silent_may_still_turn_its_motor() -> None:
    bench = Bench().start().driven()
    bench.tell(0x04, "01000c")
    bench.wait(4, polling=False)
    bench.start()
    bench.wait(50)
    assert ups(bench) == 1
    for _ in range(60):
        bench.poll()
    assert ups(bench) == 2


def test_a_board_that_tells_progress_after_its_restart_is_busy_again() -> None:
    bench = Bench().start().driven()
    bench.tell(0x31)
    bench.tell(0x04, "01000c")
    assert commands(bench.poll())[0][0] == 0x31
    bench.start_from_ack()
    bench.wait(30)
    assert ups(bench) == 1


def test_a_port_that_goes_before_the_write_withholds_and_after_it_is_doubt() -> None:
    before = Bench().start()
    before.drive()
    before.session.lost(before.now_ms)
    before.facts += before.session.facts()
    assert only(before) == Withheld(why="bus_down")
    after = Bench().start().driven()
    after.session.lost(after.now_ms)
    after.session.opened(after.now_ms)
    after.wait(6, polling=False)
    assert isinstance(only(after), Uncertain)
    assert BusDown(why="port") in after.facts
    assert after.moved() == 1


def test_a_vend_that_nobody_waits_for_any_more_is_never_written() -> None:
    bench = Bench().start()
    bench.drive()
    bench.session.abandon(bench.now_ms)
    bench.wait(2)
    assert bench.moved() == 0


def test_two_polls_in_one_read_write_one_frame() -> None:
    bench = Bench().start()
    bench.drive()
    assert [cmd for cmd, _, _ in commands(bench.read(POLL + POLL + POLL))] == [0x06]
    assert bench.moved() == 1


def test_a_turn_that_lay_there_too_long_is_not_used_for_the_motor_and_the_next_one_is() -> None:
    bench = Bench().start()
    bench.drive()
    bench.now_ms += 200
    assert bench.session.receive(POLL, bench.now_ms, late=True) == ACK
    assert [cmd for cmd, _, _ in commands(bench.poll())] == [0x06]


def test_a_question_may_use_any_turn() -> None:
    bench = Bench().start()
    bench.session.ask(12, bench.now_ms)
    bench.now_ms += 200
    assert commands(bench.session.receive(POLL, bench.now_ms, late=True)) == [(0x01, 3, b"\x00\x0c")]
