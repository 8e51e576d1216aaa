"""Rarer trouble: journals lost, rolled back and cloned, books restored, people at work, links that store.

After a journal's trouble a technician comes: a journal that is doubted is replaced, a new one is confirmed.
"""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from types import MappingProxyType
from typing import Any, Final

from hw_sim.world.adversary import adversary
from hw_sim.world.machine import Machine
from hw_sim.world.moments import MOMENTS
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
        if pace.over or _heard_upto(pace, machine) == told:
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
    """Somebody orders refunds, also ones that he had better left alone, and settles cases by hand."""

    async def strike() -> None:
        world = pace.world
        sales = list(world.office.disk.tables.sales.values())
        open_ones = [sale for sale in sales if sale.state.value in ("paid", "case")]
        cases = [case.sale_id for case in world.office.disk.tables.cases if not case.resolution]
        if pace.chance.random() < 0.3 and cases:
            world.office.settle(pace.chance.choice(cases))
        elif pace.chance.random() < 0.7 and open_ones:
            world.office.order_refund(pace.chance.choice(open_ones).sale_id)
        elif sales:
            world.office.order_refund(pace.chance.choice(sales).sale_id)

    await pace.now_and_then(strike)


MISHAPS: Final[Mapping[str, Callable[[Pace], Coroutine[Any, Any, None]]]] = MappingProxyType(
    {
        **MOMENTS,
        **{
            kind.__name__: kind
            for kind in (
                journal_lost,
                journal_rolled_back,
                journal_cloned,
                books_restored,
                new_catalogue,
                operators,
                adversary,
            )
        },
    }
)
