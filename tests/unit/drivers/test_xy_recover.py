"""A recovery on the XY bus: what the board still says of an interrupted vend, and never a motor frame."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.core.model import Delivered, NotDelivered, Outcome, Uncertain
from edge.drivers.xy.session import BOARD_START_MS
from tests.unit.drivers.xy_bench import Bench, commands, frame, order


def recovering(*, up: bool = True, **fields: object) -> Bench:
    """A daemon that has just started, finds the board or not, and asks what became of a vend."""
    bench = Bench(status_every_s=0)
    if up:
        bench.start()
    bench.session.listen(order(start_before_ms=0), bench.now_ms)
    bench.facts += bench.session.facts()
    return bench


def only(bench: Bench) -> str | Outcome:
    (result,) = bench.results()
    return result


def test_a_result_that_the_board_still_repeats_is_believed() -> None:
    bench = recovering()
    bench.tell(0x04, "02000c")
    outcome = only(bench)
    assert isinstance(outcome, Delivered)
    assert "stock was 5" in outcome.evidence
    assert bench.moved() == 0


def test_a_failure_that_the_board_still_repeats_is_believed() -> None:
    bench = recovering()
    bench.tell(0x04, "03000c")
    assert isinstance(only(bench), NotDelivered)


def test_a_result_that_came_before_anybody_asked_is_heard() -> None:
    bench = Bench()
    bench.poll()
    bench.tell(0x04, "02000c")
    bench.session.listen(order(), bench.now_ms)
    bench.facts += bench.session.facts()
    assert isinstance(only(bench), Delivered)


def test_a_result_that_is_too_old_is_not_this_vends() -> None:
    bench = Bench(status_every_s=0).start()
    bench.tell(0x04, "02000c")
    bench.wait(31)
    bench.session.listen(order(), bench.now_ms)
    bench.poll()
    bench.ack()
    bench.wait(2)
    assert isinstance(only(bench), Uncertain)


def test_a_board_that_says_nothing_proves_nothing() -> None:
    bench = recovering()
    bench.poll()
    bench.ack()
    bench.wait(3)
    outcome = only(bench)
    assert isinstance(outcome, Uncertain)
    assert outcome.why == "no_memory"
    assert bench.moved() == 0


def test_a_motor_that_still_turns_is_watched_to_its_end() -> None:
    bench = recovering()
    bench.poll()
    bench.ack()
    bench.tell(0x04, "01000c")
    bench.wait(30)
    assert bench.results() == []
    bench.tell(0x04, "02000c")
    assert isinstance(only(bench), Delivered)


def test_an_end_alone_may_be_of_an_earlier_vend() -> None:
    bench = recovering()
    bench.tell(0x04, "ff000c")
    assert bench.results() == []


def test_a_sensor_fault_is_no_proof_that_nothing_turned() -> None:
    bench = recovering()
    bench.tell(0x04, "0a000c")
    outcome = only(bench)
    assert isinstance(outcome, NotDelivered)
    assert outcome.kind == "moved"


def test_a_board_that_starts_later_than_we_do_gets_its_time() -> None:
    bench = recovering(up=False)
    bench.wait(BOARD_START_MS / 1000 - 1, polling=False)
    assert bench.results() == []
    bench.start()
    bench.tell(0x04, "02000c")
    assert isinstance(only(bench), Delivered)


def test_a_board_that_never_comes_is_doubt_within_bounds() -> None:
    bench = recovering(up=False)
    bench.wait(BOARD_START_MS / 1000 + 4, polling=False)
    assert isinstance(only(bench), Uncertain)
    assert bench.written == b""


def test_only_harmless_questions_are_asked() -> None:
    bench = recovering()
    assert commands(bench.poll()) == [(0x53, 3, b"")]
    bench.ack()
    bench.tell(0x54, "01")
    bench.wait(2)
    outcome = only(bench)
    assert isinstance(outcome, Uncertain)
    assert "54 product in elevator" in outcome.evidence


_REPORTS = st.tuples(
    st.sampled_from([0x02, 0x04, 0x05, 0x11, 0x21, 0x23, 0x31, 0x52, 0x54]), st.binary(max_size=12)
)
_NOISE = st.binary(min_size=1, max_size=40)


@given(st.lists(st.one_of(_REPORTS, _NOISE, st.sampled_from(["poll", "ack", "wait", "gone"])), max_size=40))
def test_whatever_the_board_says_a_recovery_moves_nothing(
    said: list[tuple[int, bytes] | bytes | str],
) -> None:
    bench = recovering(up=False)
    for pack_no, each in enumerate(said):
        match each:
            case "poll":
                bench.poll()
            case "ack":
                bench.ack()
            case "wait":
                bench.now_ms += 700
                bench.session.tick(bench.now_ms)
            case "gone":
                bench.session.lost(bench.now_ms)
                bench.session.opened(bench.now_ms)
            case (int(cmd), bytes(text)):
                bench.read(frame(cmd, pack_no % 255 + 1, text))
            case bytes(noise):
                bench.read(noise)
    bench.facts += bench.session.facts()
    assert bench.moved() == 0
    assert len(bench.results()) <= 1


@pytest.mark.parametrize("wait_s", [0.0, 0.5, 5.0])
def test_a_recovery_that_is_given_up_leaves_nothing_behind(wait_s: float) -> None:
    bench = recovering()
    bench.session.abandon(bench.now_ms)
    bench.now_ms += int(wait_s * 1000)
    bench.session.ask(12, bench.now_ms)
    bench.poll()
    bench.ack()
    bench.poll()
    bench.ack()
    bench.tell(0x02, "01000c")
    assert bench.results() == [""]
