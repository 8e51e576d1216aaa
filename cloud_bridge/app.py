"""The bridge's daemon: the only place that wires its rooms together, and its one TaskGroup."""

import asyncio
import random
import secrets
import signal
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import ExitStack, closing
from functools import partial
from typing import Final
from urllib.parse import urlsplit

from cloud_bridge.app_merchants import Merchants
from cloud_bridge.app_rooms import Rooms, make_rooms
from cloud_bridge.app_scans import Orders, order_door
from cloud_bridge.config import BridgeSettings, broker_settings, machine_keys
from cloud_bridge.core.model import TellAck
from cloud_bridge.engine import Engine, Settings
from cloud_bridge.engine_alarms import OwnAlarms
from cloud_bridge.engine_greet import known
from cloud_bridge.engine_looking import Looked
from cloud_bridge.fleet.fleet import Fleet
from cloud_bridge.fleet.hearing import Hearing
from cloud_bridge.fleet.roster import Roster
from cloud_bridge.ports import BridgePorts
from cloud_bridge.store.books import SqlStore, open_store
from cloud_bridge.web.app import make_app
from cloud_bridge.web.operator import serve_operator
from cloud_bridge.web.server import serve_web
from cloud_bridge.wechat.generations import acknowledge
from cloud_bridge.wechat.keeper import Keeper
from wire.envelope import Keyring, Signer, key_id, load_private
from wire.gate import Gate
from wire.link import Link
from wire.log import Log
from wire.service import Systemd, feed_watchdog

STATUS_EVERY_S: Final = 1.0
COUNTS_EVERY_S: Final = 300.0
ServePage = Callable[[Callable[[str], None]], Coroutine[None, None, None]]


class SystemClock:
    """The computer's clocks."""

    def now_ms(self) -> int:
        """Monotonic milliseconds."""
        return time.monotonic_ns() // 1_000_000

    def wall_ms(self) -> int:
        """Unix milliseconds."""
        return time.time_ns() // 1_000_000


async def serve(settings: BridgeSettings, log: Log) -> None:
    """Run until SIGTERM or SIGINT. Raises BadKeyFile, BadCredentials, StoreUnusable before it serves.

    While it serves, a failure of any task ends all of them in an ExceptionGroup: a restart takes up what the
    books hold, a daemon in an unknown state takes up nothing.
    """
    clock = SystemClock()
    roster = Roster((machine.id for machine in settings.machines), clock)
    fleet = Fleet(signer=_signer(settings), roster=roster, timings=settings.timings, log=log)
    link = Link(broker_settings(settings), log=log, on_state=fleet.connected, random=random.random)
    with (
        Merchants(settings.accounts, settings.older_accounts, clock=clock) as merchants,
        closing(open_store(settings.store.url, incarnation=lambda: secrets.token_hex(16))) as store,
        ExitStack() as stack,
    ):
        engine = _engine(settings, store, merchants, fleet, clock=clock, log=log)
        fleet.attach(link)
        rooms = make_rooms(
            settings,
            store=store,
            engine=engine,
            merchants=merchants,
            fleet=fleet,
            roster=roster,
            clock=clock,
            log=log,
        )
        stack.callback(rooms.desk.close)
        stack.callback(rooms.people.close)
        await rooms.goods.catalogues.open()
        hearing = _hearing(settings, link, engine, rooms, roster=roster)
        orders = order_door(settings, engine, merchants, clock=clock, log=log)
        web = _web(settings, engine, roster, rooms, books=store, orders=orders)
        keepers = merchants.keepers(say=OwnAlarms(store, clock).say, clock=clock, log=log)
        daemon = _Daemon(
            settings,
            engine=engine,
            fleet=fleet,
            hearing=hearing,
            link=link,
            keepers=keepers,
            rooms=rooms,
            known=partial(known, store, [machine.id for machine in settings.machines]),
            log=log,
        )
        await daemon.run(web)


