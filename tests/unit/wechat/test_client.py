"""One signed call: what is sent, what is believed, and what the network may do."""

import asyncio
import gzip
import itertools
import ssl
import traceback
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from cloud_bridge.wechat.client import IDLE_MS, LARGEST_ANSWER, READ_S, THREADS, WAITING, Client
from cloud_bridge.wechat.exchange import Failure, NoAnswer, Reply, Success
from cloud_bridge.wechat.signing import Request
from tests.unit.wechat.host import Hands, Host, answer, error
from tests.unit.wechat.parties import KEY_ID, KEY_ID_2, NOW_S, Parties, new_key, pem, signed

ASK = Request("GET", "/v3/pay/transactions/out-trade-no/k3vq7c2mzs5n4x6ahb7tdyfjwe?mchid=1900000109")
SAY = Request("POST", "/v3/pay/transactions/native", '{"description":"可乐"}'.encode())


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
async def host(parties: Parties) -> AsyncIterator[Host]:
    async with Host(parties) as host:
        yield host


@pytest.fixture
async def client(parties: Parties, host: Host, hands: Hands) -> AsyncIterator[Client]:
    client = new_client(parties, host.url, hands)
    yield client
    client.close()


def new_client(parties: Parties, url: str, hands: Hands, *, proxy_url: str = "") -> Client:
    numbers = itertools.count(1)
    settings = parties.at(url, proxy_url=proxy_url)
    return Client(settings, parties.keys, clock=hands, nonce=lambda: f"{next(numbers):032d}")


# ---------------------------------------------------------------- what is sent


async def test_a_call_is_signed_over_what_is_transmitted(host: Host, client: Client) -> None:
    quoted = Request("GET", "/v3/pay/transactions/out-trade-no/a%2Ab%7Cc_d?mchid=1900000109")
    host.will(*[host.says({"ok": 1})] * 4)
    for request in (ASK, SAY, quoted):
        assert await client.call(request) == Success(200, {"ok": 1})
    assert [(seen.method, seen.target, seen.body) for seen in host.seen] == [
        (each.method, each.target, each.body) for each in (ASK, SAY, quoted)
    ]
    assert await client.call(Request("GET", "/v3/a|b?name=可乐")) == Success(200, {"ok": 1})
    assert host.seen[-1].target == "/v3/a%7Cb?name=%E5%8F%AF%E4%B9%90"
    assert [seen.claim()["nonce_str"][-1] for seen in host.seen] == ["1", "2", "3", "4"]
    assert {seen.claim()["timestamp"] for seen in host.seen} == {str(NOW_S)}


async def test_with_certificates_alone_no_key_is_asked_for(parties: Parties, hands: Hands) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(answer(200, b"{}", parties.signed(b"{}", serial=parties.serial)))

    heads: list[bytes] = []
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    client = Client(
        parties.at(url), replace(parties.keys, answer_with=""), clock=hands, nonce=lambda: "n" * 32
    )
    assert await client.call(ASK) == Success(200, {})
    assert b"Wechatpay-Serial" not in heads[0]
    client.close()
    server.close()


# ---------------------------------------------------------------- what is believed (T-API-1)


async def test_an_empty_answer_is_believed_when_it_is_signed(host: Host, client: Client) -> None:
    host.will(host.says(None, status=204))
    assert await client.call(SAY) == Success(204, {})


async def test_a_success_without_a_good_signature_is_no_answer(
    parties: Parties, host: Host, client: Client
) -> None:
    body = b'{"code_url":"weixin://wxpay/bizpayurl?pr=p4lpSuKzz"}'
    probe = "WECHATPAY/SIGNTEST/" + parties.signed(body)["Wechatpay-Signature"][:336]
    spoiled = {
        "unsigned": host.says(body, drop="Wechatpay-Signature"),
        "probe": host.says(body, Wechatpay_Signature=probe),
        "unknown_serial": host.says(body, Wechatpay_Serial=KEY_ID_2),
        "signature_type": host.says(body, Wechatpay_Signature_Type="WECHATPAY2-SM2-WITH-SM3"),
        "bad_header": host.says(body, Wechatpay_Timestamp="soon"),
        "bad_signature": answer(200, body, signed(new_key(), body)),
        "stale": answer(200, body, parties.signed(body, at_s=NOW_S - 300)),
        "bad_json": host.says(b"[1]"),
    }
    host.will(*spoiled.values())
    assert [await client.call(SAY) for _ in spoiled] == [NoAnswer(why) for why in spoiled]
    future = answer(200, body, parties.signed(body, at_s=NOW_S + 301))
    changed = answer(200, body.replace(b"p4", b"p5"), parties.signed(body))
    empty = answer(204, b"", parties.signed(body))
    host.will(future, changed, empty)
    assert [await client.call(SAY) for _ in range(3)] == [
        NoAnswer("stale"),
        NoAnswer("bad_signature"),
        NoAnswer("bad_signature"),
    ]


