"""The server against callers that are slow, many, or do not read; and how it starts and ends."""

import asyncio
import socket

import pytest

from cloud_bridge.ports import Fact
from cloud_bridge.web.limits import Limits
from cloud_bridge.web.server import serve_web
from tests.unit.web.serving import WAIT_S, Caller, notice, request, site, until

QUICK = Limits(read_s=0.1, write_s=0.1)


@pytest.mark.parametrize(
    "begun",
    [
        b"",
        b"POST /notify/wechat HTTP/1.1\r\nHost: a\r\n",
        notice(b"", Content_Length="10"),
        notice(b"x" * 9, Content_Length="10"),
        request("POST", "/notify/wechat", b"5\r\nhello\r\n", Transfer_Encoding="chunked"),
        request("GET", "/nowhere", b"x", Content_Length="10"),
    ],
    ids=["nothing", "half a head", "no body", "half a body", "half of the chunks", "a body nobody wants"],
)
async def test_who_does_not_finish_in_time_is_cut_off(begun: bytes) -> None:
    async with site(QUICK) as served:
        caller = await served.open()
        caller.send(begun)
        heard = await caller.closed()
        assert b" 408 " in heard or b" 404 " in heard
        assert served.bridge.notices == []


async def test_a_byte_now_and_then_buys_no_time() -> None:
    async with site(QUICK) as served:
        caller = await served.open()
        caller.send(notice(b"", Content_Length="50000"))
        dripping = asyncio.create_task(drip(caller))
        heard = await caller.closed()
        dripping.cancel()
        assert b" 204 " not in heard  # the 408 may be lost in what is still being sent
        assert served.bridge.notices == []


async def drip(caller: Caller) -> None:
    while True:
        caller.send(b"x")
        await asyncio.sleep(0.01)


async def test_the_time_begins_anew_with_each_request_of_a_connection() -> None:
    async with site(QUICK) as served:
        caller = await served.open()
        for _ in range(3):
            caller.send(notice(b"{}"))
            assert (await caller.answer()).status == 204
        caller.send(b"POST /not")
        assert b" 408 " in await caller.closed()


async def test_two_requests_said_at_once_are_answered_in_turn() -> None:
    async with site(QUICK) as served:
        caller = await served.open()
        caller.send(notice(b"one") + notice(b"two"))
        assert [(await caller.answer()).status for _ in range(2)] == [204, 204]
        assert [body for _, body in served.bridge.notices] == [b"one", b"two"]


async def test_a_slow_commit_is_no_slow_caller() -> None:
    async with site(Limits(read_s=0.05, answer_s=WAIT_S)) as served:
        served.bridge.gate.clear()
        answer = asyncio.create_task(served.post(b"{}"))
        late = await served.open()
        assert b" 408 " in await late.closed()  # more than `read_s` has passed
        served.bridge.gate.set()
        assert (await answer).status == 204


async def test_a_crowd_that_says_nothing_pushes_out_itself_and_nobody_else() -> None:
    limits = Limits(connections=10, read_s=WAIT_S, answer_s=WAIT_S)
    async with site(limits) as served:
        served.bridge.gate.clear()
        working = asyncio.create_task(served.post(b"working"))
        await until(lambda: len(served.bridge.notices) == 1)
        crowd = [await served.open() for _ in range(30)]
        assert b" 503 " in await crowd[0].closed()
        served.bridge.gate.set()
        assert (await working).status == 204
        assert (await served.post(b"new")).status == 204
        assert served.bridge.taken == 2


async def test_idle_connections_make_room_as_well() -> None:
    async with site(Limits(connections=3)) as served:
        idle = [await served.open() for _ in range(3)]
        for caller in idle:
            caller.send(notice(b"{}"))
            assert (await caller.answer()).status == 204
        assert (await served.post(b"new")).status == 204
        assert await idle[0].closed() != b""


async def test_when_all_are_at_work_the_newcomer_is_told_to_come_back() -> None:
    async with site(Limits(connections=2, answer_s=WAIT_S)) as served:
        served.bridge.gate.clear()
        working = [asyncio.create_task(served.post(b"working")) for _ in range(2)]
        await until(lambda: len(served.bridge.notices) == 2)
        newcomer = await served.open()
        assert b" 503 " in await newcomer.closed()
        served.bridge.gate.set()
        assert [(await each).status for each in working] == [204, 204]


@pytest.mark.parametrize("extra", [{"X_Long": "x" * 9000}, {f"X_{n}": "x" * 40 for n in range(200)}])
async def test_a_head_of_more_than_8_kib_is_refused(extra: dict[str, str]) -> None:
    async with site() as served:
        assert (await served.post(b"{}", **extra)).status == 431
        assert (await served.get(f"/?{'x' * 9000}")).status == 431
        assert served.bridge.notices == []


async def test_a_reader_that_does_not_read_is_dropped_and_slows_nobody() -> None:
    async with site(Limits(streams=2, write_s=0.1)) as served:
        with socket.socket() as deaf:
            deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            deaf.connect(("127.0.0.1", served.port))
            deaf.sendall(request("GET", "/api/events"))
            reader = await served.open()
            reader.send(request("GET", "/api/events"))
            await until(lambda: len(served.bridge.fact_readers) == 2)
            assert (await served.get("/api/events")).status == 503
            fact = Fact(wall_ms=0, machine="vm-0001", sale_id="", who="edge", what="x" * 100_000)
            for _ in range(200):
                served.bridge.say(fact)
                while await reader.line() != "event: fact":
                    pass
            async with asyncio.timeout(WAIT_S):
                while (answer := await opened(served.port)) == 503:
                    pass
        assert answer == 200


async def opened(port: int) -> int:
    """Ask for a stream and leave again; the status."""
    caller = await Caller.call(port)
    caller.send(request("GET", "/api/events"))
    status = (await caller.head()).status
    caller.transport.close()
    return status


async def test_it_ends_when_cancelled_although_pages_look_on_and_a_request_is_half_said(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with site(Limits(grace_s=5)) as served:
        page, half = await served.open(), await served.open()
        page.send(request("GET", "/api/events"))
        await page.head()
        half.send(b"POST /notify")
        loop = asyncio.get_running_loop()
        begun_s = loop.time()
    assert loop.time() - begun_s < 5
    assert b"hello" in await page.closed()
    assert caplog.text == ""


async def test_what_is_under_way_is_answered_before_it_ends() -> None:
    async with site(Limits(grace_s=5)) as served:
        served.bridge.gate.clear()
        answer = asyncio.create_task(served.post(b"{}"))
        await until(lambda: len(served.bridge.notices) == 1)
        asyncio.get_running_loop().call_soon(served.bridge.gate.set)
    assert (await answer).status == 204


async def test_a_port_that_is_taken_is_an_oserror_that_names_it() -> None:
    async with site() as served:
        with pytest.raises(OSError, match=str(served.port)):
            await serve_web(_nothing, "127.0.0.1", served.port, lambda url: None)


async def test_it_serves_on_the_other_internet_protocol_too() -> None:
    if not socket.has_ipv6:
        pytest.skip("no IPv6 here")
    told: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    serving = asyncio.create_task(serve_web(_nothing, "::1", 0, told.set_result))
    assert (await told).startswith("http://[::1]:")
    serving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await serving


async def _nothing(scope: object, receive: object, send: object) -> None:
    raise AssertionError("nobody asked")
