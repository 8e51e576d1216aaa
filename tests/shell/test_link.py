"""The link on real brokers: what is acknowledged, what comes again, and what a bad broker can do."""

import asyncio
import os
import socket
import stat
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from tests.shell.broker import BROKERS, RealBroker, free_port, make_broker
from tests.shell.cable import Cable
from tests.unit.wire.samples import MACHINE, SALE, Lines, bridge_signer, edge_keyring
from wire.broker import BrokerSettings, Letter, LinkDown
from wire.codec import encode
from wire.inbound import Inbound
from wire.link import Link
from wire.messages import Presence, SaleQuery
from wire.topics import LIMIT_BYTES, Branch, Topic, everything

QUERY = Topic(MACHINE, Branch.DOWN, "sale.query")
PRESENCE = Topic(MACHINE, Branch.STATE, "presence")
DOWN = everything(MACHINE, Branch.DOWN)
PATIENCE_S = 20.0


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not true():
            await asyncio.sleep(0.01)


class End:
    """One program's link, running."""

    def __init__(self, port: int, name: str, *filters: str, **more: object) -> None:
        settings = BrokerSettings(
            host="127.0.0.1",
            port=port,
            client_id=name,
            filters=filters,
            reconnect_min_s=0.01,
            reconnect_max_s=0.05,
            connect_timeout_s=5.0,
        )
        self.log = Lines()
        self.told: list[tuple[bool, str]] = []
        self.link = Link(
            replace(settings, **more),  # type: ignore[arg-type]
            log=self.log,
            on_state=lambda up, why: self.told.append((up, why)),
            random=lambda: 0.5,
        )
        self.running = asyncio.ensure_future(self.link.run())

    async def up(self) -> "End":
        await until(lambda: self.link.connected)
        return self

    async def next(self) -> Inbound:
        async with asyncio.timeout(PATIENCE_S):
            return await self.link.receive()

    async def close(self) -> None:
        await self.link.close()
        async with asyncio.timeout(PATIENCE_S):
            await self.running

    async def die(self) -> None:
        """As a task group ends it: no good-bye of ours."""
        self.running.cancel()
        await asyncio.gather(self.running, return_exceptions=True)


@asynccontextmanager
async def end(port: int, name: str, *filters: str, **more: object) -> AsyncIterator[End]:
    made = End(port, name, *filters, **more)
    try:
        yield await made.up()
    finally:
        await made.close()


@pytest.fixture(params=sorted(BROKERS))
def broker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RealBroker]:
    with make_broker(request.param, tmp_path) as broker:
        yield broker


@pytest.fixture
async def cable(broker: RealBroker) -> AsyncIterator[Cable]:
    async with Cable(broker.port) as cable:
        yield cable


# ---------------------------------------------------------------- there and back


async def test_a_signed_message_arrives_as_it_was_sent(broker: RealBroker) -> None:
    payload = encode(SaleQuery(sale_id=SALE))
    envelope = bridge_signer().sign(QUERY, payload)
    async with end(broker.port, "machine", DOWN) as machine, end(broker.port, "bridge") as bridge:
        result = await bridge.link.publish(QUERY, payload, envelope=envelope, expiry_s=30)
        assert result.accepted
        inbound = await machine.next()
        verified = edge_keyring().open_(inbound)
        assert (verified.topic, verified.payload, inbound.retained) == (QUERY, payload, False)
        machine.link.ack(inbound)


async def test_what_the_broker_kept_is_marked_as_kept(broker: RealBroker) -> None:
    async with end(broker.port, "bridge") as bridge:
        await bridge.link.publish(QUERY, b"{}", retain=True)
        async with end(broker.port, "machine", DOWN) as machine:
            assert (await machine.next()).retained


async def test_messages_keep_their_order(broker: RealBroker) -> None:
    async with end(broker.port, "machine", DOWN) as machine, end(broker.port, "bridge") as bridge:
        for number in range(100):
            bridge.link.publish(QUERY, b"%d" % number)
        found = []
        for _ in range(100):
            inbound = await machine.next()
            found.append(int(inbound.payload))
            machine.link.ack(inbound)
        assert found == list(range(100))


# ---------------------------------------------------------------- acknowledged by hand


