"""One seed from its beginning to its end: trouble, then healing, then the reckoning."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from random import Random
from typing import Final

from cloud_bridge.core.sale import Sale
from cloud_bridge.core.timings import Limits, Timings
from edge.ports import Terms
from hw_sim.world import reckoning
from hw_sim.world.buses import ANY, drawn
from hw_sim.world.checker import Checker, Violation
from hw_sim.world.marks import Marks
from hw_sim.world.operators import Operators
from hw_sim.world.payments import SECRETS
from hw_sim.world.scans import Phones
from hw_sim.world.shoppers import Habit, Manners, Shoppers
from hw_sim.world.story import Story
from hw_sim.world.technician import Technician
from hw_sim.world.trouble import Trouble
from hw_sim.world.watch import watch
from hw_sim.world.world import LANES, PRICES_FEN, Rig, World

HEALING_S: Final = 45 * 60.0
TROUBLE_S: Final = 3600.0
_STEP_S: Final = 60.0
_ENDED: Final = frozenset({"vended", "refunded", "closed", "case", "settled"})
_OVER: Final = frozenset({"vended", "refunded", "settled"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """How much happens: sales in all, virtual hours at most, machines (0: one or two, as the seed has it).

    Instead of the seed's own: `only` names the kinds of trouble that are on, `clock_rates` how fast clocks
    run, `every_s` how often people come, `all_pay` that they all pay, `order_requests` that codes name lanes.
    `bus` is the machines' (any: as the seed has it). `operators`: people have machines stop, start and more.
    """

    sales: int = 20
    hours: float = 24.0
    machines: int = 0
    only: frozenset[str] | None = None
    clock_rates: tuple[float, ...] = ()
    every_s: float = 0.0
    all_pay: bool = False
    order_requests: bool = False
    bus: str = ANY
    operators: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a seed came to."""

    seed: int
    violations: tuple[Violation, ...]
    counts: Mapping[str, int]
    marks: Mapping[str, int]
    digest: str
    virtual_s: float
    story: Story


def run_seed(seed: int, life: Life | None = None) -> Outcome:
    """Live through a seed."""
    life = life or Life()
    rig = replace(
        _rig(seed, life.machines, life.clock_rates),
        bus=drawn(life.bus, World.stream(seed, "kind of bus")),
        odd=True,
        order_requests=life.order_requests,
    )
    world = World(seed, rig)
    checker = watched(world)
    trouble = Trouble(world, only=life.only)
    world.story.mark(f"bus: {rig.bus}")
    for name in trouble.kinds:
        world.story.mark(f"trouble: {name}")
    world.start()
    trouble.start()
    world.loop.spawn(world.loop.nature, Technician(world).come(), "technician")
    if life.operators:
        world.loop.spawn(world.loop.nature, Operators(world).work(), "operators")
    _shop(world, life, trouble)
    trouble.heal()
    heal(world)
    return ended(world, checker, attacked=trouble.kinds == ("adversary",))


def watched(world: World) -> Checker:
    """A checker that listens to this world from now on."""
    rig = world.rig
    checker = Checker(
        dict(zip(LANES, PRICES_FEN, strict=True)),
        bound_s=rig.terms.lease_s * 1.002 + world.machines[0].can.start_s + 1,
        gone_s=rig.timings.gone_s,
        secrets=SECRETS,
    )
    watch(world)
    Marks(world)
    world.story.watch(checker.take)
    return checker


def _rig(seed: int, machines: int, clock_rates: tuple[float, ...]) -> Rig:
    """Half of all worlds have a shop's waits, the others live faster; some drift, some brake."""
    chance = World.stream(seed, "rig")
    drawn = 2 if chance.random() < 0.2 else 1
    drawn_rates: tuple[float, ...] = chance.choice(((), (), (0.998, 1.002)))
    rates = clock_rates or drawn_rates
    limits = chance.choice((Limits(lane=1000, machine=1000, fleet=1000), Limits(lane=3, machine=5, fleet=7)))
    if chance.random() < 0.5:
        return Rig(
            machines=machines or drawn,
            poll_ms=chance.choice((200, 1000, 1000, 1000)),
            clock_rates=rates,
            limits=limits,
        )
    return Rig(
        machines=machines or drawn,
        clock_rates=rates,
        limits=limits,
        terms=Terms(machine="", lease_s=90, grace_s=8, vends_a_day=100_000),
        timings=Timings(pay_s=60, order_min_s=30, doubt_s=60.0, gone_s=120.0, look_again_s=20.0),
        poll_ms=1000,
    )


