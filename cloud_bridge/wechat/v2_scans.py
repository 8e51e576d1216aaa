"""Native mode 1: codes that name a product, the platform's order request after a scan, and our answer.

A code can be copied by anybody; it authorises nothing but to ask. The platform signs these requests with MD5,
whatever our orders are signed with, and wants the answer in the same algorithm.
Sources: APIv2 "Native mode 1", the code, the callback, the reply.
"""

import re
from collections.abc import Callable
from typing import Final

from cloud_bridge.ports import NoticeRejected
from cloud_bridge.ports_scans import OrderRequest
from cloud_bridge.wechat import v2_xml
from cloud_bridge.wechat.signing import NotVerified
from cloud_bridge.wechat.v2_account import SignType, V2Account
from cloud_bridge.wechat.v2_signing import SIGN, signature, signed, verify
from cloud_bridge.wechat.v2_xml import Members
from cloud_bridge.wechat.words import within

_SCHEME: Final = "weixin://wxpay/bizpayurl"
_TOKEN: Final = re.compile(r"[0-9A-Za-z_-]{1,32}")
_PAYER: Final = re.compile(r"[0-9A-Za-z_-]{1,128}")
_TICKET: Final = re.compile(r"[!-~]{1,64}")
_WORDS_BYTES: Final = 128
REJECTED: Final = v2_xml.write({"return_code": "FAIL", "return_msg": "签名或格式错误"})


def product_code_url(account: V2Account, token: str, *, made_s: int, nonce: str) -> str:
    """What a code for `token` holds. Raises ValueError for a token that is no product number.

    `made_s` is Unix seconds and no expiry; `nonce` is at most 32 letters and digits. The same arguments give
    the same code. No value needs an escape, so what is signed is what stands in the code.
    """
    if not _TOKEN.fullmatch(token):
        raise ValueError(f"token: found {len(token)} characters; allowed is {_TOKEN.pattern}")
    members = {
        "appid": account.appid,
        "mch_id": account.mchid,
        "product_id": token,
        "time_stamp": str(made_s),
        "nonce_str": nonce,
    }
    told = {SIGN: signature(members, account.key, SignType.MD5)} | members
    return f"{_SCHEME}?" + "&".join(f"{name}={value}" for name, value in told.items())


def read_order_request(account: V2Account, body: bytes) -> OrderRequest:
    """Verify and read the platform's order request. Raises NoticeRejected; `why` is a name for counters."""
    try:
        members = v2_xml.read(body)
        used = verify(members, account.key, at_least=SignType.MD5)
    except (v2_xml.BadXml, NotVerified) as error:
        raise NoticeRejected(error.why) from error
    if (members.get("mch_id"), members.get("appid")) != (account.mchid, account.appid):
        raise NoticeRejected("other_merchant")
    token, payer = members.get("product_id", ""), members.get("openid", "")
    if not _TOKEN.fullmatch(token):
        raise NoticeRejected("bad_product_id")
    if not _PAYER.fullmatch(payer):
        raise NoticeRejected("bad_openid")
    return OrderRequest(token=token, payer=payer, strong=used is SignType.HMAC_SHA256)


class V2OrderRequests:
    """One merchant's order interface. `nonce` gives at most 32 random letters and digits."""

    def __init__(self, account: V2Account, *, nonce: Callable[[], str]) -> None:
        self._account: Final = account
        self._nonce: Final = nonce

    def code(self, token: str, made_s: int) -> str:
        """What a code for `token` holds. Raises ValueError."""
        return product_code_url(self._account, token, made_s=made_s, nonce=self._nonce())

    def read(self, body: bytes) -> OrderRequest:
        """Verify and read a request. Raises NoticeRejected."""
        return read_order_request(self._account, body)

    def granted(self, request: OrderRequest, ticket: str) -> bytes:
        """The answer with the prepay_id. Raises ValueError for what cannot be one: the payer would wait."""
        if not _TICKET.fullmatch(ticket):
            raise ValueError(f"ticket: found {len(ticket)} characters; allowed is {_TICKET.pattern}")
        return self._reply(request, {"result_code": "SUCCESS", "prepay_id": ticket})

    def refused(self, request: OrderRequest, words: str) -> bytes:
        """The answer that shows the payer `words`."""
        told = within(words, _WORDS_BYTES)
        return self._reply(request, {"result_code": "FAIL", "err_code_des": told})

    def rejected(self) -> bytes:
        """The answer to what was not believed."""
        return REJECTED

    def _reply(self, request: OrderRequest, result: Members) -> bytes:
        members = {
            "return_code": "SUCCESS",
            "appid": self._account.appid,
            "mch_id": self._account.mchid,
            "nonce_str": self._nonce(),
            **result,
        }
        sign_type = SignType.HMAC_SHA256 if request.strong else SignType.MD5
        return v2_xml.write(signed(members, self._account.key, sign_type))