async def test_a_message_comes_again_until_it_is_acknowledged_and_then_no_more(cable: Cable) -> None:
    async with end(cable.port, "machine", DOWN) as machine, end(cable.port, "bridge") as bridge:
        await bridge.link.publish(QUERY, b"first")
        before = await machine.next()
        cable.cut()
        again = await machine.next()
        assert (again.payload, again.connection) == (before.payload, before.connection + 1)
        machine.link.ack(before)  # its connection is gone: this acknowledges nothing
        cable.cut()
        third = await machine.next()
        assert third.payload == b"first"
        machine.link.ack(third)
        await bridge.up()
        await bridge.link.publish(QUERY, b"second")
        after = await machine.next()
        machine.link.ack(after)
        assert after.payload == b"second"
        await bridge.link.publish(QUERY, b"done")
        assert (await machine.next()).payload == b"done"


async def test_a_daemon_that_died_unacknowledging_is_told_again_after_its_restart(broker: RealBroker) -> None:
    first = await End(broker.port, "machine", DOWN).up()
    async with end(broker.port, "bridge") as bridge:
        await bridge.link.publish(QUERY, b"once")
        assert (await first.next()).payload == b"once"
        await first.die()
        await bridge.link.publish(QUERY, b"while it was away")
        async with end(broker.port, "machine", DOWN) as second:
            found = [await second.next() for _ in range(2)]
            assert [inbound.payload for inbound in found] == [b"once", b"while it was away"]


async def test_a_flood_is_bounded_and_every_message_of_it_comes_in_the_end(broker: RealBroker) -> None:
    # The embedded broker does not look at our receive maximum: what is beyond the bound comes again.
    async with (
        end(broker.port, "machine", DOWN, inflight=5, queue=5) as machine,
        end(broker.port, "bridge") as bridge,
    ):
        for number in range(8):
            await bridge.link.publish(QUERY, b"%d" % number)
        if "mosquitto" in type(broker).__name__.lower():
            assert machine.link.overflowed == 0
        else:
            await until(lambda: (False, "more messages than asked for") in machine.told)
        found: set[int] = set()
        while len(found) < 8:
            inbound = await machine.next()
            found.add(int(inbound.payload))
            machine.link.ack(inbound)


# ---------------------------------------------------------------- the line


async def test_both_ends_send_small_packets_at_once(broker: RealBroker) -> None:
    async with end(broker.port, "machine", DOWN):
        (ours,) = [
            each for each in sockets_of_this_process() if each.getpeername() == ("127.0.0.1", broker.port)
        ]
        assert ours.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 1


def sockets_of_this_process() -> list[socket.socket]:
    found = []
    for name in os.listdir("/proc/self/fd"):
        try:
            if stat.S_ISSOCK(os.stat(int(name)).st_mode):
                found.append(socket.socket(fileno=os.dup(int(name))))
                found[-1].getpeername()
        except OSError:
            if found and found[-1].fileno() >= 0:
                found.pop().close()
    return [each for each in found if each.family == socket.AF_INET]


async def test_a_lost_line_is_told_and_mended_and_what_was_unanswered_is_unknown(cable: Cable) -> None:
    async with end(cable.port, "machine", DOWN) as machine:
        cable.hold(True)
        unknown = machine.link.publish(QUERY, b"{}")
        cable.cut()
        cable.hold(False)
        async with asyncio.timeout(PATIENCE_S):
            result = await unknown
        assert (result.reason_code, result.accepted) == (None, False)
        await until(lambda: [up for up, _ in machine.told] == [True, False, True])
        assert machine.log.lines[1][0] == "link.down"


async def test_without_a_connection_nothing_is_sent_or_kept() -> None:
    machine = End(free_port(), "machine", DOWN)
    await until(lambda: "cannot connect" in machine.link.reason)
    with pytest.raises(LinkDown, match="not connected"):
        machine.link.publish(QUERY, b"{}")
    await machine.close()
    assert [up for up, _ in machine.told] == [False]  # a broker that stays away is told once


async def test_what_waits_for_the_brokers_answer_is_bounded(cable: Cable) -> None:
    async with end(cable.port, "machine", queue=7, inflight=7) as machine:
        cable.hold(True)
        waiting = [machine.link.publish(QUERY, b"{}") for _ in range(7)]
        with pytest.raises(LinkDown, match="7 messages wait"):
            machine.link.publish(QUERY, b"{}")
        cable.hold(False)
        assert all(result.accepted for result in await asyncio.gather(*waiting))
        assert (await machine.link.publish(QUERY, b"{}")).accepted


