"""The products as a grid: to choose from, and, for a technician, to look at lane by lane."""

import math
from typing import Final

from edge.core.screen import Idle, Maintenance, Tile
from edge.display import goods
from edge.display.canvas import Box, Canvas
from edge.display.goods import Sign
from edge.display.layout import LEAST, Form, line_height, second
from edge.display.page import Align, Line, Page, elide
from edge.display.sale import draw_short
from edge.display.theme import Colour
from edge.display.words import OF_A_LANE, Words, money, notice, reason, sentence

_BEST_SHAPE: Final = 0.86  # width of a tile by its height
_ART_AT_LEAST: Final = 64


def draw_idle(page: Page, view: Idle) -> None:
    """Choose a product; in the title's place, for a while, why the last choice went nowhere."""
    if page.compact:
        _short(page, view)
        return
    head = _head(page)
    if view.notice:
        _notice(page, view, head)
    else:
        _title(page, sentence("choose"), page.theme.ink, head)
    for tile, box in zip(
        view.tiles, grid(page, len(view.tiles), head.bottom + page.layout.unit), strict=True
    ):
        _draw_tile(page, tile, box)


def draw_maintenance(page: Page, view: Maintenance) -> None:
    """Being serviced: each lane's number and state, large enough for a glove."""
    info, layout = page.theme.info, page.layout
    if page.compact:
        words = page.say(sentence("maintenance"), layout.title, colour=info, bold=True)
        draw_short(page, Sign.DOTS, info, words)
        return
    head = _head(page)
    _title(page, sentence("maintenance"), info, head)
    for tile, box in zip(
        view.tiles, grid(page, len(view.tiles), head.bottom + page.layout.unit), strict=True
    ):
        _draw_lane(page, tile, box)


