"""What a disk can do to the journal: each kind of damage is told apart, and nothing good is thrown away."""

import asyncio
import os
import resource
import signal
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from edge.core.model import Sale, State
from edge.journal import APPLICATION_ID, SCHEMA_VERSION, SqliteJournal
from edge.journal_rows import verify_chain
from edge.ports import Change, JournalFailed
from tests.unit.edge.test_journal import a_sale, opened, report

NOBODY = 65534


def in_a_child(work: Callable[[], None]) -> int:
    """Do it in a forked process; its exit code, 0 when all was well, -N when signal N ended it."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


async def filled(path: Path, count: int = 200) -> None:
    with opened(path, confirm_new=True) as journal:
        for number in range(count):
            await journal.commit(Change(sale=a_sale(journal.session, number), rows=(report(number + 1),)))


# ---------------------------------------------------------------- what is good stays


def test_a_journal_says_what_it_is_and_which_schema_it_has(tmp_path: Path) -> None:
    opened(tmp_path / "j.db").close()
    with closing(sqlite3.connect(tmp_path / "j.db")) as db:
        assert db.execute("PRAGMA application_id").fetchone()[0] == APPLICATION_ID
        assert db.execute("PRAGMA user_version").fetchone()[0] == SCHEMA_VERSION
        tables = dict(
            db.execute("SELECT name, strict FROM pragma_table_list WHERE schema = 'main'").fetchall()
        )
        assert {name: strict for name, strict in tables.items() if not name.startswith("sqlite_")} == {
            "meta": 1,
            "sale": 1,
            "outbox": 1,
            "chain": 1,
            "request": 1,
            "start": 1,
        }


def test_a_missing_journal_is_a_new_one_that_waits_for_a_person(tmp_path: Path) -> None:
    with opened(tmp_path / "deep" / "j.db") as journal:
        assert (journal.confirmed, journal.aside, journal.session.boot) == (False, None, 1)


async def test_a_journal_that_somebody_holds_for_a_moment_is_not_moved_aside(tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    await filled(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(JournalFailed, match="locked"):
            opened(path)
    with opened(path) as again:
        assert again.last_n == 200
        assert again.confirmed


async def test_a_journal_that_may_not_be_written_is_not_moved_aside(tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    await filled(path)
    path.chmod(0o444)
    for folder in (tmp_path, *tmp_path.parents[:-1]):
        if folder.is_relative_to("/tmp/pytest-of-root"):
            folder.chmod(0o755)
    tmp_path.chmod(0o777)
    (tmp_path / "j.db.lock").chmod(0o666)

    def cannot() -> None:
        if os.geteuid() == 0:  # nothing is forbidden to root
            os.setuid(NOBODY)
        with pytest.raises(JournalFailed, match="readonly"):
            opened(path)

    assert in_a_child(cannot) == 0
    path.chmod(0o644)
    with opened(path) as again:
        assert again.last_n == 200
    assert list(tmp_path.glob("*damaged*")) == []


async def test_a_full_disk_at_the_start_is_not_damage(tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    await filled(path)

    def cannot() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
        with pytest.raises(JournalFailed, match="journal"):
            opened(path)

    assert in_a_child(cannot) == 0
    with opened(path) as again:
        assert (again.last_n, again.session.boot) == (200, 2)
    assert list(tmp_path.glob("*damaged*")) == []


def test_a_full_disk_in_the_middle_ends_all_writing_and_keeps_what_was_promised(tmp_path: Path) -> None:
    path = tmp_path / "j.db"

    async def fill() -> int:
        done = 0
        with opened(path) as journal:
            size = Path(f"{path}-wal").stat().st_size + 100_000
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
            try:
                for number in range(10_000):
                    await journal.commit(
                        Change(sale=a_sale(journal.session, number), rows=(report(number + 1),))
                    )
                    done = number + 1
            except JournalFailed:
                with pytest.raises(JournalFailed, match="failed before"):
                    await journal.commit(Change(rows=(report(done + 2),)))
        (tmp_path / "done").write_text(str(done))
        return done

    def work() -> None:
        assert 0 < asyncio.run(fill()) < 10_000

    assert in_a_child(work) == 0
    with opened(path) as again:
        assert again.last_n == int((tmp_path / "done").read_text())
        assert len(again.unfinished()) == again.last_n


# ---------------------------------------------------------------- what is not good is kept for a person


@pytest.mark.parametrize("at", [0, 16, 100, 4096, 60_000])
async def test_a_damaged_page_moves_the_journal_aside(tmp_path: Path, at: int) -> None:
    path = tmp_path / "j.db"
    await filled(path)
    content = bytearray(path.read_bytes())
    content[at : at + 600] = b"\xa5" * 600
    path.write_bytes(content)
    with opened(path) as journal:
        assert journal.aside == tmp_path / "j.db.damaged-77"
        assert journal.aside.read_bytes() == content
        assert (journal.confirmed, journal.last_n, journal.session.boot) == (False, 0, 1)


async def test_a_journal_cut_short_moves_aside(tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    await filled(path)
    os.truncate(path, path.stat().st_size // 2)
    with opened(path) as journal:
        assert journal.aside is not None


def test_an_empty_file_moves_aside(tmp_path: Path) -> None:
    (tmp_path / "j.db").touch()
    with opened(tmp_path / "j.db") as journal:
        assert not journal.confirmed


def test_a_log_whose_database_is_gone_is_kept_for_a_person(tmp_path: Path) -> None:
    (tmp_path / "j.db-wal").write_bytes(b"the last words")
    with opened(tmp_path / "j.db") as journal:
        assert journal.aside is not None
    assert (tmp_path / "j.db.damaged-77-wal").read_bytes() == b"the last words"


# ---------------------------------------------------------------- the power goes


def test_whatever_was_promised_before_a_kill_is_there_after_it(tmp_path: Path) -> None:
    path, (reading, writing) = tmp_path / "j.db", os.pipe()

    async def work() -> None:
        with opened(path) as journal:
            for number in range(1_000_000):
                await journal.commit(Change(sale=a_sale(journal.session, number), rows=(report(number + 1),)))
                os.write(writing, b".")

    for kills in range(3):
        child = os.fork()
        if child == 0:
            try:
                asyncio.run(work())
            finally:
                os._exit(1)
        promised = len(os.read(reading, 1))
        while promised < 20 + 30 * kills:
            promised += len(os.read(reading, 16))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.set_blocking(reading, False)
        with suppress(BlockingIOError):
            promised += len(os.read(reading, 1 << 20))
        os.set_blocking(reading, True)
        with opened(path) as again:
            assert promised <= again.last_n <= promised + 1
            assert len(again.unfinished()) == again.last_n
        assert verify_chain(path) == again.last_n
        for file in tmp_path.glob("j.db*"):
            file.unlink()
    os.close(reading)
    os.close(writing)


# ---------------------------------------------------------------- a row only goes forward


async def opening(path: Path) -> tuple[SqliteJournal, Sale]:
    journal = opened(path)
    sale = a_sale(journal.session)
    await journal.commit(Change(sale=sale))
    return journal, sale


FORWARD = {
    (State.OPEN, State.INTENT),
    (State.OPEN, State.CLOSED),
    (State.INTENT, State.CLOSED),
    (State.INTENT, State.DELIVERED),
    (State.INTENT, State.NOT_DELIVERED),
    (State.INTENT, State.UNCERTAIN),
}


@pytest.mark.parametrize("after", list(State))
@pytest.mark.parametrize("before", list(State))
async def test_the_file_itself_takes_only_the_listed_transitions(
    tmp_path: Path, before: State, after: State
) -> None:
    journal, sale = await opening(tmp_path / "j.db")
    with journal:
        if before is not State.OPEN:
            if before is not State.CLOSED:
                await journal.commit(Change(sale=replace(sale, state=State.INTENT, seq=1)))
            if before is not State.INTENT:
                await journal.commit(Change(sale=replace(sale, state=before, seq=1)))
        if (before, after) in FORWARD:
            await journal.commit(Change(sale=replace(sale, state=after, seq=1)))
            return
        with pytest.raises(JournalFailed):
            await journal.commit(Change(sale=replace(sale, state=after, seq=1)))
        row = journal.sale(sale.sale_id)
        assert row is not None
        assert row.state is before


async def test_a_row_that_was_never_opened_cannot_become_an_intent(tmp_path: Path) -> None:
    with opened(tmp_path / "j.db") as journal, pytest.raises(JournalFailed, match="cannot become intent"):
        await journal.commit(Change(sale=replace(a_sale(journal.session), state=State.INTENT, seq=1)))


async def test_the_chain_holds_whatever_is_asked_for_at_once(tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    with opened(path) as journal:
        await asyncio.gather(
            *(journal.commit(Change(sale=a_sale(journal.session, number))) for number in range(30))
        )
    assert verify_chain(path) == 30


async def test_an_index_that_hides_an_interrupted_vend_is_damage(tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    await filled(path, 3)

    def rewrite(before: str, after: str, db: sqlite3.Connection) -> None:
        db.execute("PRAGMA writable_schema = 1")
        sql = "UPDATE sqlite_schema SET sql = replace(sql, ?, ?) WHERE name = 'sale_unfinished'"
        db.execute(sql, (before, after))
        db.commit()

    with closing(sqlite3.connect(path)) as db:
        rewrite("'open', 'intent'", "'none'", db)
    with closing(sqlite3.connect(path)) as db:
        db.execute("REINDEX sale_unfinished")
        rewrite("'none'", "'open', 'intent'", db)
    with opened(path) as journal:
        assert journal.aside is not None
