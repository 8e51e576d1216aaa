"""Products and states as drawn shapes, for catalogues without pictures and for readers without words.

A product's colour comes from its lane, its shape from its name when that says what it is, else from the lane.
"""

import enum
import math
from typing import Final

from edge.display.canvas import Box, Canvas
from edge.display.theme import WHITE, Colour, mix

Points = tuple[tuple[float, float], ...]

_HUES: Final[tuple[Colour, ...]] = (
    (0x2F, 0x7D, 0x6B),
    (0xD0, 0x5A, 0x45),
    (0x3A, 0x6E, 0xA5),
    (0xE0, 0xA0, 0x30),
    (0x7A, 0x5A, 0x9E),
    (0x5C, 0x8F, 0x3C),
    (0xC2, 0x4E, 0x7A),
    (0x2E, 0x8C, 0xA0),
)
_GREY: Final[Colour] = (0x9A, 0xA3, 0x9E)
_DARK: Final[Colour] = (0x22, 0x2A, 0x27)


class Kind(enum.Enum):
    """What a drawn product looks like."""

    BOTTLE = "bottle"
    CAN = "can"
    BAG = "bag"


_NAMED: Final = (
    (
        Kind.CAN,
        ("可乐", "雪碧", "啤", "咖啡", "苏打", "罐", "cola", "coke", "sprite", "beer", "coffee", "soda"),
    ),
    (Kind.BOTTLE, ("水", "茶", "汁", "奶", "饮", "瓶", "water", "tea", "juice", "milk", "drink", "lemonade")),
    (
        Kind.BAG,
        ("薯", "饼", "糖", "巧克力", "面", "坚果", "chip", "crisp", "biscuit", "cookie", "chocolate", "nuts"),
    ),
)


def kind_of(lane: int, names: str) -> Kind:
    """The shape for a product by its names in any language, else by its lane."""
    lowered = names.lower()
    for kind, hints in _NAMED:
        if any(hint in lowered for hint in hints):
            return kind
    return tuple(Kind)[lane % len(Kind)]


def hue_of(lane: int, *, faded: bool = False) -> Colour:
    """The colour of a lane's product, or grey when it cannot be bought."""
    return _GREY if faded else _HUES[lane % len(_HUES)]


def tint(hue: Colour, surface: Colour) -> Colour:
    """The paper behind a product: mostly surface, a breath of its colour."""
    return mix(hue, surface, 0.14)


def draw(canvas: Canvas, box: Box, kind: Kind, hue: Colour, paper: Colour) -> None:
    """The product in the middle of the box, as large as it allows."""
    side = min(box.width, box.height)
    left, top = box.left + (box.width - side) // 2, box.top + (box.height - side) // 2
    _DRAWN[kind](_Frame(canvas, (left, top), side, paper), hue)


class _Frame:
    """A square in which places are percents."""

    def __init__(self, canvas: Canvas, at: tuple[int, int], side: int, paper: Colour) -> None:
        self.paper = paper
        self._canvas = canvas
        self._at = at
        self._side = side

    def place(self, x: float, y: float) -> tuple[float, float]:
        return self._at[0] + x * self._side / 100, self._at[1] + y * self._side / 100

    def rounded(
        self, edges: tuple[float, float, float, float], radius: float, colour: Colour, on: Colour
    ) -> None:
        left, top = self.place(edges[0], edges[1])
        right, bottom = self.place(edges[2], edges[3])
        box = Box(round(left), round(top), round(right), round(bottom))
        self._canvas.rounded(box, round(radius * self._side / 100), colour, on)

    def polygon(self, points: Points, colour: Colour, on: Colour, edge: float = 0) -> None:
        self._canvas.polygon([self.place(x, y) for x, y in points], colour, on, edge * self._side / 100)

    def band(self, points: Points, colour: Colour, on: Colour) -> None:
        """A polygon on whole pixels, so that it ends where a rounded rectangle does."""
        placed = [self.place(*point) for point in points]
        far, low = (max(part) for part in zip(*placed, strict=True))
        whole = [(round(x) - (x == far) / 4, round(y) - (y == low) / 4) for x, y in placed]
        self._canvas.polygon(whole, colour, on)

    def disc(self, x: float, y: float, radius: float, colour: Colour, on: Colour) -> None:
        centre = self.place(x, y)
        size = max(1, round(radius * self._side / 100))
        self._canvas.disc((round(centre[0]), round(centre[1])), size, colour, on)

    def stroke(self, points: Points, width: float, colour: Colour, on: Colour) -> None:
        self._canvas.line([self.place(x, y) for x, y in points], width * self._side / 100, colour, on)


def _bottle(frame: _Frame, hue: Colour) -> None:
    shade, label = mix(hue, _DARK, 0.72), mix(WHITE, hue, 0.94)
    frame.rounded((42, 3, 58, 13), 2, shade, frame.paper)
    frame.rounded((44, 12, 56, 24), 0, hue, frame.paper)
    frame.rounded((31, 35, 69, 97), 5, hue, frame.paper)
    frame.band(((44, 20), (56, 20), (69, 38), (69, 44), (31, 44), (31, 38)), hue, frame.paper)
    frame.rounded((34, 53, 66, 76), 2, label, hue)
    frame.disc(50, 64, 7, hue, label)
    frame.rounded((36, 41, 39, 49), 1.5, mix(WHITE, hue, 0.45), hue)
    frame.rounded((36, 80, 39, 91), 1.5, mix(WHITE, hue, 0.45), hue)


