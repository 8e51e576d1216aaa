"""The board on its pseudo-terminal and its remote control."""

import asyncio
import json
import os
import pty
import select
import subprocess
import sys
import tty
from pathlib import Path

import pytest

from hw_sim.boards.board import Event
from hw_sim.boards.control import as_line, obey
from hw_sim.boards.mechanics import Cabinet
from hw_sim.boards.pty import PtyBoard
from hw_sim.boards.xy import BoardSettings, XyBoard
from hw_sim.boards.xy_codec import ACK, frame
from hw_sim.demo.children import Child, Line

WXVEND = str(Path(sys.executable).with_name("wxvend"))


def board() -> XyBoard:
    return XyBoard(Cabinet.of((11, 12)), BoardSettings(poll_ms=20))


async def test_a_driver_finds_a_serial_port_with_a_machine_behind_it(tmp_path: Path) -> None:
    link = tmp_path / "board"
    async with PtyBoard(board(), link=link) as served:
        assert os.path.realpath(link) == served.path
        handle = os.open(link, os.O_RDWR | os.O_NOCTTY)
        tty.setraw(handle)
        greeting = await asyncio.to_thread(os.read, handle, 6)
        assert greeting == frame(0x31, 1)
        os.write(handle, ACK)
        after = await asyncio.to_thread(os.read, handle, 5)
        assert after == bytes.fromhex("fafb410040")
        os.close(handle)
    assert not link.exists()


def test_every_wish_is_done() -> None:
    one = board()
    for wish in (
        {"do": "fault", "name": "jam", "times": 1},
        {"do": "stock", "lane": 12, "pieces": 1},
        {"do": "pause", "lane": 11, "on": True},
        {"do": "key", "lane": 12},
        {"do": "cancel"},
        {"do": "power", "on": False},
        {"do": "restart"},
    ):
        assert obey(json.dumps(wish), one, 0.0) is None
    assert one.faults.names == ("jam",)
    assert (one.cabinet.lanes[12].stock, one.cabinet.lanes[11].paused) == (1, True)


def test_the_books_are_the_physical_truth() -> None:
    one = board()
    lane = one.cabinet.lanes[12]
    one.cabinet.turn(lane)
    one.cabinet.drop(lane)
    told = obey('{"do": "books"}', one, 5.0)
    assert told is not None
    assert (told["pieces_dropped"], told["motor_starts"]) == (1, 1)
    assert told["lanes"]["12"] == {"stock": 4, "fallen": 1, "starts": 1}


def test_a_wish_nobody_understands_is_answered_with_what_is_allowed() -> None:
    for line in ("nonsense", "[]", '{"do": "dance"}', '{"do": "key"}', '{"do": "fault", "name": "x"}'):
        told = obey(line, board(), 0.0)
        assert told is not None
        assert told["event"] == "refused"
    told = obey('{"do": "dance"}', board(), 0.0)
    assert told is not None
    assert "found 'dance', allowed key, cancel" in told["why"]


def test_an_event_is_told_as_one_flat_object() -> None:
    event = Event(what="frame", t_ms=1.23456, fields=(("dir", "to_host"), ("words", "poll")))
    assert as_line(event) == {"event": "frame", "t_ms": 1.235, "dir": "to_host", "what": "poll"}


async def test_the_program_says_first_where_its_board_is_and_last_what_fell(tmp_path: Path) -> None:
    lines: list[Line] = []
    link = str(tmp_path / "board")
    arguments = ("sim", "board", "--bus", "xy", "--link", link, "--fault", "jam:1", "--poll-ms", "20")
    child = Child("board", WXVEND, *arguments, folder=tmp_path, hear=lambda _, line: lines.append(line))
    await child.start()
    ready = await child.first(lambda line: True)
    assert ready["event"] == "ready"
    assert os.path.realpath(link) == ready["path"]
    child.tell({"do": "key", "lane": 12})
    await child.first(lambda line: line.get("what") == "selection keyed: lane 12")
    await child.stop()
    assert lines[-1]["event"] == "books"
    assert lines[-1]["faults"] == ["jam"]


@pytest.mark.parametrize(("option", "told"), [("", False), ("--quiet", False), ("--trace", True)])
def test_on_a_terminal_a_person_sees_what_happens_between_the_polls(
    tmp_path: Path, option: str, told: bool
) -> None:
    ours, theirs = pty.openpty()
    link = tmp_path / "board"
    arguments = [WXVEND, "sim", "board", "--link", str(link), "--poll-ms", "20", *option.split()]
    with subprocess.Popen(arguments, stdin=theirs, stdout=theirs) as child:
        os.close(theirs)
        heard = heard_until(ours, b'"ready"')
        bus = os.open(link, os.O_RDWR | os.O_NOCTTY)
        tty.setraw(bus)
        assert os.read(bus, 6) == frame(0x31, 1)
        acknowledge_until(bus, b"\xfa\xfb\x41")
        os.write(ours, b'{"do": "key", "lane": 12}\n')
        acknowledge_until(bus, b"\xfa\xfb\x05")
        heard += heard_until(ours, b"selection keyed: lane 12")
        child.terminate()
        os.close(bus)
    os.close(ours)
    assert (b"fafb410040" in heard) is told
    assert (b"fafb420043" in heard) is told
    assert (heard.count(b"fafb3101") == 1) or told  # however often the board called before it was answered


def acknowledge_until(bus: int, start: bytes) -> None:
    """Answer the board as a machine does until such a frame came."""
    seen = b""
    for _ in range(500):
        os.write(bus, ACK)
        seen += os.read(bus, 64)
        if start in seen:
            return
    pytest.fail(f"found {seen.hex()}, no {start.hex()}")


def heard_until(terminal: int, words: bytes) -> bytes:
    """What the program says up to these words."""
    heard = b""
    while words not in heard:
        ready, _, _ = select.select([terminal], [], [], 30)
        assert ready, f"heard {heard!r} and then nothing"
        heard += os.read(terminal, 4096)
    return heard
