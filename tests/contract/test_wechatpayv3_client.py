"""A merchant's client that others wrote (wechatpayv3 from PyPI) against the simulated platform, over HTTP."""

import http.server
import json
import threading
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import requests
import wechatpayv3.core
from wechatpayv3 import WeChatPay, WeChatPayType

from hw_sim.demo.children import Child

TIMEOUT_S = 10
ORDER = "order2026x1"


@dataclass(slots=True)
class Shop:
    """A notification address that takes everything, and says what it got."""

    url: str = ""
    letters: list[tuple[dict[str, str], str]] = field(default_factory=list)
    arrived: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))

    def next(self) -> tuple[dict[str, str], str]:
        assert self.arrived.acquire(timeout=TIMEOUT_S), "no notification came"
        return self.letters[-1]


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


@pytest.fixture(params=["public_key", "certificate"])
async def client(
    request: pytest.FixtureRequest, tmp_path: Path, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[Any, str]]:
    """Their client in either mode, its one fixed address led to ours; and the platform's address."""
    mode = str(request.param)
    arguments = ("sim", "wechat", "--port", "0", "--keys", str(tmp_path / "keys"), "--key-mode", mode)
    child = Child("wechat", *arguments, "--refund-delay-ms", "50", folder=tmp_path, hear=lambda *_: None)
    await child.start()
    ready = await child.first(lambda line: True)
    base = str(ready["url"])

    def led(method: Callable[..., Any]) -> Callable[..., Any]:
        host = "https://api.mch.weixin.qq.com"
        return lambda url, **more: method(url=url.replace(host, base), **more)

    requests_led = SimpleNamespace(get=led(requests.get), post=led(requests.post))
    monkeypatch.setattr(wechatpayv3.core, "requests", requests_led)
    yield _client(tmp_path / "keys", mode, shop), base
    await child.stop()


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


def _desk(base: str, name: str, wish: dict[str, Any]) -> Any:
    body = json.dumps(wish).encode()
    with urllib.request.urlopen(f"{base}/_sim/{name}", data=body, timeout=TIMEOUT_S) as answer:
        return json.loads(answer.read())


def _order(client: Any, number: str = ORDER) -> str:
    status, body = client.pay(description="可乐 Cola", out_trade_no=number, amount={"total": 350})
    assert status == 200, body
    return str(json.loads(body)["code_url"])


async def test_a_payment_is_made_notified_and_found(client: tuple[Any, str], shop: Shop) -> None:
    theirs, base = client
    code_url = _order(theirs)
    page = _desk(base, "scan", {"code_url": code_url})
    assert (page["amount_fen"], page["description"]) == (350, "可乐 Cola")
    _desk(base, "pay", {"code_url": code_url})
    headers, letter = shop.next()
    notice = theirs.callback(headers, letter)
    assert notice["event_type"] == "TRANSACTION.SUCCESS"
    assert notice["resource"]["out_trade_no"] == ORDER
    status, body = theirs.query(out_trade_no=ORDER)
    assert (status, json.loads(body)["trade_state"]) == (200, "SUCCESS")


async def test_an_unpaid_order_is_closed_for_good(client: tuple[Any, str]) -> None:
    theirs, base = client
    code_url = _order(theirs)
    assert theirs.close(out_trade_no=ORDER)[0] == 204
    status, body = theirs.query(out_trade_no=ORDER)
    assert (status, json.loads(body)["trade_state"]) == (200, "CLOSED")
    with pytest.raises(urllib.error.HTTPError, match="409"):
        _desk(base, "pay", {"code_url": code_url})


async def test_a_refund_is_taken_on_done_and_notified(client: tuple[Any, str], shop: Shop) -> None:
    theirs, base = client
    _desk(base, "pay", {"code_url": _order(theirs)})
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
    with urllib.request.urlopen(f"{base}/_sim/books", timeout=TIMEOUT_S) as answer:
        totals = json.loads(answer.read())["totals"]
    assert totals == {"paid_fen": 350, "refunded_fen": 350, "refunding_fen": 0}


async def test_a_forged_notification_is_not_believed(client: tuple[Any, str], shop: Shop) -> None:
    theirs, base = client
    _desk(base, "fault", {"name": "notice_wrong_signature", "times": 1})
    _desk(base, "pay", {"code_url": _order(theirs)})
    headers, letter = shop.next()
    assert not theirs.callback(headers, letter)


@pytest.mark.parametrize("fault", ["answer_lost", "answer_truncated"])
async def test_an_answer_can_be_lost_after_it_took_effect(client: tuple[Any, str], fault: str) -> None:
    theirs, base = client
    _desk(base, "fault", {"name": fault, "times": 1, "only": "create"})
    with pytest.raises(requests.exceptions.RequestException):
        _order(theirs)
    assert theirs.query(out_trade_no=ORDER)[0] == 200
