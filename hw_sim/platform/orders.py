"""Orders of APIv3 Native: creation with re-entry, the single live code, closing, and the view a query shows.

From "create an order", "query and close" and "states" of the APIv3 description.
"""

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

from hw_sim.platform.answers import REENTRY_DIFFERS, ApiError, JsonObject, from_rfc3339, rfc3339
from hw_sim.platform.ids import Ids

CODE_LIFE_MS: Final = 2 * 3_600_000
ORDER_LIFE_MS: Final = 7 * 24 * 3_600_000
SHORTEST_WINDOW_MS: Final = 60_000


class State(StrEnum):
    """`trade_state`, as far as Native payment has it."""

    NOTPAY = "NOTPAY"
    SUCCESS = "SUCCESS"
    REFUND = "REFUND"
    CLOSED = "CLOSED"


_DESCRIPTIONS: Final = {
    State.NOTPAY: "订单未支付",
    State.SUCCESS: "支付成功",
    State.REFUND: "转入退款",
    State.CLOSED: "订单已关闭",
}


@dataclass(frozen=True, slots=True)
class Shop:
    """The merchant as its customers and its orders know it."""

    mchid: str
    appid: str
    name: str


@dataclass(frozen=True, slots=True)
class Order:
    """One order number. `expires_ms` is None when the merchant set no `time_expire`."""

    request: JsonObject = field(repr=False)
    made_ms: int
    expires_ms: int | None
    code_url: str = field(repr=False)
    code_made_ms: int
    state: State = State.NOTPAY
    opened_by: str = field(default="", repr=False)
    openid: str = field(default="", repr=False)
    transaction_id: str = ""
    paid_ms: int = 0

    @property
    def out_trade_no(self) -> str:
        """The merchant's number."""
        return str(self.request["out_trade_no"])

    @property
    def total_fen(self) -> int:
        """What the payer is asked for."""
        return int(self.request["amount"]["total"])

    @property
    def paid_fen(self) -> int:
        """What was taken from a payer: everything or nothing."""
        return self.total_fen if self.transaction_id else 0

    def expired(self, now_ms: int) -> bool:
        """Tell whether the pay window is over. That does not close the order."""
        return self.expires_ms is not None and now_ms >= self.expires_ms


def view(order: Order, shop: Shop) -> JsonObject:
    """Show an order as a query does, and, once it is paid, as a notification does."""
    shown: JsonObject = {
        "appid": shop.appid,
        "mchid": shop.mchid,
        "out_trade_no": order.out_trade_no,
        "trade_state": order.state.value,
        "trade_state_desc": _DESCRIPTIONS[order.state],
        "attach": order.request.get("attach") or "",
        "amount": {"total": order.total_fen, "currency": "CNY"},
    }
    device_id = (order.request.get("scene_info") or {}).get("device_id")
    if device_id:
        shown["scene_info"] = {"device_id": device_id}
    if order.transaction_id:
        shown["transaction_id"] = order.transaction_id
        shown["trade_type"] = "NATIVE"
        shown["bank_type"] = "OTHERS"
        shown["success_time"] = rfc3339(order.paid_ms)
        shown["payer"] = {"openid": order.openid}
        shown["amount"] |= {"payer_total": order.total_fen, "payer_currency": "CNY"}
    return shown


class OrderBook:
    """All orders of one merchant, kept in memory for the run.

    `shorten_minimum_expiry` is the simulator's own: the platform moves a `time_expire` earlier than one
    minute from now to one minute from now; with the option it is taken as it stands.
    """

    def __init__(self, *, shop: Shop, ids: Ids, shorten_minimum_expiry: bool) -> None:
        self._shop = shop
        self._ids = ids
        self._shortest_ms = 0 if shorten_minimum_expiry else SHORTEST_WINDOW_MS
        self._orders: dict[str, Order] = {}
        self._numbers_by_code: dict[str, str] = {}
        self._numbers_by_transaction: dict[str, str] = {}

    def create(self, request: JsonObject, now_ms: int) -> Order:
        """Take an order, or the same one again with a new code. Raises ApiError."""
        if request["appid"] != self._shop.appid:
            raise ApiError(400, "APPID_MCHID_NOT_MATCH", "appid和mchid不匹配，请检查后再试")
        known = self.get(request["out_trade_no"], now_ms)
        if known is not None:
            _check_reentry(known, request, now_ms)
            return self.put(replace(known, code_url=self._ids.code_url(), code_made_ms=now_ms))
        return self.put(
            Order(
                request=request,
                made_ms=now_ms,
                expires_ms=self._expiry(request, now_ms),
                code_url=self._ids.code_url(),
                code_made_ms=now_ms,
            )
        )

    def _expiry(self, request: JsonObject, now_ms: int) -> int | None:
        asked = request.get("time_expire")
        return None if asked is None else max(from_rfc3339(asked), now_ms + self._shortest_ms)

    def close(self, out_trade_no: str, now_ms: int) -> Order | None:
        """Close what is not paid; an unknown number is as good as closed. Raises ApiError when paid."""
        order = self.get(out_trade_no, now_ms)
        if order is None:
            return None
        if order.transaction_id:
            raise ApiError(400, "ORDERPAID", "该订单已支付")
        return self.put(replace(order, state=State.CLOSED))

    def get(self, out_trade_no: str, now_ms: int) -> Order | None:
        """Give an order as it stands now: unpaid ones end by themselves after a week."""
        order = self._orders.get(out_trade_no)
        if order and order.state is State.NOTPAY and now_ms - order.made_ms >= ORDER_LIFE_MS:
            return self.put(replace(order, state=State.CLOSED))
        return order

    def by_code(self, code_url: str, now_ms: int) -> Order | None:
        """Give the order a code was made for, also when a newer code has taken its place."""
        return self.get(self._numbers_by_code.get(code_url, ""), now_ms)

    def by_transaction(self, transaction_id: str, now_ms: int) -> Order | None:
        """Give a paid order."""
        return self.get(self._numbers_by_transaction.get(transaction_id, ""), now_ms)

    def put(self, order: Order) -> Order:
        """Keep a new or changed order."""
        self._orders[order.out_trade_no] = order
        self._numbers_by_code[order.code_url] = order.out_trade_no
        if order.transaction_id:
            self._numbers_by_transaction[order.transaction_id] = order.out_trade_no
        return order

    def all(self) -> tuple[Order, ...]:
        """Give every order, oldest first."""
        return tuple(self._orders.values())


def _check_reentry(known: Order, request: JsonObject, now_ms: int) -> None:
    if request != known.request:
        raise ApiError(400, "INVALID_REQUEST", "请求重入时，参数与首次请求时不一致", number=REENTRY_DIFFERS)
    if known.transaction_id:
        raise ApiError(400, "ORDERPAID", "该订单已支付")
    if known.state is State.CLOSED:
        raise ApiError(400, "ORDER_CLOSED", "订单已关闭")
    if known.expired(now_ms):
        raise ApiError(400, "INVALID_REQUEST", "订单已过期，请关闭后使用新的商户订单号下单")
