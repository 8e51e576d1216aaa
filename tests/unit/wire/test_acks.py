"""Acknowledgements keep the order of arrival, whichever message is done first."""

from itertools import permutations

import pytest

from wire.acks import InOrder


@pytest.mark.parametrize("order", list(permutations((7, 8, 9))))
def test_acknowledgements_leave_in_the_order_of_arrival(order: tuple[int, ...]) -> None:
    sent: list[int] = []
    acks = InOrder(sent.append)
    for mid in (7, 8, 9):
        acks.came(mid)
    for mid in order:
        acks.done(mid)
        assert sent == [7, 8, 9][: len(sent)]
    assert sent == [7, 8, 9]


def test_a_second_word_does_not_acknowledge_the_next_message_of_that_number() -> None:
    sent: list[int] = []
    acks = InOrder(sent.append)
    acks.came(7)
    acks.done(7)
    acks.done(7)
    acks.came(7)
    assert sent == [7]


def test_one_that_is_not_done_holds_back_only_those_behind_it() -> None:
    sent: list[int] = []
    acks = InOrder(sent.append)
    for mid in (1, 2, 3, 4):
        acks.came(mid)
    for mid in (1, 3, 4):
        acks.done(mid)
    assert sent == [1]
    acks.done(2)
    assert sent == [1, 2, 3, 4]
