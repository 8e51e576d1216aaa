"""Who may call: compulsory headers and the request signature over the raw bytes.

From "signing a request" of the APIv3 description; refusals in the shape of its error body.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from hw_sim.platform import crypto, multipart
from hw_sim.platform.answers import ApiError, Call
from hw_sim.platform.keys import Merchant

SCHEME: Final = "WECHATPAY2-SHA256-RSA2048"
WINDOW_S: Final = 300
_MEMBERS: Final = ("mchid", "nonce_str", "signature", "timestamp", "serial_no")
_PAIR: Final = re.compile(r'\s*([a-z_]+)\s*=\s*"([^"]*)"\s*')
_TIMESTAMP: Final = re.compile("[0-9]{1,12}")
_NONCE: Final = re.compile("[0-9A-Za-z]{1,32}")
_SHOWN_BYTES: Final = 512


@dataclass(frozen=True, slots=True)
class Claim:
    """The members of an Authorization header."""

    mchid: str
    nonce: str
    signature: str
    timestamp: str
    serial: str


def admit(call: Call, merchant: Merchant, now_ms: int) -> None:
    """Let a call in. Raises ApiError: 400 for missing headers, 401 SIGN_ERROR for everything else."""
    _check_headers(call.headers, has_body=bool(call.body))
    claim = read_claim(call.headers.get("authorization", ""))
    if claim.mchid != merchant.mchid:
        raise _sign_error("商户号不存在或与请求不一致", "mchid", {"issue": "mchid not match"})
    if claim.serial.upper() != merchant.serial:
        raise _sign_error("商户证书序列号有误", "serial_no", {"issue": "serial_no not found"})
    if not _TIMESTAMP.fullmatch(claim.timestamp) or abs(now_ms // 1000 - int(claim.timestamp)) > WINDOW_S:
        raise _sign_error("Http头Authorization中的timestamp与发起请求的时间不得超过5分钟", "timestamp", {})
    if not _NONCE.fullmatch(claim.nonce):
        raise _sign_error("Http头Authorization中的nonce_str须为1到32位字母或数字", "nonce_str", {})
    message = signed_message(replace(call, body=multipart.signed_part(call.headers, call.body)), claim)
    if not crypto.verifies(merchant.public_key, message, claim.signature):
        raise _not_matching(call, message)


def same_merchant(mchid: object, merchant: Merchant) -> None:
    """Hold the `mchid` of body or query against the one that signed. Raises ApiError 401 SIGN_ERROR."""
    if mchid != merchant.mchid:
        message = "请求中的mchid与Http头Authorization中的mchid不一致"
        raise _sign_error(message, "mchid", {"issue": "mchid not match"})


def signed_message(call: Call, claim: Claim) -> bytes:
    """Build the five lines that a merchant signs."""
    head = "\n".join((call.method, call.target, claim.timestamp, claim.nonce)).encode("latin-1")
    return head + b"\n" + call.body + b"\n"


def read_claim(header: str) -> Claim:
    """Read an Authorization header: any order of members, spaces around them. Raises ApiError 401."""
    scheme, _, rest = header.strip().partition(" ")
    pairs = [_PAIR.fullmatch(part) for part in rest.split(",")]
    members = {pair[1]: pair[2] for pair in pairs if pair}
    if scheme != SCHEME or None in pairs or set(members) != set(_MEMBERS):
        message = "Http头Authorization值格式错误，请参考《微信支付商户REST API签名规则》"
        raise _sign_error(message, "Authorization", {"issue": "header malformed"})
    return Claim(*(members[name] for name in _MEMBERS))


def _check_headers(headers: Mapping[str, str], *, has_body: bool) -> None:
    accepted = headers.get("accept", "")
    if "application/json" not in accepted and "*/*" not in accepted:
        raise ApiError(400, "PARAM_ERROR", "Http头缺少Accept或Accept不为application/json")
    if not headers.get("user-agent", "").strip():
        raise ApiError(400, "PARAM_ERROR", "Http头缺少User-Agent")
    if multipart.is_multipart(headers):
        return
    if has_body and not headers.get("content-type", "").startswith("application/json"):
        raise ApiError(400, "PARAM_ERROR", "Http头Content-Type须为application/json")


def _sign_error(message: str, field: str, detail: Mapping[str, Any]) -> ApiError:
    shown = {"detail": dict(detail), "field": field, "location": "authorization"}
    return ApiError(401, "SIGN_ERROR", message, detail=shown)


def _not_matching(call: Call, message: bytes) -> ApiError:
    return ApiError(
        401,
        "SIGN_ERROR",
        "错误的签名，验签失败",
        detail={
            "detail": {"issue": "sign not match"},
            "field": "signature",
            "location": "authorization",
            "sign_information": {
                "method": call.method,
                "sign_message_length": len(message),
                "truncated_sign_message": message[:_SHOWN_BYTES].decode(errors="replace"),
                "url": call.target,
            },
        },
    )
