"""Alarms and people, in the books: taken, snoozed, given on to others, damped, remembered, forgotten."""

from dataclasses import dataclass, field, replace

import pytest

from cloud_bridge.core.alarm import HOUR_MS, QUIET_MS, Ask, Wants, Weight
from cloud_bridge.engine_alerts import KEPT_MS, Alerts
from cloud_bridge.engine_care import CareDesk
from cloud_bridge.ports import StandingAlarm
from cloud_bridge.store.books import SqlStore
from tests.unit.desk.shop import Lines
from tests.unit.desk.test_alerts import JAM, Ear, Hands

MINUTE_MS = 60_000
ASK = Ask(machine="vm-0001", name="lane_jam", lane=12, by="ann", why="on my way")


@dataclass
class Shop:
    """One who is told at once, one who is told after ten minutes, and a board that shows what stands."""

    store: SqlStore
    clock: Hands = field(default_factory=Hands)
    duty: Ear = field(default_factory=lambda: Ear(name="duty"))
    boss: Ear = field(default_factory=lambda: Ear(name="boss", wants=Wants(after_s=600)))
    board: Ear = field(default_factory=lambda: Ear(name="board", wants=None))

    def __post_init__(self) -> None:
        sinks = (self.duty, self.boss, self.board)
        self.alerts = Alerts(store=self.store, sinks=sinks, clock=self.clock, log=Lines())
        self.care = CareDesk(store=self.store, clock=self.clock)

    async def after(self, ms: int) -> None:
        self.clock.now += ms
        await self.alerts.tell()

    async def raised(self, alarm: StandingAlarm = JAM) -> None:
        now = replace(alarm, since_wall_ms=self.clock.wall_ms())
        await self.store.run(lambda tx: tx.set_alarm(now))
        await self.alerts.tell()

    async def cleared(self, alarm: StandingAlarm = JAM) -> None:
        await self.store.run(
            lambda tx: tx.clear_alarm(machine=alarm.machine, name=alarm.name, lane=alarm.lane)
        )
        await self.alerts.tell()


@pytest.fixture
def shop(store: SqlStore) -> Shop:
    return Shop(store)


BEGUN, OVER = ("lane_jam", False), ("lane_jam", True)


async def test_whom_nobody_relieves_hears_of_it_after_a_while(shop: Shop) -> None:
    await shop.raised()
    await shop.after(9 * MINUTE_MS)
    assert (shop.duty.names(), shop.boss.names()) == ([BEGUN], [])
    await shop.after(MINUTE_MS)
    await shop.after(MINUTE_MS)
    assert (shop.duty.names(), shop.boss.names()) == ([BEGUN], [BEGUN])
    await shop.cleared()
    assert (shop.duty.names(), shop.boss.names()) == ([BEGUN, OVER], [BEGUN, OVER])


async def test_what_somebody_looks_after_goes_to_nobody_else_and_its_end_to_who_knew(shop: Shop) -> None:
    await shop.raised()
    assert await shop.care.ask(ASK) == ""
    await shop.after(HOUR_MS)
    assert (shop.duty.names(), shop.boss.names()) == ([BEGUN], [])
    await shop.cleared()
    assert (shop.duty.names(), shop.boss.names()) == ([BEGUN, OVER], [])


async def test_a_snooze_ends_by_itself_and_then_it_is_told_again(shop: Shop) -> None:
    await shop.raised()
    assert await shop.care.ask(replace(ASK, snooze_min=60)) == ""
    await shop.after(59 * MINUTE_MS)
    assert (shop.duty.names(), shop.boss.names()) == ([BEGUN], [])
    await shop.after(MINUTE_MS)
    assert (shop.duty.names(), shop.boss.names()) == ([BEGUN, BEGUN], [BEGUN])
    await shop.after(MINUTE_MS)
    assert shop.duty.names() == [BEGUN, BEGUN]


async def test_who_gives_it_back_has_it_told_again(shop: Shop) -> None:
    await shop.raised()
    await shop.care.ask(ASK)
    await shop.after(HOUR_MS)
    await shop.care.ask(replace(ASK, why="not mine", wake=True))
    await shop.after(1_000)
    assert (shop.duty.names(), shop.boss.names()) == ([BEGUN, BEGUN], [BEGUN])


