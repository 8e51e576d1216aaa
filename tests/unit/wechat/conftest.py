"""One set of keys for the whole run: making them is slow."""

import pytest

from tests.unit.wechat.parties import Parties, new_parties


@pytest.fixture(scope="session")
def parties(tmp_path_factory: pytest.TempPathFactory) -> Parties:
    return new_parties(tmp_path_factory.mktemp("keys"))
