"""Refunds beside the usual call: by hand in the merchant's console, and of money that came back to us.

From "apply-abnormal-refund" and "refunds made by hand in the console" of the operations description.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from hw_sim.platform import crypto
from hw_sim.platform.answers import ApiError, Call, JsonObject
from hw_sim.platform.clock import Clock
from hw_sim.platform.fields import Text, Thing
from hw_sim.platform.ids import Ids
from hw_sim.platform.model import Platform
from hw_sim.platform.schemas import parsed
from hw_sim.platform.signatures import Signer

_PATH: Final = "/v3/refund/domestic/refunds/(?P<refund_id>[^/]+)/apply-abnormal-refund"
_ABNORMAL: Final = Thing(
    "异常退款申请",
    {
        "out_refund_no": Text("商户退款单号", 64, required=True),
        "type": Text("异常退款处理方式", 32, required=True, pattern="^(USER|MERCHANT)_BANK_CARD\\Z"),
        "bank_type": Text("开户银行", 32),
        "bank_account": Text("收款银行卡号", 1024),
        "real_name": Text("收款用户姓名", 1024),
    },
)
_SEALED: Final = ("bank_account", "real_name")


class RefundCalls:
    """The call for money that no account took, and the console's refunds as wishes at the desk."""

    def __init__(self, *, platform: Platform, signer: Signer, appid: str, ids: Ids, clock: Clock) -> None:
        self._platform = platform
        self._signer = signer
        self._appid = appid
        self._ids = ids
        self._clock = clock

    def routes(self) -> tuple[tuple[str, str, str, Any], ...]:
        """Operation, method, path and work of each call."""
        return (("refund_abnormal", "POST", _PATH, self._again),)

    def _again(self, call: Call, refund_id: str, now_ms: int) -> tuple[int, Any]:
        """To a bank card, this time: number and owner are sealed for the key that the header names."""
        asked = parsed(call.body, _ABNORMAL)
        named = call.headers.get("wechatpay-serial", "")
        for member in _SEALED:
            if member in asked:
                self._open(asked[member], named, member)
        return 200, self._platform.refund_again(asked["out_refund_no"], refund_id, now_ms)

    def _open(self, sealed: str, named: str, member: str) -> str:
        key = self._signer.named(named)
        if key is None:
            raise ApiError(400, "PARAM_ERROR", "Http头Wechatpay-Serial未传或不正确，无法解密敏感信息")
        try:
            return crypto.open_sealed(key, sealed)
        except crypto.NotUsable as exc:
            message = f"输入源“/body/{member}”解密失败"
            raise ApiError(400, "PARAM_ERROR", message, detail={"location": "body", "value": ""}) from exc

    def wishes(self) -> Mapping[str, Callable[[Mapping[str, Any]], Any]]:
        """What the desk adds."""
        return {"console_refund": self._by_hand, "top_up": self._top_up, "pay_out": self._pay_out}

    def _by_hand(self, wish: Mapping[str, Any]) -> Any:
        """`out_trade_no`, and as you like `refund_fen`, `out_refund_no`, `url` and `xml` true."""
        now_ms = self._clock.now_ms()
        order = self._platform.paid_order(str(wish.get("out_trade_no", "")), now_ms)
        if order is None or not order.transaction_id:
            raise ValueError("out_trade_no: found no paid order, allowed one")
        fen, as_xml = wish.get("refund_fen", order.paid_fen), wish.get("xml", False)
        if not isinstance(fen, int) or fen < 1 or not isinstance(as_xml, bool):
            raise ValueError("refund_fen, xml: found something else, allowed fen from 1 on, true or false")
        request: JsonObject = {
            "out_trade_no": order.out_trade_no,
            "out_refund_no": str(wish.get("out_refund_no", self._ids.refund_id(now_ms))),
            "notify_url": str(wish.get("url", order.request["notify_url"])),
            "amount": {"refund": fen, "total": order.paid_fen, "currency": "CNY"},
        }
        if as_xml:
            request["v2"] = {"appid": self._appid, "sign_type": "MD5"}
        try:
            return self._platform.refund(request, now_ms)
        except ApiError as error:
            raise ValueError(f"refund_fen: found {fen}; the console says {error.body['message']}") from error

    def _top_up(self, wish: Mapping[str, Any]) -> Any:
        fen = wish.get("fen")
        if not isinstance(fen, int) or isinstance(fen, bool) or fen < 1:
            raise ValueError("fen: found something else, allowed a whole number from 1 on")
        self._platform.purse.put(fen)
        return {"available_fen": self._platform.purse.available_fen}

    def _pay_out(self, _wish: Mapping[str, Any]) -> Any:
        self._platform.purse.pay_out()
        return {"available_fen": self._platform.purse.available_fen}
