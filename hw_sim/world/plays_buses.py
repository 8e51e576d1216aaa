"""Plays of the buses: on each, a daemon or the whole machine ends in a run, and the board is asked about it.

The real driver asks the real board; what it may say in the end follows from what that board keeps.
"""

import asyncio
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from hw_sim.world.stage import GONE_S, LANE, NotAsWritten, Stage
from hw_sim.world.story import Entry

AWAY_S: Final = 1.0  # of a daemon that is started again by its computer
DARK_S: Final = 20.0  # of a machine without power
_BEGUN_S: Final = 0.1  # no motor has come round, no piece has fallen so soon
# How each board remembers, and whether it proves a run that it was left alone with.
WAYS: Final[Mapping[str, tuple[str, bool]]] = MappingProxyType(
    {
        "xy": ("none", True),  # it says its result until somebody has heard it
        "adh814": ("latched", True),
        "easivend": ("token", True),
        "ziman": ("history", True),
        "m102": ("run_state", True),
        "zdm8": ("read_once", True),
        "tcn": ("none", False),
        "tcn-lifter": ("run_state", True),
        "jinma": ("read_once", True),
        "lock8a": ("door", True),
        "relay": ("none", False),
        "junpeng": ("counters", True),
        "mdb-qibixx": ("none", False),
        "mdb-waferstar": ("none", False),
    }
)


async def cut_in_a_run(stage: Stage, *, power: bool) -> None:
    """One sale, cut just after its motor has started: proven where the board still knows, else doubt."""
    machine = stage.machine
    await stage.choose()
    stage.pay()
    lane = machine.board.cabinet.lanes[LANE]
    await stage.until(lambda: lane.starts > 0, "the motor starts")
    await asyncio.sleep(_BEGUN_S)
    machine.crash(power=power)
    # Who keeps nothing may still be heard as it says its result: nobody is there in time.
    await asyncio.sleep(AWAY_S if proven(machine.plan.bus, power=power) else DARK_S)
    machine.restore()
    await stage.ends("delivered" if proven(machine.plan.bus, power=power) else "uncertain", 200.0)


async def approved_and_never_said(stage: Stage) -> None:
    """The computer dies between the intent and the first byte: nothing turns, then or later; doubt."""
    machine = stage.machine

    def dies(entry: Entry) -> None:
        if entry.what == "orders" and machine.running:
            machine.crash(power=False)

    stage.world.story.watch(dies)
    await stage.choose()
    stage.pay()
    await stage.until(lambda: not machine.running, "the computer dies")
    await asyncio.sleep(AWAY_S)
    machine.restore()
    await stage.ends("uncertain", 200.0)
    await stage.becomes("refunded", GONE_S)
    if machine.board.cabinet.motor_starts:
        raise NotAsWritten("a motor has started")


def proven(bus: str, *, power: bool) -> bool:
    """Whether the row says what happened. A motor that has stopped half-way is proven by no board here."""
    return WAYS[bus][1] and not power


def mark(bus: str, *, power: bool) -> str:
    """What the play comes past."""
    return f"recovery: {WAYS[bus][0]}, {'proven' if proven(bus, power=power) else 'doubt'}"
