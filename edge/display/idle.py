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
from edge.display.words import Words, money, notice, reason, sentence

_BEST_SHAPE: Final = 0.86  # width of a tile by its height
_ART_AT_LEAST: Final = 64


def draw_idle(page: Page, view: Idle) -> None:
    """Choose a product; above the grid, why the last choice went nowhere."""
    if page.compact:
        _short(page, view)
        return
    top = _notice(page, view) if view.notice else _title(page, sentence("choose"), page.theme.ink)
    for tile, box in zip(view.tiles, grid(page, len(view.tiles), top), strict=False):
        _draw_tile(page, tile, box)


def draw_maintenance(page: Page, view: Maintenance) -> None:
    """Being serviced: each lane's number and state, large enough for a glove."""
    if page.compact:
        words = page.say(sentence("maintenance"), page.layout.title, colour=page.theme.info, bold=True)
        draw_short(page, Sign.DOTS, page.theme.info, words)
        return
    top = _title(page, sentence("maintenance"), page.theme.info)
    for tile, box in zip(view.tiles, grid(page, len(view.tiles), top), strict=False):
        page.card(box)
        number = Line(str(tile.product.lane), min(page.layout.title, box.height // 3), page.theme.ink, True)
        half = box._replace(bottom=box.top + box.height * 3 // 5)
        page.write(number, half, Align.CENTRE, page.theme.surface)
        _state(
            page, tile, box._replace(top=half.bottom - page.layout.unit, bottom=box.bottom - page.layout.unit)
        )


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


def _title(page: Page, words: Words, colour: Colour) -> int:
    layout = page.layout
    said = page.say(words, layout.title, colour=colour, bold=True)
    if layout.form is Form.PORTRAIT:
        return page.flow(said, layout.page, align=Align.CENTRE).bottom + 2 * layout.unit
    left, high = layout.margin, line_height(layout.title)
    for line in said:
        row = Box(left, layout.unit, layout.page.right, layout.unit + high)
        base = row if line is said[0] else row._replace(top=row.top + layout.title // 4)
        page.write(line, base)
        left += page.face.width(line.text, line.size) + 2 * layout.unit
    return layout.unit + high + layout.unit


def _notice(page: Page, view: Idle) -> int:
    layout, theme = page.layout, page.theme
    said = [
        line._replace(colour=theme.on)
        for line in page.say(_about(view), round(layout.body * 1.15), bold=True)
    ]
    room = layout.page
    sign = line_height(layout.body)
    words = room._replace(left=room.left + sign + 3 * layout.unit, right=room.right - 2 * layout.unit)
    ready = page.set(said, words.width)
    band = Box(room.left, layout.unit, room.right, layout.unit + page.height(ready) + 2 * layout.unit)
    page.canvas.rounded(band, layout.unit * 2, theme.wait, theme.ground)
    middle = (band.top + band.bottom - sign) // 2
    mark = Box(
        room.left + layout.unit * 3 // 2, middle, room.left + layout.unit * 3 // 2 + sign, middle + sign
    )
    goods.sign(page.canvas, mark, Sign.ALERT, theme.on, theme.wait, theme.wait)
    y = band.top + layout.unit
    for line in ready:
        page.write(line, Box(words.left, y, words.right, y + line_height(line.size)), paper=theme.wait)
        y += line_height(line.size)
    return band.bottom + layout.unit


def _about(view: Idle) -> Words:
    said = notice(view.notice)
    if not view.notice_lane:
        return said
    lane = sentence("lane", lane=str(view.notice_lane))
    return Words(f"{lane.zh}{said.zh}", f"{lane.en}: {said.en}")


def _draw_tile(page: Page, tile: Tile, box: Box) -> None:
    page.card(box)
    small = max(LEAST, min(page.layout.body, box.width // 7))
    lines = _names(page, tile, box, small)
    text = sum(line_height(line.size) for line in lines) + line_height(round(small * 1.15))
    pad = page.layout.unit
    inner = box.inset(pad)
    art = inner._replace(bottom=inner.bottom - text - pad // 2)
    if art.height < _ART_AT_LEAST:
        _draw_dense(page, tile, box)
        return
    _draw_art(page, tile, art)
    y = art.bottom + pad // 2
    for line in lines:
        page.write(
            line, Box(inner.left, y, inner.right, y + line_height(line.size)), paper=page.theme.surface
        )
        y += line_height(line.size)
    _price_and_lane(page, tile, Box(inner.left, y, inner.right, inner.bottom), round(small * 1.15))


def _names(page: Page, tile: Tile, box: Box, size: int) -> list[Line]:
    first, *other = page.spoken(Words(tile.product.name_zh, tile.product.name_en))
    colour = page.theme.quiet if tile.reason else page.theme.ink
    width = box.width - 2 * page.layout.unit
    lines = [Line(elide(page.face, first, size, width), size, colour)]
    if other and other[0] and box.height >= 9 * size:
        least = second(size)
        lines.append(Line(elide(page.face, other[0], least, width), least, page.theme.quiet))
    return lines


def _draw_art(page: Page, tile: Tile, box: Box) -> None:
    product, theme = tile.product, page.theme
    hue = goods.hue_of(product.lane, faded=bool(tile.reason))
    kind = goods.kind_of(product.lane, f"{product.name_zh} {product.name_en}")
    tint = goods.tint(hue, theme.surface)

    def part(canvas: Canvas) -> None:
        inner = Box(0, 0, box.width, box.height)
        canvas.rounded(inner, page.layout.unit, tint, theme.surface)
        goods.draw(canvas, inner.inset(max(2, box.height // 14)), kind, hue, tint)

    page.canvas.kept(("tile", box.width, box.height, kind, hue, theme.name), box, theme.surface, part)
    if tile.reason:
        unit = page.layout.unit
        rows = _state_rows(page, tile, box.inset(unit // 2))
        high = line_height(LEAST) * len(rows) + unit
        middle = (box.top + box.bottom - high) // 2
        band = Box(box.left + unit // 2, middle, box.right - unit // 2, middle + high)
        page.canvas.rounded(band, 2 * unit, theme.surface, tint)
        _state(page, tile, band)


def _price_and_lane(page: Page, tile: Tile, box: Box, size: int) -> None:
    theme = page.theme
    price = Line(money(tile.product.price_fen), size, theme.quiet if tile.reason else theme.go, True)
    lane = Line(str(tile.product.lane), LEAST if size < 40 else size // 2, theme.quiet)
    page.write(price, box, paper=theme.surface)
    if page.face.width(price.text, size) + page.face.width(lane.text, lane.size) + 8 <= box.width:
        page.write(lane, box, Align.RIGHT, theme.surface)


def _draw_dense(page: Page, tile: Tile, box: Box) -> None:
    """Many lanes: number and price only."""
    half = box._replace(bottom=(box.top + box.bottom) // 2)
    quiet = page.theme.quiet if tile.reason else page.theme.ink
    page.write(Line(str(tile.product.lane), LEAST, quiet, True), half, Align.CENTRE, page.theme.surface)
    below = box._replace(top=half.bottom)
    if tile.reason:
        _state(page, tile, below)
    else:
        price = Line(money(tile.product.price_fen), LEAST, page.theme.go)
        page.write(price, below, Align.CENTRE, page.theme.surface)


def _state(page: Page, tile: Tile, box: Box) -> None:
    """A lane's state as shape, colour and word: a disc sells, a square does not."""
    theme, mark = page.theme, LEAST // 2
    first, *other = _state_rows(page, tile, box)
    high, wide = line_height(LEAST), page.face.width(first, LEAST) + 2 * mark
    top = (box.top + box.bottom - high * (1 + len(other))) // 2
    row = Box((box.left + box.right - wide) // 2, top, box.right, top + high)
    middle = top + high // 2
    if tile.reason:
        edge = middle - mark // 2
        page.canvas.fill(Box(row.left, edge, row.left + mark, edge + mark), theme.stop)
    else:
        page.canvas.disc((row.left + mark // 2, middle), mark // 2, theme.go, theme.surface)
    ink = theme.ink if tile.reason else theme.quiet
    page.write(Line(first, LEAST, ink), row._replace(left=row.left + 2 * mark), paper=theme.surface)
    for text in other:
        below = Box(box.left, row.bottom, box.right, row.bottom + high)
        page.write(Line(text, LEAST, theme.quiet), below, Align.CENTRE, theme.surface)


def _state_rows(page: Page, tile: Tile, box: Box) -> tuple[str, ...]:
    """The words of a state on one row if they fit, else on two if there is room, else the first language."""
    words = page.spoken(reason(tile.reason) if tile.reason else sentence("ready"))
    joined = " ".join(words)
    if page.face.width(joined, LEAST) + 2 * LEAST <= box.width:
        return (joined,)
    widest = max(page.face.width(text, LEAST) for text in words) + LEAST
    return words if box.height >= 2 * line_height(LEAST) and widest <= box.width else words[:1]
