"""What the demo's machine sells: twelve products of no brand, with a shape and a colour for the page."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Goods:
    """One lane of the virtual machine. The page paints `shape`: can, bottle, carton, bag or bar."""

    lane: int
    name_zh: str
    name_en: str
    price_fen: int
    shape: str
    colour: str


SHELF: Final = (
    Goods(lane=11, name_zh="可乐", name_en="Cola", price_fen=350, shape="can", colour="#b8232f"),
    Goods(lane=12, name_zh="橙汁", name_en="Orange juice", price_fen=450, shape="bottle", colour="#f08a24"),
    Goods(lane=13, name_zh="矿泉水", name_en="Spring water", price_fen=200, shape="bottle", colour="#6bb6e8"),
    Goods(lane=14, name_zh="绿茶", name_en="Green tea", price_fen=400, shape="bottle", colour="#5a9e4b"),
    Goods(lane=21, name_zh="薯片", name_en="Crisps", price_fen=650, shape="bag", colour="#e8b530"),
    Goods(lane=22, name_zh="海苔", name_en="Seaweed", price_fen=580, shape="bag", colour="#2f6d58"),
    Goods(lane=23, name_zh="巧克力", name_en="Chocolate", price_fen=790, shape="bar", colour="#6d3f2a"),
    Goods(lane=24, name_zh="饼干", name_en="Biscuits", price_fen=500, shape="carton", colour="#d98a4e"),
    Goods(lane=31, name_zh="牛奶", name_en="Milk", price_fen=420, shape="carton", colour="#5d8fd6"),
    Goods(lane=32, name_zh="豆浆", name_en="Soy milk", price_fen=380, shape="carton", colour="#c9a55a"),
    Goods(lane=33, name_zh="咖啡", name_en="Coffee", price_fen=690, shape="can", colour="#4a3a35"),
    Goods(lane=34, name_zh="气泡水", name_en="Sparkling water", price_fen=550, shape="can", colour="#49b8a5"),
)
