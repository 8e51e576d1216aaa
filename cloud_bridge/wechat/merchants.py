"""Notifications and order requests of several merchants at one address: whose keys open one says whose it is.

A key of the platform may be known to several of them; what is sealed for one does not open with another's.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from cloud_bridge.core.model import Payment, RefundHinted, RefundStatus
from cloud_bridge.ports import NoticeRejected, Notices, OtherNotice
from cloud_bridge.ports_scans import OrderRequest
from cloud_bridge.wechat.v2_scans import REJECTED, V2OrderRequests

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


class MerchantRequests:
    """Implements `ports_scans.OrderRequests`: each merchant's in turn, by name, of those who take any."""

    def __init__(self, merchants: Mapping[str, V2OrderRequests]) -> None:
        self._merchants: Final = merchants

    def code(self, token: str, made_s: int, *, merchant: str = "") -> str:
        """What a code for `token` holds. Raises ValueError."""
        if merchant not in self._merchants:
            raise ValueError(f"merchant: found {merchant!r}; allowed is one with an api_v2_key_file")
        return self._merchants[merchant].code(token, made_s)

    def read(self, body: bytes) -> OrderRequest:
        """Verify and read a request, and say whose it is. Raises NoticeRejected."""
        refused: NoticeRejected | None = None
        for name, requests in self._merchants.items():
            try:
                return replace(requests.read(body), merchant=name)
            except NoticeRejected as rejected:
                if refused is None or refused.why in _NOT_HIS:
                    refused = rejected
        raise refused or NoticeRejected("no_order_requests")

    def granted(self, request: OrderRequest, ticket: str) -> bytes:
        """The answer with the order's ticket. Raises ValueError for what cannot be one."""
        return self._merchants[request.merchant].granted(request, ticket)

    def refused(self, request: OrderRequest, words: str) -> bytes:
        """The answer that shows the payer `words`."""
        return self._merchants[request.merchant].refused(request, words)

    def rejected(self) -> bytes:
        """The answer to what was not believed."""
        return REJECTED
