"""Judging a run that nobody watched: every row of the table, and boards whose power goes at every moment."""

from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.core.judge import Counts, Ending, Evidence, Intent, Record, Recovery, Witness, judge
from edge.core.model import Baseline, Delivered, Kind, NotDelivered, Outcome, Uncertain
from hw_sim.boards.recovery import COUNTERS, KINDS, RUNS, Board, Make

SEQ, BEFORE, LANE = 8, 7, 12
BASE = Baseline(seq=BEFORE, count=41)
NUMBERED = (Recovery.LATCHED, Recovery.TOKEN, Recovery.HISTORY, Recovery.READ_ONCE)
OLD = Record(seq=BEFORE, ending=Ending.DROPPED)


def intent(recovery: Recovery = Recovery.TOKEN, **witness: object) -> Intent:
    said = Witness(recovery=recovery, marks_start=True, drop_sensor=True)
    return Intent(lane=LANE, seq=SEQ, witness=replace(said, **witness))  # type: ignore[arg-type]


def ours(ending: Ending, *, seq: int = SEQ, lane: int | None = None) -> Evidence:
    return Evidence(records=(OLD, Record(seq=seq, ending=ending, lane=lane)), kept=True, words="read")


def counted(count: int | None, counts: Counts, *, bits: int = 32) -> Outcome:
    asked = intent(Recovery.COUNTERS, counts=counts, counter_bits=bits)
    return judge(asked, BASE, Evidence(count=count))


# ---------------------------------------------------------------- the rows of the table


@pytest.mark.parametrize("recovery", NUMBERED)
def test_a_good_record_with_our_number_is_delivered(recovery: Recovery) -> None:
    outcome = judge(intent(recovery), BASE, ours(Ending.DROPPED))
    assert outcome == Delivered(evidence="read")


@pytest.mark.parametrize(
    ("ending", "why"), [(Ending.JAM, "jam"), (Ending.MOTOR_FAULT, "motor_fault"), (Ending.RAN, "no_drop")]
)
def test_a_bad_record_with_our_number_gives_the_money_back(ending: Ending, why: str) -> None:
    outcome = judge(intent(), BASE, ours(ending))
    assert outcome == NotDelivered(kind=Kind.MOVED, why=why, evidence="read")


def test_a_motor_that_came_round_is_enough_only_where_no_sensor_looks() -> None:
    assert isinstance(judge(intent(drop_sensor=False), BASE, ours(Ending.RAN)), Delivered)
    assert isinstance(judge(intent(drop_sensor=True), BASE, ours(Ending.RAN)), NotDelivered)


def test_an_interrupted_run_is_settled_by_its_latch_or_its_counter_or_is_doubt() -> None:
    cut = ours(Ending.INTERRUPTED)
    assert isinstance(judge(intent(), BASE, replace(cut, fell=True)), Delivered)
    assert isinstance(judge(intent(), BASE, replace(cut, fell=False)), Uncertain)
    assert isinstance(judge(intent(), BASE, cut), Uncertain)
    counting = intent(counts=Counts.DROPS, counter_bits=32)
    assert isinstance(judge(counting, BASE, replace(cut, count=42)), Delivered)
    assert isinstance(judge(counting, BASE, replace(cut, count=41)), NotDelivered)


def test_an_unchanged_record_that_was_kept_proves_that_nothing_moved() -> None:
    unchanged = Evidence(records=(OLD,), kept=True)
    outcome = judge(intent(), BASE, unchanged)
    assert isinstance(outcome, NotDelivered)
    assert outcome.kind is Kind.NOT_MOVED
    assert isinstance(judge(intent(), BASE, replace(unchanged, kept=False)), Uncertain)
    assert isinstance(judge(intent(marks_start=False), BASE, unchanged), Uncertain)


def test_any_other_record_proves_nothing() -> None:
    assert judge(intent(), BASE, ours(Ending.DROPPED, seq=9)) == Uncertain(why="overwritten", evidence="read")
    assert isinstance(judge(intent(), BASE, ours(Ending.DROPPED, lane=LANE + 1)), Uncertain)


@pytest.mark.parametrize("kept", [True, False])
def test_a_record_that_the_baseline_had_already_is_never_ours(kept: bool) -> None:
    reused = Intent(lane=LANE, seq=BEFORE, witness=intent().witness)
    assert isinstance(judge(reused, BASE, Evidence(records=(OLD,), kept=kept)), Uncertain)


