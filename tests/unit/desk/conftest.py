"""One set of keys for all, and books for each test."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cloud_bridge.store.books import SqlStore, open_store
from tests.unit.desk.shop import Shop
from tests.unit.sim_platform.bench import Bench
from tests.unit.sim_platform.conftest import key_folder, make_bench

__all__ = ["key_folder", "make_bench"]


@pytest.fixture(scope="session")
def empty_books(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Books with nothing in them, made once: a schema takes longer to make than to copy."""
    path = tmp_path_factory.mktemp("empty") / "books.db"
    open_store(f"sqlite:///{path}", incarnation=lambda: "s" * 26, idle_s=600).close()
    return path


@pytest.fixture
def store(tmp_path: Path, empty_books: Path) -> Iterator[SqlStore]:
    shutil.copy(empty_books, tmp_path / "books.db")
    store = open_store(f"sqlite:///{tmp_path}/books.db", incarnation=lambda: "s" * 26, idle_s=600)
    yield store
    store.close()


@pytest.fixture
def shop(make_bench: Callable[..., Bench], store: SqlStore) -> Shop:
    return Shop(make_bench(), store)
