"""Signed calls over HTTPS: one try each, in a bounded pool of threads.

Whether to try again is the engine's matter. A broken connection, a timeout and an answer that is not read to
its end are no answer.
"""

import asyncio
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from types import MappingProxyType
from typing import Final, Protocol, TypeVar

import requests
import urllib3  # what `requests` reads bodies with; its errors are not always wrapped
from requests.adapters import HTTPAdapter

from cloud_bridge.ports import Clock
from cloud_bridge.wechat.exchange import Exchange, Failure, NoAnswer, Reply
from cloud_bridge.wechat.keys import Keys
from cloud_bridge.wechat.settings import WechatSettings
from cloud_bridge.wechat.signing import Request
from cloud_bridge.wechat.watch import Watch, WatchedExchange

THREADS: Final = 16
WAITING: Final = 64
CONNECT_S: Final = 5.0
READ_S: Final = 10.0
FILE_S: Final = 1_800.0  # a whole bill, however slow the line
IDLE_MS: Final = 6_000  # the platform drops a connection after 8 s without a request
LARGEST_ANSWER: Final = 256 * 1024
_PIECE: Final = 64 * 1024
R = TypeVar("R")
Judgement = Callable[[int, Mapping[str, str], bytes], Reply]


class _Unusable(Exception):
    """An answer that is not read to its end. `why` is a name for counters."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class Host(Protocol):
    """Where calls go."""

    @property
    def base_url(self) -> str:
        """Scheme and host."""

    @property
    def proxy_url(self) -> str:
        """A proxy on the way, or empty."""


class Judge(Protocol):
    """What a generation makes of a call and of its answer."""

    def headers(self, request: Request) -> dict[str, str]:
        """The headers of a request, signed now; `target` as it is transmitted."""

    def judge(self, status: int, headers: Mapping[str, str], content: bytes) -> Reply:
        """What an answer is worth."""


class Wire:
    """Implements `exchange.Caller` for one merchant, in the words of `exchange`.

    `certificate` names PEM files, of the merchant's certificate and its key, for hosts that ask for them;
    `authorities` one with who vouches for the platform, where that is nobody whom everybody trusts.
    """

    def __init__(
        self,
        settings: Host,
        exchange: Judge,
        *,
        clock: Clock,
        certificate: tuple[str, str] | None = None,
        authorities: str | None = None,
    ) -> None:
        self._base_url: Final = settings.base_url
        proxy = settings.proxy_url
        self._proxies: Final = {"http": proxy, "https": proxy} if proxy else None
        self._exchange: Final = exchange
        self._certificate: Final = certificate
        self._vouched: Final[bool | str] = authorities or True
        self._clock: Final = clock
        self._pool: Final = ThreadPoolExecutor(THREADS, thread_name_prefix="wechat")
        self._places: Final = threading.BoundedSemaphore(THREADS + WAITING)
        self._mine: Final = threading.local()

    async def call(self, request: Request, judge: Judgement | None = None) -> Reply:
        """Make one call. Never raises for what the network or the platform does.

        `judge` says what this answer is worth, where that is another matter than with all others.
        """
        if not self._places.acquire(blocking=False):
            return NoAnswer("busy")
        work = self._pool.submit(self._make, request, judge or self._exchange.judge)
        work.add_done_callback(lambda _: self._places.release())
        return await asyncio.wrap_future(work)

    def close(self) -> None:
        """Take no more calls. Those under way end by themselves, within the timeouts."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def download(
        self, asked: str | Request, into: Callable[[bytes], None], *, told: Callable[[int, int], None]
    ) -> Failure | NoAnswer | None:
        """Fetch a file by a signed call, each piece as it was sent; None when it came whole.

        `asked` is the target of a GET, or a whole request.

        Its own bytes are what a hash was made of: an answer that somebody encoded on the way is refused.
        `told` hears bytes here and bytes in all, 0 when that is not said; `into` may raise, which ends it.
        """
        if not self._places.acquire(blocking=False):
            return NoAnswer("busy")
        request = asked if isinstance(asked, Request) else Request("GET", asked)
        work = self._pool.submit(self._fetch, request, into, told)
        work.add_done_callback(lambda _: self._places.release())
        return await asyncio.wrap_future(work)

    def _make(self, request: Request, judge: Judgement) -> Reply:
        return self._sent(
            request,
            lambda answer: judge(
                answer.status_code, answer.headers, self._content(answer, request.most_bytes)
            ),
        )

    def _fetch(
        self, request: Request, into: Callable[[bytes], None], told: Callable[[int, int], None]
    ) -> Failure | NoAnswer | None:
        def taken(answer: requests.Response) -> Failure | NoAnswer | None:
            if answer.status_code != 200:
                judged = self._exchange.judge(answer.status_code, answer.headers, self._content(answer))
                return judged if isinstance(judged, Failure | NoAnswer) else NoAnswer("bad_answer")
            if answer.headers.get("Content-Encoding", "identity") != "identity":
                return NoAnswer("encoded_on_the_way")
            self._pour(answer, into, told)
            return None

        return self._sent(request, taken, {"Accept-Encoding": "identity"})

    def _sent(
        self,
        request: Request,
        read: Callable[[requests.Response], R],
        more: Mapping[str, str] = MappingProxyType({}),
    ) -> R | NoAnswer:
        url = self._base_url + request.target
        ready = requests.Request(request.method, url, data=request.body or None).prepare()
        # What is signed is what the library made of it: the characters of the request line.
        ready.headers.update(self._exchange.headers(replace(request, target=ready.path_url)))
        ready.headers.update(more)
        try:
            with self._line().send(
                ready,
                stream=True,
                timeout=(CONNECT_S, READ_S),
                verify=self._vouched,
                cert=self._certificate,
                proxies=self._proxies,
            ) as answer:
                return read(answer)
        except _Unusable as unusable:
            return NoAnswer(unusable.why)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            return NoAnswer(_what_broke(error))

    def _pour(
        self, answer: requests.Response, into: Callable[[bytes], None], told: Callable[[int, int], None]
    ) -> None:
        """A whole file; a line that stands still ends it, one that is merely slow may take its time."""
        until_ms = self._clock.now_ms() + FILE_S * 1000
        length = answer.headers.get("Content-Length", "")
        here, whole = 0, int(length) if length.isascii() and length.isdigit() else 0
        while piece := answer.raw.read1(_PIECE, decode_content=False):
            into(piece)
            here += len(piece)
            told(here, whole)
            if self._clock.now_ms() >= until_ms:
                raise _Unusable("timeout")

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

    def _content(self, answer: requests.Response, most_bytes: int = LARGEST_ANSWER) -> bytes:
        """The body, piece by piece as it comes, so that one that trickles cannot hold the thread."""
        until_ms = self._clock.now_ms() + READ_S * 1000
        content = b""
        while piece := answer.raw.read1(_PIECE, decode_content=True):
            content += piece
            if len(content) > most_bytes:
                raise _Unusable("oversize")
            if self._clock.now_ms() >= until_ms:
                raise _Unusable("timeout")
        return content


class Client(Wire):
    """The calls of APIv3. `nonce` gives 32 random letters and digits at most; `watch` sees answers."""

    def __init__(
        self,
        settings: WechatSettings,
        keys: Keys,
        *,
        clock: Clock,
        nonce: Callable[[], str],
        watch: Watch | None = None,
    ) -> None:
        self.exchange: Final = WatchedExchange(
            Exchange(keys, clock=clock, nonce=nonce), watch or Watch(), clock
        )
        super().__init__(settings, self.exchange, clock=clock)


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
