"""The screens nobody hopes for: money on its way back, doubt, and a machine that does not sell.

Each says what happened, what becomes of the money, and whom to call with which number.
"""

from edge.core.screen import Doubt, OutOfOrder, Refund
from edge.display.canvas import Box
from edge.display.codes import code_of
from edge.display.goods import Sign
from edge.display.layout import Form, second
from edge.display.page import Align, Line, Page, fit
from edge.display.sale import draw_short, draw_sign, draw_stage
from edge.display.theme import Colour
from edge.display.words import Words, money, sentence

_REFUNDS = ("started", "done", "held")


def draw_refund(page: Page, view: Refund, phone: str) -> None:
    """It did not come out: how much goes back, where to, the reference and the phone."""
    state = view.state if view.state in _REFUNDS else "started"
    price = money(view.product.price_fen)
    where = sentence("refund_call" if state == "held" else "refund_where")
    said = [
        *page.say(
            sentence(f"refund_{state}", price=price), _middle(page), bold=True, gap=2 * page.layout.unit
        ),
        *page.say(where, page.layout.body, gap=page.layout.unit),
    ]
    title = _title(page, "refund", page.theme.stop)
    _draw(page, view, [*title, *said], sign=Sign.BACK, colour=page.theme.stop, phone=phone)


def draw_doubt(page: Page, view: Doubt, phone: str) -> None:
    """Nobody can tell yet: what will happen by itself, the reference and the phone."""
    said = page.say(sentence("doubt_more"), page.layout.body, gap=2 * page.layout.unit)
    title = _title(page, "doubt", page.theme.wait)
    _draw(page, view, [*title, *said], sign=Sign.ALERT, colour=page.theme.wait, phone=phone)


def draw_out_of_order(page: Page, view: OutOfOrder) -> None:
    """The machine sells nothing: a reason for the shopper, a code for the technician."""
    layout, theme, row = page.layout, page.theme, code_of(view.reason)
    said = [
        *_title(page, "sold_out" if view.reason == "all_sold_out" else "out_of_order", theme.stop),
        *page.say(Words(row.zh, row.en), layout.body, gap=2 * layout.unit),
        Line(row.code, _middle(page), theme.quiet, True, 2 * layout.unit),
    ]
    if page.compact:
        draw_short(page, Sign.BAR, theme.stop, said)
        return
    room = layout.page._replace(bottom=layout.foot.top)
    width = room.width if layout.form is Form.PORTRAIT else layout.column.width
    ready = page.set(said, width, room.height * 2 // 3)
    if layout.form is Form.PORTRAIT:
        side = room.width // 3
        top = room.top + (room.height - side - 4 * layout.unit - page.height(ready)) // 2
        left = (room.left + room.right - side) // 2
        below = room._replace(top=top + side + 4 * layout.unit)
        page.flow(ready, below, align=Align.CENTRE)
    else:
        side = layout.stage.width // 2
        left = layout.stage.left + (layout.stage.width - side) // 2
        top = (room.top + room.bottom - side) // 2
        page.flow(ready, layout.column._replace(bottom=room.bottom), down=0.5)
    draw_sign(page, Box(left, top, left + side, top + side), Sign.BAR, theme.stop, theme.ground)


def draw_identify(page: Page, machine: str) -> None:
    """Which machine this is, for somebody who looks for it among others."""
    layout, theme = page.layout, page.theme
    name = fit(page.face, machine, size=layout.price, width=layout.page.width)
    said = page.say(sentence("identify"), layout.body, colour=theme.info, gap=layout.unit)
    lines = [Line(row, name.size, theme.ink, True, layout.unit) for row in name.rows]
    page.flow([*said, *lines], layout.page, align=Align.CENTRE, down=0.5)


def _draw(
    page: Page, view: Refund | Doubt, said: list[Line], *, sign: Sign, colour: Colour, phone: str
) -> None:
    layout = page.layout
    call = _reference(page, view.reference, phone)
    if page.compact:
        draw_short(page, sign, colour, [*said[:2], *call])
    elif layout.form is Form.LANDSCAPE:
        draw_stage(page, layout.stage, view.product, sign, colour, faded=True)
        page.flow(said, layout.column)
        page.flow(call, layout.column, down=1.0)
    else:
        room = layout.page
        ready = page.set(said, room.width, room.height * 2 // 3)
        last = page.set(call, room.width, room.height // 4)
        needed = page.height(ready) + page.height(last) + 6 * layout.unit
        side = min(layout.stage.width, room.height - needed) // 8 * 8
        left = (room.left + room.right - side) // 2
        draw_stage(
            page, Box(left, room.top, left + side, room.top + side), view.product, sign, colour, faded=True
        )
        below = Box(room.left, room.top + side + 2 * layout.unit, room.right, room.bottom)
        page.flow(ready, below, align=Align.CENTRE)
        page.flow(last, below, align=Align.CENTRE, down=1.0)


def _title(page: Page, name: str, colour: Colour) -> list[Line]:
    return page.say(sentence(name), page.layout.title, colour=colour, bold=True)


def _middle(page: Page) -> int:
    return (page.layout.title + page.layout.body) // 2


def _reference(page: Page, reference: str, phone: str) -> list[Line]:
    size, ink = max(second(page.layout.body), page.layout.note), page.theme.ink
    said = [Line(page.labelled("reference", f"…{reference[-4:]}"), size, ink, gap=page.layout.unit)]
    return said + ([Line(page.labelled("phone", phone), size, ink)] if phone else [])
