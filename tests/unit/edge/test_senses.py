"""What facts about the surroundings change: the newest word on the board counts, doubt waits for its end."""

import pytest

from edge.core.alarms import alarms
from edge.core.machine import Machine, at_start, obstacle, stop_reason
from edge.core.model import ClearAlarm, RaiseAlarm
from edge.ports import BusDown, BusUp, TroubleTold
from edge.senses import seen

MACHINE = Machine(machine="vm-0001")


def test_a_machine_begins_by_starting_and_accuses_no_board() -> None:
    assert stop_reason(at_start("vm-0001", (20, 400), confirmed=True)) == "starting"


@pytest.mark.parametrize(
    ("why", "reason"),
    [
        ("port", "bus_port"),
        ("silent", "bus_silent"),
        ("no_ack", "bus_deaf"),
        ("board_restarted", "starting"),
        ("identifying", "starting"),
        ("doubt", "board_doubt"),
    ],
)
def test_each_reason_of_a_board_has_a_name_and_ends_when_it_is_up(why: str, reason: str) -> None:
    down = seen(MACHINE, BusDown(why=why))
    assert down.stops == {reason}
    assert obstacle(down, 12, 0) == reason
    assert seen(down, BusUp(identity="XY")).stops == frozenset()


def test_the_newest_word_replaces_the_ones_before() -> None:
    machine = MACHINE
    for why in ("port", "silent", "identifying", "no_ack"):
        machine = seen(machine, BusDown(why=why))
    assert machine.stops == {"bus_deaf"}


def test_doubt_outlasts_every_other_word_until_the_board_is_up() -> None:
    machine = seen(seen(MACHINE, BusDown(why="doubt")), BusDown(why="board_restarted"))
    assert machine.stops == {"board_doubt", "starting"}
    assert stop_reason(machine) == "board_doubt"


def test_a_trouble_is_an_alarm_that_stops_no_sale_and_is_raised_once() -> None:
    forged = seen(MACHINE, TroubleTold(name="link_forged", text="3 of late"))
    assert forged.stops == frozenset()
    assert alarms(MACHINE, forged) == (RaiseAlarm(name="link_forged", text="3 of late"),)
    both = seen(forged, TroubleTold(name="bus_noise", text="20 of late"))
    again = seen(both, TroubleTold(name="link_forged", text="9 of late"))
    assert alarms(both, again) == ()
    over = seen(again, TroubleTold(name="link_forged", text=""))
    assert alarms(again, over) == (ClearAlarm(name="link_forged"),)
    assert set(over.troubles) == {"bus_noise"}
