"""Deliveries and their deadlines, and alarms about them, calls and notifications, as long as their fault."""

from dataclasses import replace
from typing import Any

import pytest

from cloud_bridge.core.delivery import DUE_S, Delivery, Outcome, follow
from cloud_bridge.core.model import Decision, State
from cloud_bridge.core.monitor import (
    Seen,
    Thresholds,
    Watch,
    announced,
    disbelieved,
    ordered,
    passed,
    queried,
    wanted,
)
from cloud_bridge.core.sale import Sale
from cloud_bridge.engine_monitors import Monitors
from cloud_bridge.ports_desk import Violation
from cloud_bridge.store.books import SqlStore
from tests.unit.desk.shop import put
from tests.unit.desk.test_alerts import Hands

PAID = Sale(
    sale_id="a" * 26,
    machine="vm-0001",
    store="s" * 26,
    opened_wall_ms=1,
    state=State.PAID,
    decision=Decision.VEND,
    lane=12,
    start_s=5,
    price_fen=350,
    paid_fen=350,
    transaction_id="T1",
    sent_count=1,
)
REFUND: dict[str, Any] = {"decision": Decision.REFUND, "refund_no": f"R{PAID.sale_id}"}
MINUTE_MS = 60_000


# ---------------------------------------------------------------- the record


def test_nothing_is_due_before_it_is_paid() -> None:
    assert follow(None, replace(PAID, paid_fen=0, state=State.OFFERED), 10) is None


def test_a_paid_sale_is_due_a_machines_time_and_a_margin_later() -> None:
    now = follow(None, PAID, 1_000)
    assert now is not None
    assert (now.paid_wall_ms, now.due_wall_ms) == (1_000, 1_000 + (5 + DUE_S) * 1000)


@pytest.mark.parametrize(
    ("row", "outcome"),
    [
        ({"state": State.VENDED}, Outcome.DELIVERED),
        (REFUND, Outcome.FAILED),
        ({"doubt": "power"}, Outcome.UNKNOWN),
        ({"state": State.CASE, "case": "brakes"}, Outcome.UNKNOWN),
        ({"state": State.SETTLED}, Outcome.SETTLED),
        ({"sent_count": 2}, Outcome.WAITING),
    ],
)
def test_the_outcome_follows_the_sales_row(row: dict[str, Any], outcome: Outcome) -> None:
    paid = follow(None, PAID, 1_000)
    now = follow(paid, replace(PAID, **row), 9_000)
    assert now is not None
    assert (now.outcome, now.paid_wall_ms) == (outcome, 1_000)
    assert now.ended_wall_ms == (0 if outcome is Outcome.WAITING else 9_000)


def test_doubt_that_ends_has_the_time_of_its_end_and_money_back_its_own() -> None:
    row: Delivery | None = None
    steps: list[tuple[dict[str, Any], int]] = [
        ({}, 1_000),
        ({"doubt": "power"}, 2_000),
        ({"doubt": "power", **REFUND}, 3_000),
        ({"doubt": "power", **REFUND, "state": State.REFUNDED, "refunded_fen": 350}, 4_000),
    ]
    for changes, at_ms in steps:
        row = follow(row, replace(PAID, **changes), at_ms)
    assert row is not None
    assert (row.outcome, row.ended_wall_ms, row.back_wall_ms) == (Outcome.FAILED, 3_000, 4_000)
    assert row.refund_no == REFUND["refund_no"]


# ---------------------------------------------------------------- alarms over rows


class Room:
    """Monitors at work."""

    def __init__(self, store: SqlStore) -> None:
        self.store, self.clock, self.watch = store, Hands(), Watch()
        self.monitors = Monitors(store=store, watch=self.watch, clock=self.clock)

    async def becomes(self, **row: Any) -> None:
        sale = replace(PAID, **{"changed_wall_ms": self.clock.wall_ms(), **row})
        await self.store.run(lambda tx: put(tx, sale))

    async def alarms(self) -> dict[str, str]:
        await self.monitors.look()
        return {f"{each.name}/{each.machine}/{each.lane}": each.text for each in await self.store.alarms()}


@pytest.fixture
def room(store: SqlStore) -> Room:
    return Room(store)


async def test_a_late_outcome_is_an_alarm_until_it_is_known(room: Room) -> None:
    await room.becomes()
    assert await room.alarms() == {}
    room.clock.now += (5 + DUE_S) * 1000
    name = "delivery_overdue/vm-0001/0"
    assert await room.alarms() == {name: f"{PAID.sale_id}: paid, and nothing is known of the goods in time"}
    await room.becomes(state=State.VENDED)
    assert await room.alarms() == {}


