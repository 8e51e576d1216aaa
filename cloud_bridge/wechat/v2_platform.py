"""The platform's calls for one merchant by APIv2, told in the same facts as those by APIv3.

Refused only when the platform said no under its signature; everything doubtful is Unclear and asked again. A
refused refund is looked up before the refusal is believed: the refusal may be about a repeat.
"""

import hashlib
import hmac
import json
import re
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Final

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
    Unclear,
    Unpaid,
)
from cloud_bridge.wechat import codes, facts, jsonio, v2_facts
from cloud_bridge.wechat.exchange import Caller, Failure, NoAnswer, Success
from cloud_bridge.wechat.v2_account import V2Account, V2Settings
from cloud_bridge.wechat.v2_codes import NOT_NOW
from cloud_bridge.wechat.v2_exchange import V2Calls, body
from cloud_bridge.wechat.v2_xml import Members
from cloud_bridge.wechat.words import within

_CHINA: Final = timezone(timedelta(hours=8))
_DESCRIPTION_BYTES: Final = 127
_REASON_BYTES: Final = 80
_SOURCE: Final = "query"
_NEVER_PAID: Final = (Unpaid, NoSuchOrder)
_CODE_URL: Final = re.compile(r"[!-~]{1,512}")
_TICKET: Final = re.compile(r"[!-~]{1,64}")
_COUNT: Final = re.compile(r"[0-9]{1,2}")


