"""A machine of real programs around a test that plays the bridge: broker, board, daemon, signed messages."""

import asyncio
import json
import sqlite3
from collections.abc import Mapping
from contextlib import AsyncExitStack, closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Self, TypeVar

from tests.process.programs import PATIENCE_S, WXVEND, Program, until
from tests.shell.broker import make_broker
from tests.unit.wire.samples import Lines
from wire.broker import BrokerSettings, PublishResult
from wire.codec import address, encode
from wire.envelope import Keyring, Signer, generate, key_id, load_public, save_public
from wire.gate import Gate
from wire.link import Link
from wire.messages import (
    Ack,
    Birth,
    Catalogue,
    CatalogueLane,
    Message,
    SaleCode,
    SaleOutcome,
    SalePaid,
    SaleQuery,
    SaleRequested,
    SaleStatus,
)
from wire.parts import Report
from wire.topics import Branch, parse

MACHINE: Final = "vm-0001"
LANE, PRICE_FEN = 12, 350
PRESSES: Final = 3
CODE_URL: Final = "weixin://wxpay/bizpayurl?pr=Pr0cess"
_SETTINGS: Final = """
machine = "vm-0001"
journal = "edge.db"
[keys]
machine_key_file = "machine.key"
bridge_public_key_files = ["bridge.pub"]
[bus.xy]
port = "board"
[mqtt]
port = {port}
"""
M = TypeVar("M")


@dataclass(slots=True)
class Bridge:
    """What the machine said, and a voice it believes. Acknowledges by itself while it is `holding`."""

    port: int
    machine_key: Path
    signer: Signer
    heard: list[Message] = field(default_factory=list)
    states: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    held: int = 0
    holding: bool = True
    gate: Gate = field(init=False)
    link: Link = field(init=False)

    def __post_init__(self) -> None:
        own = load_public(self.machine_key)
        keyring = Keyring.of_bridge({MACHINE: (key_id(own), own)})
        self.gate = Gate(keyring, log=Lines(), clock=lambda: 0.0)
        settings = BrokerSettings(
            host="127.0.0.1",
            port=self.port,
            client_id="bridge",
            filters=("wxvend/v1/+/up/#", "wxvend/v1/+/state/#"),
            reconnect_min_s=0.05,
            reconnect_max_s=0.2,
        )
        self.link = Link(settings, log=Lines(), on_state=lambda up, reason: None, random=lambda: 0.5)

    async def receive(self) -> None:
        while True:
            inbound = await self.link.receive()
            topic = parse(inbound.topic)
            if topic.branch is Branch.STATE:
                self.states[topic.kind] = json.loads(inbound.payload)
            else:
                message = self.gate.take(inbound)
                assert message is not None, self.gate.refused
                self.heard.append(message)
                self._answer(message)
            self.link.ack(inbound)

    def _answer(self, message: Message) -> None:
        if not isinstance(message, Report) or isinstance(message, SaleStatus) or not self.holding:
            return
        if isinstance(message, Birth):
            self.say(Ack(jid=message.jid, n=0, upto=self.held))
            return
        self.held = max(self.held, message.n)
        self.say(Ack(jid=message.jid, n=message.n, upto=self.held))

    def say(self, message: Message, *, signer: Signer | None = None) -> "asyncio.Future[PublishResult]":
        topic, payload = address(MACHINE, message), encode(message)
        envelope = (signer or self.signer).sign(topic, payload)
        return self.link.publish(topic, payload, envelope=envelope, retain=topic.branch is Branch.SET)

    def said(self, kind: type[M]) -> list[M]:
        return [message for message in self.heard if isinstance(message, kind)]

    async def hears(self, kind: type[M], *, after: int = 0) -> M:
        """The message of this kind that follows the first `after` of them."""
        await until(lambda: len(self.said(kind)) > after, lambda: f"{kind.__name__} in {self.heard}")
        return self.said(kind)[after]


