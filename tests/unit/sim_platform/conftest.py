"""One set of keys for all tests of the platform: making RSA keys is slow."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from hw_sim.platform.keys import open_keys
from tests.unit.sim_platform.bench import START_MS, Bench


@pytest.fixture(scope="session")
def key_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("platform") / "keys"
    open_keys(folder, now_ms=START_MS)
    return folder


@pytest.fixture(scope="session")
def make_bench(key_folder: Path) -> Callable[..., Bench]:
    key = load_pem_private_key((key_folder / "merchant_private_key.pem").read_bytes(), password=None)
    assert isinstance(key, RSAPrivateKey)
    keys = open_keys(key_folder, now_ms=START_MS)

    def make(**settings: Any) -> Bench:
        return Bench(keys=keys, key=key, **settings)

    return make


@pytest.fixture
def bench(make_bench: Callable[..., Bench]) -> Bench:
    return make_bench()
