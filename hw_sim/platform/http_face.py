"""The platform over HTTP: the merchant's paths at the root as on the real host, the desk below `/_sim/`.

The only file of this room that imports `starlette` and `uvicorn`.
"""

import asyncio
import contextlib
import json
import socket
from collections.abc import Callable, Iterator
from dataclasses import replace
from email.utils import formatdate
from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl

import uvicorn
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from hw_sim.platform.answers import Answer, Call, as_bytes
from hw_sim.platform.clock import Clock
from hw_sim.platform.desk import Desk, Refused
from hw_sim.platform.shipping import PATHS, Shipping
from hw_sim.platform.v2_api import Door

DESK: Final = "/_sim/"
_FOLDER: Final = Path(__file__).with_name("page")
_PAGE: Final = {
    "": ("index.html", "text/html"),
    "page.css": ("page.css", "text/css"),
    "page.js": ("page.js", "text/javascript"),
}
KEEP_ALIVE_S: Final = 8  # the real host closes an idle connection then
_LARGEST_BODY: Final = 1 << 20
_STOP_WITHIN_S: Final = 1
_JSON: Final = {"Content-Type": "application/json; charset=utf-8"}


class Face:
    """An ASGI application. `kick` is called whenever something may have become due."""

    def __init__(
        self, *, api: Door, desk: Desk, clock: Clock, kick: Callable[[], None], plain: Shipping
    ) -> None:
        self._plain = plain
        self._api = api
        self._desk = desk
        self._clock = clock
        self._kick = kick

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        assert scope["type"] == "http"  # neither lifespan nor websockets are served
        try:
            body = await _body(Request(scope, receive))
        except ClientDisconnect:
            return
        if body is None:
            await Response(status_code=413)(scope, receive, send)
            return
        call = Call(scope["method"], _target(scope), _headers(scope), body)
        if call.path.startswith(DESK):
            answered = await self._at_the_desk(call)
            await answered(scope, receive, send)
            return
        if call.path.startswith(PATHS):  # on the real one another host
            answer = self._plain.handle(call, self._clock.now_ms())
            await self._leave(answer, scope, receive, send)
            return
        answer = self._api.handle(call, now_ms=self._clock.now_ms(), wall_ms=self._clock.wall_ms())
        self._kick()
        if not answer.delay_ms or await _waited(answer.delay_ms, receive):
            await self._leave(answer, scope, receive, send)

    async def _leave(self, answer: Answer, scope: Scope, receive: Receive, send: Send) -> None:
        date = formatdate((self._clock.wall_ms() + answer.date_off_ms) / 1000, usegmt=True)
        await _leave(replace(answer, headers={**answer.headers, "Date": date}), scope, receive, send)

    async def _at_the_desk(self, call: Call) -> Response:
        name, _, query = call.target.removeprefix(DESK).partition("?")
        if call.method == "GET" and name in _PAGE:
            return Response((_FOLDER / _PAGE[name][0]).read_bytes(), media_type=_PAGE[name][1])
        try:
            wish = json.loads(call.body or b"{}") | dict(parse_qsl(query))
            status, value = 200, await self._desk.done(name, wish)
        except Refused as refused:
            status, value = refused.status, refused.body
        except (ValueError, TypeError, RecursionError) as error:
            status, value = 400, {"error": f"body: found no JSON object ({error}), allowed one or nothing"}
        self._kick()
        return Response(as_bytes(value), status, _JSON)


async def serve(face: Face, listening: socket.socket, stop: asyncio.Event) -> None:
    """Serve on a bound socket until `stop` is set; an answer still held back is then dropped."""
    config = uvicorn.Config(
        face,
        lifespan="off",
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,  # an answer has the platform's own
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=_STOP_WITHIN_S,
    )
    server = _Server(config)
    async with asyncio.TaskGroup() as group:
        group.create_task(server.serve(sockets=[listening]), name="http")
        await stop.wait()
        server.should_exit = True


class _Server(uvicorn.Server):
    """Leaves the signals to whoever started it."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def _waited(delay_ms: int, receive: Receive) -> bool:
    """Hold an answer back; False when the caller hangs up before it is due."""
    try:
        async with asyncio.timeout(delay_ms / 1000):
            await receive()  # its body is read: nothing but the hanging up can come
    except TimeoutError:
        return True
    return False


async def _leave(answer: Answer, scope: Scope, receive: Receive, send: Send) -> None:
    """Send an answer as whole, cut or lost as it is meant to be."""
    if answer.lost:
        await _cut(send)
        return
    headers = dict(answer.headers) | {"Keep-Alive": f"timeout={KEEP_ALIVE_S}"}
    whole = Response(answer.body, answer.status, headers)
    if answer.keep is None and not answer.byte_ms:
        await whole(scope, receive, send)
        return
    await send({"type": "http.response.start", "status": answer.status, "headers": whole.raw_headers})
    for at in range(len(answer.body[: answer.keep])):
        if answer.byte_ms and not await _waited(answer.byte_ms, receive):
            return
        await send({"type": "http.response.body", "body": answer.body[at : at + 1], "more_body": True})
    if answer.keep is not None:
        await _cut(send)
        return
    await send({"type": "http.response.body"})


async def _cut(send: Send) -> None:
    """Close the connection as it stands. ASGI has no word for that; the server's own transport has."""
    cycle = getattr(send, "__self__", None)
    assert cycle is not None, "served by something else than uvicorn"
    cycle.transport.abort()
    await asyncio.sleep(0)  # let the server see that it is gone, or it answers 500 into the void


def _target(scope: Scope) -> str:
    query = scope["query_string"].decode("latin-1")
    path = str(scope["raw_path"].decode("latin-1"))
    return f"{path}?{query}" if query else path


def _headers(scope: Scope) -> dict[str, str]:
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}


async def _body(request: Request) -> bytes | None:
    """Read the body; None when it is larger than anything the platform takes."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > _LARGEST_BODY:
            return None
    return body