class V2Platform:
    """Implements `ports.Platform`. `nonce` gives at most 32 random letters and digits."""

    def __init__(
        self, settings: V2Settings, account: V2Account, client: Caller, *, nonce: Callable[[], str]
    ) -> None:
        self._settings: Final = settings
        self._account: Final = account
        self._calls: Final = V2Calls(account, client, nonce=nonce)

    # ------------------------------------------------------------ orders

    def compose(self, order: OrderDraft) -> bytes:
        """The order's exact bytes. Every repeat must send the same: any other member is refused there.

        Without a scanned token the product is the order itself; the platform wants to hear of one.
        """
        pay_until = datetime.fromtimestamp(order.pay_until_wall_ms // 1000, _CHINA)
        members = {
            "device_info": order.machine,
            "body": within(order.description, _DESCRIPTION_BYTES),
            "attach": order.machine,
            "out_trade_no": order.sale_id,
            "fee_type": facts.CURRENCY,
            "total_fee": str(order.price_fen),
            "spbill_create_ip": self._settings.terminal_ip,
            "time_expire": f"{pay_until:%Y%m%d%H%M%S}",
            "notify_url": self._settings.notify_url,
            "trade_type": facts.NATIVE,
            "product_id": order.token or order.sale_id,
        }
        if order.place is not None:
            members["scene_info"] = _scene(order.place)
        # Without chance, and yet nobody without the key can tell it in advance.
        nonce = hmac.new(self._account.key, order.sale_id.encode(), hashlib.sha256).hexdigest()[:32]
        return body(self._account, members, nonce=nonce)

    async def place(self, sale_id: str, body: bytes) -> OrderPlaced | Refused | Unclear:
        """Place the order with these bytes."""
        match await self._calls.send("/pay/unifiedorder", body):
            case Success(value=value):
                try:
                    return OrderPlaced(
                        sale_id=sale_id,
                        code_url=jsonio.text(value, "code_url", _CODE_URL),
                        ticket=jsonio.text(value, "prepay_id", _TICKET),
                    )
                except jsonio.BadJson:
                    return Unclear(sale_id=sale_id, why="bad_answer")
            case Failure(why=why, detail=detail) if why not in NOT_NOW:
                return Refused(sale_id=sale_id, why=why, detail=detail)
            case Failure(why=why) | NoAnswer(why=why):
                return Unclear(sale_id=sale_id, why=why)

    async def query(self, sale_id: str) -> Payment | Unpaid | NoSuchOrder | Unclear:
        """Ask for an order by our own number: an unpaid one has no other."""
        match await self._calls.call("/pay/orderquery", {"out_trade_no": sale_id}):
            case Success(value=value):
                try:
                    return self._order(sale_id, value)
                except jsonio.BadJson:
                    return Unclear(sale_id=sale_id, why="bad_answer")
            case Failure(why="order_not_exist"):
                return NoSuchOrder(sale_id=sale_id)
            case Failure(why=why) | NoAnswer(why=why):
                return Unclear(sale_id=sale_id, why=why)

    def _order(self, sale_id: str, value: Members) -> Payment | Unpaid | Unclear:
        state = jsonio.text(value, "trade_state")
        if value.get("out_trade_no") != sale_id:
            return Unclear(sale_id=sale_id, why="other_order")
        if state in codes.PAID:
            given_back = state == codes.GIVEN_BACK
            return v2_facts.payment(value, self._settings, source=_SOURCE, given_back=given_back)
        if state in codes.UNPAID:
            return Unpaid(sale_id=sale_id, closed=codes.UNPAID[state])
        return Unclear(sale_id=sale_id, why="unknown_state")

    async def close(self, sale_id: str) -> OrderClosed | AlreadyPaid | Unclear:
        """Close an order. One that is not there, or closed already, cannot be paid either."""
        match await self._calls.call("/pay/closeorder", {"out_trade_no": sale_id}):
            case Success() | Failure(why="order_closed" | "order_not_exist"):
                return OrderClosed(sale_id=sale_id)
            case Failure(why="order_paid"):
                return AlreadyPaid(sale_id=sale_id)
            case Failure(why=why) | NoAnswer(why=why):
                return Unclear(sale_id=sale_id, why=why)

    # ------------------------------------------------------------ refunds

    async def refund(self, refund: RefundDraft) -> RefundStatus | Refused | Unclear:
        """Ask for a refund. The answer says that it was accepted, and never more than that."""
        members = {
            "out_trade_no": refund.sale_id,
            "out_refund_no": refund.refund_no,
            "total_fee": str(refund.paid_fen),
            "refund_fee": str(refund.refund_fen),
            "refund_fee_type": facts.CURRENCY,
            "refund_desc": within(refund.reason, _REASON_BYTES),
            "notify_url": self._settings.notify_url,
        }
        match await self._calls.call("/secapi/pay/refund", members):
            case Success(value=value):
                accepted = {**value, "refund_status": "PROCESSING"}
                return _refund(refund.sale_id, refund.refund_no, accepted)
            case Failure(why=why, detail=detail) if why not in NOT_NOW:
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
        match await self._calls.call("/pay/refundquery", {"out_refund_no": refund_no}):
            case Success(value=value):
                return _refund(sale_id, refund_no, value, at=_place_of(refund_no, value))
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

    # ------------------------------------------------------------ codes

    async def short(self, code_url: str) -> str:
        """A product's code in fewer characters, or the code itself when the platform does not give one."""
        match await self._calls.call("/tools/shorturl", {"long_url": code_url}):
            case Success(value=value):
                short = value.get("short_url", "")
                return short if _CODE_URL.fullmatch(short) and len(short) < len(code_url) else code_url
            case _:
                return code_url


def _refund(sale_id: str, refund_no: str, value: Members, *, at: str = "") -> RefundStatus | Unclear:
    try:
        status = v2_facts.refund_status(value, source=_SOURCE, at=at)
    except jsonio.BadJson:
        return Unclear(sale_id=sale_id, why="bad_answer")
    if (status.sale_id, status.refund_no) != (sale_id, refund_no):
        return Unclear(sale_id=sale_id, why="other_refund")
    return status


def _place_of(refund_no: str, value: Members) -> str:
    """The ending of a refund's names; the first one's when it is not there, and then it does not fit."""
    said = value.get("refund_count", "1")
    count = int(said) if _COUNT.fullmatch(said) else 1
    return next((f"_{at}" for at in range(count) if value.get(f"out_refund_no_{at}") == refund_no), "_0")


def _scene(place: Place) -> str:
    store = {
        "id": place.store_id,
        "name": place.store_name,
        "area_code": place.area_code,
        "address": place.address,
    }
    return json.dumps({"store_info": store}, ensure_ascii=False, separators=(",", ":"))
