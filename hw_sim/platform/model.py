"""The platform without wires: orders, payers, refunds and notices of one merchant, and the truth about money.

Pure: every call takes `now_ms` (Unix milliseconds) and chance comes from the given source, so that the same
model runs in virtual time and behind HTTP.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

from hw_sim.platform import orders, refunds
from hw_sim.platform.answers import ApiError, JsonObject
from hw_sim.platform.events import Events
from hw_sim.platform.faults import Fault, Faults
from hw_sim.platform.ids import Ids
from hw_sim.platform.notices import Delivery, Notice, NoticeBook
from hw_sim.platform.orders import Order, OrderBook, Shop, State
from hw_sim.platform.payers import SOMEBODY, Page, Payers
from hw_sim.platform.purse import Purse
from hw_sim.platform.refunds import Refund, RefundBook, Status

_SUMMARIES: Final = {Status.SUCCESS: "退款成功", Status.CLOSED: "退款关闭", Status.ABNORMAL: "退款异常"}


@dataclass(frozen=True, slots=True)
class Rules:
    """What the real platform fixes and a simulation may bend. The defaults do not bend anything.

    `shorten_minimum_expiry` takes a `time_expire` earlier than a minute from now as it stands. `float_fen` is
    what the merchant keeps for refunds beside the takings; None: refunds never lack money.
    """

    refund_delay_ms: int = 3_000
    notify_speedup: float = 1.0
    shorten_minimum_expiry: bool = False
    float_fen: int | None = None

    def __post_init__(self) -> None:
        """Raise ValueError for a number out of range."""
        if self.refund_delay_ms < 0:
            raise ValueError(f"refund_delay_ms: found {self.refund_delay_ms}, allowed 0 or more")
        if not 1 <= self.notify_speedup <= 10_000:
            raise ValueError(f"notify_speedup: found {self.notify_speedup}, allowed 1 to 10000")


class Platform:
    """One merchant's WeChat Pay. Call `due` by `next_wakeup_ms`, or refunds and notices stand still."""

    def __init__(
        self, *, shop: Shop, rules: Rules, faults: Faults, events: Events, rng: random.Random
    ) -> None:
        self._shop = shop
        self._ids = Ids(rng)
        self._events = events
        self._faults = faults
        self._orders = OrderBook(
            shop=shop, ids=self._ids, shorten_minimum_expiry=rules.shorten_minimum_expiry
        )
        self._payers = Payers(orders=self._orders, shop=shop, ids=self._ids)
        self._refunds = RefundBook(ids=self._ids, faults=faults, delay_ms=rules.refund_delay_ms)
        self.purse = Purse(rules.float_fen)
        self._on_refund: list[Callable[[str, int], None]] = []
        self._notices = NoticeBook(faults=faults, events=events, speedup=rules.notify_speedup)

    # The merchant's side. Bodies are as checked against the tables of `schemas`.

    def create(self, request: JsonObject, now_ms: int) -> str:
        """Take an order and give its `code_url`. Raises ApiError."""
        order = self._orders.create(request, now_ms)
        if self._faults.take(Fault.PAYMENT_BEATS_ANSWER, "create"):
            self._complete(order, now_ms)
        return order.code_url

    def query(self, out_trade_no: str, now_ms: int) -> JsonObject:
        """Show an order. Raises ApiError 404."""
        order = self._orders.get(out_trade_no, now_ms)
        if order is not None and not self._faults.take(Fault.ORDER_UNKNOWN_YET, "query"):
            return orders.view(order, self._shop)
        raise ApiError(404, "ORDER_NOT_EXIST", "订单不存在")

    def query_transaction(self, transaction_id: str, now_ms: int) -> JsonObject:
        """Show a paid order. Raises ApiError 404."""
        order = self._orders.by_transaction(transaction_id, now_ms)
        if order is None:
            raise ApiError(404, "ORDER_NOT_EXIST", "订单不存在")
        return orders.view(order, self._shop)

    def close(self, out_trade_no: str, now_ms: int) -> None:
        """Close an order; an unknown number is no error. Raises ApiError when it is paid."""
        order = self._orders.get(out_trade_no, now_ms)
        payable = order if order is not None and order.state is State.NOTPAY else None
        if payable and self._faults.take(Fault.PAYMENT_BEATS_CLOSE, "close"):
            self._complete(payable, now_ms)
        self._orders.close(out_trade_no, now_ms)
        if payable and self._faults.take(Fault.PAYMENT_FOLLOWS_CLOSE, "close"):
            self._complete(payable, now_ms)

    def _complete(self, order: Order, now_ms: int) -> None:
        """End a payment that was submitted while the code could be paid."""
        self.pay(order.code_url, now_ms, account=order.opened_by or SOMEBODY, race=True)

    def refund(self, request: JsonObject, now_ms: int) -> JsonObject:
        """Take on a refund, or show the one taken on under this number. Raises ApiError."""
        self._settle(now_ms)
        refund = self._refunds.known(request)
        if refund is None:
            order = self._refundable(request, now_ms)
            self._refunds.check(request, order, now_ms)
            self.purse.take(request["amount"]["refund"])
            refund = self._refunds.accept(request, order, now_ms)
            self._orders.put(replace(order, state=State.REFUND))
        return refunds.view(refund)

    def _refundable(self, request: JsonObject, now_ms: int) -> Order:
        number, transaction_id = request.get("out_trade_no"), request.get("transaction_id")
        if not number and not transaction_id:
            raise ApiError(400, "PARAM_ERROR", "微信支付订单号和商户订单号不能同时为空")
        by_number = self._orders.get(number, now_ms) if number else None
        by_transaction = self._orders.by_transaction(transaction_id, now_ms) if transaction_id else by_number
        order = by_transaction
        if order is None or not order.transaction_id:
            raise ApiError(404, "RESOURCE_NOT_EXISTS", "订单不存在或未支付")
        if number and by_number != order:
            raise ApiError(400, "INVALID_REQUEST", "微信支付订单号与商户订单号不匹配")
        return order

    def query_refund(self, out_refund_no: str, now_ms: int) -> JsonObject:
        """Show a refund. Raises ApiError 404."""
        self._settle(now_ms)
        refund = self._refunds.get(out_refund_no)
        if refund is None:
            raise ApiError(404, "RESOURCE_NOT_EXISTS", "退款单不存在")
        return refunds.view(refund)

    def refund_again(self, out_refund_no: str, refund_id: str, now_ms: int) -> JsonObject:
        """Send money to a bank card that no account took. Raises ApiError."""
        self._settle(now_ms)
        return refunds.view(self._refunds.again(out_refund_no, refund_id, now_ms))

    # The payers' side.

    def scan(self, code_url: str, now_ms: int, *, account: str = SOMEBODY) -> Page:
        """Read a code with a phone. Raises PayerRefused."""
        page = self._payers.scan(code_url, account, now_ms)
        self._events.add(now_ms, "code.scanned", out_trade_no=page.out_trade_no)
        return page

    def pay(self, code_url: str, now_ms: int, *, account: str = SOMEBODY, race: bool = False) -> Page:
        """Pay what the code asks for. Raises PayerRefused.

        `race` is a payment submitted before the order was closed, expired or refreshed, completing now.
        """
        order = self._payers.pay(code_url, account, now_ms, race=race)
        number, amount_fen = order.out_trade_no, order.total_fen
        self.purse.put(amount_fen)
        self._events.add(now_ms, "payment.made", out_trade_no=number, amount_fen=amount_fen, race=race)
        self._notices.announce(
            Notice(
                id=self._ids.notice_id(),
                kind="transaction",
                event_type="TRANSACTION.SUCCESS",
                summary="支付成功",
                url=order.request["notify_url"],
                resource=orders.view(order, self._shop),
                made_ms=now_ms,
                out_trade_no=number,
                older=order.request.get("v2"),
            ),
            now_ms,
        )
        return Page(number, order.request["description"], amount_fen, self._shop.name, order.state)

    def cancel(self, code_url: str, now_ms: int) -> None:
        """Put the phone away. The page stays opened by this account. Raises PayerRefused."""
        order = self._payers.cancel(code_url, now_ms)
        self._events.add(now_ms, "payment.cancelled", out_trade_no=order.out_trade_no)

    # Time.

    def next_wakeup_ms(self) -> int | None:
        """Say when `due` has something to do; None while nothing is under way."""
        moments = (self._refunds.next_ms(), self._notices.next_ms())
        return min((moment for moment in moments if moment is not None), default=None)

    def due(self, now_ms: int) -> tuple[Delivery, ...]:
        """Let time pass up to `now_ms` and take the deliveries to make; each must be reported."""
        self._settle(now_ms)
        return self._notices.due(now_ms)

    def report(self, delivery: Delivery, verdict: int | str, now_ms: int) -> None:
        """Say what became of a delivery: the status code, or a word when there was no answer."""
        self._notices.report(delivery, verdict, now_ms)

    def _settle(self, now_ms: int) -> None:
        for refund in self._refunds.settle(now_ms):
            self._events.add(
                refund.due_ms,
                "refund.ended",
                out_refund_no=refund.out_refund_no,
                out_trade_no=refund.order.out_trade_no,
                status=refund.status.value,
                amount_fen=refund.refund_fen,
            )
            if refund.status is Status.CLOSED:
                self.purse.put(refund.refund_fen)
            if refund.status is Status.SUCCESS and self._back_in_full(refund.order):
                for told in self._on_refund:
                    told(refund.order.out_trade_no, refund.due_ms)
            if refund.request.get("notify_url"):
                self._notices.announce(self._refund_notice(refund), refund.due_ms)

    def _back_in_full(self, order: Order) -> bool:
        done = (each for each in self._refunds.of(order.out_trade_no) if each.status is Status.SUCCESS)
        return sum(each.refund_fen for each in done) == order.paid_fen

    def on_refund(self, told: Callable[[str, int], None]) -> None:
        """Call with order number and time when all of an order's money went back."""
        self._on_refund.append(told)

    def announce(self, notice: Notice, now_ms: int) -> None:
        """Put a notice about something else than money on its way."""
        self._notices.announce(notice, now_ms)

    def paid_order(self, out_trade_no: str, now_ms: int) -> Order | None:
        """Give an order by the merchant's number, as it stands now."""
        return self._orders.get(out_trade_no, now_ms)

    def _refund_notice(self, refund: Refund) -> Notice:
        return Notice(
            id=self._ids.notice_id(),
            kind="refund",
            event_type=f"REFUND.{refund.status}",
            summary=_SUMMARIES[refund.status],
            url=refund.request["notify_url"],
            resource=refunds.notice_view(refund, self._shop.mchid),
            made_ms=refund.due_ms,
            out_trade_no=refund.order.out_trade_no,
            older=refund.request.get("v2"),
        )

    # The truth.

    def trades(self, now_ms: int) -> tuple[tuple[Order, ...], tuple[Refund, ...]]:
        """Every order and every refund as it stands now, for the bills."""
        self._settle(now_ms)
        return self._orders.all(), self._refunds.all()

    def books(self, now_ms: int) -> dict[str, Any]:
        """Show all money and all notices: `{orders, refunds, notices, totals}`."""
        self._settle(now_ms)
        rows = [self._row(order) for order in self._orders.all()]
        return {
            "orders": rows,
            "refunds": [
                {
                    "out_refund_no": refund.out_refund_no,
                    "out_trade_no": refund.order.out_trade_no,
                    "status": refund.status.value,
                    "refund_fen": refund.refund_fen,
                }
                for refund in self._refunds.all()
            ],
            "notices": self._notices.book(),
            "totals": {
                name: sum(row[name] for row in rows) for name in ("paid_fen", "refunded_fen", "refunding_fen")
            },
        }

    def _row(self, order: Order) -> dict[str, Any]:
        by_status = dict.fromkeys(Status, 0)
        for refund in self._refunds.of(order.out_trade_no):
            by_status[refund.status] += refund.refund_fen
        return {
            "out_trade_no": order.out_trade_no,
            "trade_state": order.state.value,
            "total_fen": order.total_fen,
            "paid_fen": order.paid_fen,
            "refunded_fen": by_status[Status.SUCCESS],
            "refunding_fen": by_status[Status.PROCESSING],
        }
