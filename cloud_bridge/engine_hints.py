"""What is only a hint becomes a fact by asking the platform, before anybody is told that it was taken."""

import asyncio
from dataclasses import replace
from typing import Final

from cloud_bridge.core.model import (
    NoSuchOrder,
    Payment,
    RefundHinted,
    RefundState,
    RefundStatus,
    Unclear,
    Unpaid,
)
from cloud_bridge.ports import NoticeRejected, Platform

ASKED_WITHIN_S: Final = 3.5  # the platform gives up on our answer after 5 s, and the books need time, too


async def confirmed(hint: RefundHinted | Payment, platform: Platform | None) -> RefundStatus | Payment:
    """What the platform says of it now. Raises NoticeRejected; the platform then tells it again."""
    if platform is None:
        raise NoticeRejected("no_such_merchant")
    try:
        async with asyncio.timeout(ASKED_WITHIN_S):
            found = await _asked(hint, platform)
    except TimeoutError:
        raise NoticeRejected("unconfirmed") from None
    absent = isinstance(found, RefundStatus) and found.state is RefundState.ABSENT
    if absent or not isinstance(found, RefundStatus | Payment):
        raise NoticeRejected("unconfirmed")
    return replace(found, merchant=hint.merchant)


async def _asked(
    hint: RefundHinted | Payment, platform: Platform
) -> RefundStatus | Payment | Unpaid | NoSuchOrder | Unclear:
    if isinstance(hint, Payment):
        return await platform.query(hint.sale_id)
    return await platform.refund_status(hint.sale_id, hint.refund_no)
