"""Sheets of labels with printed codes, ready for a printer: A4 at 300 dpi, six labels a page, cut lines.

The only file of the bridge that knows `PIL` and `qrcode`. A label says product, price, lane and machine in
both languages; the code itself only names the lane, so a price that changed is told by the phone.
"""

import importlib.util
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from PIL import Image, ImageDraw, ImageFont
from qrcode.constants import ERROR_CORRECT_Q
from qrcode.main import QRCode

DPI: Final = 300
A4: Final = (2480, 3508)
COLUMNS: Final = 2
ROWS: Final = 3
_CELL: Final = (A4[0] // COLUMNS, A4[1] // ROWS)
_EDGE: Final = 70
_CODE: Final = 680  # 55 mm: read from half a metre, and through a scratched cover
_QUIET: Final = 4
_INK: Final = "#14201B"
_SOFT: Final = "#5C6B64"
_LINE: Final = "#C9CFCB"
_PAPER: Final = "#FFFFFF"
_GO: Final = "#0B7A43"
_FONTS: Final = (
    (Path("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc"), 2),
    (Path("/usr/share/fonts/opentype/noto/NotoSansSC-Regular.otf"), 0),
    (Path("/usr/share/fonts/truetype/wqy/wqy-microhei.ttc"), 0),
    (Path("/usr/share/fonts/truetype/wqy/wqy-zenhei.ttc"), 0),
)
_PACKAGE: Final = "pylopdf_fonts_zh_cn"


class NoFont(Exception):
    """No font here can write Chinese. What to install stands in the words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """One lane's label. `code` is what the code holds."""

    machine: str
    lane: int
    name_zh: str
    name_en: str
    price_fen: int
    phone: str
    edition: int
    code: str = field(repr=False)


def pages(labels: Sequence[Label]) -> Iterator[Image.Image]:
    """The sheets, in the order of the labels. Raises NoFont."""
    face = _font()
    for first in range(0, len(labels), COLUMNS * ROWS):
        page = Image.new("RGB", A4, _PAPER)
        draw = ImageDraw.Draw(page)
        for place, label in enumerate(labels[first : first + COLUMNS * ROWS]):
            left, top = place % COLUMNS * _CELL[0], place // COLUMNS * _CELL[1]
            _draw(page, draw, face, label, (left, top))
        _cut_lines(draw)
        yield page


def save_pdf(path: Path, sheets: Sequence[Image.Image]) -> None:
    """All sheets in one file, at their true size."""
    sheets[0].save(path, "PDF", resolution=DPI, save_all=True, append_images=sheets[1:])


def save_pngs(folder: Path, stem: str, sheets: Sequence[Image.Image]) -> list[Path]:
    """A picture a sheet; where they are."""
    paths = [folder / f"{stem}-{number}.png" for number in range(1, len(sheets) + 1)]
    for path, sheet in zip(paths, sheets, strict=True):
        sheet.save(path, dpi=(DPI, DPI))
    return paths


# ---------------------------------------------------------------- one label


def _draw(
    page: Image.Image, draw: ImageDraw.ImageDraw, face: "_Face", label: Label, at: tuple[int, int]
) -> None:
    left, top = at
    middle, width = left + _CELL[0] // 2, _CELL[0] - 2 * _EDGE
    draw.text((middle, top + 76), "微信扫码购买", fill=_GO, font=face(72), anchor="mm")
    draw.text((middle, top + 140), "Scan with WeChat to buy", fill=_SOFT, font=face(36), anchor="mm")
    code = _code(label.code)
    page.paste(code, (middle - code.width // 2, top + 170))
    below = top + 170 + code.height
    name = face.fitting(label.name_zh, 60, width * 3 // 5)
    draw.text((left + _EDGE, below + 50), label.name_zh, fill=_INK, font=name, anchor="lm")
    english = face.fitting(label.name_en, 36, width * 3 // 5)
    draw.text((left + _EDGE, below + 106), label.name_en, fill=_SOFT, font=english, anchor="lm")
    price = f"¥{label.price_fen // 100}.{label.price_fen % 100:02d}"
    draw.text((left + _EDGE + width, below + 68), price, fill=_INK, font=face(92), anchor="rm")
    small = face(28)
    lane = f"{label.lane} 号货道 / Lane {label.lane}"
    draw.text((left + _EDGE, below + 166), lane, fill=_INK, font=face(34), anchor="lm")
    note = "价格以手机显示为准 / The phone shows the price that counts"
    draw.text((left + _EDGE, below + 216), note, fill=_SOFT, font=small, anchor="lm")
    foot = " · ".join(
        filter(None, (label.machine, label.phone and f"客服 Help {label.phone}", f"#{label.edition}"))
    )
    draw.text((left + _EDGE, below + 256), foot, fill=_SOFT, font=small, anchor="lm")


def _code(text: str) -> Image.Image:
    """Black on white with its quiet zone, in whole pixels a module."""
    code = QRCode(error_correction=ERROR_CORRECT_Q, border=_QUIET)
    code.add_data(text)
    code.make()
    cells = code.get_matrix()
    small = Image.new("L", (len(cells), len(cells)))
    small.putdata([0 if dark else 255 for row in cells for dark in row])
    pixels = max(1, _CODE // len(cells))
    return small.resize((len(cells) * pixels, len(cells) * pixels), Image.Resampling.NEAREST).convert("RGB")


def _cut_lines(draw: ImageDraw.ImageDraw) -> None:
    for column in range(1, COLUMNS):
        draw.line((column * _CELL[0], 0, column * _CELL[0], A4[1]), fill=_LINE, width=2)
    for row in range(1, ROWS):
        draw.line((0, row * _CELL[1], A4[0], row * _CELL[1]), fill=_LINE, width=2)


# ---------------------------------------------------------------- the font


class _Face:
    """One font in every size."""

    def __init__(self, path: Path, index: int) -> None:
        self._path: Final = path
        self._index: Final = index

    def __call__(self, size: int) -> ImageFont.FreeTypeFont:
        return ImageFont.truetype(str(self._path), size, index=self._index)

    def fitting(self, text: str, size: int, width: int) -> ImageFont.FreeTypeFont:
        """The largest up to `size` in which the text is no wider."""
        font = self(size)
        while size > 20 and font.getlength(text) > width:
            size -= 2
            font = self(size)
        return font


def _font() -> _Face:
    found = importlib.util.find_spec(_PACKAGE)
    packaged = [(Path(found.origin).with_name("NotoSansSC-Regular.otf"), 0)] if found and found.origin else []
    for path, index in (*_FONTS, *packaged):
        if path.is_file():
            return _Face(path, index)
    raise NoFont("no font with Chinese. Try: install fonts-noto-cjk (apt) or the extra wxvend[fonts]")
