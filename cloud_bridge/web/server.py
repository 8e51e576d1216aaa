"""The only file that imports `uvicorn`: the sockets, and how long anybody may keep one.

The library gives a slow head, a slow body and a reader that does not read all the time they want; here each
connection has a deadline. When there are too many, the one that has said nothing whole for longest goes.
"""

import asyncio
import contextlib
import socket
from collections.abc import Callable, Iterator
from typing import Any, Final

import h11
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from cloud_bridge.web.limits import Limits

_TOO_SLOW: Final = b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
# So many connections at most are accepted in one go: fewer than we keep, or one wave of empty ones would push
# out those whose request has arrived and is not read yet. The others wait with the kernel, which puts callers
# off for a second when its own queue is full.
_AT_ONCE: Final = 64
_WAITING: Final = 4096
_TOO_MANY: Final = b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


async def serve_web(
    app: ASGIApp, host: str, port: int, ready: Callable[[str], None], limits: Limits | None = None
) -> None:
    """Serve until cancelled; then let answers under way go out, close event streams, and end.

    `port` 0 is any free one; `ready` is told the address once requests are taken. Raises OSError when the
    port cannot be had.
    """
    listening = socket.create_server((host, port), family=_family(host))
    server = _Server(_Config(app, limits or Limits()), lambda: ready(_address(listening)))
    serving = asyncio.create_task(server.serve(sockets=[listening]), name="http")
    try:
        await asyncio.shield(serving)
    finally:
        server.should_exit = True
        await serving


class _Config(uvicorn.Config):
    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        super().__init__(
            app,
            http=_Connection,
            ws="none",
            lifespan="off",
            loop="asyncio",
            backlog=_AT_ONCE,
            log_config=None,
            log_level="error",  # not a line for each stranger who speaks no HTTP
            access_log=False,
            server_header=False,
            proxy_headers=False,
            h11_max_incomplete_event_size=limits.head_bytes,
            timeout_keep_alive=limits.idle_s,
            timeout_graceful_shutdown=limits.grace_s,
        )
        self.limits = limits


class _Server(uvicorn.Server):
    """Leaves the signals to whoever started it, and says when it serves."""

    def __init__(self, config: _Config, started: Callable[[], None]) -> None:
        super().__init__(config)
        self._started = started

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        for listening in sockets or ():
            listening.listen(_WAITING)
        self._started()


class _Deadline:
    """One timer that runs or does not."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop: Final = loop
        self._timer: asyncio.TimerHandle | None = None

    def start(self, after_s: float, then: Callable[[], object]) -> None:
        """Let it run; one that runs already is left alone."""
        if self._timer is None:
            self._timer = self._loop.call_later(after_s, then)

    def stop(self) -> None:
        """Let it be."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None


class _Connection(H11Protocol):
    """One connection with its deadlines: for a whole request, and for a full buffer to move."""

    def __init__(
        self,
        config: uvicorn.Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        assert isinstance(config, _Config)
        self._limits: Final = config.limits
        self._reading: Final = _Deadline(self.loop)
        self._writing: Final = _Deadline(self.loop)
        self._since_s = self.loop.time()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        super().connection_made(transport)
        self._reading.start(self._limits.read_s, self._too_slow)
        if len(self.connections) > self._limits.connections:
            self._make_room()

    def handle_events(self) -> None:
        super().handle_events()
        theirs, begun = self.conn.their_state, bool(self.conn.trailing_data[0])
        if theirs is h11.SEND_BODY or (theirs is h11.IDLE and begun):
            self._reading.start(self._limits.read_s, self._too_slow)
        else:
            self._reading.stop()

    def on_response_complete(self) -> None:
        self._since_s = self.loop.time()
        super().on_response_complete()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._writing.start(self._limits.write_s, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._writing.stop()

    def shutdown(self) -> None:
        super().shutdown()
        if self._answering() and self.cycle.response_started:  # a stream, which would not end by itself
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._reading.stop()
        self._writing.stop()

    def _answering(self) -> bool:
        """A whole request is here and its answer is not yet out."""
        whole = self.conn.their_state is not h11.SEND_BODY
        return whole and self.cycle is not None and not self.cycle.response_complete

    def _too_slow(self) -> None:
        self._end(_TOO_SLOW)

    def _end(self, words: bytes) -> None:
        """Close, saying why unless an answer was said already."""
        if self.cycle is None or self.cycle.response_complete or not self.cycle.response_started:
            self.transport.write(words)
        self.transport.close()

    def _make_room(self) -> None:
        """Close what has waited longest without a whole request: this connection when all others have one."""
        ours = [each for each in self.connections if isinstance(each, _Connection)]
        staying = [each for each in ours if not each.transport.is_closing()]
        if len(staying) > self._limits.connections:
            waiting = [each for each in staying if not each._answering()]
            min(waiting, key=lambda each: each._since_s)._end(_TOO_MANY)


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def _address(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
