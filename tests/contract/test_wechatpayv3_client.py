"""A merchant's client that others wrote (wechatpayv3 from PyPI) against the simulated platform, over HTTP."""

import http.server
import json
import threading
import urllib.error
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import requests
import wechatpayv3.core
from wechatpayv3 import WeChatPay, WeChatPayType

from tests.contract.simulated import TIMEOUT_S, Simulated

ORDER = "order2026x1"


@dataclass(slots=True)
class Shop:
    """A notification address that takes everything, and says what it got."""

    url: str = ""
    letters: deque[tuple[dict[str, str], str]] = field(default_factory=deque)
    arrived: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))

    def next(self) -> tuple[dict[str, str], str]:
        assert self.arrived.acquire(timeout=TIMEOUT_S), "no notification came"
        return self.letters.popleft()


@pytest.fixture
def shop() -> Iterator[Shop]:
    shop = Shop()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            shop.letters.append((dict(self.headers.items()), body))
            self.send_response(204)
            self.end_headers()
            shop.arrived.release()

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    shop.url = f"http://127.0.0.1:{server.server_port}/notify"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield shop
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(params=["public_key", "certificate", "rotating"])
def both(
    request: pytest.FixtureRequest, tmp_path: Path, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Any, Simulated]]:
    """Their client in each mode, its one fixed address led to ours; and the platform."""
    mode = str(request.param)
    options = ("--key-mode", mode, "--refund-delay-ms", "50")
    with Simulated(tmp_path / "keys", *options) as platform:

        def led(method: Callable[..., Any]) -> Callable[..., Any]:
            host = "https://api.mch.weixin.qq.com"
            return lambda url, **more: method(url=url.replace(host, platform.url), **more)

        requests_led = SimpleNamespace(get=led(requests.get), post=led(requests.post))
        monkeypatch.setattr(wechatpayv3.core, "requests", requests_led)
        yield _client(tmp_path / "keys", mode, shop), platform


def _client(folder: Path, mode: str, shop: Shop) -> Any:
    known = json.loads((folder / "credentials.json").read_text())
    keys: dict[str, str] = {}
    if mode == "public_key":
        keys["public_key"] = (folder / known["platform_public_key_file"]).read_text()
        keys["public_key_id"] = known["platform_public_key_id"]
    return WeChatPay(
        wechatpay_type=WeChatPayType.NATIVE,
        mchid=known["mchid"],
        private_key=(folder / known["merchant_private_key_file"]).read_text(),
        cert_serial_no=known["merchant_serial"],
        appid=known["appid"],
        apiv3_key=known["api_v3_key"],
        notify_url=shop.url,
        timeout=(TIMEOUT_S, TIMEOUT_S),
        **keys,
    )


def _order(client: Any, number: str = ORDER) -> str:
    status, body = client.pay(description="可乐 Cola", out_trade_no=number, amount={"total": 350})
    assert status == 200, body
    return str(json.loads(body)["code_url"])


def test_a_payment_is_made_notified_and_found(both: tuple[Any, Simulated], shop: Shop) -> None:
    theirs, platform = both
    code_url = _order(theirs)
    page = platform.desk("scan", code_url=code_url)
    assert (page["amount_fen"], page["description"]) == (350, "可乐 Cola")
    platform.desk("pay", code_url=code_url)
    headers, letter = shop.next()
    notice = theirs.callback(headers, letter)
    assert notice["event_type"] == "TRANSACTION.SUCCESS"
    assert notice["resource"]["out_trade_no"] == ORDER
    status, body = theirs.query(out_trade_no=ORDER)
    assert (status, json.loads(body)["trade_state"]) == (200, "SUCCESS")


def test_an_unpaid_order_is_closed_for_good(both: tuple[Any, Simulated]) -> None:
    theirs, platform = both
    code_url = _order(theirs)
    assert theirs.close(out_trade_no=ORDER)[0] == 204
    status, body = theirs.query(out_trade_no=ORDER)
    assert (status, json.loads(body)["trade_state"]) == (200, "CLOSED")
    with pytest.raises(urllib.error.HTTPError, match="409"):
        platform.desk("pay", code_url=code_url)


def test_a_paid_order_is_neither_closed_nor_ordered_again(both: tuple[Any, Simulated]) -> None:
    theirs, platform = both
    platform.desk("pay", code_url=_order(theirs))
    for status, body in (
        theirs.close(out_trade_no=ORDER),
        theirs.pay(description="可乐 Cola", out_trade_no=ORDER, amount={"total": 350}),
    ):
        assert (status, json.loads(body)["code"]) == (400, "ORDERPAID")


def test_a_repeated_notification_verifies_as_the_first_did(both: tuple[Any, Simulated], shop: Shop) -> None:
    theirs, platform = both
    platform.desk("fault", name="double_notice", delay_ms=0)
    platform.desk("pay", code_url=_order(theirs))
    first, second = (theirs.callback(*shop.next()) for _ in range(2))
    assert first == second  # decrypted: the letters themselves differ
    assert first["resource"]["trade_state"] == "SUCCESS"


def test_a_refund_is_taken_on_done_and_notified(both: tuple[Any, Simulated], shop: Shop) -> None:
    theirs, platform = both
    platform.desk("pay", code_url=_order(theirs))
    shop.next()
    asked = {"refund": 350, "total": 350, "currency": "CNY"}
    status, body = theirs.refund(
        out_refund_no=f"R{ORDER}", out_trade_no=ORDER, amount=asked, notify_url=shop.url
    )
    assert (status, json.loads(body)["status"]) == (200, "PROCESSING")
    notice = theirs.callback(*shop.next())
    assert notice["event_type"] == "REFUND.SUCCESS"
    status, body = theirs.query_refund(f"R{ORDER}")
    assert (status, json.loads(body)["status"]) == (200, "SUCCESS")
    assert platform.desk("books")["totals"] == {"paid_fen": 350, "refunded_fen": 350, "refunding_fen": 0}


def test_a_forged_notification_is_not_believed(both: tuple[Any, Simulated], shop: Shop) -> None:
    theirs, platform = both
    platform.desk("fault", name="notice_wrong_signature")
    platform.desk("pay", code_url=_order(theirs))
    headers, letter = shop.next()
    assert not theirs.callback(headers, letter)


@pytest.mark.parametrize("fault", ["answer_lost", "answer_truncated"])
def test_an_answer_can_be_lost_after_it_took_effect(both: tuple[Any, Simulated], fault: str) -> None:
    theirs, platform = both
    platform.desk("fault", name=fault, only="create")
    with pytest.raises(requests.exceptions.RequestException):
        _order(theirs)
    assert theirs.query(out_trade_no=ORDER)[0] == 200
