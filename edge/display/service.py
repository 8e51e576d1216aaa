"""The screen as the daemon opens it. A machine without one never loads what draws."""

from collections.abc import Iterator
from contextlib import contextmanager

from edge.core.screen import Screen
from edge.display.settings import DisplaySettings
from edge.ports import Display, Notes


@contextmanager
def open_screen(settings: DisplaySettings, log: Notes) -> Iterator[Display]:
    """Draw on the panels of `settings` until closed; closing waits for the last picture.

    Raises BadPanel or BadFont, each with what a person must mend, before anything is drawn.
    """
    if not settings.drawn:
        log.info("screen.none")
        yield NoScreen()
        return
    from edge.display.drawing import open_drawing

    with open_drawing(settings, log) as screen:
        yield screen


class NoScreen:
    """A machine without a panel: codes are printed on it."""

    def show(self, screen: Screen) -> None:
        """Nobody looks."""
