"""Who says what in APIv2: one secret of both sides, and a digest over every member that is not empty.

Sources: APIv2 "signature" (sort by name, raw values, `&key=` at the end, MD5 or HMAC-SHA256, upper-case hex).
"""

import hashlib
import hmac
from typing import Final

from cloud_bridge.wechat.signing import NotVerified
from cloud_bridge.wechat.v2_account import SignType
from cloud_bridge.wechat.v2_xml import Members, clean

SIGN: Final = "sign"
SIGN_TYPE: Final = "sign_type"
_BY_LENGTH: Final = {32: SignType.MD5, 64: SignType.HMAC_SHA256}


def message(members: Members, key: bytes) -> bytes:
    """What the digest is made of. Names are in the order of their bytes, so capitals come first."""
    pairs = [f"{name}={value}" for name, value in sorted(members.items()) if value and name != SIGN]
    return "&".join(pairs).encode() + b"&key=" + key


def signature(members: Members, key: bytes, sign_type: SignType) -> str:
    """The digest as 32 or 64 upper-case hex digits."""
    said = message(members, key)
    if sign_type is SignType.MD5:
        return hashlib.md5(said, usedforsecurity=False).hexdigest().upper()
    return hmac.new(key, said, hashlib.sha256).hexdigest().upper()


def signed(members: Members, key: bytes, sign_type: SignType) -> Members:
    """The members as they arrive, without the empty ones, and their `sign`."""
    told = {name: cleaned for name, value in members.items() if (cleaned := clean(value))}
    return told | {SIGN: signature(told, key, sign_type)}


def verify(members: Members, key: bytes, *, at_least: SignType) -> SignType:
    """Check that who said this knows the key; the algorithm that was used. Raises NotVerified.

    The algorithm shows in the length of the digest. What `sign_type` says of it must agree, and neither can
    talk us into a weaker one than `at_least`.
    """
    digest = members.get(SIGN, "")
    if not digest:
        raise NotVerified("unsigned")
    used = _BY_LENGTH.get(len(digest))
    if used is None or members.get(SIGN_TYPE) not in (None, "", used.value):
        raise NotVerified("signature_type")
    if at_least is SignType.HMAC_SHA256 and used is not at_least:
        raise NotVerified("weaker_signature")
    if not hmac.compare_digest(digest.encode(), signature(members, key, used).encode()):
        raise NotVerified("bad_signature")
    return used
