"""A payment platform that obeys the test: orders, payers, notices that repeat, refunds, lost answers."""

import asyncio
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

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
from cloud_bridge.ports import NoticeRejected, OtherNotice

LATENCY_S = 0.05


@dataclass(slots=True)
class Order:
    """One order at the platform. `paid` holds the payments, by transaction."""

    body: bytes
    price_fen: int
    machine: str
    closed: bool = False
    paid: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class Wechat:
    """`lost` counts answers that get lost after their effect, by call; `down` answers nothing.

    `paid_at_close`: the shopper confirms in the moment in which the order would be closed.
    """

    orders: dict[str, Order] = field(default_factory=dict)
    refunds: dict[str, tuple[str, int, RefundState]] = field(default_factory=dict)
    refund_ends: list[RefundState] = field(default_factory=list)
    lost: Counter[str] = field(default_factory=Counter)
    refusals: dict[str, str] = field(default_factory=dict)
    calls: Counter[str] = field(default_factory=Counter)
    in_flight: Counter[str] = field(default_factory=Counter)
    bodies: list[bytes] = field(default_factory=list)
    down: bool = False
    unclear: str = ""
    paid_at_close: bool = False
    tickets: bool = True

    # ------------------------------------------------------------ the shopper

    def pay(self, sale_id: str, fen: int | None = None, *, late: bool = False) -> Payment:
        """The shopper pays; `late` for a payment that was on its way when the order was closed."""
        order = self.orders[sale_id]
        assert late or not order.closed, "a closed order takes no payment"
        transaction = f"T{len(order.paid)}{sale_id}"
        order.paid[transaction] = order.price_fen if fen is None else fen
        return self._payment(sale_id, transaction)

    def paid_fen(self) -> int:
        return sum(fen for order in self.orders.values() for fen in order.paid.values())

    def refunded_fen(self) -> int:
        return sum(fen for _, fen, state in self.refunds.values() if state is RefundState.SUCCESS)

    # ------------------------------------------------------------ the calls

    def compose(self, order: OrderDraft) -> bytes:
        return json.dumps([order.sale_id, order.price_fen, order.machine, order.pay_until_wall_ms]).encode()

    async def place(self, sale_id: str, body: bytes) -> OrderPlaced | Refused | Unclear:
        if not await self._reached("place", sale_id):
            return Unclear(sale_id=sale_id, why="timeout")
        if "place" in self.refusals:
            return Refused(sale_id=sale_id, why=self.refusals["place"], detail="said so")
        self.bodies.append(body)
        known, fen, machine, _ = json.loads(body)
        assert known == sale_id
        order = self.orders.setdefault(sale_id, Order(body=body, price_fen=fen, machine=machine))
        assert order.body == body, "a repeat must be identical"
        return self._lost("place", sale_id) or OrderPlaced(
            sale_id=sale_id, code_url=f"weixin://{sale_id}", ticket=f"wx{sale_id}" if self.tickets else ""
        )

    async def query(self, sale_id: str) -> Payment | Unpaid | NoSuchOrder | Unclear:
        if not await self._reached("query", sale_id):
            return Unclear(sale_id=sale_id, why="timeout")
        if self.unclear:
            return Unclear(sale_id=sale_id, why=self.unclear)
        order = self.orders.get(sale_id)
        if order is None:
            return NoSuchOrder(sale_id=sale_id)
        if order.paid:
            return self._payment(sale_id, next(iter(order.paid)))
        return Unpaid(sale_id=sale_id, closed=order.closed)

    async def close(self, sale_id: str) -> OrderClosed | AlreadyPaid | Unclear:
        if not await self._reached("close", sale_id):
            return Unclear(sale_id=sale_id, why="timeout")
        order = self.orders.get(sale_id)
        if self.paid_at_close:
            self.pay(sale_id)
        if order is not None and order.paid:
            return AlreadyPaid(sale_id=sale_id)
        if order is not None:
            order.closed = True
        return self._lost("close", sale_id) or OrderClosed(sale_id=sale_id)

    async def refund(self, refund: RefundDraft) -> RefundStatus | Refused | Unclear:
        if not await self._reached("refund", refund.sale_id):
            return Unclear(sale_id=refund.sale_id, why="timeout")
        if "refund" in self.refusals:
            return Refused(sale_id=refund.sale_id, why=self.refusals["refund"], detail="")
        if refund.refund_no not in self.refunds:
            paid = sum(self.orders[refund.sale_id].paid.values())
            gone = sum(f for s, f, t in self.refunds.values() if s == refund.sale_id and t in _LIVE)
            assert gone + refund.refund_fen <= paid, "more back than was paid"
            self.refunds[refund.refund_no] = (refund.sale_id, refund.refund_fen, RefundState.PROCESSING)
        return self._lost("refund", refund.sale_id) or self._status(refund.sale_id, refund.refund_no)

    async def refund_status(self, sale_id: str, refund_no: str) -> RefundStatus | Unclear:
        if not await self._reached("refund_status", sale_id):
            return Unclear(sale_id=sale_id, why="timeout")
        held = self.refunds.get(refund_no)
        if held is not None and held[2] is RefundState.PROCESSING:
            end = self.refund_ends.pop(0) if self.refund_ends else RefundState.SUCCESS
            self.refunds[refund_no] = (held[0], held[1], end)
        return self._status(sale_id, refund_no)

    # ------------------------------------------------------------ helpers

    def notice(self, payment: Payment | RefundStatus) -> bytes:
        """The bytes of a notification about it."""
        values = {name: getattr(payment, name) for name in payment.__slots__}
        return json.dumps([type(payment).__name__, values | {"source": "notice"}]).encode()

    async def _reached(self, name: str, sale_id: str) -> bool:
        self.calls[name] += 1
        self.in_flight[sale_id] += 1
        assert self.in_flight[sale_id] == 1, "one request in flight for a sale"
        await asyncio.sleep(LATENCY_S)
        self.in_flight[sale_id] -= 1
        return not self.down

    def _lost(self, name: str, sale_id: str) -> Unclear | None:
        if self.lost[name] <= 0:
            return None
        self.lost[name] -= 1
        return Unclear(sale_id=sale_id, why="timeout")

    def _payment(self, sale_id: str, transaction: str) -> Payment:
        order = self.orders[sale_id]
        return Payment(
            sale_id=sale_id,
            transaction_id=transaction,
            paid_fen=order.paid[transaction],
            machine=order.machine,
            merchant_ok=True,
            source="query",
            paid_at="2026-01-01T00:00:00+08:00",
        )

    def _status(self, sale_id: str, refund_no: str) -> RefundStatus:
        held = self.refunds.get(refund_no, (sale_id, 0, RefundState.ABSENT))
        return RefundStatus(
            sale_id=sale_id, refund_no=refund_no, state=held[2], refund_fen=held[1], source="query"
        )


_LIVE = (RefundState.PROCESSING, RefundState.SUCCESS)


class Notices:
    """Reads what `Wechat.notice` wrote; anything else is rejected."""

    def open(
        self, headers: Mapping[str, str], body: bytes, now_s: float
    ) -> Payment | RefundStatus | OtherNotice:
        if headers.get("signature") != "good":
            raise NoticeRejected("signature")
        name, values = json.loads(body)
        if name == "Payment":
            return Payment(**values)
        if name == "RefundStatus":
            return RefundStatus(**{**values, "state": RefundState(values["state"])})
        return OtherNotice(event_type=name)
