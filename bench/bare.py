"""The bare script beside which the vend path is timed: the same parts in the same order, and nothing else.

`server`: uvicorn takes a notification, RSA checks it, SQLite commits with FULL, paho publishes with QoS 1.
`machine`: paho hands over the message, SQLite commits with FULL, the frame is written to a terminal.
"""

import base64
import os
import socket
import sqlite3
import sys
from pathlib import Path
from typing import Any, Final

import paho.mqtt.client as mqtt
import uvicorn
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

TOPIC: Final = "bare"
FRAME: Final = bytes.fromhex("fafb06050101000b0e")


def books(path: Path) -> sqlite3.Connection:
    """A database that flushes each commit."""
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    db.execute("CREATE TABLE IF NOT EXISTS sale (id INTEGER PRIMARY KEY, body BLOB)")
    return db


def link(certs: Path, name: str, port: int) -> mqtt.Client:
    """A connection to the broker."""
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=name, protocol=MQTTProtocolVersion.MQTTv5)
    client.tls_set(str(certs / "ca.crt"), str(certs / f"{name}.crt"), str(certs / f"{name}.key"))
    client.on_socket_open = _no_delay
    client.connect("127.0.0.1", port)
    return client


def _no_delay(_client: mqtt.Client, _data: object, sock: Any) -> None:
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


class Server:
    """An ASGI application."""

    def __init__(self, folder: Path, key: rsa.RSAPublicKey, client: mqtt.Client) -> None:
        self._key = key
        self._client = client
        self._db = books(folder / "server.db")

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        """Take one notification."""
        body = (await receive())["body"]
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        stamp, nonce = headers["wechatpay-timestamp"], headers["wechatpay-nonce"]
        message = f"{stamp}\n{nonce}\n".encode() + body + b"\n"
        signature = base64.b64decode(headers["wechatpay-signature"])
        self._key.verify(signature, message, padding.PKCS1v15(), hashes.SHA256())
        self._db.execute("INSERT INTO sale (body) VALUES (?)", (body,))
        self._client.publish(TOPIC, b"paid", qos=1)
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})


def serve(folder: Path, certs: Path, broker_port: int, port: int) -> None:
    """The part that stands for the bridge. `folder` has platform.pem."""
    key = serialization.load_pem_public_key((folder / "platform.pem").read_bytes())
    assert isinstance(key, rsa.RSAPublicKey)
    client = link(certs, "bare-server", broker_port)
    client.loop_start()
    config = uvicorn.Config(
        Server(folder, key, client), port=port, lifespan="off", log_config=None, access_log=False
    )
    uvicorn.Server(config).run()


def vend(folder: Path, certs: Path, broker_port: int, terminal: str) -> None:
    """The part that stands for the machine."""
    handle, db = os.open(terminal, os.O_WRONLY | os.O_NOCTTY), books(folder / "machine.db")

    def take(_client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        db.execute("INSERT INTO sale (body) VALUES (?)", (message.payload,))
        os.write(handle, FRAME)

    client = link(certs, "bare-machine", broker_port)
    client.on_message = take
    client.on_connect = _subscribe
    client.loop_forever()


def _subscribe(client: mqtt.Client, *_: object) -> None:
    client.subscribe(TOPIC, qos=1)


if __name__ == "__main__":
    role, folder, certs, broker_port, last = sys.argv[1:]
    if role == "server":
        serve(Path(folder), Path(certs), int(broker_port), int(last))
    else:
        vend(Path(folder), Path(certs), int(broker_port), last)
