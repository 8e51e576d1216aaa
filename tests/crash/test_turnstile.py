"""Turnstiles of the crash points: whole units pass, are counted, and the one that is meant is held back."""

import asyncio
import tomllib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from hw_sim.soak.turnstile import Turnstile, Turnstiles, http_message, tls_record

ASK = b"POST /v3/pay HTTP/1.1\r\nHost: pay\r\nContent-Length: 2\r\n\r\n{}"
GET = b"GET /v3/pay?mchid=1 HTTP/1.1\r\nHost: pay\r\n\r\n"
ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nyes"
DONE = b"HTTP/1.1 204 No Content\r\n\r\n"
HELLO, RECORD = bytes.fromhex("1603010002abcd"), bytes.fromhex("1703030003010203")


class Far:
    """Who is behind a turnstile: keeps what comes, and answers each read."""

    def __init__(self, answer: bytes) -> None:
        self.answer = answer
        self.heard = b""

    async def meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(1000):
            self.heard += data
            writer.write(self.answer)
        writer.close()


@asynccontextmanager
async def between(stile: Turnstile, far: Far) -> AsyncIterator[None]:
    server = await asyncio.start_server(far.meet, "127.0.0.1", 0)
    stile.to = server.sockets[0].getsockname()[1]
    await stile.open()
    yield
    await stile.close()
    server.close()


async def fed(data: bytes) -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    reader.feed_data(data)
    reader.feed_eof()
    return reader


@pytest.mark.parametrize("units", [(ASK, GET, ASK), (ANSWER, DONE, ANSWER)])
async def test_messages_that_come_in_one_read_are_units_of_their_own(units: tuple[bytes, ...]) -> None:
    reader = await fed(b"".join(units))
    assert tuple([await http_message(reader) for _ in units]) == units
    with pytest.raises(asyncio.IncompleteReadError):
        await http_message(reader)


async def test_a_record_is_a_unit_with_its_length_from_its_head() -> None:
    reader = await fed(HELLO + RECORD + RECORD[:4])
    assert await tls_record(reader) == HELLO
    assert await tls_record(reader) == RECORD
    with pytest.raises(asyncio.IncompleteReadError):
        await tls_record(reader)


@pytest.mark.parametrize(("name", "heard"), [("call", ASK), ("answer", ASK + GET)])
async def test_the_second_unit_of_a_kind_strikes_and_goes_nowhere(name: str, heard: bytes) -> None:
    stile, far, struck = Turnstile(http_message, out="call", back="answer"), Far(ANSWER), asyncio.Event()
    async with between(stile, far):
        reader, writer = await asyncio.open_connection("127.0.0.1", stile.port)
        stile.arm(name, 2, struck.set)
        writer.write(ASK)
        assert await reader.readexactly(len(ANSWER)) == ANSWER
        assert not struck.is_set()
        writer.write(GET)
        assert await reader.read() == b""  # and the line is dead
        assert struck.is_set()
        assert far.heard == heard
        writer.close()


async def test_a_handshake_is_no_unit_and_nothing_strikes_once_disarmed() -> None:
    stile, far, struck = Turnstile(tls_record, out="publish"), Far(RECORD), asyncio.Event()
    async with between(stile, far):
        reader, writer = await asyncio.open_connection("127.0.0.1", stile.port)
        stile.arm("publish", 1, struck.set)
        writer.write(HELLO)
        assert await reader.readexactly(len(RECORD)) == RECORD
        stile.disarm()
        writer.write(RECORD)
        assert await reader.readexactly(len(RECORD)) == RECORD
        assert far.heard == HELLO + RECORD
        assert not struck.is_set()
        writer.close()


SETTINGS = """[wechat]
base_url = "http://127.0.0.1:7001"
notify_url = "http://127.0.0.1:7002/wechat/notify"

[mqtt]
host = "127.0.0.1"
port = 7003

[web]
port = 7002
"""


async def test_only_the_bridge_goes_through_and_only_where_it_calls_out() -> None:
    async with Turnstiles() as stiles:
        platform, broker = stiles.of("call"), stiles.of("publish")
        assert stiles.of("answer") is platform
        assert stiles.rewrite("edge.toml", SETTINGS) == SETTINGS
        settings = tomllib.loads(stiles.rewrite("bridge.toml", SETTINGS))
        assert settings == {
            "wechat": {
                "base_url": f"http://127.0.0.1:{platform.port}",
                "notify_url": "http://127.0.0.1:7002/wechat/notify",
            },
            "mqtt": {"host": "127.0.0.1", "port": broker.port},
            "web": {"port": 7002},
        }
        assert (platform.to, broker.to) == (7001, 7003)
