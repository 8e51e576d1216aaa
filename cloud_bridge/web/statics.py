"""The few files that pages ask for beside themselves. Read once, at the start; a request touches no disk.

Only what lies in `static/` is served.
"""

import hashlib
from functools import partial
from importlib.resources import files
from typing import Final

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from cloud_bridge.web.who import listed

_KINDS: Final = {"js": "text/javascript", "css": "text/css", "svg": "image/svg+xml"}


def add_statics(app: FastAPI) -> None:
    """Serve the files below `/static/`."""
    for each in files("cloud_bridge.web").joinpath("static").iterdir():
        kind = _KINDS.get(each.name.rpartition(".")[2])
        if kind is not None:
            send = listed(partial(_send, body=each.read_bytes(), kind=kind), None)
            app.add_route(f"/static/{each.name}", send, methods=["GET"], include_in_schema=False)


async def _send(request: Request, *, body: bytes, kind: str) -> Response:
    """An answer that a browser keeps and asks about each time."""
    tag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
    headers = {"Cache-Control": "no-cache", "ETag": tag}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return Response(body, headers=headers, media_type=kind)
