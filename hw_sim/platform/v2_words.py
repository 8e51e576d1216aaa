"""APIv2's names for what the model holds in the shape of APIv3: requests in, views and refusals out.

From the tables of "unifiedorder", "orderquery", "refund" and "refundquery" of the APIv2 description.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

from hw_sim.platform.answers import BEIJING, REENTRY_DIFFERS, ApiError, JsonObject
from hw_sim.platform.fields import check
from hw_sim.platform.schemas import ORDER, REFUND
from hw_sim.platform.v2_wire import MD5, Members

OLDER: Final = "v2"  # the member of a request that says that it came this way
_DIGITS: Final = "%Y%m%d%H%M%S"
_CODES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "ORDER_CLOSED": "ORDERCLOSED",
        "ORDER_NOT_EXIST": "ORDERNOTEXIST",
        "NOT_ENOUGH": "NOTENOUGH",
        "SYSTEM_ERROR": "SYSTEMERROR",
        "NOT_FOUND": "INVALID_REQUEST",
    }
)
_ENDS: Final = {"CLOSED": "REFUNDCLOSE", "ABNORMAL": "CHANGE"}


class Unsigned(Exception):
    """A refusal of the whole message: `return_code` FAIL and `return_msg`, and no signature."""


class Failed(Exception):
    """A signed no: `err_code` and `err_code_des`."""

    def __init__(self, code: str, words: str) -> None:
        super().__init__(f"{code}: {words}")
        self.code = code
        self.words = words


def failed(error: ApiError, operation: str) -> Failed:
    """A refusal of the model in the words of this generation."""
    words = str(error.body["message"])
    if error.number == REENTRY_DIFFERS:
        return Failed("INVALID_REQUEST", "201 商户订单号重复" if operation == "create" else words)
    if error.code == "RESOURCE_NOT_EXISTS":
        return Failed("REFUNDNOTEXIST" if operation == "query_refund" else "INVALID_TRANSACTIONID", words)
    return Failed(_CODES.get(error.code, error.code), words)


def order_request(members: Members) -> JsonObject:
    """An order as the model takes it. Raises Failed, ApiError."""
    needed = ("body", "out_trade_no", "total_fee", "spbill_create_ip", "notify_url", "trade_type")
    _all_there(members, (*needed, "product_id"))
    if members["trade_type"] != "NATIVE":
        raise Failed("PARAM_ERROR", "trade_type参数错误")
    request: JsonObject = {
        "appid": members["appid"],
        "mchid": members["mch_id"],
        "description": members["body"],
        "out_trade_no": members["out_trade_no"],
        "notify_url": members["notify_url"],
        "amount": {"total": _whole(members, "total_fee"), "currency": members.get("fee_type") or "CNY"},
        "scene_info": {"payer_client_ip": members["spbill_create_ip"]},
    }
    if members.get("attach"):
        request["attach"] = members["attach"]
    if members.get("device_info"):
        request["scene_info"]["device_id"] = members["device_info"]
    if members.get("scene_info"):
        request["scene_info"] |= _scene(members["scene_info"])
    if members.get("time_expire"):
        request["time_expire"] = _moment(members["time_expire"])
    check(ORDER, request)
    kept = ("product_id", "detail", "goods_tag", "limit_pay", "receipt")
    told = {name: members[name] for name in kept if members.get(name)}
    return request | {OLDER: told | {"sign_type": members.get("sign_type") or MD5}}


def refund_request(members: Members) -> JsonObject:
    """A refund as the model takes it. Raises Failed, ApiError."""
    _all_there(members, ("out_refund_no", "total_fee", "refund_fee"))
    request: JsonObject = {
        "out_refund_no": members["out_refund_no"],
        "amount": {
            "refund": _whole(members, "refund_fee"),
            "total": _whole(members, "total_fee"),
            "currency": members.get("refund_fee_type") or "CNY",
        },
    }
    names = (("reason", "refund_desc"), ("notify_url", "notify_url"))
    request |= {name: members[theirs] for name, theirs in names if members.get(theirs)}
    # With both, the platform's own number wins.
    number = "transaction_id" if members.get("transaction_id") else "out_trade_no"
    if members.get(number):
        request[number] = members[number]
    check(REFUND, request)
    told = {"sign_type": members.get("sign_type") or MD5, "appid": members.get("appid", "")}
    return request | {OLDER: told}


def order_view(view: JsonObject) -> Members:
    """An order as a query shows it; an unpaid one has only its names."""
    shown = {
        "out_trade_no": view["out_trade_no"],
        "trade_state": view["trade_state"],
        "trade_state_desc": view["trade_state_desc"],
    }
    return shown if "transaction_id" not in view else paid_view(view) | shown


def paid_view(view: JsonObject) -> Members:
    """What query and notification tell of a paid order."""
    total = str(view["amount"]["total"])
    shown = {
        "device_info": (view.get("scene_info") or {}).get("device_id", ""),
        "openid": view["payer"]["openid"],
        "is_subscribe": "N",
        "trade_type": view["trade_type"],
        "bank_type": view["bank_type"],
        "total_fee": total,
        "settlement_total_fee": total,
        "fee_type": view["amount"]["currency"],
        "cash_fee": total,
        "cash_fee_type": "CNY",
        "transaction_id": view["transaction_id"],
        "out_trade_no": view["out_trade_no"],
        "attach": view["attach"],
        "time_end": digits(view["success_time"]),
    }
    return {name: value for name, value in shown.items() if value}


def accepted_view(view: JsonObject) -> Members:
    """What the answer to a refund request tells; nothing of how it stands."""
    amount = view["amount"]
    return {
        "transaction_id": view["transaction_id"],
        "out_trade_no": view["out_trade_no"],
        "out_refund_no": view["out_refund_no"],
        "refund_id": view["refund_id"],
        "refund_channel": "",
        "refund_fee": str(amount["refund"]),
        "settlement_refund_fee": str(amount["refund"]),
        "coupon_refund_fee": "0",
        "total_fee": str(amount["total"]),
        "cash_fee": str(amount["total"]),
        "coupon_refund_count": "0",
        "cash_refund_fee": str(amount["refund"]),
    }


def refunds_view(views: list[JsonObject], *, total: int) -> Members:
    """What a query of refunds tells: each with its number behind its names, one of them misspelt."""
    first, shown = views[0], Members()
    for at, view in enumerate(views):
        amount = str(view["amount"]["refund"])
        shown |= {
            f"out_refund_no_{at}": view["out_refund_no"],
            f"refund_id_{at}": view["refund_id"],
            f"refund_channel_{at}": view["channel"],
            f"refund_fee_{at}": amount,
            f"settlement_refund_fee_{at}": amount,
            f"refund_status_{at}": ending(view["status"]),
            f"refund_account_{at}": "REFUND_SOURCE_UNSETTLED_FUNDS",
            f"refund_recv_accout_{at}": view["user_received_account"],
        }
        if "success_time" in view:
            shown[f"refund_success_time_{at}"] = clock_time(view["success_time"])
    return {
        "transaction_id": first["transaction_id"],
        "out_trade_no": first["out_trade_no"],
        "total_fee": str(first["amount"]["total"]),
        "cash_fee": str(first["amount"]["total"]),
        "fee_type": "CNY",
        "refund_count": str(len(views)),
        "total_refund_count": str(total),
        **shown,
    }


def refund_notice_view(resource: JsonObject) -> Members:
    """What hides in `req_info`, from what a notification of APIv3 would hold."""
    amount = resource["amount"]
    shown = {
        "out_refund_no": resource["out_refund_no"],
        "out_trade_no": resource["out_trade_no"],
        "refund_account": "REFUND_SOURCE_UNSETTLED_FUNDS",
        "refund_fee": str(amount["refund"]),
        "refund_id": resource["refund_id"],
        "refund_recv_accout": resource["user_received_account"],
        "refund_request_source": "API",
        "refund_status": ending(resource["refund_status"]),
        "settlement_refund_fee": str(amount["refund"]),
        "settlement_total_fee": str(amount["total"]),
        "total_fee": str(amount["total"]),
        "transaction_id": resource["transaction_id"],
    }
    if "success_time" in resource:
        shown["success_time"] = clock_time(resource["success_time"])
    return shown


def ending(status: str) -> str:
    """How a refund stands, in this generation's word."""
    return _ENDS.get(status, status)


