"""Where pictures go: a PNG file, and a folder for a kiosk browser. `framebuffer.py` is the third.

Nothing listens on a network: a file is replaced as a whole, and whoever looks at it sees the old picture
or the new one, never half of one.
"""

import hashlib
import os
from pathlib import Path
from typing import Final, Protocol

from edge.display.canvas import Box, Picture
from edge.display.errors import BadPanel

_PAGE: Final = Path(__file__).with_name("kiosk.html")


class Panel(Protocol):
    """One place where people look."""

    def show(self, picture: Picture, changed: Box) -> None:
        """Make `picture` what they see; outside `changed` it is what it was. Raises OSError."""


class PngFile:
    """A file that is replaced by each picture, for whatever shows files. Raises BadPanel."""

    def __init__(self, path: Path) -> None:
        if not path.parent.is_dir():
            raise BadPanel(f"display.png: {path}: no such folder. Try: mkdir -p {path.parent}")
        self._path: Final = path

    def show(self, picture: Picture, changed: Box) -> None:
        """Replace the file."""
        replace_file(self._path, picture.png())


class PageFolder:
    """A folder with a page that a browser opens as a file. Raises BadPanel when it cannot be written.

    Scripts are the only thing that a page opened as a file may read again, so the page looks into `now.js`
    for the name of the picture that is meant. The picture is there before it is named.
    """

    def __init__(self, folder: Path) -> None:
        self._folder: Final = folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
            replace_file(folder / "index.html", _PAGE.read_bytes())
        except OSError as error:
            what = error.strerror or str(error)
            raise BadPanel(f"display.page: {folder}: {what}. Try: a folder that the daemon owns") from error

    def show(self, picture: Picture, changed: Box) -> None:
        """Replace the picture, then its name."""
        png = picture.png()
        name = hashlib.blake2s(png, digest_size=8).hexdigest()
        replace_file(self._folder / "screen.png", png)
        replace_file(self._folder / "now.js", f'now("{name}");\n'.encode())


def replace_file(path: Path, content: bytes) -> None:
    """Write a file beside it, then give it its name. Not flushed: after a power cut it is drawn anew."""
    beside = path.with_name(f".{path.name}.new")
    beside.write_bytes(content)
    os.replace(beside, path)
