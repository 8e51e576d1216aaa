"""Books to test: in memory, in SQLite, in PostgreSQL; addresses of empty databases."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest

from cloud_bridge.ports import Store
from cloud_bridge.store.books import SqlStore, open_store
from hw_sim.world.books import MemoryStore
from tests.unit.store.cluster import Cluster, need_cluster

INCARNATION: Final = "s" * 26


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    need_cluster()
    with Cluster() as made:
        yield made


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/books.db"


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, sqlite_url: str) -> str:
    """An empty database of each kind."""
    if request.param == "sqlite":
        return sqlite_url
    cluster: Cluster = request.getfixturevalue("cluster")
    return cluster.empty_database()


@pytest.fixture
def opened() -> Iterator[Callable[[str], SqlStore]]:
    """Opens books, and closes at the end what a test did not close."""
    stores: list[SqlStore] = []

    def make(url: str) -> SqlStore:
        stores.append(open_store(url, incarnation=lambda: INCARNATION, idle_s=600))
        return stores[-1]

    yield make
    for store in stores:
        store.close()


@pytest.fixture
def sql_store(url: str, opened: Callable[[str], SqlStore]) -> SqlStore:
    return opened(url)


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path, opened: Callable[[str], SqlStore]) -> Store:
    """Every kind of books there is."""
    if request.param == "memory":
        return MemoryStore()
    if request.param == "sqlite":
        return opened(f"sqlite:///{tmp_path}/books.db")
    cluster: Cluster = request.getfixturevalue("cluster")
    return opened(cluster.empty_database())
