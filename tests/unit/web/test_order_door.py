"""Order requests over real HTTP: the bare words of the answer, and nothing that keeps a payer waiting."""

import asyncio
from collections.abc import Awaitable, Callable

from cloud_bridge.ports import StoreFailed
from cloud_bridge.web.limits import Limits
from tests.unit.web.serving import Answer, Site, request, site, until

DOOR = "/wechat/order"
WORDS = "<xml><err_code_des><![CDATA[商品已售罄]]></err_code_des></xml>".encode()


def orders(answer: Callable[[bytes], Awaitable[bytes]]) -> tuple[str, Callable[[bytes], Awaitable[bytes]]]:
    return DOOR, answer


async def ask(served: Site, body: bytes, **headers: str) -> Answer:
    length = {"Content_Length": str(len(body))}
    return await served.say(request("POST", DOOR, body, **length, **headers))


async def test_a_request_reaches_the_engine_byte_for_byte_and_its_words_come_back_bare() -> None:
    heard: list[bytes] = []

    async def answer(body: bytes) -> bytes:
        heard.append(body)
        return WORDS

    async with site(orders=orders(answer)) as served:
        said = await ask(served, b"<xml>\xff</xml>", Host="pay.example.com")
        assert (said.status, said.body) == (200, WORDS)
        assert said.headers["content-type"] == "text/xml; charset=utf-8"
        assert served.bridge.notices == []
    assert heard == [b"<xml>\xff</xml>"]


async def test_without_order_requests_nobody_is_behind_the_door() -> None:
    async with site() as served:
        assert (await ask(served, b"<xml></xml>")).status in (404, 405, 413)


async def test_what_is_no_order_request_is_refused() -> None:
    async def answer(body: bytes) -> bytes:
        raise AssertionError("nothing to answer")

    async with site(orders=orders(answer)) as served:
        assert (await served.say(request("GET", DOOR))).status == 405
        assert (await ask(served, b"x" * (64 * 1024 + 1))).status == 413
        assert served.log.lines == [("order.rejected", {"why": "oversize"})]


async def test_a_mistake_of_ours_is_told_by_its_place_and_never_by_its_words() -> None:
    async def breaks(body: bytes) -> bytes:
        raise ValueError(f"cannot read {body!r}")

    async def full(body: bytes) -> bytes:
        raise StoreFailed("disk")

    async with site(orders=orders(breaks)) as served:
        assert (await ask(served, b"<xml>openid-of-somebody</xml>")).status == 500
        assert "openid-of-somebody" not in str(served.log.lines)
    async with site(orders=orders(full)) as served:
        assert (await ask(served, b"<xml></xml>")).status == 503


async def test_a_caller_who_leaves_takes_no_answer_with_him() -> None:
    ended, begun, go = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def answer(body: bytes) -> bytes:
        begun.set()
        await go.wait()
        ended.set()
        return WORDS

    async with site(orders=orders(answer)) as served:
        caller = await served.open()
        caller.send(request("POST", DOOR, b"<xml></xml>", Content_Length="11"))
        await begun.wait()
        caller.transport.abort()
        go.set()
        async with asyncio.timeout(5):
            await ended.wait()


async def test_a_crowd_of_requests_is_bounded() -> None:
    go = asyncio.Event()
    begun: list[bytes] = []

    async def answer(body: bytes) -> bytes:
        begun.append(body)
        await go.wait()
        return WORDS

    async with site(Limits(notices=2), orders=orders(answer)) as served:
        waiting = [asyncio.create_task(ask(served, b"<xml></xml>")) for _ in range(2)]
        await until(lambda: len(begun) == 2)
        assert (await ask(served, b"<xml></xml>")).status == 503
        go.set()
        assert {each.status for each in await asyncio.gather(*waiting)} == {200}
