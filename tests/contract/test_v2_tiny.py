"""Our APIv2 client against a second platform that was written from the description alone, over TLS."""

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from cloud_bridge.core.model import (
    AlreadyPaid,
    NoSuchOrder,
    OrderClosed,
    OrderDraft,
    OrderPlaced,
    Payment,
    RefundDraft,
    RefundHinted,
    RefundState,
    RefundStatus,
    Refused,
    Unclear,
    Unpaid,
)
from cloud_bridge.wechat.client import Wire
from cloud_bridge.wechat.v2_account import V2Account, V2Settings
from cloud_bridge.wechat.v2_exchange import V2Exchange
from cloud_bridge.wechat.v2_notices import V2Notices
from cloud_bridge.wechat.v2_platform import V2Platform
from tests.contract.tiny_v2 import Tiny, tiny
from tests.contract.v2_bench import Clock, nonce
from tests.unit.wechat.v2_parties import ACCOUNT, APPID, KEY, MACHINE, MCHID, SALE

DRAFT = OrderDraft(
    sale_id=SALE, machine=MACHINE, description="可乐 & <Cola>", price_fen=350, pay_until_wall_ms=1 << 41
)
BACK = RefundDraft(sale_id=SALE, refund_no=f"R{SALE}", refund_fen=350, paid_fen=350, reason="出货失败退款")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tiny")


@pytest.fixture
def theirs(folder: Path) -> Iterator[Tiny]:
    with tiny(folder, mchid=MCHID, appid=APPID, key=KEY.decode()) as platform:
        yield platform


@pytest.fixture
def settings(theirs: Tiny, folder: Path) -> V2Settings:
    return V2Settings(
        mchid=MCHID,
        appid=APPID,
        notify_url="https://pay.example.com/notify",
        base_url=theirs.url,
        api_v2_key_file=folder / "api_v2.key",
        merchant_certificate_file=folder / "merchant.pem",
        merchant_private_key_file=folder / "merchant.key",
    )


@pytest.fixture
def wire(theirs: Tiny, settings: V2Settings) -> Iterator[Wire]:
    wire = opened(theirs, settings)
    yield wire
    wire.close()


@pytest.fixture
def platform(settings: V2Settings, wire: Wire) -> V2Platform:
    return V2Platform(settings, ACCOUNT, wire, nonce=nonce)


def opened(
    theirs: Tiny, settings: V2Settings, account: V2Account = ACCOUNT, *, authority: bool = True
) -> Wire:
    return Wire(
        settings,
        V2Exchange(account),
        clock=Clock(),
        certificate=settings.certificate,
        authorities=theirs.authority if authority else None,
    )


async def test_a_sale_is_paid_and_paid_back(theirs: Tiny, platform: V2Platform, settings: V2Settings) -> None:
    assert await platform.query(SALE) == NoSuchOrder(sale_id=SALE)
    for _ in range(2):
        assert await platform.place(SALE, platform.compose(DRAFT)) == OrderPlaced(
            sale_id=SALE, code_url="weixin://wxpay/bizpayurl?pr=1", ticket="wx1"
        )
    assert await platform.query(SALE) == Unpaid(sale_id=SALE, closed=False)
    notices = V2Notices(settings, ACCOUNT)
    told = notices.open({}, theirs.pay(SALE), time.time())
    assert isinstance(told, Payment)
    assert await platform.query(SALE) == replace(told, source="query", to_confirm=False)
    assert (told.paid_fen, told.machine, told.merchant_ok) == (350, MACHINE, True)
    assert await platform.close(SALE) == AlreadyPaid(sale_id=SALE)
    accepted = await platform.refund(BACK)
    assert isinstance(accepted, RefundStatus)
    assert accepted.state is RefundState.PROCESSING
    assert theirs.shown_certificates == [MCHID]
    hint = RefundHinted(sale_id=SALE, refund_no=BACK.refund_no)
    assert notices.open({}, theirs.refund_notice(BACK.refund_no), time.time()) == hint
    assert await platform.refund_status(SALE, BACK.refund_no) == replace(accepted, state=RefundState.SUCCESS)


async def test_an_order_is_closed_and_another_under_its_number_refused(
    theirs: Tiny, platform: V2Platform
) -> None:
    await platform.place(SALE, platform.compose(DRAFT))
    assert await platform.close(SALE) == OrderClosed(sale_id=SALE)
    assert await platform.query(SALE) == Unpaid(sale_id=SALE, closed=True)
    other = await platform.place(SALE, platform.compose(replace(DRAFT, price_fen=1)))
    assert isinstance(other, Refused)
    assert other.why == "invalid_request"


async def test_a_refund_without_the_merchants_certificate_is_unclear(
    theirs: Tiny, settings: V2Settings
) -> None:
    bare = replace(settings, merchant_certificate_file=None, merchant_private_key_file=None)
    wire = opened(theirs, bare)
    platform = V2Platform(bare, ACCOUNT, wire, nonce=nonce)
    assert isinstance(await platform.place(SALE, platform.compose(DRAFT)), OrderPlaced)
    assert await platform.refund(BACK) == Unclear(sale_id=SALE, why="http_400")
    assert theirs.refunds == {}
    wire.close()


async def test_a_platform_that_nobody_vouches_for_is_not_spoken_to(
    theirs: Tiny, settings: V2Settings
) -> None:
    wire = opened(theirs, settings, authority=False)
    platform = V2Platform(settings, ACCOUNT, wire, nonce=nonce)
    assert await platform.query(SALE) == Unclear(sale_id=SALE, why="tls")
    wire.close()


async def test_a_key_that_is_not_theirs_is_no_answer(theirs: Tiny, settings: V2Settings) -> None:
    stranger = replace(ACCOUNT, key=KEY[::-1])
    wire = opened(theirs, settings, stranger)
    platform = V2Platform(settings, stranger, wire, nonce=nonce)
    assert await platform.query(SALE) == Unclear(sale_id=SALE, why="sign_error")
    wire.close()
