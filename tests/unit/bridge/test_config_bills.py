"""Where bills lie, and what the command refuses before it touches books or network."""

from pathlib import Path

import pytest

from cloud_bridge.config import read_settings
from tests.unit.bridge.test_config import account as account
from tests.unit.bridge.test_config import change, wxvend
from tests.unit.bridge.test_config import folder as folder


def test_bills_lie_beside_the_books_by_themselves(folder: Path) -> None:
    settings = read_settings(folder / "bridge.toml")
    assert (settings.bills.daily, settings.bills_folder) == (True, folder / "bills")


def test_bills_lie_where_the_settings_say(folder: Path) -> None:
    path = change(folder, "[[machines]]", '[bills]\ndaily = false\nfolder = "elsewhere"\n\n[[machines]]')
    settings = read_settings(path)
    assert (settings.bills.daily, settings.bills_folder) == (False, folder / "elsewhere")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--date", "31.1.2026"), "date: found '31.1.2026', allowed a day such as 2026-01-31"),
        (("--merchant", "other"), "merchant: found 'other', allowed ''"),
    ],
)
def test_a_day_or_a_merchant_that_is_none_is_refused(folder: Path, words: tuple[str, ...], said: str) -> None:
    refused = wxvend("reconcile", folder, *words)
    assert refused.exit_code == 2
    assert said in refused.output
    assert not (folder / "bridge.db").exists()


def test_an_explanation_needs_somebody_and_some_words(folder: Path) -> None:
    how = ("key", "--date", "2026-01-31", "--by", " ", "--why", "x")
    refused = wxvend("explain", folder, *how)
    assert (refused.exit_code, "by: found ' '" in refused.output) == (2, True)
