"""The machine behind a line of its own: a network namespace, and TCP proxies at both ends of what joins it.

Where the kernel has none for us, the test is skipped and says why.
"""

import os
import shutil
import subprocess
import sys
from contextlib import AsyncExitStack
from typing import Final, Self

import pytest

from tests.crash.forward import serve
from tests.crash.test_attackers import Siege
from tests.process.programs import PATIENCE_S, Program
from tests.shell.broker import free_port

_NET: Final = 200 + os.getpid() % 50
HERE, THERE = f"10.213.{_NET}.1", f"10.213.{_NET}.2"


def run(*command: str) -> str:
    """Raises OSError with the program's words when it does not work."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise OSError(f"{' '.join(command)}: {done.stderr.strip()}")
    return done.stdout


class Line:
    """Puts a cast's machine into a network namespace. Skips the test where that is not to be had.

    `_join` lays what joins the two.
    """

    def __init__(self, siege: Siege, *, delay_s: float = 0.0) -> None:
        self._siege, self._delay_s = siege, delay_s
        self._name, self._near = f"wxvend-{os.getpid()}", f"wx{os.getpid()}"
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            try:
                self._lay(stack)
            except OSError as error:
                pytest.skip(f"no network namespace of our own: {error}")
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
        self._join(stack)
        for device in ("line", "lo"):
            run("ip", "-n", self._name, "link", "set", device, "up")

    def _join(self, stack: AsyncExitStack) -> None:
        run("ip", "link", "add", self._near, "type", "veth", "peer", "name", "line", "netns", self._name)
        run("ip", "addr", "add", f"{HERE}/30", "dev", self._near)
        self.mend()
        run("ip", "-n", self._name, "addr", "add", f"{THERE}/30", "dev", "line")
