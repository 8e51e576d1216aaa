"""What holds for every picture: nothing cut, nothing too small, nothing faint, and the code as it must be."""

import itertools
from dataclasses import replace

import pytest

from edge.core.screen import Code, Identify, Idle, Maintenance, OutOfOrder, Product, Refund, Vending, View
from edge.display.canvas import Picture, Written
from edge.display.codes import TABLE
from edge.display.layout import LEAST
from edge.display.settings import Language
from edge.display.theme import DARK, LIGHT, contrast
from edge.display.words import NOTICES, REASONS, STEPS, Words
from tests.unit.display.samples import COLA, LAYOUTS, TILES, VIEWS, Look, screen, tile

LOOKS = [Look(size, theme, language) for size in LAYOUTS for theme in (LIGHT, DARK) for language in Language]
ODD_SIZES = [
    (240, 320),
    (1920, 1080),
    (1280, 800),
    (1024, 600),
    (600, 1024),
    (400, 400),
    (240, 160),
    (4096, 160),
]
COMPACT = (320, 240)
LONG = Product(
    lane=188,
    name_zh="超大瓶装无糖气泡柠檬蜂蜜绿茶饮料",
    name_en="Extra large sugar-free sparkling lemon tea",
    price_fen=99_999,
)


def overlap(one: Written, other: Written) -> bool:
    a, b = one.box.inset(1), other.box.inset(1)
    return a.left < b.right and b.left < a.right and a.top < b.bottom and b.top < a.bottom


def wrong(picture: Picture) -> list[str]:
    """What is wrong with the words of a picture, in words."""
    width, height = picture.size
    found = []
    for word in picture.words:
        box, pen = word.box, word.pen
        if box.left < 0 or box.top < 0 or box.right > width or box.bottom > height:
            found.append(f"{word.text!r} leaves the screen: {box}")
        if pen.size < LEAST:
            found.append(f"{word.text!r} is {pen.size} pixels high")
        if contrast(pen.colour, pen.paper) < 4.5:
            found.append(f"{word.text!r} is faint: {contrast(pen.colour, pen.paper):.1f}")
    pairs = itertools.combinations(picture.words, 2)
    return found + [f"{one.text!r} runs into {other.text!r}" for one, other in pairs if overlap(one, other)]


def said(picture: Picture) -> str:
    """All words in the order they were written; a line that was broken is whole again."""
    return "".join(word.text for word in picture.words).replace(" ", "")


@pytest.mark.parametrize("look", LOOKS, ids=str)
def test_words_stay_on_the_screen_apart_large_and_readable(look: Look) -> None:
    renderer = look.renderer()
    for name, view in VIEWS.items():
        assert wrong(renderer.draw(screen(view))) == [], name


@pytest.mark.parametrize("size", ODD_SIZES, ids=str)
def test_a_screen_of_any_other_size_is_drawn_by_the_same_rules(size: tuple[int, int]) -> None:
    renderer = Look(size).renderer()
    for name, view in VIEWS.items():
        picture = renderer.draw(screen(view))
        assert picture.size == size
        assert wrong(picture) == [], name


@pytest.mark.parametrize("size", LAYOUTS, ids=str)
@pytest.mark.parametrize("count", [0, 1, 2, 7, 12, 24, 60, 100])
def test_few_lanes_and_many_find_room(size: tuple[int, int], count: int) -> None:
    renderer = Look(size).renderer()
    tiles = tuple(tile(at, "sold_out" if at % 5 == 3 else "") for at in range(count))
    views: tuple[View, ...] = (Idle(tiles=tiles), Maintenance(tiles=tiles))
    for view in views:
        picture = renderer.draw(screen(view))
        assert wrong(picture) == []
        if size != COMPACT:
            shown = {word.text for word in picture.words}
            assert {str(each.product.lane) for each in tiles} <= shown


@pytest.mark.parametrize("size", LAYOUTS, ids=str)
def test_a_long_name_gives_way_to_the_price_and_never_the_other_way_round(size: tuple[int, int]) -> None:
    renderer = Look(size).renderer()
    for name, view in VIEWS.items():
        if isinstance(view, Idle | Maintenance | OutOfOrder | Identify):
            continue
        picture = renderer.draw(screen(replace(view, product=LONG)))
        assert wrong(picture) == [], name
        if isinstance(view, Code | Refund):
            assert "¥999.99" in said(picture), name


@pytest.mark.parametrize("look", LOOKS, ids=str)
def test_no_sentence_of_any_table_is_cut_anywhere(look: Look) -> None:
    renderer = look.renderer()
    compact = look.size == COMPACT

    def whole(view: View, words: Words, *, both: bool) -> None:
        text = said(renderer.draw(screen(view)))
        lead = words.en if look.language is Language.EN else words.zh
        expected = {lead, words.en} if both and look.language is Language.BOTH and not compact else {lead}
        for sentence in expected:
            assert sentence.replace(" ", "") in text, sentence

    for row in TABLE.values():
        whole(OutOfOrder(reason=row.name), Words(row.zh, row.en), both=True)
        assert row.code in said(renderer.draw(screen(OutOfOrder(reason=row.name))))
    upright = look.size[1] > look.size[0]
    for name, words in NOTICES.items():
        whole(Idle(tiles=TILES, notice=name, notice_lane=188), words, both=upright)
    if not compact:
        for name, words in STEPS.items():
            whole(Vending(product=COLA, step=name), words, both=True)
        for name, words in REASONS.items():
            whole(Maintenance(tiles=(tile(0, name), *TILES)), words, both=False)


@pytest.mark.parametrize("size", LAYOUTS)
def test_a_lane_that_is_out_shows_the_code_of_its_fault_where_there_is_room(size: tuple[int, int]) -> None:
    broken = tuple(replace(each, code="E28") if each.reason == "fault" else each for each in TILES)
    for view in (Idle(tiles=broken), Maintenance(tiles=broken)):
        picture = Look(size).renderer().draw(screen(view))
        assert wrong(picture) == []
        assert said(picture).count("E28") == (0 if size == COMPACT else 1)
