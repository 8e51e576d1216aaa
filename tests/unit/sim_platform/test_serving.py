"""The platform on a real socket: calls and notices over HTTP, broken lines, and whatever a stranger sends."""

import asyncio
import json
import logging
import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from hw_sim.platform.carrier import post
from hw_sim.platform.courier import Letter
from hw_sim.platform.faults import Armed, Fault
from hw_sim.platform.model import Rules
from hw_sim.platform.serve import Options, run_platform
from hw_sim.platform.signatures import KeyMode
from tests.unit.sim_platform.bench import NUMBER, Bench
from tests.unit.sim_platform.served import CREATE, TIMEOUT_S, Served, Shop, Told, listening, started


@pytest.fixture
async def shop() -> AsyncIterator[Shop]:
    shop = Shop()
    async with listening(shop.serve) as shop.url:
        yield shop


@pytest.fixture
async def serving(
    key_folder: Path, make_bench: Callable[..., Bench], wall_ms: int, caplog: pytest.LogCaptureFixture
) -> AsyncIterator[Served]:
    """The platform; whatever a test does to it, it logs no accident."""
    options = Options(
        port=0, keys=key_folder, key_mode=KeyMode.parse("public_key"), rules=Rules(refund_delay_ms=0), seed=3
    )
    async with started(options, make_bench(now_ms=wall_ms)) as served:
        yield served
    records = [*caplog.get_records("call"), *caplog.records]
    assert [record.getMessage() for record in records if record.levelno >= logging.ERROR] == []


@pytest.fixture
def wall_ms(tmp_path: Path) -> int:
    """The time of the world outside, as a file is stamped with it."""
    (tmp_path / "now").touch()
    return os.stat(tmp_path / "now").st_mtime_ns // 1_000_000


# ---------------------------------------------------------------- the way of a sale


async def test_a_sale_goes_over_real_http(serving: Served, shop: Shop) -> None:
    status, body = await serving.order(notify_url=shop.url)
    assert status == 200
    page = await serving.desk("pay", code_url=json.loads(body)["code_url"])
    assert page["state"] == "SUCCESS"
    line = await serving.told.first(fact="notice.answered")
    assert line["what"] == "notification TRANSACTION.SUCCESS answered: 204"
    ((head, letter),) = shop.came
    assert head.startswith(b"POST /notify HTTP/1.1\r\n")
    headers = dict(each.split(": ", 1) for each in head.decode().split("\r\n")[1:] if each)
    assert serving.bench.opened(Letter(shop.url, headers, letter))["trade_state"] == "SUCCESS"


async def test_lines_tell_who_did_what_and_keep_the_code(serving: Served, shop: Shop) -> None:
    _, body = await serving.order(notify_url=shop.url)
    code_url = json.loads(body)["code_url"]
    await serving.desk("pay", code_url=code_url)
    await serving.told.first(fact="notice.answered")
    ready, *lines = serving.told.lines()
    assert set(ready) == {"event", "url"}
    assert [line["n"] for line in lines] == list(range(1, len(lines) + 1))
    assert all({"event", "n", "t_ms", "who", "what"} <= set(line) for line in lines)
    assert code_url not in serving.told.getvalue()


async def test_a_pushed_clock_brings_repeats_and_leaves_signatures_alone(serving: Served, shop: Shop) -> None:
    shop.answer = b"HTTP/1.1 500 Oops\r\n\r\n"
    _, body = await serving.order(notify_url=shop.url)
    await serving.desk("pay", code_url=json.loads(body)["code_url"])
    await serving.told.first(fact="notice.answered", attempt=1)
    await serving.desk("clock", advance_ms=15_000)
    await serving.told.first(fact="notice.answered", attempt=2)
    shop.answer = b"HTTP/1.1 200 OK\r\n\r\n"
    await serving.desk("clock", advance_ms=3_600_000)
    line = await serving.told.first(fact="notice.answered", attempt=3)
    assert line["verdict"] == "200"
    assert abs(line["t_ms"] - serving.bench.now_ms) < 600_000
    stamps = [int(head.split(b"Wechatpay-Timestamp: ")[1].split(b"\r\n")[0]) for head, _ in shop.came]
    assert max(stamps) - serving.bench.now_ms // 1000 < 300
    status, _ = await serving.signed("GET", "/v3/certificates")
    assert status == 404  # not 401: the merchant's stamp is of the wall, too


