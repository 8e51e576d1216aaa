"""Power cut at step k, for every k of a set of fixed scenarios: each flush, motor frame, message and call."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from types import MappingProxyType
from typing import Final

from cloud_bridge.core.timings import Timings
from edge.ports import Terms
from hw_sim.platform.faults import Armed, Fault
from hw_sim.world.buses import ANY, USUAL
from hw_sim.world.campaign import Broken, Totals, on_all_cores
from hw_sim.world.cells import counted
from hw_sim.world.run import Outcome, ended, heal, watched
from hw_sim.world.shoppers import Habit, Manners, Shoppers
from hw_sim.world.trouble import calm
from hw_sim.world.world import Rig, World

_AWAY_S: Final = 3.0
_MOST: Final = 100_000  # steps of a scenario, for a number that names both
_RIG: Final = Rig(
    poll_ms=200,
    terms=Terms(machine="", lease_s=90, grace_s=8, vends_a_day=100_000),
    timings=Timings(pay_s=60, order_min_s=30, doubt_s=60.0, gone_s=120.0, look_again_s=20.0),
)


def _board(fault: str, instead: str = "") -> Callable[[World], None]:
    """A fault of the board, or one that comes near it where it does not know the first."""

    def strike(world: World) -> None:
        machine = world.machines[0]
        known = [name for name in (fault, instead) if name in machine.board.faults.known]
        machine.stumble(known[0], times=1)

    return strike


def _platform(fault: Fault, also: str = "") -> Callable[[World], None]:
    def arm(world: World) -> None:
        world.payments.faults.arm(Armed(fault, times=2))
        if also:
            world.machines[0].stumble(also, times=1)

    return arm


def _offline(world: World) -> None:
    """The machine has no network for a minute, from the payment on."""

    def cut(after_s: float, name: str) -> None:
        world.story.add(name, "cut off")
        world.cut_off.add(name)
        world.broker.cut_name(name, "keep-alive")
        world.loop.on(world.loop.nature, after_s, world.cut_off.discard, name)

    def seen(entry: object) -> None:
        if getattr(entry, "what", "") == "payment.made":
            world.loop.on(world.loop.nature, 0.0, cut, 60.0, world.machines[0].name)

    world.story.watch(seen)


@dataclass(frozen=True, slots=True)
class Scenario:
    """One shopper with a habit, and what is broken from the beginning."""

    habit: Habit
    broken: Callable[[World], None] = lambda world: None


SCENARIOS: Final[Mapping[str, Scenario]] = MappingProxyType(
    {
        "sale": Scenario(Habit.PAYS),
        "cancel and pay": Scenario(Habit.CANCELS_AND_PAYS),
        "choose again": Scenario(Habit.CHOOSES_AGAIN),
        "walk away": Scenario(Habit.LEAVES),
        "two phones": Scenario(Habit.TWO_PHONES),
        "jam": Scenario(Habit.PAYS, _board("jam")),
        "nothing falls": Scenario(Habit.PAYS, _board("no_drop")),
        "no result": Scenario(Habit.PAYS, _board("no_result", "late_result")),
        "notices lost": Scenario(Habit.PAYS, _platform(Fault.LOST_NOTICE)),
        "refund closed": Scenario(Habit.PAYS, _platform(Fault.REFUND_CLOSED, "jam")),
        "payment beats close": Scenario(Habit.PAYS_LATE, _platform(Fault.PAYMENT_BEATS_CLOSE)),
        "offline after payment": Scenario(Habit.PAYS, _offline),
    }
)


def every_step(*, workers: int = 0, stride: int = 1, bus: str = ANY) -> tuple[Iterator[Totals], int]:
    """Each scenario once for each of its steps (or each `stride`-th), cut there; and how many that are.

    `bus` is the machine's (any: the usual one).
    """
    bus = USUAL if bus == ANY else bus
    numbers = [
        at * _MOST + step
        for at, name in enumerate(SCENARIOS)
        for step in range(0, _walk(name, 0, bus)[1] + 1, stride)
    ]
    return on_all_cores(partial(_one, bus=bus), numbers, workers), len(numbers)


def _one(number: int, bus: str) -> Totals:
    at, step = divmod(number, _MOST)
    totals = Totals(seeds=1)
    with counted() as totals.cells:
        outcome, _ = _walk(list(SCENARIOS)[at], step, bus)
    totals.virtual_s = outcome.virtual_s
    totals.counts, totals.marks = Counter(outcome.counts), Counter(outcome.marks)
    if outcome.violations:
        told = tuple(str(entry) for entry in islice(outcome.story.entries, 4_000))
        totals.broken.append(Broken(seed=number, violations=outcome.violations, story=told))
    return totals


def _walk(name: str, step: int, bus: str) -> tuple[Outcome, int]:
    """Live through a scenario and cut whoever takes this step (0: nobody); how many steps there were."""
    scenario = SCENARIOS[name]
    world = World(1 + list(SCENARIOS).index(name), replace(_RIG, bus=bus))
    checker = watched(world)
    if step:
        _cut_at(world, step)
    scenario.broken(world)
    world.start()
    machine = world.machines[0]
    manners = Manners(every_s=20.0, weights={scenario.habit: 1.0})
    people = Shoppers(machine, world.payments, world.story, manners, world.chance("people"))
    world.loop.spawn(world.loop.nature, people.come(1), "people")
    world.run(240)
    steps = world.story.steps
    calm(world)
    heal(world)
    return ended(world, checker), steps


def _cut_at(world: World, step: int) -> None:
    by_name = {machine.name: machine for machine in world.machines}

    def seen(number: int, who: str, name: str) -> None:
        if number != step:
            return
        world.story.add("world", "cuts power at a step", host=who, step=name)
        if who in by_name:
            by_name[who].crash(power=True)
            world.loop.on(world.loop.nature, _AWAY_S, by_name[who].restore)
        else:
            world.office.crash()
            world.loop.on(world.loop.nature, _AWAY_S, world.office.start)

    world.story.steps_seen.append(seen)
