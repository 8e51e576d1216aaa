"""Complaints 2.0: payers who complain about an order, and what is said about it until it is settled.

From "complaints 2.0" of the operations description: states, members, actions, one complaint per order.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Final

from hw_sim.platform.answers import BEIJING, ApiError, JsonObject
from hw_sim.platform.ids import Ids
from hw_sim.platform.orders import Order

MOST_DAYS: Final = 30
OPERATOR: Final = "商户客服"
PAYER: Final = "投诉人"


class Standing(StrEnum):
    """`complaint_state`."""

    PENDING = "PENDING"
    PROCESSING = "PROCESSING"
    PROCESSED = "PROCESSED"


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the negotiation. `action` is its `operate_type`."""

    log_id: str
    at_ms: int
    operator: str
    action: str
    words: str = field(default="", repr=False)
    images: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Complaint:
    """One complaint. `response_new` says that the payer spoke and the merchant did not answer since."""

    complaint_id: str
    order: Order = field(repr=False)
    made_ms: int
    problem: str
    words: str = field(repr=False)
    phone: str = field(repr=False)
    images: tuple[str, ...] = ()
    standing: Standing = Standing.PENDING
    times: int = 1
    approved: bool = False
    full_refunded: bool = False
    response_new: bool = False
    history: tuple[Entry, ...] = ()


Tell = Callable[[Complaint, str, int], None]


