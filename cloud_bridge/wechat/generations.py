"""Both generations of the protocol for one merchant: orders and notifications find their way by themselves.

The platform keeps one book of orders whichever way they were placed, so what comes after is asked by APIv3.
Only an order request needs an order of APIv2, whose `prepay_id` answers it. XML begins with `<`, JSON never.
"""

from collections.abc import Mapping
from typing import Final

from cloud_bridge.core.model import (
    AlreadyPaid,
    NoSuchOrder,
    OrderClosed,
    OrderDraft,
    OrderPlaced,
    Payment,
    RefundDraft,
    RefundHinted,
    RefundStatus,
    Refused,
    Unclear,
    Unpaid,
)
from cloud_bridge.ports import Notices, OtherNotice, Platform
from cloud_bridge.wechat.v2_notices import ACKNOWLEDGED

_MARK: Final = b"\xef\xbb\xbf"


def is_xml(body: bytes) -> bool:
    """Whether this is meant to be of APIv2; whether it is good is another matter."""
    return body[:64].removeprefix(_MARK).lstrip()[:1] == b"<"


def acknowledge(body: bytes) -> bytes:
    """What a notification that was taken is answered with; nothing where a bare 204 is wanted."""
    return ACKNOWLEDGED if is_xml(body) else b""


class BothPlatforms:
    """Implements `ports.Platform`: an order for a scanned token by `v2`, everything else by `v3`."""

    def __init__(self, v3: Platform, v2: Platform) -> None:
        self._v3: Final = v3
        self._v2: Final = v2

    def compose(self, order: OrderDraft) -> bytes:
        """The order's exact bytes, in the generation that it needs."""
        return (self._v2 if order.token else self._v3).compose(order)

    async def place(self, sale_id: str, body: bytes) -> OrderPlaced | Refused | Unclear:
        """Place the order with exactly these bytes."""
        return await (self._v2 if is_xml(body) else self._v3).place(sale_id, body)

    async def query(self, sale_id: str) -> Payment | Unpaid | NoSuchOrder | Unclear:
        """What the platform knows of an order."""
        return await self._v3.query(sale_id)

    async def close(self, sale_id: str) -> OrderClosed | AlreadyPaid | Unclear:
        """Close an unpaid order."""
        return await self._v3.close(sale_id)

    async def refund(self, refund: RefundDraft) -> RefundStatus | Refused | Unclear:
        """Ask for a refund."""
        return await self._v3.refund(refund)

    async def refund_status(self, sale_id: str, refund_no: str) -> RefundStatus | Unclear:
        """What became of a refund number."""
        return await self._v3.refund_status(sale_id, refund_no)


class BothNotices:
    """Implements `ports.Notices`: each body by the generation that it is of."""

    def __init__(self, v3: Notices, v2: Notices) -> None:
        self._v3: Final = v3
        self._v2: Final = v2

    def open(
        self, headers: Mapping[str, str], body: bytes, now_s: float
    ) -> Payment | RefundStatus | RefundHinted | OtherNotice:
        """What a notification tells. Raises NoticeRejected."""
        return (self._v2 if is_xml(body) else self._v3).open(headers, body, now_s)
