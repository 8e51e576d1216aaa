"""Printed sheets: each label's code says exactly what it is to say, on as many pages as it takes."""

from pathlib import Path

import pytest
import zxingcpp
from PIL import Image

from cloud_bridge.sheets import A4, COLUMNS, ROWS, Label, pages, save_pdf, save_pngs

LONG = "weixin://wxpay/bizpayurl?sign=" + "8" * 32 + "&appid=wx0123456789abcdef&product_id=" + "a" * 32


def label(lane: int) -> Label:
    return Label(
        machine="vm-0001",
        lane=lane,
        name_zh="非常长的一个商品名称加冰" * (lane % 3),
        name_en="A very long name of a product",
        price_fen=350 * lane,
        phone="400-820-1234",
        edition=2,
        code=f"{LONG}&time_stamp={lane:010}",
    )


def read(page: Image.Image) -> list[str]:
    return [found.text for found in zxingcpp.read_barcodes(page.convert("L"))]


@pytest.fixture(scope="module")
def sheets() -> list[Image.Image]:
    return list(pages([label(lane) for lane in range(1, COLUMNS * ROWS + 2)]))


def test_a_phone_reads_every_code_as_it_was_meant(sheets: list[Image.Image]) -> None:
    assert sorted(text for page in sheets for text in read(page)) == [
        label(lane).code for lane in range(1, COLUMNS * ROWS + 2)
    ]


def test_a_page_is_a4_and_the_seventh_label_begins_another(sheets: list[Image.Image]) -> None:
    assert [page.size for page in sheets] == [A4, A4]
    assert [len(read(page)) for page in sheets] == [COLUMNS * ROWS, 1]


def test_sheets_are_one_pdf_or_a_picture_each(sheets: list[Image.Image], tmp_path: Path) -> None:
    save_pdf(tmp_path / "codes.pdf", sheets)
    assert (tmp_path / "codes.pdf").read_bytes().count(b"/Type /Page\n") == 2
    paths = save_pngs(tmp_path, "codes", sheets)
    assert [path.name for path in paths] == ["codes-1.png", "codes-2.png"]
    with Image.open(paths[0]) as picture:
        assert picture.size == A4


def test_a_code_never_stands_in_what_a_log_would_write() -> None:
    assert "weixin" not in repr(label(1))
