"""The simulated XY board: its bytes, its turns, its motors and everything it can be made to do wrong."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hw_sim.boards.board import Faults
from hw_sim.boards.mechanics import Cabinet
from hw_sim.boards.xy import ANSWER_MS, SENDINGS, BoardSettings, XyBoard
from hw_sim.boards.xy_codec import ACK, POLL, Frame, Reader, frame, words
from hw_sim.boards.xy_faults import FAULTS
from tests.unit.sim_boards.bench import Bench


def bytes_of(text: str) -> bytes:
    return bytes.fromhex(text)


# ---------------------------------------------------------------- bytes


@pytest.mark.parametrize(
    ("built", "golden"),
    [
        (POLL, "FA FB 41 00 40"),
        (ACK, "FA FB 42 00 43"),
        (frame(0x31, 1), "FA FB 31 01 01 30"),
        (frame(0x02, 7, bytes((1, 0, 12))), "FA FB 02 04 07 01 00 0C 0D"),
        (frame(0x02, 8, bytes((2, 1, 5))), "FA FB 02 04 08 02 01 05 09"),
        (frame(0x04, 9, bytes((1, 0, 12))), "FA FB 04 04 09 01 00 0C 05"),
        (frame(0x04, 10, bytes((3, 0, 12))), "FA FB 04 04 0A 03 00 0C 04"),
        (frame(0x04, 10, bytes((0x24, 0, 12, 1))), "FA FB 04 05 0A 24 00 0C 01 23"),
        (frame(0x05, 0x21, bytes((0, 23))), "FA FB 05 03 21 00 17 31"),
        (frame(0x05, 0x22, bytes((0, 0))), "FA FB 05 03 22 00 00 25"),
        (frame(0x06, 2, bytes((1, 0, 0, 1))), "FA FB 06 05 02 01 00 00 01 00"),
    ],
)
def test_frames_are_the_documents_own(built: bytes, golden: str) -> None:
    assert built == bytes_of(golden)


@given(st.lists(st.tuples(st.integers(0, 255), st.integers(1, 255), st.binary(max_size=40)), max_size=5))
def test_frames_survive_any_chunking(frames: list[tuple[int, int, bytes]]) -> None:
    stream = b"".join(frame(*each) for each in frames)
    reader = Reader()
    found = [each for at in range(len(stream)) for each, _ in reader.take(stream[at : at + 1])]
    assert found == [Frame(*each) for each in frames]


@given(st.binary(max_size=300))
def test_noise_is_survived_and_what_is_found_in_it_checks(noise: bytes) -> None:
    for _, raw in Reader().take(noise):
        assert raw.startswith(b"\xfa\xfb")
        assert words(raw)


def test_a_frame_behind_a_broken_one_is_found() -> None:
    stream = bytes_of("FA FB 42 00 44") + ACK
    assert [each.command for each, _ in Reader().take(stream)] == [0x42]


# ---------------------------------------------------------------- turns


def test_the_board_greets_then_gives_the_turn_every_200_ms() -> None:
    bench = Bench()
    assert bench.turn() == frame(0x31, 1)
    bench.say(ACK)
    assert bench.turn() == POLL
    first = bench.now_ms
    bench.say(ACK)
    assert bench.turn() == POLL
    assert bench.now_ms - first == 200


def test_a_report_comes_again_with_its_number_until_it_is_given_up() -> None:
    bench = Bench()
    said = [bench.turn() for _ in range(SENDINGS + 1)]
    assert said == [frame(0x31, 1)] * SENDINGS + [POLL]


def test_numbers_go_from_1_to_255_and_never_to_0() -> None:
    bench = Bench()
    for _ in range(260):
        bench.board.key(11)
    bench.run(60_000)
    assert [each.pack for each in bench.heard[:257]] == [*range(1, 256), 1, 2]


def test_an_answer_after_100_ms_is_not_heard() -> None:
    bench = Bench()
    bench.run(100)
    assert bench.turn() == POLL
    bench.now_ms += ANSWER_MS + 1
    assert bench.say(frame(0x01, 1, b"\x00\x0c")) == b""


def test_a_host_that_speaks_out_of_turn_is_not_heard() -> None:
    bench = Bench()
    assert bench.say(frame(0x01, 1, b"\x00\x0c")) == b""


# ---------------------------------------------------------------- what it answers


def test_after_a_greeting_every_lane_is_reported() -> None:
    bench = Bench()
    assert bench.command(0x31, b"") == ACK
    bench.run(bench.now_ms + 1000)
    lanes = [each for each in bench.heard if each.command == 0x11]
    assert [int.from_bytes(each.text[:2], "big") for each in lanes] == [11, 12]
    assert lanes[1].text == bytes_of("00 0C 00 00 01 5E 05 08 03 E9 00")


@pytest.mark.parametrize(("lane", "status"), [(12, 1), (11, 2), (99, 3), (13, 4)])
def test_a_lane_is_answered_as_it_is(lane: int, status: int) -> None:
    bench = Bench(XyBoard(Cabinet.of((11, 12, 13))))
    bench.board.cabinet.lanes[11].stock = 0
    bench.board.cabinet.lanes[13].paused = True
    bench.command(0x01, lane.to_bytes(2, "big"))
    bench.run(bench.now_ms + 500)
    (answer,) = [each for each in bench.heard if each.command == 0x02]
    assert answer.text == bytes((status,)) + lane.to_bytes(2, "big")


@pytest.mark.parametrize(("fault", "length"), [("", 33), ("long_52", 41)])
def test_machine_status_has_the_length_of_the_firmware(fault: str, length: int) -> None:
    bench = Bench()
    if fault:
        bench.board.faults.set(fault)
    bench.command(0x51, b"")
    bench.run(bench.now_ms + 500)
    (status,) = [each for each in bench.heard if each.command == 0x52]
    assert len(status.text) + 1 == length


# ---------------------------------------------------------------- motors


def test_a_run_drops_one_piece_and_says_so() -> None:
    bench = Bench()
    assert bench.drive() == ACK
    bench.run(bench.now_ms + 3000)
    lane = bench.board.cabinet.lanes[12]
    assert bench.results() == [1, 2]
    assert (lane.starts, lane.fallen, lane.stock) == (1, 1, 4)


@pytest.mark.parametrize(
    ("fault", "codes", "starts", "fallen"),
    [
        ("jam", [1, 4], 1, 0),
        ("no_drop", [1, 3], 1, 0),
        ("blind_sensor", [1, 3], 1, 1),
        ("motor_missing", [6], 0, 0),
        ("sensor_fault", [0x0A], 0, 0),
        ("no_result", [1], 1, 1),
        ("late_result", [1], 1, 1),
        ("lose_host_ack", [1, 1, 2], 1, 1),
        ("split_writes", [1, 2], 1, 1),
        ("garbage", [1, 2], 1, 1),
        ("merge", [1, 2], 1, 1),
        ("long_04", [1, 2], 1, 1),
    ],
)
def test_a_fault_is_seen_on_the_bus_and_in_the_cabinet(
    fault: str, codes: list[int], starts: int, fallen: int
) -> None:
    bench = Bench()
    bench.run(500)
    bench.board.faults.set(fault, times=-1 if fault == "long_04" else 1)
    bench.drive()
    bench.run(bench.now_ms + 4000)
    lane = bench.board.cabinet.lanes[12]
    assert (bench.results(), lane.starts, lane.fallen) == (codes, starts, fallen)


def test_a_late_result_still_comes() -> None:
    bench = Bench()
    bench.board.faults.set("late_result", times=1)
    bench.drive()
    bench.run(bench.now_ms + 12_000)
    assert bench.results() == [1, 2]


def test_an_empty_lane_turns_for_nothing() -> None:
    bench = Bench()
    bench.board.cabinet.lanes[12].stock = 0
    bench.drive()
    bench.run(bench.now_ms + 3000)
    assert bench.results() == [1, 3]
    assert bench.board.cabinet.pieces_dropped == 0


@pytest.mark.parametrize(("fault", "starts"), [("", 1), ("run_duplicates", 2)])
def test_a_repeated_motor_frame_is_dropped_unless_the_board_cannot(fault: str, starts: int) -> None:
    bench = Bench()
    if fault:
        bench.board.faults.set(fault)
    bench.drive(pack=7)
    bench.run(bench.now_ms + 2500)
    bench.drive(pack=7)
    bench.run(bench.now_ms + 2500)
    assert bench.board.cabinet.motor_starts == starts


def test_a_lost_acknowledgement_is_a_command_carried_out() -> None:
    bench = Bench()
    bench.board.faults.set("lose_command_ack", times=1)
    assert bench.drive() == b""
    bench.run(bench.now_ms + 3000)
    assert bench.board.cabinet.pieces_dropped == 1


def test_an_acknowledgement_and_a_report_may_come_in_one_piece() -> None:
    bench = Bench()
    bench.run(500)
    bench.board.faults.set("merge", times=1)
    said = bench.command(0x01, b"\x00\x0c")
    assert said.startswith(ACK)
    assert [each.command for each, _ in Reader().take(said)] == [0x42, 0x02]


def test_a_restart_in_the_middle_stops_the_motor_and_greets() -> None:
    bench = Bench()
    bench.drive()
    bench.run(bench.now_ms + 300)
    bench.board.restart(bench.now_ms)
    bench.run(bench.now_ms + 5000)
    assert bench.results() == [1]
    assert bench.heard[-1].command == 0x31
    assert (bench.board.cabinet.motor_starts, bench.board.cabinet.pieces_dropped) == (1, 0)


def test_without_power_the_board_is_deaf_and_dumb() -> None:
    bench = Bench()
    bench.board.power(False, 0)
    assert bench.board.tick(1000) == []
    assert bench.say(frame(0x01, 1, b"\x00\x0c")) == b""
    bench.board.power(True, 2000)
    bench.now_ms = 2000
    assert bench.turn() == frame(0x31, 1)


def test_a_silent_board_says_nothing() -> None:
    bench = Bench()
    bench.board.faults.set("silent")
    assert [bench.board.tick(at) for at in range(0, 2000, 50)] == [[]] * 40


# ---------------------------------------------------------------- faults by name


def test_a_fault_strikes_as_often_as_was_asked() -> None:
    faults = Faults(FAULTS)
    faults.set("jam", times=2)
    assert [faults.strikes("jam") for _ in range(3)] == [True, True, False]
    assert faults.names == ()


def test_a_fault_that_does_not_exist_is_answered_with_those_that_do() -> None:
    with pytest.raises(ValueError, match="found 'jamm', allowed jam, no_drop"):
        Faults(FAULTS).set("jamm")
    assert "jam" in FAULTS


def test_the_same_seed_makes_the_same_noise() -> None:
    def noise(seed: int) -> bytes:
        bench = Bench(XyBoard(Cabinet.of((11,)), BoardSettings(seed=seed)))
        bench.board.faults.set("garbage")
        return bench.turn()

    assert noise(4) == noise(4)
    assert noise(4) != noise(5)
