"""All that a demo runs: broker, platform, bridge, machine, board; started together, stopped in order."""

import asyncio
import contextlib
import json
import sys
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Self, TypeVar

from hw_sim.broker import MosquittoBroker, NoBroker, Shipped, free_port
from hw_sim.demo.books import Books
from hw_sim.demo.children import START_TIMEOUT_S, Child, ChildFailed, Line
from hw_sim.demo.follow import follow
from hw_sim.demo.onlooker import Onlooker
from hw_sim.demo.scenery import (
    Scenery,
    Terms,
    board_link,
    bridge_settings,
    edge_settings,
    journal,
    make_broker_files,
    make_keys,
    merchant,
    screen,
)
from hw_sim.demo.shelf import SHELF
from hw_sim.demo.story import Fact, Story
from hw_sim.demo.telling import fact_of, fact_of_message
from hw_sim.demo.web_call import get, post
from hw_sim.demo.witness import assemble, read_journal
from wire.inbound import Inbound

T = TypeVar("T")

TURN_MS: Final = 1200
REFUND_MS: Final = 500
STOCK: Final = 5
DARK_S: Final = 1.5
_SALES: Final = 500  # as many as the bridge lists at once
_LOOK_EVERY_S: Final = 0.05
_SHIPPED: Final = Path(__file__).parents[2] / "systemd"
_WXVEND: Final = str(Path(sys.executable).with_name("wxvend"))


