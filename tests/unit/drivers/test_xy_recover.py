"""A recovery on the XY bus: what the board still says of an interrupted vend, and never a motor frame."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.core.model import Baseline, Delivered, NotDelivered, Outcome, Uncertain
from edge.drivers.xy.menu import sales
from edge.drivers.xy.messages import AskMenu, MenuAnswer
from edge.drivers.xy.session import BOARD_START_MS, Ended, Session
from edge.drivers.xy.settings import XySettings
from edge.ports import BusDown
from hw_sim.boards.mechanics import Cabinet
from hw_sim.boards.xy import BoardSettings, XyBoard
from tests.unit.drivers.xy_bench import Bench, commands, frame, order


def recovering(*, up: bool = True, **fields: object) -> Bench:
    """A daemon that has just started, finds the board or not, and asks what became of a vend."""
    bench = Bench(status_every_s=0)
    if up:
        bench.start()
    bench.session.listen(order(start_before_ms=0), bench.now_ms)
    bench.facts += bench.session.facts()
    return bench


def only(bench: Bench) -> str | Outcome | MenuAnswer:
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


# ---------------------------------------------------------------- what the menu keeps


def remembering(count: int | None, *, answers: bool = True, **settings: object) -> Bench:
    """A daemon that starts anew, whose board has a menu that says how often the lane ever sold."""
    bench = Bench(status_every_s=0, **{"service_menu": True, "sales_count_vends": True, **settings}).start()
    before = replace(order(start_before_ms=0), baseline=Baseline(stock=5, count=41))
    bench.session.listen(before, bench.now_ms)
    asked = []
    for _ in range(40):
        for cmd, _, text in commands(bench.poll()):
            bench.ack()
            asked.append((cmd, text))
            if cmd == 0x70 and text[0] == 0x47 and count is not None and answers:
                bench.tell(0x71, b"\x47\x00" + count.to_bytes(4, "big") + bytes(4))
            elif cmd == 0x70 and text[0] == 0x32 and answers:
                bench.tell(0x71, "320002000c001700")
        bench.session.tick(bench.now_ms)
        bench.facts += bench.session.facts()
    assert [text[0] for cmd, text in asked if cmd == 0x70] == [0x47, 0x42, 0x32, 0x33]
    assert all(text[1] == 0 for cmd, text in asked if cmd == 0x70), "reading requests alone"
    assert bench.moved() == 0
    return bench


def test_one_sale_more_than_before_the_motor_is_a_delivery() -> None:
    outcome = only(remembering(42))
    assert isinstance(outcome, Delivered)
    assert "sold 42 ever" in outcome.evidence


@pytest.mark.parametrize("count", [0, 40, 41, 43, None])
def test_any_other_count_of_sales_is_doubt(count: int | None) -> None:
    """As many as before may mean that the power went before the board counted."""
    assert isinstance(only(remembering(count)), Uncertain)


def test_a_count_proves_nothing_where_nobody_said_that_it_counts_vends() -> None:
    outcome = only(remembering(42, sales_count_vends=False))
    assert isinstance(outcome, Uncertain)
    assert "sold 42 ever" in outcome.evidence
    assert "in the list of jams" in outcome.evidence


def test_a_board_without_a_menu_is_doubt_as_before_and_stays_up() -> None:
    bench = remembering(None, answers=False)
    assert isinstance(only(bench), Uncertain)
    assert not any(isinstance(fact, BusDown) for fact in bench.facts)


def test_the_baseline_has_the_count_that_was_just_told_and_uses_it_up() -> None:
    bench = Bench(status_every_s=0, service_menu=True, sales_count_vends=True).start()
    bench.session.consult(AskMenu(0x47, 12), bench.now_ms, wait_s=3)
    assert commands(bench.poll()) == [(0x70, 3, bytes.fromhex("4700000c"))]
    bench.ack()
    bench.tell(0x71, "47000000002900000000")
    (told,) = bench.results()
    assert isinstance(told, MenuAnswer)
    bench.session.sold(12, sales(told))
    first, second = bench.session.baseline(12), bench.session.baseline(12)
    assert first is not None
    assert (first.stock, first.count) == (5, 41)
    assert second == replace(first, count=None)


def test_a_menu_that_was_late_once_is_not_believed_until_the_board_is_known_anew() -> None:
    """Its answer bears no selection: it could be taken for the next lane's."""
    bench = Bench(status_every_s=0, service_menu=True, sales_count_vends=True).start()
    bench.session.consult(AskMenu(0x47, 12), bench.now_ms, wait_s=3)
    bench.poll()
    bench.ack()
    bench.wait(4)
    assert bench.results() == [""]
    bench.session.consult(AskMenu(0x47, 13), bench.now_ms, wait_s=3)
    assert commands(bench.poll()) == []
    bench.tell(0x71, "47000000002900000000")
    known = bench.session.baseline(13)
    assert known is not None
    assert known.count is None


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


