"""Brokers to try things on: the embedded one that needs nothing, and mosquitto as we ship it.

Both listen on 127.0.0.1 only. The embedded one forgets everything when it stops.
"""

import contextlib
import os
import random
import shutil
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

import iotcore

START_TIMEOUT_S: Final = 10.0
_NOT_EPHEMERAL: Final = (15_000, 32_000)  # Linux gives outgoing connections 32768 and up
_CHANCE: Final = random.SystemRandom()
_EMBEDDED: Final = """
id = 0
[router]
id = 0
max_connections = 100
max_outgoing_packet_count = 200
max_segment_size = 104857600
max_segment_count = 10
[v5.1]
name = "wxvend"
listen = "127.0.0.1:{port}"
next_connection_delay_ms = 1
[v5.1.connections]
connection_timeout_ms = 5000
max_payload_size = 262144
max_inflight_count = 100
dynamic_filters = true
"""
# Mosquitto's own places in the shipped file, and what stands for them here.
_SHIPPED_CERTS: Final = "/etc/mosquitto/certs"
_SHIPPED_ACL: Final = "/etc/mosquitto/wxvend.acl"
_SHIPPED_DATA: Final = "/var/lib/mosquitto/"


class NoBroker(Exception):
    """A broker that cannot be started: why, and what to do."""


class Broker(Protocol):
    """A broker in a process of its own."""

    port: int

    def start(self) -> None:
        """Return once it takes connections. Raises NoBroker."""

    def stop(self) -> None:
        """Return once it is gone."""


class EmbeddedBroker:
    """rumqttd from the `iotcore` package: MQTT 5, no TLS, no access rules.

    It sends retained messages to a subscription that is new, but not (MQTT 5 §3.8.4 asks for it) if a client
    whose session it kept subscribes once more. Who must have them starts with a new session.
    """

    def __init__(self, folder: Path, port: int = 0) -> None:
        self.port: Final = port or free_port()
        config = folder / "broker.toml"
        config.write_text(_EMBEDDED.format(port=self.port))
        self._broker: Final = iotcore.Broker(config_path=str(config))

    def start(self) -> None:
        """Return once it takes connections. Raises NoBroker."""
        try:
            self._broker.start(START_TIMEOUT_S)
        except (OSError, RuntimeError) as error:
            raise NoBroker(f"embedded broker on port {self.port}: {error}") from error

    def stop(self) -> None:
        """Return once it is gone."""
        self._broker.stop()


@dataclass(frozen=True, slots=True, kw_only=True)
class Shipped:
    """The files we ship for mosquitto, and the folder with ca.crt, server.crt and server.key."""

    conf: Path
    acl: Path
    certs: Path


class MosquittoBroker:
    """mosquitto with the shipped configuration; only port, user and the places of files are our own."""

    def __init__(self, folder: Path, shipped: Shipped, port: int = 0) -> None:
        self.port: Final = port or free_port()
        self._folder: Final = folder
        self._process: subprocess.Popen[bytes] | None = None
        text = shipped.conf.read_text()
        for theirs, ours in (
            (_SHIPPED_CERTS, str(shipped.certs)),
            (_SHIPPED_ACL, str(shipped.acl)),
            (_SHIPPED_DATA, f"{folder}/"),
            ("listener 8883", f"listener {self.port} 127.0.0.1"),
        ):
            assert theirs in text, f"{shipped.conf} has no {theirs}"
            text = text.replace(theirs, ours)
        if os.geteuid() == 0:
            text += "user root\n"  # else it would give up root and lose its folder
        self._config: Final = folder / "mosquitto.conf"
        self._config.write_text(text)

    def command(self) -> tuple[str, ...]:
        """How to start it, for those who look after its process themselves. Raises NoBroker."""
        return (find_mosquitto(), "-c", str(self._config))

    def start(self) -> None:
        """Return once it takes connections. Raises NoBroker."""
        with open(self._folder / "mosquitto.log", "ab") as log:
            self._process = subprocess.Popen(self.command(), stdout=log, stderr=log)  # noqa: S603
        deadline = time.monotonic() + START_TIMEOUT_S
        while self._process.poll() is None and time.monotonic() < deadline:
            if _listens(self.port):
                return
            time.sleep(0.02)
        self.stop()
        raise NoBroker(f"mosquitto does not listen on {self.port}; see {self._folder}/mosquitto.log")

    def stop(self) -> None:
        """Return once it is gone."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(START_TIMEOUT_S)
            self._process = None


def find_mosquitto() -> str:
    """The program's path. Raises NoBroker."""
    found = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if found is None:
        raise NoBroker("mosquitto: found none on PATH. Try: sudo apt install mosquitto")
    return found


def free_port() -> int:
    """A loopback port that nobody listens on at the moment, and that no outgoing connection is given."""
    while True:
        port = _CHANCE.randrange(*_NOT_EPHEMERAL)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=0.2).close()
    except OSError:
        return False
    return True
