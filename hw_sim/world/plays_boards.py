"""Plays of the judge: each row of its table, met by the real daemon after a restart in the middle of a run.

A board that remembers in one way is put in place of the machine's own one (`memories`).
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from hw_sim.boards.recovery import Make
from hw_sim.world.memories import Memory
from hw_sim.world.stage import NotAsWritten, Stage

_AWAY_S: Final = 8.0  # until whatever the board still does is over
_LATCHED: Final = Make(kind="latched", latch=True)
_TOKEN: Final = Make(kind="token")
_DROPS: Final = Make(kind="counters", counter="drops")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A row of the judge's table: the board, how its run goes, when the daemon ends in it, what follows.

    `after` moments of the run the daemon is killed, with `power` the board's power goes as well; without, it
    runs on and only `stops_after` ends it. `another`: somebody runs the board by hand before it is asked.
    """

    make: Make
    ends: str
    why: str = ""
    run: str = "good"
    after: int = 0
    power: bool = True
    stops_after: int = 100
    another: bool = False
    deaf: bool = False
    repeats: bool = False


ROWS: Final[Mapping[str, Row]] = MappingProxyType(
    {
        "our number, good": Row(make=_TOKEN, ends="delivered", after=1, power=False),
        "our number, no sensor looks": Row(
            make=Make(kind="history", sensor=False), ends="delivered", after=1, power=False
        ),
        "our number, jam": Row(make=_TOKEN, ends="not_delivered", why="jam", run="jam", after=1, power=False),
        "our number, motor fault": Row(
            make=_TOKEN, ends="not_delivered", why="motor_fault", run="fault", after=1, power=False
        ),
        "our number, nothing fell": Row(
            make=_TOKEN, ends="not_delivered", why="no_drop", run="empty", after=1, power=False
        ),
        "interrupted, the latch is set": Row(make=_LATCHED, ends="delivered", after=3),
        "interrupted, nothing else is known": Row(make=_TOKEN, ends="uncertain", why="no_memory", after=3),
        "still the baseline's": Row(make=_LATCHED, ends="not_delivered", why="never_began"),
        "another record": Row(make=_TOKEN, ends="uncertain", why="overwritten", after=2, another=True),
        "a memory that is lost": Row(
            make=Make(kind="token", keeps=False), ends="uncertain", why="no_memory", after=3
        ),
        "the counter moved by one": Row(make=_DROPS, ends="delivered", after=2),
        "the counter of drops did not move": Row(
            make=_DROPS, ends="not_delivered", why="nothing_fell", after=1
        ),
        "the counter of starts did not move": Row(
            make=Make(kind="counters", counter="starts"), ends="not_delivered", why="never_began"
        ),
        "the counter proves nothing": Row(
            make=Make(kind="counters", counter="ends"), ends="uncertain", why="power", after=2
        ),
        "a final report is still repeated": Row(
            make=_TOKEN, ends="delivered", after=1, power=False, repeats=True
        ),
        "the door opened": Row(make=Make(kind="door"), ends="delivered", after=2),
        "it still runs": Row(
            make=Make(kind="run_state"),
            ends="uncertain",
            why="still_running",
            after=1,
            power=False,
            stops_after=1,
        ),
        "no answer": Row(make=_TOKEN, ends="uncertain", why="no_answer", after=1, power=False, deaf=True),
        "nothing is remembered": Row(make=Make(kind="none"), ends="uncertain", why="no_memory", after=1),
    }
)


async def judged(stage: Stage, *, row: str) -> None:
    """A daemon ends in a run, starts again, and its journal's row ends as the table says."""
    wanted, machine, loop = ROWS[row], stage.machine, stage.world.loop
    memory = Memory.put_into(machine, wanted.make, loop, stage.world.story)
    memory.run, memory.repeats = wanted.run, wanted.repeats
    memory.stops_after = wanted.after if wanted.power else wanted.stops_after
    stage.press = memory.press
    machine.crash(power=False)  # the daemon that has the other board
    machine.start()
    await stage.choose()
    stage.pay()
    await stage.until(lambda: memory.begun > 0, "the board is told to run")
    await asyncio.sleep(0.5 * wanted.after + 0.75)
    machine.crash(power=wanted.power)
    memory.deaf = wanted.deaf
    await asyncio.sleep(_AWAY_S)
    if wanted.another:
        memory.board.records = [(99, "dropped")]
    machine.restore()
    await stage.ends(wanted.ends)
    why = _told_why(stage)
    if wanted.why and why != wanted.why:
        raise NotAsWritten(f"{row}: the journal says {why}")
    stage.world.story.mark(f"judge: {row}")


def _told_why(stage: Stage) -> str:
    """Why a run ended as the journal has it, without whether something moved."""
    said = [entry for entry in stage.world.story.entries if entry.what == f"sale.{stage.machine_row}"]
    return str(dict(said[-1].fields)["why"]).rpartition(".")[2]
