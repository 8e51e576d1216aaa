"""A book of what machines sell: templates below a machine's own lanes, editions that can be taken back."""

from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloud_bridge.core.catalogue import (
    Book,
    Change,
    Entry,
    Key,
    Kind,
    Lane,
    Plan,
    Product,
    applied,
    back,
    changes,
    daring,
    faults,
    lane_key,
    offers,
    overtaken,
)
from tests.unit.goods.books import BOOK, COLA, ONE, TEA, TWO

KNOWN = (ONE, TWO)


def with_(wanted: Mapping[Key, Entry | None]) -> Book:
    return applied(BOOK, changes(BOOK, wanted))


def test_a_machine_sells_its_own_lanes_and_its_templates_others() -> None:
    told = {slot.lane: (slot.name_en, slot.price_fen) for slot in offers(BOOK)[TWO]}
    assert told == {1: ("Cola", 350), 2: ("Cola", 300)}
    (only,) = offers(BOOK)[ONE]
    assert (only.lane, only.price_fen, only.sold_out_at) == (11, 350, 1)


def test_a_product_that_costs_more_costs_more_everywhere_but_where_a_lane_has_its_own_price() -> None:
    dearer = with_({(Kind.PRODUCT, "cola"): replace(COLA, price_fen=390)})
    assert [slot.price_fen for slot in offers(dearer)[TWO]] == [390, 300]


_KEYS = [key for key in BOOK if key[0] is not Kind.MACHINE]
_ENTRIES = st.one_of(
    st.none(),
    st.builds(Product, name_zh=st.just("水"), name_en=st.just("Water"), price_fen=st.integers(1, 900)),
    st.builds(Lane, product=st.sampled_from(["cola", "tea", "gone"]), price_fen=st.integers(0, 900)),
)


def _fits(key: Key, entry: Entry | None) -> bool:
    return entry is None or isinstance(entry, Product) == (key[0] is Kind.PRODUCT)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.dictionaries(
            st.sampled_from([*_KEYS, lane_key(ONE, 12), (Kind.PRODUCT, "new")]), _ENTRIES, max_size=3
        ),
        max_size=6,
    ),
    st.data(),
)
def test_any_version_can_come_back_whatever_came_after_it(
    edits: list[dict[Key, Entry | None]], data: st.DataObject
) -> None:
    books: list[Book] = [BOOK]
    made: list[tuple[Change, ...]] = []
    for edit in edits:
        made.append(changes(books[-1], {key: each for key, each in edit.items() if _fits(key, each)}))
        books.append(applied(books[-1], made[-1]))
    to = data.draw(st.integers(0, len(edits)))
    wanted = back(reversed(made[to:]))
    assert applied(books[-1], changes(books[-1], wanted)) == books[to]


def test_an_edit_that_changes_nothing_has_no_changes() -> None:
    assert changes(BOOK, dict(BOOK)) == ()


def test_changes_made_on_what_is_no_more_are_overtaken() -> None:
    made = changes(BOOK, {(Kind.PRODUCT, "cola"): replace(COLA, price_fen=390)})
    assert overtaken(BOOK, made) == ()
    assert overtaken(with_({(Kind.PRODUCT, "cola"): replace(COLA, price_fen=360)}), made) == made


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        (
            {(Kind.PRODUCT, "cola"): None},
            "lane #corner/1: product: found 'cola', allowed the code of a product",
        ),
        (
            {(Kind.PRODUCT, "cola"): replace(COLA, price_fen=0)},
            "product cola: price_fen: found 0, allowed 1 to",
        ),
        ({(Kind.PRODUCT, "co la"): COLA}, "product co la: code: found 'co la'"),
        ({(Kind.PRODUCT, "cola"): replace(COLA, name_zh="")}, "product cola: name_zh: found ''"),
        ({(Kind.PRODUCT, "cola"): replace(COLA, name_en="a\nb")}, "product cola: name_en"),
        ({lane_key("vm-9999", 1): Lane(product="cola")}, "lane vm-9999/1: machine: found 'vm-9999'"),
        ({lane_key(ONE, 0): Lane(product="cola")}, f"lane {ONE}/0: lane: found 0, allowed 1 to 9999"),
        ({lane_key(ONE, 11): Lane(product="cola", par=9, capacity=8)}, f"lane {ONE}/11: par: found 9"),
        ({lane_key(ONE, 11): Lane(product="cola", price_fen=-1)}, f"lane {ONE}/11: price_fen: found -1"),
        ({lane_key(ONE, 11): None}, f"machine {ONE}: lanes: found 0, allowed 1 to 200"),
        (
            {(Kind.MACHINE, ONE): Plan(template="#none")},
            f"machine {ONE}: template: found '#none', allowed #corner",
        ),
        ({(Kind.MACHINE, ONE): Plan(route="a\tb")}, f"machine {ONE}: route"),
    ],
)
def test_a_book_that_cannot_be_says_every_fault(wanted: Mapping[Key, Entry | None], words: str) -> None:
    assert faults(BOOK, KNOWN) == ()
    found = faults(with_(wanted), KNOWN)
    assert any(str(each).startswith(words) for each in found), list(map(str, found))


