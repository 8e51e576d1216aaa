"""The screens of one sale, from the key to the product in the hand.

All of them share one arrangement, so that the product and its price stay where they are while the code comes
and goes: a square stage, and a column of words beside it or below it.
"""

from typing import Final

from edge.core.screen import Asking, Checking, Code, Done, Product, Scanned, Vending
from edge.display import goods
from edge.display.canvas import Box, Canvas
from edge.display.goods import Sign
from edge.display.layout import Form, line_height
from edge.display.page import Align, Line, Page
from edge.display.qr import CodeTooLong, Matrix
from edge.display.theme import Colour
from edge.display.words import STEPS, Words, clock, money, sentence

LAST_S: Final = 30
"""Seconds at the end of the pay window that are shown in the colour of waiting."""

Calm = Asking | Scanned | Checking | Vending | Done


def draw_code(page: Page, view: Code, code: Matrix) -> None:
    """Scan and pay: the code as large as whole pixels allow, the price, and the time that is left."""
    room = page.layout.code
    pixels = room.width // code.side
    if pixels < 1:
        raise CodeTooLong(f"code_url: {code.side} modules, allowed {room.width} here. Try: a shorter link")
    page.card(page.layout.stage)
    free = room.width - pixels * code.side
    at = (room.left + free // 2, room.top + free // 2)
    page.canvas.modules(code.cells, code.side, at, pixels)
    words = (
        [] if page.compact else page.say(sentence("scan"), page.layout.title, colour=page.theme.go, bold=True)
    )
    below = _count_down(page, view)
    _name_the_product(page, view.product, words, below)


def draw_calm(page: Page, view: Calm) -> None:
    """The product with a sign of what is happening to it, and the words for that."""
    sign, words, more = _said(view)
    colour = _colour(page, sign)
    if page.compact:
        draw_short(page, sign, colour, page.say(words, page.layout.title, bold=True))
        return
    draw_stage(page, page.layout.stage, view.product, sign, colour)
    column = page.layout.column
    half = column._replace(top=(column.top + column.bottom) // 2)
    said = page.say(more, page.layout.body) if more else []
    below = page.flow(said, half, align=_along(page), down=1.0).top
    title = page.say(words, page.layout.title, colour=colour, bold=True)
    _name_the_product(page, view.product, title, below)


def draw_stage(
    page: Page, stage: Box, product: Product, sign: Sign, colour: Colour, *, faded: bool = False
) -> None:
    """The drawn product on its card, with the sign over the lower right corner."""
    page.card(stage)
    hue = goods.hue_of(product.lane, faded=faded)
    kind = goods.kind_of(product.lane, f"{product.name_zh} {product.name_en}")
    panel = stage.inset(page.layout.unit)
    tint = goods.tint(hue, page.theme.surface)

    def part(canvas: Canvas) -> None:
        inner = Box(0, 0, panel.width, panel.height)
        canvas.rounded(inner, page.layout.unit, tint, page.theme.surface)
        goods.draw(canvas, inner.inset(panel.width // 7), kind, hue, tint)

    page.canvas.kept(("stage", panel.width, kind, hue, page.theme.name), panel, page.theme.surface, part)
    side = stage.width // 4
    corner = Box(panel.right - side, panel.bottom - side, panel.right, panel.bottom)
    draw_sign(page, Box(*(edge - page.layout.unit for edge in corner)), sign, colour, tint)


def draw_sign(page: Page, box: Box, sign: Sign, colour: Colour, paper: Colour) -> None:
    """A state's sign, drawn once for each size and colour."""

    def part(canvas: Canvas) -> None:
        inner = Box(0, 0, box.width, box.height)
        goods.sign(canvas, inner, sign, colour=colour, on=page.theme.on, paper=paper)

    page.canvas.kept((sign, box.width, colour, paper), box, paper, part)


def draw_short(page: Page, sign: Sign, colour: Colour, lines: list[Line]) -> None:
    """A small screen's page: the sign above a few words, in the middle."""
    box = page.layout.page
    side = min(8 * page.layout.unit, box.height // 3)
    ready = page.set(lines, box.width, box.height - side - page.layout.unit)
    room = side + page.layout.unit + page.height(ready)
    if room > box.height:  # words first
        page.flow(lines, box, align=Align.CENTRE, down=0.5)
        return
    left, top = (box.left + box.right - side) // 2, box.top + max(0, (box.height - room) // 2)
    draw_sign(page, Box(left, top, left + side, top + side), sign, colour, page.theme.ground)
    words = Box(box.left, top + side + page.layout.unit, box.right, box.bottom)
    page.flow(ready, words, align=Align.CENTRE)


def _said(view: Calm) -> tuple[Sign, Words, Words | None]:
    match view:
        case Asking():
            return Sign.DOTS, sentence("asking"), None
        case Scanned():
            return Sign.PHONE, sentence("scanned"), sentence("cancel")
        case Checking():
            return Sign.GLASS, sentence("checking"), sentence("checking_more")
        case Vending():
            return Sign.DOWN, sentence("vending"), STEPS.get(view.step)
        case Done():
            return Sign.TICK, sentence("done"), sentence("thanks")


def _colour(page: Page, sign: Sign) -> Colour:
    theme = page.theme
    return {Sign.DOTS: theme.info, Sign.PHONE: theme.info, Sign.GLASS: theme.wait}.get(sign, theme.go)


def _along(page: Page) -> Align:
    return Align.CENTRE if page.layout.form is Form.PORTRAIT else Align.LEFT


def _name_the_product(page: Page, product: Product, title: list[Line], below: int) -> None:
    """What is bought for how much, under its title and above the line `below`."""
    layout, names = page.layout, Words(product.name_zh, product.name_en)
    price = Line(money(product.price_fen), layout.price, page.theme.ink, True)
    if layout.form is Form.COMPACT:
        page.flow([price], layout.column._replace(bottom=below, right=layout.size[0]))
    elif layout.form is Form.LANDSCAPE:
        named = page.say(names, round(layout.body * 1.3), gap=3 * layout.unit)
        room = layout.column._replace(bottom=below - layout.unit)
        page.flow([*title, *named, price._replace(gap=layout.unit)], room)
    else:
        page.flow(title, layout.head, align=Align.CENTRE, down=0.5)
        _price_row(page, page.say(names, layout.body), price)


def _price_row(page: Page, names: list[Line], price: Line) -> None:
    column = page.layout.column
    row = Box(column.left, column.top, column.right, column.top + line_height(price.size))
    left = row.right - page.face.width(price.text, price.size)
    page.write(price, Box(left, row.top, row.right, row.bottom))
    page.flow(names, Box(row.left, row.top, left - page.layout.unit, row.bottom), down=0.5)


def _count_down(page: Page, view: Code) -> int:
    """The time that is left, as words and as a bar. Returns the line above which there is room."""
    layout, theme = page.layout, page.theme
    colour = theme.wait if view.left_s <= LAST_S else theme.go
    left = sentence("left", time=clock(view.left_s))
    cancel = page.say(sentence("cancel"), layout.body, colour=theme.quiet)
    thick = max(6, layout.unit * 3 // 4)
    room = layout.column._replace(bottom=layout.column.bottom - 2 * thick)
    if layout.form is Form.COMPACT:
        align = Align.RIGHT if layout.upright else Align.LEFT
        said = page.flow([Line(clock(view.left_s), layout.price, colour)], room, align=align, down=1.0)
    elif layout.form is Form.LANDSCAPE:
        below = page.flow(cancel, layout.column, down=1.0)
        room = room._replace(bottom=below.top - 3 * layout.unit)
        said = page.flow(page.say(left, round(layout.body * 1.3), colour=colour), room, down=1.0)
    else:
        middle = room.left + 2 * room.width // 5
        said = page.flow(page.say(left, layout.body, colour=colour), room._replace(right=middle), down=1.0)
        page.flow(cancel, room._replace(left=middle), align=Align.RIGHT, down=1.0)
    top = said.bottom + thick // 2
    _bar(
        page,
        Box(layout.column.left, top, layout.column.right, top + thick),
        view.left_s / max(view.span_s, 1),
        colour,
    )
    return room.bottom if layout.form is Form.COMPACT and layout.upright else said.top


def _bar(page: Page, box: Box, share: float, colour: Colour) -> None:
    page.canvas.rounded(box, box.height, page.theme.line, page.theme.ground)
    full = box._replace(right=box.left + round(box.width * max(0.0, min(1.0, share))))
    if full.width >= box.height:
        page.canvas.rounded(full, box.height, colour, page.theme.line)
