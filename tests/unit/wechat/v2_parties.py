"""A merchant of APIv2 and a platform that answers him in bytes; it signs with nothing of ours."""

import hashlib
import hmac
import re
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from cloud_bridge.wechat.exchange import Reply
from cloud_bridge.wechat.signing import Request
from cloud_bridge.wechat.v2_account import SignType, V2Account, V2Settings
from cloud_bridge.wechat.v2_exchange import V2Exchange

MCHID, APPID = "1699004417", "wx8f2a61c07be493d5"
KEY: Final = b"Kx7mQ2vR9tLw4ZbN8cYh3JpD6sFg1AeU"  # made for these tests
SALE: Final = "k3vq7c2mzs5n4x6ahb7tdyfjwe"
MACHINE: Final = "vm-0001"
TRANSACTION: Final = "4200002500202605280000000001"
MD5, HMAC = "MD5", "HMAC-SHA256"
_ELEMENT: Final = re.compile(r"<(\w+)><!\[CDATA\[(.*?)\]\]></\1>", re.DOTALL)

Members = Mapping[str, str]
ACCOUNT: Final = V2Account(mchid=MCHID, appid=APPID, key=KEY)
SETTINGS: Final = V2Settings(
    mchid=MCHID,
    appid=APPID,
    notify_url="https://pay.example.com/wechat/notify",
    api_v2_key_file=Path("api_v2.key"),
)


def digest(members: Members, kind: str = HMAC, key: bytes = KEY) -> str:
    said = "&".join(f"{name}={members[name]}" for name in sorted(members) if name != "sign" and members[name])
    data = said.encode() + b"&key=" + key
    if kind == HMAC:
        return hmac.new(key, data, hashlib.sha256).hexdigest().upper()
    return hashlib.md5(data).hexdigest().upper()


def xml(members: Members, root: str = "xml") -> bytes:
    lines = [f"<{name}><![CDATA[{value}]]></{name}>" for name, value in members.items()]
    return "\n".join([f"<{root}>", *lines, f"</{root}>"]).encode()


def told(members: Members, kind: str = HMAC, key: bytes = KEY) -> bytes:
    """A signed message of the platform."""
    whole = {"return_code": "SUCCESS", "appid": APPID, "mch_id": MCHID, "nonce_str": "5K8264ILTK", **members}
    return xml({**whole, "sign": digest(whole, kind, key)})


def yes(**members: str) -> bytes:
    return told({"result_code": "SUCCESS", **members})


def no(code: str, words: str = "说明") -> bytes:
    return told({"result_code": "FAIL", "err_code": code, "err_code_des": words})


def asked(request: Request) -> dict[str, str]:
    """The members of a request, its signature checked."""
    members = dict(_ELEMENT.findall(request.body.decode()))
    assert members["sign"] == digest(members, members["sign_type"])
    assert (members["appid"], members["mch_id"]) == (APPID, MCHID)
    return members


@dataclass
class Line:
    """Answers each call with the next of `answers`, as the exchange judges it; a number is a bare status."""

    account: V2Account = ACCOUNT
    answers: deque[bytes | int] = field(default_factory=deque)
    seen: list[Request] = field(default_factory=list)

    def will(self, *answers: bytes | int) -> None:
        self.answers.extend(answers)

    async def call(self, request: Request) -> Reply:
        self.seen.append(request)
        answer = self.answers.popleft()
        exchange = V2Exchange(self.account)
        return exchange.judge(answer, {}, b"") if isinstance(answer, int) else exchange.judge(200, {}, answer)


def payment(**changes: str) -> dict[str, str]:
    """What the platform tells of a paid order."""
    return {
        "result_code": "SUCCESS",
        "openid": "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o",
        "is_subscribe": "N",
        "trade_type": "NATIVE",
        "bank_type": "OTHERS",
        "total_fee": "350",
        "settlement_total_fee": "300",
        "fee_type": "CNY",
        "cash_fee": "300",
        "coupon_fee": "50",
        "coupon_count": "2",
        "coupon_fee_0": "50",
        "coupon_fee_1": "0",
        "transaction_id": TRANSACTION,
        "out_trade_no": SALE,
        "attach": MACHINE,
        "time_end": "20260528202638",
        "a_member_of_next_year": "说明",
        **changes,
    }


WEAK: Final = V2Account(mchid=MCHID, appid=APPID, key=KEY, sign_type=SignType.MD5)