async def test_a_message_that_the_other_side_would_refuse_is_not_sent(broker: RealBroker) -> None:
    async with end(broker.port, "machine", DOWN) as machine:
        with pytest.raises(ValueError, match="allowed 4096 on "):
            machine.link.publish(QUERY, b" " * (LIMIT_BYTES[Branch.DOWN] + 1))
        await machine.link.publish(QUERY, b" " * LIMIT_BYTES[Branch.DOWN])
        assert len((await machine.next()).payload) == LIMIT_BYTES[Branch.DOWN]


async def test_a_packet_larger_than_we_take_never_ends_the_daemon(broker: RealBroker) -> None:
    async with (
        end(broker.port, "machine", DOWN, max_packet_bytes=1024) as machine,
        end(broker.port, "bridge") as bridge,
    ):
        await bridge.link.publish(QUERY, b"x" * 3000)
        await bridge.link.publish(QUERY, b"small")
        payloads = []
        while b"small" not in payloads:
            inbound = await machine.next()
            payloads.append(inbound.payload)
            machine.link.ack(inbound)
        assert not machine.running.done()


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x30\xff\xff\xff\xff\xff",  # a length that never ends
        b"\x32\x05\x00\x09ab\x00",  # a topic longer than its packet
        b"\x32\x03\x00\x00\x00",  # no properties
        b"\x32\x0a\x00\x02ab\x00\x01\x03\xff\x00\x01",  # a property nobody knows
        b"\x40\x00",  # an answer to nothing
        b"\x00\x00",
        b"\xf0\x00",
    ],
    ids=lambda garbage: garbage.hex(),
)
async def test_a_malformed_packet_ends_the_connection_and_not_the_daemon(
    cable: Cable, garbage: bytes
) -> None:
    async with end(cable.port, "machine", DOWN) as machine:
        cable.inject(garbage)
        await until(lambda: [up for up, _ in machine.told] == [True, False, True])
        assert (await machine.link.publish(QUERY, b"{}")).accepted
        machine.link.ack(await machine.next())


async def test_a_broker_that_says_nothing_is_given_up(cable: Cable) -> None:
    cable.hold(True)
    machine = End(cable.port, "machine", DOWN, connect_timeout_s=0.1)
    await until(lambda: cable.connections >= 3)
    assert machine.link.reason == "no answer to CONNECT in time"
    cable.hold(False)
    await machine.up()
    await machine.close()


async def test_the_broker_restarts_and_messages_flow_again(broker: RealBroker) -> None:
    async with end(broker.port, "machine", DOWN) as machine, end(broker.port, "bridge") as bridge:
        broker.stop()
        await until(lambda: not machine.link.connected and not bridge.link.connected)
        broker.start()
        await machine.up()
        await bridge.up()
        await bridge.link.publish(QUERY, b"{}")
        assert (await machine.next()).payload == b"{}"


async def test_no_thread_outlives_its_link(broker: RealBroker) -> None:
    before = threading.active_count()
    for _ in range(3):
        async with end(broker.port, "machine", DOWN):
            pass
    await until(lambda: not any("paho" in thread.name for thread in threading.enumerate()))
    assert threading.active_count() <= before + 1  # the loop's own worker


# ---------------------------------------------------------------- presence


def letters(boot: int) -> dict[str, Letter]:
    def letter(online: bool) -> Letter:
        presence = Presence(online=online, jid="j" * 26, boot=boot, bits="0" * 16)
        return Letter(PRESENCE, encode(presence))

    return {"will": letter(False), "birth": letter(True)}


@pytest.mark.parametrize("way", ["close", "die", "cut"])
async def test_however_a_session_ends_its_presence_says_so(cable: Cable, way: str) -> None:
    async with end(cable.port, "page", everything("+", Branch.STATE)) as page:
        machine = await End(cable.port, "machine", **letters(3)).up()
        birth = await page.next()
        assert birth.payload == letters(3)["birth"].payload
        page.link.ack(birth)
        if way == "cut":
            machine.running.cancel()
            cable.cut()
        await (machine.close() if way == "close" else machine.die())
        seen = await page.next()
        while seen.payload != letters(3)["will"].payload:
            page.link.ack(seen)
            seen = await page.next()
        page.link.ack(seen)
    async with end(cable.port, "later", everything("+", Branch.STATE)) as later:
        kept = await later.next()
        assert (kept.payload, kept.retained) == (letters(3)["will"].payload, True)
