"""The waits between two attempts to reach the broker, and what a broker's answer means."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire.broker import Backoff, BrokerSettings, Letter, PublishResult
from wire.topics import Branch, Topic


def waits(chance: float, *, count: int = 8, lasted_s: float = 0.0) -> list[float]:
    backoff = Backoff(0.5, 30.0, lambda: chance)
    return [backoff.next_s(lasted_s=lasted_s) for _ in range(count)]


def test_the_longest_waits_double_up_to_the_limit() -> None:
    assert waits(1.0) == [1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0]


def test_the_shortest_wait_is_always_the_shortest() -> None:
    assert waits(0.0) == [0.5] * 8


@given(st.floats(0, 1), st.integers(1, 20))
def test_every_wait_is_within_its_bounds(chance: float, count: int) -> None:
    assert all(0.5 <= wait_s <= 30.0 for wait_s in waits(chance, count=count))


def test_even_the_first_wait_differs_between_machines() -> None:
    assert len({waits(chance)[0] for chance in (0.0, 0.25, 0.5, 0.75)}) == 4


def test_only_a_connection_that_outlived_the_longest_wait_starts_over() -> None:
    backoff = Backoff(0.5, 30.0, lambda: 1.0)
    for _ in range(6):
        backoff.next_s(lasted_s=29.0)
    assert backoff.next_s(lasted_s=29.0) == 30.0  # two clients that throw each other off slow down
    assert backoff.next_s(lasted_s=31.0) == 1.0


@pytest.mark.parametrize(
    ("code", "accepted", "nobody"),
    [(0, True, False), (0x10, True, True), (0x80, False, False), (None, False, False)],
)
def test_a_brokers_answer_means_what_the_standard_says(
    code: int | None, accepted: bool, nobody: bool
) -> None:
    result = PublishResult(code, "")
    assert (result.accepted, result.nobody) == (accepted, nobody)


def test_settings_that_cannot_work_are_our_own_mistake() -> None:
    with pytest.raises(AssertionError):
        BrokerSettings(host="h", port=1, client_id="c", reconnect_min_s=2.0, reconnect_max_s=1.0)
    with pytest.raises(AssertionError):
        BrokerSettings(host="h", port=1, client_id="c", inflight=300, queue=256)


def test_a_letter_does_not_show_its_words() -> None:
    assert "secret" not in repr(Letter(Topic("cafe-07", Branch.STATE, "presence"), b"secret"))
