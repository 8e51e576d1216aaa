"""Each record of the 2013 generation as what does its duty today, so that the mapping can be tried out.

`docs/guide-2013.md` says the same in words. From "map from the 2013 requirements to today" of operations.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from hw_sim.platform.answers import BEIJING, JsonObject, rfc3339
from hw_sim.platform.v2_wire import Members

DELIVERED: Final = "1"
SELF_PICKUP: Final = 4
# The causes of alarms that the guide names, and the alarm that the bridge raises for each of them now.
CAUSES: Final[Mapping[str, str]] = {
    "deliveries that are late": "delivery_overdue",
    "calls to the platform that fail": "order_api",
    "notifications that the merchant does not take": "notices_missing",
    "risk in payments": "merchant_restricted",
}
_NUMBERED: Final = {"1001": "delivery_overdue"}  # the only number that the guide shows
_PAID: Final = "0"
_ORDER: Final = {"OpenId": "openid", "ProductId": "product_id", "NonceStr": "nonce_str"}


def order_request(fields: Members, *, mchid: str) -> Members:
    """The order request of mode 1, not yet signed. Then the merchant's number came with the URL."""
    told = {name: fields[old] for old, name in _ORDER.items()}
    subscribed = "Y" if fields["IsSubscribe"] == "1" else "N"
    return {"appid": fields["AppId"], "mch_id": mchid, "is_subscribe": subscribed, **told}


def order_answer(fields: Members) -> Members:
    """The reply to an order request: instead of a package, the merchant has placed an order himself."""
    if fields["RetCode"] == "0":
        return {"return_code": "SUCCESS", "result_code": "SUCCESS"}
    return {"return_code": "SUCCESS", "result_code": "FAIL", "err_code_des": fields["RetErrMsg"]}


def unified_order(package: Members, *, appid: str, mchid: str, product: str) -> Members:
    """The package of then as the order of APIv2; charsets, transport and product fees have gone."""
    kept = ("body", "attach", "out_trade_no", "total_fee", "spbill_create_ip", "notify_url")
    told = {
        name: package[name] for name in (*kept, "time_start", "time_expire", "goods_tag") if name in package
    }
    return {
        "appid": appid,
        "mch_id": mchid,
        "fee_type": "CNY",
        "trade_type": "NATIVE",
        "product_id": product,
    } | told


def payment(fields: Members, *, mchid: str) -> JsonObject:
    """A payment notification, query and body together, as the plaintext of APIv3's.

    Raises ValueError for one that is not paid: today only payments are notified.
    """
    if fields["trade_state"] != _PAID:
        raise ValueError(f"trade_state: found {fields['trade_state']}, allowed {_PAID}")
    paid_at = datetime.strptime(fields["time_end"], "%Y%m%d%H%M%S").replace(tzinfo=BEIJING)
    return {
        "appid": fields["AppId"],
        "mchid": mchid,
        "out_trade_no": fields["out_trade_no"],
        "transaction_id": fields["transaction_id"],
        "trade_type": "NATIVE",
        "trade_state": "SUCCESS",
        "bank_type": fields["bank_type"],
        "attach": fields.get("attach", ""),
        "success_time": paid_at.isoformat(),
        "payer": {"openid": fields["OpenId"]},
        "amount": {"total": int(fields["total_fee"]), "currency": "CNY"},
    }


def delivery(fields: Members) -> JsonObject:
    """A delivery notification as a line of the bridge's own record: nobody is told of it today."""
    return {
        "out_trade_no": fields["out_trade_no"],
        "transaction_id": fields["transid"],
        "outcome": "delivered" if fields["deliver_status"] == DELIVERED else "not_delivered",
        "why": "" if fields["deliver_status"] == DELIVERED else fields["deliver_msg"],
        "at_ms": int(fields["deliver_timestamp"]) * 1000,
    }


def shipping(fields: Members, *, mchid: str, goods: str) -> JsonObject | None:
    """The same for a mini-program under the shipping regime; a failed one is refunded instead of reported."""
    if fields["deliver_status"] != DELIVERED:
        return None
    at = rfc3339(int(fields["deliver_timestamp"]) * 1000)
    return {
        "order_key": {"order_number_type": 1, "mchid": mchid, "out_trade_no": fields["out_trade_no"]},
        "logistics_type": SELF_PICKUP,
        "delivery_mode": 1,
        "is_all_delivered": True,
        "shipping_list": [{"item_desc": goods}],
        "upload_time": at.replace("+", ".000+"),
        "payer": {"openid": fields["openid"]},
    }


def complaint(fields: Members) -> tuple[str, JsonObject]:
    """A rights record as the event of complaints 2.0 and what a fetch of the complaint then shows.

    A new one waits for an answer; one that the payer calls settled is done; one whose settlement he refuses
    waits again, and says that he has spoken.
    """
    kind = fields["MsgType"]
    event, state = {
        "request": ("COMPLAINT.CREATE", "PENDING"),
        "confirm": ("COMPLAINT.STATE_CHANGE", "PROCESSED"),
        "reject": ("COMPLAINT.STATE_CHANGE", "PROCESSING"),
    }[kind]
    shown: dict[str, Any] = {
        "complaint_id": fields["FeedBackId"],
        "complaint_time": rfc3339(int(fields["TimeStamp"]) * 1000),
        "complaint_detail": fields.get("Reason", ""),
        "complaint_state": state,
        "payer_openid": fields["OpenId"],
        "incoming_user_response": kind == "reject",
    }
    if fields.get("TransId"):
        shown["complaint_order_info"] = [
            {"transaction_id": fields["TransId"], "out_trade_no": "", "amount": 0}
        ]
    return event, shown


def alarm(fields: Members) -> Mapping[str, str]:
    """An alarm record as the bridge's own alarm; a cause that the guide does not number keeps its words."""
    return {
        "name": _NUMBERED.get(fields["ErrorType"], "other"),
        "code": fields["ErrorType"],
        "text": f"{fields['Description']}: {fields['AlarmContent']}",
    }