def grid(page: Page, count: int, top: int) -> list[Box]:
    """Boxes for `count` tiles below `top`, in the columns that keep them closest to a good shape."""
    if not count:
        return []
    room = page.layout.page._replace(top=top, bottom=page.layout.foot.top - page.layout.unit)
    gap = page.layout.unit if count <= 24 else page.layout.unit // 2
    columns = min(range(1, count + 1), key=lambda tried: _badness(room, count, tried, gap))
    rows = math.ceil(count / columns)
    width, height = (room.width + gap) // columns, (room.height + gap) // rows
    across = room.left + (room.width + gap - width * columns) // 2
    corners = ((across + at % columns * width, room.top + at // columns * height) for at in range(count))
    return [Box(x, y, x + width - gap, y + height - gap) for x, y in corners]


def _badness(room: Box, count: int, columns: int, gap: int) -> float:
    rows = math.ceil(count / columns)
    width, height = room.width / columns - gap, room.height / rows - gap
    if width < 1 or height < 1:
        return math.inf
    return abs(math.log(width / height / _BEST_SHAPE)) + 0.35 * (rows * columns - count) / count


def _short(page: Page, view: Idle) -> None:
    if view.notice:
        words = page.say(_about(view), page.layout.title, bold=True)
        draw_short(page, Sign.ALERT, page.theme.wait, words)
        return
    hint = page.say(sentence("key_lane"), page.layout.body, colour=page.theme.quiet, gap=page.layout.unit)
    words = page.say(sentence("choose"), page.layout.title, bold=True)
    draw_short(page, Sign.DOWN, page.theme.go, [*words, *hint])


def _head(page: Page) -> Box:
    """Where title or notice stand; the grid below never moves when one gives way to the other."""
    layout = page.layout
    if layout.form is Form.PORTRAIT:
        return layout.head
    return Box(layout.margin, layout.unit, layout.page.right, layout.unit + line_height(layout.title))


def _title(page: Page, words: Words, colour: Colour, head: Box) -> None:
    said = page.say(words, page.layout.title, colour=colour, bold=True)
    if page.layout.form is Form.PORTRAIT:
        page.flow(said, head, align=Align.CENTRE, down=0.5)
    else:
        page.side_by_side(said, head)


def _notice(page: Page, view: Idle, head: Box) -> None:
    layout, theme = page.layout, page.theme
    upright = layout.form is Form.PORTRAIT
    size = round(layout.body * (1.4 if upright else 1.15))
    said = [line._replace(colour=theme.on) for line in page.say(_about(view), size, bold=True)]
    page.canvas.rounded(head, 2 * layout.unit, theme.wait, theme.ground)
    side = min(head.height - layout.unit, head.width // 8)
    left, top = head.left + 3 * layout.unit // 2, (head.top + head.bottom - side) // 2
    mark = Box(left, top, left + side, top + side)
    goods.sign(page.canvas, mark, Sign.ALERT, colour=theme.on, on=theme.wait, paper=theme.wait)
    room = Box(left + side + 3 * layout.unit // 2, head.top, head.right - 2 * layout.unit, head.bottom)
    if upright:
        page.flow(said, room, down=0.5, paper=theme.wait)
    else:
        page.side_by_side(said, room, theme.wait)


def _about(view: Idle) -> Words:
    said = notice(view.notice)
    if not view.notice_lane or view.notice not in OF_A_LANE:
        return said
    lane = sentence("lane", lane=str(view.notice_lane))
    return Words(f"{lane.zh}{said.zh}", f"{lane.en}: {said.en}")


def _draw_tile(page: Page, tile: Tile, box: Box) -> None:
    page.card(box)
    pad, small = page.layout.unit, max(LEAST, min(page.layout.body, box.width // 7))
    lines = _names(page, tile, box, small)
    price = round(small * 1.15)
    text = sum(line_height(line.size) for line in lines) + line_height(price)
    inner = box.inset(pad)
    art = inner._replace(bottom=inner.bottom - text - pad // 2)
    if art.height < _ART_AT_LEAST:
        _draw_dense(page, tile, box)
        return
    _draw_art(page, tile, art, small)
    y = art.bottom + pad // 2
    for line in lines:
        row = Box(inner.left, y, inner.right, y + line_height(line.size))
        page.write(line, row, paper=page.theme.surface)
        y = row.bottom
    colour = page.theme.quiet if tile.reason else page.theme.go
    bottom = Box(inner.left, y, inner.right, inner.bottom)
    page.write(Line(money(tile.product.price_fen), price, colour, True), bottom, paper=page.theme.surface)


def _names(page: Page, tile: Tile, box: Box, size: int) -> list[Line]:
    first, *other = page.spoken(Words(tile.product.name_zh, tile.product.name_en))
    colour = page.theme.quiet if tile.reason else page.theme.ink
    width = box.width - 2 * page.layout.unit
    lines = [Line(elide(page.face, first, size, width), size, colour)]
    if other and other[0] and box.height >= 9 * size:
        least = second(size)
        lines.append(Line(elide(page.face, other[0], least, width), least, page.theme.quiet))
    return lines


def _draw_art(page: Page, tile: Tile, box: Box, size: int) -> None:
    """The drawn product with the number to key in its corner; when it cannot be bought, why, below it."""
    product, theme = tile.product, page.theme
    hue = goods.hue_of(product.lane, faded=bool(tile.reason))
    kind = goods.kind_of(product.lane, f"{product.name_zh} {product.name_en}")
    tint = goods.tint(hue, theme.surface)
    words = _state(page, tile, box.width, max(LEAST, size * 4 // 5)) if tile.reason else []
    taken = page.height(words) + page.layout.unit if words else 0
    room = Box(0, 0, box.width, box.height - taken)

    def part(canvas: Canvas) -> None:
        canvas.rounded(Box(0, 0, box.width, box.height), page.layout.unit, tint, theme.surface)
        if room.height >= _ART_AT_LEAST:
            goods.draw(canvas, room.inset(max(2, room.height // 14)), kind, hue, tint)

    key = ("tile", box.width, box.height, taken, kind, hue, theme.name)
    page.canvas.kept(key, box, theme.surface, part)
    number = Line(str(product.lane), size, theme.quiet if tile.reason else theme.ink, True)
    edge = page.layout.unit * 3 // 4
    corner = Box(box.left + edge, box.top + edge // 2, box.right, box.top + edge // 2 + line_height(size))
    page.write(number, corner, paper=tint)
    if words:
        top = box.top + (room.height if room.height >= _ART_AT_LEAST else (corner.bottom - box.top) // 2)
        _say_state(page, tile, words, Box(box.left, top, box.right, box.bottom), tint)


def _draw_dense(page: Page, tile: Tile, box: Box) -> None:
    """Many lanes: number and price only, or the reason in the price's place."""
    surface, below = page.theme.surface, box._replace(top=(box.top + box.bottom) // 2)
    price = Line(money(tile.product.price_fen), LEAST, page.theme.go)
    words = _state(page, tile, box.width, LEAST)[:1]
    widest = max(page.face.width(words[0].text, LEAST) + LEAST, page.face.width(price.text, LEAST))
    if widest > box.width or box.height < 2 * line_height(LEAST):
        _draw_speck(page, tile, box)
        return
    number = Line(str(tile.product.lane), LEAST, page.theme.quiet if tile.reason else page.theme.ink, True)
    page.write(number, box._replace(bottom=below.top), Align.CENTRE, surface)
    if tile.reason:
        _say_state(page, tile, words, below, surface)
    else:
        page.write(price, below, Align.CENTRE, surface)


def _draw_speck(page: Page, tile: Tile, box: Box) -> None:
    """Very many lanes: the number, and the state as a shape."""
    number = Line(str(tile.product.lane), LEAST, page.theme.quiet if tile.reason else page.theme.ink, True)
    middle = (box.top + box.bottom) // 2 + LEAST // 4
    page.write(number, box._replace(bottom=middle), Align.CENTRE, page.theme.surface)
    centre = ((box.left + box.right) // 2, (middle + box.bottom) // 2)
    _mark(page, tile, centre, page.theme.surface)


def _draw_lane(page: Page, tile: Tile, box: Box) -> None:
    """A lane for a technician: its number, and its state below."""
    page.card(box)
    size = min(page.layout.title, box.height // 3)
    if size < LEAST:
        _draw_speck(page, tile, box)
        return
    number = Line(str(tile.product.lane), size, page.theme.ink, True)
    words = _state(page, tile, box.width - page.layout.unit, max(LEAST, min(second(size), box.width // 8)))
    free = box.height - line_height(size) - page.height(words)
    half = Box(box.left, box.top + free // 3, box.right, box.top + free // 3 + line_height(size))
    page.write(number, half, Align.CENTRE, page.theme.surface)
    _say_state(
        page, tile, words, box._replace(top=half.bottom, bottom=box.bottom - free // 4), page.theme.surface
    )


def _state(page: Page, tile: Tile, width: int, size: int) -> list[Line]:
    """The words of a state: on one row if they fit, else a row each, else the first language only.

    A fault's code stands behind the first, where there is room for it.
    """
    theme = page.theme
    words = page.spoken(reason(tile.reason) if tile.reason else sentence("ready"))
    ink = theme.ink if tile.reason else theme.quiet
    room = width - 2 * size
    if tile.code and page.face.width(f"{words[0]} {tile.code}", size) <= room:
        words = (f"{words[0]} {tile.code}", *words[1:])
    joined = " ".join(words)
    if page.face.width(joined, size) <= room:
        return [Line(joined, size, ink)]
    widest = max(page.face.width(text, size) for text in words)
    return [Line(text, size, ink) for text in (words if widest <= room else words[:1])]


def _say_state(page: Page, tile: Tile, words: list[Line], box: Box, paper: Colour) -> None:
    """The words in the middle of the box, after a disc when the lane sells, a square when it does not."""
    mark = words[0].size // 2
    y = (box.top + box.bottom - page.height(words)) // 2
    for at, line in enumerate(words):
        row = Box(box.left, y, box.right, y + line_height(line.size))
        y = row.bottom
        if at:
            page.write(line, row, Align.CENTRE, paper)
            continue
        wide = page.face.width(line.text, line.size) + 2 * mark
        left, middle = (row.left + row.right - wide) // 2, (row.top + row.bottom) // 2
        _mark(page, tile, (left + mark // 2, middle), paper, mark)
        page.write(line, row._replace(left=left + 2 * mark), paper=paper)


def _mark(page: Page, tile: Tile, at: tuple[int, int], paper: Colour, side: int = LEAST // 2) -> None:
    """The state as a shape around a point."""
    if tile.reason:
        left, top = at[0] - side // 2, at[1] - side // 2
        page.canvas.fill(Box(left, top, left + side, top + side), page.theme.stop)
    else:
        page.canvas.disc(at, side // 2, page.theme.go, paper)
