"""The plug is pulled right after every commit in turn: durable, and nobody heard of it. The end is the same.

A script says what shopper and machine do; it runs once without a cut to learn its end and how many commits
there are, then once for each of them.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import pytest

from cloud_bridge.core.model import State
from hw_sim.world.books import MemoryStore, PluggedBooks
from tests.unit.bridge.virtual import play
from tests.unit.bridge.world import FINAL, World


@dataclass(frozen=True, slots=True)
class End:
    """What a shopper and the books are left with. Doubt and numbers of messages may differ."""

    state: State
    pieces: int
    refunded_fen: int
    motors: int


async def vended(world: World) -> str:
    return await world.paid()


async def jammed(world: World) -> str:
    world.machine.outcome = "not_delivered"
    return await world.paid()


async def uncertain(world: World) -> str:
    world.machine.outcome = "uncertain"
    return await world.paid()


async def abandoned(world: World) -> str:
    return await world.offered()


async def found_by_query(world: World) -> str:
    sale_id = await world.offered()
    world.wechat.pay(sale_id)
    return sale_id


async def paid_after_the_close(world: World) -> str:
    sale_id = await world.offered()
    await world.until(lambda: world.wechat.orders[sale_id].closed)
    world.wechat.pay(sale_id, late=True)
    return sale_id


async def reselected(world: World) -> str:
    sale_id = await world.offered()
    payment = world.wechat.pay(sale_id)
    world.machine.close(sale_id, "reselect")
    await world.until(lambda: world.row(sale_id).row_dead)
    world.notify(payment)
    return sale_id


SCRIPTS: tuple[Callable[[World], Awaitable[str]], ...] = (
    vended,
    jammed,
    uncertain,
    abandoned,
    found_by_query,
    paid_after_the_close,
    reselected,
)


def run(
    script: Callable[[World], Awaitable[str]],
    cut_at: int,
    books: Callable[[], PluggedBooks] = MemoryStore,
) -> tuple[End, int, int]:
    """The end of a script, how many commits it took, and how often the bridge was started."""
    ends: list[tuple[End, int, int]] = []

    async def scene() -> None:
        world = World(books())
        world.store.cut_at = cut_at
        async with world:
            sale_id = await script(world)
            await world.until(lambda: sale_id in world.tables.sales and world.row(sale_id).state in FINAL)
            await world.passed(1_200)
            sale = world.row(sale_id)
            world.check_books()
            assert sale.refunded_fen == world.wechat.refunded_fen() <= world.wechat.paid_fen()
            end = End(sale.state, world.machine.pieces, sale.refunded_fen, len(world.machine.motors))
            ends.append((end, world.store.commits, world.starts))

    play(scene())
    return ends[0]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.__name__)
def test_a_bridge_that_dies_after_any_commit_brings_the_sale_to_the_same_end(
    script: Callable[[World], Awaitable[str]],
) -> None:
    expected, commits, starts = run(script, 0)
    assert starts == 1
    for cut_at in range(1, commits):
        end, _, starts = run(script, cut_at)
        assert starts == 2, f"commit {cut_at} was not reached"
        assert end == expected, f"cut after commit {cut_at}"
