"""What a machine tells everyone: flat dictionaries for the retained `state/` topics, numbers as numbers.

For dashboards only: nothing is ever decided from them.
"""

from collections.abc import Mapping

from edge.core.machine import Machine, closed, lane_reason


def states(machine: Machine, counts: Mapping[str, int]) -> dict[str, dict[str, object]]:
    """Topic name below `state/` to its values. `counts` are sales of this session by how they ended."""
    reason = closed(machine)
    told: dict[str, dict[str, object]] = {
        "health": {
            "selling": int(not reason),
            "reason": reason,
            "catalogue_version": machine.catalogue_version,
            "lanes": len(machine.products),
            "codes": sum(len(pocket.codes) for pocket in machine.pockets.values()),
        },
        "climate": {"temperature_c": machine.temperature_c, "door_open": _flag(machine.door_open)},
        "sales": dict(counts),
    }
    for number in sorted(set(machine.products) | set(machine.lanes)):
        told[f"lane/{number}"] = _lane(machine, number)
    return told


def _lane(machine: Machine, number: int) -> dict[str, object]:
    seen, product = machine.lanes.get(number), machine.products.get(number)
    return {
        "lane": number,
        "product": product.name_zh if product else "",
        "product_en": product.name_en if product else "",
        "price_fen": product.price_fen if product else 0,
        "stock": seen.stock if seen else None,
        "capacity": seen.capacity if seen else None,
        "failures": seen.failures if seen else 0,
        "reason": lane_reason(machine, number) if product else "no_product",
        "fault": (seen.broken if seen else None) or "",
        "code": seen.code if seen else "",
    }


def _flag(value: bool | None) -> int | None:
    return None if value is None else int(value)
