"""Reports of deliveries to mini-programs: once the order is known there, once, with a token that lasts."""

import asyncio
import random
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from cloud_bridge.core.delivery import Report
from cloud_bridge.engine_shipping import TRIES, Shipping
from cloud_bridge.store.books import SqlStore
from cloud_bridge.wechat import jsonio
from cloud_bridge.wechat.settings import MerchantSettings
from cloud_bridge.wechat.shipping import MiniProgram
from hw_sim.platform.answers import Call
from hw_sim.platform.ids import Ids
from hw_sim.platform.orders import Shop as TheirShop
from hw_sim.platform.shipping import Shipping as Theirs
from tests.unit.desk.shop import ADDRESS, VENDED, Shop
from tests.unit.sim_platform.bench import NUMBER, Bench

APP = "app-secret-of-this-test"


class Host:
    """The mini-program host's counter."""

    def __init__(self, theirs: Theirs, bench: Bench) -> None:
        self.theirs, self.bench = theirs, bench
        self.asked: list[str] = []
        self.silent = 0

    async def post(self, target: str, body: Mapping[str, Any]) -> Mapping[str, Any] | str:
        return await self._call(Call("POST", target, {}, jsonio.write(body)))

    async def get(self, target: str) -> Mapping[str, Any] | str:
        return await self._call(Call("GET", target, {}))

    async def _call(self, call: Call) -> Mapping[str, Any] | str:
        await asyncio.sleep(0)
        self.asked.append(call.path.rpartition("/")[2])
        answer = self.theirs.handle(call, self.bench.now_ms)
        if self.silent:
            self.silent -= 1
            return "timeout"
        return jsonio.read(answer.body)


class Counter:
    """A shop that reports what it delivers."""

    def __init__(self, shop: Shop) -> None:
        self.shop, bench = shop, shop.bench
        merchant = bench.keys.merchant
        self.theirs = Theirs(
            platform=bench.platform,
            shop=TheirShop(merchant.mchid, merchant.appid, "Shop"),
            ids=Ids(random.Random(2)),
            app_secret=APP,
        )
        self.host = Host(self.theirs, bench)
        settings = MerchantSettings(mchid=merchant.mchid, appid=merchant.appid, notify_url=ADDRESS)
        calls = MiniProgram(settings, shop.counter, self.host, app_secret=APP, clock=shop.counter)
        self.shipping = Shipping(store=shop.store, calls={"": calls}, clock=shop.counter, log=shop.log)

    async def passes(self, seconds: int, step_s: int = 5) -> None:
        for _ in range(0, seconds, step_s):
            self.shop.bench.now_ms += step_s * 1000
            await self.shipping.work()

    async def report(self) -> tuple[Report, int]:
        row = await self.shop.store.on_desk(lambda tx: tx.delivery(NUMBER))
        assert row is not None
        return row.report, row.report_tries

    @property
    def shipped(self) -> Any:
        return self.theirs.book()["shipped"]


@pytest.fixture
def counter(make_bench: Callable[..., Bench], store: SqlStore) -> Counter:
    return Counter(Shop(make_bench(), store))


async def test_an_order_that_is_not_known_yet_is_reported_when_it_is(counter: Counter) -> None:
    counter.theirs.set({"unknown_for_ms": 40_000})
    await counter.shop.sold(**VENDED)
    await counter.passes(20)
    assert await counter.report() == (Report.DUE, 1)
    await counter.passes(60)
    report, tries = await counter.report()
    assert (report, tries) == (Report.DONE, 3)
    ((told,),) = counter.shipped.values()
    assert (told["logistics_type"], told["shipping_list"]) == (4, [{"item_desc": "可乐 x1"}])


async def test_a_delivery_is_reported_once_though_its_answer_was_lost(counter: Counter) -> None:
    await counter.shop.sold(**VENDED)
    counter.host.silent = 2  # the token's, then the report's
    await counter.passes(120)
    assert (await counter.report())[0] is Report.DONE
    assert [len(each) for each in counter.shipped.values()] == [1]
    await counter.passes(60)
    assert (await counter.report())[0] is Report.DONE


async def test_one_token_serves_until_it_ends_and_a_void_one_is_fetched_anew(counter: Counter) -> None:
    counter.theirs.set({"unknown_for_ms": 100_000})
    await counter.shop.sold(**VENDED)
    await counter.passes(90)
    assert counter.host.asked.count("stable_token") == 1
    counter.theirs.revoke()
    await counter.passes(120)
    assert (await counter.report())[0] is Report.DONE
    assert counter.host.asked.count("stable_token") == 2


async def test_a_wrong_secret_is_refused_and_an_alarm(counter: Counter) -> None:
    await counter.shop.sold(**VENDED)
    counter.theirs._app_secret = "another"
    await counter.passes(30)
    assert (await counter.report())[0] is Report.REFUSED
    assert "shipping_refused" in {alarm.name for alarm in await counter.shop.store.alarms()}
    assert APP not in repr(counter.shop.log.lines)


async def test_an_order_that_never_appears_is_given_up_after_a_day(counter: Counter) -> None:
    counter.theirs.set({"unknown_for_ms": 10 * 24 * 3_600_000})
    await counter.shop.sold(**VENDED)
    await counter.passes(36 * 3600, step_s=1800)
    report, tries = await counter.report()
    assert (report, tries) == (Report.REFUSED, TRIES)


async def test_what_did_not_come_out_is_not_reported(counter: Counter) -> None:
    await counter.shop.sold()
    await counter.passes(60)
    assert await counter.report() == (Report.NONE, 0)
    assert counter.host.asked == []


async def test_no_openid_and_no_token_is_kept_or_said(counter: Counter) -> None:
    await counter.shop.sold(**VENDED)
    await counter.passes(60)
    order = counter.shop.bench.platform.paid_order(NUMBER, counter.shop.bench.now_ms)
    assert order is not None
    told = repr([counter.shop.log.lines, await counter.shop.store.sale(NUMBER), counter.shipping.__dict__])
    assert order.openid not in told
    assert replace(order).openid  # there was one
