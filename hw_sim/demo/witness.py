"""Ask the four witnesses of a run what they have in their books."""

import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from hw_sim.demo.books import Books, BridgeSale, Order

_BUSY_S: Final = 60.0


def read_journal(path: Path) -> dict[str, str]:
    """Sale id to state, from the machine's journal as it stands on the disk; the daemon may be running."""
    db = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=_BUSY_S)
    try:
        return {str(sale_id): str(state) for sale_id, state in db.execute("SELECT sale_id, state FROM sale")}
    finally:
        db.close()


def assemble(
    *,
    journal: Mapping[str, str],
    bridge: list[Mapping[str, Any]],
    platform: list[Mapping[str, Any]],
    pieces_dropped: int,
) -> Books:
    """Put the witnesses side by side: `bridge` as its API lists sales, `platform` as it lists orders."""
    sales = {
        str(sale["sale_id"]): BridgeSale(
            state=str(sale["state"]),
            paid_fen=int(sale["paid_fen"]),
            refunded_fen=int(sale["refunded_fen"]),
        )
        for sale in bridge
    }
    orders = {
        str(order["out_trade_no"]): Order(
            state=str(order["trade_state"]),
            paid_fen=int(order["paid_fen"]),
            refunded_fen=int(order["refunded_fen"]),
        )
        for order in platform
    }
    return Books(journal=journal, bridge=sales, platform=orders, pieces_dropped=pieces_dropped)
