"""What a panel holds after a picture: the exact bytes, only where something changed, never half of it."""

import io
import os
import threading
from pathlib import Path

import pytest
from PIL import Image

from edge.display.canvas import Box, Picture
from edge.display.errors import BadPanel
from edge.display.framebuffer import Framebuffer
from edge.display.panels import PageFolder, PngFile
from tests.unit.display.samples import VIEWS, Look, screen

# ---------------------------------------------------------------- the framebuffer

PALETTE = bytes.fromhex("000000 ffffff ff0000 00ff00 0000ff 0b7a43")
BLACK, WHITE, RED, GREEN, BLUE, GO = range(6)
AS_16 = ["0000", "ffff", "00f8", "e007", "1f00", "c80b"]
AS_32 = ["000000ff", "ffffffff", "0000ffff", "00ff00ff", "ff0000ff", "437a0bff"]
ROWS = ((BLACK, WHITE, RED, GREEN), (BLUE, GO, GO, BLUE), (GREEN, RED, WHITE, BLACK))
UNTOUCHED = b"\xaa"


def picture(rows: tuple[tuple[int, ...], ...]) -> Picture:
    size = len(rows[0]), len(rows)
    return Picture(Image.frombytes("L", size, bytes(cell for row in rows for cell in row)), PALETTE, ())


def whole(shown: Picture) -> Box:
    return Box(0, 0, *shown.size)


class Device:
    """A plain file with the facts that sysfs would tell of it."""

    def __init__(self, folder: Path, **facts: str) -> None:
        self.path, self.sysfs = folder / "fb7", folder / "sysfs"
        (self.sysfs / "fb7").mkdir(parents=True)
        for name, value in facts.items():
            (self.sysfs / "fb7" / name).write_text(f"{value}\n")
        self.path.write_bytes(UNTOUCHED * 200)

    def open(self, size: tuple[int, int] = (4, 3)) -> Framebuffer:
        return Framebuffer(self.path, size, sysfs=self.sysfs)

    def rows(self, stride: int, count: int) -> list[str]:
        held = self.path.read_bytes()
        assert held[stride * count :] == UNTOUCHED * (200 - stride * count)
        return [held[at : at + stride].hex() for at in range(0, stride * count, stride)]


@pytest.mark.parametrize(
    ("bits", "stride", "pixels"), [(16, 8, AS_16), (16, 12, AS_16), (32, 16, AS_32), (32, 20, AS_32)]
)
def test_each_pixel_stands_where_the_stride_puts_it(
    tmp_path: Path, bits: int, stride: int, pixels: list[str]
) -> None:
    device = Device(tmp_path, virtual_size="4,3", bits_per_pixel=str(bits), stride=str(stride))
    panel = device.open()
    panel.show(picture(ROWS), whole(picture(ROWS)))
    panel.close()
    padding = "aa" * (stride - 4 * bits // 8)
    assert device.rows(stride, 3) == ["".join(pixels[cell] for cell in row) + padding for row in ROWS]


@pytest.mark.parametrize(("bits", "pixels"), [(16, AS_16), (32, AS_32)])
def test_only_the_rectangle_that_changed_is_written(tmp_path: Path, bits: int, pixels: list[str]) -> None:
    stride = bits // 2 + 4
    device = Device(tmp_path, virtual_size="4,3", bits_per_pixel=str(bits), stride=str(stride))
    after = picture((ROWS[0], (BLUE, WHITE, GO, BLUE), (GREEN, RED, RED, BLACK)))
    changed = after.changed_from(picture(ROWS))
    assert changed == Box(1, 1, 3, 3)
    panel = device.open()
    panel.show(after, changed)
    panel.close()
    pixel = bits // 8
    left, right = "aa" * pixel, "aa" * (pixel + 4)
    assert device.rows(stride, 3) == [
        "aa" * stride,
        left + pixels[WHITE] + pixels[GO] + right,
        left + pixels[RED] + pixels[RED] + right,
    ]


def test_pictures_that_are_equal_have_no_changed_rectangle_and_other_sizes_change_everywhere() -> None:
    assert picture(ROWS).changed_from(picture(ROWS)) is None
    assert picture(ROWS).changed_from(picture(ROWS[:2])) == Box(0, 0, 4, 3)
    assert picture(ROWS).changed_from(None) == Box(0, 0, 4, 3)


def test_a_whole_screen_is_on_the_device_as_it_is_in_the_file(tmp_path: Path) -> None:
    device = Device(tmp_path, virtual_size="320,480", bits_per_pixel="32", stride="1280")
    shown = Look((320, 240)).renderer().draw(screen(VIEWS["code"]))
    panel = device.open((320, 240))
    panel.show(shown, whole(shown))
    panel.close()
    held = Image.frombytes("RGB", (320, 240), device.path.read_bytes(), "raw", "BGRX")
    assert held.tobytes() == Image.open(io.BytesIO(shown.png())).convert("RGB").tobytes()


GOOD = {"virtual_size": "4,3", "bits_per_pixel": "16", "stride": "8"}


@pytest.mark.parametrize(
    ("facts", "told"),
    [
        ({"bits_per_pixel": "24"}, "found 24 bits a pixel, allowed 16 or 32"),
        ({"virtual_size": "3,4"}, "found 3x4 pixels, allowed 4 wide and at least 3 high.*width = 3"),
        ({"virtual_size": "4,2"}, "found 4x2 pixels"),
        ({"virtual_size": "8,3"}, "found 8x3 pixels"),
        ({"virtual_size": "4"}, "found '4' in .*virtual_size, allowed 2 whole number"),
        ({"virtual_size": "0,0"}, "found '0,0'"),
        ({"stride": "7"}, "a stride of 7 bytes, allowed at least 8 for 4 pixels of 16 bits"),
        ({"stride": "many"}, "found 'many' in .*stride"),
        ({"stride": ""}, "found ''"),
    ],
)
def test_a_geometry_that_cannot_be_used_is_named(tmp_path: Path, facts: dict[str, str], told: str) -> None:
    with pytest.raises(BadPanel, match=told) as bad:
        Device(tmp_path, **{**GOOD, **facts}).open()
    assert str(bad.value).startswith(f"display.framebuffer: {tmp_path / 'fb7'}: found ")
    assert "Try: " in str(bad.value)


def test_a_framebuffer_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadPanel, match=r"found No such file or directory.*Try: ls /sys/class/graphics"):
        Framebuffer(tmp_path / "fb9", (4, 3), sysfs=tmp_path)
    device = Device(tmp_path, **GOOD)
    device.path.unlink()
    with pytest.raises(BadPanel, match="allowed a device that the daemon may write to"):
        device.open()


