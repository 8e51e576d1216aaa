"""The machine's wall clock jumps in the middle of a sale: no promise hangs on it (G-TIME).

libfaketime steps the wall clock of the running daemon and leaves its monotonic clocks alone.
"""

import os
import re
from pathlib import Path

import pytest

from tests.crash.test_attackers import Siege
from tests.process.programs import PATIENCE_S
from tests.shell.broker import require_mosquitto

STEPS = {
    "a day back": "-1d",
    "two hours on": "+2h",
    "a year on": "+1y",
    "back to 1970": "@1970-01-02 00:00:00",
}


def library() -> Path:
    """Skips without libfaketime; fails under CI."""
    for found in Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"):
        return found
    assert os.environ.get("CI") != "true", "no libfaketime. Try: apt install faketime"
    pytest.skip("no libfaketime. Try: apt install faketime")


def years(folder: Path) -> set[str]:
    """In which years the machine's daemon wrote lines, by its own clock."""
    return set(re.findall(r'"timestamp": "(\d{4})', (folder / "edge.log").read_text()))


async def with_a_clock_of_its_own(siege: Siege, folder: Path) -> Path:
    """Start the machine again under a clock that follows a file; that file."""
    clock = folder / "clock"
    clock.write_text("+0\n")
    words = {
        "LD_PRELOAD": str(library()),
        "FAKETIME_TIMESTAMP_FILE": str(clock),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    await siege.kill("edge")
    siege.prefix["edge"] = ("/usr/bin/env", *(f"{name}={value}" for name, value in words.items()))
    await siege.start("edge")
    await siege.ready(PATIENCE_S)
    return clock


@pytest.mark.timeout(180)
async def test_a_step_of_the_wall_clock_between_code_and_payment_changes_nothing(tmp_path: Path) -> None:
    require_mosquitto()
    async with Siege(tmp_path) as siege:
        clock = await with_a_clock_of_its_own(siege, tmp_path)
        for number, step in enumerate(STEPS.values(), start=1):
            code = await siege.chooses()
            clock.write_text(f"{step}\n")
            await siege.pays(code)
            assert await siege.ends() == {"vended": number, "starts": number, "back": 0}, step
        assert len(years(tmp_path)) >= 3, "the steps did not reach the daemon"


@pytest.mark.timeout(180)
async def test_an_unpaid_sale_lapses_whatever_the_wall_clock_says(tmp_path: Path) -> None:
    require_mosquitto()
    async with Siege(tmp_path) as siege:
        clock = await with_a_clock_of_its_own(siege, tmp_path)
        for step in STEPS.values():
            await siege.chooses()
            clock.write_text(f"{step}\n")
        assert await siege.ends() == {"closed": len(STEPS), "starts": 0, "back": 0}
        assert "1970" in years(tmp_path), "the steps did not reach the daemon"
