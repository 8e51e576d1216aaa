"""Every view in every layout looks as it was approved. How to approve a change: golden.py."""

from pathlib import Path

import pytest
from PIL import Image, ImageChops

from tests.unit.display.golden import FOLDER, LOOKS, drawn
from tests.unit.display.samples import VIEWS, Look, screen

ONE_SHADE = 40  # of 255: another FreeType may round the edge of a letter to the next of seven shades


def difference(one: Image.Image, other: Image.Image) -> int:
    """The largest difference of any channel of any pixel."""
    bands = ImageChops.difference(one.convert("RGB"), other.convert("RGB")).split()
    return max(level for band in bands for level, count in enumerate(band.histogram()) if count)


@pytest.mark.parametrize("look", LOOKS, ids=str)
def test_every_view_looks_as_it_was_approved(look: Look, tmp_path: Path) -> None:
    differing = []
    for path, picture in drawn(look):
        with Image.open(path) as approved:
            if approved.size != picture.size or difference(approved, picture) > ONE_SHADE:
                picture.save(tmp_path / path.name)
                differing.append(path.name)
    assert differing == [], f"look at {tmp_path} beside {FOLDER / str(look)}"


def test_there_is_no_golden_picture_of_a_view_that_is_gone() -> None:
    kept = {str(path.relative_to(FOLDER)) for path in FOLDER.rglob("*") if path.is_file()}
    assert kept == {f"{look}/{name}.png" for look in LOOKS for name in VIEWS}


def test_a_picture_does_not_depend_on_what_was_drawn_before(tmp_path: Path) -> None:
    look = LOOKS[0]
    for (_, after), (name, view) in zip(drawn(look), VIEWS.items(), strict=True):
        path = tmp_path / f"{name}.png"
        path.write_bytes(look.renderer().draw(screen(view)).png())
        with Image.open(path) as alone:
            assert difference(alone, after) <= ONE_SHADE, name
