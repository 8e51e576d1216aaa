"""Opening books: new ones, older ones, those of others, damaged ones, and those that somebody holds."""

import asyncio
import os
import sqlite3
import traceback
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.util import CommandError
from sqlalchemy import column, create_engine, insert, inspect, table, text

from cloud_bridge.core.case import Case
from cloud_bridge.core.delivery import Outcome
from cloud_bridge.core.ledger import Post
from cloud_bridge.core.sale import Sale
from cloud_bridge.core.trail import Change
from cloud_bridge.ports import Fact, JournalRow, StandingAlarm
from cloud_bridge.store import tables
from cloud_bridge.store.books import SqlStore, open_store
from cloud_bridge.store.database import connect
from cloud_bridge.store.schema import VERSION_TABLE, StoreUnusable
from cloud_bridge.store.tx import fields as as_columns
from tests.unit.bridge.rows import CASE
from tests.unit.store.conftest import INCARNATION

Opener = Callable[[str], SqlStore]


def change(url: str, *statements: str) -> None:
    """Somebody else writes."""
    engine = create_engine(url)
    with engine.begin() as db:
        for statement in statements:
            db.execute(text(statement))
    engine.dispose()


# ---------------------------------------------------------------- the schema


def test_an_empty_database_is_brought_to_exactly_the_tables_that_the_code_speaks_of(
    url: str, opened: Opener
) -> None:
    opened(url).close()
    engine = create_engine(url)
    with engine.connect() as db:
        context = MigrationContext.configure(db, opts={"version_table": VERSION_TABLE})
        assert compare_metadata(context, tables.metadata) == []
        seen = inspect(db)
        for table in tables.metadata.sorted_tables:
            told = {check["name"] for check in seen.get_check_constraints(table.name)}
            assert told == {check.name for check in table.constraints if hasattr(check, "sqltext")}
    engine.dispose()


def test_on_sqlite_every_table_keeps_to_its_types(sqlite_url: str, opened: Opener) -> None:
    opened(sqlite_url).close()
    db = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"))
    strict = {
        name: strict for _, name, kind, _, _, strict in db.execute("PRAGMA table_list") if kind == "table"
    }
    db.close()
    assert {table.name for table in tables.metadata.sorted_tables if not strict[table.name]} == set()


@pytest.mark.parametrize(
    ("table", "kept", "more"),
    [
        (tables.sale, Sale, set[str]()),
        (tables.ledger, Post, {"id", "sale_id", "wall_ms", "hash"}),
        (tables.fact, Fact, {"id"}),
        (tables.journal, JournalRow, set[str]()),
        (tables.alarm, StandingAlarm, set[str]()),
        (tables.case, Case, {"id"}),
        (tables.trail, Change, {"id", "row", "hash"}),
    ],
    ids=["sale", "ledger", "fact", "journal", "alarm", "case", "trail"],
)
def test_every_field_has_its_column(table: Any, kept: type, more: set[str]) -> None:
    """A field that is added without a migration is noticed here, and not by a merchant."""
    assert {column.name for column in table.columns} == {field.name for field in fields(kept)} | more


def test_books_never_go_back_to_an_older_schema(url: str, opened: Opener) -> None:
    opened(url).close()
    engine = create_engine(url)
    with engine.begin() as db:
        config = Config(attributes={"connection": db})
        config.set_main_option("script_location", "cloud_bridge.store:migrations")
        with pytest.raises(CommandError, match="restore a backup"):
            command.downgrade(config, "base")
    engine.dispose()
    opened(url)


def test_books_of_the_first_schema_keep_their_sales_and_their_open_cases_get_rows(
    url: str, opened: Opener
) -> None:
    """Books as the first program left them: its own steps make them, not this program's tables."""
    database = connect(url)
    with database.writer.begin():
        config = Config(attributes={"connection": database.writer})
        config.set_main_option("script_location", "cloud_bridge.store:migrations")
        command.upgrade(config, "0001")
    with database.writer.begin():
        names = {each["name"] for each in inspect(database.writer).get_columns("sale")}
        old = table("sale", *(column(each.name, each.type) for each in tables.sale.c if each.name in names))
        kept = {name: value for name, value in as_columns(CASE).items() if name in names}
        database.writer.execute(insert(old), kept | {"sale_id": "x" * 26})
        other = kept | {"sale_id": "y" * 26, "transaction_id": "T2", "case": ""}
        database.writer.execute(insert(old), other)
        database.writer.execute(insert(tables.books).values(id=1, incarnation="old", rests=0))
    database.close()
    store = opened(url)
    assert store.incarnation == "old"
    ((case, sale),) = asyncio.run(store.cases())
    assert (case.sale_id, case.reason, case.opened_wall_ms) == ("x" * 26, "brakes", CASE.changed_wall_ms)
    assert sale == replace(CASE, sale_id="x" * 26)
    delivery = asyncio.run(store.on_desk(lambda tx: tx.delivery("x" * 26)))
    assert delivery is not None
    assert (delivery.outcome, delivery.machine) == (Outcome.UNKNOWN, CASE.machine)
    assert asyncio.run(store.check()).changes == 0


