"""The screen of a machine that has one: ask for a screen and go on; one thread draws, and the newest wins.

Drawing never costs a sale anything: what fails is logged, and the next screen is drawn whole.
"""

import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

from edge.core.screen import Idle, Maintenance, OutOfOrder, Screen
from edge.display.canvas import Face, Picture
from edge.display.fonts import open_face
from edge.display.framebuffer import SYSFS, Framebuffer
from edge.display.panels import PageFolder, Panel, PngFile
from edge.display.screens import Renderer
from edge.display.settings import DisplaySettings
from edge.display.theme import DARK, LIGHT
from edge.display.words import everything
from edge.ports import Display, Notes

CLOSE_S: Final = 5.0
"""How long closing waits for a panel that does not take the last picture."""

_NAMES: Final = 1000  # names that were looked at; then all are looked at again


@contextmanager
def open_drawing(settings: DisplaySettings, log: Notes, *, sysfs: Path = SYSFS) -> Iterator[Display]:
    """Draw on the panels of `settings` until closed; closing waits for the last picture.

    Raises BadPanel or BadFont, each with what a person must mend, before anything is drawn.
    """
    with ExitStack() as stack:
        panels = _open_panels(settings, stack, sysfs)
        face = open_face(configured=settings.font_file, sentences=everything())
        renderer = Renderer(
            size=(settings.width, settings.height),
            face=face,
            language=settings.language,
            theme=DARK if settings.dark else LIGHT,
        )
        log.info("screen.ready", width=settings.width, height=settings.height, font=str(face.path))
        yield stack.enter_context(closing(DrawingScreen(renderer, face, panels, log)))


def _open_panels(settings: DisplaySettings, stack: ExitStack, sysfs: Path) -> list[Panel]:
    panels: list[Panel] = []
    if settings.png:
        panels.append(PngFile(settings.png))
    if settings.page:
        panels.append(PageFolder(settings.page))
    if settings.framebuffer:
        size = settings.width, settings.height
        device = Framebuffer(settings.framebuffer, size, sysfs=sysfs)
        panels.append(stack.enter_context(closing(device)))
    return panels


class DrawingScreen:
    """One thread that draws the newest screen asked for on every panel."""

    def __init__(
        self, renderer: Renderer, face: Face, panels: Sequence[Panel], log: Notes, *, close_s: float = CLOSE_S
    ) -> None:
        self._renderer: Final = renderer
        self._face: Final = face
        self._panels: Final = panels
        self._close_s: Final = close_s
        self._log: Final = log
        self._asked: Screen | None = None
        self._leaving = False
        self._changed: Final = threading.Condition()
        self._shown: Picture | None = None
        self._faults: dict[str, str] = {}
        self._names: Final[set[str]] = set()
        self._thread: Final = threading.Thread(target=self._run, name="screen", daemon=True)
        self._thread.start()

    def show(self, screen: Screen) -> None:
        """Ask for this screen; one that was asked for and not begun is never drawn."""
        with self._changed:
            self._asked = screen
            self._changed.notify()

    def close(self) -> None:
        """Draw what was asked for last, then end. A panel that hangs is left behind after `close_s`."""
        with self._changed:
            self._leaving = True
            self._changed.notify()
        self._thread.join(self._close_s)
        if self._thread.is_alive():
            self._log.warning("screen.stuck", waited_s=self._close_s)

    def _run(self) -> None:
        while (screen := self._next()) is not None:
            self._note_names(screen)
            if picture := self._picture(screen):
                self._put(picture)

    def _next(self) -> Screen | None:
        with self._changed:
            self._changed.wait_for(lambda: self._asked is not None or self._leaving)
            screen, self._asked = self._asked, None
            return screen

    def _picture(self, screen: Screen) -> Picture | None:
        # An old code that stays would be paid by the next shopper: rather say that something is wrong.
        for view in (screen.view, OutOfOrder(reason="screen_failed")):
            try:
                return self._renderer.draw(replace(screen, view=view))
            except Exception as error:
                self._log.warning("screen.failed", view=type(view).__name__, exc_info=error)
        return None

    def _put(self, picture: Picture) -> None:
        changed = picture.changed_from(self._shown)
        if changed is None:
            return
        faults: dict[str, str] = {}
        for panel in self._panels:
            try:
                panel.show(picture, changed)
            except OSError as error:
                faults[type(panel).__name__] = str(error)
        for name, fault in faults.items():
            if self._faults.get(name) != fault:  # told once, not each second of a countdown
                self._log.warning("screen.panel_failed", panel=name, error=fault)
        self._faults = faults
        self._shown = None if faults else picture  # after a fault the next picture is written whole

    def _note_names(self, screen: Screen) -> None:
        """Name once what the font cannot write of a catalogue; it came after the start, so it is drawn."""
        if not isinstance(screen.view, Idle | Maintenance):
            return
        products = [tile.product for tile in screen.view.tiles]
        names = {screen.phone} | {name for each in products for name in (each.name_zh, each.name_en)}
        if len(self._names) > _NAMES:
            self._names.clear()
        for name in sorted(names - self._names):
            self._names.add(name)
            if lacking := self._face.lacks(name):
                self._log.warning("screen.glyphs_missing", name=name, missing=lacking)
