"""Our WeChat Pay adapter against the simulated platform, over HTTP and with its own keys and signatures."""

import asyncio
import itertools
import json
import secrets
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from cloud_bridge.core.model import (
    AlreadyPaid,
    NoSuchOrder,
    OrderClosed,
    OrderDraft,
    OrderPlaced,
    Payment,
    RefundDraft,
    RefundState,
    RefundStatus,
    Refused,
    Unclear,
    Unpaid,
)
from cloud_bridge.ports import NoticeRejected, OtherNotice
from cloud_bridge.wechat.client import Client
from cloud_bridge.wechat.key_report import describe_keys
from cloud_bridge.wechat.keys import load_keys
from cloud_bridge.wechat.notices import WechatNotices
from cloud_bridge.wechat.platform import WechatPlatform
from cloud_bridge.wechat.settings import PlatformPublicKey, WechatSettings

TIMEOUT_S = 10
MACHINE = "vm-0001"


class Clock:
    """This computer's."""

    def now_ms(self) -> int:
        return time.monotonic_ns() // 1_000_000

    def wall_ms(self) -> int:
        return time.time_ns() // 1_000_000


@dataclass
class Bench:
    """The adapter, the platform's desk, and the address that its notifications come to."""

    url: str
    settings: WechatSettings
    platform: WechatPlatform
    notices: WechatNotices
    letters: asyncio.Queue[tuple[dict[str, str], bytes]] = field(default_factory=asyncio.Queue)
    numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(2))

    def draft(self) -> OrderDraft:
        return OrderDraft(
            sale_id=f"k3vq7c2mzs5n4x6ahb7tdy{next(self.numbers):04d}".replace("0", "a"),
            machine=MACHINE,
            description="可乐 Cola",
            price_fen=350,
            pay_until_wall_ms=Clock().wall_ms() + 180_000,
        )

    async def order(self) -> tuple[str, str]:
        """Place an order; its sale and its code."""
        draft = self.draft()
        placed = await self.platform.place(draft.sale_id, self.platform.compose(draft))
        assert isinstance(placed, OrderPlaced), placed
        return draft.sale_id, placed.code_url

    async def paid(self) -> str:
        """Place an order and pay it; take no notice of the notification."""
        sale_id, code_url = await self.order()
        await self.desk("pay", code_url=code_url)
        await self.letter()
        return sale_id

    async def letter(self) -> tuple[dict[str, str], bytes]:
        async with asyncio.timeout(TIMEOUT_S):
            return await self.letters.get()

    async def told(self) -> Payment | RefundStatus | OtherNotice:
        return self.notices.open(*await self.letter(), time.time())

    async def fault(self, name: str, **more: Any) -> None:
        await self.desk("fault", name=name, times=1, **more)

    async def desk(self, name: str, /, **wish: Any) -> Any:
        body, (host, port) = json.dumps(wish).encode(), self.url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, port)
        head = f"POST /_sim/{name} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n"
        writer.write(head.encode() + f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
        answer = await reader.read()
        writer.close()
        assert answer.startswith(b"HTTP/1.1 200 "), answer
        return json.loads(answer.partition(b"\r\n\r\n")[2])


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("platform") / "keys"


@pytest.fixture(params=["public_key", "certificate", "rotating", "migrating:0.5"])
async def each(request: pytest.FixtureRequest, keys: Path) -> AsyncIterator[Bench]:
    async for bench in _bench(str(request.param), keys):
        yield bench


@pytest.fixture
async def bench(keys: Path) -> AsyncIterator[Bench]:
    async for bench in _bench("public_key", keys):
        yield bench


async def _bench(mode: str, keys: Path) -> AsyncIterator[Bench]:
    program = str(Path(sys.executable).with_name("wxvend"))
    arguments = ("sim", "wechat", "--port", "0", "--keys", str(keys), "--key-mode", mode)
    child = await asyncio.create_subprocess_exec(
        program, *arguments, "--refund-delay-ms", "50", stdout=asyncio.subprocess.PIPE
    )
    letters: asyncio.Queue[tuple[dict[str, str], bytes]] = asyncio.Queue()

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().rstrip("\r\n").split("\r\n")[1:]
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head)}
        body = await reader.readexactly(int(headers["content-length"]))
        writer.write(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
        writer.close()
        letters.put_nowait((headers, body))

    shop = await asyncio.start_server(take, "127.0.0.1", 0)
    try:
        assert child.stdout is not None
        async with asyncio.timeout(TIMEOUT_S):
            ready = json.loads(await child.stdout.readline())
        url = str(ready["url"])
        notify = f"http://127.0.0.1:{shop.sockets[0].getsockname()[1]}/notify"
        settings = _settings(keys, mode, url, notify)
        held = load_keys(settings)
        client = Client(settings, held, clock=Clock(), nonce=lambda: secrets.token_hex(16))
        platform, notices = WechatPlatform(settings, client), WechatNotices(settings, held)
        yield Bench(url, settings, platform, notices, letters)
        client.close()
    finally:
        child.terminate()
        await child.communicate()
        shop.close()


def _settings(keys: Path, mode: str, url: str, notify: str) -> WechatSettings:
    """What an operator would write from credentials.json, with the keys that this mode signs with."""
    known = json.loads((keys / "credentials.json").read_text())
    public = PlatformPublicKey(
        id=known["platform_public_key_id"], file=keys / known["platform_public_key_file"]
    )
    certificates = (keys / known["platform_certificate_file"], keys / "platform_next_certificate.pem")
    return WechatSettings(
        mchid=known["mchid"],
        appid=known["appid"],
        merchant_serial=known["merchant_serial"],
        merchant_private_key_file=keys / known["merchant_private_key_file"],
        merchant_certificate_file=keys / "merchant_certificate.pem",
        api_v3_key_file=keys / known["api_v3_key_file"],
        notify_url=notify,
        base_url=url,
        platform_public_keys=(public,) if mode in ("public_key", "migrating:0.5") else (),
        platform_certificate_files=() if mode == "public_key" else certificates,
    )


# ---------------------------------------------------------------- in every key mode


async def test_a_sale_is_ordered_paid_notified_found_and_refunded(each: Bench) -> None:
    sale_id, code_url = await each.order()
    assert await each.platform.query(sale_id) == Unpaid(sale_id=sale_id, closed=False)
    page = await each.desk("scan", code_url=code_url)
    assert (page["amount_fen"], page["description"]) == (350, "可乐 Cola")
    await each.desk("pay", code_url=code_url)
    told, found = await each.told(), await each.platform.query(sale_id)
    assert isinstance(told, Payment)
    assert isinstance(found, Payment)
    assert (told.sale_id, told.paid_fen, told.machine, told.merchant_ok) == (sale_id, 350, MACHINE, True)
    assert (found.transaction_id, found.paid_at) == (told.transaction_id, told.paid_at)
    assert (told.source, found.source, found.merchant_ok) == ("notice", "query", True)
    assert await each.platform.close(sale_id) == AlreadyPaid(sale_id=sale_id)

    back = _back(sale_id)
    missing = await each.platform.refund_status(sale_id, back.refund_no)
    assert isinstance(missing, RefundStatus)
    assert missing.state is RefundState.ABSENT
    taken = await each.platform.refund(back)
    assert isinstance(taken, RefundStatus)
    assert (taken.state, taken.refund_fen) == (RefundState.PROCESSING, 350)
    ended = await each.told()
    assert isinstance(ended, RefundStatus)
    assert (ended.sale_id, ended.refund_no, ended.state) == (sale_id, back.refund_no, RefundState.SUCCESS)
    status = await each.platform.refund_status(sale_id, back.refund_no)
    assert isinstance(status, RefundStatus)
    assert (status.state, status.refund_fen) == (RefundState.SUCCESS, 350)
    assert isinstance(await each.platform.query(sale_id), Payment)  # still paid; the rest is the refund's
    totals = (await each.desk("books"))["totals"]
    assert totals == {"paid_fen": 350, "refunded_fen": 350, "refunding_fen": 0}


async def test_an_unpaid_order_is_closed_for_good(each: Bench) -> None:
    sale_id, _ = await each.order()
    assert await each.platform.close(sale_id) == OrderClosed(sale_id=sale_id)
    assert await each.platform.close(sale_id) == OrderClosed(sale_id=sale_id)
    assert await each.platform.query(sale_id) == Unpaid(sale_id=sale_id, closed=True)
    assert describe_keys(each.settings, now_s=time.time()).mistakes == ()


# ---------------------------------------------------------------- repeats


async def test_the_same_bytes_get_a_code_again_and_others_are_refused(bench: Bench) -> None:
    draft = bench.draft()
    body = bench.platform.compose(draft)
    assert isinstance(await bench.platform.place(draft.sale_id, body), OrderPlaced)
    assert isinstance(await bench.platform.place(draft.sale_id, body), OrderPlaced)
    other = await bench.platform.place(draft.sale_id, body.replace(b"350", b"351"))
    assert isinstance(other, Refused)
    assert other.why == "invalid_request"
    assert await bench.platform.query("k3vq7c2mzs5n4x6ahb7tdyfjwe") == NoSuchOrder(
        sale_id="k3vq7c2mzs5n4x6ahb7tdyfjwe"
    )


async def test_a_refund_is_one_refund_however_often_it_is_asked_for(bench: Bench) -> None:
    sale_id = await bench.paid()
    for _ in range(3):
        assert isinstance(await bench.platform.refund(_back(sale_id)), RefundStatus)
    changed = await bench.platform.refund(_back(sale_id, reason="other words"))
    assert isinstance(changed, RefundStatus)  # refused as it stands, and looked up
    assert len((await bench.desk("books"))["refunds"]) == 1


async def test_a_refund_of_an_unpaid_order_is_refused(bench: Bench) -> None:
    sale_id, _ = await bench.order()
    told = await bench.platform.refund(_back(sale_id))
    assert isinstance(told, Refused)
    assert told.why == "resource_not_exists"


# ---------------------------------------------------------------- answers that go wrong

SPOILED = {
    "answer_wrong_signature": "bad_signature",
    "answer_signtest": "probe",
    "answer_unsigned": "unsigned",
    "answer_unknown_serial": "unknown_serial",
    "answer_stale": "stale",
    "answer_lost": "connection",
    "answer_truncated": "connection",
    "answer_error_500": "http_500",
    "answer_html_502": "http_502",
    "call_limited_429": "rate_limited",
    "call_failed_500": "http_500",
}


@pytest.mark.parametrize("name", SPOILED)
async def test_a_spoiled_answer_is_unclear_and_the_repeat_is_not(bench: Bench, name: str) -> None:
    platform, draft, why = bench.platform, bench.draft(), SPOILED[name]
    sale_id = draft.sale_id
    unclear, back, body = Unclear(sale_id=sale_id, why=why), _back(sale_id), platform.compose(draft)

    await bench.fault(name, only="create")
    assert await platform.place(sale_id, body) == unclear
    placed = await platform.place(sale_id, body)
    assert isinstance(placed, OrderPlaced)
    await bench.fault(name, only="query")
    assert await platform.query(sale_id) == unclear
    await bench.desk("pay", code_url=placed.code_url)
    assert isinstance(await platform.query(sale_id), Payment)
    await bench.fault(name, only="refund")
    assert await platform.refund(back) == unclear
    assert isinstance(await platform.refund(back), RefundStatus)
    await bench.fault(name, only="query_refund")
    assert await platform.refund_status(sale_id, back.refund_no) == unclear
    totals = (await bench.desk("books"))["totals"]
    assert totals["refunded_fen"] + totals["refunding_fen"] == totals["paid_fen"] == 350

    if name != "answer_truncated":  # half of nothing is whole
        second, _ = await bench.order()
        await bench.fault(name, only="close")
        assert await platform.close(second) == Unclear(sale_id=second, why=why)
        assert await platform.close(second) == OrderClosed(sale_id=second)


async def test_a_payment_may_win_against_the_close(bench: Bench) -> None:
    sale_id, _ = await bench.order()
    await bench.fault("close_user_paying")
    assert await bench.platform.close(sale_id) == Unclear(sale_id=sale_id, why="user_paying")
    await bench.fault("payment_beats_close")
    assert await bench.platform.close(sale_id) == AlreadyPaid(sale_id=sale_id)
    assert isinstance(await bench.platform.query(sale_id), Payment)
    late, _ = await bench.order()
    await bench.fault("payment_follows_close")
    assert await bench.platform.close(late) == OrderClosed(sale_id=late)
    assert isinstance(await bench.platform.query(late), Payment)


async def test_an_order_may_be_missing_for_a_moment(bench: Bench) -> None:
    sale_id, _ = await bench.order()
    await bench.fault("order_unknown_yet")
    assert await bench.platform.query(sale_id) == NoSuchOrder(sale_id=sale_id)
    assert await bench.platform.query(sale_id) == Unpaid(sale_id=sale_id, closed=False)


async def test_a_refund_may_wait_for_money(bench: Bench) -> None:
    sale_id = await bench.paid()
    await bench.fault("refund_not_enough")
    told = await bench.platform.refund(_back(sale_id))
    assert isinstance(told, Refused)
    assert told.why == "not_enough"
    assert isinstance(await bench.platform.refund(_back(sale_id)), RefundStatus)


@pytest.mark.parametrize("end", ["closed", "abnormal"])
async def test_a_refund_may_end_otherwise(bench: Bench, end: str) -> None:
    sale_id = await bench.paid()
    await bench.fault(f"refund_{end}")
    assert isinstance(await bench.platform.refund(_back(sale_id)), RefundStatus)
    told = await bench.told()
    assert isinstance(told, RefundStatus)
    assert told.state.value == end
    status = await bench.platform.refund_status(sale_id, told.refund_no)
    assert isinstance(status, RefundStatus)
    assert status.state is told.state


# ---------------------------------------------------------------- notifications that go wrong


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("notice_wrong_signature", "bad_signature"),
        ("notice_signtest", "probe"),
        ("notice_unsigned", "unsigned"),
        ("notice_unknown_serial", "unknown_serial"),
        ("notice_stale", "stale"),
        ("notice_bad_nonce", "not_decrypted"),
    ],
)
async def test_a_notification_that_is_not_good_is_rejected(bench: Bench, name: str, why: str) -> None:
    _, code_url = await bench.order()
    await bench.fault(name)
    await bench.desk("pay", code_url=code_url)
    with pytest.raises(NoticeRejected) as rejected:
        await bench.told()
    assert rejected.value.why == why