class Stage:
    """Open it with `async with`; then the programs run until it is left. Raises ChildFailed, NoBroker
    and TimeoutError, each in words.

    `story` has what they tell; `states` the newest of each retained `state/` topic; `heard` is called after
    each line or message with the program's name and what it said.
    """

    def __init__(self, folder: Path, *, terms: Terms, mosquitto: bool = False) -> None:
        self.story: Final = Story()
        self.states: Final[dict[str, Mapping[str, Any]]] = {}
        self.picture: Final = screen(folder)
        self.heard: Callable[[str, Line], None] = lambda program, line: None
        self._folder: Final = folder
        self._terms: Final = terms
        self._mosquitto: Final = mosquitto
        self._news: Final = asyncio.Event()
        self._children: Final[dict[str, Child]] = {}
        self._tasks: Final[list[asyncio.Task[None]]] = []
        self._failed: Final[asyncio.Future[ChildFailed]] = asyncio.get_running_loop().create_future()
        self._scenery: Scenery | None = None
        self.started_ms = 0

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

    # ------------------------------------------------------------ what people and simulators do

    def choose(self, lane: int) -> None:
        """Press a lane's number at the machine."""
        self._tell_shopper(f"chooses lane {lane} at the machine")
        self._children["board"].tell({"do": "key", "lane": lane})

    def cancel(self) -> None:
        """Press the machine's cancel key."""
        self._tell_shopper("presses cancel at the machine")
        self._children["board"].tell({"do": "cancel"})

    async def scan(self, code: str) -> Mapping[str, Any]:
        """What a phone shows for a code: merchant, description, amount. Raises CallFailed."""
        page: Mapping[str, Any] = await self._desk("scan", {"code_url": code})
        return page

    async def pay(self, code: str, *, race: bool = False) -> None:
        """Pay; with `race` it was begun before the order was closed and completes now. Raises CallFailed."""
        self._tell_shopper("pays a moment too late" if race else "pays on the phone")
        await self._desk("pay", {"code_url": code, "race": race})

    async def put_away(self, code: str) -> None:
        """Leave a code's payment page without paying. Raises CallFailed."""
        self._tell_shopper("puts the phone away")
        await self._desk("cancel", {"code_url": code})

    async def break_platform(self, fault: str, *, on: bool = True) -> None:
        """Switch a fault of the platform on for the next payment, or off."""
        times = 1 if on else 0
        only = {"only": "transaction"} if fault.endswith("_notice") else {}
        await self._desk("fault", {"name": fault, "times": times, "delay_ms": 300, **only})

    def break_board(self, fault: str, *, on: bool = True) -> None:
        """Switch a fault of the board on for the next motor run, or off."""
        self._children["board"].tell({"do": "fault", "name": fault, "times": 1 if on else 0})

    def refill(self) -> None:
        """Put as many pieces into each lane as at the beginning."""
        self._tell_shopper("watches the machine being filled up")
        for goods in SHELF:
            self._children["board"].tell({"do": "stock", "lane": goods.lane, "pieces": STOCK})

    async def cut_power(self) -> None:
        """Take the power from the machine's computer, in whatever it does, and give it back."""
        self._tell_shopper("pulls the plug of the machine's computer")
        await self._children["edge"].kill()
        await asyncio.sleep(DARK_S)
        self._tell_shopper("puts the plug back")
        assert self._scenery is not None
        await self._run("edge", edge_settings(self._scenery, self._terms))

    async def faults_left(self) -> set[str]:
        """The switched-on faults of board and platform that have not struck yet."""
        board, platform = await asyncio.gather(
            self._children["board"].ask({"do": "books"}, "books"), self._desk("faults", {})
        )
        return {*board["faults"], *(each["name"] for each in platform["armed"])}

    # ------------------------------------------------------------ what is known

    async def books(self) -> tuple[Books, Mapping[str, int]]:
        """What the four witnesses have in their books, and how often each order's payment was notified."""
        assert self._scenery is not None
        sales, platform, board = await asyncio.gather(
            get(f"{self._scenery.bridge_url}/api/sales?limit={_SALES}"),
            self._desk("books", {}),
            self._children["board"].ask({"do": "books"}, "books"),
        )
        told = {
            notice["out_trade_no"]: len(notice["attempts"])
            for notice in platform["notices"]
            if notice["event_type"] == "TRANSACTION.SUCCESS"
        }
        books = assemble(
            journal=await asyncio.to_thread(read_journal, journal(self._folder)),
            bridge=sales,
            platform=platform["orders"],
            pieces_dropped=board["pieces_dropped"],
        )
        return books, MappingProxyType(told)

    async def until(self, what: str, look: Callable[[], T | None], timeout_s: float) -> T:
        """Look after each piece of news, and now and then, until there is something. Raises TimeoutError."""
        try:
            async with asyncio.timeout(timeout_s):
                while (found := look()) is None:
                    self._news.clear()
                    await _at_most(_LOOK_EVERY_S, self._news.wait())
                return found
        except TimeoutError as error:
            raise TimeoutError(f"waited {timeout_s:g} s for {what}") from error

    async def failure(self) -> ChildFailed:
        """Wait until a program ends that nobody asked to."""
        return await asyncio.shield(self._failed)

    # ------------------------------------------------------------ starting and stopping

    async def _start(self) -> None:
        """What does not need each other starts side by side."""
        began_ms = now_ms()
        async with asyncio.TaskGroup() as group:
            broker = group.create_task(self._start_mosquitto() if self._mosquitto else self._start_broker())
            board = group.create_task(self._start_board())
            await asyncio.to_thread(make_keys, self._folder)
            platform_port = free_port()
            platform = group.create_task(self._start_platform(platform_port))
            scenery = Scenery(
                folder=self._folder,
                broker_port=await broker,
                bridge_port=free_port(),
                platform_port=platform_port,
                tls=self._mosquitto,
            )
            self._scenery = scenery
            self._look_on(scenery)
            await self._run("bridge", bridge_settings(scenery, self._terms))
            await board
            await self._run("edge", edge_settings(scenery, self._terms))
            await platform
        await self._selling()
        self.started_ms = round(now_ms() - began_ms)

    async def _start_board(self) -> None:
        lanes = ",".join(str(goods.lane) for goods in SHELF)
        link = str(board_link(self._folder))
        await self._simulate(
            "board", "--lanes", lanes, "--stock", str(STOCK), "--turn-ms", str(TURN_MS), "--link", link
        )

    async def _start_platform(self, port: int) -> None:
        keys = str(merchant(self._folder))
        wait = str(REFUND_MS)
        await self._simulate(
            "wechat", "--port", str(port), "--keys", keys, "--refund-delay-ms", wait, "--short-windows"
        )

    async def _start_broker(self) -> int:
        ready = await self._simulate("broker", "--port", "0")
        return int(str(ready["url"]).rpartition(":")[2])

    async def _start_mosquitto(self) -> int:
        if not _SHIPPED.is_dir():
            raise NoBroker(f"mosquitto: found no {_SHIPPED} with its configuration. Try: from a checkout")
        acl = await asyncio.to_thread(make_broker_files, self._folder, _SHIPPED / "mosquitto.acl")
        shipped = Shipped(conf=_SHIPPED / "mosquitto.conf", acl=acl, certs=self._folder / "certs")
        broker = MosquittoBroker(self._folder, shipped)
        child = await self._child("mosquitto", *broker.command())
        await child.listens(broker.port)
        return broker.port

    async def _simulate(self, what: str, *arguments: str) -> Line:
        child = await self._child(what, _WXVEND, "sim", what, *arguments)
        return await child.first(lambda line: line.get("event") == "ready")

    async def _run(self, name: str, settings: str) -> None:
        config = self._folder / f"{name}.toml"
        config.write_text(settings)
        await self._child(name, _WXVEND, name, "run", "--config", str(config))

    async def _child(self, name: str, *command: str) -> Child:
        child = Child(name, *command, folder=self._folder, hear=self._take_line)
        self._children[name] = child
        await child.start()
        self._begin(f"{name} end", self._watch(child))
        return child

    async def _watch(self, child: Child) -> None:
        failure = await child.ended()
        if failure is not None and not self._failed.done():
            self._failed.set_result(failure)

    def _look_on(self, scenery: Scenery) -> None:
        onlooker = Onlooker(scenery.onlooker, self._take_message)
        self._begin("onlooker", onlooker.run())
        self._begin("onlooker in", onlooker.listen())
        self._begin("bridge facts", self._follow_bridge(scenery))

    def _begin(self, name: str, work: Coroutine[None, None, None]) -> None:
        self._tasks.append(asyncio.create_task(work, name=name))

    async def _selling(self) -> None:
        """Wait for it, and not for a program that is gone already. Raises ChildFailed, TimeoutError."""
        failing = asyncio.create_task(self.failure())
        selling = asyncio.create_task(self.until("the machine to sell", self._sells, START_TIMEOUT_S))
        try:
            await asyncio.wait((failing, selling), return_when=asyncio.FIRST_COMPLETED)
            if failing.done():
                raise failing.result()
            await selling
        finally:
            failing.cancel()
            selling.cancel()

    async def _follow_bridge(self, scenery: Scenery) -> None:
        async for event, value in follow(scenery.bridge_port, "/api/events"):
            if event == "fact":
                self._take_line("bridge", value)

    def _sells(self) -> bool | None:
        lanes = [self.states.get(f"lane/{goods.lane}", {}).get("reason") for goods in SHELF]
        selling = self.states.get("health", {}).get("selling")
        return True if selling and all(reason == "" for reason in lanes) else None

    async def _stop(self) -> None:
        """The machine first, so that it says good-bye; what it needs, last."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        rest = dict(self._children)
        for name in ("edge", "bridge"):
            if name in rest:
                await rest.pop(name).stop()
        await asyncio.gather(*(child.stop() for child in rest.values()))

    # ------------------------------------------------------------ what is heard

    def _take_line(self, program: str, line: Line) -> None:
        fact = fact_of(program, line)
        if fact is not None:
            self.story.tell(fact)
        self.heard(program, line)
        self._news.set()

    def _take_message(self, inbound: Inbound, t_ms: float) -> None:
        state = inbound.topic.split("/", 4)[3:]
        if state[0] == "state":
            self.states[state[1]] = json.loads(inbound.payload)
        fact = fact_of_message(inbound.topic, inbound.payload, t_ms)
        if fact is not None and not inbound.retained:
            self.story.tell(fact)
        self.heard("mqtt", {"topic": inbound.topic})
        self._news.set()

    def _tell_shopper(self, what: str) -> None:
        self.story.tell(Fact(t_ms=now_ms(), who="shopper", what=what))

    async def _desk(self, wish: str, body: Mapping[str, object]) -> Any:
        assert self._scenery is not None
        return await post(f"{self._scenery.platform_url}/_sim/{wish}", body)


def now_ms() -> float:
    """Unix milliseconds, of the clock that all programs here share."""
    return time.time_ns() / 1e6


async def _at_most(seconds: float, wait: Awaitable[object]) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(wait, seconds)


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The first that went wrong; the others followed from it."""
    inner = group.exceptions[0]
    return _first(inner) if isinstance(inner, BaseExceptionGroup) else inner
