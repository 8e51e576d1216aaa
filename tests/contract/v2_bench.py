"""Our APIv2 adapter with the simulated platform at the other end, and the address that it calls."""

import secrets
import time
from dataclasses import dataclass
from typing import Any

from cloud_bridge.core.model import (
    OrderDraft,
    OrderPlaced,
    Payment,
    Place,
    RefundDraft,
    RefundHinted,
)
from cloud_bridge.wechat.v2_account import V2Settings
from cloud_bridge.wechat.v2_notices import V2Notices
from cloud_bridge.wechat.v2_platform import V2Platform
from cloud_bridge.wechat.v2_scans import V2OrderRequests
from tests.contract.shop import Shop
from tests.contract.simulated import Simulated
from tests.unit.wechat.v2_parties import MACHINE

PLACE = Place(store_id="S1", store_name="天河店", area_code="440106", address="天河路1号")
TOKEN = "vm-0001_12"


class Clock:
    """This computer's."""

    def now_ms(self) -> int:
        return time.monotonic_ns() // 1_000_000

    def wall_ms(self) -> int:
        return time.time_ns() // 1_000_000


def nonce() -> str:
    return secrets.token_hex(16)


@dataclass
class Bench:
    """The adapter, the platform's desk, and the address that the platform calls."""

    sim: Simulated
    shop: Shop
    settings: V2Settings
    platform: V2Platform
    notices: V2Notices
    requests: V2OrderRequests

    def draft(self, token: str = "") -> OrderDraft:
        return OrderDraft(
            sale_id=f"v2{secrets.token_hex(12)}",
            machine=MACHINE,
            description="可乐 <Cola> & ]]>",
            price_fen=350,
            pay_until_wall_ms=Clock().wall_ms() + 180_000,
            token=token,
            place=PLACE,
        )

    async def order(self) -> tuple[str, str]:
        draft = self.draft()
        placed = await self.platform.place(draft.sale_id, self.platform.compose(draft))
        assert isinstance(placed, OrderPlaced), placed
        return draft.sale_id, placed.code_url

    async def paid(self) -> str:
        sale_id, code_url = await self.order()
        self.sim.desk("pay", code_url=code_url)
        self.shop.next()
        return sale_id

    def told(self) -> Payment | RefundHinted | Any:
        return self.notices.open({}, self.shop.next(), time.time())

    def fault(self, name: str, **more: Any) -> None:
        self.sim.desk("fault", name=name, times=1, **more)

    def scan(self, code: str, wish: str = "scan", account: str = "li") -> Any:
        return self.sim.desk(wish, code_url=code, account=account)


def back(sale_id: str) -> RefundDraft:
    return RefundDraft(
        sale_id=sale_id, refund_no=f"R{sale_id}", refund_fen=350, paid_fen=350, reason="出货失败退款"
    )
