"""The catalogue as tables: out and in again it is the same; a mistake is told by row and column."""

from collections.abc import Mapping

import pytest

from cloud_bridge.core.catalogue import Entry, Key, Kind, Plan, Product, applied, changes, faults
from cloud_bridge.engine_catalogue_csv import LANES, PRODUCTS, lanes_csv, placed, products_csv, read
from tests.unit.goods.books import BOOK, COLA, ONE, TWO

PRODUCT_HEAD, LANE_HEAD = ",".join(PRODUCTS), ",".join(LANES)


def test_what_is_exported_comes_back_as_it_was() -> None:
    made = read([products_csv(BOOK), lanes_csv(BOOK)], BOOK)
    assert made.mistakes == []
    assert changes(BOOK, made.wanted) == ()
    assert applied({}, changes({}, made.wanted)) == BOOK


def test_a_name_that_a_spreadsheet_would_run_is_kept_a_text_and_comes_back() -> None:
    named = {**BOOK, (Kind.PRODUCT, "cola"): Product(name_zh="=1+1", name_en="+cola", price_fen=350)}
    text = products_csv(named)
    assert "'=1+1,'+cola" in text
    assert read([text], named).wanted[Kind.PRODUCT, "cola"] == named[Kind.PRODUCT, "cola"]


def test_a_table_speaks_for_the_machines_it_names_and_for_no_other() -> None:
    made = read([f"{LANE_HEAD}\n{ONE},12,tea,,,,,,\n"], BOOK)
    after = applied(BOOK, changes(BOOK, made.wanted))
    assert {key[1] for key in after if key[0] is Kind.LANE} == {
        "#corner/1",
        "#corner/2",
        f"{ONE}/12",
        f"{TWO}/2",
    }


def test_a_row_without_a_lane_says_template_and_route() -> None:
    made = read([f"{LANE_HEAD}\n{ONE},,,,,,,#corner,south\n"], BOOK)
    assert made.wanted[Kind.MACHINE, ONE] == Plan(template="#corner", route="south")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "file 1, row 1, column all: found '', allowed a head of product,"),
        ("product,name_zh\n", "file 1, row 1, column name_en: found 'product,name_zh', allowed each of"),
        (f"{PRODUCT_HEAD},colour\n", "file 1, row 1, column colour"),
        (f"{PRODUCT_HEAD},picture\n", "file 1, row 1, column picture"),
        (
            f"{PRODUCT_HEAD}\ncola,可乐,Cola,3.50,,\n",
            "file 1, row 2, column price_fen: found '3.50', allowed a whole",
        ),
        (
            f"{PRODUCT_HEAD}\n\ncola,可乐,Cola,350\n",
            "file 1, row 3, column all: found 4 cells, allowed 6 cells",
        ),
        (
            f"{LANE_HEAD}\n{ONE},11,cola,,,,,,\n{ONE},11,tea,,,,,,\n",
            "file 1, row 3, column lane: found 'vm-0001/11'",
        ),
        (
            f"{LANE_HEAD}\n{ONE},11,cola,,,,,,north\n",
            "file 1, row 2, column route: found 'north', allowed nothing",
        ),
        (f"{LANE_HEAD}\n{ONE},,cola,,,,,,\n", "file 1, row 2, column product: found 'cola', allowed nothing"),
        (f"{LANE_HEAD}\n#corner,,,,,,,,\n", "file 1, row 2, column lane"),
        (f'{PRODUCT_HEAD}\ncola,"可乐,Cola\n', "file 1, row 2, column all"),
    ],
)
def test_a_mistake_is_told_by_file_row_and_column(text: str, words: str) -> None:
    found = [str(each) for each in read([text], BOOK).mistakes]
    assert any(each.startswith(words) for each in found), found


def test_a_fault_of_the_book_is_told_by_the_row_that_caused_it() -> None:
    text = f"{LANE_HEAD}\n{ONE},11,cola,,,,,,\n{ONE},12,juice,,,9,8,,\n"
    made = read([text], BOOK)
    wrong = placed(made, faults(applied(BOOK, changes(BOOK, made.wanted)), (ONE, TWO)))
    assert [str(each) for each in wrong] == [
        "file 1, row 3, column product: found 'juice', allowed the code of a product",
        "file 1, row 3, column par: found 9, allowed at most the capacity of 8",
    ]


def test_a_row_after_a_cell_of_two_lines_is_counted_as_a_spreadsheet_counts() -> None:
    text = f'{PRODUCT_HEAD}\ncola,"可\n乐",Cola,350,,\ntea,绿茶,Tea,x,,\n'
    assert [each.row for each in read([text], BOOK).mistakes] == [4]


def test_only_the_machines_that_are_asked_for_are_exported() -> None:
    wanted: Mapping[Key, Entry] = {key: each for key, each in BOOK.items() if key[1].startswith(ONE)}
    assert {line.split(",")[0] for line in lanes_csv(BOOK, only=[ONE]).splitlines()[1:]} == {ONE}
    assert len(wanted) == 2
    assert COLA.cost_fen == 200
