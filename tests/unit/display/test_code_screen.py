"""The code on the screen: its geometry, and that a reader finds exactly the link, however it looks."""

import io
from collections.abc import Callable
from typing import Final

import pytest
import zxingcpp
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageChops, ImageFilter
from qrcode.main import QRCode
from qrcode.util import BIT_LIMIT_TABLE, QRData

from edge.core.screen import Code
from edge.display import qr
from edge.display.canvas import Palette, Picture
from edge.display.theme import BLACK, DARK, LIGHT, WHITE, Theme
from tests.unit.display.samples import COLA, LAYOUTS, URL, VIEWS, Look, screen

URLS: Final = (
    URL,
    "weixin://wxpay/bizpayurl/up?pr=NwY5Mz9&groupid=00",
    "https://pay.example.com/" + "q7" * 52,
)
_QR: Final = zxingcpp.BarcodeFormats([zxingcpp.BarcodeFormat.QRCode])
THEMES = pytest.mark.parametrize("theme", [LIGHT, DARK], ids=lambda theme: theme.name)
SIZES = pytest.mark.parametrize("size", LAYOUTS, ids=str)


def code_view(url: str = URL, left_s: int = 167) -> Code:
    return Code(product=COLA, code_url=url, left_s=left_s, span_s=175)


def image_of(picture: Picture) -> Image.Image:
    return Image.open(io.BytesIO(picture.png())).convert("RGB")


def drawn(size: tuple[int, int], theme: Theme, view: Code) -> Image.Image:
    return image_of(Look(size, theme).renderer().draw(screen(view)))


def read(image: Image.Image) -> list[str]:
    """What a reader finds, with the level of each code."""
    found = zxingcpp.read_barcodes(image, formats=_QR)
    return [f"{each.ec_level} {each.text}" for each in found]


# ---------------------------------------------------------------- as it is


def find(image: Image.Image) -> tuple[tuple[int, int, int, int], int]:
    """Where the dark modules stand, and the pixels of one: nothing else on a screen is quite black."""
    black = image.convert("RGB").point([255] + [0] * 255 + [255] + [0] * 255 + [255] + [0] * 255)
    red, green, blue = black.split()
    mask = ImageChops.multiply(ImageChops.multiply(red, green), blue)
    box = mask.getbbox()
    assert box is not None
    left, top, right, _ = box
    finder = next(x for x in range(left, right) if not mask.getpixel((x, top))) - left
    assert finder % 7 == 0, "the first row of a finder is seven modules"
    return box, finder // 7


@THEMES
@SIZES
@pytest.mark.parametrize("url", URLS, ids=len)
def test_a_code_is_black_on_white_in_whole_pixels_with_four_quiet_modules(
    size: tuple[int, int], theme: Theme, url: str
) -> None:
    image = drawn(size, theme, code_view(url))
    (left, top, right, bottom), pixels = find(image)
    count = (right - left) // pixels
    assert (right - left, bottom - top) == (count * pixels, count * pixels)
    assert count % 4 == 1
    quiet = 4 * pixels
    around = (left - quiet, top - quiet, right + quiet, bottom + quiet)
    assert around[0] >= 0
    assert around[1] >= 0
    assert around[2] <= size[0]
    assert around[3] <= size[1]
    zone = image.crop(around)
    zone.paste((255, 255, 255), (quiet, quiet, quiet + right - left, quiet + bottom - top))
    assert zone.getcolors() == [(zone.width * zone.height, (255, 255, 255))]
    code = image.crop((left, top, right, bottom))
    centres = code.resize((count, count), Image.Resampling.NEAREST)
    assert {colour for _, colour in centres.getcolors() or ()} == {(0, 0, 0), (255, 255, 255)}
    again = centres.resize(code.size, Image.Resampling.NEAREST)
    assert ImageChops.difference(code, again).getbbox() is None


