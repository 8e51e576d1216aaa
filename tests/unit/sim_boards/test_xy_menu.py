"""The simulated XY board's service menu, rarer frames, elevator and microwave, and the driver before them."""

from pathlib import Path

import pytest

from edge.core.faults import Fault, fault_of
from edge.core.model import Delivered, Kind, NotDelivered, Outcome
from edge.drivers.xy import entries
from edge.drivers.xy.session import Ended, Session
from edge.drivers.xy.settings import XySettings
from edge.ports import VendProgress
from hw_sim.boards.board import Faults
from hw_sim.boards.mechanics import Cabinet
from hw_sim.boards.xy import BoardSettings, XyBoard
from hw_sim.boards.xy_codec import Reader, frame
from hw_sim.boards.xy_faults import FAULTS
from hw_sim.boards.xy_further import Further
from hw_sim.boards.xy_menu import Menu
from tests.unit.drivers.xy_bench import order


def menu(cabinet: Cabinet | None = None, *faults: str) -> Menu:
    on = Faults(FAULTS)
    for name in faults:
        on.set(name)
    return Menu(cabinet or Cabinet.of((12, 23)), on)


def said(asked: str, of: Menu) -> str:
    return of.answer(bytes.fromhex(asked)).hex()


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        ("38 01 02 00 0c", "380100"),  # test of 12, no turn
        ("38 01 02 00 63", "380102"),  # there is no 99
        ("36 00 00", "3600000500"),
        ("47 00 00 0c", "47000000000000000000"),
        ("08 00", "0800" + b"0000012345".hex()),
        ("10 00", "100002"),
        ("24 00 01", "240001"),
        ("32 00", "32000000"),
        ("33 00", "330000"),
        ("54 01 00 01", "54010000"),
        ("50 01 00 00", "50010000"),
    ],
)
def test_the_menu_answers_as_the_document_lays_it_out(asked: str, answer: str) -> None:
    assert said(asked, menu()) == answer


def test_what_was_set_is_read_back_for_its_own_layer_or_cabinet_only() -> None:
    kept = menu()
    assert said("24 01 01 02", kept) == "240100"
    assert (said("24 00 01", kept), said("24 00 02", kept)) == ("240002", "240001")
    assert said("28 01 00 02 ee", kept) == "280100"
    assert said("28 00 00", kept) == "28000002ee0208"


def test_faults_stand_in_their_lists_until_they_are_cleared() -> None:
    cabinet = Cabinet.of((12, 23))
    cabinet.lanes[12].jammed = True
    cabinet.lanes[23].motor = False
    of = menu(cabinet, "no_probe")
    assert said("32 00", of) == "320001000c00"
    assert said("33 00", of) == "3300010017"
    assert said("36 00 00", of) == "3600000007"
    assert said("32 01", of) == "320100"
    assert said("32 00", of) == "32000000"


@pytest.mark.parametrize("kind", entries.ENTRIES)
@pytest.mark.parametrize("operation", [entries.READ, entries.SET])
def test_every_entry_that_the_driver_knows_is_answered_with_the_fields_it_expects(
    kind: int, operation: int
) -> None:
    entry = entries.ENTRIES[kind]
    lines = entry.set if operation else entry.read
    if lines is None:
        return
    size = sum(field.width for field in lines[0])
    answer = menu().answer(bytes((kind, operation)) + bytes((1,)) * size)
    found = entries.told(entries.ANSWER, answer)
    assert found is not None
    wanted = {field.name for field in lines[1] if field.name != "rest"}
    assert wanted <= set(found[1]), (found, wanted)


@pytest.mark.parametrize(
    ("command", "text", "answers"),
    [
        (0x13, "000c03", [(0x13, "000c03")]),
        (0x13, "03e904", [(0x13, "000c04")]),  # 1001: the whole of tray 1
        (0x12, "0000 000001f4", [(0x12, "000c000001f4"), (0x12, "0017000001f4")]),
        (0x25, "", [(0x26, "0000000000000064")]),
        (0x61, "01", [(0x62, "0100000a28")]),
        (0x80, "63", [(0x81, "01000000")]),
        (0x82, "0000", [(0x83, "000002000c0004e20017 0004e2")]),
        (0x84, "00011e", [(0x85, "000100")]),
        (0x86, "00000c000c", [(0x87, "000001000c0003ed0003e800000404e20102")]),
        (0x99, "00", []),
    ],
)
def test_the_rarer_frames_are_answered(command: int, text: str, answers: list[tuple[int, str]]) -> None:
    further = Further(Cabinet.of((12, 23)))
    told = further.hear(command, bytes.fromhex(text))
    assert told == [(each, bytes.fromhex(answer)) for each, answer in answers]


def test_the_board_turns_a_lane_for_the_menu_and_polls_as_often_as_it_is_told() -> None:
    board = XyBoard(Cabinet.of((12,)), BoardSettings(menu=True))
    written: list[int] = []
    commands = [frame(0x70, 9, bytes.fromhex("380101000c")), frame(0x16, 10, b"\x05")]
    for now in range(0, 4_000, 10):
        for piece in board.tick(now):
            written.append(now)
            asked = [each for each, _ in Reader().take(piece)]
            poll = bool(asked) and asked[0].command == 0x41
            board.hear(commands.pop(0) if poll and commands else frame_ack(), now)
    assert board.cabinet.lanes[12].starts == 1
    assert written[-1] - written[-2] == 500


def frame_ack() -> bytes:
    return bytes.fromhex("FAFB420043")


# ---------------------------------------------------------------- the driver in front of an elevator


def vend(board: XyBoard) -> tuple[Outcome, list[str]]:
    """One vend through the real session; its outcome and the steps on the way."""
    session = Session(XySettings(port=Path("/dev/null"), lift=True, status_every_s=0, settle_s=1))
    now, steps, asked = 1_000, list[str](), False
    session.opened(now)
    while now < 120_000:
        pieces = board.tick(now)
        while pieces:
            reply = session.receive(pieces.pop(0), now)
            pieces += board.hear(reply, now) if reply else []
        session.tick(now)
        for fact in session.facts():
            if isinstance(fact, VendProgress):
                steps.append(fact.step)
            if isinstance(fact, Ended) and not isinstance(fact.result, str):
                assert isinstance(fact.result, Outcome)
                return fact.result, steps
        if not asked and session.baseline(12) is not None:
            session.drive(order(), now)
            asked = True
        now += 10
    raise AssertionError("no outcome")


def test_a_meal_goes_through_elevator_and_microwave_step_by_step() -> None:
    board = XyBoard(Cabinet.of((12,)), BoardSettings(lift=True, microwave=True))
    outcome, steps = vend(board)
    assert isinstance(outcome, Delivered)
    assert steps == [
        *("dispensing", "elevator_up", "elevator_down", "into_microwave", "heating", "heating_left"),
        *("delivery_door_opening", "take_product", "delivery_door_closing"),
    ]


@pytest.mark.parametrize(
    ("fault", "common"), [("lift_stuck", Fault.LIFT_FAULT), ("door_stuck", Fault.PICKUP_DOOR)]
)
def test_what_stays_in_the_elevator_moved_and_the_next_vend_is_refused(fault: str, common: Fault) -> None:
    board = XyBoard(Cabinet.of((12,)), BoardSettings(lift=True))
    board.faults.set(fault, times=1)
    outcome, _ = vend(board)
    assert isinstance(outcome, NotDelivered)
    assert outcome.kind is Kind.MOVED
    assert fault_of(outcome.why) is common
    assert board.in_lift
    assert board._lane_status(12) == 5
