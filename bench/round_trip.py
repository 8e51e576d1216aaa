"""Command to reply over a real mosquitto as shipped, TLS and signatures included: how many take over 30 ms.

Nagle's algorithm and delayed acknowledgements cost 40 ms wherever one of the two ends forgets to turn them
off, so a single slow round trip in a thousand is a finding.
"""

import asyncio
import datetime as dt
import logging
import random
import time
from contextlib import AsyncExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import structlog

from bench.figure import Figure
from bench.ground import mosquitto
from hw_sim.demo.certs import make_certificates
from wire.broker import BrokerSettings, Tls
from wire.codec import address, encode
from wire.envelope import Keyring, Signer, generate, key_id
from wire.gate import Gate
from wire.link import Link
from wire.messages import SaleQuery, SaleStatus
from wire.topics import Branch, everything

ROUNDS: Final = 1_000
SLOW_MS: Final = 30.0
MACHINE: Final = "vm-0001"
_SALE: Final = "a" * 26


def figures() -> list[Figure]:
    """One row: slow round trips, with the median and the slowest beside."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    with TemporaryDirectory() as folder:
        taken_ms = sorted(asyncio.run(_measure(Path(folder))))
    slow = sum(each > SLOW_MS for each in taken_ms)
    return [
        Figure(
            name=f"round trips over {SLOW_MS:.0f} ms, of {ROUNDS}",
            ours=str(slow),
            beside=f"median {taken_ms[ROUNDS // 2]:.2f} ms, slowest {taken_ms[-1]:.2f} ms",
            ratio=slow / ROUNDS,
            goal="0",
            met=slow == 0,
        )
    ]


async def _measure(folder: Path) -> list[float]:
    certs = folder / "certs"
    make_certificates(certs, clients=(MACHINE, "bridge"), now=dt.datetime.now(dt.UTC))
    machine, bridge = _signer(), _signer()
    at_machine = _gate(Keyring.of_edge(MACHINE, {bridge.key_id: bridge.private_key.public_key()}))
    at_bridge = _gate(Keyring.of_bridge({MACHINE: (machine.key_id, machine.private_key.public_key())}))
    async with AsyncExitStack() as stack:
        port = stack.enter_context(mosquitto(folder, certs)).port
        below = await _connect(stack, _settings(port, MACHINE, certs, everything(MACHINE, Branch.DOWN)))
        above = await _connect(stack, _settings(port, "bridge", certs, everything("+", Branch.UP)))
        answering = asyncio.create_task(_answer(below, at_machine, machine))
        stack.callback(answering.cancel)
        return [await _ask(above, at_bridge, bridge) for _ in range(ROUNDS)]


async def _ask(link: Link, gate: Gate, signer: Signer) -> float:
    began = time.perf_counter()
    command = SaleQuery(sale_id=_SALE)
    topic, payload = address(MACHINE, command), encode(command)
    link.publish(topic, payload, envelope=signer.sign(topic, payload))
    inbound = await link.receive()
    assert isinstance(gate.take(inbound), SaleStatus)
    taken_ms = 1000 * (time.perf_counter() - began)
    link.ack(inbound)
    return taken_ms


async def _answer(link: Link, gate: Gate, signer: Signer) -> None:
    status = SaleStatus(jid="j" * 26, boot=1, bits="0" * 16, n=0, sale_id=_SALE, state="open", why="")
    topic, payload = address(MACHINE, status), encode(status)
    while True:
        inbound = await link.receive()
        assert isinstance(gate.take(inbound), SaleQuery)
        link.publish(topic, payload, envelope=signer.sign(topic, payload))
        link.ack(inbound)


async def _connect(stack: AsyncExitStack, settings: BrokerSettings) -> Link:
    up = asyncio.Event()

    def told(connected: bool, _reason: str) -> None:
        if connected:
            up.set()

    link = Link(settings, log=structlog.get_logger(), on_state=told, random=random.random)
    stack.callback(asyncio.create_task(link.run()).cancel)
    stack.push_async_callback(link.close)
    async with asyncio.timeout(10):
        await up.wait()
    return link


def _settings(port: int, name: str, certs: Path, heard: str) -> BrokerSettings:
    tls = Tls(
        ca_file=certs / "ca.crt", certificate_file=certs / f"{name}.crt", key_file=certs / f"{name}.key"
    )
    return BrokerSettings(host="127.0.0.1", port=port, client_id=name, filters=(heard,), tls=tls)


def _gate(keyring: Keyring) -> Gate:
    return Gate(keyring, log=structlog.get_logger(), clock=time.monotonic)


def _signer() -> Signer:
    key = generate()
    return Signer(key_id=key_id(key.public_key()), private_key=key)
