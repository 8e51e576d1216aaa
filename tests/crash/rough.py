"""A line that loses, repeats, delays and reorders packets under a seed, between two TUN devices."""

import asyncio
import fcntl
import os
import random
import struct
from collections import Counter
from contextlib import AsyncExitStack, suppress
from typing import Final

from tests.crash.line import HERE, THERE, Line, run
from tests.crash.test_attackers import Siege

# linux/if_tun.h
_TUNSETIFF: Final = 0x400454CA
_IFF_TUN, _IFF_NO_PI = 0x0001, 0x1000
_MTU: Final = 1500
_LOST, _DOUBLED, _LATE = 0.20, 0.05, 0.20
_SHORT_S, _LONG_S = 0.005, 0.06


class RoughLine(Line):
    """`counts`: packets that passed, were lost, doubled, or late, behind what was sent after them."""

    def __init__(self, siege: Siege, seed: int) -> None:
        super().__init__(siege)
        self.counts: Final[Counter[str]] = Counter()
        self._chance: Final = random.Random(seed)
        self._up = False

    def _join(self, stack: AsyncExitStack) -> None:
        here, there = _tun(self._near, stack), _tun("line", stack)
        run("ip", "link", "set", "line", "netns", self._name)
        run("ip", "addr", "add", HERE, "peer", THERE, "dev", self._near)
        run("ip", "-n", self._name, "addr", "add", THERE, "peer", HERE, "dev", "line")
        self.mend()
        loop, self._up = asyncio.get_running_loop(), True
        stack.callback(self._fall)
        for comes, goes in ((here, there), (there, here)):
            loop.add_reader(comes, self._carry, comes, goes)
            stack.callback(loop.remove_reader, comes)

    def _fall(self) -> None:
        self._up = False

    def _carry(self, comes: int, goes: int) -> None:
        with suppress(OSError):  # it is down
            packet = os.read(comes, 2 * _MTU)
            if self._chance.random() < _LOST:
                self.counts["lost"] += 1
                return
            twice = self._chance.random() < _DOUBLED
            self.counts["doubled"] += twice
            for _ in range(1 + twice):
                self._send(goes, packet)

    def _send(self, goes: int, packet: bytes) -> None:
        late = self._chance.random() < _LATE
        self.counts["late" if late else "passed"] += 1
        delay_s = self._chance.uniform(_SHORT_S, _LONG_S) if late else _SHORT_S
        asyncio.get_running_loop().call_later(delay_s, self._write, goes, packet)

    def _write(self, goes: int, packet: bytes) -> None:
        with suppress(OSError):  # it is down
            if self._up:
                os.write(goes, packet)


def _tun(name: str, stack: AsyncExitStack) -> int:
    """A new device of this name, through which whole IP packets come and go. Raises OSError."""
    device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    stack.callback(os.close, device)
    fcntl.ioctl(device, _TUNSETIFF, struct.pack("16sH22x", name.encode(), _IFF_TUN | _IFF_NO_PI))
    return device