async def test_pushing_the_clock_does_not_make_a_merchant_late(serving: Served) -> None:
    heard, pushed = asyncio.Event(), asyncio.Event()

    async def thoughtful(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.set()
        await pushed.wait()
        writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
        writer.close()

    async with listening(thoughtful) as url:
        _, body = await serving.order(notify_url=url)
        await serving.desk("pay", code_url=json.loads(body)["code_url"])
        async with asyncio.timeout(TIMEOUT_S):
            await heard.wait()
        await serving.desk("clock", advance_ms=3_600_000)
        pushed.set()
        assert (await serving.told.first(fact="notice.answered"))["verdict"] == "204"


# ---------------------------------------------------------------- broken lines


@pytest.mark.parametrize("fault", ["answer_lost", "answer_truncated"])
async def test_a_broken_line_took_effect(serving: Served, fault: str) -> None:
    await serving.desk("fault", name=fault)
    status, body = await serving.order()
    assert status == (0 if fault == "answer_lost" else 200)
    assert b"code_url" not in body or not body.endswith(b"}")
    assert (await serving.desk("books"))["orders"][0]["out_trade_no"] == NUMBER


async def test_a_slow_answer_arrives_whole(serving: Served) -> None:
    await serving.desk("fault", name="answer_slow", delay_ms=0)
    await serving.desk("fault", name="answer_delayed", delay_ms=1)
    status, body = await serving.order()
    assert (status, list(json.loads(body))) == (200, ["code_url"])
    await serving.desk("fault", name="answer_slow", delay_ms=1)
    status, body = await serving.order()
    assert (status, list(json.loads(body))) == (200, ["code_url"])


async def test_a_notice_can_come_before_the_answer_to_its_order(serving: Served, shop: Shop) -> None:
    await serving.desk("fault", name="payment_beats_answer")
    await serving.desk("fault", name="answer_delayed", delay_ms=3_600_000)
    ordering = asyncio.create_task(serving.order(notify_url=shop.url))
    await serving.told.first(fact="notice.answered")
    assert not ordering.done()
    ordering.cancel()


# ---------------------------------------------------------------- strangers


@pytest.mark.parametrize(
    "data",
    [
        b"\x00" * 100,
        b"GET\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",  # a client that speaks TLS
        b"POST /v3/pay/transactions/native HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
        b"POST /_sim/pay HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"GET /\xff\xfe HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: \xff\xfe\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close, Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
    ],
    ids=range(9),
)
async def test_bytes_that_are_no_call_leave_the_platform_running(serving: Served, data: bytes) -> None:
    answer = await serving.raw(data)
    assert answer == b"" or answer.split()[1] in {b"400", b"404", b"413", b"431"}
    assert (await serving.order())[0] == 200


async def test_a_caller_that_hangs_up_in_mid_body_harms_nobody(serving: Served) -> None:
    head = b"POST /v3/pay/transactions/native HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"
    await serving.raw(head, close=True)
    assert (await serving.order())[0] == 200


async def test_a_body_beyond_a_mebibyte_is_not_read(serving: Served) -> None:
    assert (await serving.http("POST", CREATE, b"x" * (1 << 20 | 1)))[0] in (0, 413)
    assert (await serving.order())[0] == 200


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("pay", b"{"),
        ("pay", b"[]"),
        ("pay", b"\xff"),
        ("pay", b'{"code_url":"\\ud800"}'),
        ("pay", b'{"code_url":"x","account":"\\ud800"}'),
        ("fault", b'{"name":"\\ud800"}'),
        ("fault", b'{"name":"lost_notice","probability":NaN}'),
        ("clock", b'{"advance_ms":1e400}'),
        ("%2e%2e/", b""),
        ("", b""),
        ("scan", b"[" * 100_000),
    ],
)
async def test_a_bad_wish_is_refused_and_not_an_accident(serving: Served, name: str, body: bytes) -> None:
    status, answer = await serving.http("POST", f"/_sim/{name}", body)
    assert status in (400, 404, 409)
    assert json.loads(answer)["error"]


