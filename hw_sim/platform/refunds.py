"""Refunds: accepted first, done later, once per `out_refund_no`, never more than was paid.

From "refunds" in the operations description (request, rules, error table).
"""

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

from hw_sim.platform.answers import REENTRY_DIFFERS, ApiError, JsonObject, rfc3339
from hw_sim.platform.faults import Fault, Faults
from hw_sim.platform.ids import Ids
from hw_sim.platform.orders import Order

MOST_PER_ORDER: Final = 50
PARTS_APART_MS: Final = 60_000
REFUNDABLE_MS: Final = 365 * 24 * 3_600_000
_KIND: Final = "refund"


class Status(StrEnum):
    """`status` of a refund."""

    PROCESSING = "PROCESSING"
    SUCCESS = "SUCCESS"
    CLOSED = "CLOSED"
    ABNORMAL = "ABNORMAL"


@dataclass(frozen=True, slots=True)
class Refund:
    """One refund number. It turns from PROCESSING into `ending` at `due_ms`."""

    request: JsonObject = field(repr=False)
    order: Order
    refund_id: str
    made_ms: int
    due_ms: int
    ending: Status
    status: Status = Status.PROCESSING

    @property
    def out_refund_no(self) -> str:
        """The merchant's number."""
        return str(self.request["out_refund_no"])

    @property
    def refund_fen(self) -> int:
        """What is given back."""
        return int(self.request["amount"]["refund"])


def view(refund: Refund) -> JsonObject:
    """Show a refund as the request and the query do."""
    shown: JsonObject = {
        "refund_id": refund.refund_id,
        "out_refund_no": refund.out_refund_no,
        "transaction_id": refund.order.transaction_id,
        "out_trade_no": refund.order.out_trade_no,
        "channel": "ORIGINAL",
        "user_received_account": "支付用户零钱",
        "create_time": rfc3339(refund.made_ms),
        "status": refund.status.value,
        "funds_account": refund.request.get("funds_account") or "UNSETTLED",
        "amount": {
            **_amounts(refund),
            "from": refund.request["amount"].get("from") or [],
            "settlement_refund": refund.refund_fen,
            "settlement_total": refund.order.total_fen,
            "discount_refund": 0,
            "currency": "CNY",
        },
        "promotion_detail": [],
    }
    if refund.status is Status.SUCCESS:
        shown["success_time"] = rfc3339(refund.due_ms)
    return shown


def notice_view(refund: Refund, mchid: str) -> JsonObject:
    """Show a finished refund as its notification does: `refund_status`, and amounts without a currency."""
    shown: JsonObject = {
        "mchid": mchid,
        "transaction_id": refund.order.transaction_id,
        "out_trade_no": refund.order.out_trade_no,
        "refund_id": refund.refund_id,
        "out_refund_no": refund.out_refund_no,
        "refund_status": refund.status.value,
        "user_received_account": "支付用户零钱",
        "amount": _amounts(refund),
    }
    if refund.status is Status.SUCCESS:
        shown["success_time"] = rfc3339(refund.due_ms)
    return shown


def _amounts(refund: Refund) -> JsonObject:
    total, part = refund.order.total_fen, refund.refund_fen
    return {"total": total, "refund": part, "payer_total": total, "payer_refund": part}


