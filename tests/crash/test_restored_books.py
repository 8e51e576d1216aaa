"""The books are put back from an old copy in the middle of sales: the machine says again what they lack."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from hw_sim.soak.cast import Truth
from tests.crash.test_attackers import PRICE_FEN, Siege
from tests.shell.broker import require_mosquitto


def copy(siege: Siege) -> None:
    """Keep the books as they are now."""
    with (
        closing(sqlite3.connect(siege.folder / "bridge.db")) as books,
        closing(sqlite3.connect(siege.folder / "old.db")) as old,
    ):
        books.backup(old)


async def put_back(siege: Siege) -> None:
    """The bridge goes on with the copy; the machine stays connected and notices nothing."""
    await siege.kill("bridge")
    for part in siege.folder.glob("bridge.db-*"):
        part.unlink()
    shutil.copy(siege.folder / "old.db", siege.folder / "bridge.db")
    await siege.start("bridge")


async def becomes(siege: Siege, state: str) -> None:
    seen: list[Truth] = []

    def wanted() -> bool:
        return bool(seen) and state in {sale.state for sale in seen[-1].books.bridge.values()}

    while not wanted():
        seen.append(await siege.truth())


@pytest.mark.timeout(240)
@pytest.mark.parametrize("falls", [True, False])
async def test_a_sale_that_the_copy_never_heard_of_ends_as_it_did_before(falls: bool, tmp_path: Path) -> None:
    require_mosquitto()
    async with Siege(tmp_path) as siege:
        copy(siege)
        if not falls:
            siege.press({"do": "fault", "name": "no_drop", "times": 1})
        await siege.pays(await siege.chooses())
        await becomes(siege, "vended" if falls else "refunded")
        await put_back(siege)
        await becomes(siege, "vended" if falls else "refunded")
        ends = await siege.ends()
        assert ends.get("vended", 0) == falls
        assert (ends["starts"], ends["back"]) == (1, 0 if falls else PRICE_FEN)


@pytest.mark.timeout(240)
@pytest.mark.parametrize("falls", [True, False])
async def test_a_copy_from_the_middle_of_a_sale_starts_no_motor_again_and_pays_nothing_back_twice(
    falls: bool, tmp_path: Path
) -> None:
    require_mosquitto()
    async with Siege(tmp_path, turn_ms=1500) as siege:
        if not falls:
            siege.press({"do": "fault", "name": "no_drop", "times": 1})
        await siege.pays(await siege.chooses())
        await becomes(siege, "paid")
        copy(siege)
        await becomes(siege, "vended" if falls else "refunded")
        await put_back(siege)
        ends = await siege.ends()
        assert ends.get("vended", 0) == falls
        assert (ends["starts"], ends["back"]) == (1, 0 if falls else PRICE_FEN)