async def test_what_was_said_ends_with_the_alarm(shop: Shop) -> None:
    await shop.raised()
    await shop.care.ask(ASK)
    await shop.cleared()
    await shop.after(MINUTE_MS)
    await shop.raised()
    (view,) = await shop.care.views()
    assert (view.acked_by, view.told) == ("", ("board", "duty"))
    assert shop.duty.names() == [BEGUN, OVER, BEGUN]


async def test_a_board_shows_each_spell_and_people_hear_of_one_that_comes_and_goes_once(shop: Shop) -> None:
    for _ in range(20):
        await shop.raised()
        await shop.after(30_000)
        await shop.cleared()
        await shop.after(30_000)
    assert shop.board.names() == [BEGUN, OVER] * 20
    assert shop.duty.names() == [BEGUN, OVER, BEGUN, OVER, BEGUN]
    assert shop.duty.heard[-1][0][0].begun == 3
    (view,) = await shop.care.views()
    assert view.begun == 20
    assert view.over_wall_ms > 0
    await shop.after(QUIET_MS)
    assert shop.duty.names()[-1] == OVER
    assert await shop.care.views() == ()


async def test_one_that_comes_and_goes_and_then_stays_is_told_no_more(shop: Shop) -> None:
    for _ in range(4):
        await shop.raised()
        await shop.after(30_000)
        await shop.cleared()
    await shop.raised()
    told = len(shop.duty.heard)
    for _ in range(30):
        await shop.after(5 * MINUTE_MS)
    assert len(shop.duty.heard) == told


async def test_what_is_not_yet_worth_a_word_is_told_to_nobody_and_shown(shop: Shop) -> None:
    door = replace(JAM, name="door_open", lane=0)
    await shop.raised(door)
    assert shop.duty.names() == []
    (view,) = await shop.care.views()
    assert (view.name, view.weight) == ("door_open", Weight.WARNING)
    await shop.after(10 * MINUTE_MS)
    assert shop.duty.names() == [("door_open", False)]


async def test_a_restart_forgets_neither_who_has_it_nor_how_often_it_came(shop: Shop) -> None:
    for _ in range(3):
        await shop.raised()
        await shop.after(30_000)
        await shop.cleared()
    await shop.raised()
    await shop.care.ask(ASK)
    fresh = Shop(shop.store, clock=shop.clock)
    await fresh.after(HOUR_MS // 4)
    assert (fresh.duty.names(), fresh.boss.names()) == ([], [])
    (view,) = await fresh.care.views()
    assert (view.acked_by, view.begun) == ("ann", 4)


async def test_what_nobody_knows_cannot_be_taken(shop: Shop) -> None:
    assert await shop.care.ask(ASK) == "no such alarm stands any more"


async def test_who_said_what_and_why_is_in_the_audit(shop: Shop) -> None:
    await shop.raised()
    await shop.care.ask(ASK)
    await shop.care.ask(replace(ASK, by="ben", snooze_min=5, why="lunch"))
    newest, first = await shop.store.deeds()
    assert (first.by, first.action, first.machine) == ("ann", "alarm.acknowledge", "vm-0001")
    assert (first.before, first.after) == ("nobody has it", "ann has it")
    assert (newest.by, newest.action, newest.why) == ("ben", "alarm.snooze", "lunch")
    assert newest.before == "ann has it"


async def test_what_is_over_is_remembered_for_a_while_and_then_forgotten(shop: Shop) -> None:
    await shop.raised()
    await shop.after(MINUTE_MS)
    await shop.cleared()
    (over,) = await shop.care.over()
    assert over.over_wall_ms - over.since_wall_ms == MINUTE_MS
    await shop.after(25 * HOUR_MS)
    assert await shop.care.over() == ()
    count = await shop.store.look_at_alarms(lambda tx: len(tx.spells(1)))
    await shop.care.forget()
    assert await shop.store.look_at_alarms(lambda tx: len(tx.spells(1))) == count == 1
    await shop.after(KEPT_MS)
    await shop.care.forget()
    assert await shop.store.look_at_alarms(lambda tx: tx.spells(1)) == ()


async def test_a_look_writes_nothing(shop: Shop) -> None:
    await shop.store.run(lambda tx: tx.set_alarm(JAM))
    assert len(await shop.care.views()) == 1
    assert await shop.store.look_at_alarms(lambda tx: tx.spells(1)) == ()
