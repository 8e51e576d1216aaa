"""The operators' page: a skeleton in the reader's language, and the few files that bring it to life.

Everything is read once, at the start; a request touches no disk. Only what lies in `static/` is served.
"""

import hashlib
import html
import json
import re
from functools import partial
from importlib.resources import files
from typing import Final

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from cloud_bridge.core.people import Action
from cloud_bridge.web.told import TOLD
from cloud_bridge.web.who import listed
from cloud_bridge.web.words import LANGUAGES, table

_KINDS: Final = {"js": "text/javascript", "css": "text/css", "svg": "image/svg+xml"}
_SAID: Final = re.compile(r'(<[^>]* data-say="([a-z_]+)"[^>]*>)(?=</)')


def add_pages(app: FastAPI) -> None:
    """Serve the page at `/` and `/sales/{id}`, and its files below `/static/`."""
    skeleton = _read("page.html")
    pages = {language: _translated(skeleton, language) for language in LANGUAGES}

    async def page(request: Request) -> Response:
        return _kept(request, pages[_language(request)], "text/html")

    for path in ("/", "/sales/{sale_id}", "/complaints/{complaint_id}"):
        app.add_route(path, listed(page, Action.SEE_SALES), methods=["GET"], include_in_schema=False)
    names = [each.name for each in files("cloud_bridge.web").joinpath("static").iterdir()]
    shipped = {
        name: (_read(name), _KINDS[name.rpartition(".")[2]])
        for name in names
        if name.rpartition(".")[2] in _KINDS
    }
    words = json.dumps({language: table(language) for language in LANGUAGES}, separators=(",", ":"))
    shapes = json.dumps(TOLD, separators=(",", ":"))
    said = f"export const WORDS = {words};\nexport const TOLD = {shapes};\n"
    shipped["words.js"] = said, _KINDS["js"]
    for name, (text, kind) in shipped.items():
        send = listed(partial(_send, text=text, kind=kind), None)
        app.add_route(f"/static/{name}", send, methods=["GET"], include_in_schema=False)


async def _send(request: Request, *, text: str, kind: str) -> Response:
    return _kept(request, text, kind)


def _kept(request: Request, text: str, kind: str) -> Response:
    """An answer that a browser keeps and asks about each time."""
    body = text.encode()
    tag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
    headers = {"Cache-Control": "no-cache", "ETag": tag, "Vary": "Accept-Language"}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return Response(body, headers=headers, media_type=kind)


def _language(request: Request) -> str:
    """The first of ours that the browser names; Chinese when it names none."""
    wished = request.headers.get("accept-language", "").lower().split(",")
    known = [tag.strip()[:2] for tag in wished if tag.strip()[:2] in LANGUAGES]
    return known[0] if known else LANGUAGES[0]


def _translated(skeleton: str, language: str) -> str:
    words = table(language)
    filled = _SAID.sub(lambda found: found[1] + html.escape(words[found[2]]), skeleton)
    return filled.replace('<html lang="zh"', f'<html lang="{language}"', 1)


def _read(name: str) -> str:
    return files("cloud_bridge.web").joinpath("static", name).read_text("utf-8")
