"""The merchant's calls about complaints, and the notices that tell of them.

From "complaints 2.0" of the operations description: paths, limits, the notification address, re-sending.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from hw_sim.platform import multipart, schemas
from hw_sim.platform.answers import ApiError, Call
from hw_sim.platform.complaints import Complaint, ComplaintBook, entry_view
from hw_sim.platform.fields import Rule
from hw_sim.platform.ids import Ids
from hw_sim.platform.keys import Merchant
from hw_sim.platform.model import Platform
from hw_sim.platform.notices import RESEND_AFTER_S, Notice

BASE: Final = "/v3/merchant-service"
ONE: Final = f"{BASE}/complaints-v2/(?P<complaint_id>[^/]+)"
SCHEDULES: Final[Mapping[str, tuple[int, ...]]] = MappingProxyType(
    {"2021": RESEND_AFTER_S, "2023": (5, *[60] * 10, *[300] * 989)}
)
PER_MINUTE: Final[Mapping[str, int]] = MappingProxyType(
    {
        "complaint_list": 200,
        "complaint_history": 200,
        "complaint_response": 60,
        "complaint_progress": 60,
        "complaint_complete": 1500,
        "image_upload": 60,
    }
)
_OWN: Final = frozenset(
    {
        *("MERCHANT_RESPONSE", "MERCHANT_CONFIRM_COMPLETE"),
        *("MERCHANT_APPROVE_REFUND", "MERCHANT_REJECT_REFUND"),
    }
)
_JPEG, _PNG = b"\xff\xd8", b"\x89PNG"
Done = tuple[int, Any]


class ComplaintDesk:
    """Complaints of one merchant: its calls as routes of the API, and notices to its one address.

    `schedule` is the page whose re-sending is kept; `tells_own` has the merchant's own acts pushed as well.
    """

    def __init__(
        self,
        *,
        platform: Platform,
        merchant: Merchant,
        ids: Ids,
        schedule: str = "2021",
        tells_own: bool = False,
        plain_http: bool = False,
    ) -> None:
        self._platform = platform
        self._merchant = merchant
        self._ids = ids
        self._resend_after_s = SCHEDULES[schedule]
        self._tells_own = tells_own
        self._schemes = ("https", "http") if plain_http else ("https",)
        self._minute = 0
        self._calls: Counter[str] = Counter()
        self.url = ""
        self.book = ComplaintBook(ids=ids, mchid=merchant.mchid, seal=merchant.seal, tell=self._announce)
        platform.on_refund(self.book.refunded)

    def routes(self) -> tuple[tuple[str, str, str, Any], ...]:
        """Operation, method, path and work of each call."""
        address = f"{BASE}/complaint-notifications"
        return (
            ("complaint_list", "GET", f"{BASE}/complaints-v2", self._list),
            ("complaint_detail", "GET", ONE, self._detail),
            ("complaint_history", "GET", f"{ONE}/negotiation-historys", self._history),
            ("complaint_response", "POST", f"{ONE}/response", self._respond),
            ("complaint_complete", "POST", f"{ONE}/complete", self._complete),
            ("complaint_progress", "POST", f"{ONE}/update-refund-progress", self._progress),
            ("image_upload", "POST", f"{BASE}/images/upload", self._upload),
            ("image_download", "GET", f"{BASE}/images/(?P<media_id>[^/]+)", self._download),
            ("complaint_address", "GET", address, self._address),
            ("complaint_address", "POST", address, self._new_address),
            ("complaint_address", "PUT", address, self._other_address),
            ("complaint_address", "DELETE", address, self._no_address),
        )

    # Reading.

    def _list(self, call: Call, _: str, now_ms: int) -> Done:
        self._count("complaint_list", now_ms)
        query = _query(call)
        limit, offset = _page(query, most=50, usual=10)
        if query.get("complainted_mchid", self._merchant.mchid) != self._merchant.mchid:
            raise ApiError(403, "NO_AUTH", "没有查询此商户投诉的权限")
        found = self.book.between(query.get("begin_date", ""), query.get("end_date", ""))
        shown = [self.book.view(each, detailed=False) for each in found[offset : offset + limit]]
        return 200, {"data": shown, "limit": limit, "offset": offset, "total_count": len(found)}

    def _detail(self, _: Call, complaint_id: str, _now_ms: int) -> Done:
        return 200, self.book.view(self.book.get(complaint_id), detailed=True)

    def _history(self, call: Call, complaint_id: str, now_ms: int) -> Done:
        self._count("complaint_history", now_ms)
        limit, offset = _page(_query(call), most=300, usual=100)
        lines = self.book.get(complaint_id).history[::-1]
        shown = [entry_view(each) for each in lines[offset : offset + limit]]
        return 200, {"data": shown, "limit": limit, "offset": offset, "total_count": len(lines)}

    # Acting.

    def _respond(self, call: Call, complaint_id: str, now_ms: int) -> Done:
        self._count("complaint_response", now_ms)
        asked = self._asked(call, schemas.COMPLAINT_RESPONSE)
        images = tuple(asked.get("response_images") or ())
        if len(images) > 4:
            raise ApiError(400, "PARAM_ERROR", "回复图片最多4张")
        self.book.respond(complaint_id, asked["response_content"], images, now_ms)
        return 204, None

    def _complete(self, call: Call, complaint_id: str, now_ms: int) -> Done:
        self._count("complaint_complete", now_ms)
        self._asked(call, schemas.COMPLAINT_COMPLETE)
        self.book.complete(complaint_id, now_ms)
        return 204, None

    def _progress(self, call: Call, complaint_id: str, now_ms: int) -> Done:
        self._count("complaint_progress", now_ms)
        self.book.progress(complaint_id, schemas.parsed(call.body, schemas.REFUND_PROGRESS), now_ms)
        return 204, None

    def _asked(self, call: Call, rule: Rule) -> dict[str, Any]:
        asked = schemas.parsed(call.body, rule)
        if asked["complainted_mchid"] != self._merchant.mchid:
            raise ApiError(403, "NO_AUTH", "没有处理此投诉的权限")
        return asked

    def _count(self, operation: str, now_ms: int) -> None:
        if now_ms // 60_000 != self._minute:
            self._minute = now_ms // 60_000
            self._calls.clear()
        if self._calls[operation] >= PER_MINUTE[operation]:
            raise ApiError(429, "FREQUENCY_LIMITED", "频率超限，请稍后重试")
        self._calls[operation] += 1

    # Pictures.

    def _upload(self, call: Call, _: str, now_ms: int) -> Done:
        self._count("image_upload", now_ms)
        if not multipart.is_multipart(call.headers):
            raise ApiError(400, "PARAM_ERROR", "Content-Type须为multipart/form-data")
        parts = multipart.parts(call.headers, call.body)
        meta, image = json.loads(parts["meta"]), parts.get("file", b"")
        if not isinstance(meta, dict) or not meta.get("filename"):
            raise ApiError(400, "PARAM_ERROR", "meta缺少filename")
        if meta.get("sha256") != hashlib.sha256(image).hexdigest():
            raise ApiError(400, "PARAM_ERROR", "图片与sha256不一致")
        if not image.startswith((_JPEG, _PNG, b"BM")):
            raise ApiError(400, "PARAM_ERROR", "只支持JPG、PNG、BMP格式")
        return 200, {"media_id": self.book.keep_image(image)}

    def _download(self, _: Call, media_id: str, _now_ms: int) -> Done:
        return 200, self.book.image(media_id)

    # The address.

    def _address(self, *_: Any) -> Done:
        if not self.url:
            raise ApiError(404, "RESOURCE_NOT_EXISTS", "投诉通知回调地址不存在")
        return 200, {"mchid": self._merchant.mchid, "url": self.url}

    def _new_address(self, call: Call, _: str, now_ms: int) -> Done:
        if self.url:
            raise ApiError(400, "INVALID_REQUEST", "投诉通知回调地址已存在")
        return self._set(call)

    def _other_address(self, call: Call, *_: Any) -> Done:
        if not self.url:
            raise ApiError(404, "RESOURCE_NOT_EXISTS", "投诉通知回调地址不存在")
        return self._set(call)

    def _set(self, call: Call) -> Done:
        url = str(schemas.parsed(call.body, schemas.COMPLAINT_ADDRESS)["url"])
        if urlsplit(url).scheme not in self._schemes:
            raise ApiError(400, "PARAM_ERROR", "投诉通知回调地址仅支持https")
        self.url = url
        return 200, {"mchid": self._merchant.mchid, "url": url}

    def _no_address(self, *_: Any) -> Done:
        self.url = ""
        return 204, None

    # Telling.

    def _announce(self, complaint: Complaint, action: str, now_ms: int) -> None:
        if not self.url or (action in _OWN and not self._tells_own):
            return
        created = action == "CREATE_COMPLAINT"
        self._platform.announce(
            Notice(
                id=self._ids.notice_id(),
                kind="complaint",
                event_type="COMPLAINT.CREATE" if created else "COMPLAINT.STATE_CHANGE",
                summary="产生新投诉" if created else "投诉单状态变化",
                url=self.url,
                resource={"complaint_id": complaint.complaint_id, "action_type": action},
                made_ms=now_ms,
                out_trade_no=complaint.order.out_trade_no,
                resend_after_s=self._resend_after_s,
            ),
            now_ms,
        )


def _query(call: Call) -> dict[str, str]:
    return dict(parse_qsl(call.target.partition("?")[2]))


def _page(query: Mapping[str, str], *, most: int, usual: int) -> tuple[int, int]:
    try:
        limit, offset = int(query.get("limit", usual)), int(query.get("offset", 0))
    except ValueError as error:
        raise ApiError(400, "PARAM_ERROR", "limit、offset须为整数") from error
    if not 1 <= limit <= most or offset < 0:
        raise ApiError(400, "PARAM_ERROR", f"limit须为1到{most}，offset须不小于0")
    return limit, offset