def test_a_long_history_may_hold_our_number_from_last_time() -> None:
    last_time = Record(seq=SEQ, ending=Ending.DROPPED)
    told = Evidence(records=(last_time, OLD), kept=True)
    outcome = judge(intent(Recovery.HISTORY), BASE, told)
    assert isinstance(outcome, NotDelivered)
    assert outcome.kind is Kind.NOT_MOVED
    rolled = Evidence(records=(last_time, Record(seq=9, ending=Ending.JAM)), kept=True)
    assert isinstance(judge(intent(Recovery.HISTORY), BASE, rolled), Uncertain)


def test_what_is_read_once_and_is_not_there_proves_nothing() -> None:
    assert isinstance(judge(intent(Recovery.READ_ONCE), BASE, Evidence(kept=True)), Uncertain)
    assert isinstance(judge(intent(Recovery.READ_ONCE), Baseline(), Evidence(kept=True)), Uncertain)


def test_a_counter_that_the_drop_moves_proves_both_ways() -> None:
    assert isinstance(counted(42, Counts.DROPS), Delivered)
    assert isinstance(counted(41, Counts.DROPS), NotDelivered)


def test_a_counter_of_starts_or_of_ends_proves_one_way_only() -> None:
    assert isinstance(counted(42, Counts.ENDS), Delivered)
    assert isinstance(counted(41, Counts.ENDS), Uncertain)
    began = counted(41, Counts.STARTS)
    assert isinstance(began, NotDelivered)
    assert began.kind is Kind.NOT_MOVED
    assert isinstance(counted(42, Counts.STARTS), Uncertain)


@pytest.mark.parametrize("count", [None, 0, 40, 43, 2**32])
def test_a_counter_that_moved_otherwise_is_doubt(count: int | None) -> None:
    for counts in Counts:
        assert isinstance(counted(count, counts), Uncertain)


def test_a_counter_that_wraps_within_a_machines_life_is_no_witness() -> None:
    assert isinstance(counted(42, Counts.DROPS, bits=16), Uncertain)
    undeclared = judge(intent(Recovery.NONE), BASE, Evidence(count=42))
    assert isinstance(undeclared, Uncertain)


@pytest.mark.parametrize("recovery", Recovery)
def test_a_report_that_is_still_repeated_is_what_it_says(recovery: Recovery) -> None:
    assert isinstance(judge(intent(recovery), BASE, Evidence(repeated=Ending.DROPPED)), Delivered)
    assert isinstance(judge(intent(recovery), BASE, Evidence(repeated=Ending.JAM)), NotDelivered)


@pytest.mark.parametrize("recovery", Recovery)
def test_silence_and_a_motor_that_still_turns_are_doubt(recovery: Recovery) -> None:
    silent = replace(ours(Ending.DROPPED), answered=False)
    assert judge(intent(recovery), BASE, silent) == Uncertain(why="no_answer", evidence="read")
    assert isinstance(judge(intent(recovery), BASE, replace(silent, answered=True, running=True)), Uncertain)


def test_a_door_that_opened_gave_its_goods_and_a_shut_one_says_nothing() -> None:
    assert isinstance(judge(intent(Recovery.DOOR), BASE, Evidence(fell=True)), Delivered)
    assert isinstance(judge(intent(Recovery.DOOR), BASE, Evidence(fell=False)), Uncertain)


_RECORDS = st.builds(
    Record, seq=st.integers(0, 9), ending=st.sampled_from(Ending), lane=st.sampled_from((None, 12, 13))
)
_EVIDENCE = st.builds(
    Evidence,
    answered=st.booleans(),
    repeated=st.none() | st.sampled_from(Ending),
    records=st.lists(_RECORDS, max_size=3).map(tuple),
    kept=st.booleans(),
    fell=st.none() | st.booleans(),
    running=st.booleans(),
    count=st.none() | st.integers(-1, 50),
)
_WITNESS = st.builds(
    Witness,
    recovery=st.sampled_from(Recovery),
    marks_start=st.booleans(),
    drop_sensor=st.booleans(),
    counts=st.sampled_from(Counts),
    counter_bits=st.sampled_from((0, 8, 16, 32, 64)),
)