# ---------------------------------------------------------------- a whole board, cut at every moment


def test_a_board_with_a_menu_cut_at_any_moment_of_a_vend_is_judged_truly_or_in_doubt() -> None:
    """The simulated board keeps its menu through the cut; the driver is a new one, as after a restart."""
    ends: set[type] = set()
    for cut_ms in range(0, 3_000, 100):
        cabinet = Cabinet.of((12,))
        board = XyBoard(cabinet, BoardSettings(turn_ms=1_000, menu=True, poll_ms=200))
        first = Line(board, sales_count_vends=True).run_until_up()
        first.count(12)
        before = first.session.baseline(12)
        assert before is not None
        assert before.count == 0
        begun = replace(order(), baseline=before)
        first.session.drive(begun, first.now_ms)
        first.run(cut_ms)
        board.restart(first.now_ms)
        second = Line(board, now_ms=first.now_ms + 500, sales_count_vends=True)
        second.session.listen(begun, second.now_ms)
        second.run(60_000)
        (outcome,) = second.results
        if isinstance(outcome, Delivered):
            assert cabinet.pieces_dropped == 1, cut_ms
        assert not isinstance(outcome, NotDelivered), cut_ms
        ends.add(type(outcome))
        assert cabinet.motor_starts <= 1
    assert ends == {Delivered, Uncertain}


class Line:
    """A driver's session and a simulated board, in steps of a few milliseconds."""

    def __init__(self, board: XyBoard, *, now_ms: int = 1_000, **settings: object) -> None:
        self.board, self.now_ms, self.results = board, now_ms, list[str | Outcome | MenuAnswer]()
        chosen = {"service_menu": True, "status_every_s": 0, **settings}
        self.session = Session(XySettings(port=Path("/dev/null"), **chosen))  # type: ignore[arg-type]
        self.session.opened(now_ms)

    def run(self, ms: int) -> None:
        until_ms = self.now_ms + ms
        while self.now_ms < until_ms and not self.results:
            for piece in self.board.tick(self.now_ms):
                self._hear(piece)
            self.now_ms += 10
            self.session.tick(self.now_ms)
            self.results += [fact.result for fact in self.session.facts() if isinstance(fact, Ended)]

    def _hear(self, piece: bytes) -> None:
        reply = self.session.receive(piece, self.now_ms)
        for more in self.board.hear(reply, self.now_ms) if reply else ():
            self._hear(more)

    def run_until_up(self) -> "Line":
        while self.session.baseline(12) is None:
            self.run(100)
        return self

    def count(self, lane: int) -> None:
        self.session.consult(AskMenu(0x47, lane), self.now_ms, wait_s=3)
        self.run(5_000)
        (told,) = self.results
        assert isinstance(told, MenuAnswer)
        self.session.sold(lane, sales(told))
        self.results.clear()
