"""One page while it is being set: words broken into lines, one or two languages, placed in boxes.

Words are never cut: a line that is too long becomes smaller, then two lines. Only a name from a catalogue may
end in an ellipsis.
"""

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from edge.display.canvas import Box, Canvas, Face, Pen
from edge.display.layout import LEAST, Form, Layout, line_height, second
from edge.display.settings import Language
from edge.display.theme import Colour, Theme
from edge.display.words import SENTENCES, Words

_STEP: Final = 0.95
_BASE: Final = 0.37  # from the middle of a line down to where its letters stand, by their size
_NOT_FIRST: Final = "，。！？；：、,.!?;:)"


class Align(enum.Enum):
    """Where a line stands between the edges of its box."""

    LEFT = 0.0
    CENTRE = 0.5
    RIGHT = 1.0


class Line(NamedTuple):
    """Words of one line, how they look, and the free pixels above them."""

    text: str
    size: int
    colour: Colour
    bold: bool = False
    gap: int = 0


class Fitted(NamedTuple):
    """A text broken to a width."""

    rows: tuple[str, ...]
    size: int


def fit(face: Face, text: str, *, size: int, width: int, rows: int = 2) -> Fitted:
    """The largest setting of `text` within `width`: one line, a little smaller, else up to `rows` lines."""
    for smaller in range(size, max(LEAST, round(size * 0.8)) - 1, -1):
        if face.width(text, smaller) <= width:
            return Fitted((text,), smaller)
    for smaller in range(size, LEAST - 1, -1):
        broken = _break(face, text, smaller, width)
        if len(broken) <= rows and all(face.width(row, smaller) <= width for row in broken):
            return Fitted(tuple(broken), smaller)
    kept = _break(face, text, LEAST, width)
    if len(kept) > rows:
        kept[rows - 1 :] = [kept[rows - 1] + "…"]
    return Fitted(tuple(elide(face, row, LEAST, width) for row in kept), LEAST)


def elide(face: Face, text: str, size: int, width: int) -> str:
    """`text`, or as much of it as fits with an ellipsis at its end."""
    if face.width(text, size) <= width:
        return text
    kept = text.removesuffix("…")
    while kept and face.width(kept + "…", size) > width:
        kept = kept[:-1].rstrip()
    return kept + "…"


def _break(face: Face, text: str, size: int, width: int) -> list[str]:
    rows = [""]
    for piece in _pieces(text):
        if rows[-1] and face.width((rows[-1] + piece).rstrip(), size) > width:
            rows.append("")
        rows[-1] += piece
    return [row.rstrip() for row in rows]