class Rig:
    """Broker, board and bridge for as long as the test; a daemon whenever it asks for one."""

    def __init__(self, folder: Path, *board: str) -> None:
        self.folder = folder
        self.config = folder / "edge.toml"
        self.journal = folder / "edge.db"
        self._board_options = board
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        stack = self._stack
        self.broker = stack.enter_context(make_broker("iotcore", self.folder))
        self.config.write_text(_SETTINGS.format(port=self.broker.port))
        bridge_key = generate()
        save_public(self.folder / "bridge.pub", bridge_key.public_key())
        await self.run("edge", "init", "--config", str(self.config))
        link = str(self.folder / "board")
        self.board = await stack.enter_async_context(
            Program(WXVEND, "sim", "board", "--link", link, "--poll-ms", "20", *self._board_options)
        )
        await self.board.says(event="ready")
        signer = Signer(key_id(bridge_key.public_key()), bridge_key)
        self.bridge = Bridge(self.broker.port, self.folder / "machine.pub", signer)
        self._tasks = [
            asyncio.ensure_future(work) for work in (self.bridge.link.run(), self.bridge.receive())
        ]
        await until(lambda: self.bridge.link.connected, lambda: self.bridge.link.reason)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.bridge.link.close()
        self._tasks[1].cancel()
        done = await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._stack.aclose()
        failures = [each for each in done if isinstance(each, Exception)]
        assert failures == []

    async def run(self, *arguments: str) -> None:
        async with Program(WXVEND, *arguments) as program:
            assert await program.ended() == 0, program.lines

    def daemon(self, *before: str, env: Mapping[str, str] | None = None) -> Program:
        """`wxvend edge run`, behind the words of `before`."""
        return Program(*before, WXVEND, "edge", "run", "--config", str(self.config), env=env)

    async def sells(self, daemon: Program) -> None:
        """Give the machine its catalogue; return when it sells."""
        before = len(daemon.lines)
        lanes = (CatalogueLane(lane=LANE, name_zh="可乐", name_en="Cola", price_fen=PRICE_FEN),)
        await self.bridge.say(Catalogue(version=1, phone="400", lanes=lanes))
        if not daemon.said(event="daemon.status", status="selling"):
            await daemon.says(after=before, event="daemon.status", status="selling")

    async def offered(self) -> SaleRequested:
        """A shopper keys the lane, again when nothing happens; the bridge sends a code.

        A board gives a report up that nobody acknowledged in five turns, as on a computer that stands still.
        """
        number = len(self.bridge.said(SaleRequested))
        asked: SaleRequested | None = None
        for _ in range(PRESSES):
            self.board.tell({"do": "key", "lane": LANE})
            with suppress(TimeoutError):
                async with asyncio.timeout(PATIENCE_S / PRESSES):
                    asked = await self.bridge.hears(SaleRequested, after=number)
                    break
        assert asked is not None, self.bridge.heard
        await self.bridge.say(
            SaleCode(sale_id=asked.sale_id, code_url=CODE_URL, pay_s=60, price_fen=PRICE_FEN)
        )
        return asked

    def paid(self, asked: SaleRequested) -> SalePaid:
        """The authorisation of a sale."""
        return SalePaid(
            sale_id=asked.sale_id,
            jid=asked.jid,
            boot=asked.boot,
            lane=asked.lane,
            paid_fen=PRICE_FEN,
            issued_ms=0,
        )

    async def asks(self, sale_id: str) -> SaleStatus:
        """Ask for a row: the answer also proves that all said before was taken."""
        number = len(self.bridge.said(SaleStatus))
        await self.bridge.say(SaleQuery(sale_id=sale_id))
        return await self.bridge.hears(SaleStatus, after=number)

    async def outcome(self, asked: SaleRequested) -> SaleOutcome:
        found: list[SaleOutcome] = []

        def told() -> bool:
            found[:] = [each for each in self.bridge.said(SaleOutcome) if each.sale_id == asked.sale_id]
            return bool(found)

        await until(told, lambda: f"an outcome in {self.bridge.heard}")
        return found[0]

    def row(self, asked: SaleRequested) -> tuple[str, str]:
        """State and reason of a row, as they stand on the disk."""
        with closing(sqlite3.connect(f"file:{self.journal}?mode=ro", uri=True)) as db:
            found = db.execute("SELECT state, why FROM sale WHERE sale_id = ?", (asked.sale_id,)).fetchone()
            return (str(found[0]), str(found[1])) if found else ("", "")

    async def books(self) -> Mapping[str, Any]:
        """The physical truth, from the board."""
        before = len(self.board.lines)
        self.board.tell({"do": "books"})
        return await self.board.says(after=before, event="books")

    def motor_frames(self) -> int:
        """How often a frame that runs a motor reached the board, whatever it made of it."""
        frames = self.board.said(event="frame", dir="to_board")
        return sum(str(frame["hex"]).startswith("fafb06") for frame in frames)