class RefundBook:
    """All refunds of one merchant, kept in memory for the run."""

    def __init__(self, *, ids: Ids, faults: Faults, delay_ms: int) -> None:
        self._ids = ids
        self._faults = faults
        self._delay_ms = delay_ms
        self._refunds: dict[str, Refund] = {}
        self._under_way: dict[str, Refund] = {}
        self._numbers_by_order: dict[str, list[str]] = {}

    def known(self, request: JsonObject) -> Refund | None:
        """Give the refund of an earlier identical request. Raises ApiError when the requests differ."""
        refund = self._refunds.get(request["out_refund_no"])
        if refund is not None and refund.request != request:
            message = "请求重入时，参数与首次请求时不一致"
            raise ApiError(400, "INVALID_REQUEST", message, number=REENTRY_DIFFERS)
        return refund

    def accept(self, request: JsonObject, order: Order, now_ms: int) -> Refund:
        """Take on a new refund of a paid order, held against the rules before (`check`). Raises ApiError."""
        if self._faults.take(Fault.REFUND_NOT_ENOUGH, _KIND):
            raise ApiError(403, "NOT_ENOUGH", "基本账户余额不足，请充值后重新发起")
        refund = Refund(
            request=request,
            order=order,
            refund_id=self._ids.refund_id(now_ms),
            made_ms=now_ms,
            due_ms=now_ms + self._delay_ms,
            ending=self._ending(),
        )
        if not self._faults.take(Fault.REFUND_STUCK, _KIND):
            self._under_way[refund.out_refund_no] = refund
        self._numbers_by_order.setdefault(order.out_trade_no, []).append(refund.out_refund_no)
        return self._put(refund)

    def _ending(self) -> Status:
        if self._faults.take(Fault.REFUND_CLOSED, _KIND):
            return Status.CLOSED
        if self._faults.take(Fault.REFUND_ABNORMAL, _KIND):
            return Status.ABNORMAL
        return Status.SUCCESS

    def again(self, out_refund_no: str, refund_id: str, now_ms: int) -> Refund:
        """Begin an abnormal one anew, to a bank card; it succeeds then. Raises ApiError."""
        refund = self._refunds.get(out_refund_no)
        if refund is None or refund.refund_id != refund_id:
            raise ApiError(404, "RESOURCE_NOT_EXISTS", "退款单不存在")
        if refund.status is not Status.ABNORMAL:
            raise ApiError(400, "INVALID_REQUEST", "退款单状态不是退款异常")
        due_ms = now_ms + self._delay_ms
        begun = replace(refund, status=Status.PROCESSING, ending=Status.SUCCESS, due_ms=due_ms)
        self._under_way[out_refund_no] = begun
        return self._put(begun)

    def check(self, request: JsonObject, order: Order, now_ms: int) -> None:
        """Hold a new refund against the rules. Raises ApiError."""
        amount = request["amount"]
        if amount["total"] != order.total_fen:
            raise ApiError(400, "INVALID_REQUEST", "订单金额或退款金额与之前请求不一致，请核实后再试")
        if now_ms - order.paid_ms > REFUNDABLE_MS:
            raise ApiError(400, "INVALID_REQUEST", "订单已超过可退款的最大期限")
        earlier = [refund for refund in self.of(order.out_trade_no) if refund.status is not Status.CLOSED]
        if amount["refund"] > order.paid_fen - sum(refund.refund_fen for refund in earlier):
            raise ApiError(400, "INVALID_REQUEST", "退款金额大于可退金额")
        if len(earlier) >= MOST_PER_ORDER:
            raise ApiError(400, "INVALID_REQUEST", "订单退款次数已达上限")
        if any(now_ms - refund.made_ms < PARTS_APART_MS for refund in earlier):
            raise ApiError(429, "FREQUENCY_LIMITED", "同一订单的部分退款须间隔一分钟，请稍后重试")

    def settle(self, now_ms: int) -> tuple[Refund, ...]:
        """End what is due; gives the ended ones in the order of their due times."""
        due = sorted(
            (refund for refund in self._under_way.values() if refund.due_ms <= now_ms),
            key=lambda refund: refund.due_ms,
        )
        for refund in due:
            del self._under_way[refund.out_refund_no]
        return tuple(self._put(replace(refund, status=refund.ending)) for refund in due)

    def next_ms(self) -> int | None:
        """Say when `settle` has something to do."""
        return min((refund.due_ms for refund in self._under_way.values()), default=None)

    def get(self, out_refund_no: str) -> Refund | None:
        """Give one refund."""
        return self._refunds.get(out_refund_no)

    def of(self, out_trade_no: str) -> list[Refund]:
        """Give the refunds of one order."""
        return [self._refunds[number] for number in self._numbers_by_order.get(out_trade_no, ())]

    def all(self) -> tuple[Refund, ...]:
        """Give every refund, oldest first."""
        return tuple(self._refunds.values())

    def _put(self, refund: Refund) -> Refund:
        self._refunds[refund.out_refund_no] = refund
        return refund
