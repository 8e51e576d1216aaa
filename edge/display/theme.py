"""The colours of a screen, by what they say. One palette for light rooms, one for dark ones.

Every pairing that is drawn keeps the contrast the palette promises; a test computes it.
"""

from dataclasses import dataclass
from typing import Final

Colour = tuple[int, int, int]

BLACK: Final[Colour] = (0, 0, 0)
WHITE: Final[Colour] = (255, 255, 255)


@dataclass(frozen=True, slots=True, kw_only=True)
class Theme:
    """`ground` and `surface` are papers, `on` is written upon go, wait, stop and info, `line` separates."""

    name: str
    ground: Colour
    surface: Colour
    line: Colour
    ink: Colour
    quiet: Colour
    go: Colour
    wait: Colour
    stop: Colour
    info: Colour
    on: Colour


LIGHT: Final = Theme(
    name="light",
    ground=(0xF7, 0xF6, 0xF2),
    surface=WHITE,
    line=(0xE4, 0xE3, 0xDC),
    ink=(0x14, 0x20, 0x1B),
    quiet=(0x5C, 0x6B, 0x64),
    go=(0x0B, 0x7A, 0x43),
    wait=(0x9A, 0x5B, 0x00),
    stop=(0xB3, 0x26, 0x1E),
    info=(0x1F, 0x5F, 0xA8),
    on=WHITE,
)

DARK: Final = Theme(
    name="dark",
    ground=(0x10, 0x14, 0x13),
    surface=(0x1A, 0x20, 0x1E),
    line=(0x2C, 0x35, 0x31),
    ink=(0xEA, 0xF1, 0xED),
    quiet=(0x9D, 0xB0, 0xA7),
    go=(0x3C, 0xCB, 0x84),
    wait=(0xF0, 0xB0, 0x4A),
    stop=(0xFF, 0x8A, 0x80),
    info=(0x7F, 0xB6, 0xF5),
    on=(0x10, 0x14, 0x13),
)

THEMES: Final = {theme.name: theme for theme in (LIGHT, DARK)}


def mix(one: Colour, other: Colour, share: float) -> Colour:
    """`share` (0 to 1) of `one`, the rest of `other`."""
    red, green, blue = (round(a * share + b * (1 - share)) for a, b in zip(one, other, strict=True))
    return red, green, blue


def contrast(one: Colour, other: Colour) -> float:
    """The ratio of two colours' luminance, 1 to 21 (WCAG 2.2, relative luminance)."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: Colour) -> float:
    red, green, blue = (
        part / 12.92 if (part := channel / 255) <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for channel in colour
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