def test_books_of_a_newer_program_are_left_alone(url: str, opened: Opener) -> None:
    opened(url).close()
    change(url, f"UPDATE {VERSION_TABLE} SET version_num = '9999'")
    with pytest.raises(StoreUnusable, match="found schema 9999, allowed up to 00"):
        opened(url)


def test_a_database_of_another_program_is_left_as_it_was(url: str, opened: Opener) -> None:
    change(url, "CREATE TABLE ours (x INTEGER)")
    before = Path(url.removeprefix("sqlite:///")).read_bytes() if url.startswith("sqlite") else b""
    with pytest.raises(StoreUnusable, match="another program's"):
        opened(url)
    after = Path(url.removeprefix("sqlite:///")).read_bytes() if url.startswith("sqlite") else b""
    assert before == after
    engine = create_engine(url)
    assert inspect(engine).get_table_names() == ["ours"]
    engine.dispose()


def test_an_empty_file_that_another_program_has_marked_is_left_alone(sqlite_url: str, opened: Opener) -> None:
    db = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"))
    db.execute("PRAGMA application_id = 77")
    db.close()
    with pytest.raises(StoreUnusable, match="another program's"):
        opened(sqlite_url)


# ---------------------------------------------------------------- identity


def test_new_books_get_an_incarnation_and_keep_it(url: str) -> None:
    made = iter(["first", "second"])
    for _ in range(2):
        store = open_store(url, incarnation=lambda: next(made))
        assert store.incarnation == "first"
        store.close()
    assert next(made) == "second"


def test_a_second_process_is_told_who_holds_the_books(url: str, opened: Opener) -> None:
    first = opened(url)
    with pytest.raises(StoreUnusable, match=f"held by .*process {os.getpid()} on .*stop it first"):
        opened(url)
    first.close()
    opened(url)


def test_the_same_file_by_another_name_is_the_same_books(tmp_path: Path, opened: Opener) -> None:
    opened(f"sqlite:///{tmp_path}/books.db")
    (tmp_path / "link").symlink_to(tmp_path)
    with pytest.raises(StoreUnusable, match="held by"):
        opened(f"sqlite:///{tmp_path}/link/books.db")


def test_only_the_owner_may_read_the_file(sqlite_url: str, tmp_path: Path, opened: Opener) -> None:
    opened(sqlite_url)
    made = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    assert set(made.values()) == {0o600}
    assert "books.db-wal" in made


# ---------------------------------------------------------------- what cannot be opened


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("books.db", "no address of a database. Try: sqlite:////var/lib"),
        ("", "no address of a database"),
        ("mysql://u:hunter2@h/db", r"mysql://u:\*\*\*@h/db: found mysql, allowed sqlite"),
        ("sqlite+aiosqlite:////tmp/x.db", "found sqlite.aiosqlite, allowed sqlite"),
        ("sqlite://", "no plain file"),
        ("sqlite:///:memory:", "no plain file"),
        ("sqlite:///file:x.db?uri=true", "no plain file"),
        ("sqlite:////dev/null/books.db", "cannot be opened"),
        ("postgresql://u:hunter2@127.0.0.1:1/db?password=hunter2", "cannot be opened: .*127.0.0.1"),
    ],
)
def test_what_is_no_database_of_ours_is_named_without_its_secrets(url: str, why: str) -> None:
    with pytest.raises(StoreUnusable, match=why) as caught:
        open_store(url, incarnation=lambda: INCARNATION)
    assert "hunter2" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(
    "content", [b"not a database, not at all" * 500, b"SQLite format 3\0" + b"\xff" * 8000]
)
def test_a_file_that_is_no_database_is_left_as_it_was(
    content: bytes, sqlite_url: str, opened: Opener
) -> None:
    path = Path(sqlite_url.removeprefix("sqlite:///"))
    path.write_bytes(content)
    with pytest.raises(StoreUnusable, match=r"books\.db: cannot be opened"):
        opened(sqlite_url)
    assert path.read_bytes() == content


def test_books_with_a_damaged_page_are_not_opened(sqlite_url: str, opened: Opener) -> None:
    opened(sqlite_url).close()
    path = Path(sqlite_url.removeprefix("sqlite:///"))
    whole = path.read_bytes()
    for start in range(4096, len(whole), 4096):
        path.write_bytes(whole[:start] + b"\xa5" * 4096 + whole[start + 4096 :])
        with pytest.raises(StoreUnusable):
            opened(sqlite_url)
    path.write_bytes(whole)
    opened(sqlite_url)
