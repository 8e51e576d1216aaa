"""Complaints as the platform tells them, as the bridge's own facts.

What joins a complaint to its sale and says where it stands must be as described, or BadJson; the rest is for
people, and is left out when it is not.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import urlsplit

from cloud_bridge.core.complaint import Standing, Told
from cloud_bridge.ports_desk import ComplaintHint, Line, Page, Violation
from cloud_bridge.wechat.jsonio import BadJson, Json, text, thing, whole

COMPLAINT_ID: Final = re.compile(r"[0-9A-Za-z]{1,64}")
_NUMBER: Final = re.compile(r"[0-9A-Za-z_\-*|@]{0,64}")
_ACTION: Final = re.compile(r"[A-Z_]{1,64}")
_SEALED: Final = re.compile(r"[0-9A-Za-z+/=]{0,1024}")
_PICTURE: Final = re.compile(r"/v3/merchant-service/images/[0-9A-Za-z_.~%-]{1,512}")
_MOST_PICTURES: Final = 9
_MOST_WORDS: Final = 2000
_STANDINGS: Final[Mapping[str, Standing]] = MappingProxyType(
    {each.value.upper(): each for each in Standing if each is not Standing.HINTED}
)
_PROBLEMS: Final[Mapping[str, str]] = MappingProxyType(
    {"REFUND": "refund", "SERVICE_NOT_WORK": "service", "OTHERS": "other"}
)
# A page of the documentation spells one of them this way.
_MISSPELT: Final[Mapping[str, str]] = MappingProxyType(
    {"USER_APPLY_PLATFORM_SERIVCE": "USER_APPLY_PLATFORM_SERVICE"}
)


def told(value: Json) -> Told:
    """A complaint of a list or by itself. Raises BadJson."""
    state = text(value, "complaint_state")
    if state not in _STANDINGS:
        raise BadJson(f"complaint_state: found another; allowed is one of {', '.join(_STANDINGS)}")
    order = _order(value)
    return Told(
        complaint_id=text(value, "complaint_id", COMPLAINT_ID),
        standing=_STANDINGS[state],
        sale_id=text(order, "out_trade_no", _NUMBER) if order else "",
        transaction_id=text(order, "transaction_id", _NUMBER) if order else "",
        amount_fen=whole(order, "amount") if order else 0,
        problem=_PROBLEMS.get(str(value.get("problem_type")), "other"),
        words=_words(value, "complaint_detail"),
        phone_sealed=_like(value, "payer_phone", _SEALED),
        pictures=" ".join(_pictures(value)),
        full_refunded=value.get("complaint_full_refunded") is True,
        spoke=value.get("incoming_user_response") is True,
        times=max(1, whole(value, "user_complaint_times")) if "user_complaint_times" in value else 1,
        made_wall_ms=moment(value, "complaint_time"),
    )


def page(value: Json) -> Page:
    """A page of a list. Raises BadJson."""
    found = value.get("data")
    if not isinstance(found, list):
        raise BadJson("data: found no list")
    return Page(complaints=tuple(told(_object(each)) for each in found), total=whole(value, "total_count"))


def lines(value: Json) -> tuple[Line, ...]:
    """What was said about a complaint. Raises BadJson."""
    found = value.get("data")
    if not isinstance(found, list):
        raise BadJson("data: found no list")
    return tuple(_line(_object(each)) for each in found)


def _line(value: Json) -> Line:
    return Line(
        wall_ms=moment(value, "operate_time"),
        by=_words(value, "operator")[:64],
        action=_like(value, "operate_type", _ACTION).lower(),
        words=_words(value, "operate_details"),
    )


def hint(value: Json, event: str) -> ComplaintHint:
    """A notification's plaintext. An action that nobody wrote down is as good as any. Raises BadJson."""
    action = _like(value, "action_type", _ACTION)
    return ComplaintHint(
        event_type=event,
        complaint_id=text(value, "complaint_id", COMPLAINT_ID),
        action=_MISSPELT.get(action, action).lower(),
    )


def violation(value: Json, event: str) -> Violation:
    """A notification's plaintext; a member's name may have a stray tab behind it. Raises BadJson."""
    clean = {name.strip(): each for name, each in value.items()}
    return Violation(
        event_type=event,
        record_id=text(clean, "record_id", re.compile(r"[0-9A-Za-z_-]{1,128}")),
        sub_mchid=_like(clean, "sub_mchid", re.compile("[0-9]{1,32}")),
        kind=event.rpartition(".")[2].lower(),
        plan=_words(clean, "punish_plan")[:120],
        risk=_like(clean, "risk_type", re.compile("[A-Z_]{1,64}")).lower(),
    )


def moment(value: Json, name: str) -> int:
    """A time in Unix milliseconds; 0 when it is none."""
    try:
        at = datetime.fromisoformat(str(value.get(name)))
        return round(at.timestamp() * 1000) if at.tzinfo is not None else 0
    except (ValueError, OverflowError):
        return 0


def _order(value: Json) -> Json:
    found = value.get("complaint_order_info")
    if not isinstance(found, list) or not found:
        return {}
    return thing({"order": found[0]}, "order")


def _pictures(value: Json) -> list[str]:
    """Paths below the platform's own image address: no other address is ever asked (T-WH-12)."""
    media = value.get("complaint_media_list")
    listed = (
        [each.get("media_url") for each in media if isinstance(each, dict)] if isinstance(media, list) else []
    )
    urls = [url for each in listed if isinstance(each, list) for url in each if isinstance(url, str)]
    paths = [urlsplit(url).path for url in urls]
    return [path for path in paths if _PICTURE.fullmatch(path)][:_MOST_PICTURES]


def _words(value: Json, name: str) -> str:
    found = value.get(name)
    if not isinstance(found, str):
        return ""
    return "".join(each if each.isprintable() else " " for each in found[:_MOST_WORDS]).strip()


def _like(value: Json, name: str, shape: re.Pattern[str]) -> str:
    found = value.get(name)
    return found if isinstance(found, str) and shape.fullmatch(found) else ""


def _object(value: Any) -> Json:
    return thing({"item": value}, "item")
