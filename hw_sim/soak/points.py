"""Every crash point of a daemon: the k-th write, flush or serial write of a scenario is its last.

strace joins the running daemon and kills it as the call begins, so all calls before it happened and no other.
What a bridge says to the platform and to the broker goes through turnstiles, which do the same.
"""

import asyncio
import os
import shutil
import signal
from collections.abc import AsyncGenerator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

from hw_sim.demo.eye import Eye
from hw_sim.demo.scenery import board_link, journal, screen
from hw_sim.demo.shelf import SHELF
from hw_sim.demo.web_call import CallFailed
from hw_sim.soak.cast import STOCK, Cast
from hw_sim.soak.rounds import come_to_rest
from hw_sim.soak.turnstile import Turnstiles

# victim -> the calls that change something outside its memory; `write` is the serial line's. `answer` is the
# platform's: the bridge dies when its call has done its work, and before it hears of that.
CALLS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "edge": ("pwrite64", "fdatasync", "write"),
        "bridge": ("pwrite64", "fdatasync", "publish", "call", "answer"),
    }
)
ALL_CALLS: Final = sorted({call for calls in CALLS.values() for call in calls})
_SPOILS_A_LANE: Final = ("jam", "no drop", "refund answer lost")  # two of these stop it
_STILES: Final = ("publish", "call", "answer")
_ATTACH_S: Final = 60.0
_CODE_S: Final = 60.0  # who waits longer is broken off by a death, or something is wrong
_MOST_POINTS: Final = 1000
_FIRST, _SECOND = SHELF[0].lane, SHELF[1].lane


class CannotTrace(Exception):
    """strace is missing or may not join: why, and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """Strike `victim` in its `k`-th `call` (of a thread) in this scenario: it dies, or the call fails."""

    scenario: str
    victim: str
    call: str
    k: int
    blow: str = "signal=KILL"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """How the victim ended, if the scenario got as far as the point, and what was wrong in the end."""

    death: str
    wrong: list[str]

    @property
    def reached(self) -> bool:
        """Whether the victim ended there."""
        return self.death != ""


Weapon = Callable[[], Coroutine[None, None, None]]  # lays itself down


class Visitor:
    """The shopper of a scenario; what he cannot do because somebody is dead, he leaves.

    `started` is told whom the scenario itself has stopped and started again.
    """

    def __init__(self, cast: Cast, started: Callable[[str], Coroutine[None, None, None]]) -> None:
        self.cast: Final = cast
        self.started: Final = started
        self.chores: Final[list[asyncio.Task[None]]] = []  # what has to be done also when he is broken off
        self._eye: Final = Eye(screen(cast.folder))

    async def chooses(self, lane: int = _FIRST) -> str:
        """Key a lane; the code on the screen. Raises TimeoutError."""
        await self._eye.look()
        self.cast.press({"do": "key", "lane": lane})
        code = await self._eye.new_code(_CODE_S)
        await self.cast.desk("scan", {"code_url": code})
        return code

    async def pays(self, code: str, *, late: bool = False) -> None:
        """Pay; `late` was begun before the order was closed."""
        await self.cast.desk("pay", {"code_url": code, "race": late})

    async def breaks_payment(self, name: str, only: str = "transaction") -> None:
        """Let the platform do this wrong once."""
        await self.cast.desk("fault", {"name": name, "only": only, "times": 1})


async def _bought(visitor: Visitor) -> None:
    await visitor.pays(await visitor.chooses())


async def _jammed(visitor: Visitor) -> None:
    visitor.cast.press({"do": "fault", "name": "jam", "times": 1})
    await _bought(visitor)


async def _nothing_fell(visitor: Visitor) -> None:
    visitor.cast.press({"do": "fault", "name": "no_drop", "times": 1})
    await _bought(visitor)


async def _cancelled(visitor: Visitor) -> None:
    await visitor.chooses()
    visitor.cast.press({"do": "cancel"})


async def _chose_again(visitor: Visitor) -> None:
    await visitor.chooses()
    await visitor.pays(await visitor.chooses(_SECOND))


async def _paid_late(visitor: Visitor) -> None:
    code = await visitor.chooses()
    visitor.cast.press({"do": "cancel"})
    await visitor.pays(code, late=True)


async def _notice_lost(visitor: Visitor) -> None:
    await visitor.breaks_payment("lost_notice")
    await _bought(visitor)


async def _notice_twice(visitor: Visitor) -> None:
    await visitor.breaks_payment("double_notice")
    await _bought(visitor)


async def _walked_away(visitor: Visitor) -> None:
    await visitor.chooses()


async def _without(visitor: Visitor, name: str) -> None:
    code = await visitor.chooses()
    try:
        await visitor.cast.kill(name)
        await visitor.pays(code)
    finally:  # also when the visit is broken off, and wherever, here too
        chore = asyncio.create_task(_start_again(visitor, name), name=f"{name} again")
        visitor.chores.append(chore)
        await asyncio.shield(chore)


async def _start_again(visitor: Visitor, name: str) -> None:
    await visitor.cast.kill(name)
    await visitor.cast.start(name)
    await visitor.started(name)


async def _bridge_away(visitor: Visitor) -> None:
    await _without(visitor, "bridge")


async def _broker_away(visitor: Visitor) -> None:
    await _without(visitor, "mosquitto")


async def _refund_unanswered(visitor: Visitor) -> None:
    await visitor.breaks_payment("answer_lost", only="refund")
    await _jammed(visitor)


SCENARIOS: Final[Mapping[str, Callable[[Visitor], Coroutine[None, None, None]]]] = MappingProxyType(
    {
        "vended": _bought,
        "jam": _jammed,
        "no drop": _nothing_fell,
        "cancel": _cancelled,
        "reselect": _chose_again,
        "late payment": _paid_late,
        "lost notice": _notice_lost,
        "double notice": _notice_twice,
        "abandoned": _walked_away,
        "bridge away": _bridge_away,
        "broker away": _broker_away,
        "refund answer lost": _refund_unanswered,
    }
)


class Arena(Cast):
    """A cast whose bridge goes through turnstiles."""

    def __init__(self, folder: Path, stiles: Turnstiles) -> None:
        super().__init__(folder, poll_ms=100, rewrite=stiles.rewrite)
        self.stiles: Final = stiles


@asynccontextmanager
async def arena(folder: Path) -> AsyncGenerator[Arena, None]:
    """Everything runs inside. Raises as Cast does."""
    async with Turnstiles() as stiles, Arena(folder, stiles) as cast:
        yield cast


async def strike(cast: Arena, point: Point) -> Found:
    """Play the scenario up to the point, then start the victim again and let all come to rest.

    A victim that the scenario itself starts again is struck from then on. Raises CannotTrace.
    """
    await _set_up(cast, point)
    weapons: list[Weapon] = []
    if f"{point.victim} away" != point.scenario:
        weapons.append(await _arm(cast, point))
    try:
        played = await _play(cast, point, weapons)
        _, wrong = await come_to_rest(cast)
    finally:
        for lay_down in weapons:
            await lay_down()
    death = next(iter(cast.deaths), "")
    if not death:
        await cast.kill(point.victim)  # so that each point begins with a fresh daemon
        wrong += [] if played else ["the scenario could not be played to its end"]
    cast.deaths.clear()
    cast.died.clear()
    await cast.start(point.victim)
    _, after = await come_to_rest(cast)
    return Found(death=death, wrong=[*cast.deaths, *(after if death else wrong + after)])


async def _play(cast: Arena, point: Point, weapons: list[Weapon]) -> bool:
    """The scenario, as far as there is somebody to play it with; whether all of it."""

    async def started(name: str) -> None:
        if name == point.victim and not cast.deaths:
            weapons.append(await _arm(cast, point))

    visitor = Visitor(cast, started)
    playing = asyncio.create_task(SCENARIOS[point.scenario](visitor))
    dying = asyncio.create_task(cast.died.wait(), name=f"{point.victim} gone")
    done, _ = await asyncio.wait((playing, dying), return_when=asyncio.FIRST_COMPLETED)
    if dying in done:
        playing.cancel()
    dying.cancel()
    try:
        await playing
    except (asyncio.CancelledError, TimeoutError, CallFailed):
        return False
    finally:
        await asyncio.gather(*visitor.chores)
    return True


async def every_point(
    cast: Arena, scenario: str, victim: str, calls: tuple[str, ...] = ()
) -> AsyncGenerator[tuple[Point, Found], None]:
    """Strike each point of a scenario, call by call, until it has no further one. Without `calls`: all."""
    for call in calls or CALLS[victim]:
        for k in range(1, _MOST_POINTS):
            point = Point(scenario=scenario, victim=victim, call=call, k=k)
            found = await strike(cast, point)
            yield point, found
            if not found.reached:
                break


async def _set_up(cast: Cast, point: Point) -> None:
    """No fault is left over, not in a machine's memory either, and there is enough to sell."""
    if point.victim != "edge" and point.scenario in _SPOILS_A_LANE:
        await cast.kill("edge")
        await cast.start("edge")
    for name in ("jam", "no_drop"):
        cast.press({"do": "fault", "name": name, "times": 0})
    for lane in (_FIRST, _SECOND):
        cast.press({"do": "stock", "lane": lane, "pieces": STOCK})
    await cast.desk("fault", {"clear": True})
    await cast.ready(_ATTACH_S)


