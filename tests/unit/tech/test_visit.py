"""What a technician asks of a machine through its driver, in words and in exit codes."""

import asyncio
import fcntl
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
from edge.core.model import Sale, Session, State
from edge.drivers.registry import BUSES, make_dispenser
from edge.journal import Fresh, open_journal
from edge.ports import Change
from edge.tech import visit as asking
from edge.tech.books import NoBooks, books
from edge.tech.choice import PortTaken, claim
from edge.tech.visit import LaneFound, NoAnswer, Refused, Visit
from hw_sim.boards.mechanics import Cabinet
from hw_sim.boards.pty import PtyBoard
from hw_sim.boards.shelf import Wanted, make_board
from tests.unit.drivers.line import Shop

MORE: dict[str, dict[str, Any]] = {
    "xy": {},
    "relay": {"lanes": (11, 12), "relays": 16, "accept_without_proof": True},
    "mdb-qibixx": {"lanes": (11, 12), "items": (11, 12)},
}
BOUND = sorted(set(BUSES) - {"mdb-qibixx", "mdb-waferstar", "junpeng"})


def tech(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["tech", *arguments])


def visiting(bus: str, lanes: tuple[int, ...] = (11, 12)) -> tuple[Shop, Visit]:
    board = make_board(bus, Cabinet.of(lanes), Wanted())
    settings = BUSES[bus]().settings(port=Path("board"), **MORE.get(bus, {"lanes": (11, 12)}))
    shop = Shop(board, lambda clock, wire: make_dispenser(settings, clock, port=wire))
    return shop, Visit(shop.dispenser, shop.clock, shop.told)


async def all_of(visit: Visit, lanes: tuple[int, ...], planned: frozenset[int] | None) -> list[LaneFound]:
    return [lane async for lane in asking.scan(visit, lanes, planned)]


# ---------------------------------------------------------------- in virtual time


@pytest.mark.parametrize("bus", BOUND)
def test_a_board_is_named_and_scanned_and_nothing_turns(bus: str) -> None:
    shop, visit = visiting(bus)
    told = shop.do(asking.identify(visit))
    assert (told["bus"], told["lanes"]) == (bus, [11, 12])
    found = shop.do(all_of(visit, (), None))
    assert [(lane.lane, lane.words) for lane in found] == [(11, ""), (12, "")]
    assert shop.starts == 0


def test_how_a_machine_is_is_told_with_its_counters() -> None:
    shop, visit = visiting("tcn")
    told = shop.do(asking.status(visit))
    assert (told["temperature_c"], told["door_open"], told["troubles"]) == (5, False, {})
    assert told["counters"]["frames"] > 0
    assert [lane["lane"] for lane in told["lanes"]] == [11, 12]
    json.dumps(told)


def test_a_planogram_that_differs_from_the_machine_is_told_lane_by_lane() -> None:
    shop, visit = visiting("xy")
    found = shop.do(all_of(visit, (), frozenset({11, 13})))
    assert [(lane.lane, lane.words) for lane in found] == [
        (11, ""),
        (12, "in the machine, and not planned: nobody can buy here"),
        (13, "planned, and not in the machine"),
    ]


def test_a_scan_stops_at_the_first_over_current() -> None:
    shop, visit = visiting("m102")
    behind, asked = visit.dispenser, list[int]()

    class Shorted:
        """The same driver in a machine whose lane 11 is short."""

        def __getattr__(self, name: str) -> Any:
            return getattr(behind, name)

        async def check(self, lane: int) -> str:
            asked.append(lane)
            return "over_current"

    visit.dispenser = Shorted()
    found = shop.do(all_of(visit, (), None))
    assert asked == [11]
    assert [(lane.reason, lane.words) for lane in found] == [
        ("over_current", "over_current"),
        (None, "not looked at"),
    ]


