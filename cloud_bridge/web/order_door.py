"""The platform's order requests: a person looks at a spinner, so each is answered, and always with a 200.

Anything but the answer's bare XML, or another status, shows the payer a text of the platform's own.
"""

import asyncio
import traceback
from collections.abc import Awaitable, Callable
from typing import Final

from fastapi.responses import Response
from starlette.types import Receive, Scope, Send

from cloud_bridge.ports import Log, StoreFailed
from cloud_bridge.web.answers import failure
from cloud_bridge.web.limits import Limits

_XML: Final = "text/xml"


class OrderDoor:
    """An ASGI application for one path. `answer` takes a request's body and has its answer within 5 s.

    An answer that has begun is never cancelled: whoever leaves takes nothing with him.
    """

    def __init__(self, *, answer: Callable[[bytes], Awaitable[bytes]], log: Log, limits: Limits) -> None:
        self._answer: Final = answer
        self._log: Final = log
        self._limits: Final = limits
        self._under_way: Final[set[asyncio.Task[Response]]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, unless the caller went away in the middle of the body."""
        answer = await self._taken(scope, receive)
        if answer is not None:
            await answer(scope, receive, send)

    async def _taken(self, scope: Scope, receive: Receive) -> Response | None:
        if scope["method"] != "POST":
            return failure(405, "FAIL", f"method: found {scope['method']}, allowed POST", Allow="POST")
        if len(self._under_way) >= self._limits.notices:
            return failure(503, "FAIL", f"{self._limits.notices} order requests are being answered already")
        body = b""
        while True:
            message = await receive()
            if message["type"] != "http.request":
                return None
            body += message.get("body", b"")
            if len(body) > self._limits.body_bytes:
                self._log.info("order.rejected", why="oversize")
                allowed = f"allowed {self._limits.body_bytes} bytes"
                return failure(413, "FAIL", f"body: found more, {allowed}", Connection="close")
            if not message.get("more_body", False):
                break
        answering = asyncio.create_task(self._say(body), name="order request")
        self._under_way.add(answering)
        answering.add_done_callback(self._under_way.discard)
        return await asyncio.shield(answering)

    async def _say(self, body: bytes) -> Response:
        try:
            return Response(await self._answer(body), 200, media_type=_XML)
        except StoreFailed:
            self._log.warning("order.not_stored")
            return failure(503, "FAIL", "the books cannot be written")
        except Exception as error:  # a mistake of ours; its words could hold some of the body
            last = traceback.extract_tb(error.__traceback__)[-1]
            at = f"{last.filename}:{last.lineno}"
            self._log.warning("order.broke", error=type(error).__name__, at=at)
            return failure(500, "FAIL", "a mistake of the bridge; its log says where")
