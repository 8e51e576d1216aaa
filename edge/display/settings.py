"""What an installer may say about the shopper's screen, and which of it the layouts can fill."""

import enum
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated


class Language(enum.StrEnum):
    """What is written: Chinese with English below it, or one of the two."""

    BOTH = "both"
    ZH = "zh"
    EN = "en"


@dataclass(frozen=True, slots=True)
class Pixels:
    """A rule for the reader of the settings: a length between these, both allowed."""

    low: int = 160
    high: int = 4096

    def __str__(self) -> str:
        return f"{self.low} to {self.high} pixels"

    def allows(self, value: int) -> bool:
        """Whether a screen may be so wide or so high."""
        return self.low <= value <= self.high


@dataclass(frozen=True, slots=True, kw_only=True)
class DisplaySettings:
    """The shopper's screen. Panels may be combined; with none nothing is drawn. Raises ValueError.

    width, height: of the picture; a framebuffer must be exactly as wide and at least as high.
    font_file: a font with Chinese; without it the system's or the one of the `fonts` extra.
    png: a file that is replaced by each new picture.
    framebuffer: a device such as /dev/fb0.
    page: a folder for a kiosk browser, which opens index.html there as a file.
    """

    width: Annotated[int, Pixels()] = 800
    height: Annotated[int, Pixels()] = 480
    language: Language = Language.BOTH
    dark: bool = False
    font_file: Path | None = None
    png: Path | None = None
    framebuffer: Path | None = None
    page: Path | None = None

    def __post_init__(self) -> None:
        if max(self.width, self.height) < 240:
            raise ValueError(f"width {self.width} and height {self.height}: the longer is below 240 pixels")

    @property
    def drawn(self) -> bool:
        """Whether there is any panel to draw on."""
        return bool(self.png or self.framebuffer or self.page)
