"""The machine's cable: what is said while it is pulled arrives, whole and in order, when it is mended."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from hw_sim.demo.cable import Cable

HOST = "127.0.0.1"


class Broker:
    """Says back what it hears."""

    def __init__(self) -> None:
        self.heard = b""
        self.server: asyncio.Server

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(100):
            self.heard += data
            writer.write(data)
        writer.close()

    async def open(self) -> int:
        self.server = await asyncio.start_server(self.serve, HOST, 0)
        port: int = self.server.sockets[0].getsockname()[1]
        return port


@pytest.fixture
async def broker() -> AsyncIterator[Broker]:
    made = Broker()
    yield made
    made.server.close()


@pytest.fixture
async def cable() -> AsyncIterator[Cable]:
    made = Cable()
    yield made
    await made.close()


async def test_bytes_go_both_ways(broker: Broker, cable: Cable) -> None:
    reader, writer = await asyncio.open_connection(HOST, await cable.lay(await broker.open()))
    async with asyncio.timeout(5):
        for word in (b"birth", b"sale.requested"):
            writer.write(word)
            assert await reader.readexactly(len(word)) == word
    writer.close()


async def test_a_pulled_cable_holds_back_both_ways_and_loses_nothing(broker: Broker, cable: Cable) -> None:
    reader, writer = await asyncio.open_connection(HOST, await cable.lay(await broker.open()))
    async with asyncio.timeout(5):
        writer.write(b"before")
        await reader.readexactly(6)
        cable.pull()
        writer.write(b"while")
        await writer.drain()
        coming = asyncio.ensure_future(reader.readexactly(10))
        assert not (await asyncio.wait({coming}, timeout=0.1))[0]
        assert broker.heard == b"before"
        writer.write(b"after")
        cable.mend()
        assert await coming == b"whileafter"
    writer.close()


async def test_a_broker_that_is_not_there_hangs_up_on_the_machine(broker: Broker, cable: Cable) -> None:
    port = await broker.open()
    broker.server.close()
    await broker.server.wait_closed()
    reader, writer = await asyncio.open_connection(HOST, await cable.lay(port))
    async with asyncio.timeout(5):
        assert await reader.read() == b""
    writer.close()


async def test_a_cable_that_is_taken_away_ends_what_it_carried_even_when_pulled(broker: Broker) -> None:
    cable = Cable()
    reader, writer = await asyncio.open_connection(HOST, await cable.lay(await broker.open()))
    async with asyncio.timeout(5):
        writer.write(b"birth")
        await reader.readexactly(5)
        cable.pull()
        await cable.close()
        assert await reader.read() == b""
    writer.close()
