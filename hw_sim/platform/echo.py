"""The self-test of the platform: it says back what it got, and sends a notification when it is asked to.

From "self-test endpoint" of the APIv3 description.
"""

from typing import Any, Final

from hw_sim.platform import crypto
from hw_sim.platform.answers import ApiError, Call, rfc3339
from hw_sim.platform.fields import Text, Thing
from hw_sim.platform.ids import Ids
from hw_sim.platform.keys import Merchant
from hw_sim.platform.model import Platform
from hw_sim.platform.notices import Notice
from hw_sim.platform.schemas import parsed
from hw_sim.platform.signatures import Signer

_URL: Final = r"^https?://([^\s/?#\[\]\@]+\@)?([^\s/?#\@:]+)(?::\d{2,5})?([^\s?#\[\]]*)$"
_ECHO: Final = Thing(
    "回声请求",
    {
        "echo_message": Text("回声内容", 512, required=True),
        "encrypted_echo_message": Text("加密的回声内容", 1024),
        "notify_url": Text("通知地址", 255, pattern=_URL),
    },
)


class Echo:
    """`open_to_all` False: only service providers have it, as one description says."""

    def __init__(
        self, *, platform: Platform, merchant: Merchant, signer: Signer, ids: Ids, open_to_all: bool = True
    ) -> None:
        self._platform = platform
        self._merchant = merchant
        self._signer = signer
        self._ids = ids
        self._open_to_all = open_to_all

    def routes(self) -> tuple[tuple[str, str, str, Any], ...]:
        """Operation, method, path and work of the call."""
        return (("echo", "POST", "/v3/security/echo", self._echo),)

    def _echo(self, call: Call, _number: str, now_ms: int) -> tuple[int, Any]:
        if not self._open_to_all:
            raise ApiError(403, "NO_AUTH", "商户无此接口权限")
        asked = parsed(call.body, _ECHO)
        told = {"echo_message": asked["echo_message"]}
        if "encrypted_echo_message" in asked:
            told["encrypted_echo_message"] = self._sealed_again(call, asked["encrypted_echo_message"])
        if "notify_url" in asked:
            self._platform.announce(self._notice(asked["notify_url"], asked["echo_message"], now_ms), now_ms)
        return 200, told

    def _sealed_again(self, call: Call, sealed: str) -> str:
        key = self._signer.named(call.headers.get("wechatpay-serial", ""))
        if key is None:
            raise ApiError(400, "PARAM_ERROR", "Http头Wechatpay-Serial未传或不正确，无法解密敏感信息")
        try:
            text = crypto.open_sealed(key, sealed)
        except crypto.NotUsable as exc:
            raise ApiError(400, "PARAM_ERROR", "输入源“/body/encrypted_echo_message”解密失败") from exc
        return crypto.seal_for(self._merchant.public_key, text)

    def _notice(self, url: str, message: str, now_ms: int) -> Notice:
        return Notice(
            id=self._ids.notice_id(),
            kind="security",
            event_type="SECURITY_ECHO.SUCCESS",
            summary="回声通知",
            url=url,
            resource={
                "mchid": self._merchant.mchid,
                "echo_message": message,
                "success_time": rfc3339(now_ms),
            },
            made_ms=now_ms,
            out_trade_no="",
        )