def test_more_than_a_machine_can_be_told_is_a_fault() -> None:
    long = replace(COLA, name_zh="可" * 40, name_en="c" * 60, picture="p" * 120)
    lanes = {lane_key(ONE, number): Lane(product="cola") for number in range(1, 100)}
    found = faults(with_({(Kind.PRODUCT, "cola"): long, **lanes}), KNOWN)
    assert [each.field for each in found] == ["lanes"]
    assert found[0].found.endswith(" bytes'")


@pytest.mark.parametrize(
    ("price_fen", "why"),
    [
        (199, "is below its cost of ¥2.00"),
        (230, "is far from ¥3.50"),
        (530, "is far from ¥3.50"),
        (240, ""),
        (525, ""),
        (350, ""),
    ],
)
def test_a_price_below_cost_or_far_from_the_old_one_wants_a_second_person(price_fen: int, why: str) -> None:
    words = daring(BOOK, with_({(Kind.PRODUCT, "cola"): replace(COLA, price_fen=price_fen)}))
    about = [each for each in words if each.startswith(f"{ONE} lane 11")]
    assert about == ([f"{ONE} lane 11: ¥{price_fen / 100:.2f} {why}"] if why else [])


def test_another_product_in_a_lane_is_no_jump_of_a_price() -> None:
    dear = Product(name_zh="礼盒", name_en="Gift box", price_fen=9_900)
    wanted: dict[Key, Entry | None] = {(Kind.PRODUCT, "gift"): dear, lane_key(ONE, 11): Lane(product="gift")}
    assert daring(BOOK, with_(wanted)) == ()
    assert daring({}, BOOK) == ()
    assert TEA.price_fen == 400


@pytest.mark.parametrize(("price_fen", "far"), [(1, True), (199, True), (200, False), (9_900, False)])
@pytest.mark.parametrize("lane", [11, 12])  # in place of another product, and where there was none
def test_a_new_product_far_below_the_cheapest_wants_a_second_person(
    price_fen: int, far: bool, lane: int
) -> None:
    bait = Product(name_zh="特价", name_en="Bait", price_fen=price_fen)
    wanted: dict[Key, Entry | None] = {
        (Kind.PRODUCT, "bait"): bait,
        lane_key(ONE, lane): Lane(product="bait"),
    }
    words = (f"{ONE} lane {lane}: ¥{price_fen / 100:.2f} is far below ¥3.00, the cheapest so far",)
    assert daring(BOOK, with_(wanted)) == (words if far else ())


def test_the_same_product_under_another_name_gets_no_price_of_its_own() -> None:
    renamed = replace(COLA, name_en="Cola!", cost_fen=200, price_fen=200)
    assert daring(BOOK, with_({(Kind.PRODUCT, "cola"): replace(renamed, price_fen=199)})) != ()


def test_a_cost_that_falls_wants_a_second_person_and_one_that_rises_does_not() -> None:
    for cost_fen, words in ((199, ("cola: its cost falls from ¥2.00 to ¥1.99",)), (201, ()), (200, ())):
        assert daring(BOOK, with_({(Kind.PRODUCT, "cola"): replace(COLA, cost_fen=cost_fen)})) == words
