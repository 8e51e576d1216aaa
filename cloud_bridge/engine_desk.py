"""A person's decision while no daemon runs: it is written into the books, and the next daemon acts on it."""

from collections.abc import Callable
from typing import TypeVar

from cloud_bridge.core.case import Wish
from cloud_bridge.core.model import OrderDraft
from cloud_bridge.core.timings import Limits, Timings
from cloud_bridge.engine_books import Books, Terms
from cloud_bridge.engine_sessions import Challenges
from cloud_bridge.ports import Store, Tx

T = TypeVar("T")


async def resolve_in(store: Store, wish: Wish, wall_ms: Callable[[], int]) -> str:
    """As `Engine.resolve`. Raises StoreFailed."""
    return await _decide(store, lambda books: books.resolve(wish), wall_ms)


async def take_case_in(store: Store, sale_id: str, owner: str, wall_ms: Callable[[], int]) -> str:
    """As `Engine.take_case`. Raises StoreFailed."""
    return await _decide(store, lambda books: books.own(sale_id, owner), wall_ms)


async def _decide(store: Store, work: Callable[[Books], T], wall_ms: Callable[[], int]) -> T:
    """Nobody's bound is known to be over here: only a running daemon counts."""
    terms = Terms(
        timings=Timings(),
        limits=Limits(),
        shelves={},
        store=store.incarnation,
        compose=_no_orders,
        wall_ms=wall_ms,
        live=lambda machine: False,
        past=lambda sale_id: False,
        challenges=Challenges(_nobody_is_asked),
    )

    def in_books(tx: Tx) -> T:
        return work(Books(tx, terms))

    return await store.run(in_books)


def _no_orders(order: OrderDraft) -> bytes:
    raise AssertionError("a person places no order")


def _nobody_is_asked() -> str:
    raise AssertionError("a person challenges no machine")
