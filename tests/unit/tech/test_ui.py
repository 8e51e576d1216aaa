"""The technician's screen at 80 by 24, driven by keys, over a board on a pseudo-terminal."""

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from textual.pilot import Pilot
from textual.widgets import Button, Static

from edge.drivers.registry import BUSES
from edge.drivers.trace import read
from edge.tech.ui import Ask, TechScreen
from edge.tech.watch import Watch
from hw_sim.boards.mechanics import Cabinet
from hw_sim.boards.pty import PtyBoard
from hw_sim.boards.shelf import Wanted, make_board

SIZE = (80, 24)
POLL, ACK = bytes.fromhex("fafb410040"), bytes.fromhex("fafb420043")


@asynccontextmanager
async def screen(folder: Path, cabinet: Cabinet) -> AsyncIterator[tuple[TechScreen, "Pilot[None]", PtyBoard]]:
    async with PtyBoard(make_board("xy", cabinet, Wanted(poll_ms=20, turn_ms=40))) as board:
        app = TechScreen(settings(board), config=None, folder=folder)
        async with app.run_test(size=SIZE) as pilot:
            await until(lambda: len(app.desk.cells()) == len(cabinet.lanes) and "●" in app.desk.line)
            yield app, pilot, board


def settings(board: PtyBoard) -> Any:
    return BUSES["xy"]().settings(port=Path(board.path))


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not true():
            await asyncio.sleep(0.01)


def said(app: TechScreen) -> str:
    return str(app.query_one("#said", Static).render())


def shown(app: TechScreen, name: str) -> str:
    return str(app.query_one(f"#{name}", Static).render())


async def test_a_machine_is_scanned_turned_and_recorded_by_keys_alone(tmp_path: Path) -> None:
    cabinet = Cabinet.of((11, 12, 13))
    cabinet.lanes[13].stock = 0
    async with screen(tmp_path, cabinet) as (app, pilot, _):
        # everything fits
        for each in app.query(Button):
            assert app.screen.region.contains_region(each.region), each
            assert each.region.height == 3
        await until(lambda: "Poll" in shown(app, "trace"))
        await pilot.press("s")
        await until(lambda: said(app) == "scan: 3 lanes, 1 to look at")
        assert [(cell.lane, cell.mark, cell.words) for cell in app.desk.cells()] == [
            (11, "●", "5 in"),
            (12, "●", "5 in"),
            (13, "■", "sold_out"),
        ]
        # a turn is asked about, and may be left
        await pilot.press("right", "v")
        await until(lambda: isinstance(app.screen, Ask))
        await pilot.press("v", "n")
        await until(lambda: said(app) == "lane 12: left alone")
        assert cabinet.motor_starts == 0
        # and is recorded
        await pilot.press("r", "v")
        await until(lambda: isinstance(app.screen, Ask))
        await pilot.press("y")
        await until(lambda: "test vend: lane 12: Delivered" in said(app))
        assert (cabinet.motor_starts, cabinet.lanes[12].stock) == (1, 4)
        file = app.desk.recording
        assert file is not None
        await pilot.press("r")
        assert file.name in said(app)
        assert app.desk.recording is None
        # less and more
        await pilot.press("t")
        await until(lambda: said(app).startswith(("temperature: ", "■ temperature")))
        await pilot.press("p")
        await until(lambda: "Poll" not in shown(app, "trace"))
        picture = app.export_screenshot()
        assert "Test&#160;vend&#160;(v)" in picture
        await pilot.press("q")
    head, pieces = read(file.read_text().splitlines())
    watch = Watch(head.bus)
    assert "Drive" in [seen.frame.name for piece in pieces for seen in watch.feed(piece)]


async def test_a_port_that_is_taken_is_told_in_words(tmp_path: Path) -> None:
    async with PtyBoard(make_board("xy", Cabinet.of((11,)), Wanted(poll_ms=20))) as board:
        held = os.open(board.path, os.O_RDWR | os.O_NOCTTY)
        fcntl.flock(held, fcntl.LOCK_EX)
        app = TechScreen(settings(board), config=None, folder=tmp_path)
        async with app.run_test(size=SIZE):
            await until(lambda: app.why != "")
        os.close(held)
    assert (app.return_code, "in use" in app.why) == (1, True)


async def test_at_full_speed_nothing_is_lost_and_the_newest_is_shown(tmp_path: Path) -> None:
    """Two seconds of 115200 Bd at once: 2304 polls and as many answers."""
    async with screen(tmp_path, Cabinet.of((11,))) as (app, pilot, _):
        before, bytes_before = app.desk.watch.counters.frames, app.desk.bytes_heard
        started_ms, count = app.desk.clock.now_ms(), 2304
        for number in range(count):
            app.desk.heard("rx", POLL, started_ms + number)
            app.desk.heard("tx", ACK, started_ms + number)
        assert app.desk.watch.counters.frames - before == 2 * count
        assert app.desk.bytes_heard - bytes_before == 10 * count
        app.look()
        last = f"{app.desk.newest[-1].at_ms / 1000:.3f}"
        assert last in shown(app, "trace").splitlines()[-1]
        await pilot.press("q")
