"""Screens with ordinary content, and whatever a renderer needs: one font, whichever the machine has."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from edge.core.screen import (
    Asking,
    Checking,
    Code,
    Done,
    Doubt,
    Identify,
    Idle,
    Maintenance,
    OutOfOrder,
    Product,
    Refund,
    Scanned,
    Screen,
    Tile,
    Vending,
    View,
)
from edge.display.canvas import Face
from edge.display.fonts import packaged
from edge.display.screens import Renderer
from edge.display.settings import Language
from edge.display.theme import LIGHT, Theme

LAYOUTS: Final = ((480, 800), (800, 480), (1080, 1920), (320, 240))
URL: Final = "weixin://wxpay/bizpayurl?pr=qX7mB2LzzK"

GOODS: Final = (
    ("农夫山泉", "Spring water", 200),
    ("可口可乐", "Cola", 350),
    ("原味薯片", "Potato chips", 600),
    ("乌龙茶", "Oolong tea", 450),
    ("冰咖啡", "Iced coffee", 800),
    ("海盐饼干", "Sea salt biscuits", 550),
    ("鲜榨橙汁", "Orange juice", 680),
    ("黑巧克力", "Dark chocolate", 1280),
    ("苏打水", "Soda water", 400),
)


def tile(at: int, reason: str = "") -> Tile:
    name_zh, name_en, price_fen = GOODS[at % len(GOODS)]
    product = Product(lane=11 + at, name_zh=name_zh, name_en=name_en, price_fen=price_fen)
    return Tile(product=product, reason=reason)


TILES: Final = tuple(tile(at, {5: "sold_out", 7: "fault"}.get(at, "")) for at in range(len(GOODS)))
COLA: Final = TILES[1].product
VIEWS: Final[dict[str, View]] = {
    "idle": Idle(tiles=TILES),
    "idle-notice": Idle(tiles=TILES, notice="sold_out", notice_lane=16),
    "asking": Asking(product=COLA),
    "code": Code(product=COLA, code_url=URL, left_s=167, span_s=175),
    "code-last": Code(product=COLA, code_url=URL, left_s=24, span_s=175),
    "scanned": Scanned(product=COLA),
    "checking": Checking(product=COLA),
    "vending": Vending(product=COLA, step="dispensing"),
    "done": Done(product=COLA),
    "refund": Refund(product=COLA, reference="01JD3V7KQ2"),
    "refund-done": Refund(product=COLA, reference="01JD3V7KQ2", state="done"),
    "refund-held": Refund(product=COLA, reference="01JD3V7KQ2", state="held"),
    "doubt": Doubt(product=COLA, reference="01JD3V7KQ2"),
    "out-of-order": OutOfOrder(reason="link_down"),
    "sold-out": OutOfOrder(reason="all_sold_out"),
    "maintenance": Maintenance(tiles=TILES),
    "identify": Identify(),
}


@dataclass(frozen=True, slots=True)
class Look:
    """A way to draw every screen."""

    size: tuple[int, int]
    theme: Theme = LIGHT
    language: Language = Language.BOTH

    def __str__(self) -> str:
        return f"{self.size[0]}x{self.size[1]}-{self.theme.name}-{self.language}"

    def renderer(self) -> Renderer:
        return Renderer(size=self.size, face=face(), theme=self.theme, language=self.language)


@lru_cache(maxsize=1)
def face() -> Face:
    """The font of the `fonts` extra, so that a picture is the same on every machine."""
    path = packaged()
    assert path is not None, "the extra wxvend[fonts] is not installed"
    return Face(path)


def screen(view: View) -> Screen:
    return Screen(view=view, machine="vm-0132", phone="400-820-1234")
