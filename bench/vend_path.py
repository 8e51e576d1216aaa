"""Notification received to motor frame, beside a bare script of the same parts, turn about in one run.

The real platform's simulated notification is stopped on its way, sent on to the bridge, and then, byte for
byte, to the bare script. Both run through mosquitto with the configuration we ship, TLS included.
"""

import asyncio
import contextlib
import datetime as dt
import os
import pty
import socket
import statistics
import subprocess
import sys
import time
import tty
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from bench.bare import FRAME
from bench.figure import Figure
from bench.ground import ROOT
from bench.shop import WAIT_S, Shop, logged_s, open_shop
from hw_sim.broker import MosquittoBroker, Shipped, free_port
from hw_sim.demo.certs import make_certificates

SALES: Final = 60
_GO_AHEAD: Final = 3
_MOTOR: Final = "06"


@dataclass(frozen=True, slots=True)
class Taken:
    """One sale, in milliseconds since the notification."""

    offered_ms: float
    frame_ms: float
    bare_ms: float


def figures() -> list[Figure]:
    """Two rows, median and slowest hundredth; the wait for the board's turn is told beside."""
    with TemporaryDirectory() as folder:
        taken = asyncio.run(_measure(Path(folder)))[_GO_AHEAD:]
    ours, bare = [each.offered_ms for each in taken], [each.bare_ms for each in taken]
    waits = [each.frame_ms - each.offered_ms for each in taken]
    return [
        _row("notification to motor frame, median", statistics.median, ours, bare, waits, 1.5),
        _row("notification to motor frame, p99", _p99, ours, bare, waits, 2.0),
    ]


def _row(
    name: str, of: object, ours: list[float], bare: list[float], waits: list[float], goal: float
) -> Figure:
    assert callable(of)
    mine, other, wait = of(ours), of(bare), of(waits)
    return Figure(
        name=name,
        ours=f"{mine:.2f} ms (and {wait:.1f} ms for the turn)",
        beside=f"{other:.2f} ms, bare script",
        ratio=mine / other,
        goal=f"at most {goal:g}x",
        met=mine <= goal * other,
    )


def _p99(values: list[float]) -> float:
    return sorted(values)[min(len(values) - 1, round(0.99 * len(values)))]


async def _measure(folder: Path) -> list[Taken]:
    (folder / "shop").mkdir()
    (folder / "bare").mkdir()
    async with contextlib.AsyncExitStack() as stack:
        tap = await stack.enter_async_context(_tapped())
        shop = await stack.enter_async_context(open_shop(folder / "shop", notify_port=tap.port))
        tap.forward_to = shop.bridge_port
        bare = stack.enter_context(_bare(folder / "bare", shop.folder / "merchant"))
        return [await _sell(shop, tap, bare) for _ in range(SALES + _GO_AHEAD)]


async def _sell(shop: Shop, tap: "Tap", bare: "Bare") -> Taken:
    code = await shop.choose()
    await shop.stage.pay(code)
    async with asyncio.timeout(WAIT_S):
        head, body, began_s = await tap.taken.get()
    await shop.delivered()
    intent, frame = shop.found("edge", "sale.intent"), _motor_frame(shop)
    assert intent is not None
    bare_s = await bare.vend(head, body)
    return Taken(
        offered_ms=1000 * (logged_s(intent) - began_s),
        frame_ms=frame - 1000 * began_s,
        bare_ms=1000 * bare_s,
    )


def _motor_frame(shop: Shop) -> float:
    """When the board had the motor frame, in Unix milliseconds."""
    for who, line in shop.lines:
        heard = who == "board" and line.get("event") == "frame" and line.get("dir") == "to_board"
        if heard and str(line["hex"])[4:6] == _MOTOR:
            return float(line["t_ms"])
    raise LookupError("no motor frame")


# ---------------------------------------------------------------- a listener in between


class Tap:
    """Takes each notification, notes the moment, and sends it on to the bridge."""

    def __init__(self, port: int) -> None:
        self.port: Final = port
        self.forward_to = 0
        self.taken: Final[asyncio.Queue[tuple[bytes, bytes, float]]] = asyncio.Queue()

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One notification."""
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(
            int(line.split(b":")[1])
            for line in head.split(b"\r\n")
            if line.lower().startswith(b"content-length")
        )
        body = await reader.readexactly(length)
        began_s = time.time_ns() / 1e9
        writer.write(await _post(self.forward_to, head, body))
        await writer.drain()
        writer.close()
        if b"TRANSACTION.SUCCESS" in body:
            self.taken.put_nowait((head, body, began_s))


@contextlib.asynccontextmanager
async def _tapped() -> AsyncIterator[Tap]:
    tap = Tap(free_port())
    async with await asyncio.start_server(tap.handle, "127.0.0.1", tap.port):
        yield tap


async def _post(port: int, head: bytes, body: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(head + body)
    answer = await reader.readuntil(b"\r\n\r\n")
    writer.close()
    return answer


# ---------------------------------------------------------------- the bare script


class Bare:
    """Its two parts running, and our end of its terminal."""

    def __init__(self, port: int, master: int) -> None:
        self._port: Final = port
        self._master: Final = master

    async def vend(self, head: bytes, body: bytes) -> float:
        """Send it the same notification; the seconds until its frame is there."""
        loop, arrived = asyncio.get_running_loop(), asyncio.Event()
        loop.add_reader(self._master, arrived.set)
        began_s = time.time_ns() / 1e9
        try:
            async with asyncio.timeout(WAIT_S):
                answering = asyncio.create_task(_post(self._port, head, body))
                await arrived.wait()
                taken_s = time.time_ns() / 1e9 - began_s
                assert os.read(self._master, 64) == FRAME
                await answering
        finally:
            loop.remove_reader(self._master)
        return taken_s


@contextlib.contextmanager
def _bare(folder: Path, merchant: Path) -> Iterator[Bare]:
    certs = folder / "certs"
    names = ("bare-server", "bare-machine")
    make_certificates(certs, clients=names, now=dt.datetime.now(dt.UTC))
    acl = folder / "broker.acl"
    acl.write_text("pattern readwrite bare\n")
    acl.chmod(0o600)
    (folder / "platform.pem").write_bytes((merchant / "platform_public_key.pem").read_bytes())
    broker = MosquittoBroker(folder, Shipped(conf=ROOT / "systemd" / "mosquitto.conf", acl=acl, certs=certs))
    master, slave = pty.openpty()
    tty.setraw(slave)
    port = free_port()
    broker.start()
    parts = [
        subprocess.Popen(
            [sys.executable, "-m", "bench.bare", role, folder, certs, str(broker.port), last], cwd=ROOT
        )
        for role, last in (("server", str(port)), ("machine", os.ttyname(slave)))
    ]
    try:
        _wait_for(port)
        yield Bare(port, master)
    finally:
        for part in parts:
            part.kill()
            part.wait()
        broker.stop()
        os.close(master)
        os.close(slave)


def _wait_for(port: int) -> None:
    until = time.monotonic() + WAIT_S
    while time.monotonic() < until:
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port), timeout=0.2).close()
            return
    raise TimeoutError("the bare script does not listen")
