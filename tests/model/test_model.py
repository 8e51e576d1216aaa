"""The model of one sale, checked exhaustively: all safeguards on, nothing breaks; one off, something does.

`sale.pml` lets a message arrive any number of times, at any later moment, in any order, or never, and power
fail at any step. What it leaves out stands in docs/promise.md.
"""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

MODEL: Final = Path(__file__).with_name("sale.pml")
DEPTH: Final = 200_000
_SAFETY: Final = ("-DSAFETY", "-DNOCLAIM")
_LIVENESS: Final = ("-DNFAIR=6",)


@dataclass(frozen=True, slots=True)
class Row:
    """Switches of the model, and whether its invariants then hold. `memory`: of which boards it speaks."""

    name: str
    holds: bool
    switches: str
    memory: tuple[int, ...] = (1, 0)
    live: bool = False


ALL_ON: Final = (
    Row("all on", True, "CRASH=3"),
    Row("all on, a machine may be declared gone", True, "CRASH=3 GONE=1"),
    Row("all on, the daily bill is read", True, "CRASH=3 BILL=1"),
    Row("all on, the bridge comes back from an old backup", True, "CRASH=3 RESTORE=1"),
    Row("all on, all of it, journal lost twice", True, "CRASH=3 WIPE=2 ROLLBACK=1 RESTORE=1 GONE=1 BILL=1"),
    Row("every payment ends, under weak fairness", True, "CRASH=2", live=True),
    Row("every payment ends, with a restore", True, "CRASH=1 RESTORE=1", live=True),
)
# Off alone, each of these breaks an invariant: goods and refund, two starts, books that differ, a hang.
NEEDED: Final = (
    *(Row(name, False, f"G_{name}=0") for name in ("INTENT", "NOREACT", "UNIQUE", "JUDGE", "SEQ", "STALE")),
    *(Row(name, False, f"G_{name}=0") for name in ("RECHECK", "WRITE", "SLACK", "TIME", "OPENDB", "NORETRY")),
    *(Row(name, False, f"G_{name}=0") for name in ("DBFIRST", "SENT", "EVIDENCE", "QUERY", "RNO", "RTWO")),
    *(Row(name, False, f"G_{name}=0") for name in ("POLL", "CLOSE")),
    Row("LOCK", False, "G_LOCK=0 BOOKS=0"),
    Row("SETTLE", False, "G_SETTLE=0", memory=(1,)),
    Row("TOMB", False, "G_TOMB=0 BOOKS=0"),
    Row("ROLL", False, "G_ROLL=0 ROLLBACK=1 BOOKS=0"),
    Row("FOREIGN", False, "G_FOREIGN=0 RESTORE=1"),
    Row("REPEAT", False, "G_NORETRY=0 G_REPEAT=0 OTHER=0", memory=(1,)),
)
# Off alone, another stands in; off together, something breaks.
BACKED_UP: Final = (
    Row("NORETRY, a board that knows every repeat", True, "G_NORETRY=0 OTHER=0", memory=(1,)),
    Row("DEDUPE, backed up by UNIQUE", True, "G_DEDUPE=0"),
    Row("DEDUPE and UNIQUE", False, "G_DEDUPE=0 G_UNIQUE=0 RACE=0"),
    Row("UNIQUE, handlers strictly one after another", True, "G_UNIQUE=0 RACE=0"),
    Row("LEASE, backed up by RECHECK", True, "G_LEASE=0"),
    Row("LEASE and RECHECK", False, "G_LEASE=0 G_RECHECK=0"),
    Row("BOOT, backed up by SESSION", True, "G_BOOT=0"),
    Row("SESSION, backed up by BOOT", True, "G_SESSION=0"),
    Row("BOOT and SESSION", False, "G_BOOT=0 G_SESSION=0"),
    Row("ROW, backed up by SESSION", True, "G_ROW=0"),
    Row("ROW and SESSION", False, "G_ROW=0 G_SESSION=0"),
    Row("ACK, backed up by POLL", True, "G_ACK=0"),
    Row("POLL, if the platform never gave up notifying", True, "G_POLL=0 LOSSY=0"),
    Row("ACK and POLL", False, "G_ACK=0 G_POLL=0 LOSSY=0"),
    Row("POLL, found by the bill a day late", True, "G_POLL=0 BILL=1"),
    Row("CLOSE, found by the bill a day late", True, "G_CLOSE=0 BILL=1"),
)


@pytest.fixture
def spin() -> str:
    found = shutil.which("spin")
    if found is None or shutil.which("cc") is None:
        reason = "spin or a C compiler is not installed; try: apt-get install spin gcc libc6-dev"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return found


@pytest.mark.parametrize("row", ALL_ON, ids=lambda row: row.name)
def test_with_every_safeguard_on_nothing_breaks(row: Row, spin: str, tmp_path: Path) -> None:
    _check(row, spin, tmp_path)


@pytest.mark.parametrize("row", NEEDED, ids=lambda row: row.name)
def test_without_a_safeguard_something_breaks(row: Row, spin: str, tmp_path: Path) -> None:
    _check(row, spin, tmp_path)


@pytest.mark.parametrize("row", BACKED_UP, ids=lambda row: row.name)
def test_what_backs_up_what(row: Row, spin: str, tmp_path: Path) -> None:
    _check(row, spin, tmp_path)


def _check(row: Row, spin: str, folder: Path) -> None:
    for memory in row.memory:
        found = _run(row, memory, spin, folder)
        whole = not any(words in found for words in ("truncated", "too small", "max search depth"))
        assert "State-vector" in found, found
        assert ("errors: 0" in found and whole) is row.holds, f"board with memory={memory}\n{found}"


def _run(row: Row, memory: int, spin: str, folder: Path) -> str:
    defines = [f"-D{each}" for each in (f"DURABLE={memory}", *row.switches.split())]
    kind = _LIVENESS if row.live else _SAFETY
    search = ["-a", "-f", "-E", "-N", "live"] if row.live else ["-E"]
    for command in (
        [spin, "-a", *defines, str(MODEL)],
        ["cc", "-O1", "-w", "-DNOREDUCE", *kind, "-o", "pan", "pan.c"],
    ):
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
    searched = subprocess.run(
        [folder / "pan", f"-m{DEPTH}", *search], cwd=folder, capture_output=True, text=True
    )
    return searched.stdout + searched.stderr
