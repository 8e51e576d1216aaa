"""The programs of a fleet: broker, platform and bridge, and a board and a daemon for each machine."""

import asyncio
import sys
from pathlib import Path
from typing import Final, Self

from hw_sim.broker import free_port
from hw_sim.demo.children import START_TIMEOUT_S, Child, Line
from hw_sim.demo.fleet_files import (
    BRIDGE,
    fleet_bridge_settings,
    fleet_edge_settings,
    make_fleet_keys,
    name_of,
)
from hw_sim.demo.fleet_window import FleetWindow
from hw_sim.demo.onlooker import NAME as ONLOOKER
from hw_sim.demo.onlooker import Onlooker, filters
from hw_sim.demo.scenery import Terms
from hw_sim.demo.shelf import SHELF
from wire.broker import BrokerSettings

STOCK: Final = 5
REFUND_MS: Final = 500
_POLL_MS: Final = 1000
_AT_ONCE: Final = 4
_WXVEND: Final = str(Path(sys.executable).with_name("wxvend"))
_LANES: Final = ",".join(str(goods.lane) for goods in SHELF)


class Fleet:
    """Inside `async with` all machines are started. Raises ChildFailed, TimeoutError, in words."""

    def __init__(
        self, folder: Path, window: FleetWindow, *, machines: int, terms: Terms, books_url_file: Path | None
    ) -> None:
        self.machines: Final = machines
        self.ports: Final = {name: free_port() for name in ("broker", "bridge", "platform")}
        self._folder: Final = folder
        self._window: Final = window
        self._terms: Final = terms
        self._books_url_file: Final = books_url_file
        self._children: Final[dict[str, Child]] = {}
        self._tasks: Final[list[asyncio.Task[None]]] = []

    @property
    def bridge_url(self) -> str:
        """Where the bridge and its pages are served."""
        return f"http://127.0.0.1:{self.ports['bridge']}"

    @property
    def platform_url(self) -> str:
        """Where the platform serves."""
        return f"http://127.0.0.1:{self.ports['platform']}"

    def tell_board(self, machine: int, wish: Line) -> None:
        """A key, a fault, a refill."""
        self._children[_board(machine)].tell(wish)

    async def board_books(self, machine: int) -> Line:
        """What really fell there."""
        return await self._children[_board(machine)].ask({"do": "books"}, "books")

    async def switch_off(self, machine: int) -> None:
        """Take the power from a machine's computer."""
        await self._children[name_of(machine)].kill()

    async def switch_on(self, machine: int) -> None:
        """Give it back. Raises ChildFailed."""
        await self._start_edge(machine)

    async def __aenter__(self) -> Self:
        try:
            await self._start()
        except BaseException:
            await self._stop()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stop()

    # ------------------------------------------------------------ starting and stopping

    async def _start(self) -> None:
        keys = asyncio.to_thread(make_fleet_keys, self._folder, self.machines)
        await self._simulate("broker", "broker", "--port", str(self.ports["broker"]))
        await keys
        await self._simulate(
            "platform",
            *("wechat", "--port", str(self.ports["platform"]), "--keys", str(self._folder / "merchant")),
            *("--refund-delay-ms", str(REFUND_MS), "--short-windows"),
        )
        config = self._folder / "bridge.toml"
        config.write_text(
            fleet_bridge_settings(
                self.machines,
                ports=self.ports,
                terms=self._terms,
                books_url_file=self._books_url_file,
            )
        )
        bridge = await self._child(BRIDGE, _WXVEND, "bridge", "run", "--config", str(config))
        await bridge.listens(self.ports["bridge"])
        self._look_on()
        gate = asyncio.Semaphore(_AT_ONCE)  # a program that starts wants a processor for itself
        await asyncio.gather(*(self._start_machine(machine, gate) for machine in range(self.machines)))

    async def _start_machine(self, machine: int, gate: asyncio.Semaphore) -> None:
        async with gate:
            await self._simulate(
                _board(machine),
                *("board", "--quiet", "--lanes", _LANES, "--stock", str(STOCK), "--poll-ms", str(_POLL_MS)),
                *("--turn-ms", str(self._terms.turn_ms), "--link", str(self._link(machine))),
            )
            await self._start_edge(machine)
            name = name_of(machine)
            patience_s = START_TIMEOUT_S * 3
            if not await self._window.until(lambda: self._window.selling(name) or None, patience_s):
                raise TimeoutError(f"waited {patience_s:g} s for {name} to sell")

    async def _start_edge(self, machine: int) -> None:
        config = self._folder / name_of(machine) / "edge.toml"
        config.write_text(
            fleet_edge_settings(
                machine, self._link(machine), broker_port=self.ports["broker"], terms=self._terms
            )
        )
        await self._child(name_of(machine), _WXVEND, "edge", "run", "--config", str(config))

    def _look_on(self) -> None:
        settings = BrokerSettings(
            host="127.0.0.1",
            port=self.ports["broker"],
            client_id=ONLOOKER,
            filters=filters(),
            queue=20_000,
        )
        onlooker = Onlooker(settings, self._window.take)
        self._tasks.extend(map(asyncio.create_task, (onlooker.run(), onlooker.listen())))

    async def _stop(self) -> None:
        """Machines first, so that they say good-bye; what they need, last."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        machines = {name_of(machine) for machine in range(self.machines)}
        for group in (machines, {BRIDGE}, set(self._children)):
            await asyncio.gather(*(self._children.pop(name).stop() for name in group & set(self._children)))

    async def _simulate(self, name: str, *arguments: str) -> None:
        child = await self._child(name, _WXVEND, "sim", *arguments)
        await child.first(lambda line: line.get("event") == "ready")

    async def _child(self, name: str, *command: str) -> Child:
        child = Child(name, *command, folder=self._folder, hear=lambda program, line: None)
        self._children[name] = child
        await child.start()
        return child

    def _link(self, machine: int) -> Path:
        return self._folder / name_of(machine) / "board"


def _board(machine: int) -> str:
    return f"{name_of(machine)}.board"
