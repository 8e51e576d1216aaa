"""What two people gave away goes out once: through the same table, without an order, whatever is cut off."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar, cast

import pytest

from cloud_bridge.core.approval import Act, HandAct, Stand
from cloud_bridge.core.case import Resolution, Wish, refusal
from cloud_bridge.core.free import MOST_TRIES, next_try
from cloud_bridge.core.model import Decision, State
from cloud_bridge.core.sale import BillDiffers, Sale, is_free
from cloud_bridge.core.timings import Timings
from cloud_bridge.engine_frees import Frees
from cloud_bridge.ports_doing import DoingBooks, DoingTx
from tests.unit.bridge.virtual import play
from tests.unit.bridge.world import World

ACT = HandAct(
    id=7,
    act=Act.FREE_VEND,
    machine="vm-0001",
    lane=12,
    fen=350,
    by="ann",
    why="a coin was lost",
    asked_wall_ms=1,
    until_wall_ms=2,
    stand=Stand.DONE,
)
R = TypeVar("R")


class Desk:
    """The world's books, as those who give things away see them."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.frees = Frees(cast(DoingBooks, self), world.engine.hands(bytes).ask)
        world.engine.claimed = self.frees.claimed

    async def on_doing(self, work: Callable[[DoingTx], R]) -> R:
        await asyncio.sleep(0)  # as books on a disk let others on meanwhile
        return work(cast(DoingTx, self))

    def opened_for(self, request_id: str) -> Sale | None:
        return next((each for each in self.sales if each.request_id == request_id), None)

    @property
    def sales(self) -> list[Sale]:
        return list(self._world.tables.sales.values())

    async def give(self, act: HandAct = ACT) -> str:
        return await self.frees.give(act)


def scene(work: Callable[[World, Desk], object], **more: object) -> None:
    async def played() -> None:
        async with World(**more) as world:  # type: ignore[arg-type]
            await world.passed(1)
            await work(world, Desk(world))  # type: ignore[misc]
            world.check_books()
            assert world.tables.ledger == []
            assert not world.wechat.orders

    play(played())


def test_it_goes_out_once_without_an_order_and_without_money() -> None:
    async def work(world: World, desk: Desk) -> None:
        assert await desk.give() == ""
        (sale,) = desk.sales
        await world.ended(sale.sale_id, State.VENDED)
        assert (world.machine.pieces, world.row(sale.sale_id).paid_fen) == (1, 0)
        assert await desk.give() == "it was given out"
        assert len(world.machine.motors) == 1

    scene(work)


def test_what_did_not_come_out_may_be_given_again_and_what_came_out_may_not() -> None:
    async def work(world: World, desk: Desk) -> None:
        world.machine.outcome = "not_delivered"
        assert await desk.give() == ""
        assert await desk.give() == "it is under way, or in doubt"
        (first,) = desk.sales
        await world.ended(first.sale_id, State.CLOSED)
        world.machine.outcome = "delivered"
        assert await desk.give() == ""
        second = desk.sales[-1]
        await world.ended(second.sale_id, State.VENDED)
        assert second.request_id != first.request_id
        assert world.machine.pieces == 1

    scene(work)


def test_doubt_is_waited_out_and_nothing_is_given_again() -> None:
    async def work(world: World, desk: Desk) -> None:
        world.machine.outcome = "uncertain"
        assert await desk.give() == ""
        (sale,) = desk.sales
        row = await world.ended(sale.sale_id, State.CLOSED)
        assert row.doubt
        assert await desk.give() == "it is under way, or in doubt"

    scene(work)


def test_a_person_may_end_a_doubt_that_nobody_waits_out() -> None:
    async def work(world: World, desk: Desk) -> None:
        world.machine.outcome = "uncertain"
        assert await desk.give() == ""
        (sale,) = desk.sales
        await world.until(lambda: world.row(sale.sale_id).doubt != "")
        row = world.row(sale.sale_id)
        assert "nothing was paid" in refusal(row, Resolution.REFUND, past=True)
        assert refusal(row, Resolution.CLOSED, past=True) == ""

    scene(work, timings=Timings(doubt_s=0))


def test_two_people_who_give_at_once_give_one_after_the_other() -> None:
    async def work(world: World, desk: Desk) -> None:
        other = replace(ACT, id=8)
        first, second, third = await asyncio.gather(desk.give(), desk.give(), desk.give(other))
        assert (first, second, third) == ("", "busy", "busy")
        await world.ended(desk.sales[0].sale_id, State.VENDED)
        assert (len(desk.sales), world.machine.pieces) == (1, 1)

    scene(work)


def test_what_became_dearer_since_two_people_agreed_does_not_go_out_for_nothing() -> None:
    async def work(world: World, desk: Desk) -> None:
        assert await desk.give(replace(ACT, fen=349)) == "price"
        await world.until(lambda: bool(desk.sales))
        assert desk.sales[0].state is State.CLOSED
        await world.passed(60)
        assert world.machine.motors == []

    scene(work)


