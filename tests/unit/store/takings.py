"""A till: sales with each fate that money can have, as rows, entries of the ledger and deliveries."""

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

from cloud_bridge.core import ledger
from cloud_bridge.core.delivery import Delivery, Outcome
from cloud_bridge.core.ledger import Post
from cloud_bridge.core.model import Decision, State
from cloud_bridge.core.sale import Sale
from cloud_bridge.store.books import SqlStore
from tests.unit.bridge.rows import QUOTED

DAY: Final = "2026-01-30"
BEGIN_MS: Final = 1_769_702_400_000  # midnight of Beijing on this day
HOUR_MS: Final = 3_600_000
GOODS: Final = (("可乐", "Cola"), ("绿茶", "Green tea"), ("=矿泉水", "+Water"))
FATES: Final = ("vended", "refunded", "pending", "doubt", "lost", "by_hand", "settled")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sold:
    """A sale, what was written into the ledger for it and when, and how its vend ended."""

    sale: Sale
    posts: tuple[tuple[Post, int], ...]
    outcome: Outcome = Outcome.DELIVERED


def sold(number: int, fate: str, at_ms: int, **changes: Any) -> Sold:
    """One sale of that fate, paid at that moment."""
    goods = GOODS[number % len(GOODS)]
    values: dict[str, Any] = {"state": State.VENDED, "decision": Decision.VEND, "paid_fen": 350} | changes
    row = replace(
        QUOTED,
        sale_id=f"{number:026d}",
        machine=f"vm-000{number % 3 + 1}",
        lane=number % 5 + 1,
        product_zh=goods[0],
        product_en=goods[1],
        opened_wall_ms=at_ms - 20_000,
        transaction_id=f"T{number}",
        request_id="r" * 26 if number % 4 == 0 else "",
        **values,
    )
    fen, paid = row.paid_fen, (ledger.payment_verified(row.paid_fen), at_ms)
    out, decided = (ledger.goods_out(fen), at_ms + 9_000), (ledger.refund_decided(fen), at_ms + 9_000)
    back = (ledger.refund_confirmed(fen), at_ms + 60_000)
    why = ("not_delivered.moved.jam", "late", "doubt.machine_gone")[number % 3]
    refunded = replace(row, state=State.REFUNDED, decision=Decision.REFUND, refunded_fen=fen, why=why)
    match fate:
        case "vended":
            return Sold(sale=row, posts=(paid, out))
        case "refunded":
            return Sold(sale=refunded, posts=(paid, decided, back), outcome=Outcome.FAILED)
        case "pending":
            row = replace(row, state=State.PAID, decision=Decision.REFUND, why=why)
            return Sold(sale=row, posts=(paid, decided), outcome=Outcome.FAILED)
        case "doubt":
            row = replace(row, state=State.CASE, case="doubt", doubt="machine_gone")
            return Sold(sale=row, posts=(paid,), outcome=Outcome.UNKNOWN)
        case "lost":
            fell = (ledger.goods_lost(fen), at_ms + 120_000)
            return Sold(sale=refunded, posts=(paid, decided, back, fell), outcome=Outcome.FAILED)
        case "by_hand":
            row = replace(row, refunded_fen=fen)
            return Sold(sale=row, posts=(paid, out, (ledger.refunded_by_hand(fen), at_ms + 300_000)))
        case _:
            by_hand = (ledger.settled_by_hand(fen, Decision.VEND), at_ms + 300_000)
            row = replace(row, state=State.SETTLED)
            return Sold(sale=row, posts=(paid, by_hand), outcome=Outcome.SETTLED)


def a_day(count: int = 40, seed: int = 1) -> Iterator[Sold]:
    """Most of them go well; each fate is there."""
    draw = random.Random(seed)
    for number in range(count):
        fate = FATES[number % 10] if number % 10 < len(FATES) else "vended"
        price_fen = draw.choice((250, 350, 400))
        at_ms = BEGIN_MS + 8 * HOUR_MS + draw.randrange(12 * HOUR_MS)
        yield sold(number, fate, at_ms, price_fen=price_fen, paid_fen=price_fen)


async def rung_up(store: SqlStore, some: Iterable[Sold]) -> None:
    """Write them into the books."""
    every = list(some)

    def write(tx: Any) -> None:
        for each in every:
            _write(tx, each)

    await store.on_desk(write)


def _write(tx: Any, each: Sold) -> None:
    tx.put(each.sale)
    for post, wall_ms in each.posts:
        tx.post(each.sale.sale_id, post, wall_ms)
    ended_ms = each.posts[1][1] if len(each.posts) > 1 else each.posts[0][1] + 90_000
    tx.put_delivery(
        Delivery(
            sale_id=each.sale.sale_id,
            machine=each.sale.machine,
            lane=each.sale.lane,
            paid_wall_ms=each.posts[0][1],
            due_wall_ms=each.posts[0][1] + 60_000,
            outcome=each.outcome,
            ended_wall_ms=ended_ms,
        )
    )
