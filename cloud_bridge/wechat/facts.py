"""What the platform tells of a payment or a refund, as the bridge's own facts.

A query's answer and a notification's plaintext are the same object. What money hangs on must be exactly as
described, or BadJson; what only decorates is left out when it is not: no payment is lost for its sake.
"""

import re
from typing import Final

from cloud_bridge.core.model import Payment, RefundStatus
from cloud_bridge.wechat import codes
from cloud_bridge.wechat.jsonio import BadJson, Json, text, thing, whole
from cloud_bridge.wechat.settings import MerchantSettings

CURRENCY: Final = "CNY"
NATIVE: Final = "NATIVE"
ORDER_NO: Final = re.compile(r"[0-9A-Za-z_\-*|]{6,32}")
REFUND_NO: Final = re.compile(r"[0-9A-Za-z_\-*@|]{1,64}")
_TRANSACTION: Final = re.compile(r"[0-9A-Za-z_\-]{1,32}")
_MACHINE: Final = re.compile(r"[a-z0-9-]{4,32}")
_TIME: Final = re.compile(r"[0-9T:.Z+-]{1,64}")


def payment(value: Json, settings: MerchantSettings, *, source: str, given_back: bool = False) -> Payment:
    """A payment as the platform tells it, whoever's it is. Raises BadJson."""
    amount = thing(value, "amount")
    ours = (
        value.get("mchid") == settings.mchid,
        value.get("appid") == settings.appid,
        value.get("trade_type") == NATIVE,
        amount.get("currency") == CURRENCY,
    )
    return Payment(
        sale_id=text(value, "out_trade_no", ORDER_NO),
        transaction_id=text(value, "transaction_id", _TRANSACTION),
        paid_fen=_fen(amount, "total"),
        machine=_decoration(value, "attach", _MACHINE),
        merchant_ok=all(ours),
        source=source,
        paid_at=_decoration(value, "success_time", _TIME),
        given_back=given_back,
    )


def refund_status(value: Json, status: str, *, source: str) -> RefundStatus:
    """A refund as the platform tells it; `status` is the member that says how it stands. Raises BadJson."""
    amount, state = thing(value, "amount"), text(value, status)
    if state not in codes.REFUND:
        raise BadJson(f"{status}: found another state; allowed is one of {', '.join(codes.REFUND)}")
    if amount.get("currency", CURRENCY) != CURRENCY:  # notifications leave it out
        raise BadJson(f"currency: found another one; allowed is {CURRENCY}")
    return RefundStatus(
        sale_id=text(value, "out_trade_no", ORDER_NO),
        refund_no=text(value, "out_refund_no", REFUND_NO),
        state=codes.REFUND[state],
        refund_fen=_fen(amount, "refund"),
        source=source,
    )


def _fen(amount: Json, name: str) -> int:
    fen = whole(amount, name)
    if not fen:
        raise BadJson(f"{name}: found 0; allowed is 1 fen or more")
    return fen


def _decoration(value: Json, name: str, shape: re.Pattern[str]) -> str:
    found = value.get(name)
    return found if isinstance(found, str) and shape.fullmatch(found) else ""
