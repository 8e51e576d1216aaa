"""The platform's calls for one merchant: our wishes as APIv3 requests, its answers as the bridge's facts.

Refused only when the platform said no in its own words; everything doubtful is Unclear and asked again. An
error answer may be unsigned, so a refund is looked up before a refusal of it is believed.
"""

import re
from datetime import datetime, timedelta, timezone
from typing import Final
from urllib.parse import quote

from cloud_bridge.core.model import (
    AlreadyPaid,
    NoSuchOrder,
    OrderClosed,
    OrderDraft,
    OrderPlaced,
    Payment,
    RefundDraft,
    RefundState,
    RefundStatus,
    Refused,
    Unclear,
    Unpaid,
)
from cloud_bridge.wechat import codes, facts, jsonio
from cloud_bridge.wechat.exchange import Caller, Failure, NoAnswer, Success
from cloud_bridge.wechat.settings import WechatSettings
from cloud_bridge.wechat.signing import Request

_ORDERS: Final = "/v3/pay/transactions/native"
_ORDER: Final = "/v3/pay/transactions/out-trade-no/"
_REFUNDS: Final = "/v3/refund/domestic/refunds"
_CHINA: Final = timezone(timedelta(hours=8))
_DESCRIPTION_BYTES: Final = 127
_REASON_BYTES: Final = 80
_SOURCE: Final = "query"
_CODE_URL: Final = re.compile(r"[!-~]{1,512}")
_NEVER_PAID: Final = (Unpaid, NoSuchOrder)


