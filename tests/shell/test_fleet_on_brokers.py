"""Hearing and telling over real brokers: many machines at once, in order, without ever losing the link."""

import asyncio
import random
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from cloud_bridge.core.model import FromMachine, Requested, TellQuery
from cloud_bridge.fleet.fleet import Fleet
from cloud_bridge.fleet.hearing import Hearing
from cloud_bridge.fleet.roster import Roster
from cloud_bridge.ports import Shelf
from tests.process.programs import until
from tests.shell.broker import BROKERS, RealBroker, make_broker
from tests.unit.fleet.side import COLA, SALE, TIMINGS, Clock, Engine, Lines, requested
from wire.broker import BrokerSettings
from wire.codec import address, decode, encode
from wire.envelope import Keyring, Signer, generate, key_id
from wire.gate import Gate
from wire.link import Link
from wire.messages import Catalogue, SaleQuery
from wire.topics import Branch, everything, parse

MACHINES = [f"vm-{number:04}" for number in range(12)]
KEYS = {machine: generate() for machine in MACHINES}
BRIDGE = generate()
REPORTS = 25


class Slow(Engine):
    """Needs another time for each message, as books that share their flushes do."""

    async def heard(self, event: FromMachine) -> None:
        await asyncio.sleep(random.Random(str(event)).random() * 0.02)
        self.durable.append(event)


class Bridge:
    """The bridge's rooms on a real link."""

    def __init__(self, port: int) -> None:
        self.engine, self.log, clock = Slow(), Lines(), Clock()
        self.roster = Roster(MACHINES, clock)
        self.fleet = Fleet(
            signer=Signer(key_id(BRIDGE.public_key()), BRIDGE),
            roster=self.roster,
            timings=TIMINGS,
            log=self.log,
        )
        filters = (everything("+", Branch.UP), everything("+", Branch.STATE))
        self.link = make_link(port, "bridge", *filters, fleet=self.fleet, log=self.log)
        self.fleet.attach(self.link)
        keys = {name: (key_id(key.public_key()), key.public_key()) for name, key in KEYS.items()}
        self.hearing = Hearing(
            transport=self.link,
            service=self.engine,
            gate=Gate(Keyring.of_bridge(keys), log=self.log, clock=lambda: 0.0),
            roster=self.roster,
            clock=clock,
        )


def make_link(port: int, name: str, *filters: str, fleet: Fleet | None = None, log: Lines) -> Link:
    settings = BrokerSettings(
        host="127.0.0.1",
        port=port,
        client_id=name,
        filters=filters,
        inflight=64,
        reconnect_min_s=0.05,
        reconnect_max_s=0.2,
    )
    told = fleet.connected if fleet is not None else lambda up, reason: None
    return Link(settings, log=log, on_state=told, random=lambda: 0.5)


@asynccontextmanager
async def running(link: Link, *works: asyncio.Task[None]) -> AsyncIterator[None]:
    task = asyncio.create_task(link.run())
    await until(lambda: link.connected, lambda: link.reason)
    try:
        yield
    finally:
        await link.close()
        for work in works:
            work.cancel()
        await asyncio.wait([task, *works])


@pytest.fixture(params=list(BROKERS))
def broker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RealBroker]:
    with make_broker(request.param, tmp_path) as broker:
        yield broker


async def speak(port: int, machine: str) -> None:
    """Say all reports at once."""
    link = make_link(port, machine, log=Lines())
    signer = Signer(key_id(KEYS[machine].public_key()), KEYS[machine])
    async with running(link):
        answers = []
        for n in range(1, REPORTS + 1):
            topic, payload = address(machine, requested(n)), encode(requested(n))
            answers.append(link.publish(topic, payload, envelope=signer.sign(topic, payload)))
        for answer in answers:
            assert (await answer).accepted


async def test_a_fleet_that_speaks_at_once_is_heard_in_order_over_one_lasting_link(
    broker: RealBroker,
) -> None:
    bridge = Bridge(broker.port)
    async with running(bridge.link, asyncio.create_task(bridge.hearing.run())):
        await asyncio.gather(*(speak(broker.port, machine) for machine in MACHINES))
        expected = len(MACHINES) * REPORTS
        await until(lambda: len(bridge.engine.durable) == expected, lambda: f"{len(bridge.engine.durable)}")
        heard: dict[str, list[int]] = {machine: [] for machine in MACHINES}
        for event in bridge.engine.durable:
            assert isinstance(event, Requested)
            heard[event.machine].append(event.n)
        assert all(numbers == list(range(1, REPORTS + 1)) for numbers in heard.values())
        assert [event for event, _ in bridge.log.lines] == ["link.up"]
        assert bridge.hearing.counts == {}


async def test_a_machine_that_comes_later_finds_its_catalogue_and_what_it_is_told(broker: RealBroker) -> None:
    bridge, here = Bridge(broker.port), MACHINES[0]
    shelf = Shelf(machine=here, version=7, phone="400", products=(COLA,))
    async with running(bridge.link, asyncio.create_task(bridge.fleet.show_catalogues([shelf]))):
        machine = make_link(
            broker.port, here, f"wxvend/v1/{here}/down/#", f"wxvend/v1/{here}/set/#", log=Lines()
        )
        async with running(machine):
            first = await machine.receive()
            catalogue = decode(parse(first.topic), first.payload)
            assert isinstance(catalogue, Catalogue)
            assert (catalogue.version, first.retained) == (7, True)
            machine.ack(first)
            assert await bridge.fleet.tell(here, TellQuery(sale_id=SALE))
            second = await machine.receive()
            assert decode(parse(second.topic), second.payload) == SaleQuery(sale_id=SALE)
            ring = Keyring.of_edge(here, {key_id(BRIDGE.public_key()): BRIDGE.public_key()})
            assert [ring.open_(each).topic.machine for each in (first, second)] == [here, here]


async def test_mosquitto_says_that_a_machine_is_not_there(tmp_path: Path) -> None:
    with make_broker("mosquitto", tmp_path) as broker:
        bridge = Bridge(broker.port)
        async with running(bridge.link):
            assert not await bridge.fleet.tell(MACHINES[1], TellQuery(sale_id=SALE))
