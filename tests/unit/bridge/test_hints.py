"""A hint about a refund is asked about, and taken only as the platform's own answer."""

import asyncio

import pytest

from cloud_bridge.core.model import RefundHinted, RefundState, RefundStatus, Unclear
from cloud_bridge.engine_hints import ASKED_WITHIN_S, confirmed
from cloud_bridge.ports import NoticeRejected
from tests.unit.bridge.virtual import play
from tests.unit.bridge.wechat import Order, Wechat

HINT = RefundHinted(sale_id="sale", refund_no="Rsale", merchant="second")


def platform(state: RefundState) -> Wechat:
    wechat = Wechat()
    wechat.orders["sale"] = Order(b"", 350, "vm-0001")
    wechat.refunds["Rsale"] = ("sale", 350, state)
    return wechat


def test_a_hint_becomes_what_the_platform_says_under_whose_keys_it_was_told() -> None:
    async def scene() -> None:
        assert await confirmed(HINT, platform(RefundState.CLOSED)) == RefundStatus(
            sale_id="sale",
            refund_no="Rsale",
            state=RefundState.CLOSED,
            refund_fen=350,
            source="query",
            merchant="second",
        )

    play(scene())


def test_a_hint_that_nobody_confirms_is_told_again_later() -> None:
    class Silent(Wechat):
        async def refund_status(self, sale_id: str, refund_no: str) -> RefundStatus | Unclear:
            await asyncio.sleep(ASKED_WITHIN_S + 1)
            return await super().refund_status(sale_id, refund_no)

    async def scene() -> None:
        down, unknown = platform(RefundState.SUCCESS), Wechat()
        down.down = True
        for asked, why in (
            (down, "unconfirmed"),
            (unknown, "unconfirmed"),
            (Silent(), "unconfirmed"),
            (None, "no_such_merchant"),
        ):
            with pytest.raises(NoticeRejected) as rejected:
                await confirmed(HINT, asked)
            assert rejected.value.why == why

    play(scene())
