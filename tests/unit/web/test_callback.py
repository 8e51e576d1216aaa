"""The platform's notifications over real HTTP: what is taken, what is refused, and when the answer comes."""

import asyncio

import pytest

from cloud_bridge.ports import NoticeRejected, StoreFailed
from cloud_bridge.web.limits import Limits
from tests.unit.web.serving import NOTIFY, Site, notice, request, site, until

MOST = 64 * 1024
SIGNED = {
    "Wechatpay_Timestamp": "1795000000",
    "Wechatpay_Nonce": "n0nce",
    "Wechatpay_Signature": "c2ln",
    "Wechatpay_Serial": "PUB_KEY_ID_01",
}


def chunked(body: bytes, size: int) -> bytes:
    parts = [body[at : at + size] for at in range(0, len(body), size)]
    framed = b"".join(f"{len(part):x}\r\n".encode() + part + b"\r\n" for part in parts)
    return request("POST", NOTIFY, framed + b"0\r\n\r\n", Transfer_Encoding="chunked")


async def test_a_notification_reaches_the_engine_byte_for_byte_and_is_answered_204() -> None:
    body = bytes(range(256)) + '{"id":"通知"}'.encode()
    async with site() as served:
        answer = await served.post(body, **SIGNED)
        assert (answer.status, answer.body) == (204, b"")
        [(headers, taken)] = served.bridge.notices
    assert taken == body
    assert {
        name.lower().replace("_", "-"): value for name, value in SIGNED.items()
    }.items() <= headers.items()


async def test_where_words_are_wanted_they_are_the_answer_once_it_is_taken() -> None:
    words = b"<xml><return_code><![CDATA[SUCCESS]]></return_code></xml>"
    async with site(acknowledge=lambda body: words if body.startswith(b"<") else b"") as served:
        answer = await served.post(b"<xml></xml>")
        assert (answer.status, answer.body) == (200, words)
        assert answer.headers["content-type"] == "text/xml; charset=utf-8"
        assert (await served.post(b"{}")).status == 204


async def test_it_is_reached_under_whatever_name_the_proxy_gives_it() -> None:
    async with site() as served:
        assert (await served.post(b"{}", Host="pay.example.com")).status == 204


async def test_the_answer_waits_for_the_commit() -> None:
    async with site() as served:
        served.bridge.gate.clear()
        answer = asyncio.create_task(served.post(b"{}"))
        await until(lambda: len(served.bridge.notices) == 1)
        assert not answer.done()
        served.bridge.gate.set()
        assert (await answer).status == 204
        assert served.bridge.taken == 1


async def test_what_takes_too_long_is_refused_but_never_cancelled() -> None:
    async with site(Limits(answer_s=0.05)) as served:
        served.bridge.gate.clear()
        answer = await served.post(b"{}")
        assert (answer.status, answer.json["code"]) == (503, "FAIL")
        assert served.log.lines == [("callback.late", {"answer_s": 0.05})]
        served.bridge.gate.set()
        await until(lambda: served.bridge.taken == 1)


async def test_no_more_are_taken_at_a_time_than_the_engine_can_hold() -> None:
    async with site(Limits(notices=1)) as served:
        served.bridge.gate.clear()
        first = asyncio.create_task(served.post(b"first"))
        await until(lambda: len(served.bridge.notices) == 1)
        assert (await served.post(b"second")).status == 503
        served.bridge.gate.set()
        assert (await first).status == 204
        assert [body for _, body in served.bridge.notices] == [b"first"]


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        (NoticeRejected("signature"), 401, "not believed: signature"),
        (StoreFailed("disk I/O error: 4200001234"), 503, "the books cannot be written"),
        (KeyError("4200001234"), 500, "a mistake of the bridge; its log says where"),
    ],
)
async def test_a_failure_lets_the_platform_send_again(error: Exception, status: int, words: str) -> None:
    async with site() as served:
        served.bridge.answer = error
        answer = await served.post(b"{}")
        assert (answer.status, answer.json) == (status, {"code": "FAIL", "message": words})