def _pieces(text: str) -> list[str]:
    """What must stay together: a Latin word with the space behind it, a Chinese character with its comma."""
    pieces: list[str] = []
    for letter in text:
        wide = ord(letter) > 0x2E80
        follows = bool(pieces) and (
            letter in _NOT_FIRST
            or (not wide and not pieces[-1].endswith(" ") and ord(pieces[-1][-1]) < 0x2E80)
        )
        if follows:
            pieces[-1] += letter
        else:
            pieces.append(letter)
    return pieces


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A canvas with its geometry, colours and language. `paper` is what lies under the words."""

    canvas: Canvas
    face: Face
    layout: Layout
    theme: Theme
    language: Language

    @property
    def compact(self) -> bool:
        """Whether there is room for code and price only."""
        return self.layout.form is Form.COMPACT

    def spoken(self, words: Words) -> tuple[str, ...]:
        """The sentence in the languages of this screen, the first one leading."""
        if self.language is Language.BOTH and not self.compact:
            return (words.zh, words.en) if words.zh != words.en else (words.zh,)
        return (words.en,) if self.language is Language.EN else (words.zh,)

    def say(
        self, words: Words, size: int, *, colour: Colour | None = None, bold: bool = False, gap: int = 0
    ) -> list[Line]:
        """A sentence as lines: the leading language in `size`, the other smaller and quiet below it."""
        first, *other = self.spoken(words)
        lines = [Line(first, size, colour or self.theme.ink, bold, gap)]
        return lines + [Line(text, second(size), self.theme.quiet) for text in other]

    def labelled(self, name: str, value: str) -> str:
        """A value behind its label in all languages of this screen, on one line."""
        return " ".join((*self.spoken(SENTENCES[name]), value))

    def set(self, lines: Sequence[Line], width: int, height: int) -> list[Line]:
        """The lines broken and sized so that all of them fit the room."""
        ready = self._broken(lines, width)
        while self.height(ready) > height and any(line.size > LEAST or line.gap for line in lines):
            lines = [
                line._replace(size=max(LEAST, round(line.size * _STEP)), gap=int(line.gap * _STEP))
                for line in lines
            ]
            ready = self._broken(lines, width)
        return ready

    def _broken(self, lines: Sequence[Line], width: int) -> list[Line]:
        out: list[Line] = []
        for line in lines:
            fitted = fit(self.face, line.text, size=line.size, width=width)
            for at, row in enumerate(fitted.rows):
                out.append(line._replace(text=row, size=fitted.size, gap=0 if at else line.gap))
        return out

    def flow(
        self,
        lines: Sequence[Line],
        box: Box,
        *,
        align: Align = Align.LEFT,
        down: float = 0.0,
        paper: Colour | None = None,
    ) -> Box:
        """Write lines into the box; `down` is 0 at its top, 1 at its bottom. Returns what they cover."""
        ready = self.set(lines, box.width, box.height)
        top = y = box.top + max(0, round((box.height - self.height(ready)) * down))
        for at, line in enumerate(ready):
            y += line.gap if at else 0
            self.write(line, Box(box.left, y, box.right, y + line_height(line.size)), align, paper)
            y += line_height(line.size)
        return Box(box.left, top, box.right, y)

    def side_by_side(self, lines: Sequence[Line], box: Box, paper: Colour | None = None) -> None:
        """Lines beside each other on one base line, smaller when they must; what has no room is left out."""
        gap = 2 * self.layout.unit
        while self._length(lines, gap) > box.width and max(line.size for line in lines) > LEAST:
            lines = [line._replace(size=max(LEAST, line.size - 1)) for line in lines]
        while len(lines) > 1 and self._length(lines, gap) > box.width:
            lines = lines[:-1]
        x, lead = box.left, lines[0].size
        for line in lines:
            fall = round((lead - line.size) * _BASE)  # a smaller word stands on the same base line
            self.write(line, Box(x, box.top + fall, box.right, box.bottom + fall), paper=paper)
            x += self.face.width(line.text, line.size) + gap

    def _length(self, lines: Sequence[Line], gap: int) -> int:
        return sum(self.face.width(line.text, line.size) + gap for line in lines) - gap

    def write(self, line: Line, box: Box, align: Align = Align.LEFT, paper: Colour | None = None) -> None:
        """One line in the vertical middle of the box, not broken."""
        x = box.left + round((box.width - self.face.width(line.text, line.size)) * align.value)
        base = box.top + round(box.height / 2 + line.size * _BASE)
        pen = Pen(line.size, line.colour, paper or self.theme.ground, line.bold)
        self.canvas.write(line.text, (x, base), pen)

    def height(self, lines: Sequence[Line]) -> int:
        """Pixels that already broken lines take, without the gap above the first."""
        return sum(line_height(line.size) + (line.gap if at else 0) for at, line in enumerate(lines))

    def card(self, box: Box) -> None:
        """A surface with round corners and a fine edge."""
        radius, edge = 2 * self.layout.unit, max(1, self.layout.unit // 8)

        def part(canvas: Canvas) -> None:
            outer = Box(0, 0, box.width, box.height)
            canvas.rounded(outer, radius, self.theme.line, self.theme.ground)
            canvas.rounded(outer.inset(edge), radius - edge, self.theme.surface, self.theme.line)

        self.canvas.kept(("card", box.width, box.height), box, self.theme.ground, part)