class ComplaintBook:
    """All complaints of one merchant. `tell` hears of each action, `seal` encrypts for the merchant."""

    def __init__(self, *, ids: Ids, mchid: str, seal: Callable[[str], str], tell: Tell) -> None:
        self._ids = ids
        self._mchid = mchid
        self._seal = seal
        self._tell = tell
        self._complaints: dict[str, Complaint] = {}
        self._images: dict[str, bytes] = {}

    # The payer's side.

    def create(self, order: Order, now_ms: int, **told: str) -> Complaint:
        """Complain about a paid order: `problem`, `words`, `phone`. Raises ValueError."""
        if not order.transaction_id:
            raise ValueError(f"out_trade_no: found {order.out_trade_no}, unpaid; allowed is a paid order")
        if any(each.order.out_trade_no == order.out_trade_no for each in self._complaints.values()):
            raise ValueError(f"out_trade_no: found {order.out_trade_no}, which has its complaint already")
        made = Complaint(
            complaint_id=self._ids.complaint_id(now_ms),
            order=order,
            made_ms=now_ms,
            problem=told.get("problem", "SERVICE_NOT_WORK"),
            words=told.get("words", "付款后没有出货"),
            phone=told.get("phone", "13800138000"),
        )
        return self._note(made, "CREATE_COMPLAINT", now_ms, by=PAYER, words=made.words)

    def attach(self, complaint_id: str, image: bytes) -> str:
        """Have the payer add a picture to what he complained about."""
        found = self.get(complaint_id)
        media_id = self.keep_image(image)
        self._complaints[complaint_id] = replace(found, images=(*found.images, media_id))
        return media_id

    def speak(self, complaint_id: str, words: str, now_ms: int, *, again: bool = False) -> Complaint:
        """Have the payer answer, or (`again`) complain once more, which opens what was settled."""
        found = replace(self.get(complaint_id), response_new=True)
        if again:
            found = replace(found, standing=Standing.PENDING, times=found.times + 1)
        action = "CONTINUE_COMPLAINT" if again else "USER_RESPONSE"
        return self._note(found, action, now_ms, by=PAYER, words=words)

    def refunded(self, out_trade_no: str, now_ms: int) -> None:
        """The money of an order went back in full: an approved complaint ends by itself."""
        for found in self._complaints.values():
            if found.order.out_trade_no == out_trade_no:
                ends = Standing.PROCESSED if found.approved else found.standing
                back = replace(found, full_refunded=True, standing=ends)
                self._note(back, "REFUND_SUCCESS", now_ms, by="系统")
                return

    # The merchant's side.

    def respond(self, complaint_id: str, words: str, images: tuple[str, ...], now_ms: int) -> None:
        """Take an answer. Raises ApiError."""
        found = self._addressed(complaint_id, images)
        first = found.standing is Standing.PENDING
        heard = replace(found, standing=Standing.PROCESSING if first else found.standing, response_new=False)
        self._note(heard, "MERCHANT_RESPONSE", now_ms, words=words, images=images)

    def complete(self, complaint_id: str, now_ms: int) -> None:
        """Take the merchant's word that it is settled. Raises ApiError."""
        found = self._unsettled(complaint_id)
        self._note(replace(found, standing=Standing.PROCESSED), "MERCHANT_CONFIRM_COMPLETE", now_ms)

    def progress(self, complaint_id: str, request: Mapping[str, Any], now_ms: int) -> None:
        """Take what the merchant says about a refund. Raises ApiError."""
        found = self._unsettled(complaint_id)
        approves = request["action"] == "APPROVE"
        if approves and request.get("launch_refund_day") is None:
            raise ApiError(400, "PARAM_ERROR", "同意退款时launch_refund_day必填")
        if not approves and not request.get("reject_reason"):
            raise ApiError(400, "PARAM_ERROR", "拒绝退款时reject_reason必填")
        ends = approves and found.full_refunded
        heard = replace(
            found, approved=approves, standing=Standing.PROCESSED if ends else Standing.PROCESSING
        )
        action = "MERCHANT_APPROVE_REFUND" if approves else "MERCHANT_REJECT_REFUND"
        self._note(heard, action, now_ms, words=request.get("reject_reason") or request.get("remark") or "")

    def keep_image(self, image: bytes) -> str:
        """Keep a picture under a new media id."""
        media_id = self._ids.media_id()
        self._images[media_id] = image
        return media_id

    def image(self, media_id: str) -> bytes:
        """Give a picture. Raises ApiError."""
        if media_id not in self._images:
            raise ApiError(404, "NOT_FOUND", "图片不存在")
        return self._images[media_id]

    # What a merchant sees.

    def get(self, complaint_id: str) -> Complaint:
        """Give one complaint. Raises ApiError 400."""
        found = self._complaints.get(complaint_id)
        if found is None:
            raise ApiError(400, "INVALID_REQUEST", "投诉单不存在")
        return found

    def all(self) -> tuple[Complaint, ...]:
        """Give every complaint, oldest first."""
        return tuple(self._complaints.values())

    def between(self, begin: str, end: str) -> list[Complaint]:
        """Give those made on the days from `begin` to `end`, the newest first. Raises ApiError."""
        try:
            first, last = date.fromisoformat(begin), date.fromisoformat(end)
        except ValueError as error:
            raise ApiError(400, "PARAM_ERROR", "日期格式须为yyyy-MM-dd") from error
        if not 0 <= (last - first).days < MOST_DAYS:
            raise ApiError(400, "PARAM_ERROR", "查询日期跨度不超过30天")
        days = ((each, datetime.fromtimestamp(each.made_ms / 1000, BEIJING).date()) for each in self.all())
        return [each for each, day in days if first <= day <= last][::-1]

    def view(self, found: Complaint, *, detailed: bool) -> JsonObject:
        """Show a complaint; only the detail names the payer."""
        order = found.order
        shown: JsonObject = {
            "complaint_id": found.complaint_id,
            "complaint_time": stamp(found.made_ms),
            "complaint_detail": found.words,
            "complaint_state": found.standing.value,
            "complainted_mchid": self._mchid,
            "payer_phone": self._seal(found.phone),
            "complaint_order_info": [
                {
                    "transaction_id": order.transaction_id,
                    "out_trade_no": order.out_trade_no,
                    "amount": order.total_fen,
                }
            ],
            "complaint_full_refunded": found.full_refunded,
            "incoming_user_response": found.response_new,
            "user_complaint_times": found.times,
            "problem_description": "自动售货机",
            "problem_type": found.problem,
            "user_tag_list": ["TRUSTED"],
            "service_order_info": [],
            "complaint_media_list": _media(found),
            "in_platform_service": False,
            "need_immediate_service": False,
            "is_agent_mode": False,
        }
        if found.problem == "REFUND":
            shown["apply_refund_amount"] = order.total_fen
        return shown | {"payer_openid": order.openid} if detailed else shown

    # Keeping.

    def _addressed(self, complaint_id: str, images: tuple[str, ...]) -> Complaint:
        for media_id in images:
            self.image(media_id)
        return self.get(complaint_id)

    def _unsettled(self, complaint_id: str) -> Complaint:
        found = self.get(complaint_id)
        if found.standing is Standing.PROCESSED:
            raise ApiError(400, "INVALID_REQUEST", "投诉单已处理完成")
        return found

    def _note(
        self,
        changed: Complaint,
        action: str,
        now_ms: int,
        *,
        by: str = OPERATOR,
        words: str = "",
        images: tuple[str, ...] = (),
    ) -> Complaint:
        log = Entry(self._ids.media_id(), now_ms, by, action, words, images)
        kept = replace(changed, history=(*changed.history, log))
        self._complaints[kept.complaint_id] = kept
        self._tell(kept, action, now_ms)
        return kept


def entry_view(entry: Entry) -> JsonObject:
    """Show a line of the negotiation."""
    return {
        "log_id": entry.log_id,
        "operator": entry.operator,
        "operate_time": stamp(entry.at_ms),
        "operate_type": entry.action,
        "operate_details": entry.words,
        "image_list": [image_url(media_id) for media_id in entry.images],
        "complaint_media_list": [],
    }


def image_url(media_id: str) -> str:
    """Where a picture is downloaded."""
    return f"https://api.mch.weixin.qq.com/v3/merchant-service/images/{media_id}"


def stamp(at_ms: int) -> str:
    """An instant with its milliseconds, as complaints have it."""
    return datetime.fromtimestamp(at_ms / 1000, BEIJING).isoformat(timespec="milliseconds")


def _media(found: Complaint) -> list[JsonObject]:
    if not found.images:
        return []
    return [{"media_type": "USER_COMPLAINT_IMAGE", "media_url": [image_url(each) for each in found.images]}]