@pytest.mark.parametrize("bus", BOUND)
def test_one_turn_is_one_turn(bus: str) -> None:
    shop, visit = visiting(bus)
    told = shop.do(asking.turn_once(visit, 12))
    assert (told["lane"], shop.starts) == (12, 1)
    assert told["outcome"] == (
        "Delivered" if shop.dispenser.capabilities.proves_delivery else told["outcome"]
    )


def test_a_jam_is_told_as_what_it_is() -> None:
    shop, visit = visiting("tcn")
    shop.up()
    shop.board.faults.set("no_drop", times=1)
    told = shop.do(asking.turn_once(visit, 12))
    assert (told["outcome"], shop.starts, shop.fallen) == ("NotDelivered", 1, 0)


@pytest.mark.parametrize(
    ("bus", "lane", "words"), [("tcn", 99, "Nothing moved"), ("mdb-qibixx", 11, "itself asks")]
)
def test_a_turn_that_cannot_be_is_refused_before_anything_moves(bus: str, lane: int, words: str) -> None:
    shop, visit = visiting(bus)
    shop.up()
    with pytest.raises(Refused, match=words):
        shop.do(asking.turn_once(visit, lane))
    assert shop.starts == 0


def test_a_board_that_is_silent_is_told_with_what_to_look_at() -> None:
    shop, visit = visiting("tcn")
    shop.board.faults.set("silent", times=-1)
    with pytest.raises(NoAnswer, match=r"no board within 20 s \(identifying, silent, 0 frames\)"):
        shop.do(asking.identify(visit))


# ---------------------------------------------------------------- by command, on a pseudo-terminal


@contextmanager
def machine(lanes: tuple[int, ...] = (11, 12)) -> Iterator[PtyBoard]:
    """An XY board that is served by a thread of its own."""
    ready, made = threading.Event(), list[Any]()

    async def serve() -> None:
        stop = asyncio.Event()
        wanted = Wanted(poll_ms=20, turn_ms=40)
        async with PtyBoard(make_board("xy", Cabinet.of(lanes), wanted)) as board:
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


def settings(folder: Path, board: PtyBoard) -> str:
    file = folder / "edge.toml"
    file.write_text(f'machine = "m-01"\njournal = "edge.db"\n[bus.xy]\nport = "{board.path}"\n')
    return str(file)


def kept(folder: Path, *, state: State | None = None) -> None:
    """A journal with a planogram of lane 11, and a sale in this state."""
    fresh = Fresh(jid="j" * 26, bits="0" * 16, wall_ms=0)
    with open_journal(folder / "edge.db", fresh, confirm_new=True) as journal:
        catalogue = json.dumps({"version": 1, "lanes": [{"lane": 11}]}).encode()
        who = Session(jid="j" * 26, boot=1, bits="0" * 16)
        sale = Sale(sale_id="S1", lane=11, price_fen=1, catalogue_version=1, session=who, opened_wall_ms=0)
        asyncio.run(journal.commit(Change(catalogue=catalogue, sale=sale if state else None)))


def test_a_machine_is_asked_by_its_own_settings(tmp_path: Path) -> None:
    kept(tmp_path)
    with machine() as board:
        config = settings(tmp_path, board)
        named = tech("identify", "--config", config, "--json")
        well = tech("status", "--config", config)
        found = tech("scan", "--config", config)
    assert (named.exit_code, json.loads(named.output)["bus"]) == (0, "xy")
    assert (well.exit_code, "temperature_c: 5" in well.output) == (0, True)
    assert "door_open: not told\ntroubles: none\nlanes:\n  lane=11 stock=5" in well.output
    assert found.exit_code == 1
    assert found.output.splitlines()[-2:] == [
        "   12  in the machine, and not planned: nobody can buy here",
        "2 lanes, 1 to look at",
    ]


