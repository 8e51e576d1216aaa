"""The bridge is killed after each fact of a sale is in its books: what was paid still ends once, and well."""

import asyncio
import contextlib
import signal
from pathlib import Path

import pytest

from tests.process.programs import Program, until
from tests.process.shop import PRICE_FEN, Shop

SELLS: tuple[str, ...] = ()
JAMS = ("--fault", "no_drop:1")
# The fact after which the power goes, the board, and how the sale may end.
CUTS = {
    "was chosen": (SELLS, {"vended", "closed"}),
    "the code goes to the machine": (SELLS, {"vended"}),
    "is paid (notice)": (SELLS, {"vended"}),
    "the goods are out": (SELLS, {"vended"}),
    "goes back: not_delivered": (JAMS, {"refunded"}),
    "the refund is accepted": (JAMS, {"refunded"}),
}


def told(bridge: Program, words: str) -> bool:
    return any(words in str(line.get("words", "")) for line in bridge.lines)


async def buy(shop: Shop, edge: Program) -> None:
    """A shopper who pays when a code appears, and goes away when none does."""
    with contextlib.suppress(AssertionError):
        await shop.pays(await shop.selects(edge))


@pytest.mark.parametrize("fact", CUTS)
async def test_a_bridge_killed_after_any_fact_ends_the_sale_once_and_well(fact: str, tmp_path: Path) -> None:
    board, ends = CUTS[fact]
    async with Shop(tmp_path, broker="iotcore", board=board) as shop, shop.edge() as edge:
        async with shop.bridge() as bridge:
            buying = asyncio.create_task(buy(shop, edge))
            await until(lambda: told(bridge, fact), lambda: f"{fact} in {bridge.lines}")
            bridge.signal(signal.SIGKILL)
            await bridge.ended()
        async with shop.bridge() as again:
            await again.says(event="daemon.ready")
            sale = await shop.ends(*ends)
            if sale["state"] == "closed":
                buying.cancel()
            await asyncio.wait([buying])
            paid, refunded = sale["paid_fen"], sale["refunded_fen"]
            pieces = await shop.pieces_dropped()
            assert paid == pieces * PRICE_FEN + refunded
            (order,) = await shop.orders() or [{"paid_fen": 0, "refunded_fen": 0}]
            assert (order["paid_fen"], order["refunded_fen"]) == (paid, refunded)
            assert await again.stop() == 0
