"""Carries notices to the merchant: one POST each, at once when due, and again as often as the book says.

From "acknowledgement" of the APIv3 notification rules: an answer counts within 5 s; a redirect is none.
"""

import asyncio
import re
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote, urlsplit

from hw_sim.platform.clock import Clock
from hw_sim.platform.courier import Courier, Letter
from hw_sim.platform.model import Platform
from hw_sim.platform.notices import ANSWER_WITHIN_MS, Delivery

AT_ONCE: Final = 64
LARGEST_ANSWER: Final = 64 * 1024
_PORTS: Final = {"http": 80, "https": 443}
_KEPT_AS_THEY_ARE: Final = "/%:@!$&'()*+,;=~"


@dataclass(frozen=True, slots=True)
class Told:
    """What a merchant answered; no more of the body than was asked for."""

    status: int
    body: bytes = field(default=b"", repr=False)


class Carrier:
    """Runs beside the server; `kick` it when something may have become due."""

    def __init__(self, *, platform: Platform, courier: Courier, clock: Clock) -> None:
        self._platform = platform
        self._courier = courier
        self._clock = clock
        self._kicked = asyncio.Event()
        self._lines = asyncio.Semaphore(AT_ONCE)

    def kick(self) -> None:
        """Look now."""
        self._kicked.set()

    async def run(self) -> None:
        """Carry until cancelled; what is under way is then dropped."""
        async with asyncio.TaskGroup() as group:
            while True:
                self._kicked.clear()
                for delivery in self._platform.due(self._clock.now_ms()):
                    group.create_task(self._deliver(delivery), name=f"notice {delivery.notice.id}")
                await self._until_something_is_due()

    async def _until_something_is_due(self) -> None:
        next_ms = self._platform.next_wakeup_ms()
        wait_s = None if next_ms is None else max(0.0, (next_ms - self._clock.now_ms()) / 1000)
        try:
            async with asyncio.timeout(wait_s):
                await self._kicked.wait()
        except TimeoutError:
            return

    async def _deliver(self, delivery: Delivery) -> None:
        async with self._lines:
            began_ms = self._clock.wall_ms()
            verdict = await post(self._courier.write(delivery, began_ms), within_ms=ANSWER_WITHIN_MS)
        # Counted on the wall: a tester who pushes the clock meanwhile does not make the merchant late.
        took_ms = self._clock.wall_ms() - began_ms
        self._platform.report(delivery, verdict, delivery.due_ms + took_ms)
        self.kick()


async def post(letter: Letter, *, within_ms: int) -> int | str:
    """Make one POST; gives the status code, or in words what came instead."""
    told = await exchange(letter, within_ms=within_ms, whole=bool(letter.wants))
    if isinstance(told, str):
        return told
    return "other words" if told.status == 200 and letter.wants not in (b"", told.body) else told.status


async def exchange(letter: Letter, *, within_ms: int, whole: bool) -> Told | str:
    """Make one POST; gives the answer, with its `whole` body or none of it, or what came instead."""
    try:
        async with asyncio.timeout(within_ms / 1000):
            return await _exchange(letter, whole=whole)
    except TimeoutError:
        return "no answer in time"
    except OSError as error:
        return type(error).__name__
    except (ValueError, EOFError, asyncio.LimitOverrunError):
        return "no answer in HTTP"


async def _exchange(letter: Letter, *, whole: bool) -> Told:
    url = urlsplit(letter.url)
    port = url.port or _PORTS[url.scheme]
    reader, writer = await asyncio.open_connection(url.hostname, port, ssl=url.scheme == "https" or None)
    try:
        lines = [
            f"POST {quote(url.path or '/', safe=_KEPT_AS_THEY_ARE)} HTTP/1.1",
            f"Host: {url.hostname}:{port}",
            f"Content-Length: {len(letter.body)}",
            *(f"{name}: {value}" for name, value in letter.headers.items()),
        ]
        writer.write("\r\n".join(lines).encode("ascii") + b"\r\n\r\n" + letter.body[: letter.keep])
        head = await reader.readuntil(b"\r\n\r\n")
        body = await _body(head, reader) if whole else b""
    finally:
        writer.close()
    version, _, rest = head.partition(b" ")
    if not version.startswith(b"HTTP/1."):
        raise ValueError("found no HTTP")
    return Told(int(rest[:3]), body)


async def _body(head: bytes, reader: asyncio.StreamReader) -> bytes:
    length = re.search(rb"(?i)\r\ncontent-length: *([0-9]{1,9})\r\n", head)
    if length is None or int(length[1]) > LARGEST_ANSWER:
        return await reader.read(LARGEST_ANSWER)
    return await reader.readexactly(int(length[1]))