async def test_header_names_count_in_any_case(parties: Parties, host: Host, client: Client) -> None:
    headers = {name.upper(): value for name, value in parties.signed(b"{}").items()}
    host.will(answer(200, b"{}", headers))
    assert await client.call(ASK) == Success(200, {})


async def test_an_error_in_the_platforms_words_is_named(host: Host, client: Client) -> None:
    host.will(error(400, "ORDERPAID", "该订单\n已支付\x1b[31m"), error(403, "NEW_CODE_OF_2027"))
    assert await client.call(SAY) == Failure(
        400, "order_paid", "400 ORDERPAID 该订单 已支付 [31m request_id=08F78BB5AF0610D302-268435461"
    )
    told = await client.call(SAY)
    assert isinstance(told, Failure)
    assert (told.status, told.why) == (403, "other")
    assert "NEW_CODE_OF_2027" in told.detail


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (error(429, "FREQUENCY_LIMITED"), "rate_limited"),
        (error(500, "SYSTEM_ERROR"), "http_500"),
        (answer(502, b"<html>Bad Gateway</html>", {}), "http_502"),
        (answer(503, b"", {}), "http_503"),
        (answer(404, b"<html>Not Found</html>", {}), "http_404"),
        (answer(400, b'{"message":"no code"}', {}), "http_400"),
        (answer(407, b"", {}), "http_407"),
    ],
)
async def test_other_errors_are_no_answer(host: Host, client: Client, raw: bytes, why: str) -> None:
    host.will(raw)
    assert await client.call(SAY) == NoAnswer(why)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed(parties: Parties, host: Host, client: Client, status: int) -> None:
    async with Host(parties) as elsewhere:
        host.will(answer(status, b"", {"Location": f"{elsewhere.url}/v3", "Set-Cookie": "a=b"}))
        assert await client.call(SAY) == NoAnswer(f"http_{status}")
        host.will(host.says({}))
        await client.call(SAY)
        assert elsewhere.lines == 0
    assert len(host.seen) == 2
    assert "cookie" not in host.seen[-1].headers


# ---------------------------------------------------------------- the network


async def use_every_thread(host: Host, client: Client) -> None:
    """One call on each of the client's threads: nobody is answered before all have called."""
    all_here = asyncio.Barrier(THREADS)

    async def together(writer: asyncio.StreamWriter) -> None:
        await all_here.wait()
        writer.write(host.says({}))

    host.will(*[together] * THREADS)
    replies = await asyncio.gather(*[client.call(ASK) for _ in range(THREADS)])
    assert replies == [Success(200, {})] * THREADS


@pytest.mark.parametrize("request_", [ASK, SAY], ids=["GET", "POST"])
async def test_nothing_is_sent_twice(host: Host, client: Client, request_: Request) -> None:
    assert await client.call(request_) == NoAnswer("connection")  # taken, and closed without a word
    assert (len(host.seen), host.lines) == (1, 1)
    await use_every_thread(host, client)
    lines = host.lines
    assert await client.call(request_) == NoAnswer("connection")  # the same where it had worked before
    assert (len(host.seen), host.lines) == (1 + THREADS + 1, lines)


async def test_a_refused_connection_is_no_answer(parties: Parties, hands: Hands) -> None:
    async with Host(parties) as gone:
        url = gone.url
    client = new_client(parties, url, hands)
    assert await client.call(SAY) == NoAnswer("connection")
    client.close()


async def test_a_connection_cut_in_the_body_is_no_answer(host: Host, client: Client) -> None:
    whole = host.says({"code_url": "weixin://wxpay/bizpayurl?pr=1"})

    async def reset(writer: asyncio.StreamWriter) -> None:
        writer.write(whole[:-7])
        await writer.drain()
        writer.transport.abort()

    async def end(writer: asyncio.StreamWriter) -> None:
        writer.write(whole[:-7])
        writer.close()

    host.will(reset, end)
    assert await client.call(SAY) == NoAnswer("connection")
    assert await client.call(SAY) == NoAnswer("connection")
    assert len(host.seen) == 2


async def test_a_connection_is_kept_and_an_idle_one_is_not(host: Host, client: Client, hands: Hands) -> None:
    await use_every_thread(host, client)
    hands.now += IDLE_MS - 1
    await use_every_thread(host, client)
    assert host.lines == THREADS
    hands.now += IDLE_MS
    await use_every_thread(host, client)
    assert host.lines == 2 * THREADS


