"""The notifications of APIv2: a signed payment, or a sealed word about a refund.

A payment's signature never grows stale: a captured notification can be sent again for ever, so that a query
confirms it before it counts. A refund's is not signed at all, and its blocks are sealed one by one, so that
what it says may be spliced. Each is worth a question and no more.
Sources: APIv2 "payment notification", "refund notification" (AES-256-ECB, key of the MD5 of the merchant's).
"""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import ECB
from cryptography.hazmat.primitives.padding import PKCS7

from cloud_bridge.core.model import Payment, RefundHinted
from cloud_bridge.ports import NoticeRejected, OtherNotice
from cloud_bridge.wechat import facts, jsonio, v2_facts, v2_xml
from cloud_bridge.wechat.crypto import NotDecrypted
from cloud_bridge.wechat.signing import NotVerified
from cloud_bridge.wechat.v2_account import V2Account, V2Settings
from cloud_bridge.wechat.v2_signing import verify
from cloud_bridge.wechat.v2_xml import Members

# Nothing before, between or after: anything else counts as a failure there.
ACKNOWLEDGED: Final = v2_xml.write({"return_code": "SUCCESS", "return_msg": "OK"})
_SEALED: Final = "req_info"
_SOURCE: Final = "notice"


class V2Notices:
    """Implements `ports.Notices`."""

    def __init__(self, settings: V2Settings, account: V2Account) -> None:
        self._settings: Final = settings
        self._account: Final = account

    def open(
        self, _headers: Mapping[str, str], body: bytes, _now_s: float
    ) -> Payment | RefundHinted | OtherNotice:
        """What a notification tells. Raises NoticeRejected."""
        try:
            members = v2_xml.read(body)
            return self._refund(members) if _SEALED in members else self._payment(members)
        except (v2_xml.BadXml, NotVerified) as error:
            raise NoticeRejected(error.why) from error
        except jsonio.BadJson as error:
            raise NoticeRejected("bad_members") from error
        except NotDecrypted as error:
            raise NoticeRejected("not_decrypted") from error

    def _payment(self, members: Members) -> Payment:
        verify(members, self._account.key, at_least=self._account.sign_type)
        if (members.get("return_code"), members.get("result_code")) != ("SUCCESS", "SUCCESS"):
            raise NoticeRejected("not_success")
        return replace(v2_facts.payment(members, self._settings, source=_SOURCE), to_confirm=True)

    def _refund(self, members: Members) -> RefundHinted:
        if members.get("mch_id") != self._account.mchid or members.get("appid") != self._account.appid:
            raise NoticeRejected("other_merchant")
        told = v2_xml.read(unsealed(self._account.key, members[_SEALED]), root="root")
        return RefundHinted(
            sale_id=jsonio.text(told, "out_trade_no", facts.ORDER_NO),
            refund_no=jsonio.text(told, "out_refund_no", facts.REFUND_NO),
        )


def unsealed(key: bytes, sealed: str) -> bytes:
    """The plaintext of `req_info`. Raises NotDecrypted.

    The cipher's key is the 32 characters of the MD5 in lower-case hex, leading zeros and all.
    """
    hidden = hashlib.md5(key, usedforsecurity=False).hexdigest().encode("ascii")
    try:
        opener = Cipher(AES256(hidden), ECB()).decryptor()  # noqa: S305 - the platform's choice
        padded = opener.update(base64.b64decode(sealed, validate=True)) + opener.finalize()
        stripper = PKCS7(128).unpadder()
        return stripper.update(padded) + stripper.finalize()
    except ValueError as error:
        raise NotDecrypted from error