@SIZES
@pytest.mark.parametrize("url", URLS, ids=len)
def test_a_code_is_as_large_as_the_screen_allows(size: tuple[int, int], url: str) -> None:
    (left, _, right, _), pixels = find(drawn(size, LIGHT, code_view(url)))
    shorter = min(size)
    assert right - left >= 0.55 * shorter
    one_larger = (pixels + 1) * ((right - left) // pixels + 8)
    assert one_larger > 0.93 * shorter, "there was room for another pixel a module"


@SIZES
def test_nothing_moves_around_a_code_while_time_runs(size: tuple[int, int]) -> None:
    renderer = Look(size).renderer()
    first = renderer.draw(screen(code_view()))
    (left, top, right, bottom), pixels = find(image_of(first))
    calm_x, calm_y = 4 * pixels + size[0] // 20, 4 * pixels + size[1] // 20
    for left_s in (166, 100, 30, 29, 9, 0):
        changed = renderer.draw(screen(code_view(left_s=left_s))).changed_from(first)
        assert changed is not None
        beside = changed.left >= right + calm_x or changed.right <= left - calm_x
        below = changed.top >= bottom + calm_y or changed.bottom <= top - calm_y
        assert beside or below, (left_s, changed)


def test_a_code_finds_its_black_and_white_though_all_colours_are_taken() -> None:
    palette = Palette()
    for n in range(300):
        palette.index((n % 256, 40 * (n // 256) + 3, 77))
    entries = palette.rgb()
    assert len(entries) == 3 * 256
    for colour in (BLACK, WHITE):
        at = 3 * palette.index(colour)
        assert tuple(entries[at : at + 3]) == colour


# ---------------------------------------------------------------- as a phone sees it


def blurred(image: Image.Image) -> Image.Image:
    """Out of focus by almost half a module."""
    (_, _, _, _), pixels = find(image)
    return image.filter(ImageFilter.GaussianBlur(0.45 * pixels))


def turned(image: Image.Image) -> Image.Image:
    """Held askew."""
    return image.rotate(17, Image.Resampling.BICUBIC, expand=True, fillcolor=(90, 90, 90))


def tilted(image: Image.Image) -> Image.Image:
    """From below and from the side, 30 degrees each: one way shorter, and the far edge shorter still."""
    width, height = image.size
    seen = image.resize((width, height * 87 // 100), Image.Resampling.BICUBIC)
    far = (1.0, 0.06, -0.05 * width, 0.03, 1.0, -0.05 * height, 0.08 / width, 0.07 / height)
    room = (round(1.1 * width), round(1.1 * height))
    return seen.transform(
        room, Image.Transform.PERSPECTIVE, far, Image.Resampling.BICUBIC, fillcolor=(60, 60, 60)
    )


def far_away(image: Image.Image) -> Image.Image:
    """Three pixels of the camera's picture for each module."""
    (_, _, _, _), pixels = find(image)
    return image.resize((image.width * 3 // pixels, image.height * 3 // pixels), Image.Resampling.BILINEAR)


def washed_out(image: Image.Image) -> Image.Image:
    """Behind a reflection: a third of the contrast is left, brighter to one side."""
    light = Image.linear_gradient("L").resize(image.size).point(lambda level: 90 + level // 4)
    dim = image.point(lambda level: level // 3)
    return ImageChops.add(dim, Image.merge("RGB", (light, light, light)))


def all_at_once(image: Image.Image) -> Image.Image:
    """Tilted, far away, a little out of focus, behind a reflection."""
    (_, _, _, _), pixels = find(image)
    seen = washed_out(tilted(image))
    seen = seen.resize((seen.width * 4 // pixels, seen.height * 4 // pixels), Image.Resampling.BILINEAR)
    return seen.filter(ImageFilter.GaussianBlur(0.8))


@THEMES
@SIZES
@pytest.mark.parametrize("url", URLS, ids=len)
@pytest.mark.parametrize(
    "seen", [lambda image: image, blurred, turned, tilted, far_away, washed_out, all_at_once]
)
def test_a_reader_finds_exactly_the_link(
    size: tuple[int, int], theme: Theme, url: str, seen: Callable[[Image.Image], Image.Image]
) -> None:
    image = seen(drawn(size, theme, code_view(url)))
    assert read(image) == [f"M {url}"]


def test_no_other_screen_shows_a_code() -> None:
    renderer = Look((480, 800)).renderer()
    for view in VIEWS.values():
        picture = image_of(renderer.draw(screen(view)))
        assert bool(read(picture)) == isinstance(view, Code)


# ---------------------------------------------------------------- the matrix itself


def enlarged(code: qr.Matrix) -> Image.Image:
    cells = bytes(255 * (1 - cell) for cell in code.cells)
    return Image.frombytes("L", (code.side, code.side), cells).resize((code.side * 4, code.side * 4))


@settings(max_examples=60, deadline=None)
@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=300))
def test_any_link_is_read_back_from_its_modules(text: str) -> None:
    assert read(enlarged(qr.encode(text))) == [f"M {text}"]


@pytest.mark.parametrize("level", qr.Level)
@pytest.mark.parametrize("version", range(1, 41))
def test_every_version_holds_what_the_library_alone_would_put_in(version: int, level: qr.Level) -> None:
    most = (BIT_LIMIT_TABLE[level.value][version] - 4 - (8 if version < 10 else 16)) // 8
    for text in ("x" * most, "A1b2" * (most // 4) + "z"):
        own = QRCode(version=None, error_correction=level.value, mask_pattern=2, border=4)
        own.add_data(QRData(text.encode()[:most], mode=4), optimize=0)
        own.make(fit=True)
        cells = bytes(cell for row in own.get_matrix() for cell in row)
        assert qr.encode(text[:most], level=level).cells == cells


@pytest.mark.parametrize(("count", "side"), [(14, 29), (15, 33), (26, 33), (42, 37), (43, 41), (62, 41)])
def test_the_smallest_version_is_chosen(count: int, side: int) -> None:
    assert qr.encode("x" * count).side == side  # ISO/IEC 18004, table 7, level M, byte mode


def test_a_site_with_glare_may_ask_for_more_correction() -> None:
    assert read(enlarged(qr.encode(URL, level=qr.Level.Q))) == [f"Q {URL}"]


def test_a_link_that_no_code_holds_is_refused_without_repeating_it() -> None:
    with pytest.raises(qr.CodeTooLong, match="found 2332 bytes, allowed 2331") as refused:
        qr.encode("s3cret" * 388 + "cret")
    assert "s3cret" not in str(refused.value)
    assert len(qr.encode("x" * 2331).cells) == 185 * 185


def test_an_empty_link_is_refused() -> None:
    with pytest.raises(ValueError, match="found nothing"):
        qr.encode("")


def test_a_link_too_long_for_a_small_screen_is_refused() -> None:
    renderer = Look((240, 160)).renderer()
    with pytest.raises(qr.CodeTooLong, match="modules, allowed"):
        renderer.draw(screen(code_view("x" * 2000)))
