"""The platform's notifications: read the raw bytes, hand them to the engine, answer once it has committed.

Success is a 204, or a 200 with the very words that the older generation wants; after anything else the
platform sends again. Nothing of a body is ever logged.
"""

import asyncio
import traceback
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from fastapi.responses import Response
from starlette.types import Receive, Scope, Send

from cloud_bridge.ports import Log, NoticeRejected, Service, StoreFailed
from cloud_bridge.web.answers import failure
from cloud_bridge.web.limits import Limits

_SIGNED: Final = "wechatpay-"  # what the signature is and what it is about: each of them once
_XML: Final = "text/xml"
_CLOSE: Final = {"Connection": "close"}  # the rest of the body is not read


class Callback:
    """An ASGI application for one path.

    What the engine has begun to take is never cancelled: a cancellation between its commit and its acts would
    lose the acts. When time runs out only the answer is given up, and the platform sends again.
    """

    def __init__(
        self, *, service: Service, log: Log, limits: Limits, acknowledge: Callable[[bytes], bytes]
    ) -> None:
        self._service: Final = service
        self._log: Final = log
        self._limits: Final = limits
        self._acknowledge: Final = acknowledge
        self._taking: Final[set[asyncio.Task[Response]]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, unless the caller went away in the middle of the body."""
        try:
            async with asyncio.timeout(self._limits.answer_s):
                answer = await self._answer(scope, receive)
        except TimeoutError:
            self._log.warning("callback.late", answer_s=self._limits.answer_s)
            answer = _fail(503, f"not durable within {self._limits.answer_s:g} s")
        if answer is not None:
            await answer(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive) -> Response | None:
        if scope["method"] != "POST":
            return _fail(405, f"method: found {scope['method']}, allowed POST", Allow="POST")
        headers = _headers(scope["headers"])
        if headers is None:
            return _fail(400, "headers: found one of the signature twice, allowed once")
        if int(headers.get("content-length", 0)) > self._limits.body_bytes:
            return self._too_large()
        body = b""
        while True:
            message = await receive()
            if message["type"] != "http.request":
                return None
            body += message.get("body", b"")
            if len(body) > self._limits.body_bytes:
                return self._too_large()
            if not message.get("more_body", False):
                return await self._hand_over(headers, body)

    def _too_large(self) -> Response:
        self._log.info("callback.rejected", why="oversize")
        return _fail(413, f"body: found more than allowed, {self._limits.body_bytes} bytes", **_CLOSE)

    async def _hand_over(self, headers: Mapping[str, str], body: bytes) -> Response:
        if len(self._taking) >= self._limits.notices:
            return _fail(503, f"{self._limits.notices} notifications are being taken already")
        taking = asyncio.create_task(self._take(headers, body), name="notice")
        self._taking.add(taking)
        taking.add_done_callback(self._taking.discard)
        return await asyncio.shield(taking)

    async def _take(self, headers: Mapping[str, str], body: bytes) -> Response:
        try:
            await self._service.notice(headers, body)
        except NoticeRejected as rejected:
            self._log.info("callback.rejected", why=rejected.why)
            return _fail(401, f"not believed: {rejected.why}")
        except StoreFailed:
            self._log.warning("callback.not_stored")
            return _fail(503, "the books cannot be written")
        except Exception as error:  # a mistake of ours; its words could hold some of the body
            last = traceback.extract_tb(error.__traceback__)[-1]
            at = f"{last.filename}:{last.lineno}"
            self._log.warning("callback.broke", error=type(error).__name__, at=at)
            return _fail(500, "a mistake of the bridge; its log says where")
        words = self._acknowledge(body)
        return Response(words, 200, media_type=_XML) if words else Response(status_code=204)


def _fail(status: int, message: str, **headers: str) -> Response:
    return failure(status, "FAIL", message, **headers)


def _headers(raw: Iterable[tuple[bytes, bytes]]) -> dict[str, str] | None:
    """Names in lower case, repeats joined as HTTP says; None when something signed is there twice."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in raw:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        if name in headers:
            if name.startswith(_SIGNED):
                return None
            value = f"{headers[name]}, {value}"
        headers[name] = value
    return headers
