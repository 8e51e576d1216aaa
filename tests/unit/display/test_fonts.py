"""No font, no start: which file, what is missing in it, and what to install."""

import io
from pathlib import Path

import pytest
from PIL import ImageFont

from edge.display.canvas import Face
from edge.display.errors import BadFont
from edge.display.fonts import open_face, packaged, require
from edge.display.words import SENTENCES, everything
from tests.unit.display.samples import face


@pytest.fixture
def latin(tmp_path: Path) -> Path:
    """A real font that knows no Chinese: the one inside Pillow."""
    inside = ImageFont.load_default(20)
    assert isinstance(inside, ImageFont.FreeTypeFont)
    assert isinstance(inside.path, io.BytesIO)
    path = tmp_path / "latin.ttf"
    path.write_bytes(inside.path.getvalue())
    return path


def test_some_font_of_this_machine_writes_every_sentence() -> None:
    found = open_face(configured=None, sentences=everything())
    assert found.path.is_file()


def test_the_packaged_font_is_enough_and_a_configured_one_goes_first() -> None:
    path = packaged()
    assert open_face(configured=path, sentences=everything()).path == path


def test_a_font_without_chinese_stops_the_start_and_says_which_letters(latin: Path) -> None:
    with pytest.raises(BadFont) as bad:
        open_face(configured=latin, sentences=everything())
    told = str(bad.value)
    assert told.startswith(f"display.font_file: {latin}: cannot draw ")
    assert "(U+4E" in told
    assert " more. Try: install fonts-noto-cjk" in told


def test_one_missing_letter_is_named_alone() -> None:
    with pytest.raises(BadFont, match=r"cannot draw \U0001f964 \(U\+1F964\)\. Try: "):
        require(face(), ["Cola", "可乐\U0001f964"])


def test_spaces_are_never_missing() -> None:
    assert face().lacks(" \u3000\n可乐 Cola ¥3.50") == ""


def test_what_is_not_there_or_not_a_font_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadFont, match=r"display\.font_file: .*none\.otf: no such file\. Try: correct it"):
        open_face(configured=tmp_path / "none.otf", sentences=[])
    (tmp_path / "text.otf").write_text("this is not a font")
    with pytest.raises(BadFont, match=r"text\.otf: not a font .*Try: another file"):
        Face(tmp_path / "text.otf")


def test_every_sentence_is_asked_of_the_font() -> None:
    asked = "".join(everything())
    for words in SENTENCES.values():
        assert words.zh in asked
        assert words.en in asked
    assert set("¥0123456789…·") <= set(asked)
