"""What is asked every few seconds is told when it is news, and not each time."""

from pathlib import Path

from edge.drivers.registry import BUSES, make_dispenser
from edge.ports import BusEvent, ClimateReported, LaneReported
from hw_sim.boards.lock8a import Lock8aBoard
from hw_sim.boards.mechanics import Cabinet
from hw_sim.boards.shelf import Wanted, make_board
from tests.unit.drivers.line import Shop

LANES = (11, 12, 13)


def shop(bus: str) -> Shop:
    settings = BUSES[bus]().settings(port=Path("/dev/null"), lanes=LANES)
    board = make_board(bus, Cabinet.of(LANES, stock=30), Wanted(turn_ms=700))
    return Shop(board, lambda clock, wire: make_dispenser(settings, clock, port=wire)).up()


def since(made: Shop, seconds: float) -> list[BusEvent]:
    """What is told in the time to come."""
    before = len(made.told)
    made.wait(seconds)
    return made.told[before:]


def test_a_temperature_is_told_at_the_start_and_when_it_changes() -> None:
    made = shop("adh814")
    assert ClimateReported(temperature_c=5, door_open=None) in made.told
    assert since(made, 60) == []
    made.board.cabinet.temperature_c = 9
    assert since(made, 60) == [ClimateReported(temperature_c=9, door_open=None)]


def test_a_new_daemon_is_told_what_the_last_one_knew() -> None:
    made = shop("adh814")
    before = len(made.told)
    made.start()
    made.wait(10)
    assert ClimateReported(temperature_c=5, door_open=None) in made.told[before:]


def test_a_locker_tells_of_the_door_that_was_opened_or_shut_and_of_no_other() -> None:
    made = shop("lock8a")
    assert since(made, 60) == []
    board = made.board
    assert isinstance(board, Lock8aBoard)
    board.open.add(12)
    assert since(made, 10) == [LaneReported(lane=12, stock=None, capacity=None, fault="door_open")]
    board.shut(12)
    assert since(made, 10) == [LaneReported(lane=12, stock=None, capacity=None)]
