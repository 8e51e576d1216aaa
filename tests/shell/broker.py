"""Real brokers for tests, on loopback and a port of their own: the embedded one and mosquitto.

Use `make_broker(name, folder)` for one of `BROKERS`; it is a context manager that also stops and starts
again on the same port.
"""

import abc
import contextlib
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import iotcore
import pytest

MOSQUITTO: Final = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
START_TIMEOUT_S: Final = 10.0

_IOTCORE_TOML: Final = """
id = 0
[router]
id = 0
max_connections = 100
max_outgoing_packet_count = 200
max_segment_size = 104857600
max_segment_count = 10
[v5.1]
name = "tests"
listen = "127.0.0.1:{port}"
next_connection_delay_ms = 1
[v5.1.connections]
connection_timeout_ms = 5000
max_payload_size = 262144
max_inflight_count = 100
dynamic_filters = true
"""

_MOSQUITTO_CONF: Final = """
listener {port} 127.0.0.1
allow_anonymous true
set_tcp_nodelay true
persistence true
autosave_interval 1
autosave_on_changes true
persistence_location {folder}/
"""


class RealBroker(abc.ABC):
    """A broker on `127.0.0.1:port` that a test may stop and start again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()

    @abc.abstractmethod
    def start(self) -> None:
        """Start and wait until it takes connections."""

    @abc.abstractmethod
    def stop(self) -> None:
        """Stop and wait until it is gone."""

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


class IotcoreBroker(RealBroker):
    """rumqttd from the `iotcore` package, in a child process, MQTT 5. It forgets everything when stopped."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        config = folder / "iotcore.toml"
        config.write_text(_IOTCORE_TOML.format(port=self.port))
        self._broker = iotcore.Broker(config_path=str(config))

    def start(self) -> None:
        self._broker.start(START_TIMEOUT_S)

    def stop(self) -> None:
        self._broker.stop()


class MosquittoBroker(RealBroker):
    """mosquitto as we ship it, less TLS and access rules. It keeps sessions in `folder`."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._config = folder / "mosquitto.conf"
        text = _MOSQUITTO_CONF.format(port=self.port, folder=folder)
        if os.geteuid() == 0:
            text += "user root\n"  # else it would give up root and lose its folder
        self._config.write_text(text)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        assert MOSQUITTO is not None
        self._process = subprocess.Popen(
            [MOSQUITTO, "-c", str(self._config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        _wait_for_port(self.port, self._process)

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(START_TIMEOUT_S)
            self._process = None


BROKERS: Final[dict[str, Callable[[Path], RealBroker]]] = {
    "iotcore": IotcoreBroker,
    "mosquitto": MosquittoBroker,
}


def make_broker(name: str, folder: Path) -> RealBroker:
    """Make one of `BROKERS`, not yet started."""
    if name == "mosquitto":
        require_mosquitto()
    return BROKERS[name](folder)


def require_mosquitto() -> None:
    """Skip the test when mosquitto is missing; fail it under CI."""
    if MOSQUITTO is None:
        reason = "mosquitto is not installed; try: apt-get install mosquitto"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)


def free_port() -> int:
    """Give a loopback port that nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_for_port(port: int, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while process.poll() is None and time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=0.2).close()
        except OSError:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(0.02)
        else:
            return
    raise RuntimeError(f"mosquitto did not listen on {port}; exit code {process.poll()}")
