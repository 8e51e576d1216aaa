"""What a daemon owes its host: one log line per fact, and systemd's READY, STATUS and WATCHDOG."""

import asyncio
import logging
import re
import socket
import sys
from collections.abc import Callable, MutableMapping
from datetime import timedelta
from typing import Any, Final, TextIO

from systemd_watchdog.systemd_watchdog import WatchDog

from wire.lean import without
from wire.log import Log

with without("rich"):  # where a technician's screen brought it: 7 MiB, for tracebacks that no daemon draws
    import structlog

MASK: Final = "***"
# The library says this when the manager asked for nothing.
_NOT_WATCHED: Final = timedelta(hours=24)
_SECRET_NAME: Final = re.compile(
    r"(?:^|_)(code_url|openid|key|authorization|payload|password|secret|signature|sig|token|cookie)$", re.I
)
_QR_LINK: Final = re.compile(r"weixin:\S+", re.I)


def set_up_logging(*, stream: TextIO | None = None, debug: bool = False, **bound: object) -> None:
    """Log to `stream` (stderr): readable on a terminal, else one JSON object a line. `bound` is in each.

    What other libraries say through `logging` takes the same way from WARNING on.
    """
    stream = stream or sys.stderr
    before: list[structlog.typing.Processor] = [
        _binder(bound),
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        mask_secrets,
    ]
    renderer: structlog.typing.Processor = structlog.processors.JSONRenderer(ensure_ascii=False)
    if stream.isatty():
        renderer = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(
        processors=[*before, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(logging.DEBUG if debug else logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(stream),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(processor=renderer, foreign_pre_chain=before))
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)


def logger(**bound: object) -> Log:
    """Give a logger: `log.info("sale.opened", sale_id=...)`. Names are `area.fact`."""
    log: Log = structlog.get_logger(**bound)
    return log


def mask_secrets(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Replace values whose name says secret, and QR links wherever they stand."""
    for name, value in event.items():
        if not name.startswith("_"):  # the libraries' own, never printed
            event[name] = _masked(name, value)
    return event


def _binder(bound: dict[str, object]) -> structlog.typing.Processor:
    def bind(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        return {**bound, **event}

    return bind


def _masked(name: str, value: object) -> object:
    if _SECRET_NAME.search(name):
        return MASK
    match value:
        case str():
            return _QR_LINK.sub(MASK, value)
        case bytes() | bytearray() | memoryview():
            return f"{len(value)} bytes"
        case dict():
            return {key: _masked(str(key), item) for key, item in value.items()}
        case list() | tuple():
            return [_masked("", item) for item in value]
        case bool() | int() | float() | None:
            return value
        case _:
            return _QR_LINK.sub(MASK, str(value))


class Systemd:
    """Tells the service manager how we are. Does nothing when no manager started us."""

    def __init__(self) -> None:
        # Never waits: this is called on the loop that serves the machine.
        self._manager = WatchDog(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK))

    @property
    def watchdog_s(self) -> float | None:
        """How long the manager waits for a sign of life, or None when it does not."""
        timeout = self._manager.timeout_td
        watched = self._manager.is_enabled and timeout < _NOT_WATCHED
        return timeout.total_seconds() if watched else None

    def ready(self, status: str = "") -> None:
        """Say that we serve now."""
        self._tell(self._manager.ready)
        if status:
            self.status(status)

    def status(self, text: str) -> None:
        """Set the line that `systemctl status` shows."""
        self._tell(lambda: self._manager.status(text.replace("\n", " ")))

    def alive(self) -> None:
        """Feed the watchdog once."""
        self._tell(self._manager.notify)

    @staticmethod
    def _tell(call: Callable[[], None]) -> None:
        try:
            call()
        except OSError:
            # The manager's socket is full or gone. It will miss our sign of life and act; we need not.
            return


async def feed_watchdog(systemd: Systemd) -> None:
    """Feed the watchdog twice in its time. Run it on the loop that serves: when that hangs, we are restarted.

    Returns at once when the manager does not watch.
    """
    watchdog_s = systemd.watchdog_s
    if watchdog_s is None:
        return
    while True:
        systemd.alive()
        await asyncio.sleep(watchdog_s / 2)
