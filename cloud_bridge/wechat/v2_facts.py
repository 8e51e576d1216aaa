"""What APIv2 tells of a payment or a refund, put into the shape of APIv3 and read by the same rules.

So the engine cannot tell the generations apart: the same facts, the same checks, the same names.
"""

import re
from typing import Any, Final

from cloud_bridge.core.model import Payment, RefundStatus
from cloud_bridge.wechat import facts
from cloud_bridge.wechat.jsonio import text
from cloud_bridge.wechat.settings import MerchantSettings
from cloud_bridge.wechat.v2_codes import REFUND
from cloud_bridge.wechat.v2_xml import Members

_WHOLE: Final = re.compile(r"[0-9]{1,15}")
_TIME: Final = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})")


def payment(
    members: Members, settings: MerchantSettings, *, source: str, given_back: bool = False
) -> Payment:
    """A payment as the platform tells it, whoever's it is. Raises BadJson."""
    value: dict[str, Any] = {
        "appid": members.get("appid"),
        "mchid": members.get("mch_id"),
        "trade_type": members.get("trade_type"),
        "out_trade_no": members.get("out_trade_no"),
        "transaction_id": members.get("transaction_id"),
        "attach": members.get("attach"),
        "success_time": _moment(members.get("time_end", "")),
        "amount": {"total": _fen(members, "total_fee"), "currency": _currency(members)},
    }
    return facts.payment(value, settings, source=source, given_back=given_back)


def refund_status(members: Members, *, source: str, at: str = "") -> RefundStatus:
    """A refund as the platform tells it; `at` is the ending of its names in a list. Raises BadJson."""
    state = text(members, f"refund_status{at}")
    value = {
        "out_trade_no": members.get("out_trade_no"),
        "out_refund_no": members.get(f"out_refund_no{at}"),
        "refund_status": REFUND.get(state, state),
        "amount": {"refund": _fen(members, f"refund_fee{at}"), "currency": _currency(members)},
    }
    return facts.refund_status(value, "refund_status", source=source)


def _fen(members: Members, name: str) -> int:
    return int(text(members, name, _WHOLE))


def _currency(members: Members) -> str:
    return members.get("fee_type") or facts.CURRENCY  # left out where it is the usual one


def _moment(digits: str) -> str:
    """`yyyyMMddHHmmss` of Beijing as APIv3 writes it; empty for anything else."""
    found = _TIME.fullmatch(digits)
    return "{}-{}-{}T{}:{}:{}+08:00".format(*found.groups()) if found else ""