@pytest.mark.parametrize("name", ["notice_other_merchant", "notice_other_app"])
async def test_a_notification_for_somebody_else_is_not_called_ours(bench: Bench, name: str) -> None:
    _, code_url = await bench.order()
    await bench.fault(name)
    await bench.desk("pay", code_url=code_url)
    told = await bench.told()
    assert isinstance(told, Payment)
    assert not told.merchant_ok


async def test_harmless_oddities_are_read(bench: Bench) -> None:
    oddities = ("shuffled", "extra_members", "extra_space", "no_associated_data", "oversize", "other_amount")
    for name in oddities:
        sale_id, code_url = await bench.order()
        await bench.fault(f"notice_{name}")
        await bench.desk("pay", code_url=code_url)
        told = await bench.told()
        assert isinstance(told, Payment)
        assert (told.sale_id, told.merchant_ok) == (sale_id, True)
        assert told.paid_fen == (351 if name == "other_amount" else 350)


async def test_the_same_notification_twice_tells_the_same_twice(bench: Bench) -> None:
    for name in ("double_notice", "replayed_notice"):
        _, code_url = await bench.order()
        await bench.fault(name, delay_ms=1)
        await bench.desk("pay", code_url=code_url)
        assert await bench.told() == await bench.told()


def _back(sale_id: str, *, reason: str = "出货失败退款") -> RefundDraft:
    return RefundDraft(sale_id=sale_id, refund_no=f"R{sale_id}", refund_fen=350, paid_fen=350, reason=reason)