async def _arm(cast: Arena, point: Point) -> Weapon:
    """Have the victim die at the point."""
    if point.call not in _STILES:
        return await _join(cast, point)
    stile = cast.stiles.of(point.call)
    stile.arm(point.call, point.k, lambda: os.kill(cast.pid(point.victim), signal.SIGKILL))

    async def lay_down() -> None:
        stile.disarm()

    return lay_down


async def _join(cast: Cast, point: Point) -> Weapon:
    """Return once every thread of the victim is watched."""
    strace = shutil.which("strace")
    if strace is None:
        raise CannotTrace("strace: found none on PATH. Try: sudo apt install strace")
    books = journal(cast.folder) if point.victim == "edge" else cast.folder / "bridge.db"
    files = [Path(f"{books}{suffix}") for suffix in ("", "-wal")]
    watched = [board_link(cast.folder).resolve()] if point.call == "write" else files
    tracer = await asyncio.create_subprocess_exec(
        *(strace, "-f", "-o", "/dev/null", "-p", str(cast.pid(point.victim))),
        *(word for path in watched for word in ("-P", str(path))),
        *("-e", f"trace={point.call}", "-e", f"inject={point.call}:{point.blow}:when={point.k}"),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    assert tracer.stderr is not None
    async with asyncio.timeout(_ATTACH_S):
        said = (await tracer.stderr.readline()).decode("utf-8", "replace").strip()
        while said and "attached" not in said:
            if "not permitted" in said or "No such process" in said:
                break
            said = (await tracer.stderr.readline()).decode("utf-8", "replace").strip()
    if "attached" not in said:
        raise CannotTrace(f"{said or 'strace ended'}. Try: as root, or kernel.yama.ptrace_scope=0")

    async def lay_down() -> None:
        if (
            tracer.returncode is None and not cast.deaths
        ):  # else it has nobody left to watch, and ends by itself
            tracer.terminate()
        await tracer.wait()

    return lay_down
