"""Lines that give our own bytes back: an echo is no answer, also where the answer is the same bytes."""

from pathlib import Path
from typing import Any

import pytest

from edge.core.model import Delivered, Outcome, VendOrder
from edge.drivers.echo import SILENT, Echo
from edge.drivers.registry import BUSES, make_dispenser
from hw_sim.boards.board import Board
from hw_sim.boards.mechanics import Cabinet
from hw_sim.boards.shelf import Wanted, make_board
from tests.unit.drivers.line import Shop

ASKED, SAID = b"\x01\x02\x03\x04", b"\x01\x02\x09"
LANES = (11, 12, 13)


def learnt(*, echoes: bool) -> Echo:
    echo = Echo()
    echo.wrote(ASKED, alike=False)
    echo.heard(ASKED if echoes else SAID)
    return echo


@pytest.mark.parametrize("cut", range(1, len(ASKED + SAID)))
def test_an_echo_is_taken_out_wherever_the_reads_were_cut(cut: int) -> None:
    echo, line = Echo(), ASKED + SAID
    echo.wrote(ASKED, alike=False)
    assert echo.heard(line[:cut]) + echo.heard(line[cut:]) == SAID
    assert echo.echoes


@pytest.mark.parametrize("cut", range(1, len(SAID)))
def test_an_answer_that_begins_like_the_question_is_heard_whole(cut: int) -> None:
    echo = Echo()
    echo.wrote(ASKED, alike=False)
    assert echo.heard(SAID[:cut]) + echo.heard(SAID[cut:]) == SAID
    assert not echo.echoes


def test_an_answer_of_the_same_bytes_is_heard_on_a_line_that_does_not_echo() -> None:
    echo = learnt(echoes=False)
    echo.wrote(ASKED, alike=True)
    assert echo.heard(ASKED) == ASKED


def test_on_a_line_that_echoes_the_second_copy_is_the_answer() -> None:
    echo = learnt(echoes=True)
    echo.wrote(ASKED, alike=True)
    assert echo.heard(ASKED) == b""
    assert echo.heard(ASKED) == ASKED


@pytest.mark.parametrize("noise", [b"\xfe", b"\x01\x02", b"\x01\x02\x03\xfe"])
@pytest.mark.parametrize("cut", range(1, 8))
def test_noise_before_an_echo_does_not_make_it_an_answer(noise: bytes, cut: int) -> None:
    echo, line = learnt(echoes=True), noise + ASKED
    echo.wrote(ASKED, alike=True)
    assert echo.heard(line[:cut]) + echo.heard(line[cut:]) == noise
    assert echo.heard(ASKED) == ASKED


def test_one_copy_that_got_lost_does_not_make_a_line_silent_and_several_do() -> None:
    echo = learnt(echoes=True)
    for number in range(1, SILENT + 1):
        echo.wrote(ASKED, alike=False)
        assert echo.heard(SAID) == SAID
        assert echo.echoes is (number < SILENT)


def test_what_was_begun_and_never_ended_is_forgotten_with_the_next_question() -> None:
    echo = Echo()
    echo.wrote(ASKED, alike=False)
    assert echo.heard(ASKED[:2]) == b""
    echo.wrote(ASKED, alike=False)
    assert echo.heard(SAID) == SAID
    assert echo.heard(b"more") == b"more"


# ---------------------------------------------------------------- drivers on such a line


def shop(bus: str, *faults: str) -> Shop:
    own: dict[str, Any] = {"relay": {"relays": 16, "accept_without_proof": True}}.get(bus, {})
    settings = BUSES[bus]().settings(port=Path("/dev/null"), lanes=LANES, **own)
    turn_ms = 700 if bus in ("lock8a", "relay") else 1200
    board: Board = make_board(bus, Cabinet.of(LANES, stock=30), Wanted(turn_ms=turn_ms))
    board.faults.set("echo")
    made = Shop(board, lambda clock, wire: make_dispenser(settings, clock, port=wire)).up()
    for fault in faults:
        board.faults.set(fault, times=1)
    return made


def vend(made: Shop, order: VendOrder, *faults: str) -> Outcome:
    for fault in faults:
        made.board.faults.set(fault, times=1)
    return made.do(made.dispenser.vend(order))


@pytest.mark.parametrize("bus", ["m102", "ziman", "lock8a", "relay", "zdm8", "jinma", "tcn", "tcn-lifter"])
def test_a_line_that_echoes_sells_as_any_other(bus: str) -> None:
    made = shop(bus)
    assert isinstance(made.vend(), Delivered)
    assert made.fallen == 1


@pytest.mark.parametrize("bus", ["lock8a", "relay", "m102", "ziman"])
def test_the_echo_of_a_start_that_nobody_heard_is_no_delivery(bus: str) -> None:
    made = shop(bus)
    outcome = vend(made, made.order(), "lose_command")
    assert not isinstance(outcome, Delivered)
    assert made.starts == 0