@pytest.mark.parametrize("frozen", [True, False])
def test_what_a_person_settles_is_over_and_is_not_given_again(frozen: bool) -> None:
    """Frozen by the daily match, or with another case while the machine may still be at it."""

    async def work(world: World, desk: Desk) -> None:
        world.machine.outcome = "uncertain"
        assert await desk.give() == ""
        (sale,) = desk.sales
        if frozen:
            await world.engine.learnt(
                BillDiffers(sale_id=sale.sale_id, reason="bill_goods", text="the journal says delivered")
            )
        else:
            world.tables.sales[sale.sale_id] = replace(sale, case="second_payment")
        wish = Wish(sale_id=sale.sale_id, resolution=Resolution.CLOSED, by="ann", why="counted the lane")
        assert await world.engine.resolve(wish) == ""
        row = world.row(sale.sale_id)
        assert (row.state, row.case) == (State.CLOSED, "")
        assert await desk.give() == "it is under way, or in doubt"

    scene(work)


@pytest.mark.parametrize("why", ["sold_out", "door_open", "busy"])
def test_a_machine_that_will_not_says_why_and_may_be_asked_again(why: str) -> None:
    async def work(world: World, desk: Desk) -> None:
        world.machine.denies = why
        assert await desk.give() == why
        assert desk.sales == []
        world.machine.denies = ""
        assert await desk.give() == ""
        await world.ended(desk.sales[0].sale_id, State.VENDED)
        assert world.machine.pieces == 1

    scene(work)


def test_a_promise_that_comes_too_late_is_refused_and_moves_nothing() -> None:
    async def work(world: World, desk: Desk) -> None:
        world.machine.lease_after_s = 8
        assert await desk.give() == "offline"
        await world.until(lambda: bool(desk.sales))
        (late,) = desk.sales
        assert (late.state, late.why) == (State.CLOSED, "late")
        await world.passed(60)
        assert world.machine.motors == []
        world.machine.lease_after_s = 0.02
        assert await desk.give() == ""
        await world.ended(desk.sales[-1].sale_id, State.VENDED)
        assert world.machine.pieces == 1

    scene(work)


@pytest.mark.parametrize("cut_s", [0.0, 0.01, 0.03, 0.05, 0.5, 2.0, 4.0, 30.0])
@pytest.mark.parametrize("who", ["bridge", "machine", "wire"])
def test_whoever_is_cut_off_whenever_nothing_goes_out_twice(who: str, cut_s: float) -> None:
    async def work(world: World, desk: Desk) -> None:
        world.machine.lease_s = 60
        for _ in range(3):
            await world.passed(0.1)
            desk = Desk(world)
            await desk.give()
            await world.passed(cut_s)
            if who == "bridge":
                await world.restart()
            elif who == "machine":
                world.machine.reboot()
            else:
                world.wire.up = False
                await world.passed(20)
                world.wire.up = True
        await world.passed(1200)
        assert world.machine.pieces <= 1
        fell = [sale for sale in desk.sales if sale.state is State.VENDED]
        assert len(fell) == world.machine.pieces or any(sale.doubt for sale in desk.sales)
        assert all(sale.state in (State.VENDED, State.CLOSED) for sale in desk.sales)

    scene(work)


# ---------------------------------------------------------------- values


def row(state: State, **more: object) -> Sale:
    made = Sale(sale_id="s", machine="vm-0001", store="x", opened_wall_ms=0, decision=Decision.VEND)
    return replace(made, state=state, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("tries", "number", "words"),
    [
        ((), 0, ""),
        ((row(State.CLOSED),), 1, ""),
        ((row(State.CLOSED), row(State.CLOSED)), 2, ""),
        ((row(State.CLOSED, doubt="power"),), 0, "in doubt"),
        ((row(State.CLOSED, goods=True),), 0, "in doubt"),
        ((row(State.PAID),), 0, "under way"),
        ((row(State.CASE),), 0, "under way"),
        ((row(State.CLOSED), row(State.VENDED)), 0, "given out"),
        ((row(State.CLOSED),) * MOST_TRIES, 0, "too often"),
    ],
)
def test_only_a_row_that_surely_gave_nothing_makes_room(
    tries: tuple[Sale, ...], number: int, words: str
) -> None:
    found, why = next_try(tries)
    assert (found, bool(why)) == (number, bool(words))
    assert words in why


def test_no_sale_of_anybody_who_pays_is_taken_for_a_free_one() -> None:
    assert is_free(row(State.PAID))
    assert not is_free(row(State.PAID, paid_fen=350))
    assert not is_free(replace(row(State.OFFERED), decision=Decision.NONE))
    assert not is_free(replace(row(State.PAID, paid_fen=350), decision=Decision.REFUND))
