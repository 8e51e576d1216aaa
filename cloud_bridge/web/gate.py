"""What holds for every request, whoever asks: whole heads, our own names, and headers that bind a browser."""

import re
from collections.abc import Iterable, Mapping
from typing import Final

from fastapi.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cloud_bridge.web.answers import failure

HEALTH: Final = "/healthz"

_FOR_BROWSERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_HOST: Final = re.compile(r"(?:\[([0-9a-f:.]+)\]|([a-z0-9_.-]+))(?::\d{1,5})?")
_ASKED_BYTES: Final = 4096
# What is more than a few words, by its path: an edition, the tables of a spreadsheet, a picture.
_LONGER: Final = {
    "/api/catalogue/edit": 1 << 18,
    "/api/catalogue/import": 4 << 20,
    "/api/catalogue/pictures": 100_000,
}
_RAW: Final = [(name.lower().encode(), value.encode()) for name, value in _FOR_BROWSERS.items()]


class Gate:
    """Stands before the callbacks, each by its path, and the pages.

    A callback is judged by its signature and reached under whatever name a proxy gives it. The pages answer
    only to `hosts`: a page of somebody else that points its own name at this address reads nothing.
    """

    def __init__(
        self, *, callbacks: Mapping[str, ASGIApp], pages: ASGIApp, hosts: Iterable[str], head_bytes: int
    ) -> None:
        self._callbacks: Final = callbacks
        self._pages: Final = pages
        self._hosts: Final = frozenset(host.lower().strip("[]") for host in hosts)
        self._head_bytes: Final = head_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] != "http":
            return

        async def bound(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", ()), *_RAW]}
            await send(message)

        app: ASGIApp | None = self._refusal(scope)
        if app is None:
            app = self._callbacks.get(scope["path"], self._pages)
        await app(scope, receive, bound)

    def _refusal(self, scope: Scope) -> Response | None:
        heads: list[tuple[bytes, bytes]] = scope["headers"]
        target = len(scope["raw_path"]) + len(scope["query_string"])
        size = target + sum(len(name) + len(value) + 4 for name, value in heads)
        if size > self._head_bytes:
            return _refuse(431, f"head: found {size} bytes, allowed {self._head_bytes}")
        names = {name for name, _ in heads}
        if {b"transfer-encoding", b"content-length"} <= names:
            return _refuse(400, "head: found Transfer-Encoding and Content-Length, allowed one of them")
        if scope["path"] == HEALTH or scope["path"] in self._callbacks:
            return None
        host = _host(heads)
        if host not in self._hosts:
            allowed = ", ".join(sorted(self._hosts))
            return _refuse(421, f"Host: found {host[:80]!r}, allowed {allowed}. Try: add it to the settings")
        if scope["path"].startswith("/api/") and (b"sec-fetch-site", b"cross-site") in heads:
            return _refuse(403, "found a page of another site, allowed our own pages and programs")
        most = _LONGER.get(scope["path"], _ASKED_BYTES)
        if scope["method"] == "POST" and not _short(heads, most):
            return _refuse(413, f"body: found more than {most} bytes, or no Content-Length")
        return None


def _short(heads: Iterable[tuple[bytes, bytes]], most: int) -> bool:
    """What is asked by a person is a few words, and says how long it is."""
    said = next((value for name, value in heads if name == b"content-length"), b"")
    return said.isdigit() and int(said) <= most


def _refuse(status: int, message: str) -> Response:
    return failure(status, "refused", message, Connection="close")


def _host(heads: Iterable[tuple[bytes, bytes]]) -> str:
    """The name that was asked for, without its port."""
    host = next((value for name, value in heads if name == b"host"), b"").decode("latin-1").lower()
    found = _HOST.fullmatch(host)
    return host if found is None else found[1] or found[2]
