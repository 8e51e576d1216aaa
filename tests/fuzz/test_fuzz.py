"""A short fuzz of every reader on each run; `scripts/fuzz SECONDS` is the long one."""

from pathlib import Path

import pytest

from tests.fuzz.engine import fuzz
from tests.fuzz.targets import targets
from tests.unit.wechat.parties import Parties, new_parties

SECONDS = 2.0
NAMES = (
    *("xy frames", "xy session", "envelope", "gate", "message"),
    *("notice on its way", "notice in its words", "xml", "edge.toml", "bridge.toml"),
)


@pytest.fixture(scope="module")
def parties(tmp_path_factory: pytest.TempPathFactory) -> Parties:
    return new_parties(tmp_path_factory.mktemp("keys"))


@pytest.mark.parametrize("name", NAMES)
def test_whatever_comes_in_is_accepted_or_refused_by_a_name(
    name: str, parties: Parties, tmp_path: Path
) -> None:
    each = targets(tmp_path, parties)
    assert set(each) == set(NAMES)
    counts = fuzz(each[name], SECONDS)
    accepted = sum(count for what, count in counts.items() if what.startswith("accepted"))
    assert 0 < accepted < counts.total(), counts
