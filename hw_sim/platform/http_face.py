"""The platform over HTTP: the merchant's paths at the root as on the real host, the desk below `/_sim/`."""

import asyncio
import json
from collections.abc import Callable
from typing import Final

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from hw_sim.platform.answers import Answer, Call
from hw_sim.platform.api import Api
from hw_sim.platform.desk import Desk, Refused

DESK: Final = "/_sim/"
_LARGEST_BODY: Final = 1 << 20


class Face:
    """An ASGI application. `kick` is called whenever something may have become due."""

    def __init__(self, *, api: Api, desk: Desk, now_ms: Callable[[], int], kick: Callable[[], None]) -> None:
        self._api = api
        self._desk = desk
        self._now_ms = now_ms
        self._kick = kick

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        call = Call(scope["method"], _target(scope), _headers(scope), await _body(receive))
        if call.path.startswith(DESK):
            await self._at_the_desk(call)(scope, receive, send)
            self._kick()
            return
        answer = self._api.handle(call, self._now_ms())
        self._kick()
        if answer.delay_ms:
            await asyncio.sleep(answer.delay_ms / 1000)
        await _leave(answer, scope, receive, send)

    def _at_the_desk(self, call: Call) -> Response:
        name, _, query = call.target.removeprefix(DESK).partition("?")
        try:
            wish = json.loads(call.body or b"{}") | dict(
                pair.split("=", 1) for pair in query.split("&") if pair
            )
            return _json(200, self._desk.do(name, wish, self._now_ms()))
        except Refused as refused:
            return _json(refused.status, refused.body)
        except (ValueError, TypeError) as error:
            return _json(400, {"error": f"body: found no JSON object ({error})"})


async def _leave(answer: Answer, scope: Scope, receive: Receive, send: Send) -> None:
    """Send an answer as whole, cut or lost as it is meant to be."""
    if answer.lost:
        _cut(send)
        return
    headers = dict(answer.headers) | {"Content-Length": str(len(answer.body))}
    if answer.status == 204:
        del headers["Content-Length"]
    if answer.keep is None:
        await Response(answer.body, answer.status, headers)(scope, receive, send)
        return
    raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": answer.status, "headers": raw})
    part = {"type": "http.response.body", "body": answer.body[: answer.keep], "more_body": True}
    await send(part)
    _cut(send)


def _cut(send: Send) -> None:
    """Close the connection as it stands. ASGI has no word for that; the server's own transport has."""
    cycle = getattr(send, "__self__", None)
    assert cycle is not None, "served by something else than uvicorn"
    cycle.transport.abort()


def _json(status: int, value: object) -> Response:
    body = json.dumps(value, ensure_ascii=False).encode()
    return Response(body, status, {"Content-Type": "application/json"})


def _target(scope: Scope) -> str:
    query = scope["query_string"].decode("latin-1")
    path = scope["raw_path"].decode("latin-1")
    return f"{path}?{query}" if query else path


def _headers(scope: Scope) -> dict[str, str]:
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}


async def _body(receive: Receive) -> bytes:
    body = b""
    while True:
        message = await receive()
        body += bytes(message.get("body", b""))
        if not message.get("more_body") or len(body) > _LARGEST_BODY:
            return body
