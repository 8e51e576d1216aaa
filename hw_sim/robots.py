"""Robots of group chats to be told of alarms: they check signatures as WeCom, DingTalk and Feishu do.

Written from what the three publish. `wxvend sim robots` serves them at `/{kind}`; each line on stdout is one
message that was taken or refused.
"""

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

WINDOWS_S: Final[Mapping[str, int]] = {"dingtalk": 3600, "feishu": 3600}
_LARGEST: Final = 64 * 1024


@dataclass(slots=True)
class Robots:
    """All three. Without a secret one takes everything; `down`: no answer, `busy`: so many refusals."""

    secrets: Mapping[str, str] = field(default_factory=dict)
    now_s: Callable[[], float] = lambda: 0.0
    tell: Callable[[dict[str, Any]], None] = lambda line: None
    down: bool = False
    busy: int = 0
    texts: list[tuple[str, str]] = field(default_factory=list)

    def take(self, target: str, body: bytes) -> dict[str, Any]:
        """One POST; the robot's answer."""
        url = urlsplit(target)
        kind, query = url.path.strip("/"), {name: each[-1] for name, each in parse_qs(url.query).items()}
        try:
            asked = json.loads(body)
            why = self._refusal(kind, query, asked)
            text = str(asked["content"]["text"] if kind == "feishu" else asked["text"]["content"])
        except (ValueError, KeyError, TypeError):
            why, text = "params error", ""
        if not why and self.busy:
            self.busy -= 1
            why = "too many requests"
        self.tell({"event": "refused" if why else "message", "robot": kind, "text": why or text})
        if not why:
            self.texts.append((kind, text))
        if kind == "feishu":
            return {"code": 19021 if why else 0, "msg": why or "success", "data": {}}
        return {"errcode": 310000 if why else 0, "errmsg": why or "ok"}

    def _refusal(self, kind: str, query: Mapping[str, str], asked: Mapping[str, Any]) -> str:
        secret = self.secrets.get(kind, "")
        if kind == "wecom":
            return "" if query.get("key") else "invalid webhook url"
        if kind == "dingtalk":
            if not query.get("access_token"):
                return "token is not exist"
            return self._signature(kind, secret, query.get("timestamp", ""), query.get("sign", ""))
        if kind == "feishu":
            return self._signature(kind, secret, asked.get("timestamp", ""), asked.get("sign", ""))
        return "no such robot"

    def _signature(self, kind: str, secret: str, stamp: str, sign: str) -> str:
        if not secret:
            return ""
        words = f"{stamp}\n{secret}".encode()
        if kind == "dingtalk":
            good, at_s = hmac.new(secret.encode(), words, hashlib.sha256), int(stamp or 0) / 1000
        else:
            good, at_s = hmac.new(words, b"", hashlib.sha256), int(stamp or 0)
        fits = hmac.compare_digest(base64.b64encode(good.digest()).decode(), sign)
        return "" if fits and abs(self.now_s() - at_s) < WINDOWS_S[kind] else "sign not match"


async def serve(robots: Robots, port: int) -> asyncio.Server:
    """Serve on loopback; `port` 0 is any free one."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            first, *lines = head.split("\r\n")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
            body = await reader.readexactly(min(_LARGEST, int(headers.get("content-length", "0"))))
            if not robots.down:
                said = json.dumps(robots.take(first.split(" ")[1], body)).encode()
                start = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n"
                writer.write(start + f"Content-Length: {len(said)}\r\n\r\n".encode() + said)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, ValueError, IndexError):
            pass
        finally:
            writer.close()

    return await asyncio.start_server(answer, "127.0.0.1", port)
