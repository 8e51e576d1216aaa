"""Notifications for several merchants at one address: whose keys open one says whose it is.

A key of the platform may be known to several of them; what is sealed for one does not open with another's.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from cloud_bridge.core.model import Payment, RefundHinted, RefundStatus
from cloud_bridge.ports import NoticeRejected, Notices, OtherNotice

# What a notification for another merchant looks like; a better reason, from whosever it is, is told instead.
_NOT_HIS: Final = frozenset(
    {"unsigned", "unknown_serial", "not_decrypted", "other_merchant", "bad_signature", "signature_type"}
)


class MerchantNotices:
    """Implements `ports.Notices`: each merchant's in turn, by name, the first of them named ""."""

    def __init__(self, merchants: Mapping[str, Notices]) -> None:
        self._merchants: Final = merchants

    def open(
        self, headers: Mapping[str, str], body: bytes, now_s: float
    ) -> Payment | RefundStatus | RefundHinted | OtherNotice:
        """What a notification tells, and under whose keys. Raises NoticeRejected."""
        refused: NoticeRejected | None = None
        for name, notices in self._merchants.items():
            try:
                told = notices.open(headers, body, now_s)
            except NoticeRejected as rejected:
                if refused is None or refused.why in _NOT_HIS:
                    refused = rejected
                continue
            return replace(told, merchant=name)
        assert refused is not None, "nobody to open it for"
        raise refused