class WechatPlatform:
    """Implements `ports.Platform`."""

    def __init__(self, settings: WechatSettings, client: Caller) -> None:
        self._settings: Final = settings
        self._client: Final = client

    # ------------------------------------------------------------ orders

    def compose(self, order: OrderDraft) -> bytes:
        """The order's exact bytes. Every repeat must send the same: any other member is refused there."""
        pay_until = datetime.fromtimestamp(order.pay_until_wall_ms // 1000, _CHINA)
        return jsonio.write(
            {
                "appid": self._settings.appid,
                "mchid": self._settings.mchid,
                "description": _within(order.description, _DESCRIPTION_BYTES),
                "out_trade_no": order.sale_id,
                "time_expire": pay_until.isoformat(),
                "attach": order.machine,
                "notify_url": self._settings.notify_url,
                "amount": {"total": order.price_fen, "currency": facts.CURRENCY},
                "scene_info": {
                    "payer_client_ip": self._settings.terminal_ip,
                    "device_id": order.machine,
                    **_store(order),
                },
            }
        )

    async def place(self, sale_id: str, body: bytes) -> OrderPlaced | Refused | Unclear:
        """Place an order, or take its code anew."""
        match await self._client.call(Request("POST", _ORDERS, body)):
            case Success(value=value):
                try:
                    return OrderPlaced(sale_id=sale_id, code_url=jsonio.text(value, "code_url", _CODE_URL))
                except jsonio.BadJson:
                    return Unclear(sale_id=sale_id, why="bad_answer")
            case Failure(why=why, detail=detail) if why not in codes.NOT_NOW:
                return Refused(sale_id=sale_id, why=why, detail=detail)
            case Failure(why=why) | NoAnswer(why=why):
                return Unclear(sale_id=sale_id, why=why)

    async def query(self, sale_id: str) -> Payment | Unpaid | NoSuchOrder | Unclear:
        """Ask for an order by our own number: an unpaid one has no other."""
        target = f"{_ORDER}{quote(sale_id, safe='')}?mchid={self._settings.mchid}"
        match await self._client.call(Request("GET", target)):
            case Success(value=value):
                try:
                    return self._order(sale_id, value)
                except jsonio.BadJson:
                    return Unclear(sale_id=sale_id, why="bad_answer")
            case Failure(why="order_not_exist"):
                return NoSuchOrder(sale_id=sale_id)
            case Failure(why=why) | NoAnswer(why=why):
                return Unclear(sale_id=sale_id, why=why)

    def _order(self, sale_id: str, value: jsonio.Json) -> Payment | Unpaid | Unclear:
        state = jsonio.text(value, "trade_state")
        if value.get("out_trade_no") != sale_id:
            return Unclear(sale_id=sale_id, why="other_order")
        if state in codes.PAID:
            return facts.payment(value, self._settings, source=_SOURCE, given_back=state == codes.GIVEN_BACK)
        if (value.get("mchid"), value.get("appid")) != (self._settings.mchid, self._settings.appid):
            return Unclear(sale_id=sale_id, why="other_merchant")
        if state in codes.UNPAID:
            return Unpaid(sale_id=sale_id, closed=codes.UNPAID[state])
        return Unclear(sale_id=sale_id, why="unknown_state")

    async def close(self, sale_id: str) -> OrderClosed | AlreadyPaid | Unclear:
        """Close an order. An order that is not there cannot be paid either, which is all that a 204 says."""
        body = jsonio.write({"mchid": self._settings.mchid})
        match await self._client.call(Request("POST", f"{_ORDER}{quote(sale_id, safe='')}/close", body)):
            case Success(status=204):
                return OrderClosed(sale_id=sale_id)
            case Success(status=status):
                return Unclear(sale_id=sale_id, why="user_paying" if status == 202 else "bad_answer")
            case Failure(why="order_paid"):
                return AlreadyPaid(sale_id=sale_id)
            case Failure(why="order_not_exist"):
                return OrderClosed(sale_id=sale_id)
            case Failure(why=why) | NoAnswer(why=why):
                return Unclear(sale_id=sale_id, why=why)

    # ------------------------------------------------------------ refunds

    async def refund(self, refund: RefundDraft) -> RefundStatus | Refused | Unclear:
        """Ask for a refund. The same draft makes the same bytes, as its repeats must."""
        amount = {"refund": refund.refund_fen, "total": refund.paid_fen, "currency": facts.CURRENCY}
        body = {
            "out_trade_no": refund.sale_id,
            "out_refund_no": refund.refund_no,
            "reason": _within(refund.reason, _REASON_BYTES),
            "notify_url": self._settings.notify_url,
            "amount": amount,
        }
        match await self._client.call(Request("POST", _REFUNDS, jsonio.write(body))):
            case Success(value=value):
                return _refund(refund.sale_id, refund.refund_no, value)
            case Failure(why=why, detail=detail) if why not in codes.NOT_NOW:
                return await self._looked_up(refund, Refused(sale_id=refund.sale_id, why=why, detail=detail))
            case Failure(why=why) | NoAnswer(why=why):
                return Unclear(sale_id=refund.sale_id, why=why)

    async def _looked_up(self, refund: RefundDraft, said: Refused) -> RefundStatus | Refused | Unclear:
        """A refused repeat may follow a try that was taken: what the platform holds goes first."""
        if said.why == "not_enough":
            return said  # asked again until the merchant has topped up
        status = await self.refund_status(refund.sale_id, refund.refund_no)
        if isinstance(status, Unclear) or status.state is not RefundState.ABSENT:
            return status
        if said.why in codes.NOT_THERE and not isinstance(await self.query(refund.sale_id), _NEVER_PAID):
            return Unclear(sale_id=refund.sale_id, why=said.why)  # paid, and "not there": ask again
        return said

    async def refund_status(self, sale_id: str, refund_no: str) -> RefundStatus | Unclear:
        """Ask for a refund by our own number."""
        match await self._client.call(Request("GET", f"{_REFUNDS}/{quote(refund_no, safe='')}")):
            case Success(value=value):
                return _refund(sale_id, refund_no, value)
            case Failure(why="resource_not_exists"):
                return RefundStatus(
                    sale_id=sale_id,
                    refund_no=refund_no,
                    state=RefundState.ABSENT,
                    refund_fen=0,
                    source=_SOURCE,
                )
            case Failure(why=why) | NoAnswer(why=why):
                return Unclear(sale_id=sale_id, why=why)


def _refund(sale_id: str, refund_no: str, value: jsonio.Json) -> RefundStatus | Unclear:
    try:
        status = facts.refund_status(value, "status", source=_SOURCE)
    except jsonio.BadJson:
        return Unclear(sale_id=sale_id, why="bad_answer")
    if (status.sale_id, status.refund_no) != (sale_id, refund_no):
        return Unclear(sale_id=sale_id, why="other_refund")
    return status


def _store(order: OrderDraft) -> jsonio.Json:
    """All four members or none: descriptions differ in which of them are compulsory."""
    place = order.place
    if place is None:
        return {}
    names = {"id": place.store_id, "name": place.store_name}
    return {"store_info": names | {"area_code": place.area_code, "address": place.address}}


def _within(words: str, most: int) -> str:
    """Words for the payer: no control characters, which break the payment page, and limits are in bytes."""
    clean = " ".join("".join(each if each.isprintable() else " " for each in words).split())
    return clean.encode()[:most].decode(errors="ignore").rstrip()
