"""Shipping-info management of mini-programs: access tokens, and reports that an order was handed over.

From "shipping-info management" of the operations description. Another host than the payment API's, no RSA
signature: an access token in the query, an `errcode` in the answer.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from urllib.parse import parse_qsl

from hw_sim.platform.answers import Answer, Call, as_bytes
from hw_sim.platform.ids import Ids
from hw_sim.platform.model import Platform
from hw_sim.platform.orders import Shop

PATHS: Final = ("/cgi-bin/", "/wxa/")
TOKEN_LIFE_S: Final = 7200
_UPLOAD: Final = "/wxa/sec/order/upload_shipping_info"
_JSON: Final = {"Content-Type": "application/json; charset=utf-8"}
_SETTINGS: Final = ("unknown_for_ms", "token_life_s", "busy")


class _Said(Exception):
    """An `errcode` with its words."""

    def __init__(self, code: int, words: str) -> None:
        super().__init__(words)
        self.code = code


class Shipping:
    """The mini-program platform for one appid. An order is known `unknown_for_ms` after its payment."""

    def __init__(self, *, platform: Platform, shop: Shop, ids: Ids, app_secret: str) -> None:
        self._platform = platform
        self._shop = shop
        self._ids = ids
        self._app_secret = app_secret
        self._tokens: dict[str, int] = {}
        self._shipped: dict[str, list[dict[str, Any]]] = {}
        self._unknown_for_ms = 30_000
        self._token_life_s = TOKEN_LIFE_S
        self._busy = 0
        self.tokens_given = 0

    def set(self, wish: Mapping[str, Any]) -> dict[str, Any]:
        """Set `unknown_for_ms`, `token_life_s`, or how many calls are answered -1 (`busy`)."""
        for name, value in wish.items():
            if name not in _SETTINGS or type(value) is not int:
                raise ValueError(f"{name[:20]}: allowed are whole numbers for {', '.join(_SETTINGS)}")
            setattr(self, f"_{name}", value)
        return {}

    def revoke(self) -> None:
        """Somebody else fetched a token: those given before are not valid any more."""
        self._tokens.clear()

    def book(self) -> dict[str, Any]:
        """Show what was reported, by order."""
        return {"shipped": self._shipped, "tokens_given": self.tokens_given}

    def handle(self, call: Call, now_ms: int) -> Answer:
        """Answer one call; never raises for what anybody sends."""
        try:
            value = self._answer(call, now_ms)
        except _Said as said:
            value = {"errcode": said.code, "errmsg": str(said)}
        return Answer(200, _JSON, as_bytes(value))

    def _answer(self, call: Call, now_ms: int) -> dict[str, Any]:
        query = dict(parse_qsl(call.target.partition("?")[2]))
        if self._busy:
            self._busy -= 1
            raise _Said(-1, "system error")
        match call.method, call.path:
            case "GET", "/cgi-bin/token":
                return self._token(query, now_ms)
            case "POST", "/cgi-bin/stable_token":
                return self._token(_body(call), now_ms)
            case "POST", path if path == _UPLOAD:
                self._admit(query, now_ms)
                return self._upload(_body(call), now_ms)
        raise _Said(40066, "invalid url")

    def _token(self, asked: Mapping[str, Any], now_ms: int) -> dict[str, Any]:
        if asked.get("grant_type") != "client_credential":
            raise _Said(40002, "invalid grant_type")
        if asked.get("appid") != self._shop.appid:
            raise _Said(40013, "invalid appid")
        if asked.get("secret") != self._app_secret:
            raise _Said(40125, "invalid appsecret")
        token = self._ids.nonce(64)
        self._tokens[token] = now_ms + self._token_life_s * 1000
        self.tokens_given += 1
        return {"access_token": token, "expires_in": self._token_life_s}

    def _admit(self, query: Mapping[str, str], now_ms: int) -> None:
        until_ms = self._tokens.get(query.get("access_token", ""))
        if until_ms is None:
            raise _Said(40001, "invalid credential, access_token is invalid or not latest")
        if now_ms >= until_ms:
            raise _Said(42001, "access_token expired")

    def _upload(self, asked: Mapping[str, Any], now_ms: int) -> dict[str, Any]:
        self._check(asked)
        key = asked["order_key"]
        order = self._platform.paid_order(str(key.get("out_trade_no", "")), now_ms)
        stored = order is not None and order.transaction_id and key.get("mchid") == self._shop.mchid
        if not stored or order is None or now_ms - order.paid_ms < self._unknown_for_ms:
            raise _Said(10060001, "支付单不存在")
        if order.openid != asked["payer"]["openid"]:
            raise _Said(10060012, "openid不匹配")
        before = self._shipped.setdefault(order.out_trade_no, [])
        if before:
            raise _Said(10060002, "支付单已完成发货，无法继续发货")
        before.append({name: asked[name] for name in ("logistics_type", "shipping_list", "upload_time")})
        return {"errcode": 0, "errmsg": "ok"}

    def _check(self, asked: Mapping[str, Any]) -> None:
        goods, payer, key = asked.get("shipping_list"), asked.get("payer"), asked.get("order_key")
        if not isinstance(key, dict) or key.get("order_number_type") not in (1, 2):
            raise _Said(47001, "data format error: order_key")
        if asked.get("logistics_type") != 4 or asked.get("delivery_mode") != 1:
            raise _Said(47001, "data format error: only self-pickup, in one go, is known here")
        if not isinstance(goods, list) or len(goods) != 1:
            raise _Said(268485228, "shipping_list: 1 item")
        words = goods[0].get("item_desc") if isinstance(goods[0], dict) else None
        if not isinstance(words, str) or not 1 <= len(words) <= 120 or set(goods[0]) != {"item_desc"}:
            raise _Said(47001, "data format error: item_desc")
        if not isinstance(payer, dict) or not isinstance(payer.get("openid"), str):
            raise _Said(47001, "data format error: payer")
        _check_time(asked.get("upload_time"))


def _check_time(found: object) -> None:
    try:
        at = datetime.fromisoformat(str(found))
    except ValueError as error:
        raise _Said(47001, "data format error: upload_time") from error
    if at.tzinfo is None or "." not in str(found):
        raise _Said(47001, "data format error: upload_time has milliseconds and an offset")


def _body(call: Call) -> Mapping[str, Any]:
    try:
        found = json.loads(call.body)
    except (ValueError, RecursionError) as error:
        raise _Said(47001, "data format error") from error
    if not isinstance(found, dict):
        raise _Said(47001, "data format error")
    return found
