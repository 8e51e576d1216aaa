"""Calls to a program of the operator's own, signed with a secret that both know.

`X-Wxvend-Signature: sha256=<hex>` is HMAC-SHA256 over `<X-Wxvend-Timestamp>.<body>`, the body as it is sent.
Any answer of 200 to 299 takes the message; what it says is not read.
"""

import hashlib
import hmac
from collections.abc import Mapping
from typing import Final

from cloud_bridge.ports import Clock
from cloud_bridge.wechat.exchange import NoAnswer, Reply, Success
from cloud_bridge.wechat.plain import PlainExchange
from cloud_bridge.wechat.signing import Request


class HookExchange(PlainExchange):
    """Implements `client.Judge`."""

    def __init__(self, secret: str, clock: Clock) -> None:
        self._secret: Final = secret
        self._clock: Final = clock

    def headers(self, request: Request) -> dict[str, str]:
        """The headers of a request, signed now."""
        stamp = str(self._clock.wall_ms() // 1000)
        signature = signed(self._secret, stamp, request.body)
        return super().headers(request) | {"X-Wxvend-Timestamp": stamp, "X-Wxvend-Signature": signature}

    def judge(self, status: int, headers: Mapping[str, str], content: bytes) -> Reply:
        """What an answer is worth."""
        return Success(status, {}) if 200 <= status < 300 else NoAnswer(f"http_{status}")


def signed(secret: str, stamp: str, body: bytes) -> str:
    """The signature's header."""
    digest = hmac.new(secret.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    return f"sha256={digest}"
