"""What can be repeated for ever is asked about, and taken only as the platform's own answer."""

import asyncio
from dataclasses import replace

import pytest

from cloud_bridge.core.model import Payment, RefundHinted, RefundState, RefundStatus, Unclear
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


def said() -> Payment:
    return Payment(
        sale_id="sale",
        transaction_id="Tforged",
        paid_fen=1,
        machine="vm-0001",
        merchant_ok=True,
        source="notice",
        paid_at="",
        merchant="second",
        to_confirm=True,
    )


def test_a_payment_that_may_be_a_replay_counts_as_the_platform_says_it() -> None:
    async def scene() -> None:
        wechat = platform(RefundState.ABSENT)
        real = wechat.pay("sale")
        found = await confirmed(said(), wechat)
        assert found == replace(real, merchant="second")
        assert isinstance(found, Payment)
        assert (found.transaction_id, found.paid_fen, found.to_confirm) == (real.transaction_id, 350, False)

    play(scene())


def test_a_payment_that_the_platform_does_not_know_is_not_believed() -> None:
    async def scene() -> None:
        for asked in (platform(RefundState.ABSENT), Wechat(), Wechat(down=True)):
            with pytest.raises(NoticeRejected):
                await confirmed(said(), asked)

    play(scene())
