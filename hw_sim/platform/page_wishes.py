"""What the platform's own page shows beside the books: orders with what a phone needs, and who drives it."""

from collections.abc import Callable, Mapping
from typing import Any

from hw_sim.platform.clock import Clock
from hw_sim.platform.model import Platform
from hw_sim.platform.orders import Order
from hw_sim.platform.refunds import Refund, Status
from hw_sim.platform.signatures import Signer


def page_wishes(
    *, platform: Platform, signer: Signer, clock: Clock
) -> Mapping[str, Callable[[Mapping[str, Any]], Any]]:
    """`orders` and `refunds`, the newest first; `state` of clock, keys and purse."""

    def orders(_: Mapping[str, Any]) -> Any:
        made, refunds = platform.trades(clock.now_ms())
        return [_order(each, refunds) for each in reversed(made)]

    def refunds(_: Mapping[str, Any]) -> Any:
        return [_refund(each) for each in reversed(platform.trades(clock.now_ms())[1])]

    def state(_: Mapping[str, Any]) -> Any:
        mode = signer.mode
        return {
            "now_ms": clock.now_ms(),
            "ahead_ms": clock.ahead_ms,
            "key_mode": f"{mode.mode.value}:{mode.share:g}" if mode.share else mode.mode.value,
            "available_fen": platform.purse.available_fen,
        }

    return {"orders": orders, "refunds": refunds, "state": state}


def _order(order: Order, refunds: tuple[Refund, ...]) -> dict[str, Any]:
    own = [each for each in refunds if each.order.out_trade_no == order.out_trade_no]
    gone_fen = sum(each.refund_fen for each in own if each.status is not Status.CLOSED)
    return {
        "out_trade_no": order.out_trade_no,
        "description": order.request.get("description") or order.request.get("body", ""),
        "machine": order.request.get("attach") or "",
        "total_fen": order.total_fen,
        "trade_state": order.state.value,
        "code_url": order.code_url,
        "made_ms": order.made_ms,
        "rest_fen": order.paid_fen - gone_fen,
    }


def _refund(refund: Refund) -> dict[str, Any]:
    return {
        "out_refund_no": refund.out_refund_no,
        "out_trade_no": refund.order.out_trade_no,
        "status": refund.status.value,
        "refund_fen": refund.refund_fen,
        "made_ms": refund.made_ms,
    }
