"""The programs of a demo: broker, platform, bridge, machine, board; started together, stopped in order."""

import asyncio
import sys
from collections.abc import Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Final, Self, TypeVar

from hw_sim.broker import MosquittoBroker, NoBroker, Shipped, free_port
from hw_sim.demo.buses import KEYPADS, KNOW_PRICES
from hw_sim.demo.cable import Cable
from hw_sim.demo.children import START_TIMEOUT_S, Child, ChildFailed
from hw_sim.demo.follow import follow
from hw_sim.demo.onlooker import Onlooker
from hw_sim.demo.scenery import (
    CODES_AHEAD,
    Scenery,
    Terms,
    board_link,
    bridge_settings,
    edge_settings,
    keypad_link,
    make_broker_files,
    make_keys,
    merchant,
)
from hw_sim.demo.shelf import SHELF
from hw_sim.demo.window import Window, now_ms

T = TypeVar("T")

REFUND_MS: Final = 500
STOCK: Final = 5
DARK_S: Final = 1.5
_SHIPPED: Final = Path(__file__).parents[2] / "systemd"
_WXVEND: Final = str(Path(sys.executable).with_name("wxvend"))


class Troupe:
    """Inside `async with` the machine sells. Raises ChildFailed, NoBroker, TimeoutError, in words.

    `window` gets all that they say; `notify_port` takes the notifications instead of the bridge. With `cable`
    the machine reaches the broker through one that can be pulled. `bus` is the machine's. With
    `order_requests` it shows codes made ahead, and an order is made when one is scanned.
    """

    def __init__(
        self,
        folder: Path,
        window: Window,
        *,
        terms: Terms,
        mosquitto: bool,
        notify_port: int = 0,
        cable: Cable | None = None,
        bus: str = "xy",
        order_requests: bool = False,
    ) -> None:
        self.started_ms = 0
        self._folder: Final = folder
        self._window: Final = window
        self._terms: Final = terms
        self._mosquitto: Final = mosquitto
        self._notify_port: Final = notify_port
        self._cable: Final = cable
        self._bus: Final = bus
        self._order_requests: Final = order_requests
        self._children: Final[dict[str, Child]] = {}
        self._commands: Final[dict[str, tuple[str, ...]]] = {}
        self._tasks: Final[list[asyncio.Task[None]]] = []
        self._failed: Final[asyncio.Future[ChildFailed]] = asyncio.get_running_loop().create_future()
        self._scenery: Scenery | None = None

    @property
    def board(self) -> Child:
        """The machine's board."""
        return self._children["board"]

    @property
    def scenery(self) -> Scenery:
        """Where everything is, once it is started."""
        assert self._scenery is not None
        return self._scenery

    @property
    def broker(self) -> str:
        """The broker's name among the programs."""
        return "mosquitto" if self._mosquitto else "broker"

    @property
    def cable(self) -> Cable:
        """What can be pulled between machine and broker."""
        assert self._cable is not None
        return self._cable

    async def kill(self, name: str) -> None:
        """End a program as a power cut does."""
        await self._children[name].kill()

    async def start_again(self, name: str) -> None:
        """Start a program that was killed, as it was. Raises ChildFailed."""
        child = await self._child(name, *self._commands[name])
        ports = {self.broker: self.scenery.broker_port, "bridge": self.scenery.bridge_port}
        if name in ports:
            await child.listens(ports[name])

    async def cut_power(self) -> None:
        """Take the power from the machine's computer, in whatever it does, and give it back."""
        await self.kill("edge")
        await asyncio.sleep(DARK_S)
        await self.start_again("edge")

    async def during(self, act: Coroutine[None, None, T]) -> T:
        """Do it while all of them run. Raises ChildFailed as soon as one has ended that nobody asked to."""
        acting = asyncio.create_task(act)
        try:
            await asyncio.wait((acting, self._failed), return_when=asyncio.FIRST_COMPLETED)
            if self._failed.done():
                raise self._failed.result()
            return await acting
        finally:
            acting.cancel()
            await asyncio.gather(acting, return_exceptions=True)

    async def __aenter__(self) -> Self:
        try:
            await self._start()
        except BaseExceptionGroup as group:
            await self._stop()
            raise _first(group) from group
        except BaseException:
            await self._stop()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stop()

    # ------------------------------------------------------------ starting and stopping

    async def _start(self) -> None:
        """What does not need each other starts side by side."""
        began_ms = now_ms()
        async with asyncio.TaskGroup() as group:
            broker = group.create_task(self._start_mosquitto() if self._mosquitto else self._start_broker())
            board = group.create_task(self._start_board())
            await asyncio.to_thread(make_keys, self._folder)
            await board
            scenery = Scenery(
                folder=self._folder,
                broker_port=await broker,
                bridge_port=free_port(),
                platform_port=free_port(),
                notify_port=self._notify_port,
                tls=self._mosquitto,
                bus=self._bus,
                order_requests=self._order_requests,
            )
            self._scenery = scenery
            line = scenery
            if self._cable is not None:
                line = replace(scenery, broker_port=await self._cable.lay(scenery.broker_port))
            await self._run("edge", edge_settings(line, self._terms))  # the bus takes longest to get going
            await self._run("bridge", bridge_settings(scenery, self._terms))
            self._look_on(scenery)
            await self._start_platform(scenery.platform_port)
        await self.during(self._window.until("the machine to sell", self._sells, START_TIMEOUT_S))
        self.started_ms = round(now_ms() - began_ms)

    def _sells(self) -> bool | None:
        states = self._window.states
        lanes = [states.get(f"lane/{goods.lane}", {}).get("reason") for goods in SHELF]
        health = states.get("health", {})
        held = not self._order_requests or health.get("codes", 0) >= CODES_AHEAD * len(SHELF)
        return True if health.get("selling") and held and all(reason == "" for reason in lanes) else None

    async def _stop(self) -> None:
        """The machine first, so that it says good-bye; what it needs, last."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        rest = dict(self._children)
        for name in ("edge", "bridge"):
            if name in rest:
                await rest.pop(name).stop()
        if self._cable is not None:
            await self._cable.close()
        await asyncio.gather(*(child.stop() for child in rest.values()))

    # ------------------------------------------------------------ each of them

    async def _start_board(self) -> None:
        lanes = ",".join(str(goods.lane) for goods in SHELF)
        link = str(board_link(self._folder))
        await self._simulate(
            "board",
            "--bus",
            self._bus,
            *(() if self._bus == "xy" else ("--quiet",)),
            *(() if self._bus in KEYPADS else ("--keypad", str(keypad_link(self._folder)))),
            "--lanes",
            lanes,
            "--stock",
            str(STOCK),
            "--turn-ms",
            str(self._terms.turn_ms),
            "--link",
            link,
        )
        if self._bus in KNOW_PRICES:
            for goods in SHELF:
                self.board.tell({"do": "price", "lane": goods.lane, "fen": goods.price_fen})

    async def _start_platform(self, port: int) -> None:
        keys = str(merchant(self._folder))
        wait = str(REFUND_MS)
        await self._simulate(
            *("wechat", "--port", str(port), "--keys", keys, "--refund-delay-ms", wait, "--short-windows"),
            *("--order-url", self.scenery.order_url),
        )

    async def _start_broker(self) -> int:
        port = free_port()  # one that is known, so that it can start again where all look for it
        await self._simulate("broker", "--port", str(port))
        return port

    async def _start_mosquitto(self) -> int:
        if not _SHIPPED.is_dir():
            raise NoBroker(f"mosquitto: found no {_SHIPPED} with its configuration. Try: from a checkout")
        acl = await asyncio.to_thread(make_broker_files, self._folder, _SHIPPED / "mosquitto.acl")
        shipped = Shipped(conf=_SHIPPED / "mosquitto.conf", acl=acl, certs=self._folder / "certs")
        broker = MosquittoBroker(self._folder, shipped)
        child = await self._child("mosquitto", *broker.command())
        await child.listens(broker.port)
        return broker.port

    async def _simulate(self, what: str, *arguments: str) -> None:
        child = await self._child(what, _WXVEND, "sim", what, *arguments)
        await child.first(lambda line: line.get("event") == "ready")

    async def _run(self, name: str, settings: str) -> None:
        config = self._folder / f"{name}.toml"
        config.write_text(settings)
        await self._child(name, _WXVEND, name, "run", "--config", str(config))

    async def _child(self, name: str, *command: str) -> Child:
        self._commands[name] = command
        child = Child(name, *command, folder=self._folder, hear=self._window.take_line)
        self._children[name] = child
        await child.start()
        self._begin(f"{name} end", self._watch(child))
        return child

    # ------------------------------------------------------------ beside them

    async def _watch(self, child: Child) -> None:
        failure = await child.ended()
        if failure is not None and not self._failed.done():
            self._failed.set_result(failure)

    def _look_on(self, scenery: Scenery) -> None:
        onlooker = Onlooker(scenery.onlooker, self._window.take_message)
        self._begin("onlooker", onlooker.run())
        self._begin("onlooker in", onlooker.listen())
        self._begin("bridge facts", self._follow_bridge(scenery))

    async def _follow_bridge(self, scenery: Scenery) -> None:
        async for event, value in follow(scenery.bridge_port, "/api/events"):
            if event == "fact":
                self._window.take_line("bridge", value)

    def _begin(self, name: str, work: Coroutine[None, None, None]) -> None:
        self._tasks.append(asyncio.create_task(work, name=name))


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The first that went wrong; the others followed from it."""
    inner = group.exceptions[0]
    return _first(inner) if isinstance(inner, BaseExceptionGroup) else inner