@given(
    _WITNESS,
    st.builds(Baseline, seq=st.none() | st.integers(0, 9), count=st.none() | st.integers(0, 50)),
    _EVIDENCE,
)
def test_there_is_an_outcome_whatever_was_read(witness: Witness, base: Baseline, read: Evidence) -> None:
    outcome = judge(Intent(lane=LANE, seq=SEQ, witness=witness), base, read)
    assert isinstance(outcome, Delivered | NotDelivered | Uncertain)
    if isinstance(outcome, Uncertain):
        assert outcome.why in {"no_answer", "still_running", "overwritten", "no_memory", "power"}


# ---------------------------------------------------------------- boards whose power goes


def makes() -> list[Make]:
    either = (False, True)
    return [
        Make(kind=kind, counter=counter, keeps=keeps, marks=marks, sensor=sensor, latch=latch)
        for kind, counter in product(KINDS, COUNTERS)
        for keeps, marks, sensor, latch in product(either, repeat=4)
    ]


def ask(board: Board, base: Baseline = BASE) -> Outcome:
    """As a driver of such a board: declare what it can do, read what it says."""
    make = board.make
    witness = Witness(
        recovery=Recovery(make.kind),
        marks_start=make.marks,
        drop_sensor=make.sensor,
        counts=Counts(make.counter),
        counter_bits=32 if make.counter != "nothing" else 0,
    )
    read = Evidence(
        records=tuple(Record(seq=seq, ending=Ending(how)) for seq, how in board.read()),
        kept=make.keeps or not board.has_restarted,
        fell=board.fell if make.latch or make.kind == "door" else None,
        running=board.running,
        count=board.count if make.counter != "nothing" else None,
    )
    return judge(Intent(lane=LANE, seq=SEQ, witness=witness), base, read)


def lies(board: Board, outcome: Outcome, run: str) -> bool:
    """A piece that no sensor saw is the sensor's lie, which the brakes are for, and not the judge's."""
    blind = run == "unseen" and board.make.sensor
    match outcome:
        case Delivered():
            return board.fallen == 0 and board.make.sensor
        case NotDelivered(kind=Kind.NOT_MOVED):
            return board.started > 0
        case NotDelivered():
            return board.fallen > 0 and not blind
    return False


def test_a_new_counter_that_a_cut_set_back_to_nothing_proves_nothing() -> None:
    for run in RUNS:
        for moment in range(4):
            board = Board(Make(kind="counters", counter="starts", keeps=False), count=0)
            for happens in board.moments(SEQ, run)[:moment]:
                happens()
            board.cut()
            assert isinstance(ask(board, base=Baseline(count=0)), Uncertain)


@pytest.mark.parametrize("kind", KINDS)
def test_a_board_cut_at_any_moment_of_a_run_is_judged_truly_or_in_doubt(kind: str) -> None:
    seen: set[type] = set()
    for make, run in product([make for make in makes() if make.kind == kind], RUNS):
        for moment in range(len(Board(make).moments(SEQ, run)) + 1):
            board = Board(make)
            for happens in board.moments(SEQ, run)[:moment]:
                happens()
            board.cut()
            outcome = ask(board)
            assert not lies(board, outcome, run), (make, run, moment, outcome)
            seen.add(type(outcome))
    assert Uncertain in seen


@pytest.mark.parametrize("kind", KINDS)
def test_a_host_that_restarts_beside_a_living_board_is_told_truly_or_in_doubt(kind: str) -> None:
    for make, run in product([make for make in makes() if make.kind == kind], RUNS):
        for moment in range(len(Board(make).moments(SEQ, run)) + 1):
            board = Board(make)
            for happens in board.moments(SEQ, run)[:moment]:
                happens()
            outcome = ask(board)
            if moment and not board.running and board.started:
                assert not lies(board, outcome, run), (make, run, moment, outcome)
            elif board.running:
                assert isinstance(outcome, Uncertain)


def test_a_board_that_keeps_number_latch_and_drops_is_never_in_doubt_after_its_mark() -> None:
    make = Make(kind="latched", counter="drops", latch=True)
    for moment in range(len(Board(make).moments(SEQ, "good")) + 1):
        board = Board(make)
        for happens in board.moments(SEQ, "good")[:moment]:
            happens()
        board.cut()
        assert isinstance(ask(board), Delivered if board.fallen else NotDelivered)
