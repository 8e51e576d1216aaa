"""Every screen in every layout as PNG files, so that a person can look at them.

python -m edge.display.gallery OUT_DIR
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from edge.core.screen import (
    Asking,
    Checking,
    Code,
    Done,
    Doubt,
    Idle,
    Maintenance,
    OutOfOrder,
    Product,
    Refund,
    Screen,
    Tile,
    Vending,
    View,
)
from edge.display.canvas import Face
from edge.display.fonts import open_face
from edge.display.page import Language
from edge.display.screens import Renderer
from edge.display.theme import DARK, LIGHT, Theme
from edge.display.words import everything

SIZES: Final = ((480, 800), (800, 480), (1080, 1920), (1920, 1080), (320, 240), (240, 320))
"""The layouts that are looked at; others are scaled from them."""

_GOODS: Final = (
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


def screens() -> Iterator[tuple[str, Screen]]:
    """A name and a screen for every view, with ordinary content."""
    tiles = tuple(_tile(at) for at in range(len(_GOODS)))
    product, views = tiles[1].product, dict[str, View]()
    views["idle"] = Idle(tiles=tiles)
    views["idle-notice"] = Idle(tiles=tiles, notice="sold_out", notice_lane=16)
    views["asking"] = Asking(product=product)
    url = "weixin://wxpay/bizpayurl?pr=qX7mB2LzzK"
    views["code"] = Code(product=product, code_url=url, left_s=167, span_s=175)
    views["code-last"] = Code(product=product, code_url=url, left_s=24, span_s=175)
    views["checking"] = Checking(product=product)
    views["vending"] = Vending(product=product, step="dispensing")
    views["done"] = Done(product=product)
    views["refund"] = Refund(product=product, reference="7KQ2")
    views["refund-done"] = Refund(product=product, reference="7KQ2", state="done")
    views["refund-held"] = Refund(product=product, reference="7KQ2", state="held")
    views["doubt"] = Doubt(product=product, reference="7KQ2")
    views["out-of-order"] = OutOfOrder(reason="link_down")
    views["maintenance"] = Maintenance(tiles=tiles)
    for name, view in views.items():
        yield name, Screen(view=view, machine="A0132", phone="400-820-1234")


def render_all(out_dir: Path, *, face: Face) -> int:
    """Write every screen in every layout, in both themes and in single languages. Returns the count."""
    out_dir.mkdir(parents=True, exist_ok=True)
    count = 0
    for size in SIZES:
        for theme, language in ((LIGHT, Language.BOTH), (DARK, Language.BOTH), (LIGHT, Language.EN)):
            count += _render(out_dir, size, face, theme, language)
    return count


def _render(out_dir: Path, size: tuple[int, int], face: Face, theme: Theme, language: Language) -> int:
    renderer = Renderer(size=size, face=face, language=language, theme=theme)
    names = [
        (f"{size[0]}x{size[1]}-{theme.name}-{language}-{name}.png", screen) for name, screen in screens()
    ]
    for name, screen in names:
        (out_dir / name).write_bytes(renderer.draw(screen).png())
    return len(names)


def _tile(at: int) -> Tile:
    name_zh, name_en, price_fen = _GOODS[at]
    product = Product(lane=11 + at, name_zh=name_zh, name_en=name_en, price_fen=price_fen)
    return Tile(product=product, reason={5: "sold_out", 7: "fault"}.get(at, ""))


if __name__ == "__main__":
    written = render_all(Path(sys.argv[1]), face=open_face(configured=None, sentences=everything()))
    print(f"{written} pictures in {sys.argv[1]}")
