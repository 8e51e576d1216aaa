"""A small world around the real engine and the real journal: bus, bridge and screen obey the test."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from edge.core.command import CommandAnswer
from edge.core.errors import BusError
from edge.core.judge import Recovery, Witness
from edge.core.model import Answer, Baseline, Delivered, Outcome, Sale, SaleEvent, VendOrder
from edge.core.screen import Product, Screen, View
from edge.engine import Engine, Event
from edge.journal import Fresh, SqliteJournal, open_journal
from edge.ports import (
    BusEvent,
    BusHealth,
    BusUp,
    Capabilities,
    CatalogueReceived,
    Heading,
    KeyPressed,
    LaneReported,
    LinkUp,
    OutboxRow,
    Ports,
    Report,
    SaleMessage,
    Terms,
)

COLA = Product(lane=12, name_zh="可乐", name_en="Cola", price_fen=350)
TEA = Product(lane=13, name_zh="茶", name_en="Tea", price_fen=400)


@dataclass(slots=True)
class HandClock:
    """Moves when the test moves it."""

    at_ms: int = 1_000_000

    def now_ms(self) -> int:
        return self.at_ms

    def wall_ms(self) -> int:
        return 1_700_000_000_000 + self.at_ms


@dataclass(slots=True)
class Bus:
    """A dispenser that counts motor starts. `outcome` may be held back until the test sets `go`."""

    outcome: Outcome = field(default_factory=lambda: Delivered(evidence="04 02"))
    judged: Outcome = field(default_factory=lambda: Delivered(evidence="04 02 repeated"))
    reason: str = ""
    base: Baseline | None = field(default_factory=lambda: Baseline(stock=5))
    vends: list[VendOrder] = field(default_factory=list)
    recovered: list[VendOrder] = field(default_factory=list)
    resyncs: int = 0
    dismissed: list[int] = field(default_factory=list)
    go: asyncio.Event = field(default_factory=asyncio.Event)
    read: asyncio.Event = field(default_factory=asyncio.Event)
    durable_at_vend: list[Sale | None] = field(default_factory=list)
    journal: SqliteJournal | None = None

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(
            bus="test",
            witness=Witness(recovery=Recovery.NONE, drop_sensor=True),
            repeat_is_harmless=False,
            seq_bits=8,
            start_s=5,
            motor_s=60,
            keypad=True,
        )

    async def run(self, post: Callable[[BusEvent], None]) -> None:
        post(BusUp(identity="test"))

    async def check(self, lane: int) -> str:
        return self.reason

    async def baseline(self, lane: int) -> Baseline:
        await self.read.wait()
        if self.base is None:
            raise BusError("the board is not there")
        return self.base

    async def vend(self, order: VendOrder) -> Outcome:
        self.vends.append(order)
        if self.journal is not None:
            self.durable_at_vend.append(self.journal.sale(order.sale_id))
        await self.go.wait()
        return self.outcome

    async def recover(self, order: VendOrder) -> Outcome:
        self.recovered.append(order)
        return self.judged

    async def resync(self) -> None:
        self.resyncs += 1

    def dismiss(self, lane: int) -> None:
        self.dismissed.append(lane)

    def health(self) -> BusHealth:
        return BusHealth()


@dataclass(slots=True)
class Cloud:
    """A bridge that only writes down what it was told."""

    reports: list[tuple[Heading, Sale | None, Report]] = field(default_factory=list)
    answers: list[tuple[str, Answer]] = field(default_factory=list)
    refused: list[tuple[str, str]] = field(default_factory=list)
    replies: list[CommandAnswer] = field(default_factory=list)
    states: dict[str, Mapping[str, object]] = field(default_factory=dict)
    kicks: int = 0

    def compose(self, heading: Heading, sale: Sale | None, report: Report) -> OutboxRow:
        self.reports.append((heading, sale, report))
        return OutboxRow(n=heading.n, kind=type(report).__name__, sale_id="", payload=b"{}")

    def catalogue(self, raw: bytes) -> CatalogueReceived:
        return catalogue(int(raw))

    def kick(self) -> None:
        self.kicks += 1

    def answer(self, sale_id: str, answer: Answer) -> None:
        self.answers.append((sale_id, answer))

    def refuse(self, request_id: str, why: str) -> None:
        self.refused.append((request_id, why))

    def reply(self, answer: CommandAnswer) -> None:
        self.replies.append(answer)

    def publish(self, name: str, values: Mapping[str, object]) -> None:
        self.states[name] = values

    def kinds(self) -> list[str]:
        return [type(report).__name__ for _, _, report in self.reports]


@dataclass(slots=True)
class Glass:
    """Remembers what the shopper saw."""

    screens: list[Screen] = field(default_factory=list)

    def show(self, screen: Screen) -> None:
        self.screens.append(screen)

    @property
    def view(self) -> View:
        return self.screens[-1].view


class Quiet:
    """A log that nobody reads."""

    def info(self, event: str, /, **fields: object) -> object:
        return None

    def warning(self, event: str, /, **fields: object) -> object:
        return None


def catalogue(version: int) -> CatalogueReceived:
    return CatalogueReceived(version=version, phone="400", products=(COLA, TEA), raw=str(version).encode())


class Machine:
    """The real engine with the real journal, started and stopped like a daemon."""

    def __init__(
        self, path: Path, *, bus: Bus | None = None, confirm_new: bool = True, vends_a_minute: int = 20
    ) -> None:
        self.path = path
        self.journal = open_journal(
            path, Fresh(jid="j" * 26, bits=f"{id(self) % 2**64:016x}", wall_ms=0), confirm_new=confirm_new
        )
        self._numbers = count(1_000 * self.journal.session.boot)  # chance never repeats itself
        self.bus, self.cloud, self.glass, self.clock = bus or Bus(), Cloud(), Glass(), HandClock()
        self.bus.journal = self.journal
        self._tasks: set[asyncio.Task[None]] = set()
        ports = Ports(
            journal=self.journal,
            dispenser=self.bus,
            display=self.glass,
            bridge=self.cloud,
            clock=self.clock,
            notes=Quiet(),
        )
        self.engine = Engine(
            ports=ports,
            terms=Terms(machine="vm-0001", vends_a_minute=vends_a_minute),
            spawn=self._spawn,
            entropy=lambda size: next(self._numbers).to_bytes(size, "big"),
        )

    def _spawn(self, work: Coroutine[None, None, None], name: str) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        return task

    async def __aenter__(self) -> "Machine":
        self.running = self._spawn(self.engine.run(), "engine")
        return self

    async def __aexit__(self, *_: object) -> None:
        """Let go of everything at once, as a killed process does."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.journal.close()

    async def ready(self) -> None:
        """A linked machine with a full lane 12 and an empty lane 13."""
        self.bus.read.set()
        self.engine.post(catalogue(1))
        self.engine.post(BusUp(identity="test"))
        self.engine.post(LaneReported(lane=12, stock=5, capacity=8))
        self.engine.post(LaneReported(lane=13, stock=0, capacity=8))
        await self.done(LinkUp())

    async def done(self, event: Event) -> None:
        """Post a fact and wait until all that it caused directly is durable."""
        handled = asyncio.Event()
        self.engine.post(event, handled.set)
        async with asyncio.timeout(5):
            await handled.wait()

    async def select(self, lane: int = 12) -> str:
        await self.done(KeyPressed(lane=lane))
        return self.engine.machine.current

    async def tell(self, sale_id: str, event: SaleEvent) -> None:
        await self.done(SaleMessage(sale_id=sale_id, event=event))

    async def until(self, true: Callable[[], bool]) -> None:
        """Wait for what the engine's small tasks will bring about."""
        async with asyncio.timeout(5):
            while not true():
                await asyncio.sleep(0)
