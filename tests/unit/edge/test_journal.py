"""The journal: what is committed is there after any restart, and nobody shares it or quietly changes it."""

import asyncio
import os
import sqlite3
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from edge.core.model import Baseline, Sale, Session, State
from edge.journal import Fresh, SqliteJournal, confirm, open_journal
from edge.journal_rows import check_journal, verify_chain
from edge.ports import Change, JournalFailed, OutboxRow

JID = "j" * 26


def opened(path: Path, *, jid: str = JID, bits: str = "0" * 16, confirm_new: bool = False) -> SqliteJournal:
    return open_journal(path, Fresh(jid=jid, bits=bits, wall_ms=77), confirm_new=confirm_new)


def a_sale(session: Session, number: int = 1) -> Sale:
    return Sale(
        sale_id=f"{'a' * 24}{number:02d}",
        lane=12,
        price_fen=350,
        catalogue_version=3,
        session=session,
        opened_wall_ms=number,
        lease_until_ms=999,
        code_url="weixin://secret",
    )


def report(n: int) -> OutboxRow:
    return OutboxRow(n=n, kind="sale.closed", sale_id="s", payload=f"{n}".encode())


async def test_a_committed_row_is_there_after_a_restart_without_what_lived_in_memory(tmp_path: Path) -> None:
    with opened(tmp_path / "j.db") as journal:
        opened_sale = a_sale(journal.session)
        await journal.commit(Change(sale=opened_sale))
        sale = replace(opened_sale, state=State.INTENT, seq=7, baseline=Baseline(stock=5), paid_hash="h")
        await journal.commit(Change(sale=sale, rows=(report(1),), seq=7, catalogue=b"{}"))
    with opened(tmp_path / "j.db") as again:
        assert again.unfinished() == (replace(sale, lease_until_ms=0, code_url=""),)
        assert again.sale(sale.sale_id) == replace(sale, lease_until_ms=0, code_url="")
        assert again.reports_after(0, 10) == (report(1),)
        assert (again.last_n, again.last_seq, again.catalogue) == (1, 7, b"{}")


def test_each_opening_is_a_new_session_of_the_same_journal(tmp_path: Path) -> None:
    sessions = []
    for bits in ("1" * 16, "2" * 16):
        with opened(tmp_path / "j.db", jid=bits[0] * 26, bits=bits) as journal:
            sessions.append(journal.session)
    assert sessions == [
        Session(jid="1" * 26, boot=1, bits="1" * 16),
        Session(jid="1" * 26, boot=2, bits="2" * 16),
    ]


def test_two_daemons_never_share_a_journal(tmp_path: Path) -> None:
    with (
        opened(tmp_path / "j.db"),
        pytest.raises(JournalFailed, match="another daemon holds it"),
    ):
        opened(tmp_path / "j.db")


