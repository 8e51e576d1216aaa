"""Finds the font of the screen and makes sure, before anything is sold, that it can write every sentence.

A screen with empty boxes where the price should be is worse than a machine that does not start.
"""

import importlib.util
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from edge.display.canvas import Face
from edge.display.errors import BadFont

_SYSTEM: Final = (
    # Collections hold one face per region; the third of Noto's is the simplified Chinese one.
    (Path("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc"), 2),
    (Path("/usr/share/fonts/opentype/noto/NotoSansSC-Regular.otf"), 0),
    (Path("/usr/share/fonts/truetype/noto/NotoSansSC-Regular.ttf"), 0),
    (Path("/usr/share/fonts/truetype/wqy/wqy-microhei.ttc"), 0),
    (Path("/usr/share/fonts/truetype/wqy/wqy-zenhei.ttc"), 0),
)
_PACKAGE: Final = "pylopdf_fonts_zh_cn"
_PACKAGED: Final = "NotoSansSC-Regular.otf"
_KEY: Final = "display.font_file"
_INSTALL: Final = f"install fonts-noto-cjk (apt) or the extra wxvend[fonts], or set {_KEY} to a Chinese font"


def open_face(*, configured: Path | None, sentences: Iterable[str]) -> Face:
    """The first font of: the configured one, the system's Noto or WenQuanYi, the packaged one.

    Raises BadFont when there is none, or when it lacks a character of `sentences`.
    """
    face = _configured(configured) if configured else _first_installed()
    require(face, sentences)
    return face


def require(face: Face, sentences: Iterable[str]) -> None:
    """Raises BadFont naming the characters that `face` cannot draw, the file, and what to install."""
    lacking = face.lacks("".join(sentences))
    if lacking:
        shown = " ".join(f"{letter} (U+{ord(letter):04X})" for letter in lacking[:12])
        more = f" and {len(lacking) - 12} more" if len(lacking) > 12 else ""
        raise BadFont(f"{_KEY}: {face.path}: cannot draw {shown}{more}. Try: {_INSTALL}")


def packaged() -> Path | None:
    """Where the font of the `fonts` extra lies, or None when the extra is not installed."""
    found = importlib.util.find_spec(_PACKAGE)
    if found is None or found.origin is None:
        return None
    return Path(found.origin).with_name(_PACKAGED)


def _configured(path: Path) -> Face:
    if not path.is_file():
        raise BadFont(f"{_KEY}: {path}: no such file. Try: correct it, or {_INSTALL}")
    return Face(path)


def _first_installed() -> Face:
    for path, index in _candidates():
        if path.is_file():
            return Face(path, index=index)
    looked = ", ".join(str(path) for path, _ in _candidates())
    raise BadFont(
        f"{_KEY}: none given and none found, looked for {looked} and the package {_PACKAGE}. Try: {_INSTALL}"
    )


def _candidates() -> Iterator[tuple[Path, int]]:
    yield from _SYSTEM
    path = packaged()
    if path is not None:
        yield path, 0
