"""What may be sold and what is shown, as functions of the machine's state."""

from dataclasses import replace

import pytest

from edge.core import machine as surroundings
from edge.core.alarms import alarms
from edge.core.machine import Lane, Machine
from edge.core.model import Baseline, ClearAlarm, RaiseAlarm, Sale, Session, State
from edge.core.screen import (
    Asking,
    Checking,
    Code,
    Done,
    Doubt,
    Idle,
    OutOfOrder,
    Product,
    Refund,
    Vending,
)
from edge.core.status import states
from edge.ports import BusUp
from edge.senses import seen

COLA = Product(lane=12, name_zh="可乐", name_en="Cola", price_fen=350)
TEA = Product(lane=13, name_zh="茶", name_en="Tea", price_fen=400)
READY = Machine(
    machine="vm-0001",
    catalogue_version=1,
    products={12: COLA, 13: TEA},
    lanes={12: Lane(stock=5, capacity=8), 13: Lane(stock=0, capacity=8)},
)
SALE = Sale(
    sale_id="b" * 22 + "7kq2",
    lane=12,
    price_fen=350,
    catalogue_version=1,
    session=Session(jid="a" * 26, boot=1, bits="0" * 16),
    opened_wall_ms=0,
    lease_until_ms=240_000,
    pay_until_ms=180_000,
    pay_span_ms=180_000,
    code_url="weixin://x",
    checked=True,
)


def shown(machine: Machine, sale: Sale | None, now_ms: int = 0) -> object:
    return surroundings.view(machine, sale, now_ms).view


def test_a_ready_machine_offers_what_is_in_stock() -> None:
    idle = shown(READY, None)
    assert isinstance(idle, Idle)
    assert [(tile.product.lane, tile.reason) for tile in idle.tiles] == [(12, ""), (13, "sold_out")]


@pytest.mark.parametrize(
    ("lane", "reason"),
    [
        (Lane(stock=5), ""),
        (Lane(stock=None), ""),
        (Lane(stock=0), "sold_out"),
        (Lane(stock=5, fault="paused"), "fault"),
        (Lane(stock=5, failures=2), "fault"),
        (Lane(stock=5, failures=1), ""),
    ],
)
def test_a_lane_sells_unless_empty_faulty_or_failing_twice_in_a_row(lane: Lane, reason: str) -> None:
    assert surroundings.lane_reason(surroundings.with_lane(READY, 12, lane), 12) == reason


def test_a_lane_that_the_board_never_reported_is_not_sold() -> None:
    assert surroundings.lane_reason(replace(READY, lanes={}), 12) == "unknown"
    assert surroundings.lane_reason(READY, 99) == "unknown"


def test_the_gravest_reason_is_named_first() -> None:
    stopped = replace(READY, stops=frozenset({"link_down", "journal_new", "bus_silent"}))
    assert shown(stopped, None) == OutOfOrder(reason="journal_new")
    assert shown(replace(READY, products={}), None) == OutOfOrder(reason="no_catalogue")


@pytest.mark.parametrize(
    ("lane", "reason"),
    [
        (Lane(stock=0), "all_sold_out"),
        (Lane(stock=0, failures=2), "no_lane"),
        (Lane(stock=3, fault="paused"), "no_lane"),
        (Lane(stock=3), ""),
    ],
)
def test_a_machine_whose_last_lane_went_says_so_and_vends_what_is_paid(lane: Lane, reason: str) -> None:
    machine = surroundings.with_lane(READY, 12, lane)
    told = states(machine, {})["health"]
    assert (told["selling"], told["reason"]) == (int(not reason), reason)
    view = shown(machine, None)
    assert view == OutOfOrder(reason=reason) if reason else isinstance(view, Idle)
    assert surroundings.obstacle(machine, 12, 0) == surroundings.lane_reason(machine, 12)


def test_a_lost_link_is_no_reason_against_a_vend_that_is_paid() -> None:
    offline = surroundings.with_stop(READY, "link_down", True)
    assert surroundings.obstacle(offline, 12, 0) == ""
    assert surroundings.obstacle(surroundings.with_stop(READY, "board_doubt", True), 12, 0) == "board_doubt"
    assert surroundings.obstacle(READY, 13, 0) == "sold_out"


def test_twenty_vends_a_minute_and_four_hundred_a_day_are_the_most() -> None:
    busy = READY
    for at in range(20):
        busy = surroundings.with_vend(busy, at)
    assert surroundings.obstacle(busy, 12, 59_000) == "velocity"
    assert surroundings.obstacle(busy, 12, 60_100) == ""
    many = replace(READY, vends_ms=tuple(range(400)))
    assert surroundings.over_velocity(many, 80_000_000)
    assert not surroundings.over_velocity(many, 86_500_000)