def test_a_damaged_journal_is_moved_aside_and_the_new_one_waits_for_a_person(tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    path.write_bytes(b"not a database, not at all" * 500)
    with opened(path) as journal:
        assert not journal.confirmed
        assert journal.session.boot == 1
    assert (tmp_path / "j.db.damaged-77").exists()
    confirm(path)
    with opened(path) as again:
        assert again.confirmed


def test_a_file_of_somebody_else_is_not_taken_for_a_journal(tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    db = sqlite3.connect(path)
    db.execute("CREATE TABLE t (x)")
    db.close()
    with opened(path) as journal:
        assert not journal.confirmed
    assert (tmp_path / "j.db.damaged-77").exists()


def test_a_journal_of_a_newer_program_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    opened(path).close()
    db = sqlite3.connect(path)
    db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(JournalFailed, match="newer"):
        opened(path)
    assert path.exists()


def test_confirming_needs_a_journal_that_no_daemon_holds(tmp_path: Path) -> None:
    with pytest.raises(JournalFailed, match="wxvend edge init"):
        confirm(tmp_path / "j.db")
    with opened(tmp_path / "j.db"), pytest.raises(JournalFailed, match="another daemon"):
        confirm(tmp_path / "j.db")


def test_a_journal_is_for_its_daemon_alone_whoever_made_or_confirmed_it(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    folder.mkdir()
    if os.geteuid() == 0:
        os.chown(folder, 61_234, 61_234)  # as systemd gives a service its folder
    path = folder / "j.db"
    opened(path).close()
    confirm(path)
    with opened(path, bits="1" * 16) as journal:
        assert journal.confirmed
        files = {file.name: file.stat() for file in folder.iterdir()}
    assert {"j.db", "j.db.lock", "j.db-wal"} <= files.keys()
    assert {stat.S_IMODE(each.st_mode) for each in files.values()} == {0o600}
    assert {each.st_uid for each in files.values()} == {folder.stat().st_uid}


async def test_the_chain_shows_an_edited_entry(tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    with opened(path) as journal:
        for number in range(3):
            await journal.commit(Change(sale=a_sale(journal.session, number)))
    assert verify_chain(path) == 3
    with opened(path) as journal:
        await journal.commit(Change(sale=a_sale(journal.session, 4)))
    assert verify_chain(path) == 4
    db = sqlite3.connect(path)
    db.execute("UPDATE chain SET entry = replace(entry, '350', '100') WHERE id = 2")
    db.commit()
    db.close()
    with pytest.raises(JournalFailed, match="entry 2"):
        verify_chain(path)


EDITS = {
    "UPDATE chain SET entry = replace(entry, '350', '9') WHERE id = 2": "chain entry 2 of sale S was changed",
    "UPDATE chain SET hash = 'x' WHERE id = 2": "chain entry 2 of sale S was changed",
    "DELETE FROM chain WHERE id = 1": "chain entry 2 of sale S was changed",
    "DELETE FROM chain WHERE id = 4": "sale S: its row was changed",
    "UPDATE sale SET state = 'delivered'": "sale S: its row was changed",
    "UPDATE sale SET price_fen = 1": "sale S: its row was changed",
    "DELETE FROM sale": "sale S: its row is gone",
    "INSERT INTO sale SELECT 'other', lane, price_fen, catalogue_version, jid, boot, bits, opened_wall_ms, "
    "state, why, evidence, seq, base_seq, base_stock, base_count, paid_hash FROM sale LIMIT 1": (
        "sale other: no entry made it"
    ),
}


@pytest.mark.parametrize("edit", EDITS)
async def test_an_edited_entry_or_row_is_found_and_named_by_command(edit: str, tmp_path: Path) -> None:
    """Also while the daemon has the journal open."""
    path = tmp_path / "edge.db"
    with opened(path) as journal:
        first = a_sale(journal.session)
        for number in (1, 2):
            sale = a_sale(journal.session, number)
            await journal.commit(Change(sale=sale))
            await journal.commit(Change(sale=replace(sale, state=State.CLOSED, why="cancel")))
        assert check_journal(path) == (4, ())
    second = a_sale(first.session, 2).sale_id
    db = sqlite3.connect(path)
    assert db.execute(edit).rowcount > 0
    db.commit()
    db.close()
    _, faults = check_journal(path)
    named = EDITS[edit].replace("sale S", f"sale {second}")
    assert named in faults or named.replace(second, first.sale_id) in faults


async def test_a_failed_commit_leaves_nothing_and_ends_all_writing(tmp_path: Path) -> None:
    with opened(tmp_path / "j.db") as journal:
        await journal.commit(Change(rows=(report(1),)))
        with pytest.raises(JournalFailed):
            await journal.commit(Change(sale=a_sale(journal.session), rows=(report(1),)))
        with pytest.raises(JournalFailed, match="failed before"):
            await journal.commit(Change(rows=(report(2),)))
        assert journal.sale(a_sale(journal.session).sale_id) is None


async def test_a_read_only_folder_is_a_clear_failure(tmp_path: Path) -> None:
    target = tmp_path / "file"
    target.write_text("not a folder")
    with pytest.raises(JournalFailed, match="journal"):
        opened(target / "j.db")


async def test_resting_keeps_every_row(tmp_path: Path) -> None:
    with opened(tmp_path / "j.db") as journal:
        for number in range(20):
            await journal.commit(Change(sale=a_sale(journal.session, number)))
        await journal.rest()
        await journal.commit(Change(rows=(report(1),)))
        assert len(journal.unfinished()) == 20
        assert journal.last_n == 1


async def test_commits_asked_for_together_all_become_durable(tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    with opened(path) as journal:
        await asyncio.gather(*(journal.commit(Change(rows=(report(n),))) for n in range(1, 30)))
    with opened(path) as again:
        assert [row.n for row in again.reports_after(5, 3)] == [6, 7, 8]
        assert again.last_n == 29


async def test_a_qr_link_never_reaches_the_file(tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    with opened(path) as journal:
        await journal.commit(Change(sale=a_sale(journal.session)))
        await journal.rest()
    for file in tmp_path.iterdir():
        assert b"weixin" not in file.read_bytes()
