"""What tests of APIv2 share: a running platform, a shop that it calls, and the adapter between them."""

import secrets
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import pytest

from cloud_bridge.wechat.client import Wire
from cloud_bridge.wechat.v2_account import V2Settings, load_account
from cloud_bridge.wechat.v2_exchange import V2Exchange
from cloud_bridge.wechat.v2_notices import V2Notices
from cloud_bridge.wechat.v2_platform import V2Platform
from cloud_bridge.wechat.v2_scans import V2OrderRequests
from tests.contract.shop import Shop, open_shop
from tests.contract.simulated import Simulated
from tests.contract.v2_bench import Bench, Clock, nonce


@pytest.fixture(scope="module")
def older_shop() -> Iterator[Shop]:
    with open_shop() as shop:
        yield shop


@pytest.fixture(scope="module")
def older_sim(tmp_path_factory: pytest.TempPathFactory, older_shop: Shop) -> Iterator[Simulated]:
    keys = tmp_path_factory.mktemp("platform") / "keys"
    with Simulated(keys, "--refund-delay-ms", "30", "--order-url", older_shop.order_url) as sim:
        yield sim


@pytest.fixture(scope="module")
def older_settings(older_sim: Simulated, older_shop: Shop) -> V2Settings:
    known = older_sim.credentials()
    return V2Settings(
        mchid=known["mchid"],
        appid=known["appid"],
        notify_url=older_shop.notify_url,
        base_url=older_sim.url,
        api_v2_key_file=older_sim.keys / "api_v2.key",
    )


@pytest.fixture
async def older(older_sim: Simulated, older_shop: Shop, older_settings: V2Settings) -> AsyncIterator[Bench]:
    sim, shop = older_sim, older_shop
    shop.path = f"/notify/{secrets.token_hex(4)}"
    keys = replace(older_settings, notify_url=shop.notify_url)
    account = load_account(keys)
    wire = Wire(keys, V2Exchange(account), clock=Clock())
    yield Bench(
        sim=sim,
        shop=shop,
        settings=keys,
        platform=V2Platform(keys, account, wire, nonce=nonce),
        notices=V2Notices(keys, account),
        requests=V2OrderRequests(account, nonce=nonce),
    )
    wire.close()
    sim.desk("fault", clear=True)
    shop.letters.clear()
    shop.arrived = threading.Semaphore(0)
