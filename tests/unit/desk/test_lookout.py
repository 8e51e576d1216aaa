"""Alarms about machines: gone, coming and going, left open, warm, and silent beyond their own pattern."""

from dataclasses import dataclass, field, replace

import pytest

from cloud_bridge.core.lookout import ALARMS, Glance, Sight, Terms, seen, wanted
from cloud_bridge.core.silence import HOUR_MS, WEEK_MS
from cloud_bridge.engine_lookout import Lookout
from cloud_bridge.ports import MachineView
from cloud_bridge.store.books import SqlStore
from tests.unit.desk.shop import put
from tests.unit.desk.test_alerts import Hands
from tests.unit.desk.test_monitors import PAID
from tests.unit.web.bridge import MACHINE

MINUTE_MS = 60_000
HERE = Glance(online=True, door_open=False, temperature_c=4)
GONE = Glance(online=False)


def lived(*glances: tuple[int, Glance], terms: Terms | None = None) -> dict[str, str]:
    """What stands after these glances, each at its minute."""
    sight, terms = Sight(), terms or Terms()
    for minute, glance in glances:
        sight = seen(sight, glance, terms, minute * MINUTE_MS)
    return wanted(sight, glances[-1][1], terms, glances[-1][0] * MINUTE_MS)


# ---------------------------------------------------------------- the rules


def test_a_machine_is_gone_after_a_while_and_back_at_once() -> None:
    assert lived((0, GONE), (4, GONE)) == {}
    assert set(lived((0, GONE), (5, GONE))) == {"machine_offline"}
    assert lived((0, GONE), (5, GONE), (6, HERE)) == {}


def test_a_link_that_comes_back_six_times_in_an_hour_is_a_fault_for_as_long() -> None:
    flaps = [(minute, HERE if minute % 2 else GONE) for minute in range(12)]
    assert set(lived(*flaps)) == {"link_flapping"}
    assert lived(*flaps[:-2]) == {}
    assert lived(*flaps, (71, HERE)) == {}


def test_a_door_may_stand_open_for_ten_minutes() -> None:
    wide = replace(HERE, door_open=True)
    assert lived((0, wide), (9, wide)) == {}
    assert set(lived((0, wide), (10, wide))) == {"door_left_open"}
    assert lived((0, wide), (5, HERE), (6, wide), (15, wide)) == {}
    assert lived((0, wide), (10, replace(HERE, door_open=None))) == {}


@pytest.mark.parametrize("celsius", [-1, 9])
def test_a_cooled_machine_out_of_its_range_for_half_an_hour_is_a_fault(celsius: int) -> None:
    cooled, off = Terms(lowest_c=0, highest_c=8), replace(HERE, temperature_c=celsius)
    assert lived((0, off), (29, off), terms=cooled) == {}
    found = lived((0, off), (30, off), terms=cooled)
    assert found == {"temperature_range": f"{celsius} °C, allowed 0 to 8 °C"}
    assert lived((0, off), (30, HERE), terms=cooled) == {}
    assert lived((0, off), (30, replace(HERE, temperature_c=None)), terms=cooled) == {}


def test_whoever_is_gone_says_nothing_of_door_and_temperature() -> None:
    stale = Glance(online=False, door_open=True, temperature_c=90)
    assert set(lived((0, stale), (60, stale))) == {"machine_offline"}


# ---------------------------------------------------------------- in the books


@dataclass
class Machines:
    """What machines show."""

    views: dict[str, MachineView] = field(default_factory=lambda: {"vm-0001": MACHINE})

    def machines(self) -> tuple[MachineView, ...]:
        return tuple(self.views.values())

    def shows(self, **changes: object) -> None:
        self.views["vm-0001"] = replace(self.views["vm-0001"], **changes)  # type: ignore[arg-type]


