"""Signed calls over HTTPS: one try each, in a bounded pool of threads, and only verified success is believed.

Whether to try again is the engine's matter. A 2xx without a good signature, a broken connection, a timeout,
429 and every 5xx mean the same here: no answer (APIv3 "error body", retry rule).
"""

import asyncio
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final

import requests
import urllib3  # what `requests` reads bodies with; its errors are not always wrapped
from requests.adapters import HTTPAdapter

from cloud_bridge.ports import Clock
from cloud_bridge.wechat import jsonio
from cloud_bridge.wechat.codes import error_name
from cloud_bridge.wechat.keys import Keys
from cloud_bridge.wechat.settings import WechatSettings
from cloud_bridge.wechat.signing import NotVerified, Request, Stamp, authorization, verify

THREADS: Final = 16
WAITING: Final = 64
CONNECT_S: Final = 5.0
READ_S: Final = 10.0
IDLE_MS: Final = 6_000  # the platform drops a connection after 8 s without a request
LARGEST_ANSWER: Final = 256 * 1024
_PIECE: Final = 64 * 1024
_LONGEST_WORDS: Final = 160


@dataclass(frozen=True, slots=True)
class Success:
    """A verified 2xx; `value` is empty for a 204."""

    status: int
    value: jsonio.Json = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Failure:
    """A 4xx in the platform's own words. `why` is their name, `detail` a line for the log.

    It may be unsigned: good for control flow, never proof that nothing happened.
    """

    status: int
    why: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """Nothing that can be believed: the call may have taken effect. `why` is a name for counters."""

    why: str


Reply = Success | Failure | NoAnswer


class _Unusable(Exception):
    """An answer that is not read to its end. `why` is a name for counters."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class Client:
    """Makes calls as one merchant. `nonce` gives at most 32 random letters and digits."""

    def __init__(
        self, settings: WechatSettings, keys: Keys, *, clock: Clock, nonce: Callable[[], str]
    ) -> None:
        self._base_url: Final = settings.base_url
        proxy = settings.proxy_url
        self._proxies: Final = {"http": proxy, "https": proxy} if proxy else None
        self._keys: Final = keys
        self._clock: Final = clock
        self._nonce: Final = nonce
        self._pool: Final = ThreadPoolExecutor(THREADS, thread_name_prefix="wechat")
        self._places: Final = threading.BoundedSemaphore(THREADS + WAITING)
        self._mine: Final = threading.local()

    async def call(self, request: Request) -> Reply:
        """Make one call. Never raises for what the network or the platform does."""
        if not self._places.acquire(blocking=False):
            return NoAnswer("busy")
        work = self._pool.submit(self._exchange, request)
        work.add_done_callback(lambda _: self._places.release())
        return await asyncio.wrap_future(work)

    def close(self) -> None:
        """Take no more calls. Those under way end by themselves, within the timeouts."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _exchange(self, request: Request) -> Reply:
        url = self._base_url + request.target
        ready = requests.Request(request.method, url, data=request.body or None).prepare()
        # What is signed is what the library made of it: the characters of the request line.
        ready.headers.update(self._headers(Request(request.method, ready.path_url, request.body)))
        try:
            with self._line().send(
                ready, stream=True, timeout=(CONNECT_S, READ_S), verify=True, proxies=self._proxies
            ) as answer:
                return self._judge(answer.status_code, answer.headers, self._content(answer))
        except _Unusable as unusable:
            return NoAnswer(unusable.why)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            return NoAnswer(_what_broke(error))

    def _headers(self, request: Request) -> dict[str, str]:
        stamp = Stamp(self._clock.wall_ms() // 1000, self._nonce())
        headers = {
            "Accept": "application/json",
            "User-Agent": "wxvend",
            "Authorization": authorization(self._keys, request, stamp),
        }
        if request.body:
            headers["Content-Type"] = "application/json"
        if self._keys.answer_with:
            headers["Wechatpay-Serial"] = self._keys.answer_with
        return headers

    def _line(self) -> HTTPAdapter:
        """One connection a thread, made anew when it has been idle for too long.

        The bare adapter and not a session: no redirects, cookies, `.netrc` or proxies of the environment.
        """
        now_ms = self._clock.now_ms()
        line: HTTPAdapter | None = getattr(self._mine, "line", None)
        if line is None or now_ms - self._mine.used_ms >= IDLE_MS:
            if line is not None:
                line.close()
            line = self._mine.line = HTTPAdapter(pool_connections=1, pool_maxsize=1, max_retries=0)
        self._mine.used_ms = now_ms
        return line

    def _content(self, answer: requests.Response) -> bytes:
        """The body, piece by piece as it comes, so that one that trickles cannot hold the thread."""
        until_ms = self._clock.now_ms() + READ_S * 1000
        content = b""
        while piece := answer.raw.read1(_PIECE, decode_content=True):
            content += piece
            if len(content) > LARGEST_ANSWER:
                raise _Unusable("oversize")
            if self._clock.now_ms() >= until_ms:
                raise _Unusable("timeout")
        return content

    def _judge(self, status: int, headers: Mapping[str, str], content: bytes) -> Reply:
        if 200 <= status < 300:
            return self._believed(status, headers, content)
        if 400 <= status < 500 and status != 429:
            return _failure(status, headers, content)
        return NoAnswer("rate_limited" if status == 429 else f"http_{status}")

    def _believed(self, status: int, headers: Mapping[str, str], content: bytes) -> Reply:
        lower = {name.lower(): value for name, value in headers.items()}
        try:
            verify(self._keys, lower, content, now_s=self._clock.wall_ms() / 1000)
            return Success(status, jsonio.read(content) if content else {})
        except NotVerified as error:
            return NoAnswer(error.why)
        except jsonio.BadJson:
            return NoAnswer("bad_json")


def _failure(status: int, headers: Mapping[str, str], content: bytes) -> Failure | NoAnswer:
    """A 4xx that does not speak the platform's language is some proxy's, and no answer."""
    try:
        value = jsonio.read(content)
        code = jsonio.text(value, "code")
    except jsonio.BadJson:
        return NoAnswer(f"http_{status}")
    words = value.get("message")
    said = f"{code} {words if isinstance(words, str) else ''}"
    number = headers.get("Request-ID", "")  # what the platform's support asks for
    return Failure(status, error_name(code), f"{status} {_shown(said)} request_id={_shown(number)}")


def _shown(words: str) -> str:
    """Words of the platform as a piece of one log line."""
    clean = "".join(each if each.isprintable() else " " for each in words)
    return " ".join(clean.split())[:_LONGEST_WORDS]


def _what_broke(error: Exception) -> str:
    match error:
        case requests.Timeout() | urllib3.exceptions.TimeoutError():
            return "timeout"
        case requests.exceptions.SSLError():
            return "tls"
        case requests.exceptions.ProxyError():
            return "proxy"
        case requests.ConnectionError() | urllib3.exceptions.ProtocolError() | OSError():
            return "connection"
        case _:
            return "broken_answer"
