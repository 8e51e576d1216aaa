"""The platform's notifications: verified over the raw bytes, decrypted, and only then read.

Nothing is remembered here: a repeat tells the same fact again, and the engine takes a fact once.
"""

import re
from collections.abc import Mapping
from typing import Final

from cloud_bridge.core.model import Payment, RefundStatus
from cloud_bridge.ports import NoticeRejected, OtherNotice
from cloud_bridge.wechat import complaint_facts, facts, jsonio
from cloud_bridge.wechat.crypto import NotDecrypted, decrypt
from cloud_bridge.wechat.keys import Keys
from cloud_bridge.wechat.settings import WechatSettings
from cloud_bridge.wechat.signing import NotVerified, verify

_PAID: Final = "TRANSACTION.SUCCESS"
_REFUNDS: Final = frozenset({"REFUND.SUCCESS", "REFUND.ABNORMAL", "REFUND.CLOSED"})
_ECHO: Final = "SECURITY_ECHO.SUCCESS"
_ALGORITHM: Final = "AEAD_AES_256_GCM"
_EVENT: Final = re.compile(r"[A-Z0-9_.]{1,64}")
_SOURCE: Final = "notice"


class WechatNotices:
    """Implements `ports.Notices`."""

    def __init__(self, settings: WechatSettings, keys: Keys) -> None:
        self._settings: Final = settings
        self._keys: Final = keys

    def open(
        self, headers: Mapping[str, str], body: bytes, now_s: float
    ) -> Payment | RefundStatus | OtherNotice:
        """What a notification tells. `headers` have lower-case names. Raises NoticeRejected."""
        try:
            verify(self._keys, headers, body, now_s=now_s)
            return self._read(jsonio.read(body))
        except NotVerified as error:
            raise NoticeRejected(error.why) from error
        except jsonio.BadJson as error:
            raise NoticeRejected("bad_json") from error
        except NotDecrypted as error:
            raise NoticeRejected("not_decrypted") from error

    def _read(self, notice: jsonio.Json) -> Payment | RefundStatus | OtherNotice:
        event = jsonio.text(notice, "event_type", _EVENT)
        if event == _PAID:
            return self._payment(self._plaintext(notice))
        if event in _REFUNDS:
            return self._refund(self._plaintext(notice))
        if event.startswith("COMPLAINT."):
            return complaint_facts.hint(self._plaintext(notice), event)
        if event.startswith("VIOLATION."):
            return complaint_facts.violation(self._plaintext(notice), event)
        if event == _ECHO:
            self._plaintext(notice)  # asked for by whoever checks keys: this one must open, too
        return OtherNotice(event_type=event)

    def _plaintext(self, notice: jsonio.Json) -> jsonio.Json:
        resource = jsonio.thing(notice, "resource")
        if resource.get("algorithm") != _ALGORITHM:
            raise NoticeRejected("algorithm")
        named = resource.get("associated_data") is not None
        plaintext = decrypt(
            self._keys.api_v3_key,
            nonce=jsonio.text(resource, "nonce"),
            associated_data=jsonio.text(resource, "associated_data") if named else "",
            ciphertext=jsonio.text(resource, "ciphertext"),
        )
        return jsonio.read(plaintext)

    def _payment(self, value: jsonio.Json) -> Payment:
        if value.get("trade_state") != "SUCCESS":
            raise NoticeRejected("not_success")
        return facts.payment(value, self._settings, source=_SOURCE)

    def _refund(self, value: jsonio.Json) -> RefundStatus:
        if value.get("mchid") != self._settings.mchid:
            raise NoticeRejected("other_merchant")
        return facts.refund_status(value, "refund_status", source=_SOURCE)