async def test_unsigned_calls_are_refused_over_http(serving: Served) -> None:
    body = json.dumps(serving.bench.order_body()).encode()
    headers = {"Accept": "*/*", "User-Agent": "x", "Content-Type": "application/json"}
    status, answer = await serving.http("POST", CREATE, body, **headers)
    assert (status, json.loads(answer)["code"]) == (401, "SIGN_ERROR")


# ---------------------------------------------------------------- the merchant's address


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        (b"HTTP/1.1 204 No Content\r\n\r\n", 204),
        (b"HTTP/1.0 200 OK\r\nX: y\r\n\r\nbody", 200),
        (b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\n\r\n", 302),
        (b"HTTP/1.1 two hundred\r\n\r\n", "no answer in HTTP"),
        (b"SMTP ready\r\n\r\n", "no answer in HTTP"),
        (b"HTTP/1.1 204", "no answer in HTTP"),
        (b"", "no answer in HTTP"),
        (b"x" * 200_000, "no answer in HTTP"),
    ],
)
async def test_only_a_status_is_an_answer(shop: Shop, answer: bytes, verdict: int | str) -> None:
    shop.answer = answer
    assert await post(Letter(shop.url, {}, b"{}"), within_ms=5000) == verdict


@pytest.mark.parametrize(
    ("url", "verdict"),
    [
        ("http://127.0.0.1:99999/n", "no answer in HTTP"),
        ("http://[::/n", "no answer in HTTP"),
        ("http://" + "a" * 70 + "/n", "no answer in HTTP"),
        ("http://127.0.0.1:1/n", "ConnectionRefusedError"),
    ],
)
async def test_an_address_that_is_none_is_no_accident(url: str, verdict: str) -> None:
    assert await post(Letter(url, {}, b"{}"), within_ms=5000) == verdict


async def test_a_path_in_chinese_arrives_escaped(shop: Shop) -> None:
    assert await post(Letter(shop.url + "/支付?", {}, b"{}"), within_ms=5000) == 204
    assert shop.came[0][0].startswith(b"POST /notify/%E6%94%AF%E4%BB%98 HTTP/1.1\r\n")


@pytest.mark.parametrize("keep", [None, 1])
async def test_silence_is_no_answer_and_a_slow_letter_waits_for_none(keep: int | None) -> None:
    heard = asyncio.get_running_loop().create_future()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.set_result((await reader.read()).partition(b"\r\n\r\n")[2])
        writer.close()

    async with listening(silent) as url:
        assert await post(Letter(url, {}, b"{}", keep), within_ms=50) == "no answer in time"
        assert await heard == b"{}"[:keep]


# ---------------------------------------------------------------- start and stop


async def test_it_stops_though_a_merchant_never_answers(serving: Served) -> None:
    heard = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.set()
        await reader.read()
        writer.close()

    async with listening(silent) as url:
        _, body = await serving.order(notify_url=url)
        await serving.desk("pay", code_url=json.loads(body)["code_url"])
        async with asyncio.timeout(TIMEOUT_S):
            await heard.wait()
            await serving.halt()
    assert "notice.answered" not in serving.told.getvalue()


async def test_a_taken_port_is_an_error_and_not_a_silent_start(serving: Served, key_folder: Path) -> None:
    options = Options(port=serving.port, keys=key_folder, key_mode=KeyMode.parse("public_key"), rules=Rules())
    with pytest.raises(OSError, match="in use"):
        await run_platform(options, Told(), asyncio.Event())


async def test_it_ends_when_nobody_listens_any_more(key_folder: Path) -> None:
    class Gone(Told):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    options = Options(port=0, keys=key_folder, key_mode=KeyMode.parse("public_key"), rules=Rules())
    async with asyncio.timeout(TIMEOUT_S):
        await run_platform(options, Gone(), asyncio.Event())


async def test_faults_of_the_start_are_on(
    key_folder: Path, make_bench: Callable[..., Bench], wall_ms: int
) -> None:
    options = Options(
        port=0,
        keys=key_folder,
        key_mode=KeyMode.parse("public_key"),
        rules=Rules(),
        faults=(Armed(Fault.CALL_FAILED_500, times=1),),
    )
    async with started(options, make_bench(now_ms=wall_ms)) as served:
        assert [(await served.order())[0], (await served.order())[0]] == [500, 200]
