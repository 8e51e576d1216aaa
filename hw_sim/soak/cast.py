"""The programs of a soak: three that are killed and started again, and what stands beside them throughout."""

import asyncio
import sqlite3
import sys
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

from hw_sim.broker import MosquittoBroker, NoBroker, Shipped, free_port
from hw_sim.demo.books import Books, disagreements, in_progress
from hw_sim.demo.children import Child, ChildFailed, Line
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
)
from hw_sim.demo.shelf import SHELF
from hw_sim.demo.web_call import CallFailed, post
from hw_sim.demo.witness import assemble, read_journal

VICTIMS: Final = ("edge", "bridge", "mosquitto")
TERMS: Final = Terms(lease_s=8, grace_s=1, pay_s=5, last_payer_s=2, query_first_s=0.5, doubt_s=1.0)
STOCK: Final = 200
_OPEN_S: Final = 120.0
_BUSY_S: Final = 60.0  # SQLite's own wait, and ours for a platform that does not get to run
_SHIPPED: Final = Path(__file__).parents[2] / "systemd"
_BALANCES: Final = """
SELECT account, sum(fen) FROM (
    SELECT debit AS account, fen FROM ledger UNION ALL SELECT credit, -fen FROM ledger
) GROUP BY account
"""
_WXVEND: Final = str(Path(sys.executable).with_name("wxvend"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """What the four witnesses have; motor runs and intents; debit less credit of each account."""

    books: Books
    motor_starts: int
    intents: int
    balances: Mapping[str, int]

    def wrong(self) -> list[str]:
        """Every contradiction; none is good."""
        found = disagreements(self.books)
        if self.motor_starts > self.intents:
            found.append(f"{self.intents} intents are on the disk, but motors ran {self.motor_starts} times")
        orders = self.books.platform.values()
        kept = sum(order.paid_fen - order.refunded_fen for order in orders)
        cleared = self.balances.get("platform_clearing", 0)
        if cleared != kept:
            found.append(f"the platform has {kept} fen for us, the ledger {cleared}")
        if all(sale.state != "case" for sale in self.books.bridge.values()):
            owed = {name: self.balances.get(name, 0) for name in ("customer_liability", "refunds_pending")}
            found += [f"every sale has ended, and {name} is {fen} fen" for name, fen in owed.items() if fen]
        return found

    @property
    def at_rest(self) -> bool:
        """Whether no sale waits for anything."""
        return not in_progress(self.books)


class Cast:
    """Inside `async with` all programs run, each victim until it is killed.

    `rewrite` may change a file of settings or rules, by its name, before it is read. Raises ChildFailed,
    NoBroker, CallFailed.
    """

    def __init__(
        self,
        folder: Path,
        *,
        poll_ms: int = 20,
        turn_ms: int = 150,
        rewrite: Callable[[str, str], str] = lambda name, text: text,
    ) -> None:
        self.folder: Final = folder
        self.deaths: Final[list[str]] = []
        self.words = 0  # that victims have said
        self.died: Final = asyncio.Event()
        self.prefix: Final[dict[str, tuple[str, ...]]] = {}  # words before a victim's command
        self._poll_ms, self._turn_ms = poll_ms, turn_ms
        self._rewrite: Final = rewrite
        self._children: Final[dict[str, Child]] = {}
        self._watches: Final[set[asyncio.Task[None]]] = set()
        self._commands: Final[dict[str, tuple[str, ...]]] = {}
        self._selling = asyncio.Event()
        self._linked: Final = asyncio.Event()  # the bridge

    async def __aenter__(self) -> Self:
        try:
            await self._open()
        except BaseException:
            await self._close()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._close()

    # ------------------------------------------------------------ the victims

    async def start(self, name: str) -> None:
        """Start a victim; whether it gets anywhere is another matter."""
        {"edge": self._selling, "bridge": self._linked}.get(name, asyncio.Event()).clear()
        await self._start(name, *self.prefix.get(name, ()), *self._commands[name])

    async def kill(self, name: str) -> None:
        """End it as a power cut does."""
        await self._children[name].kill()

    def pid(self, name: str) -> int:
        """A victim's process."""
        return self._children[name].pid

    async def gone(self, name: str) -> None:
        """Wait until a victim is dead, however it came to that."""
        await self._children[name].ended()

    @property
    def sells(self) -> bool:
        """Whether the machine said so last."""
        return self._selling.is_set()

    async def ready(self, timeout_s: float) -> None:
        """Wait until the machine sells and the bridge hears it. Raises TimeoutError."""
        async with asyncio.timeout(timeout_s):
            await self._linked.wait()
            await self._selling.wait()

    # ------------------------------------------------------------ the shopper's hands

    def press(self, wish: Line) -> None:
        """Do something at the board."""
        self._children["board"].tell(wish)

    async def desk(self, wish: str, body: Line) -> Any:
        """Do something at the platform. Raises CallFailed, Refused."""
        return await post(f"{self.scenery.platform_url}/_sim/{wish}", body)

    # ------------------------------------------------------------ the witnesses

    async def truth(self) -> Truth:
        """What the four have, the machine's and the bridge's as it stands on the disk. Raises CallFailed."""
        platform = await self._patiently("books")
        board = await self._children["board"].ask({"do": "books"}, "books", _BUSY_S)
        with closing(_reading(self.folder / "bridge.db")) as db:
            rows = db.execute("SELECT sale_id, state, paid_fen, refunded_fen FROM sale").fetchall()
            balances = dict(db.execute(_BALANCES).fetchall())
        with closing(_reading(journal(self.folder))) as db:
            intents = db.execute("SELECT count(seq) FROM sale").fetchone()[0]
        names = ("sale_id", "state", "paid_fen", "refunded_fen")
        books = assemble(
            journal=read_journal(journal(self.folder)),
            bridge=[dict(zip(names, row, strict=True)) for row in rows],
            platform=platform["orders"],
            pieces_dropped=board["pieces_dropped"],
        )
        return Truth(books=books, motor_starts=board["motor_starts"], intents=intents, balances=balances)

    async def _patiently(self, wish: str) -> Any:
        """Ask the platform, which never dies, until it has had time to answer. Raises CallFailed."""
        late_s = asyncio.get_running_loop().time() + _BUSY_S
        while True:
            try:
                return await self.desk(wish, {})
            except CallFailed:
                if asyncio.get_running_loop().time() > late_s:
                    raise

    # ------------------------------------------------------------ starting and stopping

    async def _open(self) -> None:
        if not _SHIPPED.is_dir():
            raise NoBroker(f"mosquitto: found no {_SHIPPED} with its configuration. Try: from a checkout")
        acl = await asyncio.to_thread(make_broker_files, self.folder, _SHIPPED / "mosquitto.acl")
        acl.write_text(self._rewrite(acl.name, acl.read_text()))
        shipped = Shipped(conf=_SHIPPED / "mosquitto.conf", acl=acl, certs=self.folder / "certs")
        broker = MosquittoBroker(self.folder, shipped)
        await asyncio.to_thread(make_keys, self.folder)
        self.scenery: Scenery = Scenery(
            folder=self.folder,
            broker_port=broker.port,
            bridge_port=free_port(),
            platform_port=free_port(),
            tls=True,
        )
        self._commands["mosquitto"] = broker.command()
        for name, text in (
            ("edge", edge_settings(self.scenery, TERMS)),
            ("bridge", bridge_settings(self.scenery, TERMS)),
        ):
            config = self.folder / f"{name}.toml"
            config.write_text(self._rewrite(config.name, text))
            self._commands[name] = (_WXVEND, name, "run", "--config", str(config))
        await self._open_the_outside()
        for name in ("mosquitto", "edge", "bridge"):
            await self.start(name)
        died, opened = asyncio.create_task(self.died.wait()), asyncio.create_task(self.ready(_OPEN_S))
        await asyncio.wait((died, opened), return_when=asyncio.FIRST_COMPLETED)
        for waiting in (died, opened):
            waiting.cancel()
        if self.deaths:
            raise ChildFailed(self.deaths[0])
        await opened

    async def _open_the_outside(self) -> None:
        lanes = ",".join(str(goods.lane) for goods in SHELF)
        board = ("--lanes", lanes, "--stock", str(STOCK), "--link", str(board_link(self.folder)))
        pace = ("--turn-ms", str(self._turn_ms), "--poll-ms", str(self._poll_ms))
        await self._start("board", _WXVEND, "sim", "board", *board, *pace)
        keys, port = str(merchant(self.folder)), str(self.scenery.platform_port)
        platform = ("--port", port, "--keys", keys, "--refund-delay-ms", "100", "--short-windows")
        await self._start("wechat", _WXVEND, "sim", "wechat", *platform)
        for name in ("board", "wechat"):
            await self._children[name].first(lambda line: line.get("event") == "ready")

    async def _start(self, name: str, *command: str) -> None:
        child = Child(name, *command, folder=self.folder, hear=self._hear)
        self._children[name] = child
        await child.start()
        watch = asyncio.create_task(self._watch(child), name=f"{name} end")
        self._watches.add(watch)
        watch.add_done_callback(self._watches.discard)

    async def _watch(self, child: Child) -> None:
        failure = await child.ended()
        if failure is not None:
            self.deaths.append(str(failure))
            self.died.set()

    def _hear(self, name: str, line: Line) -> None:
        self.words += name in VICTIMS
        match name, line.get("event"):
            case "bridge", "link.up":
                self._linked.set()
            case "bridge", "link.down":
                self._linked.clear()
            case "edge", "daemon.status" if line["status"] == "selling":
                self._selling.set()
            case "edge", "daemon.status":
                self._selling.clear()

    async def _close(self) -> None:
        for name in ("edge", "bridge"):
            if name in self._children:
                await self._children.pop(name).stop()
        await asyncio.gather(*(child.stop() for child in self._children.values()))
        await asyncio.gather(*self._watches)


def _reading(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=_BUSY_S)
