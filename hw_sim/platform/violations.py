"""Violation notices, as service providers get them about their sub-merchants.

From "violation notifications today" of the operations description: address, events, plaintext.
"""

from collections.abc import Mapping
from typing import Any, Final

from hw_sim.platform.answers import ApiError, Call, rfc3339
from hw_sim.platform.ids import Ids
from hw_sim.platform.model import Platform
from hw_sim.platform.notices import Notice
from hw_sim.platform.schemas import VIOLATION_ADDRESS, parsed

_ADDRESS: Final = "/v3/merchant-risk-manage/violation-notifications"
_EVENTS: Final = ("PUNISH", "INTERCEPT", "APPEAL")
_USUAL: Final[Mapping[str, Any]] = {
    "sub_mchid": "1900000888",
    "company_name": "示例小店",
    "punish_plan": "关闭支付权限",
    "punish_description": "交易存在风险",
    "risk_type": "UNUSUAL_TRANSACTION",
}
Done = tuple[int, Any]


class Violations:
    """The one address of a provider. `provider` False: a direct merchant, who may not have one.

    `stray_tab` spells the last member's name as a documented sample does.
    """

    def __init__(
        self, *, platform: Platform, ids: Ids, mchid: str, provider: bool = True, stray_tab: bool = False
    ) -> None:
        self._platform = platform
        self._ids = ids
        self._mchid = mchid
        self._provider = provider
        self._last_name = "risk_description\t" if stray_tab else "risk_description"
        self.url = ""

    def routes(self) -> tuple[tuple[str, str, str, Any], ...]:
        """Operation, method, path and work of each call."""
        works = {"GET": self._get, "POST": self._set, "PUT": self._set, "DELETE": self._drop}
        return tuple(("violation_address", method, _ADDRESS, work) for method, work in works.items())

    def tell(self, told: Mapping[str, Any], now_ms: int) -> dict[str, Any]:
        """Announce a violation: `event` (PUNISH, INTERCEPT, APPEAL), `url`, and members of the plaintext."""
        event, url = str(told.get("event", "PUNISH")), str(told.get("url", self.url))
        if event not in _EVENTS or not url:
            raise ValueError(f"event: found {event[:20]}, allowed {', '.join(_EVENTS)}, and an address")
        plain = {name: told.get(name, value) for name, value in _USUAL.items()}
        plain |= {"record_id": told.get("record_id", self._ids.nonce(32)), "punish_time": rfc3339(now_ms)}
        plain[self._last_name] = told.get("risk_description", "疑似异常交易")
        self._platform.announce(
            Notice(
                id=self._ids.notice_id(),
                kind="violation",
                event_type=f"VIOLATION.{event}",
                summary="商户违规通知",
                url=url,
                resource=plain,
                made_ms=now_ms,
                out_trade_no="",
            ),
            now_ms,
        )
        return {"record_id": plain["record_id"]}

    def _get(self, *_: Any) -> Done:
        self._allow()
        if not self.url:
            raise ApiError(404, "RESOURCE_NOT_EXISTS", "商户违规通知回调地址不存在")
        return 200, {"notify_url": self.url}

    def _set(self, call: Call, *_: Any) -> Done:
        self._allow()
        self.url = str(parsed(call.body, VIOLATION_ADDRESS)["notify_url"])
        return 200, {"notify_url": self.url}

    def _drop(self, *_: Any) -> Done:
        self._allow()
        self.url = ""
        return 204, None

    def _allow(self) -> None:
        if not self._provider:
            raise ApiError(403, "NO_AUTH", "商户无此接口权限")
