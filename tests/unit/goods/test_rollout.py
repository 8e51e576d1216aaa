"""An edition goes out in waves, and no further once a machine refuses it or keeps it waiting."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from cloud_bridge.core.rollout import At, Ride, Rollout, Stage, Standing, Stop, begin, go_on, step

NAMES = [f"vm-{number:04}" for number in range(1, 10)]
MINUTE_MS = 60_000


class Road:
    """Machines that answer as a test says."""

    def __init__(self, names: Sequence[str] = NAMES, *, at_once: bool = False) -> None:
        self.rollout, self.stops = begin(7, names, 10, at_once=at_once)
        self.told: dict[str, Standing] = {}
        self.away: set[str] = set()
        self.wall_ms = 1_000_000

    def look(self) -> tuple[str, ...]:
        ride = step(
            self.rollout,
            self.stops,
            self.told,
            live=lambda machine: machine not in self.away,
            wall_ms=self.wall_ms,
        )
        self.rollout, self.stops = ride.rollout, ride.stops
        return ride.offer

    def takes(self, *names: str) -> None:
        self.told |= {name: Standing(machine=name, jid="j", boot=1, runs=7) for name in names}

    def refuses(self, name: str) -> None:
        self.told[name] = Standing(machine=name, jid="j", boot=1, runs=6, refused=7, why="lanes[0].glow")

    def at(self, name: str) -> At:
        return next(stop.at for stop in self.stops if stop.machine == name)


def test_one_machine_goes_first_then_a_quarter_then_the_rest() -> None:
    road = Road()
    first = road.look()
    assert (first, road.look()) == ((NAMES[0],), ())
    road.takes(*first)
    second = road.look()
    assert second == tuple(NAMES[1:4])
    road.takes(*second[:2])
    assert road.look() == ()
    road.takes(second[2])
    assert road.look() == tuple(NAMES[4:])
    road.takes(*NAMES)
    road.look()
    assert road.rollout.stage is Stage.DONE


@pytest.mark.parametrize(("names", "at_once"), [(NAMES[:3], False), (NAMES, True)])
def test_few_machines_or_a_hurry_make_one_wave(names: list[str], at_once: bool) -> None:
    assert Road(names, at_once=at_once).look() == tuple(names)


def test_an_edition_that_changes_no_machine_is_done_at_once() -> None:
    assert Road([]).rollout.stage is Stage.DONE


def test_a_machine_that_refuses_stops_the_wave() -> None:
    road = Road()
    road.look()
    road.refuses(NAMES[0])
    assert road.look() == ()
    assert (road.rollout.stage, road.rollout.why) == (Stage.STOPPED, f"{NAMES[0]}: lanes[0].glow")
    road.takes(*NAMES[1:])
    assert road.look() == ()
    assert road.at(NAMES[1]) is At.WAITING


def test_a_machine_that_is_there_and_does_not_take_it_in_time_stops_the_wave() -> None:
    road = Road()
    road.look()
    road.wall_ms += 10 * MINUTE_MS - 1
    assert (road.look(), road.rollout.stage) == ((), Stage.RUNNING)
    road.wall_ms += 1
    road.look()
    assert (road.rollout.stage, road.at(NAMES[0])) == (Stage.STOPPED, At.LATE)
    assert road.rollout.why.endswith("not taken within 10 minutes")


def test_a_machine_that_is_away_keeps_nobody_waiting_and_takes_it_when_it_comes() -> None:
    road = Road()
    road.away = {NAMES[0]}
    road.look()
    assert road.at(NAMES[0]) is At.ABSENT
    assert road.look() == tuple(NAMES[1:4])
    road.takes(NAMES[0])
    road.look()
    assert road.at(NAMES[0]) is At.TAKEN


def test_a_person_lets_it_go_on_without_the_machine_in_trouble() -> None:
    road = Road()
    road.look()
    road.refuses(NAMES[0])
    road.look()
    ride: Ride = go_on(road.rollout, road.stops)
    road.rollout, road.stops = ride.rollout, ride.stops
    assert road.look() == tuple(NAMES[1:4])
    road.takes(*NAMES[1:])
    road.look()
    assert road.look() == ()
    assert road.rollout.stage is Stage.DONE


def test_what_was_said_of_an_older_version_counts_for_nothing() -> None:
    road = Road()
    road.look()
    road.told[NAMES[0]] = Standing(machine=NAMES[0], jid="j", boot=1, runs=6, refused=6, why="old")
    before: tuple[Rollout, tuple[Stop, ...]] = road.rollout, road.stops
    assert road.look() == ()
    assert (road.rollout, road.stops) == before
    assert replace(road.rollout, why="") == road.rollout
