"""Our APIv3 client against a second, tiny platform that was written from the protocol's text alone."""

import secrets
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from cloud_bridge.app import SystemClock
from cloud_bridge.core.model import (
    AlreadyPaid,
    NoSuchOrder,
    OrderClosed,
    OrderDraft,
    OrderPlaced,
    Payment,
    Place,
    RefundDraft,
    RefundState,
    RefundStatus,
    Refused,
    Unpaid,
)
from cloud_bridge.ports import NoticeRejected
from cloud_bridge.wechat.certificates import LIST, CertificateList
from cloud_bridge.wechat.client import Client
from cloud_bridge.wechat.exchange import Success
from cloud_bridge.wechat.keys import Keys, PlatformKeys, load_keys
from cloud_bridge.wechat.notices import WechatNotices
from cloud_bridge.wechat.platform import WechatPlatform
from cloud_bridge.wechat.settings import PlatformPublicKey, WechatSettings
from tests.contract.tiny_v3 import APPID, KEY_ID, MCHID, SERIAL, Json, Tiny, tiny_platform, write_keys

SALE = "k3vq7c2mzs5n4x6ahb7tdyfjwe"
PLACE = Place(store_id="S-1", store_name="天河店", area_code="440106", address="天河路 1 号")


class Ours:
    """The bridge's adapter, wired as its daemon does."""

    def __init__(self, folder: Path, tiny: Tiny) -> None:
        write_keys(folder, tiny)
        public = PlatformPublicKey(id=KEY_ID, file=folder / "public.pem")
        self.settings = WechatSettings(
            mchid=MCHID,
            appid=APPID,
            merchant_serial=SERIAL,
            merchant_private_key_file=folder / "merchant.pem",
            api_v3_key_file=folder / "api_v3.key",
            notify_url="http://127.0.0.1:9/notify",
            base_url=tiny.url,
            platform_public_keys=() if tiny.by_certificate else (public,),
            download_certificates=tiny.by_certificate,
        )
        self.held = PlatformKeys()
        self.keys: Keys = load_keys(self.settings, self.held)
        self.client = Client(
            self.settings, self.keys, clock=SystemClock(), nonce=lambda: secrets.token_hex(16)
        )
        self.platform = WechatPlatform(self.settings, self.client)
        self.notices = WechatNotices(self.settings, self.keys)

    async def fetch(self) -> object:
        judge = CertificateList(self.keys, self.held, self.client.exchange, SystemClock()).judge
        return await self.client.call(LIST, judge)

    async def order(self) -> OrderPlaced:
        draft = OrderDraft(
            sale_id=SALE,
            machine="vm-0001",
            description="可乐 Cola" * 40,
            price_fen=350,
            pay_until_wall_ms=SystemClock().wall_ms() + 180_000,
            place=PLACE,
        )
        placed = await self.platform.place(SALE, self.platform.compose(draft))
        assert isinstance(placed, OrderPlaced), placed
        return placed


@pytest.fixture(params=[False, True], ids=["public key", "certificate"])
def tiny(request: pytest.FixtureRequest) -> Iterator[Tiny]:
    with tiny_platform(by_certificate=request.param) as tiny:
        yield tiny


@pytest.fixture
async def ours(tmp_path: Path, tiny: Tiny) -> AsyncIterator[Ours]:
    ours = Ours(tmp_path, tiny)
    if tiny.by_certificate:
        assert await ours.fetch() == Success(200)
    yield ours
    ours.client.close()


async def test_a_sale_from_its_order_to_its_refund(ours: Ours, tiny: Tiny) -> None:
    assert await ours.platform.query(SALE) == NoSuchOrder(sale_id=SALE)
    placed = await ours.order()
    assert placed.code_url.startswith("weixin://wxpay/bizpayurl/up?")
    assert tiny.orders[SALE]["asked"]["scene_info"]["store_info"]["area_code"] == "440106"
    assert await ours.platform.query(SALE) == Unpaid(sale_id=SALE, closed=False)
    tiny.orders[SALE]["state"] = "SUCCESS"
    paid = await ours.platform.query(SALE)
    assert isinstance(paid, Payment)
    assert (paid.paid_fen, paid.merchant_ok, paid.machine) == (350, True, "vm-0001")
    told = ours.notices.open(*tiny.notice("TRANSACTION.SUCCESS", tiny.view(SALE)), time.time())
    assert told == replace(paid, source="notice")
    assert await ours.platform.close(SALE) == AlreadyPaid(sale_id=SALE)
    draft = RefundDraft(sale_id=SALE, refund_no=f"R{SALE}", refund_fen=350, paid_fen=350, reason="退款")
    for _ in range(2):  # the same again is the same refund
        asked = await ours.platform.refund(draft)
        assert isinstance(asked, RefundStatus)
        assert asked.state is RefundState.PROCESSING
    more = await ours.platform.refund(replace(draft, refund_no=f"R2{SALE}"))
    assert isinstance(more, Refused)
    assert more.why == "invalid_request"
    tiny.refunds[f"R{SALE}"]["status"] = "SUCCESS"
    done = await ours.platform.refund_status(SALE, f"R{SALE}")
    assert isinstance(done, RefundStatus)
    assert done.state is RefundState.SUCCESS


async def test_an_order_is_closed_and_stays_so(ours: Ours, tiny: Tiny) -> None:
    await ours.order()
    for _ in range(2):
        assert await ours.platform.close(SALE) == OrderClosed(sale_id=SALE)
    assert await ours.platform.query(SALE) == Unpaid(sale_id=SALE, closed=True)


async def test_a_refunds_end_is_told_without_a_currency(ours: Ours, tiny: Tiny) -> None:
    value: Json = {
        "mchid": MCHID,
        "out_trade_no": SALE,
        "out_refund_no": f"R{SALE}",
        "refund_status": "ABNORMAL",
    }
    value |= {"refund_status": "ABNORMAL", "amount": {"total": 350, "refund": 350, "payer_refund": 350}}
    told = ours.notices.open(*tiny.notice("REFUND.ABNORMAL", value), time.time())
    assert isinstance(told, RefundStatus)
    assert told.state is RefundState.ABNORMAL


async def test_a_notice_for_another_key_or_with_another_byte_is_not_believed(ours: Ours, tiny: Tiny) -> None:
    await ours.order()
    headers, body = tiny.notice("TRANSACTION.SUCCESS", tiny.view(SALE))
    for changed, spoiled in ((headers, body + b" "), (headers | {"wechatpay-nonce": "x"}, body)):
        with pytest.raises(NoticeRejected, match="bad_signature"):
            ours.notices.open(changed, spoiled, time.time())


async def test_the_list_of_certificates_is_called_in_one_mode_only(ours: Ours, tiny: Tiny) -> None:
    await ours.order()
    listed = [call for call in tiny.calls if call == "GET /v3/certificates"]
    assert bool(listed) == tiny.by_certificate
