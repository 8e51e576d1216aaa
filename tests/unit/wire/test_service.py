"""What a daemon owes its host: lines without secrets, and signs of life that never wait."""

import asyncio
import io
import json
import logging
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from wire.service import Systemd, feed_watchdog, logger, set_up_logging

CODE_URL = "weixin://wxpay/bizpayurl?pr=S3cret"


class Manager:
    """A service manager's socket."""

    def __init__(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        self._socket.setblocking(False)
        monkeypatch.setenv("NOTIFY_SOCKET", str(path))

    def heard(self) -> list[str]:
        words = []
        try:
            while True:
                words.append(self._socket.recv(4096).decode().strip())
        except BlockingIOError:
            return words

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def manager(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Manager]:
    monkeypatch.delenv("WATCHDOG_USEC", raising=False)
    manager = Manager(tmp_path / "notify", monkeypatch)
    yield manager
    manager.close()


def test_the_manager_hears_readiness_status_and_life(manager: Manager) -> None:
    systemd = Systemd()
    systemd.ready("selling")
    systemd.status("not selling:\nbus_silent")
    systemd.alive()
    assert manager.heard() == ["READY=1", "STATUS=selling", "STATUS=not selling: bus_silent", "WATCHDOG=1"]


async def test_the_watchdog_is_fed_by_the_loop_that_serves(
    manager: Manager, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", "20000")
    systemd = Systemd()
    assert systemd.watchdog_s == pytest.approx(0.02)
    feeding = asyncio.ensure_future(feed_watchdog(systemd))
    fed: list[str] = []
    async with asyncio.timeout(10):
        while len(fed) < 3:
            await asyncio.sleep(0)
            fed += manager.heard()
    feeding.cancel()
    assert set(fed) == {"WATCHDOG=1"}


async def test_without_a_watchdog_nothing_is_fed(manager: Manager) -> None:
    systemd = Systemd()
    assert systemd.watchdog_s is None
    await feed_watchdog(systemd)
    assert manager.heard() == []


async def test_without_a_manager_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    systemd = Systemd()
    systemd.ready("x")
    systemd.alive()
    assert systemd.watchdog_s is None
    await feed_watchdog(systemd)


def test_a_manager_that_does_not_read_never_makes_us_wait(manager: Manager) -> None:
    systemd = Systemd()
    for _ in range(2_000):  # far beyond what the socket holds; a call that waited would never come back
        systemd.status("x" * 200)
        systemd.alive()
    assert 0 < len(manager.heard()) < 4_000
    systemd.alive()
    assert manager.heard() == ["WATCHDOG=1"]


def test_a_manager_that_is_gone_is_survived(manager: Manager) -> None:
    systemd = Systemd()
    systemd.ready()
    manager.close()
    systemd.alive()


# ---------------------------------------------------------------- lines


def lines(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


@pytest.fixture
def stream() -> io.StringIO:
    stream = io.StringIO()
    set_up_logging(stream=stream, machine="cafe-07")
    return stream


def test_a_line_is_one_object_with_name_time_and_machine(stream: io.StringIO) -> None:
    logger(room="bus").info("bus.up", lanes=12)
    (line,) = lines(stream)
    assert (line["event"], line["machine"], line["room"], line["lanes"]) == ("bus.up", "cafe-07", "bus", 12)
    assert str(line["timestamp"]).endswith("Z")
    assert line["level"] == "info"


@pytest.mark.parametrize(
    "name",
    [
        "code_url",
        "openid",
        "payer_openid",
        "key",
        "api_key",
        "Authorization",
        "payload",
        "password",
        "sig",
        "cookie",
    ],
)
def test_a_value_whose_name_says_secret_is_masked(stream: io.StringIO, name: str) -> None:
    logger().warning("x.y", **{name: "S3cret"})
    assert "S3cret" not in stream.getvalue()
    assert lines(stream)[0][name] == "***"


def test_a_qr_link_is_masked_wherever_it_stands(stream: io.StringIO) -> None:
    log = logger()
    log.info("a", words=f"see {CODE_URL} there")
    log.info("b", nested={"deep": [CODE_URL, {"code_url": "S3cret"}]}, pair=(CODE_URL, 1))
    log.info("c", error=ValueError(CODE_URL))
    log.info(CODE_URL)
    log.info("e", raw=CODE_URL.encode())
    assert "S3cret" not in stream.getvalue()
    assert lines(stream)[0]["words"] == "see *** there"
    assert lines(stream)[4]["raw"] == f"{len(CODE_URL)} bytes"


def test_a_traceback_is_told_without_what_it_quotes(stream: io.StringIO) -> None:
    try:
        raise ValueError(CODE_URL)
    except ValueError as error:
        logger().warning("daemon.failed", exc_info=error)
    (line,) = lines(stream)
    assert "ValueError" in str(line["exception"])
    assert "S3cret" not in stream.getvalue()


def test_what_other_libraries_say_takes_the_same_way(stream: io.StringIO) -> None:
    logging.getLogger("somebody").info("quiet")
    logging.getLogger("somebody").warning("look at %s", CODE_URL)
    (line,) = lines(stream)
    assert line["event"] == "look at ***"
    assert line["machine"] == "cafe-07"


def test_debug_lines_are_said_only_when_asked_for() -> None:
    stream = io.StringIO()
    set_up_logging(stream=stream, debug=True)
    logger().debug("fine.detail")  # type: ignore[attr-defined]
    set_up_logging(stream=stream)
    logger().debug("fine.detail")  # type: ignore[attr-defined]
    assert len(lines(stream)) == 1


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_person_at_a_terminal_reads_words_and_no_secret_either() -> None:
    stream = Terminal()
    set_up_logging(stream=stream)
    logger().info("sale.opened", sale_id="abc", code_url="S3cret")
    assert "sale.opened" in stream.getvalue()
    assert "{" not in stream.getvalue()
    assert "S3cret" not in stream.getvalue()