def test_a_stable_name_leads_to_the_facts_of_the_device_behind_it(tmp_path: Path) -> None:
    device = Device(tmp_path, **GOOD)
    (tmp_path / "shopper").symlink_to(device.path)
    Framebuffer(tmp_path / "shopper", (4, 3), sysfs=device.sysfs).close()


# ---------------------------------------------------------------- files


def test_a_file_is_replaced_by_a_palette_picture(tmp_path: Path) -> None:
    shown = Look((320, 240)).renderer().draw(screen(VIEWS["code"]))
    PngFile(tmp_path / "screen.png").show(shown, whole(shown))
    with Image.open(tmp_path / "screen.png") as image:
        assert (image.format, image.mode, image.size) == ("PNG", "P", (320, 240))
    assert os.listdir(tmp_path) == ["screen.png"]


def test_who_reads_the_old_picture_reads_all_of_it(tmp_path: Path) -> None:
    renderer, path = Look((320, 240)).renderer(), tmp_path / "screen.png"
    first, second = (renderer.draw(screen(VIEWS[name])) for name in ("idle", "code"))
    panel = PngFile(path)
    panel.show(first, whole(first))
    with path.open("rb") as reader:
        start = reader.read(100)
        panel.show(second, whole(second))
        assert start + reader.read() == first.png()
    assert path.read_bytes() == second.png()


def test_a_reader_beside_the_writer_never_sees_half_a_picture(tmp_path: Path) -> None:
    renderer, path = Look((320, 240)).renderer(), tmp_path / "screen.png"
    pictures = [renderer.draw(screen(view)) for view in VIEWS.values()]
    meant = {each.png() for each in pictures}
    panel, done, seen = PngFile(path), threading.Event(), set[bytes]()
    panel.show(pictures[0], whole(pictures[0]))

    def read() -> None:
        while not done.is_set():
            seen.add(path.read_bytes())

    reader = threading.Thread(target=read)
    reader.start()
    for each in pictures * 10:
        panel.show(each, whole(each))
    done.set()
    reader.join()
    assert seen
    assert seen <= meant


def test_a_folder_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadPanel, match=r"display.png: .*no such folder. Try: mkdir -p"):
        PngFile(tmp_path / "nowhere" / "screen.png")


def test_a_page_names_a_picture_only_when_it_is_there(tmp_path: Path) -> None:
    renderer, folder = Look((320, 240)).renderer(), tmp_path / "kiosk"
    panel = PageFolder(folder)
    assert os.listdir(folder) == ["index.html"]
    first, second = (renderer.draw(screen(VIEWS[name])) for name in ("idle", "code"))
    panel.show(first, whole(first))
    before = (folder / "now.js").read_text()
    panel.show(second, whole(second))
    assert sorted(os.listdir(folder)) == ["index.html", "now.js", "screen.png"]
    assert (folder / "screen.png").read_bytes() == second.png()
    assert before != (folder / "now.js").read_text()
    panel.show(first, whole(first))
    assert (folder / "now.js").read_text() == before, "a name belongs to a picture, also after a restart"


def test_a_page_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BadPanel, match=r"display\.page: .*file: .*Try: a folder that the daemon owns"):
        PageFolder(tmp_path / "file")
