"""Stock is what was put in and corrected, less what came out: for any order and repetition of events."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloud_bridge.core.pace import HOUR_MS, WINDOW_MS, Level, Sold, empty_wall_ms, level, per_hour
from cloud_bridge.core.stock import Hand, Moved, Stock, Vended, correction, stocks, wrong
from tests.unit.goods.books import ONE, TWO

DAY_MS = 24 * HOUR_MS
NOW_MS = 1_700_000_000_000


def moved(key: str, pieces: int, hand: Hand = Hand.REFILLED, *, machine: str = ONE, lane: int = 11) -> Moved:
    return Moved(
        key=key, machine=machine, lane=lane, hand=hand, pieces=pieces, by="ann", why="", wall_ms=NOW_MS
    )


_WHERE = st.tuples(st.sampled_from([ONE, TWO]), st.integers(11, 12))
_EVENTS = st.lists(
    st.one_of(
        st.builds(
            lambda where, pieces: moved("", pieces, machine=where[0], lane=where[1]),
            _WHERE,
            st.integers(1, 9),
        ),
        st.builds(
            lambda where, pieces: moved("", pieces, Hand.CORRECTED, machine=where[0], lane=where[1]),
            _WHERE,
            st.integers(-9, 9),
        ),
        st.builds(lambda where: Vended(sale_id="", machine=where[0], lane=where[1]), _WHERE),
    ),
    max_size=30,
)


def _named(events: "list[Moved | Vended]") -> "list[Moved | Vended]":
    """Each event is its own, and keeps its number however often it is said."""
    named: list[Moved | Vended] = []
    for number, event in enumerate(events):
        if isinstance(event, Vended):
            named.append(Vended(sale_id=str(number), machine=event.machine, lane=event.lane))
        else:
            named.append(moved(str(number), event.pieces, event.hand, machine=event.machine, lane=event.lane))
    return named


@settings(max_examples=120, deadline=None)
@given(_EVENTS, st.data())
def test_stock_is_refilled_and_corrected_less_vended_in_any_order_and_however_often_said(
    events: "list[Moved | Vended]", data: st.DataObject
) -> None:
    once = _named(events)
    again = data.draw(st.lists(st.sampled_from(once), max_size=20)) if once else []
    said = data.draw(st.permutations([*once, *again]))
    found = stocks(said)
    assert found == stocks(once)
    for (machine, lane), stock in found.items():
        here = [each for each in once if (each.machine, each.lane) == (machine, lane)]
        sums = {
            hand: sum(each.pieces for each in here if isinstance(each, Moved) and each.hand is hand)
            for hand in Hand
        }
        vended = sum(isinstance(each, Vended) for each in here)
        assert (stock.refilled, stock.corrected) == (sums[Hand.REFILLED], sums[Hand.CORRECTED])
        assert stock.vended == vended
        known = any(isinstance(each, Moved) for each in here)
        expected = sums[Hand.REFILLED] + sums[Hand.CORRECTED] - vended
        assert stock.pieces == (expected if known else None)


@given(st.integers(0, 50), st.integers(-50, 50), st.integers(0, 80), st.integers(0, 50))
def test_after_a_count_the_stock_is_what_was_counted(
    refilled: int, corrected: int, vended: int, counted: int
) -> None:
    stock = Stock(refilled=refilled, corrected=corrected, vended=vended, known=True)
    added = correction(stock, counted)
    assert Stock(refilled=refilled, corrected=corrected + added, vended=vended, known=True).pieces == counted


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (moved("k", 0), "count: found 0, allowed 1 to 9999"),
        (moved("k", 10_000), "count: found 10000"),
        (moved("k", 6), "count: found 6 beside 5 in a lane of 10. Try: count it first"),
        (moved("k", 5), ""),
        (moved("k", -5, Hand.CORRECTED), ""),
    ],
)
def test_more_than_fits_is_not_taken_for_a_refill(event: Moved, words: str) -> None:
    assert wrong(event, 10, Stock(refilled=5, known=True)).startswith(words)
    assert bool(wrong(event, 10, Stock(refilled=5, known=True))) == bool(words)


def test_nothing_is_held_against_a_lane_of_which_nobody_knows_what_it_holds() -> None:
    assert wrong(moved("k", 60), 0, Stock(refilled=5, known=True)) == ""
    assert wrong(moved("k", 60), 10, Stock(vended=3)) == ""


# ---------------------------------------------------------------- pace


def test_the_pace_is_that_of_the_last_weeks() -> None:
    assert per_hour(Sold(pieces=28 * 12, since_wall_ms=0), NOW_MS) == 0.5
    assert per_hour(Sold(pieces=24, since_wall_ms=NOW_MS - 2 * DAY_MS), NOW_MS) == 0.5
    assert WINDOW_MS == 28 * DAY_MS


def test_one_good_hour_foretells_no_week() -> None:
    assert per_hour(Sold(pieces=12, since_wall_ms=NOW_MS - HOUR_MS), NOW_MS) == 0.5
    assert per_hour(Sold(pieces=0, since_wall_ms=NOW_MS), NOW_MS) == 0


def test_a_lane_is_empty_when_its_pace_has_taken_it_to_its_threshold() -> None:
    assert empty_wall_ms(10, 0, 0.5, NOW_MS) == NOW_MS + 20 * HOUR_MS
    assert empty_wall_ms(10, 4, 0.5, NOW_MS) == NOW_MS + 12 * HOUR_MS
    assert empty_wall_ms(-2, 0, 0.5, NOW_MS) == NOW_MS
    assert empty_wall_ms(None, 0, 0.5, NOW_MS) == 0
    assert empty_wall_ms(10, 0, 0, NOW_MS) == 0


@pytest.mark.parametrize(
    ("pieces", "empty_ms", "expected"),
    [
        (None, 0, Level.UNKNOWN),
        (2, 0, Level.EMPTY),
        (3, 0, Level.LOW),
        (9, NOW_MS + DAY_MS, Level.LOW),
        (9, NOW_MS + DAY_MS + 1, Level.FINE),
        (9, 0, Level.FINE),
    ],
)
def test_a_lane_is_low_one_above_its_threshold_or_a_day_before_it(
    pieces: int | None, empty_ms: int, expected: Level
) -> None:
    assert level(pieces, 2, empty_ms, NOW_MS) is expected