class _Daemon:
    """The tasks of one run."""

    def __init__(
        self,
        settings: BridgeSettings,
        *,
        engine: Engine,
        fleet: Fleet,
        hearing: Hearing,
        link: Link,
        keepers: Sequence[Keeper],
        rooms: Rooms,
        known: Callable[[], Awaitable[tuple[tuple[str, TellAck], ...]]],
        log: Log,
    ) -> None:
        self._settings: Final = settings
        self._engine: Final = engine
        self._fleet: Final = fleet
        self._hearing: Final = hearing
        self._link: Final = link
        self._keepers: Final = keepers
        self._rooms: Final = rooms
        self._known: Final = known
        self._log: Final = log
        self._systemd: Final = Systemd()
        self._group: Final = asyncio.TaskGroup()
        self._lasting: Final[list[asyncio.Task[None]]] = []
        self._web_is_up: Final = asyncio.Event()
        self._told_to_stop: Final = asyncio.Event()

    async def run(self, serve_page: ServePage) -> None:
        """Serve until told to stop. `serve_page` calls back with its address when it takes requests."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._told_to_stop.set)
        async with self._group:
            self._serve("engine", self._engine.run())
            self._serve("hearing", self._hearing.run())
            self._serve("catalogues", self._fleet.show_catalogues())
            self._serve("cases", self._fleet.show_cases(self._engine.cases))
            self._serve("greeting", self._fleet.greet(self._known))
            self._serve("link", self._link.run())
            self._serve("watchdog", feed_watchdog(self._systemd))
            self._serve("status", self._tell_how_we_are())
            self._serve("counts", self._tell_counts())
            self._serve("facts", self._tell_facts())
            for keeper in self._keepers:
                self._serve(keeper.task, keeper.run())
            for name, work in self._rooms.tasks().items():
                self._serve(name, work)
            if (door := self._settings.store.door) is not None:
                operator = serve_operator(self._engine, door, self._log, self._rooms.doors())
                self._serve("operator", operator)
            web = self._group.create_task(self._web(serve_page), name="web")
            self._group.create_task(self._leave(web), name="leave")

    def _serve(self, name: str, work: Coroutine[None, None, None]) -> None:
        self._lasting.append(self._group.create_task(work, name=name))

    async def _web(self, serve_page: ServePage) -> None:
        try:
            await serve_page(self._web_up)
        except OSError as error:
            table = self._settings.web
            self._log.warning("web.unusable", host=table.host, port=table.port, why=error.strerror)
            raise

    def _web_up(self, address: str) -> None:
        self._log.info("web.ready", url=address)
        self._web_is_up.set()

    async def _leave(self, web: "asyncio.Task[None]") -> None:
        """Answer the notifications under way, tell machines what they caused, then let go of everything."""
        await self._told_to_stop.wait()
        self._log.info("daemon.leaving")
        self._systemd.status("leaving")
        web.cancel()
        await asyncio.wait([web])
        await self._link.close()
        for task in self._lasting:
            task.cancel()

    async def _tell_how_we_are(self) -> None:
        """Ready once books, web and link are served; whether the broker is there is a matter of status."""
        await self._engine.ready()
        await self._web_is_up.wait()
        self._systemd.ready()
        self._log.info("daemon.ready", machines=len(self._settings.machines))
        told = ""
        while True:
            status = "serving" if self._link.connected else f"no broker: {self._link.reason}"
            if status != told:
                told = status
                self._systemd.status(status)
            await asyncio.sleep(STATUS_EVERY_S)

    async def _tell_facts(self) -> None:
        """What becomes of each sale, a line a fact, as its timeline has it."""
        async for fact in self._engine.facts():
            about = {"sale_id": fact.sale_id} if fact.sale_id else {}
            self._log.info("fact.noted", machine=fact.machine, **about, by=fact.who, words=fact.what)

    async def _tell_counts(self) -> None:
        """What was taken, said and refused, as totals since the start."""
        while True:
            await asyncio.sleep(COUNTS_EVERY_S)
            rooms = (self._engine.counts, self._fleet.counts, self._hearing.counts)
            counts = {name: count for room in rooms for name, count in room.items()}
            self._log.info("daemon.counts", unread=self._link.overflowed, **counts)


def _hearing(
    settings: BridgeSettings, link: Link, engine: Engine, rooms: Rooms, *, roster: Roster
) -> Hearing:
    keyring = Keyring.of_bridge(machine_keys(settings))
    return Hearing(
        transport=link,
        service=engine,
        gate=Gate(keyring, log=rooms.desk.log, clock=time.monotonic),
        roster=roster,
        clock=rooms.desk.clock,
        journals=rooms.bills.journals,
        catalogues=rooms.goods.catalogues,
        commands=rooms.doing.commands,
    )


def _web(
    settings: BridgeSettings, engine: Engine, roster: Roster, rooms: Rooms, *, books: SqlStore, orders: Orders
) -> ServePage:
    page = make_app(
        service=engine,
        roster=roster,
        trends=roster,
        looking=Looked(books),
        clock=rooms.desk.clock,
        log=rooms.desk.log,
        notify_path=urlsplit(settings.wechat.notify_url).path,
        acknowledge=acknowledge,
        hosts=settings.web.page_hosts,
        complaints=rooms.desk.complaints,
        bills=books,
        person_header=settings.web.person_header,
        people=rooms.people.people,
        orders=orders,
        rooms=rooms.routes(),
    )
    return partial(serve_web, page, settings.web.host, settings.web.port)


def _engine(
    settings: BridgeSettings,
    store: SqlStore,
    merchants: Merchants,
    fleet: Fleet,
    *,
    clock: SystemClock,
    log: Log,
) -> Engine:
    ports = BridgePorts(
        store=store,
        platform=merchants.platforms[""],
        merchants={name: each for name, each in merchants.platforms.items() if name},
        notices=merchants.notices,
        fleet=fleet,
        clock=clock,
        log=log,
    )
    return Engine(
        ports=ports,
        shelves=settings.shelves,
        settings=Settings(timings=settings.timings, limits=settings.limits),
        random=random.random,
        nonce=lambda: secrets.token_hex(16),
    )


def _signer(settings: BridgeSettings) -> Signer:
    own = load_private(settings.keys.bridge_key_file)
    return Signer(key_id(own.public_key()), own)
