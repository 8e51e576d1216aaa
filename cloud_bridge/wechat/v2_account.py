"""Who the merchant is in APIv2: two ids, and the one secret that signs what both sides say."""

from dataclasses import dataclass, field
from typing import Final

from cloud_bridge.wechat.crypto import BadKey
from cloud_bridge.wechat.v2_signing import SignType

API_V2_KEY_BYTES: Final = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class V2Account:
    """One merchant. `sign_type` is how our calls are signed, and the least that we take for an answer."""

    mchid: str
    appid: str
    key: bytes = field(repr=False)
    sign_type: SignType = SignType.HMAC_SHA256


def read_api_v2_key(content: bytes) -> bytes:
    """The APIv2 key: 32 letters and digits; line ends around them are left out. Raises BadKey."""
    key = content.strip()
    if len(key) != API_V2_KEY_BYTES or not key.isalnum():
        allowed = f"exactly {API_V2_KEY_BYTES} letters and digits (the APIv2 key, not the one of APIv3)"
        raise BadKey(f"found {len(key)} bytes; allowed are {allowed}")
    return key
