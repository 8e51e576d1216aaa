"""A Linux framebuffer: the picture's changed rows, written to where the device's geometry puts them.

The geometry comes from sysfs, so that opening the device is all that needs a right.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from edge.display.canvas import Box, Picture
from edge.display.errors import BadPanel

SYSFS: Final = Path("/sys/class/graphics")

# Bits a pixel -> how Linux lays them out: RGB565, and XRGB with blue in the lowest byte.
_FORMATS: Final[dict[int, Callable[[Picture, Box], Iterator[memoryview]]]] = {
    16: Picture.rgb565,
    32: Picture.xrgb8888,
}


class Framebuffer:
    """A device that is as wide as the picture and at least as high. Raises BadPanel for any other."""

    def __init__(self, device: Path, size: tuple[int, int], *, sysfs: Path = SYSFS) -> None:
        self._device: Final = device
        facts = sysfs / device.resolve().name
        bits = self._number(facts / "bits_per_pixel")
        if bits not in _FORMATS:
            raise self._bad(f"{bits} bits a pixel", "16 or 32", "fbset -depth 32, or the display's driver")
        width, height = self._pair(facts / "virtual_size")
        if size[0] != width or size[1] > height:
            raise self._bad(
                f"{width}x{height} pixels",
                f"{size[0]} wide and at least {size[1]} high, as display.width and display.height say",
                f"width = {width} and height = {height}",
            )
        self._stride: Final = self._number(facts / "stride")
        if self._stride < width * bits // 8:
            allowed = f"at least {width * bits // 8} for {width} pixels of {bits} bits"
            raise self._bad(f"a stride of {self._stride} bytes", allowed, "another driver of the display")
        self._bytes: Final = bits // 8
        self._packed: Final = _FORMATS[bits]
        try:
            self._fd: Final = os.open(device, os.O_WRONLY | os.O_CLOEXEC)
        except OSError as error:
            allowed = "a device that the daemon may write to"
            raise self._bad(error.strerror or str(error), allowed, "the group video") from error

    def show(self, picture: Picture, changed: Box) -> None:
        """Write the changed rectangle row by row; what lies around it is not touched."""
        at = changed.top * self._stride + changed.left * self._bytes
        for row in self._packed(picture, changed):
            if os.pwrite(self._fd, row, at) != len(row):
                raise OSError(f"{self._device}: took only a part of a row at byte {at}")
            at += self._stride

    def close(self) -> None:
        """Let go of the device. The last picture stays."""
        os.close(self._fd)

    def _number(self, fact: Path) -> int:
        return self._numbers(fact, 1)[0]

    def _pair(self, fact: Path) -> tuple[int, int]:
        width, height = self._numbers(fact, 2)
        return width, height

    def _numbers(self, fact: Path, count: int) -> list[int]:
        try:
            text = fact.read_text().strip()
        except OSError as error:
            allowed = f"a framebuffer that {fact} describes"
            raise self._bad(error.strerror or str(error), allowed, "ls /sys/class/graphics") from error
        try:
            numbers = [int(part) for part in text.split(",")]
        except ValueError:
            numbers = []
        if len(numbers) != count or min(numbers) <= 0:
            raise self._bad(f"{text!r} in {fact}", f"{count} whole number(s) above 0", "another device")
        return numbers

    def _bad(self, found: str, allowed: str, attempt: str) -> BadPanel:
        return BadPanel(
            f"display.framebuffer: {self._device}: found {found}, allowed {allowed}. Try: {attempt}"
        )
