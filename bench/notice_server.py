"""One of two servers that take the same notification: ours without its books, or a bare one by hand.

`python -m bench.notice_server ours|bare FOLDER` prints its port; each line on stdin is answered with the
seconds of CPU that the process has used so far.
"""

import asyncio
import base64
import json
import sys
import time
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bench.notice_keys import KEY_ID, account

PATH: Final = "/wechat/notify"
_TAKEN: Final = b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"
_REFUSED: Final = b"HTTP/1.1 401 Unauthorized\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


async def ours(folder: Path) -> int:
    """The bridge's own web server, callback and adapter; where the engine would commit, nothing is."""
    from cloud_bridge.app import SystemClock
    from cloud_bridge.web.app import make_app
    from cloud_bridge.web.server import serve_web
    from cloud_bridge.wechat.keys import load_keys
    from cloud_bridge.wechat.notices import WechatNotices

    settings = account(folder)
    notices = WechatNotices(settings, load_keys(settings))

    class Service:
        async def notice(self, headers: Mapping[str, str], body: bytes) -> None:
            notices.open(headers, body, time.time_ns() / 1e9)

        async def facts(self) -> AsyncIterator[Any]:
            await asyncio.Event().wait()
            yield

    class Roster:
        def machines(self) -> tuple[Any, ...]:
            return ()

    class Quiet:
        def info(self, event: str, /, **fields: object) -> object:
            return None

        warning = info

    stand_ins: Any = (Service(), Roster(), Quiet())
    service, roster, log = stand_ins
    app = make_app(
        service=service,
        roster=roster,
        trends=roster,
        looking=service,
        clock=SystemClock(),
        log=log,
        notify_path=PATH,
    )
    ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().create_task(serve_web(app, "127.0.0.1", 0, ready.set_result), name="web")
    return int((await ready).rpartition(":")[2])


async def bare(folder: Path) -> int:
    """What somebody writes by hand: read, verify, decrypt, look, answer."""
    key = serialization.load_pem_public_key((folder / "public_key.pem").read_bytes())
    assert isinstance(key, rsa.RSAPublicKey)
    cipher = AESGCM((folder / "api_v3.key").read_bytes())

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {
            name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)
        }
        body = await reader.readexactly(int(headers["content-length"]))
        writer.write(_TAKEN if _good(headers, body) else _REFUSED)
        await writer.drain()
        writer.close()

    def _good(headers: Mapping[str, str], body: bytes) -> bool:
        stamp, nonce = headers["wechatpay-timestamp"], headers["wechatpay-nonce"]
        message = f"{stamp}\n{nonce}\n".encode() + body + b"\n"
        signature = base64.b64decode(headers["wechatpay-signature"])
        key.verify(signature, message, padding.PKCS1v15(), hashes.SHA256())
        sealed = json.loads(body)["resource"]
        plain = cipher.decrypt(
            sealed["nonce"].encode(),
            base64.b64decode(sealed["ciphertext"]),
            sealed["associated_data"].encode(),
        )
        paid = json.loads(plain)
        fresh = abs(time.time() - int(stamp)) < 300 and headers["wechatpay-serial"] == KEY_ID
        return fresh and paid["trade_state"] == "SUCCESS" and paid["amount"]["total"] > 0

    server = await asyncio.start_server(take, "127.0.0.1", 0, backlog=256)
    return int(server.sockets[0].getsockname()[1])


async def main(which: str, folder: Path) -> None:
    """Serve until stdin ends."""
    port = await (ours if which == "ours" else bare)(folder)
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    while await asyncio.to_thread(sys.stdin.readline):
        sys.stdout.write(f"{time.process_time()}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2])))
