"""The platform's end of the wire, on loopback: checks who calls, answers as told, counts what arrives."""

import asyncio
import base64
import json
import re
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15

from tests.unit.wechat.parties import KEY_ID, MCHID, NOW_S, Headers, Parties

_CLAIM = re.compile(r'([a-z_]+)="([^"]*)"')


@dataclass
class Hands:
    """A clock that stands still until a test moves it; also from another thread."""

    now: int = 1_000_000
    wall: int = NOW_S * 1000 + 250

    def now_ms(self) -> int:
        return self.now

    def wall_ms(self) -> int:
        return self.wall


@dataclass(frozen=True)
class Seen:
    """A request as it came over the wire; `line` numbers the connections from 1."""

    line: int
    method: str
    target: str
    headers: Headers
    body: bytes

    def claim(self) -> Headers:
        scheme, _, members = self.headers["authorization"].partition(" ")
        assert scheme == "WECHATPAY2-SHA256-RSA2048"
        return dict(_CLAIM.findall(members))


Answer = bytes | Callable[[asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Host:
    """Answers each request with the next of `answers`; without one it closes the connection."""

    parties: Parties
    answers: deque[Answer] = field(default_factory=deque)
    seen: list[Seen] = field(default_factory=list)
    lines: int = 0
    refused: list[str] = field(default_factory=list)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._talk, "127.0.0.1", 0)
        self._writers: set[asyncio.StreamWriter] = set()
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._server.close()
        for writer in self._writers:
            writer.transport.abort()
        assert self.refused == [], "a request was not signed as it should be"

    def will(self, *answers: Answer) -> None:
        self.answers.extend(answers)

    def says(self, value: Any, *, status: int = 200, drop: str = "", **changes: str) -> bytes:
        """A signed answer; `changes` replace its headers, `drop` leaves one out."""
        body = b"" if value is None else value if isinstance(value, bytes) else json.dumps(value).encode()
        headers = self.parties.signed(body)
        headers |= {name.replace("_", "-"): each for name, each in changes.items()}
        headers.pop(drop, None)
        return answer(status, body, headers)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.lines += 1
        line = self.lines
        self._writers.add(writer)
        try:
            while True:
                request = await _request(reader, line)
                self._check(request)
                self.seen.append(request)
                if not self.answers:
                    break
                told = self.answers.popleft()
                if isinstance(told, bytes):
                    writer.write(told)
                    await writer.drain()
                else:
                    await told(writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        writer.close()

    def _check(self, request: Seen) -> None:
        """The five lines, over what came: the very characters of the request line."""
        claim = request.claim()
        head = f"{request.method}\n{request.target}\n{claim['timestamp']}\n{claim['nonce_str']}\n"
        signature = base64.b64decode(claim["signature"])
        try:
            self.parties.merchant.public_key().verify(
                signature, head.encode() + request.body + b"\n", PKCS1v15(), hashes.SHA256()
            )
            assert (claim["mchid"], claim["serial_no"]) == (MCHID, "BE6DCDA7A5931FA0")
            assert request.headers["accept"] == "application/json"
            assert request.headers["user-agent"]
            assert request.headers["wechatpay-serial"] == KEY_ID
            assert request.headers.get("content-type") == ("application/json" if request.body else None)
        except Exception as error:
            self.refused.append(repr(error))


async def _request(reader: asyncio.StreamReader, line: int) -> Seen:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("ascii")
    first, *rest = head.rstrip("\r\n").split("\r\n")
    method, target, _ = first.split(" ")
    headers = {name.lower(): value for name, _, value in (each.partition(": ") for each in rest)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Seen(line, method, target, headers, body)


def answer(status: int, body: bytes, headers: Headers) -> bytes:
    """An HTTP answer in bytes."""
    length = {} if status == 204 else {"Content-Length": str(len(body))}
    lines = [f"{name}: {value}" for name, value in (headers | length).items()]
    return "\r\n".join([f"HTTP/1.1 {status} Said", *lines, "", ""]).encode() + body


def error(status: int, code: str, message: str = "说明") -> bytes:
    """An unsigned error in the platform's shape."""
    body = json.dumps({"code": code, "message": message}, ensure_ascii=False).encode()
    return answer(status, body, {"Request-ID": "08F78BB5AF0610D302-268435461"})
