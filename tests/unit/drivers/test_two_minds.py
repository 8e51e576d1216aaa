"""Boards whose motor and whose drop sensor do not agree on a run: neither is believed alone, it is doubt."""

from pathlib import Path

import pytest

from edge.core.model import NotDelivered, Uncertain
from edge.drivers.registry import BUSES, make_dispenser
from hw_sim.boards.mechanics import Cabinet
from hw_sim.boards.shelf import Wanted, make_board
from tests.unit.drivers.line import Shop

LANES = (11, 12, 13)


def shop(bus: str, *faults: str) -> Shop:
    settings = BUSES[bus]().settings(port=Path("/dev/null"), lanes=LANES)
    board = make_board(bus, Cabinet.of(LANES, stock=30), Wanted())
    for fault in faults:
        board.faults.set(fault, times=1)
    return Shop(board, lambda clock, wire: make_dispenser(settings, clock, port=wire)).up()


@pytest.mark.parametrize(
    ("bus", "faults", "why"),
    [
        ("m102", ("over_current",), "contradictory"),
        ("adh814", ("over_current",), "contradictory"),
        ("jinma", ("sensor_lost",), "sensor_fault"),
        ("jinma", ("sensor_lost", "over_current"), "sensor_fault"),
    ],
)
def test_a_piece_that_fell_in_a_run_that_is_called_a_failure_is_doubt(
    bus: str, faults: tuple[str, ...], why: str
) -> None:
    made = shop(bus, *faults)
    outcome = made.vend()
    assert made.fallen == 1
    assert isinstance(outcome, Uncertain)
    assert outcome.why == why


@pytest.mark.parametrize("bus", ["m102", "adh814", "jinma"])
@pytest.mark.parametrize("faults", [("no_drop",), ("jam",), ("no_drop", "over_current"), ("motor_missing",)])
def test_a_failure_in_which_both_agree_is_one(bus: str, faults: tuple[str, ...]) -> None:
    made = shop(bus, *faults)
    assert isinstance(made.vend(), NotDelivered)
    assert made.fallen == 0