def _can(frame: _Frame, hue: Colour) -> None:
    metal, label = mix(_GREY, WHITE, 0.7), mix(WHITE, hue, 0.94)
    frame.rounded((33, 6, 67, 20), 3, metal, frame.paper)
    frame.rounded((33, 84, 67, 97), 3, metal, frame.paper)
    frame.rounded((28, 12, 72, 92), 6, hue, frame.paper)
    frame.band(((28, 62), (72, 40), (72, 56), (28, 78)), label, hue)
    frame.disc(50, 33, 8, label, hue)
    frame.rounded((33, 20, 36, 54), 1.5, mix(WHITE, hue, 0.45), hue)


def _bag(frame: _Frame, hue: Colour) -> None:
    shade, label = mix(hue, _DARK, 0.8), mix(WHITE, hue, 0.94)
    frame.polygon(
        ((23, 8), (77, 8), (74, 18), (79, 52), (75, 96), (25, 96), (21, 52), (26, 18)), hue, frame.paper
    )
    frame.polygon(((23, 8), (77, 8), (75.2, 15), (24.8, 15)), shade, frame.paper)
    frame.polygon(((24.6, 91), (75.4, 91), (75, 96), (25, 96)), shade, frame.paper)
    frame.disc(50, 54, 19, label, hue)
    frame.disc(45, 52, 7, hue, label)
    frame.disc(56, 58, 6, mix(hue, label, 0.6), label)


_DRAWN: Final = {Kind.BOTTLE: _bottle, Kind.CAN: _can, Kind.BAG: _bag}


# ---------------------------------------------------------------- states


class Sign(enum.Enum):
    """A state as a shape: discs go well, triangles wait, squares have stopped."""

    DOTS = "dots"
    PHONE = "phone"
    DOWN = "down"
    TICK = "tick"
    GLASS = "glass"
    ALERT = "alert"
    BACK = "back"
    BAR = "bar"


def sign(canvas: Canvas, box: Box, what: Sign, *, colour: Colour, on: Colour, paper: Colour) -> None:
    """The sign filling the square `box`; `on` is drawn upon `colour`."""
    frame = _Frame(canvas, (box.left, box.top), box.width, paper)
    if what in (Sign.BACK, Sign.BAR):
        frame.rounded((4, 4, 96, 96), 18, colour, paper)
    elif what is Sign.ALERT:
        frame.polygon(((50, 13), (91, 84), (9, 84)), colour, paper, edge=12)
    else:
        frame.disc(50, 50, 46, colour, paper)
    _GLYPHS[what](frame, on, colour)


def _dots(frame: _Frame, ink: Colour, paper: Colour) -> None:
    for x in (29, 50, 71):
        frame.disc(x, 50, 6.5, ink, paper)


def _phone(frame: _Frame, ink: Colour, paper: Colour) -> None:
    frame.rounded((33, 21, 67, 79), 8, ink, paper)
    frame.rounded((39, 29, 61, 67), 2, paper, ink)
    frame.disc(50, 73, 3, paper, ink)


def _down(frame: _Frame, ink: Colour, paper: Colour) -> None:
    frame.stroke(((50, 24), (50, 66)), 9, ink, paper)
    frame.stroke(((32, 50), (50, 68), (68, 50)), 9, ink, paper)


def _tick(frame: _Frame, ink: Colour, paper: Colour) -> None:
    frame.stroke(((29, 52), (44, 67), (72, 35)), 10, ink, paper)


def _glass(frame: _Frame, ink: Colour, paper: Colour) -> None:
    frame.polygon(((32, 28), (68, 28), (50, 51)), ink, paper)
    frame.polygon(((32, 72), (68, 72), (50, 49)), ink, paper)
    frame.stroke(((31, 27), (69, 27)), 5, ink, paper)
    frame.stroke(((31, 73), (69, 73)), 5, ink, paper)


def _alert(frame: _Frame, ink: Colour, paper: Colour) -> None:
    frame.stroke(((50, 36), (50, 58)), 8, ink, paper)
    frame.disc(50, 73, 5, ink, paper)


def _back(frame: _Frame, ink: Colour, paper: Colour) -> None:
    turns = [math.radians(at) for at in range(-90, 91, 10)]
    bend = tuple((56 + 16 * math.cos(turn), 56 + 16 * math.sin(turn)) for turn in turns)
    frame.stroke(((33, 40), *bend, (38, 72)), 8, ink, paper)
    frame.stroke(((44, 27), (31, 40), (44, 53)), 8, ink, paper)


def _bar(frame: _Frame, ink: Colour, paper: Colour) -> None:
    frame.stroke(((30, 50), (70, 50)), 12, ink, paper)


_GLYPHS: Final = {
    Sign.DOTS: _dots,
    Sign.PHONE: _phone,
    Sign.DOWN: _down,
    Sign.TICK: _tick,
    Sign.GLASS: _glass,
    Sign.ALERT: _alert,
    Sign.BACK: _back,
    Sign.BAR: _bar,
}
