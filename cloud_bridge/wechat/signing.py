"""Who says what: our Authorization header, and the check of what claims to come from the platform.

Sources: APIv3 "signing a request" (five lines), "verifying a response or a notification" (three lines). The
check is over the exact bytes received; parsing comes after.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from cloud_bridge.wechat.crypto import sign, verifies
from cloud_bridge.wechat.keys import Keys

SCHEME: Final = "WECHATPAY2-SHA256-RSA2048"
WINDOW_S: Final = 300
_SIGNED: Final = ("timestamp", "nonce", "signature", "serial")
_PROBE: Final = "WECHATPAY/SIGNTEST/"
_TIMESTAMP: Final = re.compile(r"[0-9]{1,15}")
_VISIBLE: Final = re.compile(r"[!-~]{1,1024}")


class NotVerified(Exception):
    """Not said by the platform, or not now. `why` is a name for counters."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


@dataclass(frozen=True, slots=True)
class Request:
    """A call: `target` is path and query, `body` the exact bytes.

    `signs` is what of an upload is signed, where that is not the body; `most_bytes` bounds the answer;
    `sealed_for` names the platform's key that members of the body are encrypted for.
    """

    method: str
    target: str
    body: bytes = field(default=b"", repr=False)
    content_type: str = "application/json"
    signs: bytes | None = field(default=None, repr=False)
    most_bytes: int = 256 * 1024
    sealed_for: str = ""


@dataclass(frozen=True, slots=True)
class Stamp:
    """What makes a signature fresh: Unix seconds, and at most 32 random letters and digits."""

    timestamp: int
    nonce: str


def request_message(request: Request, stamp: Stamp) -> bytes:
    """The five lines under a request's signature; the target is signed as it is transmitted."""
    head = (request.method, request.target, str(stamp.timestamp), stamp.nonce)
    signed = request.body if request.signs is None else request.signs
    return "\n".join(head).encode("ascii") + b"\n" + signed + b"\n"


def authorization(keys: Keys, request: Request, stamp: Stamp) -> str:
    """The Authorization header of a request."""
    members = {
        "mchid": keys.mchid,
        "nonce_str": stamp.nonce,
        "signature": sign(keys.private_key, request_message(request, stamp)),
        "timestamp": str(stamp.timestamp),
        "serial_no": keys.merchant_serial,
    }
    return f"{SCHEME} " + ",".join(f'{name}="{value}"' for name, value in members.items())


def verify(keys: Keys, headers: Mapping[str, str], body: bytes, *, now_s: float) -> None:
    """Check that the platform said exactly `body`, within five minutes of now. Raises NotVerified.

    `headers` have lower-case names. The platform sometimes sends a wrong signature on purpose, to see whether
    anybody looks; it is refused like any other and only has a name of its own, so that nobody hunts for it.
    """
    timestamp, nonce, signature, serial = (headers.get(f"wechatpay-{name}", "") for name in _SIGNED)
    if not (timestamp and nonce and signature and serial):
        raise NotVerified("unsigned")
    if headers.get("wechatpay-signature-type", SCHEME) != SCHEME:
        raise NotVerified("signature_type")
    if not (_TIMESTAMP.fullmatch(timestamp) and all(map(_VISIBLE.fullmatch, (nonce, signature, serial)))):
        raise NotVerified("bad_header")
    if signature.startswith(_PROBE):
        raise NotVerified("probe")
    platform = keys.of_serial(serial)
    if platform is None:
        raise NotVerified("unknown_serial")
    if not platform.from_s <= now_s <= platform.until_s:
        raise NotVerified("key_out_of_date")
    message = b"\n".join((timestamp.encode("ascii"), nonce.encode("ascii"), body, b""))
    if not verifies(platform.key, message, signature):
        raise NotVerified("bad_signature")
    if abs(now_s - int(timestamp)) >= WINDOW_S:
        raise NotVerified("stale")
