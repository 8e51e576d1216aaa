"""A merchant's end of the wire: takes notifications, is asked for orders, and answers as a test says."""

import http.server
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.contract.simulated import TIMEOUT_S

ACKNOWLEDGED = (
    b"<xml><return_code><![CDATA[SUCCESS]]></return_code><return_msg><![CDATA[OK]]></return_msg></xml>"
)


@dataclass(slots=True)
class Shop:
    """`orders` answers an order request with a status and a body; `words` acknowledge a notification.

    Letters to another `path` are late ones of an earlier test: acknowledged and forgotten.
    """

    url: str = ""
    path: str = "/notify"
    orders: Callable[[bytes], tuple[int, bytes]] = lambda _: (404, b"")
    words: bytes = ACKNOWLEDGED
    letters: "deque[bytes]" = field(default_factory=deque)
    arrived: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))

    @property
    def notify_url(self) -> str:
        return f"{self.url}{self.path}"

    @property
    def order_url(self) -> str:
        return f"{self.url}/orders"

    def next(self) -> bytes:
        """The next notification, as it came."""
        assert self.arrived.acquire(timeout=TIMEOUT_S), "no notification came"
        return self.letters.popleft()


@contextmanager
def open_shop() -> Iterator[Shop]:
    """Serve on a free port for the time of the block."""
    shop = Shop()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            notice = self.path != "/orders"
            status, answer = (200, shop.words) if notice else shop.orders(body)
            self.send_response(status)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)
            if self.path == shop.path:
                shop.letters.append(body)
                shop.arrived.release()

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    shop.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield shop
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
