"""A whole shop of real programs on the shipped examples: broker, platform, bridge, machine, board, phone."""

import asyncio
import json
import sqlite3
import urllib.request
from collections.abc import Mapping
from contextlib import AsyncExitStack, closing
from pathlib import Path
from typing import Any, Final, Self

from hw_sim.demo.phone import read_code
from tests.process.programs import WXVEND, Line, Program, until
from tests.shell.broker import free_port, make_broker

EXAMPLES: Final = Path(__file__).parents[2] / "docs" / "examples"
MACHINE: Final = "vm-0001"
LANE, PRICE_FEN = 11, 350
# Waits that a test need not sit through; the promises are those of a shop.
_QUICK: Final = """
[timings]
query_first_s = 0.5
query_s = 0.5
query_spread_s = 0
ask_s = 0.5
authorise_s = 0.5
refund_poll_s = [0.3]
"""


def exchange(url: str, body: Mapping[str, object] | None = None) -> Any:
    """One HTTP exchange on this computer: JSON out and in."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, headers={"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.loads(answer.read() or b"null")


class Shop:
    """Everything but bridge and machine runs as long as the shop; those two when the test starts them."""

    def __init__(
        self, folder: Path, *, broker: str, board: tuple[str, ...] = (), platform: tuple[str, ...] = ()
    ) -> None:
        self.folder = folder
        self.bridge_config, self.edge_config = folder / "bridge.toml", folder / "edge.toml"
        self.web = f"http://127.0.0.1:{free_port()}"
        self.said_first: list[Line] = []  # by the programs that made the keys
        self._broker_name, self._board_options, self._platform_options = broker, board, platform

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            await self._open(stack)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def _open(self, stack: AsyncExitStack) -> None:
        enter = stack.enter_async_context
        self.broker = stack.enter_context(make_broker(self._broker_name, self.folder))
        keys = ("--keys", str(self.folder / "keys"), *self._platform_options)
        self.platform = await enter(
            Program(WXVEND, "sim", "wechat", "--port", "0", "--refund-delay-ms", "100", *keys)
        )
        self.wechat = str((await self.platform.says(event="ready"))["url"])
        self.write_settings()
        for room in ("bridge", "edge"):
            async with Program(WXVEND, room, "init", "--config", str(self.folder / f"{room}.toml")) as init:
                assert await init.ended() == 0, init.lines
                self.said_first += init.lines
        link = str(self.folder / "board")
        options = ("--link", link, "--poll-ms", "20", "--turn-ms", "100", *self._board_options)
        self.board = await enter(Program(WXVEND, "sim", "board", *options))
        await self.board.says(event="ready")

    def write_settings(self) -> None:
        """The examples as they are shipped, with this shop's ports and the bridge in a hurry."""
        bridge, edge = ((EXAMPLES / f"{room}.toml").read_text() for room in ("bridge", "edge"))
        for old, new in (
            ("http://127.0.0.1:8081", self.wechat),
            ("http://127.0.0.1:8080", self.web),
            ("port = 8080", f"port = {self.web.rpartition(':')[2]}"),
            ("port = 1883", f"port = {self.broker.port}"),
            ("[[machines]]", f"{_QUICK}\n[[machines]]"),
        ):
            assert old in bridge
            bridge = bridge.replace(old, new, 1)
        assert "port = 1883" in edge
        self.bridge_config.write_text(bridge)
        self.edge_config.write_text(edge.replace("port = 1883", f"port = {self.broker.port}", 1))

    def keep_books_at(self, url: str) -> None:
        """In a database of its own, whose address is a secret."""
        text, file = self.bridge_config.read_text(), self.folder / "books.url"
        assert 'file = "bridge.db"' in text
        self.bridge_config.write_text(text.replace('file = "bridge.db"', f'url_file = "{file.name}"', 1))
        file.touch(mode=0o600)
        file.write_text(f"{url}\n")

    def bridge(self, env: Mapping[str, str] | None = None) -> Program:
        """`wxvend bridge run`."""
        return Program(WXVEND, "bridge", "run", "--config", str(self.bridge_config), env=env)

    def edge(self) -> Program:
        """`wxvend edge run`."""
        return Program(WXVEND, "edge", "run", "--config", str(self.edge_config))

    # ------------------------------------------------------------ the shopper

    async def selects(self, edge: Program, lane: int = LANE) -> str:
        """Key the lane once the machine sells; what the phone's camera reads from the screen."""
        await edge.says(event="daemon.status", status="selling")
        self.board.tell({"do": "key", "lane": lane})
        picture, seen = self.folder / "screen.png", ""

        def shown() -> bool:
            nonlocal seen
            seen = read_code(picture)
            return bool(seen)

        await until(shown, lambda: f"a code on the screen; the machine said {edge.lines[-10:]}")
        return seen

    async def pays(self, code: str) -> Mapping[str, Any]:
        """Scan and confirm on the phone."""
        paid: Mapping[str, Any] = await asyncio.to_thread(
            exchange, f"{self.wechat}/_sim/pay", {"code_url": code}
        )
        return paid

    # ------------------------------------------------------------ the four witnesses

    async def sale(self) -> Mapping[str, Any]:
        """The newest sale in the bridge's books, with its timeline."""
        (newest, *_) = await asyncio.to_thread(exchange, f"{self.web}/api/sales?limit=1")
        found: Mapping[str, Any] = await asyncio.to_thread(
            exchange, f"{self.web}/api/sales/{newest['sale_id']}"
        )
        return found

    async def ends(self, *states: str) -> Mapping[str, Any]:
        """The newest sale, once the bridge's books say that it is in one of these states."""
        found: Mapping[str, Any] = {}

        async def look() -> None:
            nonlocal found
            while (found := await self.sale())["state"] not in states:
                await asyncio.sleep(0.05)

        try:
            async with asyncio.timeout(30):
                await look()
        except TimeoutError:
            raise AssertionError(
                f"not {states}, but {json.dumps(found, ensure_ascii=False, indent=1)}"
            ) from None
        return found

    def shown(self) -> Mapping[str, Any]:
        """The machine as the operator's page has it."""
        found: Mapping[str, Any] = exchange(f"{self.web}/api/machines")[0]
        return found

    async def orders(self) -> list[Mapping[str, Any]]:
        """What the platform has in its books."""
        books = await asyncio.to_thread(exchange, f"{self.wechat}/_sim/books")
        orders: list[Mapping[str, Any]] = books["orders"]
        return orders

    def journal(self, sale_id: str) -> str:
        """The sale's state in the machine's journal, as it stands on the disk."""
        with closing(sqlite3.connect(f"file:{self.folder / 'edge.db'}?mode=ro", uri=True)) as db:
            found = db.execute("SELECT state FROM sale WHERE sale_id = ?", (sale_id,)).fetchone()
            return str(found[0]) if found else ""

    async def pieces_dropped(self) -> int:
        """The physical truth."""
        before = len(self.board.lines)
        self.board.tell({"do": "books"})
        return int((await self.board.says(after=before, event="books"))["pieces_dropped"])
