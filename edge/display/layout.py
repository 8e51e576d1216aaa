"""Where things go on a screen of some size: one geometry for every size, from a palm to a totem.

Type and spacing follow the height and the shorter side; nothing is written smaller than 20 pixels.
"""

import enum
from dataclasses import dataclass
from typing import Final

from edge.display.canvas import Box

LEAST: Final = 20
"""Pixels below which no words are written on a machine's screen."""

SMALLEST: Final = (240, 160)
"""Width and height, either way round, below which nothing useful fits."""

_COMPACT_BELOW: Final = 400


class Form(enum.Enum):
    """How the parts are arranged. COMPACT shows code and price, and words without pictures."""

    PORTRAIT = "portrait"
    LANDSCAPE = "landscape"
    COMPACT = "compact"


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Sizes in pixels. `stage` is the square for code or picture; `column` is where the words go beside or
    below it; `head` is above the stage (upright screens only, else empty); `foot` is the last line.
    """

    size: tuple[int, int]
    form: Form
    unit: int
    title: int
    price: int
    body: int
    note: int
    head: Box
    stage: Box
    column: Box
    foot: Box

    @property
    def upright(self) -> bool:
        """Whether the screen is higher than wide."""
        return self.size[1] > self.size[0]

    @property
    def margin(self) -> int:
        """Pixels kept free along every edge."""
        return self.unit if self.form is Form.COMPACT else 2 * self.unit

    @property
    def code(self) -> Box:
        """The largest square in which a code may stand: the stage, and half of the margin around it."""
        return self.stage.inset(self.unit - self.margin)

    @property
    def page(self) -> Box:
        """All but the margin."""
        return Box(0, 0, *self.size).inset(self.margin)


def line_height(size: int) -> int:
    """Pixels from one base line to the next."""
    return round(size * 1.25)


def lay_out(size: tuple[int, int]) -> Layout:
    """The geometry for a screen. Raises ValueError below 240x160."""
    width, height = size
    if max(size) < SMALLEST[0] or min(size) < SMALLEST[1]:
        raise ValueError(f"screen.size: found {width}x{height}, allowed 240x160 and larger. Try: 800x480")
    if min(size) < _COMPACT_BELOW:
        return _compact(width, height)
    return _landscape(width, height) if width > height else _portrait(width, height)


def _landscape(width: int, height: int) -> Layout:
    unit = _unit(width, height)
    margin, note = 2 * unit, max(LEAST, height // 36)
    side = min(height - 2 * margin, round(0.58 * width))
    top = (height - side) // 2
    stage = Box(margin, top, margin + side, top + side)
    # Nothing moves within 5 % of the screen around the code; the countdown lives in the column.
    beside = stage.right + unit + max(margin, -(-width // 20))
    return Layout(
        size=(width, height),
        form=Form.LANDSCAPE,
        unit=unit,
        title=max(LEAST, height // 14),
        price=max(LEAST, height // 9),
        body=max(LEAST, height // 24),
        note=note,
        head=Box(beside, margin, beside, margin),
        stage=stage,
        column=Box(beside, margin, width - margin, height - margin),
        foot=Box(margin, height - unit - line_height(note), width - margin, height - unit),
    )


def _portrait(width: int, height: int) -> Layout:
    unit = _unit(width, height)
    margin, note, body = 2 * unit, max(LEAST, height // 36), max(LEAST, height // 24)
    title = max(LEAST, min(height // 14, width // 8))
    price = max(LEAST, min(height // 9, width // 6))
    head = Box(margin, margin, width - margin, margin + line_height(title) + line_height(second(title)))
    below = unit + line_height(price) + 2 * unit + line_height(body) + line_height(second(body)) + margin
    side = min(width - 2 * margin, height - head.bottom - unit - below)
    left, top = (width - side) // 2, head.bottom + unit
    stage = Box(left, top, left + side, top + side)
    return Layout(
        size=(width, height),
        form=Form.PORTRAIT,
        unit=unit,
        title=title,
        price=price,
        body=body,
        note=note,
        head=head,
        stage=stage,
        column=Box(margin, stage.bottom + unit, width - margin, height - margin),
        foot=Box(margin, height - unit - line_height(note), width - margin, height - unit),
    )


def _compact(width: int, height: int) -> Layout:
    unit, price = 8, max(LEAST, min(width, height) // 9)
    if height > width:
        side = min(width - 2 * unit, height - 4 * unit - line_height(price))
        left = (width - side) // 2
        stage = Box(left, unit, left + side, unit + side)
        column = Box(unit, stage.bottom + unit, width - unit, height - unit)
    else:
        side = min(height - 2 * unit, round(0.72 * width))
        top = (height - side) // 2
        stage = Box(unit, top, unit + side, top + side)
        column = Box(stage.right + max(unit, -(-width // 20)), top, width - unit // 2, top + side)
    return Layout(
        size=(width, height),
        form=Form.COMPACT,
        unit=unit,
        title=max(LEAST, min(width, height) // 8),
        price=price,
        body=LEAST,
        note=LEAST,
        head=Box(column.left, unit, column.left, unit),
        stage=stage,
        column=column,
        foot=Box(unit, height - unit - line_height(LEAST), width - unit, height - unit),
    )


def second(size: int) -> int:
    """The size of the other language's line below a line of `size`."""
    return max(LEAST, round(size * 0.58))


def _unit(width: int, height: int) -> int:
    return 8 * max(1, round(min(width, height) / 480))
