"""The bridge's daemon as a process: readiness, signals, what it cannot start on, and what it never says."""

import asyncio
import http.client
import json
import os
import resource
import signal
import socket
import stat
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.process.programs import Program, until
from tests.process.shop import Shop, exchange

NOTIFY = "/wechat/notify"


class Manager:
    """A service manager's ear."""

    def __init__(self, folder: Path) -> None:
        self.heard: list[str] = []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self._socket.bind(str(folder / "notify"))
        self.env = {"NOTIFY_SOCKET": str(folder / "notify"), "WATCHDOG_USEC": "200000"}

    def hears(self, word: str, times: int = 1) -> bool:
        try:
            while True:
                self.heard.append(self._socket.recv(4096).decode().strip())
        except BlockingIOError:
            return sum(word in said for said in self.heard) >= times

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Manager]:
    manager = Manager(tmp_path)
    yield manager
    manager.close()


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    async with Shop(tmp_path, broker="iotcore") as shop:
        yield shop


async def connect(shop: Shop) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection("127.0.0.1", int(shop.web.rpartition(":")[2]))


async def test_it_is_ready_when_it_serves_and_it_feeds_the_watchdog(shop: Shop, manager: Manager) -> None:
    async with shop.bridge(manager.env) as bridge:
        await until(lambda: manager.hears("READY=1"), lambda: f"{manager.heard} {bridge.lines}")
        assert exchange(f"{shop.web}/api/machines")
        await until(lambda: manager.hears("WATCHDOG=1", 3), lambda: f"{manager.heard}")
        await until(lambda: manager.hears("STATUS=serving"), lambda: f"{manager.heard}")
        assert await bridge.stop() == 0
        assert manager.hears("STATUS=leaving")
        assert sum("READY=1" in said for said in manager.heard) == 1


async def test_without_a_broker_it_still_listens_for_payments(shop: Shop, manager: Manager) -> None:
    shop.broker.stop()
    async with shop.bridge(manager.env) as bridge:
        await bridge.says(event="daemon.ready")
        await until(lambda: manager.hears("STATUS=no broker: cannot connect"), lambda: f"{manager.heard}")
        assert exchange(f"{shop.web}/api/totals")
        assert await bridge.stop() == 0
    shop.broker.start()


async def test_a_notification_under_way_is_answered_before_it_leaves(shop: Shop) -> None:
    async with shop.bridge() as bridge:
        await bridge.says(event="daemon.ready")
        reader, writer = await connect(shop)
        head = f"POST {NOTIFY} HTTP/1.1\r\nHost: pay.example.cn\r\nContent-Length: 2\r\n\r\n"
        writer.write(head.encode() + b"{")
        await writer.drain()
        bridge.signal(signal.SIGTERM)
        await bridge.says(event="daemon.leaving")
        writer.write(b"}")
        answer = await reader.readline()
        assert answer.startswith(b"HTTP/1.1 4"), answer  # nobody signed it; but it was heard to its end
        writer.close()
        assert await bridge.ended() == 0


async def test_a_second_bridge_does_not_start_on_the_same_books(shop: Shop) -> None:
    async with shop.bridge() as bridge:
        await bridge.says(event="daemon.ready")
        async with shop.bridge() as second:
            assert await second.ended() == 1
        assert any("bridge.db" in str(line.get("text")) for line in second.lines), second.lines
        assert bridge.running


async def test_a_port_that_is_taken_ends_it_with_a_reason(shop: Shop) -> None:
    with socket.create_server(("127.0.0.1", int(shop.web.rpartition(":")[2]))):
        async with shop.bridge() as bridge:
            assert await bridge.ended() == 1
    (line,) = bridge.said(event="web.unusable")
    assert "Address already in use" in line["why"]


async def test_damaged_books_are_not_guessed_from(shop: Shop) -> None:
    (shop.folder / "bridge.db").write_bytes(b"struck by lightning" * 1000)
    async with shop.bridge() as bridge:
        assert await bridge.ended() == 1
    assert any("bridge.db" in str(line.get("text")) for line in bridge.lines), bridge.lines


async def test_keys_that_cannot_be_used_wait_for_a_person(shop: Shop) -> None:
    (shop.folder / "bridge.key").chmod(0o644)
    async with shop.bridge() as exposed:
        assert await exposed.ended() == 2
    assert "chmod 600" in str(exposed.lines)
    (shop.folder / "bridge.key").chmod(0o600)
    (shop.folder / "keys" / "platform_public_key.pem").write_text("nothing")
    async with shop.bridge() as keyless:
        assert await keyless.ended() == 2
    assert "platform_public_key.pem" in str(keyless.lines)


async def test_its_books_are_for_its_owner_only_and_no_secret_is_ever_said(shop: Shop) -> None:
    async with shop.bridge() as bridge, shop.edge() as edge:
        await bridge.says(event="daemon.ready")
        code = await shop.selects(edge)
        await shop.pays(code)
        await shop.ends("vended")
        forged = exchange_status(shop, b'{"id": "forged-words"}')
        assert forged >= 400
        assert await bridge.stop() == 0
    mode = stat.S_IMODE(os.stat(shop.folder / "bridge.db").st_mode)
    assert mode & 0o077 == 0, oct(mode)
    credentials = json.loads((shop.folder / "keys" / "credentials.json").read_text())
    said = json.dumps([*bridge.lines, *edge.lines])
    for secret in (credentials["api_v3_key"], code, "PRIVATE KEY", "forged-words", "openid"):
        assert secret not in said


def exchange_status(shop: Shop, body: bytes) -> int:
    connection = http.client.HTTPConnection(shop.web.removeprefix("http://"), timeout=10)
    connection.request("POST", NOTIFY, body, {"Content-Type": "application/json"})
    status = connection.getresponse().status
    connection.close()
    return status


async def test_books_that_fail_while_it_serves_end_it(shop: Shop) -> None:
    async with shop.bridge() as bridge:
        await bridge.says(event="daemon.ready")
        limit_file_size(bridge)
        async with shop.edge():
            assert await bridge.ended() == 1
    assert bridge.said(event="daemon.failed")


def limit_file_size(program: Program) -> None:
    """From now on its disk is full."""
    resource.prlimit(program.pid, resource.RLIMIT_FSIZE, (0, 0))
