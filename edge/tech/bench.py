"""Benches for the conformance suite: a real board on a port, or a simulated one as a program of its own."""

import asyncio
import contextlib
import json
import shutil
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any, Final

from edge.drivers.registry import BUSES, BusSettings, make_dispenser
from edge.ports import BusEvent, BusUp, Dispenser
from edge.tech.trial import Lab, Truth

LANES: Final = (11, 12, 13)
STOCK: Final = 60
START_S: Final = 20
SECOND_S: Final = 4
# What a simulated board calls a fault of the suite, where it calls it otherwise.
_OTHER_NAMES: Final[Mapping[str, Mapping[str, str]]] = {"xy": {"lose_reply": "lose_command_ack"}}


class NoBoard(Exception):
    """The simulated board did not start; its last words."""


class TechClock:
    """Implements `edge.ports.Clock`."""

    def now_ms(self) -> int:
        """Milliseconds of CLOCK_BOOTTIME."""
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000

    def wall_ms(self) -> int:
        """Unix milliseconds, for people."""
        return time.time_ns() // 1_000_000


class PortBench:
    """Implements `Bench` over a port: what cannot be done to a real board is said to be not applicable."""

    def __init__(self, settings: BusSettings, lanes: tuple[int, ...], ask: Callable[[str], None]) -> None:
        self.seq = 0
        self.lanes = lanes
        self.told: list[BusEvent] = []
        self._settings: Final = settings
        self._ask: Final = ask
        self._clock: Final = TechClock()
        self._run: asyncio.Task[None] | None = None
        self.dispenser: Dispenser = self._start()

    def fault(self, name: str, times: int) -> bool:
        """A real board cannot be told to fail."""
        return False

    def choose(self, lane: int) -> None:
        """Only a person can choose at a real machine."""
        if self.dispenser.capabilities.asks:
            self._ask(f"Choose lane {lane} at the machine now.")

    async def truth(self) -> Truth | None:
        """Nobody counts."""
        return None

    async def restart_daemon(self) -> None:
        """Let go of the port, as a killed process does, and open it again."""
        await self.close()
        self.dispenser = self._start()

    async def second_is_refused(self) -> bool | None:
        """Start another daemon on the same port: it must not reach the board."""
        told = list[BusEvent]()
        run = asyncio.create_task(make_dispenser(self._settings, self._clock).run(told.append))
        await asyncio.sleep(SECOND_S)
        run.cancel()
        await asyncio.gather(run, return_exceptions=True)
        return not any(isinstance(event, BusUp) for event in told)

    async def close(self) -> None:
        """Let go of the port."""
        if self._run is not None:
            self._run.cancel()
            await asyncio.gather(self._run, return_exceptions=True)

    def _start(self) -> Dispenser:
        self.told = told = list[BusEvent]()
        dispenser = make_dispenser(self._settings, self._clock)
        self._run = asyncio.create_task(dispenser.run(told.append), name="bus")
        return dispenser


class ModelBench(PortBench):
    """A simulated board behind a pseudo-terminal, told to fail and asked for the truth over its pipe."""

    def __init__(
        self,
        settings: BusSettings,
        lanes: tuple[int, ...],
        *,
        child: asyncio.subprocess.Process,
        known: frozenset[str],
    ) -> None:
        self._child: Final = child
        self._known: Final = known
        super().__init__(settings, lanes, lambda _: None)

    def fault(self, name: str, times: int) -> bool:
        """False for a fault that this board does not know."""
        name = _OTHER_NAMES.get(self._settings.bus, {}).get(name, name)
        if name not in self._known:
            return False
        self._say({"do": "fault", "name": name, "times": times})
        return True

    def choose(self, lane: int) -> None:
        """Press its keys."""
        if self.dispenser.capabilities.asks:
            self._say({"do": "key", "lane": lane})

    async def truth(self) -> Truth:
        """What its cabinet counts."""
        self._say({"do": "books"})
        books = await hear(self._child, "books")
        return Truth(books["motor_starts"], books["pieces_dropped"])

    def _say(self, wish: Mapping[str, Any]) -> None:
        say(self._child, wish)


def real(settings: BusSettings, lanes: tuple[int, ...], ask: Callable[[str], None]) -> Lab:
    """A board on the port that the settings name."""

    @contextlib.asynccontextmanager
    async def bench() -> AsyncIterator[PortBench]:
        made = PortBench(settings, lanes, ask)
        try:
            yield made
        finally:
            await made.close()

    return Lab(bench=bench)


def simulated(bus: str, more: Mapping[str, Any]) -> Lab:
    """A simulated board of this bus, a new one for each check. Raises NoBoard when it does not start."""

    @contextlib.asynccontextmanager
    async def bench() -> AsyncIterator[ModelBench]:
        with tempfile.TemporaryDirectory(prefix="wxvend-bench-") as folder:
            link = Path(folder) / "board"
            child = await start_board(bus, link)
            try:
                await hear(child, "ready")
                settings = BUSES[bus]().settings(port=link, **more)
                made = ModelBench(settings, LANES, child=child, known=await _faults(bus))
                yield made
                await made.close()
            finally:
                child.terminate()
                await child.wait()

    return Lab(bench=bench)


def _wxvend() -> str:
    """Our own command: beside the interpreter, or on the path."""
    beside = Path(sys.executable).with_name("wxvend")
    found = str(beside) if beside.exists() else shutil.which("wxvend")
    if found is None:
        raise NoBoard("found no wxvend command to start a simulated board with")
    return found


async def start_board(bus: str, link: Path, lanes: tuple[int, ...] = LANES) -> asyncio.subprocess.Process:
    """A simulated board as a program of its own, on a pseudo-terminal that `link` names once it is ready."""
    wanted = ("--bus", bus, "--link", str(link), "--stock", str(STOCK), "--quiet")
    numbers = ("--lanes", ",".join(map(str, lanes)))
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(
        _wxvend(), "sim", "board", *wanted, *numbers, stdin=pipe, stdout=pipe
    )


def say(child: asyncio.subprocess.Process, wish: Mapping[str, Any]) -> None:
    """Tell a simulated board what to do."""
    assert child.stdin is not None
    child.stdin.write(json.dumps(wish).encode() + b"\n")


async def hear(child: asyncio.subprocess.Process, event: str) -> dict[str, Any]:
    """The next line of this kind that the simulated board says."""
    assert child.stdout is not None
    async with asyncio.timeout(START_S):
        while line := await child.stdout.readline():
            told: dict[str, Any] = json.loads(line)
            if told.get("event") == event:
                return told
    raise NoBoard("the simulated board has ended")


async def _faults(bus: str) -> frozenset[str]:
    child = await asyncio.create_subprocess_exec(
        _wxvend(), "sim", "board", "--bus", bus, "--list-faults", stdout=asyncio.subprocess.PIPE
    )
    out, _ = await child.communicate()
    return frozenset(line.split()[0] for line in out.decode().splitlines() if line.strip())
