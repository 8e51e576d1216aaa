"""A fleet's day: the same for a seed, within its length, busiest when people are hungry."""

from collections import Counter

import pytest

from hw_sim.demo.books import Books, BridgeSale, Order
from hw_sim.demo.fleet_day import Day, Manner, Mishap, hour, plan
from hw_sim.demo.fleet_shoppers import told
from hw_sim.demo.fleet_show import summary

LANES = (11, 12, 13)


def day(seed: int = 1, machines: int = 30) -> Day:
    return plan(seed, machines=machines, lanes=LANES, length_s=240.0)


def test_the_same_seed_is_the_same_day_and_another_is_another() -> None:
    assert day(1) == day(1)
    assert day(1).visits != day(2).visits


def test_everything_happens_in_order_and_within_the_day() -> None:
    found = day()
    moments = [visit.at_s for visit in found.visits]
    assert moments == sorted(moments)
    assert moments[0] >= 0
    assert moments[-1] < found.length_s
    assert all(trouble.at_s + trouble.for_s < found.length_s for trouble in found.troubles)


def test_more_people_come_at_noon_than_at_night() -> None:
    hours = Counter(hour(visit.at_s, 240.0)[:2] for seed in range(5) for visit in day(seed).visits)
    assert hours["12"] > 5 * hours["03"]


def test_every_machine_is_visited_and_every_manner_and_mishap_happens() -> None:
    found = day()
    assert {visit.machine for visit in found.visits} == set(range(30))
    assert {visit.manner for visit in found.visits} == set(Manner)
    assert {visit.lane for visit in found.visits} == set(LANES)
    assert {trouble.mishap for trouble in found.troubles} == set(Mishap)


@pytest.mark.parametrize(
    ("at_s", "clock"), [(0.0, "00:00"), (120.0, "12:00"), (239.99, "23:59"), (300.0, "23:59")]
)
def test_the_days_clock_goes_from_midnight_to_midnight(at_s: float, clock: str) -> None:
    assert hour(at_s, 240.0) == clock


def test_a_day_whose_books_differ_is_told_with_each_difference() -> None:
    books = Books(
        journal={"a": "delivered"},
        bridge={"a": BridgeSale(state="vended", paid_fen=350, refunded_fen=0)},
        platform={"a": Order(state="SUCCESS", paid_fen=350, refunded_fen=0)},
        pieces_dropped=1,
    )
    good = told(books, Counter(pays=1), 1)
    assert good["ok"]
    assert summary(good).endswith("All books agree.")
    lost = told(
        Books(journal=books.journal, bridge=books.bridge, platform=books.platform, pieces_dropped=0),
        Counter(),
        1,
    )
    assert not lost["ok"]
    assert "but 0 pieces fell" in summary(lost)
