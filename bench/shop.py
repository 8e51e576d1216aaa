"""The real programs as the demo starts them, with mosquitto as we ship it, for benchmarks to sell from."""

import asyncio
import datetime as dt
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from hw_sim.demo.eye import Eye
from hw_sim.demo.scenery import Terms
from hw_sim.demo.shelf import SHELF
from hw_sim.demo.stage import Stage
from hw_sim.demo.troupe import Troupe
from hw_sim.demo.window import Window

# Nothing but the notification may find a payment, and nothing may wait for a motor.
TERMS: Final = Terms(lease_s=240, grace_s=8, pay_s=180, last_payer_s=20, query_first_s=60.0, turn_ms=20)
WAIT_S: Final = 20.0


class Shop:
    """A running machine. `lines` are all that programs have said: (program, line)."""

    def __init__(self, folder: Path, stage: Stage, window: Window, bridge_port: int) -> None:
        self.folder: Final = folder
        self.bridge_port: Final = bridge_port
        self.stage: Final = stage
        self.lines: Final[list[tuple[str, dict[str, Any]]]] = []
        self._window: Final = window
        self._eye: Final = Eye(stage.picture)
        self._next = 0
        window.heard = lambda program, line: self.lines.append((program, dict(line)))

    async def choose(self) -> str:
        """Choose the next lane; the code on the screen."""
        self.lines.clear()
        if self._next % len(SHELF) == 0:
            self.stage.refill()
        self.stage.choose(SHELF[self._next % len(SHELF)].lane)
        self._next += 1
        return await self._eye.new_code(WAIT_S)

    async def delivered(self) -> None:
        """Wait until the machine's journal has the outcome."""
        await self.says("edge", "sale.delivered")

    async def says(self, program: str, event: str, **fields: object) -> dict[str, Any]:
        """Wait for a line of this sale that fits. Raises TimeoutError."""
        await self._window.until(event, lambda: self.found(program, event, **fields), WAIT_S)
        line = self.found(program, event, **fields)
        assert line is not None
        return line

    def found(self, program: str, event: str, **fields: object) -> dict[str, Any] | None:
        """The first line of this sale that fits."""
        return next(
            (
                line
                for who, line in self.lines
                if who == program and line.get("event") == event and fields.items() <= line.items()
            ),
            None,
        )


@asynccontextmanager
async def open_shop(folder: Path, *, notify_port: int = 0, terms: Terms = TERMS) -> AsyncIterator[Shop]:
    """Start everything, and stop it in the end."""
    window = Window()
    async with Troupe(folder, window, terms=terms, mosquitto=True, notify_port=notify_port) as troupe:
        yield Shop(folder, Stage(folder, troupe, window), window, troupe.scenery.bridge_port)


def logged_s(line: dict[str, Any]) -> float:
    """When a daemon wrote a line, in Unix seconds."""
    return dt.datetime.fromisoformat(str(line["timestamp"])).timestamp()


def pid_of(folder: Path, program: str) -> int:
    """The process of a daemon, by the settings it was started with."""
    settings = str(folder / f"{program}.toml").encode()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and settings in _arguments(entry) and b"run" in _arguments(entry):
            return int(entry.name)
    raise ProcessLookupError(f"{program} of {folder}")


def play(folder: Path, act: Callable[[Shop], Any], *, terms: Terms = TERMS) -> Any:
    """Open a shop, act, close it."""

    async def playing() -> Any:
        async with open_shop(folder, terms=terms) as shop:
            return await act(shop)

    return asyncio.run(playing())


def _arguments(process: Path) -> list[bytes]:
    try:
        return (process / "cmdline").read_bytes().split(b"\0")
    except OSError:
        return []
