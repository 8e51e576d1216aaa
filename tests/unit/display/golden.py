"""The golden pictures: every view in every layout, as a person approved it.

After a change that is meant, draw them anew, look at each that git shows as changed, and commit them:

    .venv/bin/python -m tests.unit.display.golden
"""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from PIL import Image

from edge.display.settings import Language
from edge.display.theme import DARK, LIGHT
from tests.unit.display.samples import VIEWS, Look, screen

FOLDER: Final = Path(__file__).parents[2] / "golden" / "display"

# Between them the layouts wear both themes and speak both languages; the other pairings differ by colours
# and words only, which test_screens.py holds to their rules.
LOOKS: Final = (
    Look((480, 800), LIGHT, Language.BOTH),
    Look((800, 480), DARK, Language.BOTH),
    Look((1080, 1920), LIGHT, Language.EN),
    Look((320, 240), LIGHT, Language.ZH),
)


def drawn(look: Look) -> Iterator[tuple[Path, Image.Image]]:
    """Where each picture of a look is kept, and how it looks now."""
    renderer = look.renderer()
    for name, view in VIEWS.items():
        picture = Image.open(io.BytesIO(renderer.draw(screen(view)).png()))
        yield FOLDER / str(look) / f"{name}.png", picture


def main() -> None:
    """Write them all."""
    for look in LOOKS:
        for path, picture in drawn(look):
            path.parent.mkdir(parents=True, exist_ok=True)
            picture.save(path, optimize=True)


if __name__ == "__main__":
    main()