def digits(moment: str) -> str:
    """`yyyyMMddHHmmss` in Beijing of a moment as APIv3 writes it."""
    return datetime.fromisoformat(moment).astimezone(BEIJING).strftime(_DIGITS)


def clock_time(moment: str) -> str:
    """`yyyy-MM-dd HH:mm:ss` in Beijing of a moment as APIv3 writes it."""
    return datetime.fromisoformat(moment).astimezone(BEIJING).strftime("%Y-%m-%d %H:%M:%S")


def _scene(text: str) -> JsonObject:
    try:
        return {"store_info": json.loads(text)["store_info"]}
    except (ValueError, TypeError, KeyError):
        raise Failed("PARAM_ERROR", "scene_info格式错误") from None


def _moment(text: str) -> str:
    try:
        return datetime.strptime(text, _DIGITS).replace(tzinfo=BEIJING).isoformat()
    except ValueError:
        raise Failed("PARAM_ERROR", "time_expire时间格式错误") from None


def _whole(members: Mapping[str, Any], name: str) -> int:
    if not str(members[name]).isdecimal():
        raise Failed("PARAM_ERROR", f"{name}参数格式错误")
    return int(members[name])


def _all_there(members: Members, names: tuple[str, ...]) -> None:
    missing = [name for name in names if not members.get(name)]
    if missing:
        raise Failed("LACK_PARAMS", f"缺少必填参数{missing[0]}")
