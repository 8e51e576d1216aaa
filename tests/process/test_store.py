"""Real processes on real files: killed at any moment, out of space; how often they wait for the disk."""

import asyncio
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cloud_bridge.core.ledger import Account
from cloud_bridge.store.books import open_store
from cloud_bridge.store.schema import StoreUnusable
from tests.process.store_child import DEATHS, TOGETHER, opened

ROOT = Path(__file__).parents[2]


def child(how: str, url: str, acks: Path, *under: str) -> "subprocess.CompletedProcess[str]":
    command = [*under, sys.executable, "-m", "tests.process.store_child", how, url, str(acks)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=90, check=False)


def strace(*options: str) -> list[str]:
    if shutil.which("strace") is None:
        assert os.environ.get("CI") != "true", "no strace. Try: apt install strace"
        pytest.skip("no strace. Try: apt install strace")
    return ["strace", "-f", "-qq", "-y", *options]


def acknowledged(acks: Path) -> set[int]:
    return {int(line) for line in acks.read_text().split()} if acks.exists() else set()


def check(url: str, acks: Path) -> int:
    """Everything acknowledged is there, nothing is there by half; how many sales there are."""

    async def look() -> int:
        store = opened(url)
        try:
            sales = await store.sales(machine="", limit=1_000_000)
            told = [await store.sale(sale.sale_id) for sale in sales]
            totals, entries = await store.totals(), (await store.check()).entries
        finally:
            store.close()
        numbers = {int(sale.sale_id) for sale in sales}
        assert acknowledged(acks) <= numbers
        assert [[fact.what for fact in each[1]] for each in told if each] == [["first", "last"]] * len(sales)
        assert entries == len(sales)
        assert totals[f"{Account.PLATFORM_CLEARING}_balance_fen"] == 350 * len(sales)
        return len(sales)

    return asyncio.run(look())


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/books.db"


# ---------------------------------------------------------------- killed


def test_lives_cut_short_at_any_moment_lose_nothing_acknowledged(url: str, tmp_path: Path) -> None:
    done = child("die", url, tmp_path / "acks")
    assert done.returncode == 0, done.stderr
    assert check(url, tmp_path / "acks") >= len(acknowledged(tmp_path / "acks")) >= DEATHS


WRITES = (2, 4, 5, 7, 11, 16, 22, 30, 45)


@pytest.mark.parametrize("call", [*(f"pwrite64:{n}" for n in WRITES), *(f"fdatasync:{n}" for n in (1, 2, 3))])
def test_a_kill_in_the_middle_of_a_commit_leaves_all_of_it_or_nothing(
    call: str, url: str, tmp_path: Path
) -> None:
    """The n-th write, or flush, of a thread is the last thing it does: first of the one that opens."""
    opened(url).close()
    name, n = call.split(":")
    killing = strace("-o", "/dev/null", "-e", f"trace={name}", "-e", f"inject={name}:signal=KILL:when={n}")
    done = child("sell", url, tmp_path / "acks", *killing)
    assert done.returncode in (-signal.SIGKILL, 128 + signal.SIGKILL), done.stderr
    found = check(url, tmp_path / "acks")
    assert found - len(acknowledged(tmp_path / "acks")) <= TOGETHER


def test_a_disk_that_takes_no_more_fails_everybody_and_loses_nothing(url: str, tmp_path: Path) -> None:
    done = child("fill", url, tmp_path / "acks")
    assert done.returncode == 0, done.stderr
    first, second = done.stderr.splitlines()
    assert re.fullmatch(
        r"the books failed: (disk I/O error|.*full)\. Nothing more is written\. Try: restart", first
    )
    assert second == first
    assert check(url, tmp_path / "acks") == len(acknowledged(tmp_path / "acks")) > 0


# ---------------------------------------------------------------- flushes


def test_every_sale_is_flushed_before_it_is_acknowledged_and_many_share_a_flush(
    url: str, tmp_path: Path
) -> None:
    opened(url).close()
    log, marks = tmp_path / "strace", tmp_path / "marks"
    done = child("flushes", url, marks, *strace("-o", str(log), "-e", "trace=fdatasync,fsync,write"))
    assert done.returncode == 0, done.stderr
    counts: list[tuple[str, int]] = []
    flushed = 0
    for line in log.read_text().splitlines():
        if re.search(r"\b(fdatasync|fsync)\(\d+<[^>]*books\.db", line):
            flushed += 1
        elif told := re.search(r'write\(\d+<[^>]*marks>, "(.*)\\n"', line):
            counts.append((told[1], flushed))
            flushed = 0
    assert counts[1:-1] == [(f"one {number}", 1) for number in range(20)]
    name, shared = counts[-1]
    assert name == "many"
    assert 2 <= shared <= 6, "200 callers"


# ---------------------------------------------------------------- not ours to write


@contextmanager
def nobody() -> Iterator[None]:
    """Without the rights of root, if we have them."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


@pytest.mark.parametrize("locked", ["books.db", "."])
def test_books_that_cannot_be_written_are_refused_by_name(locked: str) -> None:
    folder = Path(tempfile.mkdtemp())  # a folder that everybody may enter
    try:
        url = f"sqlite:///{folder}/books.db"
        opened(url).close()
        folder.chmod(0o777)
        (folder / "books.db.lock").chmod(0o666)
        (folder / "books.db").chmod(0o444)
        if locked == ".":
            (folder / "books.db.lock").unlink()
            folder.chmod(0o555)
        with (
            nobody(),
            pytest.raises(StoreUnusable, match=rf"books\.db: cannot be opened: .*denied: '{folder}"),
        ):
            open_store(url, incarnation=lambda: "x")
    finally:
        folder.chmod(0o700)
        shutil.rmtree(folder)
