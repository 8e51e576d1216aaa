"""Notifications: what one costs beside a server written by hand, how many share a flush, keys read once.

The first row leaves the books out on both sides; the second is the whole engine on SQLite with its flushes.
"""

import asyncio
import contextlib
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from cryptography.hazmat.primitives import serialization

from bench.figure import Figure
from bench.ground import ROOT
from bench.notice_engine import engine_on
from bench.notice_keys import Signing, account, make
from bench.notice_server import PATH
from cloud_bridge.wechat.exchange import Exchange
from cloud_bridge.wechat.keys import load_keys
from cloud_bridge.wechat.notices import WechatNotices
from cloud_bridge.wechat.signing import Request

POSTS: Final = 400
ROUNDS: Final = 3
SALES: Final = 160
TOGETHER: Final = 16
USES: Final = 200
MOST_CPU: Final = 3.0
LEAST_GAIN: Final = 4.0


def figures() -> list[Figure]:
    """Three rows."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        signing = make(folder)
        return [_cpu(folder, signing), _shared(folder, signing), _parsed(folder, signing)]


# ---------------------------------------------------------------- CPU of the endpoint


def _cpu(folder: Path, signing: Signing) -> Figure:
    ours: list[float] = []
    bare: list[float] = []
    for _ in range(ROUNDS):  # one after the other, so that a busy moment strikes both
        ours.append(_served_ms("ours", folder, signing))
        bare.append(_served_ms("bare", folder, signing))
    ratio = min(ours) / min(bare)
    return Figure(
        name="CPU of a notification, without the books",
        ours=f"{min(ours):.2f} ms",
        beside=f"{min(bare):.2f} ms by hand, the same crypto",
        ratio=ratio,
        goal=f"at most {MOST_CPU:g}",
        met=ratio <= MOST_CPU,
    )


def _served_ms(which: str, folder: Path, signing: Signing) -> float:
    headers, body = signing.notice("a" * 26, 1)
    lines = [f"POST {PATH} HTTP/1.1", "Host: x", f"Content-Length: {len(body)}", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    request = "\r\n".join(lines).encode() + b"\r\n\r\n" + body
    with _server(which, folder) as (process, port):
        for _ in range(20):  # the first ones import and warm up
            _post(port, request)
        before_s = _used_s(process)
        for _ in range(POSTS):
            _post(port, request)
        return (_used_s(process) - before_s) * 1000 / POSTS


@contextlib.contextmanager
def _server(which: str, folder: Path) -> "Iterator[tuple[subprocess.Popen[str], int]]":
    command = [sys.executable, "-m", "bench.notice_server", which, str(folder)]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            yield process, int(process.stdout.readline())
        finally:
            process.terminate()


def _used_s(process: "subprocess.Popen[str]") -> float:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("cpu\n")
    process.stdin.flush()
    return float(process.stdout.readline())


def _post(port: int, request: bytes) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as line:
        line.sendall(request)
        answer = line.recv(4096)
    assert answer.startswith(b"HTTP/1.1 204 "), answer[:80]


# ---------------------------------------------------------------- one flush for many


def _shared(folder: Path, signing: Signing) -> Figure:
    alone: list[float] = []
    many: list[float] = []
    for n in range(ROUNDS):  # one after the other, so that a busy moment strikes both
        alone.append(asyncio.run(_taken_ms(folder / f"one-{n}.db", folder, signing, 1)))
        many.append(asyncio.run(_taken_ms(folder / f"many-{n}.db", folder, signing, TOGETHER)))
    gain = min(alone) / min(many)
    return Figure(
        name=f"{TOGETHER} notifications at once, each of them durable",
        ours=f"{min(many):.2f} ms each",
        beside=f"{min(alone):.2f} ms each, one at a time",
        ratio=gain,
        goal=f"at least {LEAST_GAIN:g}",
        met=gain >= LEAST_GAIN,
    )


async def _taken_ms(db: Path, folder: Path, signing: Signing, together: int) -> float:
    """What one notification takes when so many are always under way."""
    async with engine_on(db, account(folder), sales=SALES) as (engine, sales):
        letters = [signing.notice(sale_id, number) for number, sale_id in enumerate(sales)]
        waiting = iter(letters)

        async def carry() -> None:
            for headers, body in waiting:
                await engine.notice(headers, body)

        began_s = time.perf_counter()
        await asyncio.gather(*(carry() for _ in range(together)))
        took_s = time.perf_counter() - began_s
        paid = (await engine.totals())["paid_fen"]
    assert paid == 350 * SALES, paid
    return took_s * 1000 / SALES


# ---------------------------------------------------------------- keys are read once


def _parsed(folder: Path, signing: Signing) -> Figure:
    with _counted() as parsed:
        settings = account(folder)
        keys = load_keys(settings)
        notices, exchange = WechatNotices(settings, keys), Exchange(keys, clock=_Wall(), nonce=lambda: "n")
        for number in range(USES):
            headers, body = signing.notice("a" * 26, number)
            notices.open(headers, body, time.time_ns() / 1e9)
            exchange.headers(Request("GET", "/v3/certificates"))
    files = 2  # the merchant's key and the platform's
    return Figure(
        name="key files parsed in a process",
        ours=f"{len(parsed)}",
        beside=f"{files} files, {USES} notifications and as many calls",
        ratio=len(parsed) / files,
        goal="each once",
        met=len(parsed) == files,
    )


class _Wall:
    def now_ms(self) -> int:
        return time.monotonic_ns() // 1_000_000

    def wall_ms(self) -> int:
        return time.time_ns() // 1_000_000


@contextlib.contextmanager
def _counted() -> Iterator[list[str]]:
    """Every PEM that is read while the block runs."""
    parsed: list[str] = []
    names = ("load_pem_private_key", "load_pem_public_key")
    real = {name: getattr(serialization, name) for name in names}

    def counting(name: str) -> Callable[..., object]:
        def read(*args: object, **more: object) -> object:
            parsed.append(name)
            return real[name](*args, **more)

        return read

    for name in names:
        setattr(serialization, name, counting(name))
    try:
        yield parsed
    finally:
        for name, read in real.items():
            setattr(serialization, name, read)
