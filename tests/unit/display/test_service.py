"""The screen beside a sale: it returns at once, the newest wins, and whatever fails costs no sale."""

import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import zxingcpp
from PIL import Image

from edge.core.screen import Code, Idle, Product, Screen, Tile, View
from edge.display.canvas import Box, Picture
from edge.display.drawing import DrawingScreen, open_drawing
from edge.display.errors import BadFont, BadPanel
from edge.display.service import open_screen
from edge.display.settings import DisplaySettings, Language
from tests.unit.display.samples import COLA, TILES, URL, VIEWS, Look, face, screen

SMALL = (320, 240)


class Lines:
    """A log that can be read."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, dict[str, object]]] = []

    def info(self, event: str, /, **fields: object) -> None:
        self.lines.append((event, fields))

    warning = info

    def named(self, event: str) -> list[dict[str, object]]:
        return [fields for name, fields in self.lines if name == event]


class Shelf:
    """A panel that keeps what it is shown; `before` runs first and may wait or raise."""

    def __init__(self, before: Callable[[], None] = lambda: None) -> None:
        self.before = before
        self.shown: list[tuple[str, Box]] = []

    def show(self, picture: Picture, changed: Box) -> None:
        self.before()
        self.shown.append(("".join(word.text for word in picture.words), changed))


def drawing(*panels: Shelf, log: Lines | None = None, close_s: float = 5.0) -> DrawingScreen:
    return DrawingScreen(Look(SMALL).renderer(), face(), panels, log or Lines(), close_s=close_s)


def settings(folder: Path, **changes: Any) -> DisplaySettings:
    return replace(DisplaySettings(width=320, height=240, png=folder / "screen.png"), **changes)


def test_the_newest_screen_wins_and_the_skipped_are_never_drawn() -> None:
    began, go_on = threading.Event(), threading.Event()

    def hold() -> None:
        began.set()
        assert go_on.wait(30)

    shelf = Shelf(hold)
    display = drawing(shelf)
    display.show(screen(VIEWS["asking"]))
    assert began.wait(30)
    for name in ("code", "checking", "vending", "done"):
        display.show(screen(VIEWS[name]))  # returns though the panel hangs
    go_on.set()
    display.close()
    assert [text for text, _ in shelf.shown] == ["请稍候", "请取走商品"]


def test_closing_waits_for_the_last_picture(tmp_path: Path) -> None:
    with open_screen(settings(tmp_path), Lines()) as display:
        for view in VIEWS.values():
            display.show(screen(view))
        display.show(screen(VIEWS["code"]))
    with Image.open(tmp_path / "screen.png") as image:
        assert zxingcpp.read_barcodes(image.convert("L"))[0].text == URL


def test_a_panel_that_hangs_does_not_keep_the_daemon_from_leaving() -> None:
    began, go_on = threading.Event(), threading.Event()

    def hang() -> None:
        began.set()
        go_on.wait(30)

    log = Lines()
    display = drawing(Shelf(hang), log=log, close_s=0.0)
    display.show(screen(VIEWS["idle"]))
    assert began.wait(30)
    display.close()
    assert log.named("screen.stuck") == [{"waited_s": 0.0}]
    go_on.set()


def test_what_cannot_be_drawn_gives_way_to_a_screen_that_says_so() -> None:
    shelf, log = Shelf(), Lines()
    display = drawing(shelf, log=log)
    display.show(screen(Code(product=COLA, code_url="weixin://secret" * 300, left_s=9, span_s=9)))
    display.close()
    ((text, _),) = shelf.shown
    assert "E99" in text
    (line,) = log.named("screen.failed")
    assert line["view"] == "Code"
    assert "secret" not in str(line)


def test_after_a_failure_the_next_screen_is_drawn_as_ever() -> None:
    steps = Steps()
    shelf = Shelf(steps)
    display = drawing(shelf)
    display.show(screen(Code(product=COLA, code_url="", left_s=9, span_s=9)))
    assert steps.asked.acquire(timeout=30)
    display.show(screen(VIEWS["done"]))
    display.close()
    assert len(shelf.shown) == 2
    assert shelf.shown[-1][0] == "请取走商品"


class Steps:
    """What a panel does before it shows: say that it was asked, and fail while told to."""

    def __init__(self, *, failing: bool = False) -> None:
        self.failing = failing
        self.asked = threading.Semaphore(0)

    def __call__(self) -> None:
        self.asked.release()
        if self.failing:
            raise OSError("no space left on device")


def test_a_failing_panel_is_told_once_hinders_no_other_and_is_written_whole_afterwards() -> None:
    steps, log = Steps(failing=True), Lines()
    broken, fine = Shelf(steps), Shelf()
    display = drawing(broken, fine, log=log)
    for left_s in (90, 89, 88):
        display.show(screen(Code(product=COLA, code_url=URL, left_s=left_s, span_s=175)))
        assert steps.asked.acquire(timeout=30)
    steps.failing = False
    display.show(screen(Code(product=COLA, code_url=URL, left_s=87, span_s=175)))
    assert steps.asked.acquire(timeout=30)
    display.show(screen(Code(product=COLA, code_url=URL, left_s=86, span_s=175)))
    display.close()
    assert log.named("screen.panel_failed") == [{"panel": "Shelf", "error": "no space left on device"}]
    assert [changed == Box(0, 0, *SMALL) for _, changed in broken.shown] == [True, False]
    assert len(fine.shown) == 5


def test_a_screen_that_looks_the_same_is_not_written_again() -> None:
    steps = Steps()
    shelf = Shelf(steps)
    display = drawing(shelf)
    display.show(screen(VIEWS["idle"]))
    assert steps.asked.acquire(timeout=30)
    display.show(Screen(view=Idle(tiles=TILES), machine="vm-0132", phone="400-820-1234"))
    display.close()
    assert len(shelf.shown) == 1


def test_a_name_that_the_font_cannot_write_is_told_once_and_drawn_as_far_as_it_goes() -> None:
    strange = Product(lane=21, name_zh="可乐\U0001f964", name_en="Cola", price_fen=350)
    views: list[View] = [Idle(tiles=(Tile(product=strange), *TILES)), Idle(tiles=(Tile(product=strange),))]
    steps, log = Steps(), Lines()
    display = DrawingScreen(Look((480, 800)).renderer(), face(), [Shelf(steps)], log)
    for view in views:
        display.show(screen(view))
        assert steps.asked.acquire(timeout=30)
    display.close()
    assert log.named("screen.glyphs_missing") == [{"name": "可乐\U0001f964", "missing": "\U0001f964"}]


def test_every_panel_of_the_settings_shows_the_same(tmp_path: Path) -> None:
    sysfs = tmp_path / "sysfs"
    (sysfs / "fb0").mkdir(parents=True)
    for name, value in {"virtual_size": "320,240", "bits_per_pixel": "32", "stride": "1280"}.items():
        (sysfs / "fb0" / name).write_text(value)
    (tmp_path / "fb0").touch()
    told = settings(tmp_path, framebuffer=tmp_path / "fb0", page=tmp_path / "page", dark=True)
    log = Lines()
    with open_drawing(told, log, sysfs=sysfs) as display:
        display.show(screen(VIEWS["code"]))
    held = Image.frombytes("RGB", SMALL, (tmp_path / "fb0").read_bytes(), "raw", "BGRX")
    png = (tmp_path / "screen.png").read_bytes()
    assert (tmp_path / "page" / "screen.png").read_bytes() == png
    with Image.open(tmp_path / "screen.png") as image:
        assert image.convert("RGB").tobytes() == held.tobytes()
    assert [name for name, _ in log.lines] == ["screen.ready"]


def test_the_language_and_the_theme_of_the_settings_are_used(tmp_path: Path) -> None:
    pictures = set()
    for language in (Language.ZH, Language.EN):
        for dark in (False, True):
            with open_screen(settings(tmp_path, language=language, dark=dark), Lines()) as display:
                display.show(screen(VIEWS["idle"]))
            pictures.add((tmp_path / "screen.png").read_bytes())
    assert len(pictures) == 4


def test_without_a_panel_nothing_is_drawn_and_no_font_is_asked_for(tmp_path: Path) -> None:
    log = Lines()
    with open_screen(DisplaySettings(font_file=tmp_path / "none.ttf"), log) as display:
        display.show(screen(VIEWS["idle"]))
    assert [name for name, _ in log.lines] == ["screen.none"]


def test_a_missing_font_or_folder_stops_the_start(tmp_path: Path) -> None:
    with (
        pytest.raises(BadFont, match="no such file"),
        open_screen(settings(tmp_path, font_file=tmp_path / "x.ttf"), Lines()),
    ):
        pass
    with (
        pytest.raises(BadPanel, match=r"display\.png"),
        open_screen(settings(tmp_path, png=tmp_path / "nowhere" / "x.png"), Lines()),
    ):
        pass


def test_a_machine_without_a_screen_never_loads_what_draws() -> None:
    program = "import sys, edge.app; print(sorted({'PIL', 'qrcode'} & set(sys.modules)))"
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"
