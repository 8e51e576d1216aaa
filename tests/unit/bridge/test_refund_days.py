"""Refunds over days, with the real engine in virtual time: slow ones, an empty account, a part by hand."""

from cloud_bridge.core.case import Resolution, Wish
from cloud_bridge.core.model import RefundState, RefundStatus, State
from tests.unit.bridge.virtual import play
from tests.unit.bridge.world import World

HOUR_S = 3600
DAY_S = 24 * HOUR_S


async def alarms(world: World) -> set[str]:
    return {alarm.name for alarm in await world.engine.alarms()}


def test_a_refund_that_takes_days_becomes_a_case_and_ends_all_the_same() -> None:
    async def scene() -> None:
        async with World() as world:
            world.machine.outcome = "not_delivered"
            world.wechat.refund_ends = [RefundState.PROCESSING] * 100
            sale_id = await world.paid()
            await world.until(lambda: world.row(sale_id).refund_accepted)
            await world.passed(3 * DAY_S - 2 * HOUR_S)
            assert world.row(sale_id).case == ""
            await world.passed(4 * HOUR_S)
            assert world.row(sale_id).case == "refund_stuck"
            assert "refund_stuck" in await alarms(world)
            asked = world.wechat.calls["refund_status"]
            await world.passed(10 * HOUR_S)
            assert 9 <= world.wechat.calls["refund_status"] - asked <= 11
            await world.until(lambda: world.row(sale_id).state is State.REFUNDED, within_s=3 * DAY_S)
            assert (world.row(sale_id).case, world.wechat.calls["refund"]) == ("", 1)
            assert "refund_stuck" not in await alarms(world)
            world.check_books()

    play(scene())


def test_an_empty_account_is_asked_each_hour_with_one_number_until_it_is_topped_up() -> None:
    async def scene() -> None:
        async with World() as world:
            world.machine.outcome = "not_delivered"
            world.wechat.refusals["refund"] = "not_enough"
            sale_id = await world.paid()
            await world.until(lambda: world.row(sale_id).case == "refund_not_enough")
            asked = world.wechat.calls["refund"]
            await world.passed(DAY_S)
            assert 22 <= world.wechat.calls["refund"] - asked <= 26
            assert "refund_not_enough" in await alarms(world)
            del world.wechat.refusals["refund"]
            await world.until(lambda: world.row(sale_id).state is State.REFUNDED)
            assert list(world.wechat.refunds) == [f"R{sale_id}"]
            assert "refund_not_enough" not in await alarms(world)
            world.check_books()

    play(scene())


def test_what_a_refund_by_hand_left_is_given_back_by_a_persons_word() -> None:
    async def scene() -> None:
        async with World() as world:
            world.machine.outcome = "not_delivered"
            world.wechat.refusals["refund"] = "not_enough"
            sale_id = await world.paid()
            await world.until(lambda: world.row(sale_id).case == "refund_not_enough")
            world.wechat.refunds["hand-1"] = (sale_id, 100, RefundState.SUCCESS)
            told = RefundStatus(
                sale_id=sale_id,
                refund_no="hand-1",
                state=RefundState.SUCCESS,
                refund_fen=100,
                source="notice",
            )
            world.notify(told)
            await world.until(lambda: world.row(sale_id).state is State.CASE)
            del world.wechat.refusals["refund"]
            wish = Wish(sale_id=sale_id, resolution=Resolution.REFUND, by="ann", why="the rest as well")
            assert await world.engine.resolve(wish) == ""
            await world.until(lambda: world.row(sale_id).state is State.REFUNDED)
            assert world.wechat.refunds[f"R2{sale_id}"][1] == 250
            assert world.wechat.refunded_fen() == world.row(sale_id).refunded_fen == 350
            world.check_books()

    play(scene())