def test_a_code_needs_a_checked_lane_a_live_link_and_time_left() -> None:
    code = shown(READY, SALE, 1_000)
    assert isinstance(code, Code)
    assert (code.left_s, code.span_s) == (179, 180)
    assert isinstance(shown(READY, replace(SALE, checked=False)), Asking)
    assert isinstance(shown(READY, replace(SALE, code_url="")), Asking)
    assert isinstance(shown(surroundings.with_stop(READY, "link_down", True), SALE), Checking)
    assert isinstance(shown(surroundings.with_lane(READY, 12, Lane(fault="paused")), SALE), Checking)
    assert isinstance(shown(READY, SALE, 180_000), Checking)


def test_a_payment_takes_the_code_away_at_once() -> None:
    assert isinstance(shown(READY, replace(SALE, paying=True)), Vending)
    assert isinstance(shown(READY, replace(SALE, state=State.INTENT)), Vending)


@pytest.mark.parametrize(
    ("sale", "kind", "until_ms"),
    [
        (replace(SALE, state=State.DELIVERED), Done, 6_000),
        (replace(SALE, state=State.NOT_DELIVERED), Refund, 15_000),
        (replace(SALE, state=State.UNCERTAIN), Doubt, 15_000),
        (replace(SALE, state=State.CLOSED, refund="started"), Refund, 15_000),
    ],
)
def test_last_words_stay_their_time_and_then_the_next_shopper_is_welcome(
    sale: Sale, kind: type, until_ms: int
) -> None:
    assert isinstance(shown(READY, sale, until_ms - 1), kind)
    assert isinstance(shown(READY, sale, until_ms), Idle)


def test_a_refund_names_the_last_four_of_the_sale() -> None:
    refund = shown(READY, replace(SALE, state=State.NOT_DELIVERED))
    assert isinstance(refund, Refund)
    assert refund.reference == "7KQ2"


def test_the_price_of_the_sale_is_shown_even_when_the_catalogue_moved_on() -> None:
    dearer = replace(READY, products={12: replace(COLA, price_fen=999)})
    code = shown(dearer, SALE)
    assert isinstance(code, Code)
    assert code.product.price_fen == 350


def test_a_sale_that_the_lane_or_the_bridge_refused_leaves_a_notice() -> None:
    closed = replace(SALE, state=State.CLOSED, why="lane.sold_out")
    idle = shown(surroundings.with_end(READY, closed, 1_000), closed, 2_000)
    assert isinstance(idle, Idle)
    assert (idle.notice, idle.notice_lane) == ("sold_out", 12)
    cancelled = replace(SALE, state=State.CLOSED, why="cancel")
    silent = shown(surroundings.with_end(READY, cancelled, 1_000), cancelled, 2_000)
    assert isinstance(silent, Idle)
    assert silent.notice == ""


def test_a_delivery_takes_one_piece_unless_the_board_has_counted_it_already() -> None:
    sold = replace(SALE, state=State.DELIVERED, seq=1, baseline=Baseline(stock=5))
    assert surroundings.with_outcome(READY, sold).lanes[12].stock == 4
    told = surroundings.with_lane(READY, 12, Lane(stock=4))
    assert surroundings.with_outcome(told, sold).lanes[12].stock == 4


def test_failures_count_in_a_row_and_a_delivery_forgives_them() -> None:
    failed = surroundings.with_outcome(READY, replace(SALE, state=State.NOT_DELIVERED))
    assert failed.lanes[12].failures == 1
    assert surroundings.with_outcome(failed, replace(SALE, state=State.DELIVERED)).lanes[12].failures == 0
    assert surroundings.with_outcome(READY, replace(SALE, state=State.CLOSED)) == READY


def failed(kind: str, times: int) -> Machine:
    machine = READY
    for _ in range(times):
        machine = surroundings.with_outcome(machine, replace(SALE, state=State.NOT_DELIVERED, why=kind))
    return surroundings.with_report(machine, 12, replace(machine.lanes[12], stock=5))


@pytest.mark.parametrize(
    ("why", "name"),
    [("moved.jam", "lane_jam"), ("no_answer", "lane_jam"), ("rejected.motor_absent", "lane_fault")],
)
def test_a_lane_that_stops_raises_an_alarm_named_by_what_may_have_moved(why: str, name: str) -> None:
    assert alarms(READY, failed(why, 1)) == ()
    (raised,) = alarms(READY, failed(why, 2))
    assert isinstance(raised, RaiseAlarm)
    assert (raised.name, raised.lane) == (name, 12)


