"""A few bad things are life, many without a rest are trouble, a rest ends it."""

from collections.abc import Iterable

from edge.core.gauge import Gauge, looked


def after(totals: Iterable[int]) -> list[bool]:
    gauge, stood = Gauge(many=3, quiet=4), []
    for total in totals:
        gauge = looked(gauge, total)
        stood.append(gauge.stands)
    return stood


def test_a_flood_is_trouble_at_the_first_look_and_a_trickle_once_it_adds_up() -> None:
    assert after([500]) == [True]
    assert after([1, 1, 2, 2, 2, 3]) == [False] * 5 + [True]


def test_what_comes_too_rarely_never_adds_up() -> None:
    assert not any(after(at // 5 for at in range(1_000)))


def test_only_a_whole_rest_ends_trouble_and_then_it_counts_from_nought() -> None:
    assert after([3, 3, 3, 3, 4, 4, 4, 4, 4]) == [True] * 8 + [False]
    assert after([3, 3, 3, 3, 3, 5, 6]) == [True] * 4 + [False, False, True]
