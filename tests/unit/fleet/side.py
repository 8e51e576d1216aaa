"""The bridge's side of the wire with everything around it played: a link, an engine that obeys, a clock."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from itertools import count

from cloud_bridge.core.model import FromMachine
from cloud_bridge.core.timings import Timings
from cloud_bridge.fleet.fleet import Fleet
from cloud_bridge.fleet.hearing import Hearing
from cloud_bridge.fleet.roster import Roster
from cloud_bridge.ports import CaseView, Fact, SaleView, Shelf, ShelfProduct, StandingAlarm
from wire.broker import NO_MATCHING_SUBSCRIBERS, LinkDown, PublishResult
from wire.codec import address, decode, encode
from wire.envelope import Envelope, Keyring, PrivateKey, Signer, generate, key_id
from wire.gate import Gate
from wire.inbound import Inbound
from wire.messages import Birth, Message, Presence, SaleRequested
from wire.topics import Branch, Outside, Topic, parse

HERE, THERE = "vm-0001", "vm-0002"
KEYS: dict[str, PrivateKey] = {HERE: generate(), THERE: generate()}
BRIDGE = generate()
JID, BITS, SALE = "j" * 26, "0123456789abcdef", "s" * 26
TAKEN, NOBODY = PublishResult(0, "success"), PublishResult(NO_MATCHING_SUBSCRIBERS, "nobody")
COLA = ShelfProduct(lane=12, name_zh="可乐", name_en="Cola", price_fen=350)
SHELVES = tuple(Shelf(machine=name, version=7, phone="400", products=(COLA,)) for name in (HERE, THERE))
TIMINGS = Timings()


class Clock:
    """Both clocks, moved by hand."""

    def __init__(self) -> None:
        self.ms = 1_000

    def now_ms(self) -> int:
        return self.ms

    def wall_ms(self) -> int:
        return 1_700_000_000_000 + self.ms


@dataclass(slots=True)
class Lines:
    """A log that is kept."""

    lines: list[tuple[str, dict[str, object]]] = field(default_factory=list)

    def info(self, event: str, /, **fields: object) -> object:
        self.lines.append((event, fields))
        return None

    warning = info


@dataclass(frozen=True, slots=True)
class Said:
    """One published message."""

    topic: Topic | Outside
    payload: bytes
    envelope: Envelope | None
    retain: bool
    expiry_s: int | None

    @property
    def message(self) -> Message:
        assert isinstance(self.topic, Topic)
        return decode(self.topic, self.payload)


@dataclass(slots=True)
class Wire:
    """A link that keeps what was said and brings what the test puts in. `answer` None: silence."""

    connected: bool = True
    answer: PublishResult | None = TAKEN
    said: list[Said] = field(default_factory=list)
    acked: list[int] = field(default_factory=list)
    incoming: "asyncio.Queue[Inbound]" = field(default_factory=asyncio.Queue)

    def publish(
        self,
        topic: Topic | Outside,
        payload: bytes,
        *,
        envelope: Envelope | None = None,
        retain: bool = False,
        expiry_s: int | None = None,
    ) -> "asyncio.Future[PublishResult]":
        if not self.connected:
            raise LinkDown("not connected")
        self.said.append(Said(topic, payload, envelope, retain, expiry_s))
        future: asyncio.Future[PublishResult] = asyncio.get_running_loop().create_future()
        if self.answer is not None:
            future.set_result(self.answer)
        return future

    async def receive(self) -> Inbound:
        return await self.incoming.get()

    def ack(self, inbound: Inbound) -> None:
        self.acked.append(inbound.mid)


class Engine:
    """Hears; a machine in `slow` is heard only when `go` is set."""

    def __init__(self) -> None:
        self.heard_of: list[FromMachine] = []
        self.durable: list[FromMachine] = []
        self.slow: set[str] = set()
        self.go = asyncio.Event()
        self.broken: Exception | None = None

    async def heard(self, event: FromMachine) -> None:
        self.heard_of.append(event)
        await asyncio.sleep(0)
        if event.machine in self.slow:
            await self.go.wait()
        if self.broken is not None:
            raise self.broken
        self.durable.append(event)

    async def notice(self, headers: Mapping[str, str], body: bytes) -> None:
        raise AssertionError("a notice comes to the bridge, never to the fleet")

    def shelves(self) -> tuple[Shelf, ...]:
        return SHELVES

    async def sales(self, *, machine: str = "", limit: int = 50) -> tuple[SaleView, ...]:
        return ()

    async def sale(self, sale_id: str) -> tuple[SaleView, tuple[Fact, ...]] | None:
        return None

    async def totals(self) -> Mapping[str, int]:
        return {}

    async def alarms(self) -> tuple[StandingAlarm, ...]:
        return ()

    async def cases(self, *, everything: bool = False) -> tuple[CaseView, ...]:
        return ()

    def facts(self) -> AsyncIterator[Fact]:
        raise AssertionError("the fleet follows no facts")


class Side:
    """What hears and tells machines, with everything around it."""

    def __init__(self) -> None:
        self.wire, self.engine, self.clock, self.log = Wire(), Engine(), Clock(), Lines()
        self.roster = Roster((HERE, THERE), self.clock)
        keys = {name: (key_id(key.public_key()), key.public_key()) for name, key in KEYS.items()}
        self.fleet = Fleet(
            signer=Signer(key_id(BRIDGE.public_key()), BRIDGE),
            roster=self.roster,
            timings=TIMINGS,
            log=self.log,
        )
        self.fleet.attach(self.wire)
        self.gate = Gate(Keyring.of_bridge(keys), log=self.log, clock=lambda: 0.0)
        self.hearing = Hearing(
            transport=self.wire,
            service=self.engine,
            gate=self.gate,
            roster=self.roster,
            clock=self.clock,
        )
        self._mids = count(1)

    def bring(self, machine: str, message: Message, *, key: PrivateKey | None = None) -> int:
        """A machine says something; gives the packet's number."""
        topic, payload = address(machine, message), encode(message)
        own = key or KEYS[machine]
        envelope = Signer(key_id(own.public_key()), own).sign(topic, payload)
        return self.bring_raw(str(topic), payload, envelope.user_properties)

    def bring_raw(
        self, topic: str, payload: bytes, properties: tuple[tuple[str, str], ...] = (), retained: bool = False
    ) -> int:
        mid = next(self._mids)
        self.wire.incoming.put_nowait(
            Inbound(topic=topic, payload=payload, retained=retained, user_properties=properties, mid=mid)
        )
        return mid

    def show(self, name: str, payload: bytes, *, machine: str = HERE, retained: bool = False) -> None:
        """A machine, or somebody else, shows something; straight to the roster."""
        self.roster.take(parse(str(Topic(machine, Branch.STATE, name))), payload, retained=retained)


def birth(boot: int = 3, jid: str = JID) -> Birth:
    return Birth(jid=jid, boot=boot, bits=BITS, n=1, catalogue_version=7, software="1.0")


def presence(online: bool, boot: int = 3, jid: str = JID) -> bytes:
    return encode(Presence(online=online, jid=jid, boot=boot, bits=BITS))


def requested(n: int, sale_id: str = SALE) -> SaleRequested:
    return SaleRequested(
        jid=JID,
        boot=3,
        bits=BITS,
        n=n,
        sale_id=sale_id,
        lane=12,
        price_fen=350,
        catalogue_version=7,
        lease_s=240,
        start_s=5,
    )


async def settle() -> None:
    """Let everything that can go on go on."""
    for _ in range(50):
        await asyncio.sleep(0)
