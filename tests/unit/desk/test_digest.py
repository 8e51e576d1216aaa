"""A day in one message: once to each who wants it, at its hour or as soon as can be, from the books alone."""

from dataclasses import dataclass, field

import pytest

from cloud_bridge.core.digest import Digest
from cloud_bridge.engine_alerts import Alerts
from cloud_bridge.engine_digest import AGAIN_MS, Digests, DigestSettings
from cloud_bridge.engine_reports import Reports
from cloud_bridge.ports import StandingAlarm
from cloud_bridge.store.books import SqlStore
from tests.unit.desk.shop import Lines
from tests.unit.desk.test_monitors import PAID
from tests.unit.store.takings import BEGIN_MS, DAY, HOUR_MS, a_day, rung_up


@dataclass
class Clock:
    """Says what it is told, on the day after."""

    wall: int = BEGIN_MS + 31 * HOUR_MS

    def now_ms(self) -> int:
        return self.wall

    def wall_ms(self) -> int:
        return self.wall


@dataclass
class Reader:
    """Somebody who wants the day. `deaf`: why he takes nothing."""

    name: str
    deaf: str = ""
    days: list[Digest] = field(default_factory=list)

    async def digest(self, digest: Digest) -> str:
        if not self.deaf:
            self.days.append(digest)
        return self.deaf


@dataclass
class Morning:
    store: SqlStore
    clock: Clock = field(default_factory=Clock)
    ann: Reader = field(default_factory=lambda: Reader("ann"))
    ben: Reader = field(default_factory=lambda: Reader("ben"))
    log: Lines = field(default_factory=Lines)

    async def comes(self) -> None:
        """A daemon that has just started."""
        await Digests(
            store=self.store,
            reports=Reports(self.store.reports),
            readers=(self.ann, self.ben),
            settings=DigestSettings(hour=8, machines=frozenset({"vm-0001", "vm-0002", "vm-0003", "vm-0009"})),
            clock=self.clock,
            log=self.log,
        ).tell()


@pytest.fixture
async def morning(store: SqlStore) -> Morning:
    await rung_up(store, a_day(40))
    return Morning(store)


async def test_nobody_is_told_before_the_hour_and_each_once_after_it(morning: Morning) -> None:
    await morning.comes()
    assert morning.ann.days == []
    morning.clock.wall += HOUR_MS
    for _ in range(3):
        await morning.comes()
    assert [each.day for each in morning.ann.days] == [each.day for each in morning.ben.days] == [DAY]
    morning.clock.wall += 24 * HOUR_MS
    await morning.comes()
    assert [each.day for each in morning.ann.days] == [DAY, "2026-01-31"]


async def test_who_does_not_hear_is_tried_again_and_nobody_twice(morning: Morning) -> None:
    morning.clock.wall += HOUR_MS
    morning.ben.deaf = "timeout"
    await morning.comes()
    assert (len(morning.ann.days), len(morning.ben.days)) == (1, 0)
    assert "timeout" in morning.log.lines[0]
    morning.ben.deaf = ""
    morning.clock.wall += AGAIN_MS
    await morning.comes()
    assert (len(morning.ann.days), len(morning.ben.days)) == (1, 1)


async def test_a_day_says_what_the_ledger_says_and_what_waits(morning: Morning) -> None:
    wall_ms = BEGIN_MS + 20 * HOUR_MS
    jam = StandingAlarm(machine="vm-0001", name="lane_jam", lane=3, code="", text="", since_wall_ms=wall_ms)
    gone = StandingAlarm(
        machine="vm-0002", name="machine_offline", lane=0, code="", text="", since_wall_ms=wall_ms
    )

    def write(tx: object) -> None:
        for each in (jam, gone):
            tx.set_alarm(each)  # type: ignore[attr-defined]

    await morning.store.run(write)
    await Alerts(store=morning.store, sinks=(), clock=morning.clock, log=morning.log).tell()
    morning.clock.wall += HOUR_MS
    await morning.comes()
    (day,) = morning.ann.days
    totals = await morning.store.totals()
    assert day.paid == 40
    assert day.paid_fen - day.refunded_fen == totals["platform_clearing_balance_fen"]
    assert day.failed == 12
    assert (day.raised, day.standing) == (2, (("machine_offline", 1), ("lane_jam", 1)))
    assert day.silent == ("vm-0009",)
    assert day.best[0][1] == max(fen for _, fen in day.best)
    assert day.bill == ""
    assert PAID.sale_id not in repr(day)
