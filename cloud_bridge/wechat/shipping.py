"""Reports of deliveries to the platform of mini-programs: an access token, then `upload_shipping_info`.

From "shipping-info management": another host than the payment API's, no RSA signature. The payer's openid is
asked of the payment API at the moment of the report, and kept nowhere.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any, Final
from urllib.parse import quote

from cloud_bridge.core.sale import Sale
from cloud_bridge.ports import Clock
from cloud_bridge.ports_desk import Poster
from cloud_bridge.wechat import jsonio
from cloud_bridge.wechat.exchange import Caller, Success
from cloud_bridge.wechat.settings import MerchantSettings
from cloud_bridge.wechat.signing import Request

DONE, AGAIN = "done", "again"
SELF_PICKUP: Final = 4
_CHINA: Final = timezone(timedelta(hours=8))
_UPLOAD: Final = "/wxa/sec/order/upload_shipping_info"
_STABLE: Final = "/cgi-bin/stable_token"
_SPARE_MS: Final = 300_000
_NOT_YET: Final = frozenset({10060001, -1, 45009, 45011})  # not stored there yet; busy; too often
_TOKEN_GONE: Final = frozenset({40001, 42001, 40014})
_ALREADY: Final = frozenset({10060002, 10060003})  # shipped in full; the one correction was used
_DESCRIPTION_BYTES: Final = 120
_ORDER: Final = "/v3/pay/transactions/out-trade-no/"


@dataclass(slots=True)
class _Token:
    """An access token and until when it is good, on the monotonic clock. It is a secret."""

    text: str = field(default="", repr=False)
    until_ms: int = 0


class MiniProgram:
    """Implements `ports_desk.ShippingCalls` for one merchant's appid."""

    def __init__(
        self, settings: MerchantSettings, client: Caller, host: Poster, *, app_secret: str, clock: Clock
    ) -> None:
        self._settings: Final = settings
        self._client: Final = client
        self._host: Final = host
        self._app_secret: Final = app_secret
        self._clock: Final = clock
        self._token: Final = _Token()

    async def report(self, sale: Sale, wall_ms: int) -> str:
        """Say that the goods were picked up: `done`, `again`, or why it is refused for good."""
        openid = await self._payer(sale.sale_id)
        if not openid:
            return AGAIN
        body = self._body(sale, openid, wall_ms)
        said = await self._upload(body)
        if said in _TOKEN_GONE:  # somebody else fetched one: ours is void from then on
            self._token.text = ""
            said = await self._upload(body)
        if said == 0 or said in _ALREADY:
            return DONE
        return AGAIN if said is None or said in _NOT_YET or said in _TOKEN_GONE else f"errcode {said}"

    async def _upload(self, body: Mapping[str, Any]) -> int | None:
        """What the platform says by its number; None when nothing can be read."""
        token = await self._fresh()
        if isinstance(token, int):
            return token or None
        return _number(await self._host.post(f"{_UPLOAD}?access_token={quote(token, safe='')}", body))

    async def _fresh(self) -> str | int:
        """The token; a number of the platform's when it gives none, 0 when nothing can be read."""
        now_ms = self._clock.now_ms()
        if self._token.text and now_ms < self._token.until_ms:
            return self._token.text
        asked = {
            "grant_type": "client_credential",
            "appid": self._settings.appid,
            "secret": self._app_secret,
        }
        answer = await self._host.post(_STABLE, asked)
        if isinstance(answer, str) or not isinstance(answer.get("access_token"), str):
            return _number(answer) or 0
        life_s = answer.get("expires_in")
        life_ms = life_s * 1000 if isinstance(life_s, int) else 0
        self._token.text = answer["access_token"]
        self._token.until_ms = now_ms + max(0, life_ms - _SPARE_MS)
        return self._token.text

    async def _payer(self, sale_id: str) -> str:
        target = f"{_ORDER}{quote(sale_id, safe='')}?mchid={self._settings.mchid}"
        reply = await self._client.call(Request("GET", target))
        payer = reply.value.get("payer") if isinstance(reply, Success) else None
        openid = payer.get("openid") if isinstance(payer, dict) else None
        return openid if isinstance(openid, str) else ""

    def _body(self, sale: Sale, openid: str, wall_ms: int) -> jsonio.Json:
        at = datetime.fromtimestamp(wall_ms / 1000, _CHINA).isoformat(timespec="milliseconds")
        words = f"{sale.product_zh or sale.product_en or 'goods'} x1"
        return {
            "order_key": {
                "order_number_type": 1,
                "mchid": self._settings.mchid,
                "out_trade_no": sale.sale_id,
            },
            "logistics_type": SELF_PICKUP,
            "delivery_mode": 1,
            "is_all_delivered": True,
            "shipping_list": [{"item_desc": words.encode()[:_DESCRIPTION_BYTES].decode(errors="ignore")}],
            "upload_time": at,
            "payer": {"openid": openid},
        }


def _number(answer: Mapping[str, Any] | str) -> int | None:
    if isinstance(answer, str):
        return None
    found = answer.get("errcode", 0 if "errmsg" in answer else None)
    return found if isinstance(found, int) and not isinstance(found, bool) else None
