"""Drop sensor, light, temperature, lift and faults by command: what is typed, seen, and noted."""

import asyncio
import json
import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from cli import main
from edge.core.model import State
from edge.drivers.registry import BUSES
from edge.tech.desk import Desk
from edge.tech.noting import Noting, forget, noted
from edge.tech.visit import Refused
from hw_sim.boards.mechanics import Cabinet
from hw_sim.boards.pty import PtyBoard
from hw_sim.boards.shelf import Wanted, make_board
from tests.unit.tech.test_visit import kept


def tech(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["tech", *arguments])


@contextmanager
def board_of(bus: str) -> Iterator[PtyBoard]:
    """A board that is served by a thread of its own."""
    ready, made = threading.Event(), list[Any]()

    async def serve() -> None:
        stop = asyncio.Event()
        async with PtyBoard(make_board(bus, Cabinet.of((11, 12)), Wanted(turn_ms=40))) as board:
            made.extend((board, asyncio.get_running_loop(), stop))
            ready.set()
            await stop.wait()

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    assert ready.wait(10)
    board, loop, stop = made
    try:
        yield board
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)


def test_a_lifter_is_asked_moved_and_cleared_and_what_changes_it_is_noted(tmp_path: Path) -> None:
    kept(tmp_path)
    with board_of("tcn-lifter") as board:
        (tmp_path / "edge.toml").write_text(
            f'journal = "edge.db"\n[bus.tcn-lifter]\nport = "{board.path}"\nlanes = [11, 12]\n'
        )
        config = ("--config", str(tmp_path / "edge.toml"))
        asked = tech("lift", "layer", "3", *config)
        moved = tech("lift", "layer", "3", *config, "--yes")
        at = board.board.cabinet.lift
        board.board.faults.set("lift_fault", times=1)
        stuck = tech("lift", "home", *config, "--yes", "--json")
        cleared = tech("faults", "--clear", *config)
        well = tech("drop-sensor", *config, "--json")
    assert (asked.exit_code, "it would move" in asked.output) == (2, True)
    assert (moved.exit_code, moved.output, at) == (0, "lift: layer: done\n", 3)
    assert (stuck.exit_code, json.loads(stuck.output)) == (1, {"error_1": "elevator_fault (7)"})
    assert (cleared.exit_code, cleared.output) == (
        0,
        "before: error_1=elevator_fault (7)\nafter: faults=none\n",
    )
    assert (well.exit_code, json.loads(well.output)) == (0, {"light_barrier": "clear", "hatch": "empty"})
    notes = [json.loads(line) for line in (tmp_path / "service.jsonl").read_text().splitlines()]
    assert [(note["did"], note["result"]) for note in notes] == [
        ("lift", "asked"),
        ("lift", "lift=layer: done"),
        ("lift", "asked"),
        ("lift", "error_1=elevator_fault (7)"),
        ("faults --clear", "asked"),
        ("faults --clear", "after: faults=none"),
    ]


def test_a_light_and_a_temperature_are_set_on_a_laptop(tmp_path: Path) -> None:
    with board_of("tcn") as board:
        bus = ("--bus", "tcn", "--port", board.path, "--lanes", "11", "--set", "self_check=false")
        lit = tech("light", "on", *bus)
        told = tech("temperature", "--set", "7", *bus)
        cabinet = board.board.cabinet
    assert (lit.exit_code, lit.stdout, cabinet.light) == (0, "light: on\n", True)
    assert (told.exit_code, told.stdout, cabinet.target_c) == (0, "target_c: 7\n", 7)


@pytest.mark.parametrize(
    ("command", "bus", "words"),
    [
        (("lift", "home", "--yes"), "tcn", "allowed tcn-lifter, xy, zdm8"),
        (("light", "on"), "xy", "allowed jinma, m102, relay, tcn, zdm8"),
        (("faults", "--clear"), "m102", "allowed adh814, tcn-lifter, xy"),
        (("drop-sensor",), "mdb-qibixx", "allowed easivend, jinma, tcn, tcn-lifter, xy, zdm8"),
        (("temperature", "--set", "5"), "ziman", "allowed adh814, jinma, tcn, xy"),
    ],
)
def test_a_bus_that_cannot_is_named_with_those_that_can_before_a_port_is_opened(
    command: tuple[str, ...], bus: str, words: str
) -> None:
    told = tech(*command, "--bus", bus, "--port", "/dev/null", "--lanes", "11")
    assert told.exit_code == 2
    assert f": found bus {bus}, which has no word for it; {words}\n" in told.output


@pytest.mark.parametrize("bus", ["zdm8", "jinma"])
def test_faults_of_a_board_that_tells_a_result_once_wait_for_the_sale_that_it_may_be_of(
    bus: str, tmp_path: Path
) -> None:
    kept(tmp_path, state=State.INTENT)
    with board_of(bus) as board:
        (tmp_path / "edge.toml").write_text(
            f'journal = "edge.db"\n[bus.{bus}]\nport = "{board.path}"\nlanes = [11, 12]\n'
        )
        config = ("--config", str(tmp_path / "edge.toml"))
        typed = tech("faults", *config)
        pressed = asyncio.run(faults_key(bus, Path(board.path), tmp_path / "edge.toml"))
        laptop = tech("faults", "--bus", bus, "--port", board.path, "--lanes", "11,12")
        with closing(sqlite3.connect(tmp_path / "edge.db")) as db:
            db.execute("UPDATE sale SET state = 'delivered'")
            db.commit()
        settled = tech("faults", *config)
    assert (typed.exit_code, "1 sale unfinished in the journal" in typed.output) == (1, True)
    assert "1 sale unfinished in the journal" in pressed
    assert "nobody looks whether a sale is unfinished" in laptop.stderr
    assert (settled.exit_code, settled.output) == (0, "faults: none\n")


async def faults_key(bus: str, port: Path, config: Path) -> str:
    """What the technician's screen says to the key of faults."""
    desk = Desk(BUSES[bus]().settings(port=port, lanes=(11, 12)), config=config, told=print)
    async with desk.open():
        try:
            return await desk.faults()
        except Refused as error:
            return str(error)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a file that the daemon could not write")
def test_what_root_notes_first_is_still_the_daemons_to_write(tmp_path: Path) -> None:
    kept(tmp_path)
    (tmp_path / "edge.toml").write_text('journal = "edge.db"\n')
    os.chown(tmp_path, 12_345, 12_345)
    noted(tmp_path / "edge.toml", Noting(did="light"), forget)("asked")
    file = tmp_path / "service.jsonl"
    assert (file.stat().st_uid, file.stat().st_mode & 0o777) == (12_345, 0o600)
