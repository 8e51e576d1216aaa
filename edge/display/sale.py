"""The screens of one sale, from the key to the product in the hand.

All of them share one arrangement, so that the product and its price stay where they are while the code comes
and goes: a square stage, and a column of words beside it or below it.
"""

from typing import Final

from edge.core.screen import Asking, Checking, Code, Done, Product, Vending
from edge.display import goods
from edge.display.canvas import Box, Canvas
from edge.display.goods import Sign
from edge.display.layout import Form, line_height
from edge.display.page import Align, Line, Page
from edge.display.qr import Matrix
from edge.display.theme import WHITE, Colour
from edge.display.words import STEPS, Words, clock, money, sentence

LAST_S: Final = 30
"""Seconds at the end of the pay window that are shown in the colour of waiting."""

Calm = Asking | Checking | Vending | Done


def draw_code(page: Page, view: Code, code: Matrix) -> None:
    """Scan and pay: the code as large as whole pixels allow, the price, and the time that is left."""
    stage = page.layout.stage
    page.card(stage)
    pixels = stage.width // code.side
    if pixels < 1:
        raise ValueError(
            f"code_url: a code of {code.side} modules, allowed {stage.width}. Try: a shorter link"
        )
    at = (
        stage.left + (stage.width - pixels * code.side) // 2,
        stage.top + (stage.height - pixels * code.side) // 2,
    )
    if page.theme.surface != WHITE:
        page.canvas.fill(Box(*at, at[0] + pixels * code.side, at[1] + pixels * code.side), WHITE)
    page.canvas.modules(code.cells, code.side, at, pixels)
    words = (
        [] if page.compact else page.say(sentence("scan"), page.layout.title, colour=page.theme.go, bold=True)
    )
    _name_the_product(page, view.product, words)
    _count_down(page, view)


def draw_calm(page: Page, view: Calm) -> None:
    """The product with a sign of what is happening to it, and the words for that."""
    sign, words, more = _said(view)
    colour = _colour(page, sign)
    if page.compact:
        draw_short(page, sign, colour, page.say(words, page.layout.title, bold=True))
        return
    draw_stage(page, page.layout.stage, view.product, sign, colour)
    _name_the_product(page, view.product, page.say(words, page.layout.title, colour=colour, bold=True))
    if more:
        column = page.layout.column
        page.flow(page.say(more, page.layout.body), column, align=_along(page), down=1.0)


def draw_stage(
    page: Page, stage: Box, product: Product, sign: Sign, colour: Colour, faded: bool = False
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
        goods.sign(canvas, Box(0, 0, box.width, box.height), sign, colour, page.theme.on, paper)

    page.canvas.kept((sign, box.width, colour, paper), box, paper, part)


def draw_short(page: Page, sign: Sign, colour: Colour, lines: list[Line]) -> None:
    """A small screen's page: the sign above a few words, in the middle."""
    box = page.layout.page
    ready = page.set(lines, box.width)
    side = min(8 * page.layout.unit, box.height // 3)
    room = side + page.layout.unit + page.height(ready)
    left, top = (box.left + box.right - side) // 2, box.top + max(0, (box.height - room) // 2)
    draw_sign(page, Box(left, top, left + side, top + side), sign, colour, page.theme.ground)
    words = Box(box.left, top + side + page.layout.unit, box.right, box.bottom)
    page.flow(ready, words, align=Align.CENTRE)


def _said(view: Calm) -> tuple[Sign, Words, Words | None]:
    match view:
        case Asking():
            return Sign.DOTS, sentence("asking"), None
        case Checking():
            return Sign.GLASS, sentence("checking"), sentence("checking_more")
        case Vending():
            return Sign.DOWN, sentence("vending"), STEPS.get(view.step)
        case Done():
            return Sign.TICK, sentence("done"), sentence("thanks")


def _colour(page: Page, sign: Sign) -> Colour:
    theme = page.theme
    return {Sign.DOTS: theme.info, Sign.GLASS: theme.wait}.get(sign, theme.go)


def _along(page: Page) -> Align:
    return Align.CENTRE if page.layout.form is Form.PORTRAIT else Align.LEFT


def _name_the_product(page: Page, product: Product, title: list[Line]) -> None:
    layout, names = page.layout, Words(product.name_zh, product.name_en)
    price = Line(money(product.price_fen), layout.price, page.theme.ink, True)
    if layout.form is Form.COMPACT:
        page.flow([price], layout.column)
    elif layout.form is Form.LANDSCAPE:
        named = page.say(names, round(layout.body * 1.3), gap=3 * layout.unit)
        page.flow([*title, *named, price._replace(gap=layout.unit)], layout.column)
    else:
        page.flow(title, layout.head, align=Align.CENTRE)
        _price_row(page, page.say(names, layout.body), price)


def _price_row(page: Page, names: list[Line], price: Line) -> None:
    column = page.layout.column
    row = Box(column.left, column.top, column.right, column.top + line_height(price.size))
    left = row.right - page.face.width(price.text, price.size)
    page.write(price, Box(left, row.top, row.right, row.bottom))
    page.flow(names, Box(row.left, row.top, left - page.layout.unit, row.bottom), down=0.5)


def _count_down(page: Page, view: Code) -> None:
    layout, theme = page.layout, page.theme
    colour = theme.wait if view.left_s <= LAST_S else theme.go
    left = sentence("left", time=clock(view.left_s))
    cancel = page.say(sentence("cancel"), layout.body, colour=theme.quiet)
    thick = max(6, layout.unit * 3 // 4)
    room = layout.column._replace(bottom=layout.column.bottom - 2 * thick)
    if layout.form is Form.COMPACT:
        said = page.flow([Line(clock(view.left_s), layout.price, colour)], room, down=1.0)
    elif layout.form is Form.LANDSCAPE:
        below = page.flow(cancel, layout.column, down=1.0)
        room = room._replace(bottom=below.top - 3 * layout.unit)
        said = page.flow(page.say(left, round(layout.body * 1.3), colour=colour), room, down=1.0)
    else:
        middle = (room.left + room.right) // 2
        said = page.flow(page.say(left, layout.body, colour=colour), room._replace(right=middle), down=1.0)
        page.flow(cancel, room._replace(left=middle), align=Align.RIGHT, down=1.0)
    top = said.bottom + thick // 2
    _bar(
        page,
        Box(layout.column.left, top, layout.column.right, top + thick),
        view.left_s / max(view.span_s, 1),
        colour,
    )


def _bar(page: Page, box: Box, share: float, colour: Colour) -> None:
    page.canvas.rounded(box, box.height, page.theme.line, page.theme.ground)
    full = box._replace(right=box.left + round(box.width * max(0.0, min(1.0, share))))
    if full.width >= box.height:
        page.canvas.rounded(full, box.height, colour, page.theme.line)
