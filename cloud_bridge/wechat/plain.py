"""JSON over HTTPS without signatures: hosts that know us by a token or by the address alone."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from cloud_bridge.ports import Clock
from cloud_bridge.wechat import jsonio
from cloud_bridge.wechat.client import Wire
from cloud_bridge.wechat.exchange import NoAnswer, Reply, Success
from cloud_bridge.wechat.signing import Request


@dataclass(frozen=True, slots=True)
class Host:
    """Where it is, and the proxy on the way."""

    base_url: str
    proxy_url: str = field(default="", repr=False)


class PlainExchange:
    """Implements `client.Judge`: nobody signs, so whatever comes over TLS from that name is believed."""

    def headers(self, request: Request) -> dict[str, str]:
        """The headers of a request."""
        headers = {"Accept": "application/json", "User-Agent": "wxvend"}
        return headers | {"Content-Type": request.content_type} if request.body else headers

    def judge(self, status: int, headers: Mapping[str, str], content: bytes) -> Reply:
        """What an answer is worth."""
        if not 200 <= status < 300:
            return NoAnswer(f"http_{status}")
        try:
            return Success(status, jsonio.read(content))
        except jsonio.BadJson:
            return NoAnswer("bad_json")


class PlainHost:
    """Implements `ports_desk.Poster`. `exchange` may sign what is posted."""

    def __init__(self, host: Host, clock: Clock, exchange: PlainExchange | None = None) -> None:
        self._wire: Final = Wire(host, exchange or PlainExchange(), clock=clock)

    async def post(self, target: str, body: Mapping[str, Any]) -> Mapping[str, Any] | str:
        """One try: the answer, or why there is none that can be read."""
        return _read(await self._wire.call(Request("POST", target, jsonio.write(body))))

    async def get(self, target: str) -> Mapping[str, Any] | str:
        """As `post`."""
        return _read(await self._wire.call(Request("GET", target)))

    def close(self) -> None:
        """Take no more calls."""
        self._wire.close()


def parted(url: str) -> tuple[str, str]:
    """Scheme and host of an address, and the rest of it. Raises ValueError.

    Allowed is https, and http on this computer: whoever read along would have the key.
    """
    found = urlsplit(url)
    here = found.hostname in ("127.0.0.1", "::1", "localhost")
    if found.scheme not in (("https", "http") if here else ("https",)) or not found.hostname:
        raise ValueError("found an address that is not https; allowed is https")
    base = f"{found.scheme}://{found.netloc}"
    return base, url.removeprefix(base) or "/"


def _read(reply: Reply) -> Mapping[str, Any] | str:
    return reply.value if isinstance(reply, Success) else reply.why
