"""Pixels: the only file that knows Pillow. It draws what it is told and decides nothing.

Pictures are indexed: one byte a pixel, at most 256 colours. That makes a frame a quarter of the memory,
its PNG and its framebuffer rows a table lookup, and the comparison of two frames next to free.
"""

import io
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from itertools import repeat
from pathlib import Path
from typing import Final, NamedTuple

from PIL import Image, ImageChops, ImageDraw, ImageFont

from edge.display.errors import BadFont
from edge.display.theme import BLACK, WHITE, Colour, mix

Point = tuple[float, float]

_SHADES: Final = 7  # between paper and ink; more is not seen at arm's length
_FINE: Final = 4  # shapes are drawn this much larger, then reduced
_NEAR: Final = 14  # blends this close share an entry of the palette
_BLENDED: Final = 200  # entries after which blends share; the other 56 are for colours that are meant
_BAND: Final = 32_000  # pixels
_UNDEFINED: Final = "\uffff"
_TOUCHED: Final = [0] * 19 + [255] * 237  # coverage below half a shade leaves the paper alone


class Box(NamedTuple):
    """A rectangle in pixels; `right` and `bottom` are the first column and row outside."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        """Pixels from left to right."""
        return self.right - self.left

    @property
    def height(self) -> int:
        """Pixels from top to bottom."""
        return self.bottom - self.top

    def inset(self, by: int) -> "Box":
        """The box within, `by` pixels from each edge."""
        return Box(self.left + by, self.top + by, self.right - by, self.bottom - by)


class Written(NamedTuple):
    """Words that stand in a picture, the pixels their line takes, and how they look."""

    text: str
    box: Box
    pen: "Pen"


# ---------------------------------------------------------------- a finished frame


class Picture:
    """A finished frame, and what is written on it. It never changes, so any thread may read it."""

    __slots__ = ("_image", "_palette", "size", "words")

    def __init__(self, image: Image.Image, palette: bytes, words: tuple[Written, ...]) -> None:
        self.size: tuple[int, int] = image.size
        self.words = words
        self._image = image
        self._palette = palette

    def png(self) -> bytes:
        """The frame as a palette PNG."""
        out = io.BytesIO()
        coloured = self._image.copy()
        coloured.putpalette(self._palette)
        coloured.save(out, "PNG", compress_level=1)
        return out.getvalue()

    def changed_from(self, before: "Picture | None") -> Box | None:
        """The smallest rectangle in which this frame differs from `before`; None when nowhere."""
        if before is None or before.size != self.size:
            return Box(0, 0, *self.size)
        found = ImageChops.difference(self._image, before._image).getbbox()
        return Box(*found) if found else None

    def rgb565(self, box: Box) -> Iterator[memoryview]:
        """The rectangle's rows, two bytes a pixel, least significant first, red in the top five bits."""
        table = _rgb565(self._palette)  # Pillow has no packer for this format
        return self._rows(box, lambda part: part.point(table, "I").convert("I;16").tobytes("raw", "I;16"))

    def xrgb8888(self, box: Box) -> Iterator[memoryview]:
        """The rectangle's rows, four bytes a pixel: blue, green, red, 255."""
        swapped = bytearray(self._palette)
        swapped[0::3], swapped[2::3] = self._palette[2::3], self._palette[0::3]

        def packed(part: Image.Image) -> bytes:
            part.putpalette(swapped)
            return part.convert("RGBA").tobytes()

        return self._rows(box, packed)

    def _rows(self, box: Box, packed: Callable[[Image.Image], bytes]) -> Iterator[memoryview]:
        """Packed rows. One that equals the row above, as most do within a code or a margin, is packed once,
        and no more are packed together than stay in the processor's cache.
        """
        raw = self._image.crop(box).tobytes()
        rows, counts, above = list[bytes](), list[int](), b""
        for at in range(0, len(raw), box.width):
            row = raw[at : at + box.width]
            if row == above:
                counts[-1] += 1
            else:
                rows.append(row)
                counts.append(1)
                above = row
        step = max(1, _BAND // box.width)
        for first in range(0, len(rows), step):
            band = rows[first : first + step]
            pixels = memoryview(packed(Image.frombytes("L", (box.width, len(band)), b"".join(band))))
            length = len(pixels) // len(band)
            for at, count in enumerate(counts[first : first + step]):
                yield from repeat(pixels[at * length : (at + 1) * length], count)


def _rgb565(palette: bytes) -> list[int]:
    reds, greens, blues = palette[0::3], palette[1::3], palette[2::3]
    known = [(r >> 3) << 11 | (g >> 2) << 5 | b >> 3 for r, g, b in zip(reds, greens, blues, strict=True)]
    return known + [0] * (256 - len(known))


# ---------------------------------------------------------------- colours and type


class Palette:
    """The colours of one renderer, in the order they were first needed. An entry never changes."""

    def __init__(self) -> None:
        self._entries: list[Colour] = []
        self.index = lru_cache(maxsize=1024)(self._settle)
        self.ramp = lru_cache(maxsize=256)(self._between)
        for colour in (BLACK, WHITE):  # a code is never drawn in the nearest to them
            self.index(colour)

    def _settle(self, colour: Colour, near: int = 0) -> int:
        """The entry for a colour, one within `near` a channel, or the nearest once all are taken."""
        far = [_distance(entry, colour) for entry in self._entries]
        if far and (min(far) <= near or len(far) >= (_BLENDED if near else 256)):
            return far.index(min(far))
        self._entries.append(colour)
        return len(far)

    def _between(self, paper: Colour, ink: Colour) -> list[int]:
        """For each coverage 0 to 255 the entry between paper and ink."""
        ends = self.index(paper), self.index(ink)
        between = [self.index(mix(ink, paper, at / _SHADES), _NEAR) for at in range(1, _SHADES)]
        steps = [ends[0], *between, ends[1]]
        return [steps[round(coverage * _SHADES / 255)] for coverage in range(256)]

    def rgb(self) -> bytes:
        """Three bytes for each entry so far."""
        return bytes(channel for entry in self._entries for channel in entry)


def _distance(one: Colour, other: Colour) -> int:
    return max(abs(a - b) for a, b in zip(one, other, strict=True))


class Face:
    """One font file at every size. Raises BadFont when it cannot be read as a font."""

    def __init__(self, path: Path, *, index: int = 0) -> None:
        self.path = path
        self._at = lru_cache(maxsize=64)(lambda size: ImageFont.truetype(path, size, index=index))
        try:
            self._undefined = bytes(self._at(20).getmask(_UNDEFINED))
        except OSError as broken:
            raise BadFont(f"display.font_file: {path}: not a font ({broken}). Try: another file") from broken
        self.width = lru_cache(maxsize=4096)(self._width)

    def lacks(self, text: str) -> str:
        """The characters of `text` that would be drawn as an empty box, sorted."""
        font = self._at(20)
        seen = (letter for letter in sorted(set(text)) if not letter.isspace())
        return "".join(letter for letter in seen if bytes(font.getmask(letter)) == self._undefined)

    def mask(self, text: str, size: int, bold: bool) -> tuple[Image.Image, int, int]:
        """How much of each pixel the text covers, and where that lies from the start of its base line."""
        font = self._at(size)
        weight = size * 0.022 if bold else 0.0
        left, top, right, bottom = font.getbbox(text, anchor="ls", stroke_width=weight)
        room = max(1, int(right - left) + 2), max(1, int(bottom - top) + 2)
        image = Image.new("L", room)
        origin = (1 - int(left), 1 - int(top))
        ImageDraw.Draw(image).text(origin, text, 255, font, anchor="ls", stroke_width=weight)
        return image, -origin[0], -origin[1]

    def _width(self, text: str, size: int) -> int:
        return round(self._at(size).getlength(text))


class Pen(NamedTuple):
    """How words look: height in pixels, colour, what lies under them, and whether they are heavier."""

    size: int
    colour: Colour
    paper: Colour
    bold: bool = False


class _Mark(NamedTuple):
    """Something ready to be pasted: its pixels, where it covers, and its offset."""

    image: Image.Image
    cover: Image.Image
    left: int = 0
    top: int = 0


class Ink:
    """What the frames of one renderer share: palette, face, and the marks already made, bounded."""

    def __init__(self, face: Face) -> None:
        self.face = face
        self.palette = Palette()
        self.word = lru_cache(maxsize=384)(self._word)
        self.corners = lru_cache(maxsize=64)(self._corners)
        self.kept = lru_cache(maxsize=128)(_Place)

    def tint(self, mask: Image.Image, colour: Colour, paper: Colour) -> _Mark:
        """A covering of pixels in a colour, its edges blended with what lies under it."""
        return _Mark(mask.point(self.palette.ramp(paper, colour)), mask.point(_TOUCHED))

    def _corners(self, radius: int, colour: Colour, paper: Colour) -> tuple[_Mark, ...]:
        """The quarters of a disc: upper left, upper right, lower left, lower right."""
        disc, steps = _disc(radius), (0, radius)
        quarters = (disc.crop((x, y, x + radius, y + radius)) for y in steps for x in steps)
        return tuple(self.tint(quarter, colour, paper) for quarter in quarters)

    def _word(self, text: str, pen: Pen) -> _Mark:
        mask, left, top = self.face.mask(text, pen.size, pen.bold)
        return self.tint(mask, pen.colour, pen.paper)._replace(left=left, top=top)


class _Place:
    """Where a part that is drawn once is kept, from the first use of its key."""

    def __init__(self, key: object) -> None:
        self.key = key
        self.image: Image.Image | None = None


def _disc(radius: int) -> Image.Image:
    fine = Image.new("L", (2 * radius * _FINE, 2 * radius * _FINE))
    ImageDraw.Draw(fine).ellipse((0, 0, fine.width - 1, fine.height - 1), 255)
    return fine.reduce(_FINE)


def _stroke(draw: ImageDraw.ImageDraw, at: list[Point], width: float) -> None:
    draw.line(at, 255, round(width * _FINE), joint="curve")
    for x, y in at:
        draw.circle((x, y), width * _FINE / 2, 255)


# ---------------------------------------------------------------- drawing


class Canvas:
    """A frame in the making. Shapes and words are told what lies under them, so that edges blend."""

    def __init__(self, ink: Ink, size: tuple[int, int], ground: Colour) -> None:
        self._ink = ink
        self._image = Image.new("L", size, ink.palette.index(ground))
        self._words: list[Written] = []

    def finish(self) -> Picture:
        """The frame. The canvas must not be drawn on afterwards."""
        return Picture(self._image, self._ink.palette.rgb(), tuple(self._words))

    def fill(self, box: Box, colour: Colour) -> None:
        """A rectangle with hard edges."""
        self._image.paste(self._ink.palette.index(colour), box)

    def rounded(self, box: Box, radius: int, colour: Colour, paper: Colour) -> None:
        """A rectangle with round corners; radius is cut to half of the shorter side."""
        radius = min(radius, box.width // 2, box.height // 2)
        self.fill(Box(box.left, box.top + radius, box.right, box.bottom - radius), colour)
        self.fill(Box(box.left + radius, box.top, box.right - radius, box.bottom), colour)
        if not radius:
            return
        far_x, far_y = box.right - radius, box.bottom - radius
        corners = ((box.left, box.top), (far_x, box.top), (box.left, far_y), (far_x, far_y))
        for quarter, at in zip(self._ink.corners(radius, colour, paper), corners, strict=True):
            self._put(quarter, at)

    def disc(self, centre: tuple[int, int], radius: int, colour: Colour, paper: Colour) -> None:
        """A filled circle."""
        self._blend(_disc(radius), (centre[0] - radius, centre[1] - radius), colour, paper)

    def polygon(self, points: Sequence[Point], colour: Colour, paper: Colour, edge: float = 0) -> None:
        """A filled shape; points are pixels and may lie between them. `edge` swells and rounds it."""

        def area(draw: ImageDraw.ImageDraw, at: list[Point]) -> None:
            draw.polygon(at, 255)
            if edge:
                _stroke(draw, [*at, at[0]], edge)

        self._shape(points, edge + 1, area, colour, paper)

    def line(self, points: Sequence[Point], width: float, colour: Colour, paper: Colour) -> None:
        """A stroke with round joints and ends."""
        self._shape(points, width, lambda draw, at: _stroke(draw, at, width), colour, paper)

    def write(self, text: str, at: tuple[int, int], pen: Pen) -> None:
        """Words on their base line, starting at `at`."""
        self._put(self._ink.word(text, pen), at)
        top, width = at[1] - pen.size, self._ink.face.width(text, pen.size)
        self._words.append(Written(text, Box(at[0], top, at[0] + width, at[1] + pen.size // 4), pen))

    def modules(self, cells: bytes, side: int, at: tuple[int, int], pixels: int) -> None:
        """A square of cells, 1 black and 0 white, each exactly `pixels` wide."""
        light, dark = self._ink.palette.index(WHITE), self._ink.palette.index(BLACK)
        small = Image.frombytes("L", (side, side), cells.translate(bytes((light, dark)) + bytes(254)))
        edge = side * pixels
        wide = small.resize((edge, side), Image.Resampling.NEAREST).tobytes()
        rows = b"".join(wide[row : row + edge] * pixels for row in range(0, len(wide), edge))
        self._image.paste(Image.frombytes("L", (edge, edge), rows), at)

    def kept(self, key: object, box: Box, paper: Colour, draw: "Callable[[Canvas], None]") -> None:
        """A part that looks the same whenever `key` does: drawn once on `paper`, then copied."""
        place = self._ink.kept(key)
        if place.image is None:
            part = Canvas(self._ink, (box.width, box.height), paper)
            draw(part)
            place.image = part._image
        self._image.paste(place.image, (box.left, box.top))

    def _shape(
        self,
        points: Sequence[Point],
        margin: float,
        draw: Callable[[ImageDraw.ImageDraw, list[Point]], None],
        colour: Colour,
        paper: Colour,
    ) -> None:
        left, top = (int(min(part) - margin) for part in zip(*points, strict=True))
        right, bottom = (int(max(part) + margin) + 2 for part in zip(*points, strict=True))
        mask = Image.new("L", ((right - left) * _FINE, (bottom - top) * _FINE))
        draw(ImageDraw.Draw(mask), [((x - left) * _FINE, (y - top) * _FINE) for x, y in points])
        self._blend(mask.reduce(_FINE), (left, top), colour, paper)

    def _blend(self, mask: Image.Image, at: tuple[int, int], colour: Colour, paper: Colour) -> None:
        self._put(self._ink.tint(mask, colour, paper), at)

    def _put(self, mark: _Mark, at: tuple[int, int]) -> None:
        self._image.paste(mark.image, (at[0] + mark.left, at[1] + mark.top), mark.cover)