async def test_a_body_that_trickles_is_given_up(host: Host, client: Client, hands: Hands) -> None:
    async def trickle(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n")
        for _ in range(200_000):
            writer.write(b" ")
            await writer.drain()  # fails when the client has hung up
            hands.now += int(READ_S * 100)
            await asyncio.sleep(0)

    host.will(trickle)
    assert await client.call(SAY) == NoAnswer("timeout")
    host.will(host.says({}))
    assert await client.call(SAY) == Success(200, {})


async def test_an_answer_without_end_is_given_up(host: Host, client: Client) -> None:
    large = host.says(b'{"a":"' + b"x" * LARGEST_ANSWER + b'"}')

    async def endless(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            writer.write(b"1000\r\n" + b" " * 0x1000 + b"\r\n")
            await writer.drain()

    bomb = answer(200, gzip.compress(b" " * (64 << 20)), {"Content-Encoding": "gzip"})
    redirect = answer(302, b"x" * (LARGEST_ANSWER + 1), {"Location": "http://127.0.0.1:9/"})
    host.will(large, endless, bomb, redirect)
    assert [await client.call(SAY) for _ in range(4)] == [NoAnswer("oversize")] * 4


@pytest.mark.parametrize(
    "raw",
    [
        b"\r\n\r\n",
        b"HTTP/1.1 \r\n\r\n",
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"HTTP/7.7 200 OK\r\n\r\n{}",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        bytes(range(256)) * 8,
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2, 3\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nSet-Cookie: \xff=\x00; Expires=never\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nRequest-ID: \xe6\x94\xaf\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 302 Found\r\nLocation: http://[::1\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n" * 3,
    ],
    ids=range(18),
)
async def test_no_bytes_are_an_error_of_ours(host: Host, client: Client, raw: bytes) -> None:
    async def say(writer: asyncio.StreamWriter) -> None:
        writer.write(raw)
        writer.close()

    host.will(say)
    assert isinstance(await client.call(SAY), NoAnswer)
    host.will(host.says({}))
    assert await client.call(SAY) == Success(200, {})


async def test_calls_are_bounded(host: Host, client: Client) -> None:
    go = asyncio.Event()

    async def wait(writer: asyncio.StreamWriter) -> None:
        await go.wait()
        writer.write(host.says({}))

    host.will(*[wait] * (THREADS + WAITING))
    calls = [asyncio.create_task(client.call(ASK)) for _ in range(THREADS + WAITING)]
    await asyncio.sleep(0)  # each has taken its place
    assert await client.call(ASK) == NoAnswer("busy")
    go.set()
    assert await asyncio.gather(*calls) == [Success(200, {})] * (THREADS + WAITING)
    assert host.lines <= THREADS
    host.will(host.says({}))
    assert await client.call(ASK) == Success(200, {})


# ---------------------------------------------------------------- TLS and proxies


async def test_a_host_without_a_trusted_certificate_gets_nothing(
    parties: Parties, hands: Hands, tmp_path: Path
) -> None:
    key, who = new_key(), x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(who, who, key.public_key(), 7, now, now + timedelta(days=1))
    names = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    self_signed = builder.add_extension(names, critical=False).sign(key, hashes.SHA256())
    (tmp_path / "tls.pem").write_bytes(pem(self_signed) + pem(key))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "tls.pem")
    heard: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.read(1))
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    client = new_client(parties, f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}", hands)
    assert await client.call(SAY) == NoAnswer("tls")
    assert b"P" not in heard
    client.close()
    server.close()


async def test_a_proxy_is_the_one_of_the_settings(
    parties: Parties, host: Host, client: Client, hands: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Host(parties) as wrong:
        for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY", "https_proxy"):
            monkeypatch.setenv(name, wrong.url)
        host.will(host.says({}))
        assert await client.call(ASK) == Success(200, {})
        assert wrong.lines == 0
    lines: list[bytes] = []

    async def proxy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        lines.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(host.says({}))

    server = await asyncio.start_server(proxy, "127.0.0.1", 0)
    through = f"http://user:pass@127.0.0.1:{server.sockets[0].getsockname()[1]}"
    proxied = new_client(parties, "http://127.0.0.1:9", hands, proxy_url=through)
    assert await proxied.call(ASK) == Success(200, {})
    assert lines[0].startswith(b"GET http://127.0.0.1:9" + ASK.target.encode())
    proxied.close()
    server.close()


# ---------------------------------------------------------------- what is never shown


async def test_no_secret_gets_into_a_log_or_a_traceback(
    parties: Parties, host: Host, hands: Hands, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(0)
    client = new_client(parties, host.url, hands)
    private = {"code_url": "weixin://wxpay/bizpayurl?pr=canary"}
    host.will(host.says(private), error(401, "SIGN_ERROR"), host.says(private, drop="Wechatpay-Nonce"))
    replies: list[Reply] = [await client.call(SAY) for _ in range(4)]
    client.close()
    with pytest.raises(RuntimeError) as closed:
        await client.call(SAY)
    shown = caplog.text + repr(replies) + "".join(traceback.format_exception(closed.value))
    signature = host.seen[0].claim()["signature"]
    for secret in ("canary", signature, "可乐", parties.keys.api_v3_key.decode()):
        assert secret not in shown
    assert KEY_ID in repr(parties.keys)  # what is no secret may be shown
