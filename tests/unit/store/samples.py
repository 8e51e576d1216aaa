"""Sales and facts that differ by a number."""

from dataclasses import replace
from typing import Any

from cloud_bridge.core.sale import Sale
from cloud_bridge.ports import Fact
from tests.unit.bridge.rows import QUOTED

VM = "vm-0001"


def numbered(sale: Sale, number: int, **changes: Any) -> Sale:
    """Another sale like this one, opened `number` ms later, its payment its own."""
    payment = f"T{number}" if sale.transaction_id else ""
    return replace(
        sale,
        sale_id=f"{number:026d}",
        opened_wall_ms=sale.opened_wall_ms + number,
        transaction_id=payment,
        **changes,
    )


def fact(number: int, sale_id: str = QUOTED.sale_id) -> Fact:
    return Fact(wall_ms=1_000 - number, machine=VM, sale_id=sale_id, who="edge", what=f"第 {number}")