def _shop(world: World, life: Life, trouble: Trouble) -> None:
    """Let people come until they have all gone, also past the end of a trouble that does not let them buy."""
    manners = _manners(world.chance("manners"), life)
    each = -(-life.sales // len(world.machines))
    waiting = [
        world.loop.spawn(
            world.loop.nature,
            Shoppers(
                machine,
                world.payments,
                world.story,
                manners,
                world.chance(f"{machine.name} shoppers"),
                phones=_phones(world) if life.order_requests else None,
            ).come(each),
            f"{machine.name} shoppers",
        )
        for machine in world.machines
    ]
    while not all(task.done() for task in waiting) and world.loop.time() < life.hours * 3600:
        world.run(_STEP_S)
        if world.loop.time() > TROUBLE_S and not trouble.over:
            trouble.heal()


def _phones(world: World) -> Phones:
    return Phones(world.loop, world.payments, world.office.ask_order, world.chance("phones"))


def _manners(chance: Random, life: Life) -> Manners:
    weights = {habit: chance.choice((0.0, 1.0, 1.0, 4.0)) for habit in Habit}
    weights[Habit.PAYS] += 1.0
    if life.all_pay:
        weights = {Habit.PAYS: 1.0}
    return Manners(every_s=life.every_s or chance.choice((5.0, 15.0, 60.0)), weights=weights)


def heal(world: World) -> None:
    """Until nothing is open any more, and at most as long as a promise may take."""
    until_s = world.loop.time() + HEALING_S
    while world.loop.time() < until_s:
        world.run(_STEP_S)
        rows = world.office.disk.tables.sales.values()
        waiting = any("open" in machine.disk.rows.values() for machine in world.machines)
        if not waiting and all(sale.state.value in _ENDED and not sale.look_again for sale in rows):
            break
    world.run(_STEP_S)


def ended(world: World, checker: Checker, *, attacked: bool = False) -> Outcome:
    """Reckon, and let go of the world."""
    violations = (*checker.violations, *_reckoning(world, checker, attacked=attacked))
    world.loop.close()
    return Outcome(
        seed=world.seed,
        violations=violations,
        counts=_counts(world, checker),
        marks=dict(world.story.marks),
        digest=world.story.digest,
        virtual_s=world.loop.time(),
        story=world.story,
    )


def _reckoning(world: World, checker: Checker, *, attacked: bool) -> Iterable[Violation]:
    now_s, tables = world.loop.time(), world.office.disk.tables
    for host, error in world.loop.broken:
        yield Violation("I0", "", f"{host}: {type(error).__name__}: {error}", now_s)
    rows = {sale_id: _row(sale) for sale_id, sale in tables.sales.items()}
    journals = {sale_id: state for machine in world.machines for sale_id, state in machine.disk.rows.items()}
    forgotten = _forgotten(checker, rows)
    known = {sale_id: truth for sale_id, truth in checker.truths.items() if sale_id not in forgotten}
    yield from reckoning.compare(known, rows, journals, now_s)
    entries = [(sale_id, post.debit.value, post.credit.value, post.fen) for sale_id, post in tables.ledger]
    over = [row.sale_id for row in rows.values() if row.state in _OVER]
    yield from reckoning.unbalanced(entries, over, now_s)
    fallen = sum(machine.board.cabinet.pieces_dropped for machine in world.machines)
    yield from reckoning.conserved(fallen, checker.truths, now_s)
    for machine in world.machines:
        yield from reckoning.broken_chain(machine.name, machine.disk.chain(), now_s)
    if attacked:
        alarms = [name for _, name, _ in tables.alarms]
        yield from reckoning.more_than_delay(rows.values(), alarms, now_s)


def _forgotten(checker: Checker, rows: Mapping[str, reckoning.Row]) -> frozenset[str]:
    return reckoning.for_the_bill(checker.truths, rows, checker.restored_s)


def _row(sale: Sale) -> reckoning.Row:
    return reckoning.Row(
        sale_id=sale.sale_id,
        state=sale.state.value,
        decision=sale.decision.value,
        doubt=sale.doubt,
        case=sale.case,
        paid_fen=sale.paid_fen,
        refunded_fen=sale.refunded_fen,
        goods=sale.goods,
    )


def _counts(world: World, checker: Checker) -> Mapping[str, int]:
    counts: Counter[str] = Counter()
    for sale in world.office.disk.tables.sales.values():
        counts[sale.state.value] += 1
        counts["cases"] += bool(sale.case)
        counts[f"doubt.{sale.doubt}"] += bool(sale.doubt)
    rows = {sale_id: _row(sale) for sale_id, sale in world.office.disk.tables.sales.items()}
    counts["left to the bill"] = len(_forgotten(checker, rows))
    counts["sales"] = sum(machine.opened for machine in world.machines)
    counts["paid"] = sum(bool(truth.paid_fen) for truth in checker.truths.values())
    counts["pieces"] = sum(machine.board.cabinet.pieces_dropped for machine in world.machines)
    return +counts
