"""What is only a hint becomes a fact by asking the platform, before anybody is told that it was taken."""

import asyncio
from dataclasses import replace
from typing import Final

from cloud_bridge.core.model import RefundHinted, RefundState, RefundStatus, Unclear
from cloud_bridge.ports import NoticeRejected, Platform

ASKED_WITHIN_S: Final = 3.5  # the platform gives up on our answer after 5 s, and the books need time, too


async def confirmed(hint: RefundHinted, platform: Platform | None) -> RefundStatus:
    """What the platform says of that refund now. Raises NoticeRejected; the platform then tells it again."""
    if platform is None:
        raise NoticeRejected("no_such_merchant")
    try:
        async with asyncio.timeout(ASKED_WITHIN_S):
            status = await platform.refund_status(hint.sale_id, hint.refund_no)
    except TimeoutError:
        raise NoticeRejected("unconfirmed") from None
    if isinstance(status, Unclear) or status.state is RefundState.ABSENT:
        raise NoticeRejected("unconfirmed")
    return replace(status, merchant=hint.merchant)