async def test_a_failed_vend_stands_with_its_refund_until_the_lane_works(room: Room) -> None:
    await room.becomes(**REFUND)
    words = f"{PAID.sale_id}: it did not come out, R{PAID.sale_id} is"
    assert await room.alarms() == {"vend_failed/vm-0001/12": f"{words} on its way back"}
    await room.becomes(**REFUND, state=State.REFUNDED, refunded_fen=350)
    assert await room.alarms() == {"vend_failed/vm-0001/12": f"{words} back"}
    room.clock.now += MINUTE_MS
    await room.becomes(sale_id="b" * 26, transaction_id="T2", state=State.VENDED)
    assert await room.alarms() == {}


async def test_a_failed_vend_is_forgotten_after_a_day(room: Room) -> None:
    await room.becomes(**REFUND)
    room.clock.now += 24 * 60 * MINUTE_MS
    assert await room.alarms() == {}


async def test_money_of_a_late_payer_is_no_failed_vend(room: Room) -> None:
    await room.becomes(**REFUND, sent_count=0)
    assert await room.alarms() == {}


async def test_a_violation_stands_and_says_whose_it_is(room: Room) -> None:
    told = Violation(
        event_type="VIOLATION.PUNISH",
        record_id="r1",
        sub_mchid="1900000888",
        kind="punish",
        plan="关闭支付权限",
        risk="fraud",
    )
    await room.monitors.violated(told)
    await room.monitors.violated(told)
    expected = "merchant 1900000888: punish fraud, 关闭支付权限 (record r1)"
    assert await room.alarms() == {"violation//0": expected}


async def test_calls_and_notifications_are_alarms_of_the_bridges_own(room: Room) -> None:
    room.watch.ordered("no_auth", room.clock.now_ms())
    assert await room.alarms() == {"order_api//0": "orders fail: no_auth"}
    room.clock.now += 10 * MINUTE_MS
    assert await room.alarms() == {}


# ---------------------------------------------------------------- what is counted


def test_payments_that_no_notification_announced_break_the_path() -> None:
    seen = Seen()
    for number in range(3):
        seen = queried(seen, f"sale-{number}", 0)
    assert wanted(passed(seen, 89_000), Thresholds()) == {}
    late = passed(seen, 90_000)
    assert "notices_missing" in wanted(late, Thresholds())
    assert wanted(passed(late, 90_000 + 60 * MINUTE_MS), Thresholds()) == {}


def test_a_notification_that_comes_a_little_later_is_no_fault() -> None:
    seen = Seen()
    for number in range(3):
        seen = announced(queried(seen, f"sale-{number}", 0), f"sale-{number}")
    assert wanted(passed(seen, 200_000), Thresholds()) == {}


def test_forged_notifications_count_and_probes_do_not() -> None:
    seen = Seen()
    for at in range(20):
        seen = disbelieved(seen, "probe", at)
    assert wanted(passed(seen, 20), Thresholds()) == {}
    for at in range(10):
        seen = disbelieved(seen, "bad_signature", at)
    assert "notices_forged" in wanted(passed(seen, 20), Thresholds())
    assert wanted(passed(seen, 11 * MINUTE_MS), Thresholds()) == {}


@pytest.mark.parametrize("why", ["sign_error", "no_auth", "rate_limited", "frequency_limited"])
def test_one_answer_about_keys_rights_or_pace_is_enough(why: str) -> None:
    assert wanted(ordered(Seen(), why, 0), Thresholds()) == {"order_api": f"orders fail: {why}"}


def test_a_few_timeouts_are_no_fault_and_half_of_all_are() -> None:
    seen = Seen()
    for at in range(9):
        seen = ordered(seen, "timeout", at)
    assert wanted(seen, Thresholds()) == {}
    for at in range(9):
        seen = ordered(seen, "", at)
    assert "order_api" in wanted(seen, Thresholds())
    seen = ordered(seen, "", 9)
    assert wanted(seen, Thresholds()) == {}


def test_a_restricted_merchant_is_one_until_an_order_is_taken() -> None:
    seen = ordered(Seen(), "rule_limit", 0)
    assert "merchant_restricted" in wanted(passed(seen, 60 * MINUTE_MS), Thresholds())
    assert "merchant_restricted" not in wanted(ordered(seen, "", 1), Thresholds())