def test_the_same_report_again_or_fewer_pieces_release_no_lane() -> None:
    stopped = failed("moved.jam", 2)
    for stock in (5, 5, 4, 4, None):
        again = surroundings.with_report(stopped, 12, Lane(stock=stock, capacity=8))
        assert alarms(stopped, again) == ()
        assert surroundings.lane_reason(again, 12) == "fault"
        stopped = again


def test_a_stock_that_only_our_own_count_had_lowered_is_no_refill() -> None:
    told = surroundings.with_report(READY, 12, Lane(stock=5))
    sold = surroundings.with_outcome(told, replace(SALE, state=State.DELIVERED, baseline=Baseline(stock=5)))
    assert sold.lanes[12].stock == 4
    stopped = surroundings.with_lane(sold, 12, replace(sold.lanes[12], failures=2, suspect="lane_jam"))
    assert surroundings.with_report(stopped, 12, Lane(stock=5)).lanes[12].stopped


def test_a_refill_or_an_ended_pause_releases_the_lane_and_clears_its_alarm() -> None:
    stopped = failed("moved.jam", 2)
    refilled = surroundings.with_report(stopped, 12, Lane(stock=6))
    paused = surroundings.with_report(stopped, 12, Lane(stock=5, fault="paused"))
    assert alarms(stopped, paused) == ()
    for free in (refilled, surroundings.with_report(paused, 12, Lane(stock=5))):
        assert alarms(stopped, free) == (ClearAlarm(name="lane_jam", lane=12),)
        assert surroundings.lane_reason(free, 12) == ""
        assert free.lanes[12].failures == 0


def test_a_board_that_started_gives_a_stopped_lane_one_more_try() -> None:
    stopped = failed("moved.jam", 2)
    tried = surroundings.with_restart(stopped)
    assert alarms(stopped, tried) == (ClearAlarm(name="lane_jam", lane=12),)
    assert surroundings.lane_reason(tried, 12) == ""
    again = surroundings.with_outcome(tried, replace(SALE, state=State.NOT_DELIVERED, why="moved.jam"))
    assert surroundings.lane_reason(again, 12) == "fault"


def test_the_board_being_up_ends_doubt_about_every_lane() -> None:
    doubt = surroundings.with_doubt(surroundings.with_doubt(READY, 13), 12)
    assert doubt.stops == {"board_doubt"}
    over = [ClearAlarm(name="vend_uncertain", lane=lane) for lane in (12, 13)]
    assert list(alarms(doubt, seen(doubt, BusUp(identity="XY")))) == over


def test_a_countdown_changes_at_each_whole_second_and_last_words_at_their_end() -> None:
    assert surroundings.next_change_ms(READY, SALE, 500) == 1_000
    assert surroundings.next_change_ms(READY, SALE, 1_000) == 2_000
    assert surroundings.next_change_ms(READY, None, 0) is None
    ended = replace(SALE, state=State.DELIVERED)
    assert surroundings.next_change_ms(replace(READY, ended_ms=1_000), ended, 2_000) == 7_000


@pytest.mark.parametrize(
    ("last", "avoid", "expected"),
    [(0, None, 1), (254, None, 255), (255, None, 1), (6, 7, 8), (254, 255, 1), (255, 1, 2)],
)
def test_a_sequence_number_wraps_past_zero_and_differs_from_the_boards_last(
    last: int, avoid: int | None, expected: int
) -> None:
    assert surroundings.next_seq(last, 8, Baseline(seq=avoid)) == expected


def test_a_sequence_number_differs_from_every_one_that_a_history_still_bears() -> None:
    assert surroundings.next_seq(0, 7, Baseline(taken=(1, 2, 4))) == 3
    assert surroundings.next_seq(126, 7, Baseline(seq=127, taken=(1, 2))) == 3


def test_dashboards_get_flat_values_with_numbers_as_numbers() -> None:
    told = states(replace(READY, door_open=True, temperature_c=5), {"delivered": 2})
    health = {"selling": 1, "reason": "", "catalogue_version": 1, "lanes": 2, "codes": 0}
    assert told["health"] == health
    assert told["climate"] == {"temperature_c": 5, "door_open": 1}
    assert told["lane/12"]["stock"] == 5
    for values in told.values():
        assert all(value is None or isinstance(value, int | str) for value in values.values())


def test_a_lane_of_the_board_without_a_product_says_so_and_is_no_fault() -> None:
    told = states(replace(READY, lanes={**READY.lanes, 99: Lane(stock=3)}), {})
    assert told["lane/99"]["reason"] == "no_product"
    assert states(replace(READY, lanes={}), {})["lane/12"]["reason"] == "unknown"