@pytest.mark.parametrize("error", [NoticeRejected("signature"), StoreFailed("canary"), ValueError("canary")])
async def test_neither_body_nor_headers_are_ever_logged(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    async with site() as served:
        served.bridge.answer = error
        await served.post(b'{"openid":"canary"}', Wechatpay_Signature="canary")
        assert len(served.log.lines) == 1
        assert "canary" not in str(served.log.lines) + caplog.text


# ---------------------------------------------------------------- sizes


async def test_the_largest_body_is_taken_whole_or_in_pieces() -> None:
    async with site() as served:
        assert (await served.post(b"x" * MOST)).status == 204
        assert (await served.say(chunked(b"x" * MOST, 1000))).status == 204
        assert [len(body) for _, body in served.bridge.notices] == [MOST, MOST]


@pytest.mark.parametrize(
    "raw",
    [
        notice(b"x" * (MOST + 1)),
        chunked(b"x" * (MOST + 1), 1000),
        notice(b"", Content_Length="99999999999"),
        notice(b"x" * 10, Content_Length=str(MOST + 1)),
    ],
    ids=["whole", "chunked", "announced", "announced and begun"],
)
async def test_a_larger_body_is_refused_as_soon_as_it_is_known(raw: bytes) -> None:
    async with site() as served:
        caller = await served.open()
        caller.send(raw)
        answer = await caller.answer()
        assert (answer.status, answer.json["code"]) == (413, "FAIL")
        assert answer.headers["connection"] == "close"
        await caller.closed()
        assert served.bridge.notices == []
        assert served.log.lines == [("callback.rejected", {"why": "oversize"})]


async def test_a_body_is_as_long_as_announced_and_what_follows_is_another_request() -> None:
    async with site() as served:
        caller = await served.open()
        caller.send(notice(b"goodEVIL", Content_Length="4") + b"\r\n\r\n")
        assert (await caller.answer()).status == 204
        assert b"HTTP/1.1 400" in await caller.closed()
        assert [body for _, body in served.bridge.notices] == [b"good"]


async def test_a_caller_that_goes_away_in_the_middle_leaves_nothing() -> None:
    async with site() as served:
        caller = await served.open()
        caller.send(notice(b"half", Content_Length="8"))
        caller.transport.close()
        assert (await served.post(b"whole")).status == 204
        assert [body for _, body in served.bridge.notices] == [b"whole"]


# ---------------------------------------------------------------- what two readers would read differently


async def refused(served: Site, raw: bytes) -> int:
    """Say something crooked with an innocent request hidden behind it; the status of the only answer."""
    caller = await served.open()
    caller.send(raw + request("GET", "/healthz"))
    heard = await caller.closed()
    assert heard.count(b"HTTP/1.1 ") == 1, heard
    return int(heard.split()[1])


@pytest.mark.parametrize(
    "raw",
    [
        request("POST", NOTIFY, b"0\r\n\r\n", Content_Length="5", Transfer_Encoding="chunked"),
        request("POST", NOTIFY, b"0\r\n\r\n", Transfer_Encoding="chunked", Content_Length="5"),
        request("GET", "/healthz", b"0\r\n\r\n", Content_Length="5", Transfer_Encoding="chunked"),
        b"POST /notify/wechat HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nxxxx",
        b"POST /notify/wechat HTTP/1.1\r\nHost: a\r\nContent-Length: +4\r\n\r\nxxxx",
        b"POST /notify/wechat HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
        b"POST /notify/wechat HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity, chunked\r\n\r\n0\r\n\r\n",
        b"POST /notify/wechat HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n\r\n",
        b"POST /notify/wechat HTTP/1.1\r\nHost: a\r\nHost: b\r\nContent-Length: 0\r\n\r\n",
        b"POST /notify/wechat HTTP/1.1\r\nContent-Length: 0\r\n\r\n",
        b"POST /notify/wechat HTTP/1.1\r\nHost: a\r\nX: \x00\r\nContent-Length: 0\r\n\r\n",
        b"GET\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    ],
)
async def test_a_crooked_request_is_refused_and_nothing_hides_behind_it(
    raw: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async with site() as served:
        assert await refused(served, raw) in (400, 501)
        assert served.bridge.notices == []
        assert served.log.lines == []
    assert caplog.text == ""


@pytest.mark.parametrize("name", ["Wechatpay-Serial", "wechatpay-nonce", "WECHATPAY-TIMESTAMP"])
async def test_a_header_of_the_signature_given_twice_is_refused(name: str) -> None:
    raw = notice(b"{}", **SIGNED).replace(b"\r\nHost:", f"\r\n{name}: other\r\nHost:".encode(), 1)
    async with site() as served:
        assert (await served.say(raw)).status == 400
        assert served.bridge.notices == []


async def test_other_headers_given_twice_are_joined() -> None:
    raw = notice(b"{}").replace(b"\r\nHost:", b"\r\nVia: a\r\nVia: b\r\nHost:", 1)
    async with site() as served:
        assert (await served.say(raw)).status == 204
        assert served.bridge.notices[0][0]["via"] == "a, b"


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "OPTIONS"])
async def test_only_post_is_taken(method: str) -> None:
    async with site() as served:
        answer = await served.say(request(method, NOTIFY))
        assert (answer.status, answer.headers["allow"]) == (405, "POST")


async def test_the_path_is_exact() -> None:
    async with site() as served:
        for path in (f"{NOTIFY}/", NOTIFY.upper(), f"/{NOTIFY}"):
            assert (await served.say(request("POST", path, Content_Length="0"))).status in (404, 405)
        assert served.bridge.notices == []
