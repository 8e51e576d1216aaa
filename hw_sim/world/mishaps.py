"""Rarer trouble: journals lost, rolled back and cloned, books restored, people at work, links that store.

After a journal's trouble a technician comes: a journal that is doubted is replaced, a new one is confirmed.
"""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from types import MappingProxyType
from typing import Any, Final

from hw_sim.world.adversary import adversary
from hw_sim.world.broker import Packet
from hw_sim.world.machine import Machine
from hw_sim.world.pace import Pace

_CONFIRM_S: Final = 5.0


# ---------------------------------------------------------------- journals


async def journal_lost(pace: Pace) -> None:
    """A machine's journal is gone with its disk; somebody confirms the new one."""

    async def strike() -> None:
        machine = pace.chance.choice(pace.world.machines)
        machine.crash(power=True)
        machine.lose_journal()
        await pace.for_a_while()
        machine.restore()
        await _confirm(pace, machine)

    await pace.now_and_then(strike)


async def journal_rolled_back(pace: Pace) -> None:
    """A machine gets the disk of an earlier session back; its journal is found out and replaced."""

    async def strike() -> None:
        machine = pace.chance.choice(pace.world.machines)
        copy = machine.disk.image
        told = _heard_upto(pace, machine)
        await pace.for_a_while()
        if _heard_upto(pace, machine) == told:
            return  # nobody could tell such a copy from a power cut
        machine.crash(power=True)
        machine.swap_journal(copy, "rolled back")
        await asyncio.sleep(1)
        machine.restore()
        await _replace(pace, machine)

    await pace.now_and_then(strike)


async def journal_cloned(pace: Pace) -> None:
    """A machine is set up from another one's disk; the clone is found out and replaced."""

    async def strike() -> None:
        if len(pace.world.machines) < 2:
            return
        source, clone = pace.chance.sample(pace.world.machines, 2)
        clone.crash(power=True)
        clone.swap_journal(source.disk.image, "cloned")
        await asyncio.sleep(1)
        clone.restore()
        await _replace(pace, clone)

    await pace.now_and_then(strike)


def _heard_upto(pace: Pace, machine: Machine) -> tuple[str, int]:
    rows = pace.world.office.disk.tables.journals.values()
    current = [row for row in rows if row.machine == machine.name and row.current]
    return (current[0].jid, current[0].upto) if current else ("", 0)


async def _replace(pace: Pace, machine: Machine) -> None:
    """A technician moves a doubted journal aside."""
    await pace.for_a_while()
    machine.crash(power=False)
    machine.lose_journal()
    await asyncio.sleep(1)
    machine.start()
    await _confirm(pace, machine)


async def _confirm(pace: Pace, machine: Machine) -> None:
    """The daemon is stopped, `confirm` is run, the daemon is started."""
    await asyncio.sleep(_CONFIRM_S)
    await pace.for_a_while()
    machine.crash(power=False)
    machine.confirm_journal()
    await asyncio.sleep(1)
    machine.start()


# ---------------------------------------------------------------- the bridge


async def books_restored(pace: Pace) -> None:
    """The bridge's books come back from a backup, under a new incarnation."""

    office = pace.world.office
    for _ in range(pace.chance.randrange(1, 3)):
        await asyncio.sleep(pace.chance.random() * 4 * pace.pace_s)
        backup = office.disk.tables
        await pace.for_a_while()
        if pace.over:
            return
        office.crash()
        office.restore_books(backup, pace.chance.randbytes(16).hex())
        await asyncio.sleep(1)
        office.start()


async def new_catalogue(pace: Pace) -> None:
    """Somebody changes the catalogue: a new version, and a lane that comes and goes."""

    async def strike() -> None:
        office = pace.world.office
        office.change_catalogue(drop=pace.chance.randrange(5))
        office.crash()
        await asyncio.sleep(1)
        office.start()

    await pace.now_and_then(strike)


async def operators(pace: Pace) -> None:
    """Somebody orders refunds that he should better have left alone."""

    async def strike() -> None:
        world = pace.world
        sales = list(world.office.disk.tables.sales.values())
        open_ones = [sale for sale in sales if sale.state.value in ("paid", "case")]
        if pace.chance.random() < 0.7 and open_ones:
            world.office.order_refund(pace.chance.choice(open_ones).sale_id)
        elif sales:
            world.office.order_refund(pace.chance.choice(sales).sale_id)

    await pace.now_and_then(strike)


# ---------------------------------------------------------------- time and the way


async def killed_in_a_flush(pace: Pace) -> None:
    """A daemon dies while a flush runs and is started again at once; the flush may still come through."""
    story, world, chance = pace.world.story, pace.world, pace.chance
    by_name = {machine.name: machine for machine in world.machines}

    def kill(machine: Machine) -> None:
        if machine.running and machine.disk.flushing:
            story.mark("killed in a flush")
            machine.crash(power=False)
            world.loop.on(world.loop.nature, 0.01, machine.start)

    def seen(number: int, who: str, name: str) -> None:
        if name == "journal.flush" and who in by_name and not pace.over and chance.random() < 0.05:
            world.loop.on(world.loop.nature, chance.random() * 0.005, kill, by_name[who])

    story.steps_seen.append(seen)
    await asyncio.sleep(0)


async def store_and_forward(pace: Pace) -> None:
    """A link that keeps everything for minutes and then hands all of it over, in order."""

    async def strike() -> None:
        weather, now_s = pace.world.weather, pace.world.loop.time()
        pace.world.story.add("broker", "stores")
        weather.stored_until_s = now_s + pace.chance.choice((5.0, 60.0, 300.0)) * pace.chance.random()

    await pace.now_and_then(strike)


async def obeys_repeats(pace: Pace) -> None:
    """Boards that take a repeated frame for a new one: nothing that moves may ever be repeated to them."""
    for machine in pace.world.machines:
        machine.board.faults.set("run_duplicates", times=-1)
    await asyncio.sleep(0)


async def late_words(pace: Pace) -> None:
    """An authorisation comes just as the lease of its sale ends, a little earlier or later."""
    world, chance = pace.world, pace.chance
    spread_s = chance.choice((0.5, 2.0, 8.0))

    def held_s(packet: Packet) -> float:
        if pace.over or not packet.topic.endswith("/down/sale.paid") or chance.random() < 0.3:
            return 0.0
        machine = next(each for each in world.machines if f"/{each.name}/" in packet.topic)
        left_s = machine.lease_left_s()
        return max(0.0, left_s - spread_s * (chance.random() - 0.2)) if left_s > 0 else 0.0

    world.weather.held_s = held_s
    await asyncio.sleep(0)


MISHAPS: Final[Mapping[str, Callable[[Pace], Coroutine[Any, Any, None]]]] = MappingProxyType(
    {
        kind.__name__: kind
        for kind in (
            journal_lost,
            journal_rolled_back,
            journal_cloned,
            books_restored,
            new_catalogue,
            operators,
            killed_in_a_flush,
            store_and_forward,
            obeys_repeats,
            late_words,
            adversary,
        )
    }
)