@dataclass
class Tower:
    """A lookout that looks when it is told to."""

    store: SqlStore
    clock: Hands = field(default_factory=Hands)
    machines: Machines = field(default_factory=Machines)
    linked: bool = True

    def __post_init__(self) -> None:
        self.lookout = Lookout(
            store=self.store,
            roster=self.machines,  # type: ignore[arg-type]
            clock=self.clock,
            linked=lambda: self.linked,
        )

    async def after(self, minutes: float) -> set[str]:
        """The alarms that stand when this time has passed."""
        self.clock.now += round(minutes * MINUTE_MS)
        await self.lookout.look()
        return {each.name for each in await self.store.alarms() if each.name in ALARMS}

    async def sold(self, *at_wall_ms: int) -> None:
        def write(tx: object) -> None:
            for at in at_wall_ms:
                sale = replace(PAID, sale_id=f"{at:026d}", opened_wall_ms=at, transaction_id=f"T{at}")
                put(tx, sale)  # type: ignore[arg-type]

        await self.store.run(write)


@pytest.fixture
def tower(store: SqlStore) -> Tower:
    return Tower(store)


async def test_a_machine_that_is_gone_is_an_alarm_until_it_is_heard(tower: Tower) -> None:
    assert await tower.after(0) == set()
    tower.machines.shows(online=False)
    await tower.after(0.2)
    assert await tower.after(5) == {"machine_offline"}
    tower.machines.shows(online=True)
    assert await tower.after(0.2) == set()


async def test_a_restart_of_ours_makes_nobody_present(tower: Tower) -> None:
    tower.machines.shows(online=False)
    await tower.after(0)
    await tower.after(5)
    fresh = Tower(tower.store, clock=tower.clock, machines=tower.machines)
    assert await fresh.after(0.2) == {"machine_offline"}
    fresh.machines.shows(online=True)
    assert await fresh.after(0.2) == set()


async def test_a_machine_that_sold_each_hour_and_stopped_is_noticed_and_its_next_sale_ends_it(
    tower: Tower,
) -> None:
    now_ms = tower.clock.wall_ms()
    await tower.sold(*(now_ms - hour * HOUR_MS for hour in range(1, 6 * 168)))
    assert await tower.after(0) == set()
    assert await tower.after(6 * 60) == set()
    assert await tower.after(8 * 60) == {"no_sale"}
    (alarm,) = await tower.store.alarms()
    assert alarm.text == "no sale for 15 h, when 15 were to be expected"
    await tower.sold(tower.clock.wall_ms())
    assert await tower.after(1) == set()


async def test_a_silent_machine_that_is_gone_has_one_fault_and_not_two(tower: Tower) -> None:
    now_ms = tower.clock.wall_ms()
    await tower.sold(*(now_ms - hour * HOUR_MS for hour in range(1, 5 * 168)))
    tower.machines.shows(online=False)
    await tower.after(0)
    assert await tower.after(24 * 60) == {"machine_offline"}


async def test_a_new_machine_may_be_silent(tower: Tower) -> None:
    await tower.sold(*(tower.clock.wall_ms() - hour * HOUR_MS for hour in range(1, 168)))
    await tower.after(0)
    assert await tower.after(WEEK_MS / MINUTE_MS) == set()


async def test_orders_that_nobody_paid_are_no_sales(tower: Tower) -> None:
    now_ms = tower.clock.wall_ms()
    await tower.sold(*(now_ms - hour * HOUR_MS for hour in range(1, 5 * 168)))
    await tower.after(0)
    offered = replace(PAID, sale_id="z" * 26, opened_wall_ms=now_ms + HOUR_MS, paid_fen=0, transaction_id="")
    await tower.store.run(lambda tx: put(tx, offered))
    assert await tower.after(16 * 60) == {"no_sale"}


async def test_without_a_broker_nobody_is_gone_and_the_broker_is(tower: Tower) -> None:
    await tower.after(0)
    tower.linked = False
    tower.machines.shows(online=False)
    assert await tower.after(0.2) == set()
    assert await tower.after(1) == {"broker_lost"}
    assert await tower.after(60) == {"broker_lost"}
    tower.linked = True
    assert await tower.after(0.2) == set()
    assert await tower.after(5) == {"machine_offline"}


async def test_who_was_gone_before_the_broker_was_is_gone_still(tower: Tower) -> None:
    tower.machines.shows(online=False)
    await tower.after(0)
    await tower.after(5)
    tower.linked = False
    fresh = Tower(tower.store, clock=tower.clock, machines=tower.machines, linked=False)
    assert await fresh.after(0) == {"machine_offline"}
    assert await fresh.after(2) == {"machine_offline", "broker_lost"}
