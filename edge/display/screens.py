"""From a screen as a value to a picture: one renderer for every view, size, language and theme."""

from edge.core.screen import (
    Asking,
    Checking,
    Code,
    Done,
    Doubt,
    Identify,
    Idle,
    Maintenance,
    OutOfOrder,
    Refund,
    Scanned,
    Screen,
    Vending,
)
from edge.display import qr
from edge.display.canvas import Canvas, Face, Ink, Picture
from edge.display.idle import draw_idle, draw_maintenance
from edge.display.layout import lay_out
from edge.display.page import Align, Line, Page, elide
from edge.display.sale import draw_calm, draw_code
from edge.display.settings import Language
from edge.display.theme import LIGHT, Theme
from edge.display.trouble import draw_doubt, draw_identify, draw_out_of_order, draw_refund


class Renderer:
    """Draws screens of one size. Use it from one thread; what it remembers is bounded."""

    def __init__(
        self,
        *,
        size: tuple[int, int],
        face: Face,
        language: Language = Language.BOTH,
        theme: Theme = LIGHT,
        level: qr.Level = qr.Level.M,
    ) -> None:
        self.layout = lay_out(size)
        self.language = language
        self._theme = theme
        self._level = level
        self._ink = Ink(face)
        self._code: tuple[str, qr.Matrix] | None = None

    def draw(self, screen: Screen) -> Picture:
        """The picture of a screen. Raises qr.CodeTooLong when a link does not fit a code of this size."""
        page = Page(
            canvas=Canvas(self._ink, self.layout.size, self._theme.ground),
            face=self._ink.face,
            layout=self.layout,
            theme=self._theme,
            language=self.language,
        )
        self._draw_view(page, screen)
        return page.canvas.finish()

    def _draw_view(self, page: Page, screen: Screen) -> None:
        match screen.view:
            case Idle() as view:
                draw_idle(page, view)
                _small_print(page, screen)
            case Code() as view:
                draw_code(page, view, self._matrix(view.code_url))
            case Asking() | Scanned() | Checking() | Vending() | Done() as view:
                draw_calm(page, view)
            case Refund() as view:
                draw_refund(page, view, screen.phone)
            case Doubt() as view:
                draw_doubt(page, view, screen.phone)
            case OutOfOrder() as view:
                draw_out_of_order(page, view)
                _small_print(page, screen)
            case Maintenance() as view:
                draw_maintenance(page, view)
                _small_print(page, screen)
            case Identify():
                draw_identify(page, screen.machine)

    def _matrix(self, code_url: str) -> qr.Matrix:
        if self._code is None or self._code[0] != code_url:
            self._code = (code_url, qr.encode(code_url, level=self._level))
        return self._code[1]


def _small_print(page: Page, screen: Screen) -> None:
    """Machine id and service phone at the foot; a small screen leaves them out."""
    if page.compact:
        return
    foot, size, quiet = page.layout.foot, page.layout.note, page.theme.quiet
    phone = page.labelled("phone", screen.phone) if screen.phone else ""
    taken = page.face.width(phone, size) + 2 * page.layout.unit if phone else 0
    machine = elide(page.face, page.labelled("machine", screen.machine), size, foot.width - taken)
    page.write(Line(machine, size, quiet), foot)
    page.write(Line(phone, size, quiet), foot, Align.RIGHT)