def test_a_test_vend_turns_once_and_is_noted_with_who_and_what(tmp_path: Path) -> None:
    kept(tmp_path)
    with machine() as board:
        told = tech("test-vend", "11", "--config", settings(tmp_path, board), "--yes", "--json")
        starts = board.board.cabinet.motor_starts
    assert (told.exit_code, json.loads(told.output)["outcome"], starts) == (0, "Delivered", 1)
    notes = [json.loads(line) for line in (tmp_path / "service.jsonl").read_text().splitlines()]
    assert [(note["did"], note["lane"], note["result"]) for note in notes] == [
        ("test-vend", 11, "asked"),
        ("test-vend", 11, "Delivered"),
    ]
    assert all(note["who"] and note["wall_ms"] > 0 for note in notes)


def test_a_test_vend_on_a_laptop_says_that_it_knows_no_sales() -> None:
    with machine() as board:
        told = tech("test-vend", "12", "--bus", "xy", "--port", board.path, "--yes")
    assert (told.exit_code, "nobody looks whether a sale is unfinished" in told.output) == (0, True)
    assert "outcome: Delivered" in told.output


def test_a_test_vend_without_a_yes_or_with_a_sale_unfinished_moves_nothing(tmp_path: Path) -> None:
    kept(tmp_path, state=State.OPEN)
    with machine() as board:
        config = settings(tmp_path, board)
        asked = tech("test-vend", "11", "--config", config)
        unfinished = tech("test-vend", "11", "--config", config, "--yes")
        starts = board.board.cabinet.motor_starts
    assert (asked.exit_code, "one motor" in asked.output or "would turn once" in asked.output) == (2, True)
    assert (unfinished.exit_code, "systemctl start wxvend-edge" in unfinished.output) == (1, True)
    assert (starts, (tmp_path / "service.jsonl").exists()) == (0, False)


@pytest.mark.parametrize("command", [("identify",), ("status",), ("scan",), ("test-vend", "11", "--yes")])
def test_a_port_of_the_daemon_is_never_shared(command: tuple[str, ...]) -> None:
    with machine() as board:
        held = os.open(board.path, os.O_RDWR | os.O_NOCTTY)
        fcntl.flock(held, fcntl.LOCK_EX)
        told = tech(*command, "--bus", "xy", "--port", board.path)
        os.close(held)
        starts = board.board.cabinet.motor_starts
    assert (told.exit_code, starts) == (1, 0)
    assert "systemctl stop wxvend-edge" in told.output


def test_bad_choices_end_with_code_2_and_their_words(tmp_path: Path) -> None:
    assert tech("scan", "--bus", "tcn", "--port", "/dev/null", "--lanes", "11,x").exit_code == 2
    (tmp_path / "edge.toml").write_text('journal = "none.db"\n[bus.xy]\nport = "/dev/null"\n')
    told = tech("scan", "--config", str(tmp_path / "edge.toml"))
    assert (told.exit_code, "none.db" in told.output) == (2, True)


def test_a_sale_whose_motor_may_have_run_is_unfinished_and_an_ended_one_is_not(tmp_path: Path) -> None:
    kept(tmp_path, state=State.OPEN)
    counted = {}
    for state in ("intent", "delivered", "uncertain"):
        with closing(sqlite3.connect(tmp_path / "edge.db")) as db:
            db.execute("UPDATE sale SET state = ?", (state,))
            db.commit()
        counted[state] = books(tmp_path / "edge.db").unfinished
    assert counted == {"intent": 1, "delivered": 0, "uncertain": 0}


def test_a_port_that_others_only_read_is_still_not_ours() -> None:
    with machine() as board:
        held = os.open(board.path, os.O_RDWR | os.O_NOCTTY)
        fcntl.flock(held, fcntl.LOCK_SH)
        with pytest.raises(PortTaken, match="in use"):
            claim(Path(board.path))
        os.close(held)
        claim(Path(board.path))


def test_books_that_are_none_are_named(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "other.db")) as db:
        db.execute("CREATE TABLE sale (state TEXT)")
    with pytest.raises(NoBooks, match=r"other\.db: no such table: outbox"):
        books(tmp_path / "other.db")
