"""The page's web server: three files, the screen's picture, a stream of what happens, and the page's wishes.

On loopback, for pages that it served itself.
"""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator, Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from edge.display.fonts import packaged
from hw_sim.demo.room import BadWish, Room
from hw_sim.demo.web_call import CallFailed

HOST: Final = "127.0.0.1"
_PAGE: Final = Path(__file__).parents[1] / "page"
_FILES: Final = {
    "/": "index.html",
    "/page.css": "page.css",
    "/machine.css": "machine.css",
    "/page.js": "page.js",
}
_FRESH: Final = {"Cache-Control": "no-store"}
_KEPT: Final = {"Cache-Control": "max-age=86400"}
_GRACE_S: Final = 1


def make_page(room: Room, picture: Path) -> Starlette:
    """The application."""

    async def screen(_request: Request) -> Response:
        try:
            shown = await asyncio.to_thread(picture.read_bytes)
        except FileNotFoundError:
            return Response(status_code=404)
        return Response(shown, media_type="image/png", headers=_FRESH)

    async def events(_request: Request) -> Response:
        return StreamingResponse(_lines(room), media_type="text/event-stream", headers=_FRESH)

    async def wish(request: Request) -> Response:
        if request.headers.get("content-type") != "application/json":  # no form of another site can say that
            return JSONResponse({"error": "Content-Type: allowed application/json"}, 415)
        try:
            body = await request.json()
            if not isinstance(body, dict):
                raise BadWish("body: allowed one JSON object")
            await room.do(request.path_params["wish"], body)
        except ValueError as error:
            return JSONResponse({"error": str(error)}, 400)
        except (CallFailed, TimeoutError) as error:
            return JSONResponse({"error": str(error)}, 502)
        return Response(status_code=204)

    files = [Route(path, partial(_file, name)) for path, name in _FILES.items()]
    return Starlette(
        routes=[
            *files,
            Route("/screen.png", screen),
            Route("/font.otf", _font),
            Route("/api/events", events),
            Route("/api/{wish}", wish, methods=["POST"]),
        ],
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=[HOST, "localhost"])],
    )


async def serve(page: Starlette, listening: socket.socket) -> None:
    """Serve until cancelled."""
    config = uvicorn.Config(
        page,
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_GRACE_S,
    )
    await _Server(config).serve(sockets=[listening])


class _Server(uvicorn.Server):
    """Leaves the signals to whoever started it."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def _file(name: str, _request: Request) -> Response:
    return FileResponse(_PAGE / name, headers=_FRESH)


async def _font(_request: Request) -> Response:
    """For a browser whose computer has no Chinese font: the one that the machine's screen would use."""
    font = packaged()
    return FileResponse(font, headers=_KEPT) if font else Response(status_code=404)


async def _lines(room: Room) -> AsyncIterator[str]:
    async for event, value in room.listen():
        yield _event(event, value)


def _event(name: str, value: Any) -> str:
    return f"event: {name}\ndata: {json.dumps(value, ensure_ascii=False)}\n\n"
