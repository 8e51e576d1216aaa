"""Selection to frame bytes, network excluded: our code screen beside `qrcode.make_image` plus paste.

Both begin with a code never seen and end in the same kind of bytes, of a PNG file or of a 32-bit panel; the
library's modules are as large as ours.
"""

import io
import random
import statistics
import string
import time
from collections.abc import Callable
from typing import Final

import qrcode
from PIL import Image

from bench.figure import Figure
from edge.core.screen import Asking, Code, Product, Screen
from edge.display.fonts import open_face
from edge.display.screens import Renderer
from edge.display.words import everything

ROUNDS: Final = 200
FRAMES: Final = (
    ("PNG", (480, 800)),
    ("PNG", (1080, 1920)),
    ("32-bit", (480, 800)),
    ("32-bit", (1080, 1920)),
)
_LETTERS: Final = string.ascii_letters + string.digits
_MODULES: Final = 29 + 8  # of a short link, with its white
_PRODUCT: Final = Product(lane=12, name_zh="可乐", name_en="Cola", price_fen=350)


def figures() -> list[Figure]:
    """One row a frame, of medians; the two turn about."""
    return [_figure(kind, size) for kind, size in FRAMES]


def _figure(kind: str, size: tuple[int, int]) -> Figure:
    ours, library = _ours(kind, size), _library(kind, size)
    chance = random.Random(1)
    mine, theirs = [], []
    for _ in range(ROUNDS):
        mine.append(_timed_ms(ours, chance))
        theirs.append(_timed_ms(library, chance))
    median, other = statistics.median(mine), statistics.median(theirs)
    return Figure(
        name=f"selection to frame bytes, {kind} {size[0]}x{size[1]}",
        ours=f"{median:.2f} ms",
        beside=f"{other:.2f} ms, make_image and paste",
        ratio=median / other,
        goal="at most 0.25x",
        met=median <= 0.25 * other,
    )


def _ours(kind: str, size: tuple[int, int]) -> Callable[[str], bytes]:
    face = open_face(configured=None, sentences=everything())
    renderer = Renderer(size=size, face=face)
    asking = Screen(view=Asking(product=_PRODUCT), machine="vm-0001", phone="")
    before = renderer.draw(asking)

    def frame(url: str) -> bytes:
        view = Code(product=_PRODUCT, code_url=url, left_s=175, span_s=175)
        picture = renderer.draw(Screen(view=view, machine="vm-0001", phone=""))
        if kind == "PNG":
            return picture.png()
        changed = picture.changed_from(before)
        assert changed is not None
        return b"".join(picture.xrgb8888(changed))

    return frame


def _library(kind: str, size: tuple[int, int]) -> Callable[[str], bytes]:
    def frame(url: str) -> bytes:
        code = qrcode.QRCode(
            error_correction=qrcode.ERROR_CORRECT_M, box_size=min(size) // _MODULES, border=4
        )
        code.add_data(url)
        picture = Image.new("RGB", size, "white")
        picture.paste(code.make_image().get_image().convert("RGB"), (0, 0))
        if kind != "PNG":
            return picture.tobytes("raw", "BGRX")
        file = io.BytesIO()
        picture.save(file, "PNG")
        return file.getvalue()

    return frame


def _timed_ms(frame: Callable[[str], bytes], chance: random.Random) -> float:
    url = "weixin://wxpay/bizpayurl?pr=" + "".join(chance.choices(_LETTERS, k=9))
    began = time.perf_counter()
    frame(url)
    return 1000 * (time.perf_counter() - began)
