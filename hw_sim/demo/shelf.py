"""What the demo's machine sells: ten products of no brand, with a colour for the page."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Goods:
    """One lane of the virtual machine. `colour` is what the page paints the product in."""

    lane: int
    name_zh: str
    name_en: str
    price_fen: int
    colour: str


SHELF: Final = (
    Goods(lane=11, name_zh="可乐", name_en="Cola", price_fen=350, colour="#a4262c"),
    Goods(lane=12, name_zh="橙汁", name_en="Orange juice", price_fen=450, colour="#e08a1e"),
    Goods(lane=13, name_zh="矿泉水", name_en="Spring water", price_fen=200, colour="#5aa7d6"),
    Goods(lane=14, name_zh="绿茶", name_en="Green tea", price_fen=400, colour="#4c8f4a"),
    Goods(lane=21, name_zh="薯片", name_en="Crisps", price_fen=650, colour="#e3b23c"),
    Goods(lane=22, name_zh="海苔", name_en="Seaweed", price_fen=580, colour="#2f5d50"),
    Goods(lane=23, name_zh="巧克力", name_en="Chocolate", price_fen=790, colour="#5b3a29"),
    Goods(lane=24, name_zh="饼干", name_en="Biscuits", price_fen=500, colour="#c79a63"),
    Goods(lane=31, name_zh="牛奶", name_en="Milk", price_fen=420, colour="#dfe6ea"),
    Goods(lane=32, name_zh="豆浆", name_en="Soy milk", price_fen=380, colour="#d9cba3"),
    Goods(lane=33, name_zh="咖啡", name_en="Coffee", price_fen=690, colour="#6f4e37"),
    Goods(lane=34, name_zh="气泡水", name_en="Sparkling water", price_fen=550, colour="#8fc7b9"),
)
