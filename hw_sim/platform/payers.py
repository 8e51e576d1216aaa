"""People with phones: scan a code, see what it costs, pay it or go away, in time or too late.

From the rules under "create an order" and the payer model of the APIv3 description.
"""

import base64
import hashlib
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from hw_sim.platform.fields import spoiled
from hw_sim.platform.ids import Ids
from hw_sim.platform.orders import CODE_LIFE_MS, Order, OrderBook, Shop, State

SOMEBODY: Final = "somebody"


class Reason(StrEnum):
    """Why a phone shows an error instead of a payment page."""

    UNKNOWN_CODE = "unknown_code"
    OLD_CODE = "old_code"  # replaced by a newer one, or older than two hours
    SPOILED = "spoiled"  # a null or control character in the order breaks the page
    OTHER_ACCOUNT = "other_account"  # somebody else has opened the page before
    PAID = "paid"
    CLOSED = "closed"
    EXPIRED = "expired"
    BAD_CODE = "bad_code"  # names a product, and is not signed by the merchant
    NO_ANSWER = "no_answer"  # the merchant did not say what it costs
    BAD_ANSWER = "bad_answer"
    NO_XML = "no_xml"
    MERCHANT_REFUSED = "merchant_refused"  # in the merchant's own words


_TEXTS: Final = {
    Reason.UNKNOWN_CODE: "二维码无效",
    Reason.OLD_CODE: "二维码已过期，请重新获取",
    Reason.SPOILED: "系统繁忙",
    Reason.OTHER_ACCOUNT: "商家订单信息有误，请重新下单支付",
    Reason.PAID: "该订单已支付",
    Reason.CLOSED: "订单已关闭",
    Reason.EXPIRED: "订单已过期",
    Reason.BAD_CODE: "原生支付URL参数错误",
    Reason.NO_ANSWER: "获取商户订单信息超时或者商户返回的httpcode非200",
    Reason.BAD_ANSWER: "商户后台返回的数据字段结构不合法",
    Reason.NO_XML: "package info not match special pay url",
    Reason.MERCHANT_REFUSED: "商户暂时无法提供服务",
}
# A payment that was submitted in time does not care about what happened to order and code meanwhile.
_OVERTAKEN: Final = frozenset({Reason.OLD_CODE, Reason.CLOSED, Reason.EXPIRED})


class PayerRefused(Exception):
    """The phone shows `text` and no money moves; without one, the words that belong to the reason."""

    def __init__(self, reason: Reason, text: str = "") -> None:
        self.reason = reason
        self.text = text or _TEXTS[reason]
        super().__init__(f"the payer sees: {self.text}")


@dataclass(frozen=True, slots=True)
class Page:
    """What the phone shows after the scan."""

    out_trade_no: str
    description: str
    amount_fen: int
    merchant: str
    state: State


class Payers:
    """Everybody who has WeChat. An account is any text; it becomes an openid of the merchant's app."""

    def __init__(self, *, orders: OrderBook, shop: Shop, ids: Ids) -> None:
        self._orders = orders
        self._shop = shop
        self._ids = ids

    def scan(self, code_url: str, account: str, now_ms: int) -> Page:
        """Open the payment page, which shuts it for other accounts. Raises PayerRefused."""
        order = self._orders.put(replace(self._payable(code_url, account, now_ms), opened_by=account))
        return Page(
            out_trade_no=order.out_trade_no,
            description=order.request["description"],
            amount_fen=order.total_fen,
            merchant=self._shop.name,
            state=order.state,
        )

    def cancel(self, code_url: str, now_ms: int) -> Order:
        """Leave the page. Nothing happens at the platform. Raises PayerRefused for a code nobody made."""
        order = self._orders.by_code(code_url, now_ms)
        if order is None:
            raise PayerRefused(Reason.UNKNOWN_CODE)
        return order

    def pay(self, code_url: str, account: str, now_ms: int, *, race: bool) -> Order:
        """Pay in full. With `race` the payment was submitted in time and completes only now.

        Raises PayerRefused.
        """
        order = self._payable(code_url, account, now_ms, race=race)
        return self._orders.put(
            replace(
                order,
                state=State.SUCCESS,
                opened_by=account,
                openid=openid_of(self._shop.appid, account),
                transaction_id=self._ids.transaction_id(now_ms),
                paid_ms=now_ms,
            )
        )

    def _payable(self, code_url: str, account: str, now_ms: int, *, race: bool = False) -> Order:
        order = self._orders.by_code(code_url, now_ms)
        if order is None:
            raise PayerRefused(Reason.UNKNOWN_CODE)
        reason = _obstacle(order, code_url, account, now_ms)
        if reason is not None and not (race and reason in _OVERTAKEN):
            raise PayerRefused(reason)
        return order


def _obstacle(order: Order, code_url: str, account: str, now_ms: int) -> Reason | None:
    hindrances = (
        (bool(order.transaction_id), Reason.PAID),
        (spoiled(order.request), Reason.SPOILED),
        (order.opened_by not in ("", account), Reason.OTHER_ACCOUNT),
        (order.state is State.CLOSED, Reason.CLOSED),
        (order.expired(now_ms), Reason.EXPIRED),
        (order.code_url != code_url or now_ms - order.code_made_ms >= CODE_LIFE_MS, Reason.OLD_CODE),
    )
    return next((reason for hindered, reason in hindrances if hindered), None)


def openid_of(appid: str, account: str) -> str:
    """What the merchant's app knows an account as."""
    digest = hashlib.sha256(f"{appid}/{account}".encode()).digest()
    return "o" + base64.urlsafe_b64encode(digest).decode("ascii")[:27]
