"""The folder for a kiosk browser, in a real Chromium, opened as a file: what it shows and how it follows."""

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image, ImageChops
from playwright.sync_api import Browser, Page

from edge.core.screen import View
from edge.display.canvas import Box
from edge.display.panels import PageFolder
from tests.unit.display.samples import VIEWS, Look, screen

SIZE = (480, 800)


class Kiosk:
    """The daemon's side and the browser's side of one folder."""

    def __init__(self, page: Page, folder: Path) -> None:
        self.page, self.folder = page, folder
        self.panel, self.renderer = PageFolder(folder), Look(SIZE).renderer()
        self.asked_for: list[str] = []
        page.on("request", lambda request: self.asked_for.append(request.url))

    def open(self) -> None:
        self.page.goto((self.folder / "index.html").as_uri())

    def show(self, view: View) -> bytes:
        picture = self.renderer.draw(screen(view))
        self.panel.show(picture, Box(0, 0, *SIZE))
        return picture.png()

    def wait(self) -> None:
        """Until the browser shows the picture that is named now."""
        name = (self.folder / "now.js").read_text().split('"')[1]
        self.page.wait_for_function(
            "name => document.images.length === 1 && document.images[0].src.endsWith('?' + name)", arg=name
        )

    def seen(self) -> Image.Image:
        return Image.open(io.BytesIO(self.page.screenshot())).convert("RGB")


@pytest.fixture
def kiosk(browser: Browser, tmp_path: Path) -> Iterator[Kiosk]:
    page = browser.new_page(viewport={"width": SIZE[0], "height": SIZE[1]})
    yield Kiosk(page, tmp_path / "kiosk")
    page.close()


def same(seen: Image.Image, png: bytes) -> bool:
    drawn = Image.open(io.BytesIO(png)).convert("RGB")
    return ImageChops.difference(seen, drawn).getbbox() is None


def test_the_browser_shows_the_picture_pixel_by_pixel(kiosk: Kiosk) -> None:
    png = kiosk.show(VIEWS["code"])
    kiosk.open()
    kiosk.wait()
    assert same(kiosk.seen(), png)


def test_it_follows_each_new_picture_without_being_reloaded(kiosk: Kiosk) -> None:
    kiosk.show(VIEWS["idle"])
    kiosk.open()
    for name in ("asking", "code", "code-last", "vending", "done", "idle"):
        png = kiosk.show(VIEWS[name])
        kiosk.wait()
        assert same(kiosk.seen(), png), name
    assert len([url for url in kiosk.asked_for if url.endswith("index.html")]) == 1


def test_a_browser_that_is_there_before_the_daemon_waits_for_the_first_picture(kiosk: Kiosk) -> None:
    kiosk.open()
    kiosk.page.wait_for_event("requestfailed")  # it looked, and there is nothing yet
    png = kiosk.show(VIEWS["idle"])
    kiosk.wait()
    assert same(kiosk.seen(), png)


def test_nothing_but_files_of_its_own_folder_is_asked_for(kiosk: Kiosk) -> None:
    kiosk.show(VIEWS["idle"])
    kiosk.open()
    kiosk.wait()
    assert kiosk.asked_for
    assert all(url.startswith(kiosk.folder.as_uri()) for url in kiosk.asked_for)


def test_a_smaller_browser_shows_the_whole_picture_and_no_bars(kiosk: Kiosk) -> None:
    kiosk.show(VIEWS["code"])
    kiosk.page.set_viewport_size({"width": 240, "height": 500})
    kiosk.open()
    kiosk.wait()
    root = "document.documentElement"
    assert kiosk.page.evaluate(f"[{root}.scrollWidth, {root}.scrollHeight]") == [240, 500]
    seen = kiosk.seen()
    assert seen.getpixel((120, 10)) == (16, 20, 19), "what is left over is dark"
    assert seen.getpixel((2, 60)) == (247, 246, 242)
