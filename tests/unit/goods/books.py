"""A small book of two machines and a template, and the settings that two machines came with."""

from typing import Final

from cloud_bridge.core.catalogue import Entry, Key, Kind, Lane, Owner, Plan, Product, lane_key
from cloud_bridge.ports import Shelf, ShelfProduct

ONE, TWO = "vm-0001", "vm-0002"
COLA: Final = Product(name_zh="可乐", name_en="Cola", price_fen=350, cost_fen=200)
TEA: Final = Product(name_zh="绿茶", name_en="Green tea", price_fen=400)
BOOK: Final[dict[Key, Entry]] = {
    (Kind.PRODUCT, "cola"): COLA,
    (Kind.PRODUCT, "tea"): TEA,
    lane_key("#corner", 1): Lane(product="cola"),
    lane_key("#corner", 2): Lane(product="tea", price_fen=380),
    lane_key(ONE, 11): Lane(product="cola", par=8, capacity=10, sold_out_at=1),
    lane_key(TWO, 2): Lane(product="cola", price_fen=300),
    (Kind.MACHINE, ONE): Plan(route="north"),
    (Kind.MACHINE, TWO): Plan(template="#corner"),
}


def shelf(machine: str = ONE, *, version: int = 1, price_fen: int = 350, phone: str = "400") -> Shelf:
    """What the settings say of a machine: cola in lane 11, tea in lane 12."""
    products = (
        ShelfProduct(lane=11, name_zh="可乐", name_en="Cola", price_fen=price_fen),
        ShelfProduct(lane=12, name_zh="绿茶", name_en="Green tea", price_fen=400),
    )
    return Shelf(machine=machine, version=version, phone=phone, products=products)


def plan_owner(book: "dict[Key, Entry] | None", machine: str) -> Owner:
    """Who speaks for a machine."""
    found = (book or BOOK)[Kind.MACHINE, machine]
    assert isinstance(found, Plan)
    return found.owner
