"""The machine behind a line of its own: cut while a sale is under way, or as slow as an old modem.

The line is a pair of virtual interfaces between two network namespaces, with TCP proxies at both ends; where
the kernel has none for us, these tests are skipped and say why.
"""

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final, Self

import pytest

from hw_sim.soak.cast import Truth
from tests.crash.forward import serve
from tests.crash.test_attackers import Siege
from tests.process.programs import PATIENCE_S, Program
from tests.shell.broker import free_port, require_mosquitto

_NET: Final = 200 + os.getpid() % 50
HERE, THERE = f"10.213.{_NET}.1", f"10.213.{_NET}.2"


def run(*command: str) -> str:
    """Raises OSError with the program's words when it does not work."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise OSError(f"{' '.join(command)}: {done.stderr.strip()}")
    return done.stdout


class Line:
    """Puts a cast's machine into a network namespace. Skips the test where that is not to be had."""

    def __init__(self, siege: Siege, *, delay_s: float = 0.0) -> None:
        self._siege, self._delay_s = siege, delay_s
        self._name, self._near = f"wxvend-{os.getpid()}", f"wx{os.getpid()}"
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            try:
                self._lay(stack)
            except OSError as error:
                pytest.skip(f"no network namespace with a veth pair: {error}")
            port, broker = free_port(), self._siege.scenery.broker_port
            server = await serve((HERE, port), ("127.0.0.1", broker), delay_s=self._delay_s)
            stack.callback(server.close)
            inside = (shutil.which("ip") or "", "netns", "exec", self._name)
            forward = (sys.executable, "-m", "tests.crash.forward", str(broker), HERE, str(port))
            proxy = await stack.enter_async_context(Program(*inside, *forward))
            await proxy.says(event="ready")
            await self._siege.kill("edge")
            self._siege.prefix["edge"] = inside
            await self._siege.start("edge")
            await self._siege.ready(PATIENCE_S)
            stack.push_async_callback(self._siege.kill, "edge")
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    def cut(self) -> None:
        """From now on everything on the line is lost."""
        run("ip", "link", "set", self._near, "down")

    def mend(self) -> None:
        """It carries again."""
        run("ip", "link", "set", self._near, "up")

    def slow(self) -> None:
        """As slow as a modem of 64 kbit/s. Skips the test where the kernel cannot."""
        try:
            limit = ("rate", "64kbit", "burst", "2kb", "latency", "400ms")
            run("tc", "qdisc", "add", "dev", self._near, "root", "tbf", *limit)
        except OSError as error:
            pytest.skip(f"no token bucket: {error}")

    def _lay(self, stack: AsyncExitStack) -> None:
        if shutil.which("ip") is None:
            raise OSError("ip: not installed. Try: apt install iproute2")
        run("ip", "netns", "add", self._name)
        stack.callback(run, "ip", "netns", "del", self._name)
        run("ip", "link", "add", self._near, "type", "veth", "peer", "name", "line", "netns", self._name)
        run("ip", "addr", "add", f"{HERE}/30", "dev", self._near)
        self.mend()
        run("ip", "-n", self._name, "addr", "add", f"{THERE}/30", "dev", "line")
        for device in ("line", "lo"):
            run("ip", "-n", self._name, "link", "set", device, "up")


async def sees(siege: Siege, wanted: Callable[[Truth], bool]) -> None:
    """Wait until the witnesses have it so."""
    async with asyncio.timeout(PATIENCE_S):
        while not wanted(await siege.truth()):
            await asyncio.sleep(0.05)


def bridge_says(*states: str) -> Callable[[Truth], bool]:
    return lambda truth: (
        bool(truth.books.bridge) and all(sale.state in states for sale in truth.books.bridge.values())
    )


def one_end(ends: Mapping[str, int]) -> bool:
    """One sale, one good end."""
    vended, refunded = ends.get("vended", 0), ends.get("refunded", 0)
    return (vended, refunded, ends["starts"]) in ((1, 0, 1), (0, 1, 0))


@pytest.mark.timeout(180)
async def test_a_line_that_is_cut_between_code_and_payment_delays_the_end_and_doubles_nothing(
    tmp_path: Path,
) -> None:
    require_mosquitto()
    async with Siege(tmp_path) as siege, Line(siege) as line:
        code = await siege.chooses()
        line.cut()
        await siege.pays(code)
        await sees(siege, bridge_says("paid"))
        line.mend()
        assert one_end(await siege.ends())


@pytest.mark.timeout(180)
async def test_a_line_that_is_cut_while_the_motor_turns_brings_the_outcome_later(tmp_path: Path) -> None:
    require_mosquitto()
    async with Siege(tmp_path, turn_ms=1500) as siege, Line(siege) as line:
        await siege.pays(await siege.chooses())
        await sees(siege, lambda truth: truth.motor_starts == 1)
        line.cut()
        await sees(siege, lambda truth: set(truth.books.journal.values()) == {"delivered"})
        assert bridge_says("paid")(await siege.truth())
        line.mend()
        assert await siege.ends() == {"vended": 1, "starts": 1, "back": 0}


@pytest.mark.timeout(180)
async def test_a_long_and_slow_line_sells(tmp_path: Path) -> None:
    require_mosquitto()
    async with Siege(tmp_path) as siege, Line(siege, delay_s=0.2) as line:
        line.slow()
        await siege.pays(await siege.chooses())
        assert one_end(await siege.ends())
